package regulation

import (
	"slices"
	"time"

	"tocsin/internal/breach"
)

// questions lists the facts worth finding out next: those that decide a possible duty, those that start the clock of an
// owed one, those that may still raise a level. The nearest deadline comes first, then the vocabulary's order. Facts that
// come by themselves in the course of the handling are not asked for, nor those that another answer must come before.
func (a *assessment) questions(out breach.Assessment) []breach.Question {
	asked := map[breach.FactName]*asking{}
	ask := func(n breach.FactName, decides string, at, presumed *time.Time) {
		def, ok := breach.DefOf(n)
		if !ok || def.Later || a.waits(def) {
			return
		}
		q := asked[n]
		if q == nil {
			q = &asking{Question: breach.Question{Fact: n, Text: def.Question}}
			asked[n] = q
		}
		if !slices.Contains(q.Decides, decides) {
			q.Decides = append(q.Decides, decides)
		}
		q.Earliest = earlier(q.Earliest, at)
		q.presumed = earlier(q.presumed, presumed)
	}
	for _, o := range out.Obligations {
		if o.Owed == breach.NotOwed {
			continue
		}
		presumed := a.presume(o, out.AssessedAt)
		for _, n := range union(o.Depends, a.found[a.ruleOf(o.Rule)].excuses) {
			ask(n, o.Key(), o.Target(), presumed)
		}
		if o.ClockAt == nil {
			ask(o.Clock, o.Key(), nil, presumed)
		}
	}
	for _, s := range out.Severities {
		if s.Possible == s.Level {
			continue
		}
		for _, n := range a.openOf(s) {
			ask(n, s.Scale, nil, nil)
		}
	}
	return a.assumedQuestions(inUrgency(asked), out)
}

// waits reports whether another fact must be known before this one is worth asking for.
func (a *assessment) waits(def breach.FactDef) bool {
	if def.After == "" {
		return false
	}
	_, known := a.scene.facts[def.After]
	return !known
}

// asking is a question with the deadline that would hang on it if the clock had started at the assessment.
type asking struct {
	breach.Question
	presumed *time.Time
}

// presume is a duty's target, or what it would be at the latest if the organisation became aware now.
func (a *assessment) presume(o breach.Obligation, now time.Time) *time.Time {
	if t := o.Target(); t != nil {
		return t
	}
	if def, _ := breach.DefOf(o.Clock); def.Later {
		return nil
	}
	r := a.ruleOf(o.Rule)
	loc, err := time.LoadLocation(o.Zone)
	if err != nil {
		loc = time.UTC
	}
	if r.deadline == nil {
		return ptr(now.Add(r.urgency.after))
	}
	due, err := r.deadline.due(now, loc, a.engine.calendars)
	if err != nil {
		due, _ = r.deadline.bare().due(now, loc, nil)
	}
	return &due
}

func (a *assessment) ruleOf(id breach.RuleID) *rule {
	for _, r := range a.engine.rules {
		if r.id == id {
			return r
		}
	}
	panic("regulation: no rule " + string(id))
}

// openOf names the facts that keep a scale's higher levels open.
func (a *assessment) openOf(s breach.Severity) []breach.FactName {
	var names []breach.FactName
	for _, p := range a.engine.packs {
		for _, sc := range p.scales {
			if sc.key != s.Scale {
				continue
			}
			for _, l := range sc.levels {
				names = union(names, a.scene.levels[levelName(sc.key, l.key)].missing)
			}
		}
	}
	return names
}

func earlier(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.Before(*a) {
		return b
	}
	return a
}

func inUrgency(asked map[breach.FactName]*asking) []breach.Question {
	all := make([]*asking, 0, len(asked))
	for _, q := range asked {
		all = append(all, q)
	}
	slices.SortFunc(all, func(x, y *asking) int {
		if (x.presumed == nil) != (y.presumed == nil) {
			if x.presumed != nil {
				return -1
			}
			return 1
		}
		if x.presumed != nil {
			if d := x.presumed.Compare(*y.presumed); d != 0 {
				return d
			}
		}
		return factRank[x.Fact] - factRank[y.Fact]
	})
	out := make([]breach.Question, len(all))
	for i, q := range all {
		out[i] = q.Question
	}
	return out
}

// assumedQuestions ends the list with what our policy had to take for granted.
func (a *assessment) assumedQuestions(qs []breach.Question, out breach.Assessment) []breach.Question {
	for _, r := range out.Assumed {
		for _, n := range r.Facts {
			def, _ := breach.DefOf(n)
			qs = append(qs, breach.Question{Fact: n, Text: def.Question, Decides: a.readers(n)})
		}
	}
	return qs
}

// readers names the packs and rules whose conditions read a fact.
func (a *assessment) readers(n breach.FactName) []string {
	var names []string
	reads := func(clauses []*clause) bool {
		return slices.ContainsFunc(clauses, func(c *clause) bool { return slices.Contains(c.facts, n) })
	}
	for _, p := range a.engine.packs {
		if reads(p.applies) {
			names = append(names, p.ref.Name)
			continue
		}
		for _, r := range p.rules {
			if reads(r.when) || reads(r.unless) {
				names = append(names, string(r.id))
			}
		}
	}
	return names
}
