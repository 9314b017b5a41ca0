package regulation

import (
	"fmt"
	"time"
	_ "time/tzdata" // deadlines must not depend on the machine's own table of zones
)

// date is a calendar day without a zone.
type date struct {
	year  int
	month time.Month
	day   int
}

func dateOf(t time.Time) date {
	y, m, d := t.Date()
	return date{y, m, d}
}

func parseDate(s string) (date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return date{}, fmt.Errorf("%q is not a date such as 2026-01-31", s)
	}
	return dateOf(t), nil
}

// plus counts calendar days.
func (d date) plus(days int) date {
	return dateOf(time.Date(d.year, d.month, d.day+days, 12, 0, 0, 0, time.UTC))
}

func (d date) weekday() time.Weekday {
	return time.Date(d.year, d.month, d.day, 12, 0, 0, 0, time.UTC).Weekday()
}

func (d date) before(e date) bool { return d.compare(e) < 0 }

func (d date) compare(e date) int {
	if d.year != e.year {
		return d.year - e.year
	}
	if d.month != e.month {
		return int(d.month - e.month)
	}
	return d.day - e.day
}

func (d date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.year, d.month, d.day) }

// end is the day's last second in loc, in UTC. A day has 23 or 25 hours where the clocks change.
func (d date) end(loc *time.Location) time.Time {
	return time.Date(d.year, d.month, d.day+1, 0, 0, 0, 0, loc).Add(-time.Second).UTC()
}

// NotPublishedError says that a calendar has no data for a year. Working days are never guessed.
type NotPublishedError struct {
	Calendar string
	Year     int
}

// Error names calendar and year.
func (e *NotPublishedError) Error() string {
	return fmt.Sprintf("calendar %s has no working days for %d: the year is not published, or not in this version", e.Calendar, e.Year)
}

// calendar knows the working days of one jurisdiction.
type calendar interface {
	// isWorking reports whether people work on d. The error is a [*NotPublishedError].
	isWorking(d date) (bool, error)
}
