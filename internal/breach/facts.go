package breach

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FactName is the dotted name of one fact, "people.total". The vocabulary is closed: see [FactDefs].
type FactName string

// FactType says how a fact is written.
type FactType string

// The types of facts. In Go they are bool, int64, string, []string (sorted, distinct), time.Time (UTC) and
// map[string]int64.
const (
	FactBool   FactType = "bool"
	FactInt    FactType = "int"    // a count, yuan or minutes, as Unit says; never negative
	FactEnum   FactType = "enum"   // one of Values
	FactSet    FactType = "set"    // any of Values
	FactTime   FactType = "time"   // RFC 3339 with a zone
	FactCounts FactType = "counts" // people by region: ISO 3166 code ("CN", "US-CA") -> number
)

// FactDef describes one fact.
type FactDef struct {
	Name     FactName
	Type     FactType
	Values   []string // for enum and set, filled from Choices
	Choices  []Choice // Values with the words for each
	Unit     string   // "people", "CNY", "minutes"; empty where there is none
	Clock    bool     // an instant that deadlines run from; once set it changes legal exposure
	Org      bool     // belongs to the organisation's profile (configuration), not to the incident
	Later    bool     // comes by itself in the course of the handling, so nobody is asked for it beforehand
	After    FactName // asked for only once this other fact is known, because it depends on that answer
	Label    Text     // a noun, for tables and reports
	Question Text     // what to ask a person who may know
}

// Choice is one value of an enum or a set, and how people read it.
type Choice struct {
	Value string
	Label Text
}

// Facts is what is known of an incident or an organisation. A name that is absent is unknown, which is not the same as
// false or zero: the law engine answers "possible" where it matters.
type Facts map[FactName]any

// DefOf returns a fact's definition.
func DefOf(name FactName) (FactDef, bool) {
	i, ok := factIndex[name]
	if !ok {
		return FactDef{}, false
	}
	return factDefs[i], true
}

// FactDefs returns the vocabulary in the order in which a person would be asked.
func FactDefs() []FactDef { return slices.Clone(factDefs) }

var factIndex = func() map[FactName]int {
	m := make(map[FactName]int, len(factDefs))
	for i, d := range factDefs {
		if _, twice := m[d.Name]; twice {
			panic("breach: fact defined twice: " + string(d.Name))
		}
		m[d.Name] = i
	}
	return m
}()

// Bool returns a fact and whether it is known.
func (f Facts) Bool(n FactName) (v, known bool) { v, known = f[n].(bool); return }

// Int returns a fact and whether it is known.
func (f Facts) Int(n FactName) (v int64, known bool) { v, known = f[n].(int64); return }

// Enum returns a fact and whether it is known.
func (f Facts) Enum(n FactName) (v string, known bool) { v, known = f[n].(string); return }

// Set returns a fact and whether it is known. An empty set is known to be empty.
func (f Facts) Set(n FactName) (v []string, known bool) { v, known = f[n].([]string); return }

// Time returns a fact and whether it is known.
func (f Facts) Time(n FactName) (v time.Time, known bool) { v, known = f[n].(time.Time); return }

// Names returns the known facts' names, sorted.
func (f Facts) Names() []FactName { return slices.Sorted(maps.Keys(f)) }

// Merge returns f with every fact of patch in place of its own. A nil value in patch makes the fact unknown again.
func (f Facts) Merge(patch Facts) Facts {
	out := maps.Clone(f)
	if out == nil {
		out = Facts{}
	}
	for n, v := range patch {
		if v == nil {
			delete(out, n)
			continue
		}
		out[n] = v
	}
	return out
}

// UnmarshalJSON reads {"people.total": 1200000, …} against the vocabulary. All faults are reported at once; null makes a
// fact unknown.
func (f *Facts) UnmarshalJSON(b []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return errors.New("facts must be a JSON object of name and value, such as {\"people.total\": 1200}")
	}
	out := make(Facts, len(raw))
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		v, err := decodeFact(FactName(name), raw[name])
		if err != nil {
			faults = append(faults, err)
			continue
		}
		out[FactName(name)] = v
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	*f = out
	return nil
}

// MarshalJSON writes the facts with their names sorted and times in RFC 3339, UTC.
func (f Facts) MarshalJSON() ([]byte, error) { return json.Marshal(map[FactName]any(f)) }

func decodeFact(name FactName, raw json.RawMessage) (any, error) {
	def, ok := DefOf(name)
	if !ok {
		return nil, unknownFact(name)
	}
	if string(raw) == "null" {
		return nil, nil
	}
	fail := func() (any, error) { return nil, fmt.Errorf("%s must be %s", name, def.form()) }
	switch def.Type {
	case FactBool:
		var v bool
		if json.Unmarshal(raw, &v) != nil {
			return fail()
		}
		return v, nil
	case FactInt:
		var v int64
		if json.Unmarshal(raw, &v) != nil || v < 0 {
			return fail()
		}
		return v, nil
	case FactEnum, FactTime:
		var v string
		if json.Unmarshal(raw, &v) != nil {
			return fail()
		}
		return def.Parse(v)
	case FactSet:
		var v []string
		if json.Unmarshal(raw, &v) != nil {
			return fail()
		}
		return def.Parse(strings.Join(v, ","))
	case FactCounts:
		var v map[string]int64
		if json.Unmarshal(raw, &v) != nil {
			return fail()
		}
		return checkCounts(def, v)
	}
	panic("breach: fact type " + string(def.Type))
}

// ParseAssignment reads "name=value" as typed on a command line. "name=unknown" makes the fact unknown again.
func ParseAssignment(s string) (FactName, any, error) {
	name, value, ok := strings.Cut(s, "=")
	if !ok {
		return "", nil, fmt.Errorf("%q is not name=value, such as people.total=1200", s)
	}
	def, known := DefOf(FactName(strings.TrimSpace(name)))
	if !known {
		return "", nil, unknownFact(FactName(name))
	}
	if strings.TrimSpace(value) == "unknown" {
		return def.Name, nil, nil
	}
	v, err := def.Parse(strings.TrimSpace(value))
	return def.Name, v, err
}

// Parse reads a value from text: sets separated by commas, counts as REGION:n separated by commas.
func (d FactDef) Parse(s string) (any, error) {
	fault := fmt.Errorf("%s must be %s", d.Name, d.form())
	switch d.Type {
	case FactBool:
		switch strings.ToLower(s) {
		case "true", "yes", "是":
			return true, nil
		case "false", "no", "否":
			return false, nil
		}
		return nil, fault
	case FactInt:
		n, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 10, 64)
		if err != nil || n < 0 {
			return nil, fault
		}
		return n, nil
	case FactEnum:
		if !slices.Contains(d.Values, s) {
			return nil, fault
		}
		return s, nil
	case FactSet:
		set := []string{}
		for v := range strings.SplitSeq(s, ",") {
			if v = strings.TrimSpace(v); v == "" {
				continue
			}
			if !slices.Contains(d.Values, v) {
				return nil, fault
			}
			set = append(set, v)
		}
		slices.Sort(set)
		return slices.Compact(set), nil
	case FactTime:
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return nil, fault
		}
		return t.UTC(), nil
	case FactCounts:
		counts := map[string]int64{}
		for v := range strings.SplitSeq(s, ",") {
			region, n, ok := strings.Cut(strings.TrimSpace(v), ":")
			count, err := strconv.ParseInt(n, 10, 64)
			if !ok || err != nil {
				return nil, fault
			}
			counts[region] = count
		}
		return checkCounts(d, counts)
	}
	panic("breach: fact type " + string(d.Type))
}

func checkCounts(d FactDef, counts map[string]int64) (any, error) {
	for region, n := range counts {
		if region == "" || n < 0 || strings.ToUpper(region) != region {
			return nil, fmt.Errorf("%s must be %s", d.Name, d.form())
		}
	}
	return counts, nil
}

// form says what a value looks like, for error messages. It never repeats the caller's value.
func (d FactDef) form() string {
	switch d.Type {
	case FactBool:
		return "true or false"
	case FactInt:
		return "a whole number, not negative (" + d.Unit + ")"
	case FactEnum:
		return "one of " + strings.Join(d.Values, ", ")
	case FactSet:
		return "a list of: " + strings.Join(d.Values, ", ")
	case FactTime:
		return "a time with its zone, such as 2026-11-21T03:10:00+08:00"
	case FactCounts:
		return "people by region, such as CN:1200000,US-CA:300"
	}
	panic("breach: fact type " + string(d.Type))
}

// NearestFact returns the fact whose name looks most like a misspelt one, and whether any is near enough to suggest.
func NearestFact(name FactName) (FactName, bool) {
	best, distance := FactName(""), 4
	for _, d := range factDefs {
		if n := editDistance(string(name), string(d.Name)); n < distance && 3*n <= len(name)+1 {
			best, distance = d.Name, n
		}
	}
	return best, best != ""
}

func unknownFact(name FactName) error {
	if best, near := NearestFact(name); near {
		return fmt.Errorf("there is no fact named %q; did you mean %s?", name, best)
	}
	return fmt.Errorf("there is no fact named %q; tocsin facts new lists them all", name)
}

func editDistance(a, b string) int {
	if len(b) == 0 || len(a) > 4*len(b) {
		return len(a) // far off whatever they hold; names come from strangers, so the work stays bounded
	}
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
