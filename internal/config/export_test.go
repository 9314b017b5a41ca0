package config

import "reflect"

// AllNames lists the last word of every key, also of those in lists of sections.
func AllNames() []string { return allNames(reflect.TypeFor[Config]()) }

func allNames(t reflect.Type) []string {
	var out []string
	for f := range t.Fields() {
		out = append(out, f.Tag.Get("mapstructure"))
		switch inner := f.Type; {
		case inner.Kind() == reflect.Struct:
			out = append(out, allNames(inner)...)
		case isSection(inner):
			out = append(out, allNames(inner.Elem())...)
		}
	}
	return out
}
