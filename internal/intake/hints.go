package intake

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tocsin/internal/breach"
)

// HintPrefix begins the labels by which whoever writes an alerting rule states facts: tocsin_people_total="1200" is the
// fact people.total. A dot of a fact's name is an underscore in the label's, as labels have no dots.
const HintPrefix = "tocsin_"

// hintNames finds a fact by its label's name. Facts of the organisation's profile are not among them: they belong to the
// configuration, and no alert may change them.
var hintNames = func() map[string]breach.FactDef {
	m := map[string]breach.FactDef{}
	for _, d := range breach.FactDefs() {
		if d.Org {
			continue
		}
		label := HintPrefix + strings.ReplaceAll(string(d.Name), ".", "_")
		if _, twice := m[label]; twice {
			panic("intake: two facts share the label " + label)
		}
		m[label] = d
	}
	return m
}()

// hintsOf reads the facts that labels state. A label that states none is told of in a warning and costs nothing else: an
// alert is never lost over a misspelt hint.
func hintsOf(labels map[string]string, at string) (breach.Facts, []string) {
	facts := breach.Facts{}
	var warnings []string
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		if !strings.HasPrefix(label, HintPrefix) {
			continue
		}
		def, known := hintNames[label]
		if !known {
			warnings = append(warnings, fmt.Sprintf("%s.labels.%s: no fact has this label; tocsin facts new lists them, with _ for each dot", at, plainName(label)))
			continue
		}
		value, err := def.Parse(strings.TrimSpace(labels[label]))
		if err != nil {
			warnings = append(warnings, fmt.Sprintf("%s.labels.%s: left out: %v", at, label, err))
			continue
		}
		facts[def.Name] = value
	}
	return facts, warnings
}
