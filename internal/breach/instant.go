package breach

import (
	"fmt"
	"time"
)

// Instant writes an instant the one way that every surface writes it: in the authority's zone first, then in UTC, since a
// deadline is read by people in two places. The command line, the engine's pages and the documents all use it, so that
// nobody compares two clocks by hand. zone is an IANA name; an empty or unknown one is UTC.
func Instant(t time.Time, zone string, l Language) string {
	return InstantIn(t, Location(zone), l)
}

// InstantIn is [Instant] for a zone that is loaded already.
func InstantIn(t time.Time, loc *time.Location, l Language) string {
	local, utc := t.In(loc), t.UTC()
	if l == Chinese {
		return fmt.Sprintf("%s %s（%s；UTC %s）", Day(t, loc, l), local.Format("15:04"), ZoneName(local, l), utc.Format("2006-01-02 15:04"))
	}
	return fmt.Sprintf("%s, %s (%s; %s UTC)", Day(t, loc, l), local.Format("15:04"), ZoneName(local, l), utc.Format("2006-01-02 15:04"))
}

// Day writes a day of a zone as people read it.
func Day(t time.Time, loc *time.Location, l Language) string {
	t = t.In(loc)
	if l == Chinese {
		return fmt.Sprintf("%d年%d月%d日", t.Year(), int(t.Month()), t.Day())
	}
	return t.Format("2 January 2006")
}

// ZoneName names the zone that t is in: Beijing time, UTC, or the offset.
func ZoneName(t time.Time, l Language) string {
	if t.Location().String() == "Asia/Shanghai" {
		return Text{ZH: "北京时间", EN: "Beijing time"}.In(l)
	}
	_, seconds := t.Zone()
	if seconds == 0 {
		return "UTC"
	}
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	return fmt.Sprintf("UTC%c%02d:%02d", sign, seconds/3600, seconds/60%60)
}

// Location loads a zone; an empty or unknown name is UTC. The programs carry the database of zones with them
// (time/tzdata), so that every machine reads a deadline alike.
func Location(zone string) *time.Location {
	if loc, err := time.LoadLocation(zone); err == nil {
		return loc
	}
	return time.UTC
}
