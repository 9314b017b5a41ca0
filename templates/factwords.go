package templates

import (
	"maps"
	"slices"
	"strings"
	"time"

	"tocsin/internal/breach"
)

// factWords writes a fact's value as people read it. It is empty where the fact is not known.
func factWords(f breach.Facts, name breach.FactName, loc *time.Location, l breach.Language) string {
	def, _ := breach.DefOf(name)
	switch def.Type {
	case breach.FactBool:
		if v, ok := f.Bool(name); ok {
			return yesNo(v, l)
		}
	case breach.FactInt:
		if n, ok := f.Int(name); ok {
			return count(n) + unit(def.Unit, n, l)
		}
	case breach.FactEnum:
		if v, ok := f.Enum(name); ok {
			return choice(def, v, l)
		}
	case breach.FactSet:
		if set, ok := f.Set(name); ok {
			return setWords(def, set, l)
		}
	case breach.FactTime:
		if t, ok := f.Time(name); ok {
			return instant(t, loc, l)
		}
	case breach.FactCounts:
		if counts, ok := f[name].(map[string]int64); ok {
			return countsWords(counts, def.Unit, l)
		}
	}
	return ""
}

func yesNo(v bool, l breach.Language) string {
	if v {
		return breach.Text{ZH: "是", EN: "yes"}.In(l)
	}
	return breach.Text{ZH: "否", EN: "no"}.In(l)
}

func choice(def breach.FactDef, value string, l breach.Language) string {
	for _, c := range def.Choices {
		if c.Value == value {
			return c.Label.In(l)
		}
	}
	return value
}

// setWords joins a set in the vocabulary's order. A set that is known to be empty says so.
func setWords(def breach.FactDef, set []string, l breach.Language) string {
	var out []string
	for _, v := range def.Values {
		if slices.Contains(set, v) {
			out = append(out, choice(def, v, l))
		}
	}
	if len(out) == 0 {
		return breach.Text{ZH: "无", EN: "none"}.In(l)
	}
	return strings.Join(out, breach.Text{ZH: "、", EN: ", "}.In(l))
}

func countsWords(counts map[string]int64, u string, l breach.Language) string {
	var out []string
	for _, region := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, regionName(clean(region), l)+" "+count(counts[region])+unit(u, counts[region], l))
	}
	return strings.Join(out, breach.Text{ZH: "；", EN: "; "}.In(l))
}

var states = map[string]breach.Text{
	"US-CA": {ZH: "美国加利福尼亚州", EN: "California"},
	"US-NY": {ZH: "美国纽约州", EN: "New York"},
	"US-TX": {ZH: "美国得克萨斯州", EN: "Texas"},
}

// regionName writes a region as people read it, and as its code where no law of ours knows it.
func regionName(region string, l breach.Language) string {
	if state, ok := states[region]; ok {
		return state.In(l)
	}
	def, _ := breach.DefOf("org.jurisdictions")
	if region == "EU" { // the Union is no region of people
		return region
	}
	return choice(def, region, l)
}

var units = map[string][3]string{ // Chinese, English for one, English for more
	"people":  {" 人", " person", " people"},
	"CNY":     {" 元人民币", " yuan (CNY)", " yuan (CNY)"},
	"minutes": {" 分钟", " minute", " minutes"},
	"times":   {" 次", " time", " times"},
	"percent": {"%", "%", "%"},
}

func unit(name string, n int64, l breach.Language) string {
	u, ok := units[name]
	switch {
	case !ok:
		return ""
	case l == breach.Chinese:
		return u[0]
	case n == 1:
		return u[1]
	}
	return u[2]
}
