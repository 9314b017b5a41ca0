package breach_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"tocsin/internal/breach"
)

func TestInstantIsWrittenInTheAuthoritysZoneAndInUTC(t *testing.T) {
	at := time.Date(2026, 11, 22, 20, 5, 0, 0, time.UTC)
	for _, c := range []struct{ zone, zh, en string }{
		{"Asia/Shanghai", "2026年11月23日 04:05（北京时间；UTC 2026-11-22 20:05）", "23 November 2026, 04:05 (Beijing time; 2026-11-22 20:05 UTC)"},
		{"Europe/Berlin", "2026年11月22日 21:05（UTC+01:00；UTC 2026-11-22 20:05）", "22 November 2026, 21:05 (UTC+01:00; 2026-11-22 20:05 UTC)"},
		{"America/St_Johns", "2026年11月22日 16:35（UTC-03:30；UTC 2026-11-22 20:05）", "22 November 2026, 16:35 (UTC-03:30; 2026-11-22 20:05 UTC)"},
		{"", "2026年11月22日 20:05（UTC；UTC 2026-11-22 20:05）", "22 November 2026, 20:05 (UTC; 2026-11-22 20:05 UTC)"},
		{"Nowhere/Land", "2026年11月22日 20:05（UTC；UTC 2026-11-22 20:05）", "22 November 2026, 20:05 (UTC; 2026-11-22 20:05 UTC)"},
	} {
		if got := breach.Instant(at, c.zone, breach.Chinese); got != c.zh {
			t.Errorf("%s: %s, want %s", c.zone, got, c.zh)
		}
		if got := breach.Instant(at, c.zone, breach.English); got != c.en {
			t.Errorf("%s: %s, want %s", c.zone, got, c.en)
		}
	}
}
