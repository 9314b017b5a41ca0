package templates

import (
	"slices"

	"tocsin/internal/breach"
)

// CheckWords holds what our people wrote for a notice to the rules of [Lint], each text by its field and language ("measures
// (en)"), so that they hear of it when they write it and not when the notice is drafted.
func (s *Set) CheckWords(o Organisation, w breach.NoticeWords) []Finding {
	l := &linter{r: RulesFor(o, ""), read: map[string]bool{}}
	for _, law := range s.laws {
		l.r.Official = append(l.r.Official, law.Official...)
		l.r.Phones = append(l.r.Phones, law.numbers...)
	}
	for _, f := range []struct {
		name  string
		texts []breach.Text
	}{
		{"cause", []breach.Text{w.Cause}},
		{"minor_cause", []breach.Text{w.MinorCause}},
		{"harms", w.Harms},
		{"measures", w.Measures},
		{"minor_measures", w.MinorMeasures},
		{"advice", w.Advice},
		{"offer", []breach.Text{w.Offer}},
		{"delay_reason", []breach.Text{w.DelayReason}},
		{"correction", []breach.Text{w.Correction}},
	} {
		for _, t := range f.texts {
			l.words(f.name+" (zh)", clean(t.ZH))
			l.words(f.name+" (en)", clean(t.EN))
		}
	}
	return slices.CompactFunc(l.findings, func(a, b Finding) bool { return a == b })
}
