package regulation

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/breach"
)

// reason joins the words of a condition with the facts that it read and their values, so that a counsel can check it
// without the file of facts.
func (s *scene) reason(text breach.Text, used []breach.FactName) breach.Reason {
	used = inOrder(slices.Clone(used))
	if len(used) == 1 {
		if def, _ := breach.DefOf(used[0]); def.Type == breach.FactBool {
			return breach.Reason{Text: text, Facts: used} // the words already say yes or no
		}
	}
	var zh, en []string
	for _, n := range used {
		def, _ := breach.DefOf(n)
		v, known := s.facts[n]
		if !known {
			continue
		}
		zh = append(zh, def.Label.ZH+"："+ValueText(def, v, breach.Chinese))
		en = append(en, def.Label.EN+": "+ValueText(def, v, breach.English))
	}
	if len(zh) > 0 {
		text.ZH += "（" + strings.Join(zh, "；") + "）"
		text.EN += " (" + strings.Join(en, "; ") + ")"
	}
	return breach.Reason{Text: text, Facts: used}
}

// ValueText writes a fact's value as people read it: "1,200,000", "泄露、篡改", "yes". Instants are in China's time with their
// offset.
func ValueText(def breach.FactDef, v any, l breach.Language) string {
	label := func(value string) string {
		for _, c := range def.Choices {
			if c.Value == value {
				return c.Label.In(l)
			}
		}
		return value
	}
	comma := ", "
	if l == breach.Chinese {
		comma = "、"
	}
	switch v := v.(type) {
	case bool:
		if v {
			return breach.Text{ZH: "是", EN: "yes"}.In(l)
		}
		return breach.Text{ZH: "否", EN: "no"}.In(l)
	case int64:
		return thousands(v)
	case string:
		return label(v)
	case []string:
		var words []string
		for _, w := range v {
			words = append(words, label(w))
		}
		if len(words) == 0 {
			return breach.Text{ZH: "无", EN: "none"}.In(l)
		}
		return strings.Join(words, comma)
	case time.Time:
		return v.In(chinaTime).Format("2006-01-02 15:04 -07:00")
	case map[string]int64:
		var parts []string
		for _, region := range sortedKeys(v) {
			parts = append(parts, region+" "+thousands(v[region]))
		}
		return strings.Join(parts, comma)
	}
	return fmt.Sprint(v)
}

// chinaTime has no daylight saving, so it needs no table of zones.
var chinaTime = time.FixedZone("UTC+8", 8*60*60)

func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func scoreText(low, high float64) breach.Text {
	if low == high {
		n := strconv.FormatFloat(low, 'f', 2, 64)
		return breach.Text{ZH: "得分 SE = DPC × EI + CB = " + n, EN: "score SE = DPC × EI + CB = " + n}
	}
	l, h := strconv.FormatFloat(low, 'f', 2, 64), strconv.FormatFloat(high, 'f', 2, 64)
	return breach.Text{
		ZH: "得分 SE = DPC × EI + CB，已知事实下介于 " + l + " 与 " + h + " 之间",
		EN: "score SE = DPC × EI + CB, between " + l + " and " + h + " by the facts known",
	}
}
