package activities

import (
	"testing"
	"time"
)

func TestQuietHours(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	night := Quiet{From: 21 * time.Hour, To: 8 * time.Hour, Zone: shanghai}
	noon := Quiet{From: 12 * time.Hour, To: 14 * time.Hour, Zone: shanghai}
	for rule, c := range map[string]struct {
		quiet     Quiet
		now, want string // want is empty where the channel may speak
	}{
		"in the evening":                       {night, "2026-11-22T22:30:00+08:00", "2026-11-23T08:00:00+08:00"},
		"after midnight":                       {night, "2026-11-23T03:00:00+08:00", "2026-11-23T08:00:00+08:00"},
		"when it begins":                       {night, "2026-11-22T21:00:00+08:00", "2026-11-23T08:00:00+08:00"},
		"when it ends":                         {night, "2026-11-23T08:00:00+08:00", ""},
		"by day":                               {night, "2026-11-22T15:00:00+08:00", ""},
		"seen from another zone":               {night, "2026-11-22T14:30:00+00:00", "2026-11-23T08:00:00+08:00"},
		"within one day":                       {noon, "2026-11-22T13:00:00+08:00", "2026-11-22T14:00:00+08:00"},
		"before it, within one day":            {noon, "2026-11-22T11:59:00+08:00", ""},
		"a night in which the clock goes on":   {Quiet{From: 22 * time.Hour, To: 6 * time.Hour, Zone: berlin}, "2026-03-28T23:00:00+01:00", "2026-03-29T06:00:00+02:00"},
		"a night in which the clock goes back": {Quiet{From: 22 * time.Hour, To: 6 * time.Hour, Zone: berlin}, "2026-10-24T23:00:00+02:00", "2026-10-25T06:00:00+01:00"},
	} {
		t.Run(rule, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, c.now)
			if err != nil {
				t.Fatal(err)
			}
			end, quiet := c.quiet.until(now)
			if quiet != (c.want != "") {
				t.Fatalf("silent: %v", quiet)
			}
			if want, err := time.Parse(time.RFC3339, c.want); quiet && (err != nil || !end.Equal(want)) {
				t.Errorf("until %s, want %s", end, c.want)
			}
		})
	}
}
