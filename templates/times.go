package templates

import (
	"strconv"
	"strings"
	"time"

	"tocsin/internal/breach"
)

// date writes a day as people read it.
func date(t time.Time, loc *time.Location, l breach.Language) string { return breach.Day(t, loc, l) }

// instant writes an instant as every surface does.
func instant(t time.Time, loc *time.Location, l breach.Language) string {
	return breach.InstantIn(t, loc, l)
}

// span writes a length of time in its two largest units: "3 小时 20 分钟".
func span(d time.Duration, l breach.Language) string {
	units := []struct {
		size time.Duration
		name breach.Text
	}{{24 * time.Hour, breach.Text{ZH: "天", EN: "day"}}, {time.Hour, breach.Text{ZH: "小时", EN: "hour"}}, {time.Minute, breach.Text{ZH: "分钟", EN: "minute"}}}
	var parts []string
	for _, u := range units {
		n := int64(d / u.size)
		d %= u.size
		if n == 0 || len(parts) == 2 {
			continue
		}
		parts = append(parts, strconv.FormatInt(n, 10)+" "+u.name.In(l)+plural(n, l))
	}
	if len(parts) == 0 {
		return breach.Text{ZH: "不到 1 分钟", EN: "less than a minute"}.In(l)
	}
	return strings.Join(parts, " ")
}

func plural(n int64, l breach.Language) string {
	if l == breach.English && n != 1 {
		return "s"
	}
	return ""
}

// count writes a whole number with its thousands apart.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
