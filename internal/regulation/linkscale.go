package regulation

import (
	"slices"
	"strconv"
	"strings"

	"tocsin/internal/breach"
)

func (c *compiler) linkScale(d *sourceFile, doc *scaleDoc, terms map[string]*clause) *scale {
	line := max(1, doc.Key.Line)
	if !packNamePattern.MatchString(doc.Key.Text) {
		c.fault(d.name, line, "use small letters, digits and hyphens, such as cac-2025", "%q is no key for a scale", doc.Key.Text)
		return nil
	}
	for _, p := range c.engine.packs {
		for _, s := range p.scales {
			if s.key == doc.Key.Text {
				c.fault(d.name, line, "give each scale its own key", "scale %s is declared twice", s.key)
			}
		}
	}
	s := &scale{
		key: doc.Key.Text, name: breach.Text{ZH: doc.ZH, EN: doc.EN}, source: doc.Source.Text,
		when: c.clauses(d, doc.When, terms), span: c.span(d.name, doc.From, doc.Until),
		instrument: c.instrumentOf(d, doc.Instrument, line),
		articles:   c.articles(d, doc.Article, line, "scale "+doc.Key.Text),
	}
	c.wantText(d.name, line, "scale's name", s.name)
	c.checkSource(d, doc.Source, line)
	if s.instrument != nil {
		s.span = within(s.span, s.instrument.span)
	}
	for i := range doc.Levels {
		s.levels = append(s.levels, c.linkLevel(d, &doc.Levels[i], doc))
		if doc.Levels[i].Key.Text == doc.Base.Text {
			s.base = i + 1
		}
	}
	if len(s.levels) == 0 {
		c.fault(d.name, line, "write levels: from the slightest to the gravest", "scale %s has no levels", s.key)
	}
	if doc.Base.Text != "" && s.base == 0 {
		c.fault(d.name, doc.Base.Line, "name one of the levels", "the scale's base %q is none of its levels", doc.Base.Text)
	}
	if doc.Score != nil {
		s.score = c.linkScore(d, doc.Score, line)
		if v := c.verify(d, doc.Verify, doc.Source, line); v != nil {
			s.verify = []breach.Text{*v}
		}
	}
	return s
}

func (c *compiler) linkLevel(d *sourceFile, doc *levelDoc, of *scaleDoc) *level {
	l := &level{key: doc.Key.Text, name: breach.Text{ZH: doc.ZH, EN: doc.EN}}
	if !levelNamePattern.MatchString(l.key) {
		c.fault(d.name, max(1, doc.Key.Line), "use small letters, digits and underlines, such as relatively_major", "%q is no key for a level", l.key)
	}
	c.wantText(d.name, doc.Key.Line, "level's name", l.name)
	if of.Score != nil {
		var err error
		if l.points, err = strconv.ParseFloat(doc.Score.Text, 64); err != nil {
			c.fault(d.name, max(doc.Key.Line, doc.Score.Line), "write score: with the points from which the level is reached", "level %s has no score", l.key)
		}
		return l
	}
	if len(doc.Lines) == 0 && of.Base.Text != l.key {
		c.fault(d.name, doc.Key.Line, "write lines:, or make it the scale's base", "level %s can never be reached", l.key)
	}
	for i := range doc.Lines {
		ln := &doc.Lines[i]
		text := breach.Text{ZH: ln.ZH, EN: ln.EN}
		c.wantText(d.name, ln.Expr.Line, "line's text", text)
		cl, faults := c.conditions.compile(d.name, ln.Expr, text)
		c.note(faults)
		if cl == nil {
			continue
		}
		if len(cl.levels) > 0 {
			c.fault(d.name, ln.Expr.Line, "write facts only", "the line of a scale speaks of a level")
		}
		source := ln.Source
		if source.Text == "" {
			source = of.Source
		}
		c.checkSource(d, source, ln.Expr.Line)
		made := &line{clause: cl, source: source.Text}
		keys := ln.Verify
		if len(keys) == 0 {
			keys = of.Verify
		}
		if v := c.verify(d, keys, source, ln.Expr.Line); v != nil {
			made.verify = *v
		}
		l.lines = append(l.lines, made)
	}
	return l
}

func (c *compiler) linkScore(d *sourceFile, doc *scoreDoc, line int) *score {
	read := func(p pointsDoc) points {
		def, ok := breach.DefOf(breach.FactName(p.Fact.Text))
		if !ok || (def.Type != breach.FactEnum && def.Type != breach.FactBool) {
			c.fault(d.name, max(line, p.Fact.Line), "use a fact with choices, or yes and no", "%q cannot give points", p.Fact.Text)
			return points{}
		}
		want := def.Values
		if def.Type == breach.FactBool {
			want = []string{"false", "true"}
		}
		for _, v := range want {
			if _, ok := p.Points[v]; !ok {
				c.fault(d.name, p.Fact.Line, "give every value its points", "%s=%s has no points", def.Name, v)
			}
		}
		for _, v := range sortedKeys(p.Points) {
			if !slices.Contains(want, v) {
				c.fault(d.name, p.Fact.Line, "use one of "+strings.Join(want, ", "), "%s is never %q", def.Name, v)
			}
		}
		return points{def.Name, p.Points}
	}
	s := &score{times: read(doc.Times)}
	if len(doc.Clamp) != 2 || doc.Clamp[0] > doc.Clamp[1] {
		c.fault(d.name, line, "write clamp: [1, 4]", "the score has no bounds")
		return s
	}
	s.low, s.high = doc.Clamp[0], doc.Clamp[1]
	for _, p := range doc.Highest {
		s.highest = append(s.highest, read(p))
	}
	for _, p := range doc.Plus {
		s.plus = append(s.plus, read(p))
	}
	return s
}
