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

// cities are zones that readers of Chinese know by a city of another name.
var cities = map[string]string{
	"Asia/Hong_Kong": "香港", "Asia/Macau": "澳门", "Asia/Taipei": "台北", "Asia/Tokyo": "东京", "Asia/Seoul": "首尔", "Asia/Singapore": "新加坡",
	"Asia/Kuala_Lumpur": "吉隆坡", "Asia/Bangkok": "曼谷", "Asia/Jakarta": "雅加达", "Asia/Manila": "马尼拉", "Asia/Kolkata": "印度", "Asia/Dubai": "迪拜",
	"Europe/London": "伦敦", "Europe/Dublin": "都柏林", "Europe/Paris": "巴黎", "Europe/Berlin": "柏林", "Europe/Madrid": "马德里", "Europe/Rome": "罗马",
	"Europe/Amsterdam": "阿姆斯特丹", "Europe/Brussels": "布鲁塞尔", "Europe/Vienna": "维也纳", "Europe/Zurich": "苏黎世", "Europe/Stockholm": "斯德哥尔摩",
	"America/New_York": "纽约", "America/Chicago": "芝加哥", "America/Denver": "丹佛", "America/Los_Angeles": "洛杉矶", "America/Toronto": "多伦多",
	"America/Vancouver": "温哥华", "America/Sao_Paulo": "圣保罗", "Australia/Sydney": "悉尼", "Australia/Melbourne": "墨尔本", "Pacific/Auckland": "奥克兰",
}

// zoneWords names the zone of an instant to people who do not know what UTC is: "New York time (UTC-05:00)".
func zoneWords(t time.Time, l breach.Language) string {
	offset := breach.ZoneName(t, l)
	name := t.Location().String()
	_, city, ok := strings.Cut(name, "/")
	switch {
	case name == "Asia/Shanghai" || !ok || strings.HasPrefix(name, "Etc/"):
		return offset
	case l == breach.Chinese && cities[name] == "":
		return offset
	case l == breach.Chinese:
		return cities[name] + "时间（" + offset + "）"
	}
	return strings.ReplaceAll(city[strings.LastIndex(city, "/")+1:], "_", " ") + " time (" + offset + ")"
}
