package regulation

import (
	"errors"
	"testing"
	"time"

	"tocsin/internal/breach"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDeadlines(t *testing.T) {
	calendars, _, err := loadCalendars()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		d    deadline
		from string
		zone string
		want string
	}{
		{"an hour over midnight", deadline{amount: 1, unit: "hour"}, "2026-11-22T23:30:00+08:00", "Asia/Shanghai", "2026-11-23T00:30:00+08:00"},
		{"thirty minutes", deadline{amount: 30, unit: "minute"}, "2026-11-22T23:30:00+08:00", "Asia/Shanghai", "2026-11-23T00:00:00+08:00"},
		{"72 hours when clocks go back", deadline{amount: 72, unit: "hour"}, "2026-10-23T12:00:00+02:00", "Europe/Brussels", "2026-10-26T11:00:00+01:00"},
		{"a day when clocks go back ends with the day", deadline{amount: 1, unit: "calendar_day", start: "next_day"}, "2026-10-24T12:00:00+02:00", "Europe/Brussels", "2026-10-25T23:59:59+01:00"},
		{"a day when clocks go forward ends with the day", deadline{amount: 1, unit: "calendar_day", start: "next_day"}, "2026-03-28T12:00:00+01:00", "Europe/Brussels", "2026-03-29T23:59:59+02:00"},
		{"the day does not count", deadline{amount: 30, unit: "calendar_day", start: "next_day"}, "2026-01-31T23:59:59+08:00", "Asia/Shanghai", "2026-03-02T23:59:59+08:00"},
		{"the day counts", deadline{amount: 30, unit: "calendar_day", start: "same_day"}, "2026-01-31T00:00:00+09:00", "Asia/Tokyo", "2026-03-01T23:59:59+09:00"},
		{"leap day", deadline{amount: 1, unit: "calendar_day", start: "next_day"}, "2028-02-28T12:00:00+08:00", "Asia/Shanghai", "2028-02-29T23:59:59+08:00"},
		{"another zone's day", deadline{amount: 1, unit: "calendar_day", start: "next_day"}, "2026-11-22T20:00:00Z", "Asia/Shanghai", "2026-11-24T23:59:59+08:00"},
		{"the end of the year", deadline{amount: 60, unit: "calendar_day", start: "year_end"}, "2026-01-01T00:00:00-05:00", "America/New_York", "2027-03-01T23:59:59-05:00"},
		{"the last second of the year", deadline{amount: 60, unit: "calendar_day", start: "year_end"}, "2026-12-31T23:59:59-05:00", "America/New_York", "2027-03-01T23:59:59-05:00"},
		{"the National Day of 2026", deadline{amount: 1, unit: "business_day", start: "next_day", calendar: "cn"}, "2026-09-30T18:00:00+08:00", "Asia/Shanghai", "2026-10-08T23:59:59+08:00"},
		{"the make-up Saturday after it", deadline{amount: 3, unit: "business_day", start: "next_day", calendar: "cn"}, "2026-09-30T18:00:00+08:00", "Asia/Shanghai", "2026-10-10T23:59:59+08:00"},
		{"the make-up Sunday before it", deadline{amount: 1, unit: "business_day", start: "next_day", calendar: "cn"}, "2026-09-19T18:00:00+08:00", "Asia/Shanghai", "2026-09-20T23:59:59+08:00"},
		{"an ordinary weekend", deadline{amount: 1, unit: "business_day", start: "next_day", calendar: "cn"}, "2026-11-20T18:00:00+08:00", "Asia/Shanghai", "2026-11-23T23:59:59+08:00"},
		{"Memorial Day", deadline{amount: 4, unit: "business_day", start: "next_day", calendar: "us-federal"}, "2026-05-22T09:00:00-04:00", "America/New_York", "2026-05-29T23:59:59-04:00"},
		{"Independence Day kept on the Friday", deadline{amount: 1, unit: "business_day", start: "next_day", calendar: "us-federal"}, "2026-07-02T09:00:00-04:00", "America/New_York", "2026-07-06T23:59:59-04:00"},
		{"a new year's day kept on 31 December", deadline{amount: 1, unit: "business_day", start: "next_day", calendar: "us-federal"}, "2027-12-30T09:00:00-05:00", "America/New_York", "2028-01-03T23:59:59-05:00"},
		{"Japan's year end", deadline{amount: 1, unit: "business_day", start: "next_day", calendar: "jp"}, "2026-12-28T09:00:00+09:00", "Asia/Tokyo", "2027-01-04T23:59:59+09:00"},
		{"Japan's citizens' holiday", deadline{amount: 1, unit: "business_day", start: "next_day", calendar: "jp"}, "2026-09-18T09:00:00+09:00", "Asia/Tokyo", "2026-09-24T23:59:59+09:00"},
		{"Brazil's Black Awareness Day", deadline{amount: 1, unit: "business_day", start: "next_day", calendar: "br"}, "2026-11-19T09:00:00-03:00", "America/Sao_Paulo", "2026-11-23T23:59:59-03:00"},
		{"a last day that rolls", deadline{amount: 2, unit: "calendar_day", start: "next_day", roll: true, calendar: "jp"}, "2026-11-20T09:00:00+09:00", "Asia/Tokyo", "2026-11-24T23:59:59+09:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			zone, err := time.LoadLocation(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			got, err := tt.d.due(at(t, tt.from), zone, calendars)
			if err != nil {
				t.Fatal(err)
			}
			if !got.Equal(at(t, tt.want)) {
				t.Errorf("due %s, want %s", got.In(zone).Format(time.RFC3339), tt.want)
			}
		})
	}
}

// Working days of a year without a notice are refused, not guessed.
func TestUnpublishedYear(t *testing.T) {
	calendars, _, err := loadCalendars()
	if err != nil {
		t.Fatal(err)
	}
	d := deadline{amount: 10, unit: "business_day", start: "next_day", calendar: "cn"}
	_, err = d.due(at(t, "2026-12-31T09:00:00+08:00"), time.UTC, calendars)
	unpublished, ok := errors.AsType[*NotPublishedError](err)
	if !ok || unpublished.Year != 2027 || unpublished.Calendar != "cn" {
		t.Errorf("%v", err)
	}
}

// The State Council's notices name so many days off and on; a slip in the data shows in the sums.
func TestChinaCalendarAddsUp(t *testing.T) {
	calendars, _, err := loadCalendars()
	if err != nil {
		t.Fatal(err)
	}
	for year, want := range map[int]int{2025: 248, 2026: 248} {
		n := 0
		for d := (date{year, time.January, 1}); d.year == year; d = d.plus(1) {
			works, err := calendars["cn"].isWorking(d)
			if err != nil {
				t.Fatal(err)
			}
			if works {
				n++
			}
		}
		if n != want {
			t.Errorf("%d has %d working days, want %d", year, n, want)
		}
	}
}

// Every clock has words of its own in every sentence on deadlines.
func TestClockWords(t *testing.T) {
	for _, d := range breach.FactDefs() {
		if words := clockWords[d.Name]; d.Clock && (words.ZH == "" || words.EN == "") {
			t.Errorf("%s has no words", d.Name)
		}
	}
}
