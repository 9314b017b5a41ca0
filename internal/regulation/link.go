package regulation

import (
	"slices"

	"tocsin/internal/breach"
)

// link compiles one pack's conditions and joins what refers to something else.
func (c *compiler) link(d *sourceFile) {
	for _, q := range d.doc.Doubts {
		c.wantText(d.name, q.Key.Line, "doubt's text", breach.Text{ZH: q.ZH, EN: q.EN})
	}
	terms := c.terms(d)
	d.pack.applies = c.clauses(d, d.doc.Applies, terms)
	for i := range d.doc.Scales {
		if s := c.linkScale(d, &d.doc.Scales[i], terms); s != nil {
			d.pack.scales = append(d.pack.scales, s)
		}
	}
	for _, r := range d.pack.rules {
		c.linkRule(d, r, c.docs[r], terms)
	}
}

func (c *compiler) terms(d *sourceFile) map[string]*clause {
	terms := map[string]*clause{}
	for _, t := range d.doc.Terms {
		if terms[t.Key.Text] != nil {
			c.fault(d.name, t.Key.Line, "give each term its own key", "term %s is declared twice", t.Key.Text)
			continue
		}
		c.wantText(d.name, t.Key.Line, "term's text", breach.Text{ZH: t.ZH, EN: t.EN})
		cl, faults := c.conditions.compile(d.name, t.Expr, breach.Text{ZH: t.ZH, EN: t.EN})
		c.note(faults)
		if cl == nil {
			cl = &clause{}
		}
		terms[t.Key.Text] = cl
	}
	return terms
}

func (c *compiler) note(faults []*Fault) {
	for _, f := range faults {
		c.faults = append(c.faults, f)
	}
}

func (c *compiler) clauses(d *sourceFile, docs []clauseDoc, terms map[string]*clause) []*clause {
	var out []*clause
	for _, doc := range docs {
		if doc.Term.Text != "" {
			cl := terms[doc.Term.Text]
			if cl == nil {
				c.fault(d.name, doc.Term.Line, "declare it under terms:", "there is no term %s", doc.Term.Text)
				continue
			}
			if doc.Expr.Text != "" {
				c.fault(d.name, doc.Term.Line, "write two conditions", "a condition is either an expr or a term")
			}
			out = append(out, cl)
			continue
		}
		text := breach.Text{ZH: doc.ZH, EN: doc.EN}
		c.wantText(d.name, doc.Expr.Line, "condition's text", text)
		cl, faults := c.conditions.compile(d.name, doc.Expr, text)
		c.note(faults)
		if cl != nil {
			out = append(out, cl)
		}
	}
	return out
}

func (c *compiler) linkRule(d *sourceFile, r *rule, doc *ruleDoc, terms map[string]*clause) {
	c.wantText(d.name, r.line, "rule's title", doc.Title)
	r.instrument = c.instrumentOf(d, doc.Instrument, r.line)
	r.span = c.span(d.name, doc.From, doc.Until)
	if r.instrument != nil {
		r.span = within(r.span, r.instrument.span)
	}
	r.articles = c.articles(d, doc.Article, r.line, "rule "+doc.ID.Text)
	r.stage = c.stage(d, doc.Stage)
	r.to = c.addressees(d, r, doc)
	r.when = c.clauses(d, doc.When, terms)
	r.unless = c.clauses(d, doc.Unless, terms)
	if len(doc.When) == 0 && len(doc.Follows) == 0 {
		c.fault(d.name, r.line, "write when: with at least one condition", "rule %s says for nothing when it applies", r.id)
	}
	c.linkTiming(d, r, doc)
	c.linkContent(d, r, doc)
	r.follows = c.named(d, doc.Follows, r, "follows")
	r.coveredBy = c.named(d, doc.CoveredBy, r, "is covered by")
	r.supersedes = c.named(d, doc.Supersedes, r, "supersedes")
	c.checkSource(d, doc.Source, r.line)
	r.source = doc.Source.Text
	r.verify = c.verifyRule(d, doc, r.line)
	for _, ch := range doc.Channels {
		r.channels = append(r.channels, ch.Text)
	}
}

func within(s, outer span) span {
	if s.from == (date{}) {
		s.from = outer.from
	}
	if s.until == (date{}) {
		s.until = outer.until
	}
	return s
}

func (c *compiler) instrumentOf(d *sourceFile, key located, line int) *instrument {
	for _, i := range d.pack.instruments {
		if i.key == key.Text {
			return i
		}
	}
	c.fault(d.name, max(line, key.Line), "declare it under instruments:", "there is no instrument %q", key.Text)
	return nil
}

func (c *compiler) articles(d *sourceFile, docs []articleDoc, line int, what string) []article {
	var out []article
	for _, doc := range docs {
		in := breach.Text{ZH: doc.ZH.Text, EN: doc.EN}
		if in.ZH == "" || in.EN == "" {
			c.fault(d.name, max(line, doc.ZH.Line), "write zh: 第57条第1款 and en: art. 57(1)", "%s: the article is missing in Chinese or English", what)
		}
		a := article{in: in, own: in.EN, span: c.span(d.name, doc.From, doc.Until)}
		if d.doc.Native.Text == "zh" {
			a.own = in.ZH
		}
		for _, b := range out {
			if a.span.overlaps(b.span) {
				c.fault(d.name, max(line, doc.ZH.Line), "end the old numbering the day before the new begins",
					"%s: the validity of %s overlaps that of %s", what, a.own, b.own)
			}
		}
		out = append(out, a)
	}
	if len(out) == 0 {
		c.fault(d.name, line, "write article: with the number in the law", "%s names no article", what)
	}
	return out
}

func (c *compiler) stage(d *sourceFile, l located) breach.Stage {
	switch s := breach.Stage(l.Text); s {
	case "":
		return breach.StageSingle
	case breach.StageSingle, breach.StageInitial, breach.StageSupplement, breach.StageFinal, breach.StageWithdrawal:
		return s
	}
	c.fault(d.name, l.Line, "use single, initial, supplement, final or withdrawal", "there is no stage %q", l.Text)
	return breach.StageSingle
}

var (
	peopleText = breach.Text{ZH: "受影响的个人", EN: "Each affected person"}
	publicText = breach.Text{ZH: "公众", EN: "The public"}
	selfText   = breach.Text{ZH: "本单位", EN: "The organisation itself"}
)

func (c *compiler) addressees(d *sourceFile, r *rule, doc *ruleDoc) []addressee {
	var out []addressee
	unkeyed := 0
	for _, to := range doc.To {
		switch to.Text {
		case "people":
			out = append(out, addressee{duty: breach.DutyNotice, name: peopleText, loc: d.pack.zone})
			unkeyed++
		case "public":
			out = append(out, addressee{duty: breach.DutyPublic, name: publicText, loc: d.pack.zone})
			unkeyed++
		case "self":
			out = append(out, addressee{duty: breach.DutyMeasure, name: selfText, loc: d.pack.zone})
			unkeyed++
		case "same":
			out = append(out, addressee{duty: breach.DutyFiling, same: true})
		default:
			a := c.authority[to.Text]
			if a == nil {
				c.fault(d.name, to.Line, "declare it under authorities:, or use people, public, self or same", "there is no authority %q", to.Text)
				continue
			}
			out = append(out, addressee{authority: a, duty: breach.DutyFiling, name: a.Name, loc: a.loc})
		}
	}
	if len(doc.To) == 0 {
		c.fault(d.name, r.line, "write to: with an authority, people, public, self or same", "rule %s names no addressee", r.id)
	}
	if unkeyed > 1 {
		c.fault(d.name, r.line, "make it two rules", "rule %s addresses more than one of people, public and self", r.id)
	}
	return out
}

func (c *compiler) linkContent(d *sourceFile, r *rule, doc *ruleDoc) {
	r.content = doc.Contents
	if doc.Content.Text == "" {
		return
	}
	for _, list := range d.doc.Contents {
		if list.Key.Text == doc.Content.Text {
			r.content = append(slices.Clone(list.Items), doc.Contents...)
			return
		}
	}
	c.fault(d.name, doc.Content.Line, "declare it under contents:", "there is no list of contents %q", doc.Content.Text)
}

func (c *compiler) named(d *sourceFile, names []located, r *rule, how string) []*rule {
	var out []*rule
	for _, n := range names {
		other := c.rules[n.Text]
		switch {
		case other == nil:
			c.fault(d.name, n.Line, "use the id of a rule", "rule %s %s %q, which does not exist", r.id, how, n.Text)
		case other == r:
			c.fault(d.name, n.Line, "name another rule", "rule %s %s itself", r.id, how)
		default:
			out = append(out, other)
		}
	}
	return out
}
