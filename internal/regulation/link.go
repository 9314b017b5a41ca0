package regulation

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

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

func (c *compiler) linkTiming(d *sourceFile, r *rule, doc *ruleDoc) {
	for _, l := range doc.Clock {
		def, ok := breach.DefOf(breach.FactName(l.Text))
		if !ok || !def.Clock {
			c.fault(d.name, l.Line, "use a clock: "+clockNames(), "%q is not an instant that deadlines run from", l.Text)
			continue
		}
		r.clocks = append(r.clocks, def.Name)
	}
	if len(doc.Clock) == 0 {
		c.fault(d.name, r.line, "write clock: with the fact that time runs from, such as aware_at", "rule %s has no clock", r.id)
	}
	if doc.Urgency.Text != "" {
		u, ok := c.urgencies[doc.Urgency.Text]
		if !ok {
			c.fault(d.name, doc.Urgency.Line, "use one of "+strings.Join(sortedKeys(c.urgencies), ", "), "there is no urgency %q", doc.Urgency.Text)
		}
		r.urgency = &u
	}
	if doc.Deadline != nil {
		r.deadline = c.deadline(d, doc.Deadline, r.line)
	}
	if r.deadline == nil && r.urgency == nil && doc.Deadline == nil {
		c.fault(d.name, r.line, "write deadline: with the law's number, or urgency: with its word", "rule %s says nothing about time", r.id)
	}
	if doc.Delay != nil {
		def, ok := breach.DefOf(breach.FactName(doc.Delay.Fact.Text))
		if !ok || def.Type != breach.FactTime {
			c.fault(d.name, max(r.line, doc.Delay.Fact.Line), "use a fact that holds an instant", "a delay cannot last until %q", doc.Delay.Fact.Text)
			return
		}
		c.wantText(d.name, doc.Delay.Fact.Line, "delay's text", breach.Text{ZH: doc.Delay.ZH, EN: doc.Delay.EN})
		r.delay = &delay{def.Name, breach.Text{ZH: doc.Delay.ZH, EN: doc.Delay.EN}}
	}
}

func clockNames() string {
	var names []string
	for _, d := range breach.FactDefs() {
		if d.Clock {
			names = append(names, string(d.Name))
		}
	}
	return strings.Join(names, ", ")
}

// maxAmount keeps a deadline within ten years of days or hours: more is a slip of the pen.
const maxAmount = 3660

func (c *compiler) deadline(d *sourceFile, doc *deadlineDoc, line int) *deadline {
	out := &deadline{amount: doc.Amount, unit: doc.Unit.Text, start: doc.Start.Text, roll: doc.Roll.Text == "next_business_day", calendar: doc.Calendar.Text}
	line = max(line, doc.Unit.Line)
	days := out.unit == "calendar_day" || out.unit == "business_day"
	if !days && out.unit != "hour" && out.unit != "minute" {
		c.fault(d.name, line, "use minute, hour, calendar_day or business_day", "there is no unit %q", out.unit)
		return nil
	}
	if out.amount < 1 || out.amount > maxAmount {
		c.fault(d.name, line, fmt.Sprintf("write a number from 1 to %d", maxAmount), "a deadline of %d cannot be", out.amount)
		return nil
	}
	if out.start == "" {
		out.start = "same_instant"
		if days {
			out.start = "next_day"
		}
	}
	starts := []string{"same_instant"}
	if days {
		starts = []string{"next_day", "same_day", "year_end"}
	}
	if !slices.Contains(starts, out.start) {
		c.fault(d.name, max(line, doc.Start.Line), "use "+strings.Join(starts, " or "), "%ss cannot start %q", out.unit, out.start)
	}
	switch doc.Roll.Text {
	case "", "none", "next_business_day":
	default:
		c.fault(d.name, doc.Roll.Line, "use none or next_business_day", "there is no way to roll named %q", doc.Roll.Text)
	}
	switch doc.Kind.Text {
	case "hard":
		out.hard = true
	case "soft":
	default:
		c.fault(d.name, max(line, doc.Kind.Line), "write kind: hard where the law gives the number, soft where a guideline does", "the deadline's kind is %q", doc.Kind.Text)
	}
	if out.unit == "business_day" || out.roll {
		if c.engine.calendars[out.calendar] == nil {
			c.fault(d.name, max(line, doc.Calendar.Line), "use one of "+strings.Join(sortedKeys(c.engine.calendars), ", "), "there is no calendar %q", out.calendar)
			return nil
		}
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

// checkSource wants a mark of confidence, and a title for every key that a mark names.
func (c *compiler) checkSource(d *sourceFile, l located, line int) {
	line = max(line, l.Line)
	if !strings.Contains(l.Text, "found") && !strings.Contains(l.Text, "memory") && !strings.Contains(l.Text, "derived") && !strings.Contains(l.Text, "own") {
		c.fault(d.name, line, "write source: found F1, F2 (keys of sources:), memory, derived, or own for a rule of your own", "the source is missing")
		return
	}
	for _, word := range strings.FieldsFunc(l.Text, func(r rune) bool { return r == ' ' || r == ',' || r == ';' || r == '(' || r == ')' }) {
		if !sourceKey(word) {
			continue
		}
		if !slices.ContainsFunc(d.doc.Sources, func(s sourceDoc) bool { return s.Key.Text == word }) {
			c.fault(d.name, line, "add it under sources: with its title", "source %s has no title", word)
		}
	}
}

func sourceKey(word string) bool {
	return len(word) >= 2 && (word[0] == 'F' || word[0] == 'N') && word[1] >= '0' && word[1] <= '9'
}

// verifyRule joins the doubts of a rule: its own, then those of the whole pack.
func (c *compiler) verifyRule(d *sourceFile, doc *ruleDoc, line int) *breach.Text {
	keys := slices.Clone(doc.Verify)
	for _, q := range d.doc.Doubts {
		named := slices.ContainsFunc(keys, func(k located) bool { return k.Text == q.Key.Text })
		if q.All && !named {
			keys = append(keys, q.Key)
		}
	}
	return c.verify(d, keys, doc.Source, line)
}

// verify joins doubts. What is only remembered must carry one.
func (c *compiler) verify(d *sourceFile, keys []located, source located, line int) *breach.Text {
	var own []doubtDoc
	for _, k := range keys {
		i := slices.IndexFunc(d.doc.Doubts, func(q doubtDoc) bool { return q.Key.Text == k.Text })
		if i < 0 {
			c.fault(d.name, k.Line, "declare it under doubts:", "there is no doubt %q", k.Text)
			continue
		}
		own = append(own, d.doc.Doubts[i])
	}
	if strings.Contains(source.Text, "memory") && len(own) == 0 {
		c.fault(d.name, max(line, source.Line), "write verify: with the key of a doubt", "what was not checked against a text needs a doubt")
	}
	return joinDoubts(own)
}

func joinDoubts(doubts []doubtDoc) *breach.Text {
	if len(doubts) == 0 {
		return nil
	}
	var zh, en []string
	for _, q := range doubts {
		zh, en = append(zh, q.ZH), append(en, q.EN)
	}
	return &breach.Text{ZH: strings.Join(zh, ""), EN: strings.Join(en, " ")}
}

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

// order puts every rule after those that it follows or that supersede it.
func (c *compiler) order() {
	state := map[*rule]int{} // 1 while its predecessors are placed, 2 once it is placed
	before := map[*rule][]*rule{}
	for _, p := range c.engine.packs {
		for _, r := range p.rules {
			before[r] = append(before[r], r.follows...)
			for _, s := range r.supersedes {
				before[s] = append(before[s], r)
			}
		}
	}
	var place func(r *rule)
	place = func(r *rule) {
		switch state[r] {
		case 1:
			c.fault(r.file, r.line, "break the circle", "rule %s follows or supersedes itself by way of others: no stage of it can be reached", r.id)
			return
		case 2:
			return
		}
		state[r] = 1
		for _, q := range before[r] {
			place(q)
		}
		state[r] = 2
		c.engine.rules = append(c.engine.rules, r)
	}
	for _, p := range c.engine.packs {
		for _, r := range p.rules {
			place(r)
		}
	}
}

// checkChains refuses stages that nothing leads to.
func (c *compiler) checkChains() {
	for _, r := range c.engine.rules {
		same := slices.ContainsFunc(r.to, func(a addressee) bool { return a.same })
		if same && len(r.follows) == 0 {
			c.fault(r.file, r.line, "write follows: with the rules whose addressees are meant", "rule %s goes to the same addressee as nothing", r.id)
		}
		later := r.stage == breach.StageSupplement || r.stage == breach.StageFinal || r.stage == breach.StageWithdrawal
		if later && len(r.follows) == 0 {
			c.fault(r.file, r.line, "write follows: with the rule of the first report, or make it single", "the %s stage of rule %s is unreachable: it follows no first report", r.stage, r.id)
		}
		reachable := len(r.follows) == 0
		for _, f := range r.follows {
			if f.stage == breach.StageFinal || f.stage == breach.StageWithdrawal {
				c.fault(r.file, r.line, "follow a rule of an earlier stage", "rule %s follows %s, after which nothing comes", r.id, f.id)
			}
			reachable = reachable || r.span.overlaps(f.span)
		}
		if !reachable && len(r.follows) > 0 {
			c.fault(r.file, r.line, "mend the validity of one of them", "the stage of rule %s is unreachable: it is never in force together with what it follows", r.id)
		}
	}
}
