package activities

import (
	"context"
	"maps"
	"slices"

	"tocsin/internal/breach"
	"tocsin/templates"
)

// needs are what decides which texts a notice must have.
type needs struct {
	rules      []string // of the packs of law that make a notice due
	regions    []string // where affected people live, as far as anybody said
	categories []string // of data that was exposed of somebody
}

func (a *Notices) needs(ctx context.Context, id breach.IncidentID, facts breach.Facts) (needs, error) {
	var n needs
	obligations, err := a.Store.Obligations(ctx, id)
	if err != nil {
		return n, err
	}
	for _, o := range obligations {
		if o.Duty == breach.DutyNotice && o.Owed != breach.NotOwed {
			n.rules = append(n.rules, string(o.Result.Rule))
		}
	}
	cohorts, err := a.Store.Cohorts(ctx, id)
	if err != nil {
		return n, err
	}
	regions := map[string]bool{}
	counts, _ := facts["people.by_region"].(map[string]int64)
	for r := range counts {
		regions[r] = true
	}
	n.categories, _ = facts.Set("data.categories")
	for _, c := range cohorts {
		if c.Region != "" {
			regions[c.Region] = true
		}
		n.categories = append(n.categories, c.Categories...)
	}
	n.regions = slices.Sorted(maps.Keys(regions))
	return n, nil
}

// chosenLaw is a law whose text is written, with the others that protect its readers too.
type chosenLaw struct {
	law  templates.Law
	also []string
}

// laws chooses whose texts a notice has: that of home first, for everybody of whom no region is known; then one for every
// place where a person lives or a law in force reaches; and the general text, where somebody lives where no law of ours
// asks for a notice.
func (n needs) laws(texts *templates.Set) ([]chosenLaw, error) {
	var out []chosenLaw
	add := func(names []string) error {
		if len(names) == 0 || slices.ContainsFunc(out, func(c chosenLaw) bool { return c.law.Name == names[0] }) {
			return nil
		}
		law, err := texts.Law(names[0])
		if err != nil {
			return err
		}
		out = append(out, chosenLaw{*law, names[1:]})
		return nil
	}
	home, err := texts.Law(templates.HomeLaw)
	if err != nil {
		return nil, err
	}
	reached := [][]string{{home.Name}}
	elsewhere := false
	for _, region := range n.regions {
		names := texts.LawsFor(region, n.rules)
		reached = append(reached, names)
		elsewhere = elsewhere || len(names) == 0 && !home.Protects(region)
	}
	for _, law := range texts.Laws() {
		if len(law.Regions) > 0 && slices.ContainsFunc(law.Rules, func(r string) bool { return slices.Contains(n.rules, r) }) {
			reached = append(reached, texts.LawsFor(law.Regions[0], n.rules))
		}
	}
	if elsewhere {
		reached = append(reached, []string{templates.GeneralLaw})
	}
	for _, names := range reached {
		if err := add(names); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// publicLaws names the laws that the public notice speaks under: those whose texts the notice has, and those that protect the
// same readers. That of home is among them only where it asks for a notice, or no other does.
func (n needs) publicLaws(texts *templates.Set) ([]string, error) {
	chosen, err := n.laws(texts)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, c := range chosen {
		asks := slices.ContainsFunc(c.law.Rules, func(r string) bool { return slices.Contains(n.rules, r) })
		if asks || c.law.Name == templates.GeneralLaw || len(chosen) == 1 {
			out = append(out, append([]string{c.law.Name}, c.also...)...)
		}
	}
	if len(out) == 0 {
		out = []string{templates.HomeLaw}
	}
	return out, nil
}

// renditions writes the notice under every law that it needs, for every audience in every language.
func (a *Notices) renditions(v templates.NoticeView, n needs) ([]breach.Rendition, error) {
	laws, err := n.laws(a.Templates)
	if err != nil {
		return nil, err
	}
	v.Categories = n.categories
	var out []breach.Rendition
	for _, chosen := range laws {
		v.Law, v.Laws = chosen.law.Name, chosen.also
		for _, audience := range []breach.Audience{breach.ToPerson, breach.ToMinor, breach.ToGuardian} {
			for _, l := range templates.Languages() {
				t, err := a.Templates.Notice(v, audience, l)
				if err != nil {
					return nil, err
				}
				r := rendition(t)
				r.Regions = chosen.law.Regions
				out = append(out, r)
			}
		}
	}
	return out, nil
}

// say puts what our people wrote into a view.
func say(v *templates.NoticeView, w breach.NoticeWords) {
	v.Cause, v.MinorCause, v.Harms, v.Measures, v.MinorMeasures = w.Cause, w.MinorCause, w.Harms, w.Measures, w.MinorMeasures
	v.Advice, v.Offer, v.DelayReason, v.Why = w.Advice, w.Offer, w.DelayReason, w.Correction
}
