package breach

import (
	"reflect"
	"slices"
)

// Changed returns the names that a patch would change, sorted. Stating again what is known changes nothing.
func Changed(known, patch Facts) []FactName {
	var names []FactName
	for n, v := range patch {
		if !reflect.DeepEqual(known[n], v) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}
