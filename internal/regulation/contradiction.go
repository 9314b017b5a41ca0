package regulation

import (
	"fmt"

	"tocsin/internal/breach"
)

// Contradictions tells which facts cannot be true together, such as more children than minors. An assessment answers
// nevertheless, each rule by the facts it reads; whoever reads it should know.
func Contradictions(f breach.Facts) []breach.Text {
	var out []breach.Text
	label := func(n breach.FactName) breach.Text {
		def, _ := breach.DefOf(n)
		return def.Label
	}
	most := func(part, whole breach.FactName) {
		p, knownPart := f.Int(part)
		w, knownWhole := f.Int(whole)
		if knownPart && knownWhole && p > w {
			out = append(out, breach.Text{
				ZH: fmt.Sprintf("%s（%s）多于%s（%s）", label(part).ZH, thousands(p), label(whole).ZH, thousands(w)),
				EN: fmt.Sprintf("%s (%s) is more than %s (%s)", label(part).EN, thousands(p), label(whole).EN, thousands(w)),
			})
		}
	}
	most("people.u14", "people.u18")
	for _, part := range []breach.FactName{"people.u18", "people.sensitive", "people.unreachable", "people.us_state_max"} {
		most(part, "people.total")
	}
	if minors, known := f.Bool("people.minors"); known && !minors {
		for _, n := range []breach.FactName{"people.u18", "people.u14"} {
			if v, known := f.Int(n); known && v > 0 {
				out = append(out, breach.Text{
					ZH: fmt.Sprintf("称不涉及未成年人，但%s为 %s", label(n).ZH, thousands(v)),
					EN: fmt.Sprintf("no minors are affected, yet %s is %s", label(n).EN, thousands(v)),
				})
			}
		}
	}
	early := func(first, then breach.FactName) {
		a, knownA := f.Time(first)
		b, knownB := f.Time(then)
		if knownA && knownB && b.Before(a) {
			out = append(out, breach.Text{ZH: label(then).ZH + "早于" + label(first).ZH, EN: label(then).EN + " lies before " + label(first).EN})
		}
	}
	early("occurred_at", "aware_at")
	early("aware_at", "handling_ended_at")
	return out
}
