package regulation

import (
	"slices"
	"time"

	"tocsin/internal/breach"
)

func articleAt(articles []article, d date) *article {
	for i := range articles {
		if articles[i].span.holds(d) {
			return &articles[i]
		}
	}
	if len(articles) > 0 {
		return &articles[0]
	}
	return nil
}

// obligations makes one for each addressee of a rule.
func (a *assessment) obligations(r *rule) []breach.Obligation {
	f := a.found[r]
	if f.truth == isFalse && !a.all {
		return nil
	}
	var made []breach.Obligation
	for _, to := range a.addressees(r) {
		made = append(made, a.obligation(r, f, to))
	}
	return made
}

// addressees resolves "same": wherever the reports that this one follows are owed or possible.
func (a *assessment) addressees(r *rule) []addressee {
	var all []addressee
	add := func(to addressee) {
		known := slices.ContainsFunc(all, func(x addressee) bool { return x.authority == to.authority && x.duty == to.duty })
		if !known {
			all = append(all, to)
		}
	}
	for _, to := range r.to {
		if !to.same {
			add(to)
			continue
		}
		for _, q := range r.follows {
			if a.found[q] == nil || a.found[q].truth == isFalse && a.found[r].truth != isFalse {
				continue
			}
			for _, first := range q.to {
				if first.authority != nil {
					add(first)
				}
			}
		}
	}
	return all
}

func (a *assessment) obligation(r *rule, f *finding, to addressee) breach.Obligation {
	o := breach.Obligation{
		Rule: r.id, Pack: r.pack.ref.Name, PackVersion: r.pack.ref.Version,
		Owed: breach.IsOwed, Duty: to.duty, Stage: r.stage, Title: r.title, Instrument: r.instrument.name,
		Addressee: to.name, Zone: to.loc.String(), Content: r.content, Channels: r.channels,
		Why: f.why, Source: r.source, Verify: r.verify,
	}
	if to.authority != nil {
		o.Authority = to.authority.Key
	}
	if art := articleAt(r.articles, dateOf(a.asOf.In(r.pack.zone))); art != nil {
		o.Article, o.ArticleIn = art.own, art.in
	}
	switch f.truth {
	case isOpen:
		o.Owed, o.Depends = breach.Possible, inOrder(slices.Clone(f.missing))
	case isFalse:
		o.Owed, o.Why = breach.NotOwed, f.against
	case isTrue:
	}
	a.time(&o, r, to.loc)
	return o
}

// cover marks the filings that another one to the same addressee fulfils as well. What covers must be at least as certain.
func (a *assessment) cover(all []breach.Obligation) {
	at := map[string]*breach.Obligation{}
	for i := range all {
		at[all[i].Key()] = &all[i]
	}
	for _, r := range a.engine.rules {
		for _, to := range a.addressees(r) {
			o := at[keyOf(r, to)]
			if o == nil || o.Owed == breach.NotOwed {
				continue
			}
			for _, q := range r.coveredBy {
				by := at[keyOf(q, to)]
				if by != nil && by.Duty == o.Duty && by.CoveredBy == "" && (by.Owed == breach.IsOwed || by.Owed == o.Owed) && by.Owed != breach.NotOwed {
					o.CoveredBy = q.id
					break
				}
			}
		}
	}
}

func keyOf(r *rule, to addressee) string {
	if to.authority == nil {
		return string(r.id)
	}
	return string(r.id) + "/" + to.authority.Key
}

// sort puts the nearest target first, whether the law's or our policy's. Where a clock has not started, a duty stands where it
// would if the clock started now; duties whose clock comes later by itself end the list, and those not owed follow them.
func (a *assessment) sort(all []breach.Obligation, now time.Time) {
	at := map[string]*time.Time{}
	for _, o := range all {
		if o.Owed != breach.NotOwed {
			at[o.Key()] = a.presume(o, now)
		}
	}
	slices.SortStableFunc(all, func(x, y breach.Obligation) int {
		s, t := at[x.Key()], at[y.Key()]
		switch {
		case (x.Owed == breach.NotOwed) != (y.Owed == breach.NotOwed):
			return order(y.Owed == breach.NotOwed)
		case (s == nil) != (t == nil):
			return order(s != nil)
		case s != nil && !s.Equal(*t):
			return s.Compare(*t)
		case x.Hard != y.Hard:
			return order(x.Hard)
		case x.Owed != y.Owed:
			return order(x.Owed == breach.IsOwed)
		}
		return 0
	})
}

func order(first bool) int {
	if first {
		return -1
	}
	return 1
}
