package templates

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tocsin/internal/breach"
)

// basis writes the provision that a report is made under. Where the pack gives an article no number, only the instrument is
// named: a report does not speak of our reading.
func basis(o breach.Obligation, l breach.Language) string {
	article := o.ArticleIn.In(l)
	if o.ArticleIn == (breach.Text{}) {
		article = o.Article
	}
	if !strings.ContainsAny(o.Article+o.ArticleIn.EN, "0123456789") {
		article = ""
	}
	if l == breach.English {
		return strings.TrimSuffix(o.Instrument.EN+", "+article, ", ")
	}
	if o.Zone != "Asia/Shanghai" {
		return strings.TrimSuffix(o.Instrument.ZH+"，"+article, "，") // the article may be of the first of two instruments
	}
	return "《" + o.Instrument.ZH + "》" + chineseNumerals(article)
}

var provision = regexp.MustCompile(`第(\d{1,4})(条|款|项)`)

// chineseNumerals writes 第57条第1款 as Chinese laws are cited: 第五十七条第一款. Numbers with a point stay, 第4.1条.
func chineseNumerals(s string) string {
	return provision.ReplaceAllStringFunc(s, func(m string) string {
		parts := provision.FindStringSubmatch(m)
		n, _ := strconv.Atoi(parts[1]) // the pattern holds at most four digits
		return "第" + chineseNumber(n) + parts[2]
	})
}

// chineseNumber writes 1 to 9999: 10 is 十, 1038 is 一千零三十八.
func chineseNumber(n int) string {
	digit := [...]string{"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"}
	var b strings.Builder
	zero := false
	for _, place := range []struct {
		size int
		name string
	}{{1000, "千"}, {100, "百"}, {10, "十"}, {1, ""}} {
		d := n / place.size % 10
		if d == 0 {
			zero = b.Len() > 0
			continue
		}
		if zero {
			b.WriteString("零")
			zero = false
		}
		b.WriteString(digit[d] + place.name)
	}
	if rest, ok := strings.CutPrefix(b.String(), "一十"); ok {
		return "十" + rest
	}
	return b.String()
}

var regionArgument = regexp.MustCompile(`^[a-z]{2}(-[a-z0-9]{1,3})?$`)

// residents writes how many people of a country or state are affected.
func (f *filingValues) residents(region string) string {
	if counts, ok := f.v.Facts["people.by_region"].(map[string]int64); ok {
		if n, ok := counts[region]; ok {
			return count(n) + unit("people", n, f.l)
		}
	}
	return f.answer("people_region")
}

// headcount writes how many people are affected, or the estimate while nobody knows.
func (f *filingValues) headcount() string {
	if words := factWords(f.v.Facts, "people.total", f.loc, f.l); words != "" {
		return words
	}
	return f.answer("people_estimate")
}

// later are the items that may follow when cause, impact or trend cannot be judged in time.
var later = []string{"trend", "cause", "leads", "planned", "support", "scene", "other"}

// brief reports whether a first report has nothing beyond the two items that suffice for it.
func (f *filingValues) brief() bool {
	if s := f.v.Obligation.Stage; s != breach.StageInitial && s != breach.StageSingle {
		return false
	}
	return !slices.ContainsFunc(later, func(key string) bool { return f.v.Answers[key] != Answer{} })
}

// unmarked numbers the contents that the law asks for and that no row of the form answers.
func (f *filingValues) unmarked() map[int]string {
	out := map[int]string{}
	for i, c := range f.v.Obligation.Content {
		if text := clean(c.In(f.l)); text != "" && !slices.Contains(f.marked, text) {
			out[i+1] = text
		}
	}
	return out
}

// asked makes a row of each of them, answered under "asked.1" and so on.
func (f *filingValues) asked() []block {
	var out []block
	rest := f.unmarked()
	for i := range f.v.Obligation.Content {
		label, ok := rest[i+1]
		if !ok {
			continue
		}
		f.beginRow()
		says := f.answer(fmt.Sprintf("asked.%d", i+1))
		out = append(out, block{kind: row, label: label, text: says, state: f.endRow(label)})
	}
	return out
}
