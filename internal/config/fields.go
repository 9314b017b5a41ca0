package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// leaf is one key with a value of its own: a text, a number, a length of time, or a list of them. Lists of sections and the
// providers' own settings are no leaves; the environment cannot set them.
type leaf struct {
	key string // "policy.guard.before"
	typ reflect.Type
}

var durationType = reflect.TypeFor[time.Duration]()

// leaves lists the keys below t in the order of the struct.
func leaves(t reflect.Type, prefix string) []leaf {
	var out []leaf
	for f := range t.Fields() {
		key := prefix + f.Tag.Get("mapstructure")
		switch {
		case f.Type.Kind() == reflect.Struct:
			out = append(out, leaves(f.Type, key+".")...)
		case isSection(f.Type):
		default:
			out = append(out, leaf{key, f.Type})
		}
	}
	return out
}

// isSection reports whether t is a list of sections.
func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct
}

// Keys lists every key that the environment and the command line can set, as written in the file: "api.listen".
func Keys() []string {
	var keys []string
	for _, l := range leaves(reflect.TypeFor[Config](), "") {
		keys = append(keys, l.key)
	}
	return keys
}

// EnvName returns the environment's name for a key: TOCSIN_API_LISTEN for api.listen.
func EnvName(key string) string {
	return "TOCSIN_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// parse reads a leaf's value from text, as the environment and the command line give it. Lists are separated by commas, the
// organisation's facts by semicolons, as facts contain commas.
func (l leaf) parse(text string) (any, error) {
	switch {
	case l.typ == durationType:
		d, err := time.ParseDuration(text)
		if err != nil {
			return nil, l.fault()
		}
		return d, nil
	case l.typ.Kind() == reflect.String:
		return text, nil
	case l.typ.Kind() == reflect.Bool:
		if text != "true" && text != "false" {
			return nil, l.fault()
		}
		return text == "true", nil
	case l.typ.Kind() == reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, l.fault()
		}
		return n, nil
	case l.typ.Kind() == reflect.Float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, l.fault()
		}
		return n, nil
	case l.typ.Kind() == reflect.Slice:
		return l.parseList(text)
	}
	panic("config: no reader for a key of type " + l.typ.String())
}

func (l leaf) parseList(text string) (any, error) {
	separator := ","
	if l.key == "organisation.facts" {
		separator = ";"
	}
	words := []string{}
	for word := range strings.SplitSeq(text, separator) {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	if l.typ.Elem().Kind() == reflect.String {
		return words, nil
	}
	numbers := []float64{}
	for _, word := range words {
		n, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, l.fault()
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// fault says what the value must look like. It never repeats the value.
func (l leaf) fault() error { return fmt.Errorf("must be %s", form(l.typ)) }

func form(t reflect.Type) string {
	switch {
	case t == durationType:
		return "a length of time with its unit, such as 30m or 24h"
	case t.Kind() == reflect.String:
		return "text (in quotes, where it looks like a number or like true)"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int:
		return "a whole number"
	case t.Kind() == reflect.Float64:
		return "a number"
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String:
		return "a list of texts"
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Float64:
		return "a list of numbers"
	case t.Kind() == reflect.Slice:
		return "a list, each entry with the keys " + strings.Join(names(t.Elem()), ", ")
	case t.Kind() == reflect.Struct:
		return "a section with the keys " + strings.Join(names(t), ", ")
	}
	return "a section"
}

// names lists a section's keys.
func names(t reflect.Type) []string {
	var out []string
	for f := range t.Fields() {
		out = append(out, f.Tag.Get("mapstructure"))
	}
	return out
}

// nearest returns the known word that differs least from a misspelt one, or nothing where none is near.
func nearest(word string, known []string) (string, bool) {
	best, distance := "", max(2, len(word)/3)+1
	for _, k := range known {
		if d := editDistance(word, k); d < distance {
			best, distance = k, d
		}
	}
	return best, best != ""
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			last, row[j+1] = row[j+1], min(last+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// misspelt says that a key is unknown, and what may have been meant. where is the section's key with a dot, or empty.
func misspelt(where, name string, known []string) string {
	if near, ok := nearest(name, known); ok {
		return fmt.Sprintf("%s%s is not a setting; did you mean %s%s?", where, name, where, near)
	}
	known = slices.Sorted(slices.Values(known))
	return fmt.Sprintf("%s%s is not a setting; there are %s", where, name, strings.Join(known, ", "))
}
