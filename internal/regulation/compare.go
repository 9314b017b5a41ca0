package regulation

import (
	"reflect"
	"slices"
	"time"

	"tocsin/internal/breach"
)

// Diff is what a re-assessment changes. Keys are those of [breach.Obligation.Key]; within each list the order is that of the
// assessments.
type Diff struct {
	New        []Change        `json:"new,omitempty"`   // duties that were not there before
	Moved      []Change        `json:"moved,omitempty"` // duties that changed: see Change.What
	Gone       []Change        `json:"gone,omitempty"`  // duties that are no longer owed or possible; a person decides before they end
	Severities []LevelChange   `json:"severities,omitempty"`
	Packs      []VersionChange `json:"packs,omitempty"` // packs whose version or content changed; they too may be the reason
}

// Change is one duty before and after.
type Change struct {
	Key     string             `json:"key"`
	What    []string           `json:"what,omitempty"` // of owed, due, policy, clock, stage, covered_by; empty for new and gone ones
	Because []breach.FactName  `json:"because,omitempty"`
	Before  *breach.Obligation `json:"before,omitempty"`
	After   *breach.Obligation `json:"after,omitempty"`
}

// LevelChange is one scale whose level changed, or whose open end did.
type LevelChange struct {
	Scale   string            `json:"scale"`
	Because []breach.FactName `json:"because,omitempty"`
	Before  breach.Severity   `json:"before"`
	After   breach.Severity   `json:"after"`
}

// VersionChange is one pack that is not the same in both. An empty version means that the pack was not there.
type VersionChange struct {
	Name   string `json:"name"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Empty reports whether nothing changed.
func (d Diff) Empty() bool {
	return len(d.New)+len(d.Moved)+len(d.Gone)+len(d.Severities)+len(d.Packs) == 0
}

// Compare tells what is new, moved or gone between two assessments. changed are the facts that differ between them; each
// change names those of them that the duty rests on.
func Compare(before, after breach.Assessment, changed []breach.FactName) Diff {
	var d Diff
	was, is := byKey(before.Obligations), byKey(after.Obligations)
	for i := range after.Obligations {
		o := &after.Obligations[i]
		old := was[o.Key()]
		switch {
		case !stands(o):
		case !stands(old):
			d.New = append(d.New, Change{Key: o.Key(), Because: because(changed, old, o), Before: old, After: o})
		default:
			if what := moved(old, o); len(what) > 0 {
				d.Moved = append(d.Moved, Change{Key: o.Key(), What: what, Because: because(changed, old, o), Before: old, After: o})
			}
		}
	}
	for i := range before.Obligations {
		o := &before.Obligations[i]
		if now := is[o.Key()]; stands(o) && !stands(now) {
			d.Gone = append(d.Gone, Change{Key: o.Key(), Because: because(changed, o, now), Before: o, After: now})
		}
	}
	d.Severities = compareLevels(before.Severities, after.Severities, changed)
	d.Packs = comparePacks(before.Packs, after.Packs)
	return d
}

func byKey(all []breach.Obligation) map[string]*breach.Obligation {
	m := make(map[string]*breach.Obligation, len(all))
	for i := range all {
		m[all[i].Key()] = &all[i]
	}
	return m
}

func stands(o *breach.Obligation) bool { return o != nil && o.Owed != breach.NotOwed }

func moved(a, b *breach.Obligation) []string {
	var what []string
	note := func(name string, same bool) {
		if !same {
			what = append(what, name)
		}
	}
	note("owed", a.Owed == b.Owed)
	note("due", sameInstant(a.DueAt, b.DueAt))
	note("policy", sameInstant(a.PolicyAt, b.PolicyAt))
	note("clock", a.Clock == b.Clock && sameInstant(a.ClockAt, b.ClockAt))
	note("stage", a.Stage == b.Stage)
	note("covered_by", a.CoveredBy == b.CoveredBy)
	return what
}

func sameInstant(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

// because keeps those changed facts that either side of a duty rests on. Where a duty is gone without a trace of why, every
// changed fact is a candidate.
func because(changed []breach.FactName, sides ...*breach.Obligation) []breach.FactName {
	rests := map[breach.FactName]bool{}
	for _, o := range sides {
		if o == nil {
			continue
		}
		rests[o.Clock] = true
		for _, n := range o.Depends {
			rests[n] = true
		}
		for _, r := range o.Why {
			for _, n := range r.Facts {
				rests[n] = true
			}
		}
	}
	var out []breach.FactName
	for _, n := range changed {
		if rests[n] {
			out = append(out, n)
		}
	}
	if len(out) == 0 {
		return slices.Clone(changed)
	}
	return out
}

func compareLevels(before, after []breach.Severity, changed []breach.FactName) []LevelChange {
	at := func(all []breach.Severity, scale string) breach.Severity {
		for _, s := range all {
			if s.Scale == scale {
				return s
			}
		}
		return breach.Severity{Scale: scale}
	}
	var scales []string
	for _, s := range slices.Concat(before, after) {
		if !slices.Contains(scales, s.Scale) {
			scales = append(scales, s.Scale)
		}
	}
	var out []LevelChange
	for _, scale := range scales {
		a, b := at(before, scale), at(after, scale)
		if a.Level == b.Level && a.Possible == b.Possible {
			continue
		}
		var why []breach.FactName
		for _, n := range changed {
			if slices.ContainsFunc(slices.Concat(a.Why, b.Why), func(r breach.Reason) bool { return slices.Contains(r.Facts, n) }) {
				why = append(why, n)
			}
		}
		if len(why) == 0 {
			why = slices.Clone(changed)
		}
		out = append(out, LevelChange{scale, why, a, b})
	}
	return out
}

func comparePacks(before, after []breach.PackRef) []VersionChange {
	at := func(all []breach.PackRef, name string) breach.PackRef {
		for _, p := range all {
			if p.Name == name {
				return p
			}
		}
		return breach.PackRef{}
	}
	var names []string
	for _, p := range slices.Concat(before, after) {
		if !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	var out []VersionChange
	for _, name := range names {
		if a, b := at(before, name), at(after, name); a.SHA256 != b.SHA256 {
			out = append(out, VersionChange{name, a.Version, b.Version})
		}
	}
	return out
}

// ChangedFacts names the facts that differ between two revisions, in the vocabulary's order.
func ChangedFacts(before, after breach.Facts) []breach.FactName {
	var out []breach.FactName
	for _, d := range breach.FactDefs() {
		a, knownA := before[d.Name]
		b, knownB := after[d.Name]
		if knownA != knownB || !reflect.DeepEqual(a, b) {
			out = append(out, d.Name)
		}
	}
	return out
}

// Outdated names the packs, the policy and the calendars that changed since an assessment was made. An empty answer means
// that assessing again would apply the same law; any other is a reason to offer it. The assessment itself stays as it is.
func (e *Engine) Outdated(a breach.Assessment) []VersionChange {
	return comparePacks(a.Packs, e.refs())
}
