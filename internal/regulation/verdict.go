package regulation

import (
	"fmt"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"tocsin/internal/breach"
)

// truth is one of three values; the middle one is why this package exists.
type truth int

const (
	isFalse truth = iota - 1
	isOpen
	isTrue
)

// verdict is a truth with its grounds.
type verdict struct {
	truth   truth
	missing []breach.FactName // what would decide it; only where it is open
	used    []breach.FactName // known facts that it read
}

// allOf is true where every verdict is, false where one is.
func allOf(vs ...verdict) verdict {
	out := verdict{truth: isTrue}
	for _, v := range vs {
		out = out.fold(v, min(out.truth, v.truth))
	}
	return out
}

// anyOf is true where one verdict is, false where all are.
func anyOf(vs ...verdict) verdict {
	out := verdict{truth: isFalse}
	for _, v := range vs {
		out = out.fold(v, max(out.truth, v.truth))
	}
	return out
}

func (v verdict) fold(w verdict, t truth) verdict {
	out := verdict{truth: t, used: union(v.used, w.used)}
	switch {
	case v.truth == t && w.truth != t:
		out.used = v.used
	case w.truth == t && v.truth != t:
		out.used = w.used
	}
	if t == isOpen {
		out.missing = union(v.missing, w.missing)
	}
	return out
}

func union(a, b []breach.FactName) []breach.FactName {
	out := slices.Clone(a)
	for _, n := range b {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// scene is what one assessment knows: facts, and the levels found so far.
type scene struct {
	facts   breach.Facts
	values  map[string]any     // by name, as CEL reads them
	regions map[string]bool    // regions whose number of people is open
	levels  map[string]verdict // by name, at_least.…
}

// newScene prepares the facts. A region that is not listed is open, unless the listed ones already make up people.total.
func newScene(facts breach.Facts, regions []string) *scene {
	s := &scene{facts: facts, values: make(map[string]any, len(facts)), regions: map[string]bool{}, levels: map[string]verdict{}}
	for n, v := range facts {
		s.values[string(n)] = v
	}
	counts, known := facts["people.by_region"].(map[string]int64)
	if !known {
		return s
	}
	var sum int64
	full := make(map[string]int64, len(counts)+len(regions))
	for region, n := range counts {
		full[region] = n
		sum += n
	}
	total, totalKnown := facts.Int("people.total")
	for _, region := range regions {
		if _, listed := counts[region]; listed {
			continue
		}
		if totalKnown && sum >= total {
			full[region] = 0
			continue
		}
		s.regions[region] = true
	}
	s.values["people.by_region"] = full
	return s
}

// eval decides a clause.
func (s *scene) eval(c *clause) (verdict, error) {
	var open []*cel.AttributePatternType
	var used []breach.FactName
	for _, n := range c.facts {
		if _, known := s.facts[n]; !known {
			open = append(open, cel.AttributePattern(string(n)))
			continue
		}
		used = append(used, n)
	}
	for _, region := range c.regions {
		if s.regions[region] {
			open = append(open, cel.AttributePattern("people.by_region").QualString(region))
		}
	}
	for _, name := range c.levels {
		v := s.levels[name]
		if v.truth == isOpen {
			open = append(open, cel.AttributePattern(name))
			continue
		}
		s.values[name] = v.truth == isTrue
	}
	vars, err := cel.PartialVars(s.values, open...)
	if err != nil {
		return verdict{}, fmt.Errorf("condition %q: %w", c.source, err)
	}
	out, _, err := c.program.Eval(vars)
	if err != nil {
		return verdict{}, fmt.Errorf("condition %q: %w", c.source, err)
	}
	v := verdict{used: used}
	switch out := out.(type) {
	case types.Bool:
		v.truth = isFalse
		if out {
			v.truth = isTrue
		}
	case *types.Unknown:
		v.truth = isOpen
		v.missing = s.missing(out)
	default:
		return verdict{}, fmt.Errorf("condition %q gave %s", c.source, out.Type().TypeName())
	}
	for _, name := range c.levels {
		if s.levels[name].truth == v.truth {
			v.used = union(v.used, s.levels[name].used)
		}
	}
	return v, nil
}

// missing names the facts behind an unknown result; an open level stands for the facts that hold it open.
func (s *scene) missing(u *types.Unknown) []breach.FactName {
	var names []breach.FactName
	for _, id := range u.IDs() {
		trails, _ := u.GetAttributeTrails(id)
		for _, t := range trails {
			if level, ok := s.levels[t.Variable()]; ok {
				names = union(names, level.missing)
				continue
			}
			names = union(names, []breach.FactName{breach.FactName(t.Variable())})
		}
	}
	return inOrder(names)
}

// inOrder sorts names as the vocabulary does.
func inOrder(names []breach.FactName) []breach.FactName {
	slices.SortStableFunc(names, func(a, b breach.FactName) int { return factRank[a] - factRank[b] })
	return names
}

var factRank = func() map[breach.FactName]int {
	m := map[breach.FactName]int{}
	for i, d := range breach.FactDefs() {
		m[d.Name] = i
	}
	return m
}()
