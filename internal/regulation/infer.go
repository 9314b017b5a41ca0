package regulation

import (
	"strings"

	"tocsin/internal/breach"
)

// infer adds what follows from the known facts by arithmetic alone, so that nobody is asked twice. It never overrides what
// a person stated.
func infer(f breach.Facts) breach.Facts {
	out := f.Merge(nil)
	set := func(n breach.FactName, v any) {
		if _, known := out[n]; !known {
			out[n] = v
		}
	}
	if total, known := out.Int("people.total"); known && total == 0 {
		set("people.u18", int64(0))
		set("people.sensitive", int64(0))
	}
	if n, known := out.Int("people.u14"); known && n > 0 {
		set("people.minors", true)
	}
	if n, known := out.Int("people.u18"); known {
		set("people.minors", n > 0)
	}
	if minors, known := out.Bool("people.minors"); known && !minors {
		set("people.u18", int64(0))
		set("people.u14", int64(0))
	}
	if u18, known := out.Int("people.u18"); known && u18 == 0 {
		set("people.u14", int64(0))
	}
	if class, known := out.Enum("data.class"); known && class == "general" {
		set("judged.cac_data_threat", "none")
	}
	inferLargestState(out, set)
	return out
}

// inferLargestState finds the US state with the most affected residents, where those not listed cannot outnumber it.
func inferLargestState(f breach.Facts, set func(breach.FactName, any)) {
	counts, known := f["people.by_region"].(map[string]int64)
	total, totalKnown := f.Int("people.total")
	if !known || !totalKnown {
		return
	}
	var most, sum int64
	for region, n := range counts {
		sum += n
		if strings.HasPrefix(region, "US-") {
			most = max(most, n)
		}
	}
	if total-sum <= most {
		set("people.us_state_max", most)
	}
}
