package regulation

import (
	"fmt"
	"slices"
	"time"

	"tocsin/internal/breach"
)

// Assess answers for one revision of the facts; org is the organisation's profile (the org.* facts). The result holds owed
// and possible duties by deadline.
//
// The law applied is the law at the time of awareness: aware_at, else discovered_at, else now. Nothing else depends on now.
func (e *Engine) Assess(org, facts breach.Facts, now time.Time) (breach.Assessment, error) {
	return e.assess(org, facts, now, false)
}

// AssessAll is [Engine.Assess] with the duties that are not owed, each with the reason why not. Packs that do not apply to
// the organisation are left out.
func (e *Engine) AssessAll(org, facts breach.Facts, now time.Time) (breach.Assessment, error) {
	return e.assess(org, facts, now, true)
}

func (e *Engine) assess(org, facts breach.Facts, now time.Time, all bool) (breach.Assessment, error) {
	a := &assessment{engine: e, all: all, found: map[*rule]*finding{}}
	known, assumed := e.policy.fill(infer(org.Merge(facts)))
	a.scene = newScene(known, e.regions)
	a.asOf = asOf(known, now)
	out := breach.Assessment{
		AssessedAt: now.UTC(),
		Packs:      e.refs(),
	}
	applies := map[*pack]verdict{}
	for _, p := range e.packs {
		v, _, err := a.scene.all(p.applies)
		if err != nil {
			return breach.Assessment{}, fmt.Errorf("pack %s: %w", p.ref.Name, err)
		}
		applies[p] = v
		severities, err := a.severities(p, v)
		if err != nil {
			return breach.Assessment{}, err
		}
		out.Severities = append(out.Severities, severities...)
	}
	for _, r := range e.rules {
		f, err := a.judge(r, applies[r.pack])
		if err != nil {
			return breach.Assessment{}, fmt.Errorf("rule %s: %w", r.id, err)
		}
		a.found[r] = f
	}
	for _, r := range e.rules {
		if applies[r.pack].truth != isFalse {
			out.Obligations = append(out.Obligations, a.obligations(r)...)
		}
	}
	a.cover(out.Obligations)
	a.sort(out.Obligations, now)
	out.Assumed = told(assumed, func(n breach.FactName) bool { return a.matters(n, applies) })
	out.Questions = a.questions(out)
	return out, nil
}

// refs names everything that an answer rests on: packs, policy and calendars.
func (e *Engine) refs() []breach.PackRef {
	return slices.Concat(e.Packs(), []breach.PackRef{e.policy.ref}, e.calendarRef)
}

// asOf is the instant whose law applies.
func asOf(f breach.Facts, now time.Time) time.Time {
	for _, n := range []breach.FactName{"aware_at", "discovered_at"} {
		if t, known := f.Time(n); known {
			return t
		}
	}
	return now
}

// assessment is one run.
type assessment struct {
	engine *Engine
	scene  *scene
	asOf   time.Time
	all    bool
	found  map[*rule]*finding
}

// finding is what a run found out about one rule.
type finding struct {
	verdict
	why     []breach.Reason
	against []breach.Reason   // why it is not owed
	excuses []breach.FactName // unknown facts that would free from it
}

func (a *assessment) severities(p *pack, applies verdict) ([]breach.Severity, error) {
	var out []breach.Severity
	for _, sc := range p.scales {
		when, _, err := a.scene.all(sc.when)
		if err != nil {
			return nil, fmt.Errorf("scale %s: %w", sc.key, err)
		}
		v := allOf(applies, when)
		if !sc.span.holds(dateOf(a.asOf.In(p.zone))) {
			v = verdict{truth: isFalse}
		}
		s, err := a.scene.judge(sc, v)
		if err != nil {
			return nil, fmt.Errorf("scale %s: %w", sc.key, err)
		}
		if v.truth == isFalse {
			continue
		}
		if art := articleAt(sc.articles, dateOf(a.asOf.In(p.zone))); art != nil && sc.instrument != nil {
			s.Source = sc.instrument.name.ZH + " " + art.own + " [" + sc.source + "]"
		}
		out = append(out, s)
	}
	return out, nil
}

// all decides a list of conditions that must hold together, and says why in the words of each that does.
func (s *scene) all(clauses []*clause) (verdict, []breach.Reason, error) {
	out := verdict{truth: isTrue}
	var why []breach.Reason
	for _, c := range clauses {
		v, err := s.eval(c)
		if err != nil {
			return verdict{}, nil, err
		}
		out = allOf(out, v)
		if v.truth == isTrue {
			why = append(why, s.reason(c.text, v.used))
		}
	}
	return out, why, nil
}

// judge decides a rule: its pack applies, it is in force, its conditions hold, no exception does, what it follows is owed,
// and nothing stronger takes its place.
func (a *assessment) judge(r *rule, applies verdict) (*finding, error) {
	f := &finding{verdict: applies}
	if applies.truth == isFalse {
		return f, nil
	}
	if day := dateOf(a.asOf.In(r.pack.zone)); !r.span.holds(day) {
		f.rule(out(breach.Text{
			ZH: fmt.Sprintf("%s 时该条不在施行期内（%s）", day, r.span.words().ZH),
			EN: fmt.Sprintf("not in force on %s (%s)", day, r.span.words().EN),
		}))
		return f, nil
	}
	for _, c := range r.when {
		v, err := a.scene.eval(c)
		if err != nil {
			return nil, err
		}
		a.weigh(f, c, v, "未满足：", "not met: ")
	}
	for _, c := range r.unless {
		if err := a.excuse(f, c); err != nil {
			return nil, err
		}
	}
	a.chain(f, r)
	return f, nil
}

func out(t breach.Text) breach.Reason { return breach.Reason{Text: t} }

// rule rules a duty out.
func (f *finding) rule(why breach.Reason) {
	f.verdict = verdict{truth: isFalse, used: f.used}
	f.against = append(f.against, why)
}

func (a *assessment) weigh(f *finding, c *clause, v verdict, zh, en string) {
	f.verdict = allOf(f.verdict, v)
	reason := a.scene.reason(c.text, v.used)
	switch v.truth {
	case isTrue:
		f.why = append(f.why, reason)
	case isFalse:
		f.against = append(f.against, breach.Reason{
			Text: breach.Text{ZH: zh + reason.Text.ZH, EN: en + reason.Text.EN}, Facts: reason.Facts,
		})
	case isOpen:
	}
}

// excuse applies an exception. Whoever relies on one must show it, so while its facts are unknown the duty stands.
func (a *assessment) excuse(f *finding, c *clause) error {
	v, err := a.scene.eval(c)
	if err != nil {
		return err
	}
	switch v.truth {
	case isTrue:
		reason := a.scene.reason(c.text, v.used)
		f.rule(breach.Reason{Text: breach.Text{ZH: "例外：" + reason.Text.ZH, EN: "exception: " + reason.Text.EN}, Facts: reason.Facts})
	case isOpen:
		f.excuses = union(f.excuses, v.missing)
	case isFalse:
	}
	return nil
}

// matters reports whether any condition of a pack that applies, or may apply, reads a fact.
func (a *assessment) matters(n breach.FactName, applies map[*pack]verdict) bool {
	reads := func(clauses []*clause) bool {
		return slices.ContainsFunc(clauses, func(c *clause) bool { return slices.Contains(c.facts, n) })
	}
	for _, p := range a.engine.packs {
		if reads(p.applies) {
			return true
		}
		if applies[p].truth == isFalse {
			continue
		}
		for _, r := range p.rules {
			if reads(r.when) || reads(r.unless) {
				return true
			}
		}
		for _, s := range p.scales {
			if reads(s.when) || slices.ContainsFunc(s.levels, func(l *level) bool {
				return slices.ContainsFunc(l.lines, func(ln *line) bool { return slices.Contains(ln.clause.facts, n) })
			}) {
				return true
			}
		}
	}
	return false
}

// chain lets a later stage depend on the report that it follows, and a superseded duty on what takes its place.
func (a *assessment) chain(f *finding, r *rule) {
	if len(r.follows) > 0 {
		var first []verdict
		for _, q := range r.follows {
			if v := a.found[q]; v != nil {
				first = append(first, v.verdict)
			}
		}
		v := anyOf(first...)
		f.verdict = allOf(f.verdict, v)
		if v.truth == isFalse {
			f.against = append(f.against, out(breach.Text{ZH: "没有需要跟进的首次报告", EN: "there is no first report for it to follow"}))
		}
	}
	for _, q := range a.engine.rules {
		stronger := a.found[q]
		if stronger == nil || !slices.Contains(q.supersedes, r) {
			continue
		}
		switch stronger.truth {
		case isTrue:
			f.rule(out(breach.Text{ZH: "由 " + string(q.id) + " 取代", EN: "superseded by " + string(q.id)}))
		case isOpen:
			f.verdict = allOf(f.verdict, verdict{truth: isOpen, missing: stronger.missing})
		case isFalse:
		}
	}
}

func (s span) words() breach.Text {
	switch {
	case s.until == (date{}):
		return breach.Text{ZH: "自 " + s.from.String() + " 起施行", EN: "in force from " + s.from.String()}
	case s.from == (date{}):
		return breach.Text{ZH: "施行至 " + s.until.String(), EN: "in force until " + s.until.String()}
	}
	return breach.Text{ZH: "施行于 " + s.from.String() + " 至 " + s.until.String(), EN: "in force from " + s.from.String() + " until " + s.until.String()}
}
