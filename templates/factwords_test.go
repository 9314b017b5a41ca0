package templates

import (
	"testing"
	"time"

	"tocsin/internal/breach"
)

func TestFactWords(t *testing.T) {
	f := breach.Facts{
		"people.by_region": map[string]int64{"US-CA": 1, "CN": 1_200_000},
		"people.total":     int64(1),
		"harm.avoided":     false,
		"kinds":            []string{"loss", "leak"},
		"state":            "suspected",
	}
	cases := []struct {
		fact   breach.FactName
		zh, en string
	}{
		{"people.by_region", "中国大陆 1,200,000 人；美国加利福尼亚州 1 人", "mainland China 1,200,000 people; California 1 person"},
		{"people.total", "1 人", "1 person"},
		{"harm.avoided", "否", "no"},
		{"kinds", "泄露、丢失", "leak, loss"},
		{"state", "怀疑", "suspected"},
		{"people.u14", "", ""},
	}
	for _, c := range cases {
		if got := factWords(f, c.fact, time.UTC, breach.Chinese); got != c.zh {
			t.Errorf("%s: %q, want %q", c.fact, got, c.zh)
		}
		if got := factWords(f, c.fact, time.UTC, breach.English); got != c.en {
			t.Errorf("%s: %q, want %q", c.fact, got, c.en)
		}
	}
}

// Every value of the vocabulary has words, so that no report shows a machine's word.
func TestChoicesHaveWords(t *testing.T) {
	for _, d := range breach.FactDefs() {
		if d.Unit != "" && d.Type == breach.FactInt {
			if _, ok := units[d.Unit]; !ok {
				t.Errorf("%s: no words for the unit %q", d.Name, d.Unit)
			}
		}
		for _, v := range d.Values {
			if choice(d, v, breach.Chinese) == v {
				t.Errorf("%s: no Chinese for %q", d.Name, v)
			}
		}
	}
}

func TestSpan(t *testing.T) {
	cases := []struct {
		d      time.Duration
		zh, en string
	}{
		{20 * time.Second, "不到 1 分钟", "less than a minute"},
		{61 * time.Minute, "1 小时 1 分钟", "1 hour 1 minute"},
		{50 * time.Hour, "2 天 2 小时", "2 days 2 hours"},
		{25*time.Hour + 5*time.Minute, "1 天 1 小时", "1 day 1 hour"},
	}
	for _, c := range cases {
		if got := span(c.d, breach.Chinese); got != c.zh {
			t.Errorf("%v: %q, want %q", c.d, got, c.zh)
		}
		if got := span(c.d, breach.English); got != c.en {
			t.Errorf("%v: %q, want %q", c.d, got, c.en)
		}
	}
}
