package regulation

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cel.dev/cel-go/common/operators"
	"github.com/goccy/go-yaml"

	"tocsin/internal/breach"
)

// casesDoc is a file of cases: what each rule of a pack must answer, and where we read that it must.
type casesDoc struct {
	Pack  string         `yaml:"pack"`
	Base  map[string]any `yaml:"base"` // facts of every case, before its own
	Cases []caseGroup    `yaml:"cases"`
}

type caseGroup struct {
	Rule   string         `yaml:"rule"`
	Scale  string         `yaml:"scale"`
	Source string         `yaml:"source"`
	Given  map[string]any `yaml:"given"`
	Try    []caseDoc      `yaml:"try"`
}

type caseDoc struct {
	Name      string         `yaml:"name"`
	Source    string         `yaml:"source"` // where it differs from the group's
	Facts     map[string]any `yaml:"facts"`  // a null makes a fact unknown
	Is        string         `yaml:"is"`
	Due       string         `yaml:"due"`
	Policy    string         `yaml:"policy"`
	Clock     string         `yaml:"clock"` // the clock that runs; "none" where it has not started
	Depends   []string       `yaml:"depends"`
	CoveredBy string         `yaml:"covered_by"`
	Article   string         `yaml:"article"`
	To        []string       `yaml:"to"` // keys of authorities, or people, public, self
	Problem   bool           `yaml:"problem"`
	Waits     bool           `yaml:"waits"`
	Level     *string        `yaml:"level"`    // for scales; "" is no level
	Possible  string         `yaml:"possible"` // for scales
}

// now is the clock of every case; it only matters where no awareness is known.
var caseNow = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func caseFiles(t *testing.T) map[string]casesDoc {
	t.Helper()
	names, err := filepath.Glob("packs/*" + casesSuffix)
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]casesDoc{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var doc casesDoc
		if err := yaml.UnmarshalWithOptions(data, &doc, yaml.Strict()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if want := strings.TrimSuffix(filepath.Base(name), casesSuffix); doc.Pack != want {
			t.Errorf("%s is about pack %q", name, doc.Pack)
		}
		docs[doc.Pack] = doc
	}
	return docs
}

// facts joins the layers of a case; a null takes a fact away.
func (d casesDoc) facts(t *testing.T, layers ...map[string]any) breach.Facts {
	t.Helper()
	facts := breach.Facts{}
	for _, layer := range append([]map[string]any{d.Base}, layers...) {
		for name, raw := range layer {
			def, ok := breach.DefOf(breach.FactName(name))
			if !ok {
				t.Fatalf("there is no fact %q", name)
			}
			if raw == nil {
				delete(facts, def.Name)
				continue
			}
			v, err := factFromYAML(def, raw)
			if err != nil {
				t.Fatal(err)
			}
			facts[def.Name] = v
		}
	}
	return facts
}

// The packs answer every case as its source says.
func TestCases(t *testing.T) {
	e, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	docs := caseFiles(t)
	rules, cases := 0, 0
	for _, p := range e.packs {
		doc, ok := docs[p.ref.Name]
		if !ok {
			t.Errorf("pack %s has no cases: write packs/%s%s", p.ref.Name, p.ref.Name, casesSuffix)
			continue
		}
		n := 0
		for _, g := range doc.Cases {
			for _, c := range g.Try {
				n++
				name := fmt.Sprintf("%s/%s%s/%s", p.ref.Name, g.Rule, g.Scale, c.Name)
				t.Run(name, func(t *testing.T) {
					if g.Source == "" && c.Source == "" {
						t.Error("the case names no source")
					}
					check(t, e, doc, g, c)
				})
			}
		}
		t.Logf("%-12s %3d rules %2d scales %4d cases", p.ref.Name, len(p.rules), len(p.scales), n)
		rules, cases = rules+len(p.rules), cases+n
	}
	t.Logf("%-12s %3d rules           %4d cases", "all packs", rules, cases)
}

func check(t *testing.T, e *Engine, doc casesDoc, g caseGroup, c caseDoc) {
	t.Helper()
	a, err := e.AssessAll(nil, doc.facts(t, g.Given, c.Facts), caseNow)
	if err != nil {
		t.Fatal(err)
	}
	if g.Scale != "" {
		checkLevel(t, a, g, c)
		return
	}
	var found []breach.Obligation
	var to []string
	for _, o := range a.Obligations {
		if string(o.Rule) != g.Rule {
			continue
		}
		found = append(found, o)
		key := o.Authority
		if key == "" {
			key = map[breach.Duty]string{breach.DutyNotice: "people", breach.DutyPublic: "public", breach.DutyMeasure: "self"}[o.Duty]
		}
		to = append(to, key)
	}
	if len(found) == 0 {
		if c.Is != "not_owed" {
			t.Errorf("nothing said of the rule, want %s", c.Is)
		}
		return
	}
	slices.Sort(to)
	if want := slices.Sorted(slices.Values(c.To)); c.To != nil && !slices.Equal(to, want) {
		t.Errorf("addressed to %v, want %v", to, want)
	}
	for _, o := range found {
		checkOne(t, o, c)
	}
}

func checkOne(t *testing.T, o breach.Obligation, c caseDoc) {
	t.Helper()
	if string(o.Owed) != c.Is {
		t.Errorf("%s is %s, want %s; why: %v; depends: %v", o.Key(), o.Owed, c.Is, o.Why, o.Depends)
	}
	instant := func(what string, got *time.Time, want string) {
		if want == "" {
			return
		}
		at, err := time.Parse(time.RFC3339, want)
		if err != nil {
			t.Fatal(err)
		}
		if got == nil || !got.Equal(at) {
			t.Errorf("%s is %v, want %s", what, got, want)
		}
	}
	instant("due", o.DueAt, c.Due)
	instant("policy", o.PolicyAt, c.Policy)
	if c.Clock == "none" && (o.ClockAt != nil || o.DueAt != nil || o.PolicyAt != nil) {
		t.Errorf("the clock runs since %v, want none", o.ClockAt)
	}
	if c.Clock != "" && c.Clock != "none" && string(o.Clock) != c.Clock {
		t.Errorf("the clock is %s, want %s", o.Clock, c.Clock)
	}
	if c.Depends != nil {
		var got []string
		for _, n := range o.Depends {
			got = append(got, string(n))
		}
		slices.Sort(got)
		if want := slices.Sorted(slices.Values(c.Depends)); !slices.Equal(got, want) {
			t.Errorf("depends on %v, want %v", got, want)
		}
	}
	if c.CoveredBy != "" && string(o.CoveredBy) != c.CoveredBy {
		t.Errorf("covered by %q, want %q", o.CoveredBy, c.CoveredBy)
	}
	if c.Article != "" && o.Article != c.Article {
		t.Errorf("article %q, want %q", o.Article, c.Article)
	}
	if c.Problem != (o.Problem != nil) {
		t.Errorf("problem: %v, want %t", o.Problem, c.Problem)
	}
	if c.Waits != (o.Waits != nil) {
		t.Errorf("waits: %v, want %t", o.Waits, c.Waits)
	}
	if o.Owed != breach.Possible && len(o.Why) == 0 && o.Stage != breach.StageFinal && o.Stage != breach.StageSupplement {
		t.Error("it does not say why")
	}
}

func checkLevel(t *testing.T, a breach.Assessment, g caseGroup, c caseDoc) {
	t.Helper()
	i := slices.IndexFunc(a.Severities, func(s breach.Severity) bool { return s.Scale == g.Scale })
	if i < 0 {
		if c.Is != "not_owed" {
			t.Error("the scale does not apply")
		}
		return
	}
	s := a.Severities[i]
	if c.Level != nil && s.Level != *c.Level {
		t.Errorf("level %q, want %q; why: %v", s.Level, *c.Level, s.Why)
	}
	if c.Possible != "" && s.Possible != c.Possible {
		t.Errorf("possible %q, want %q", s.Possible, c.Possible)
	}
}

// Every rule is proved both ways, every number on both sides, every deadline once, every instrument on the day before it
// came into force.
func TestCasesAreComplete(t *testing.T) {
	e, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	docs := caseFiles(t)
	for _, p := range e.packs {
		doc := docs[p.ref.Name]
		for _, r := range p.rules {
			proof(t, doc, string(r.id), "").rule(t, r)
		}
		for _, s := range p.scales {
			proof(t, doc, "", s.key).scale(t, s)
		}
		dayBefore(t, doc, p)
		for _, g := range doc.Cases {
			if g.Rule != "" && !slices.ContainsFunc(p.rules, func(r *rule) bool { return string(r.id) == g.Rule }) {
				t.Errorf("%s: cases for %s, which is no rule of the pack", p.ref.Name, g.Rule)
			}
		}
	}
}

// proved is what the cases of one rule or scale show.
type proved struct {
	facts    []breach.Facts
	is       map[string]int
	due      int
	policy   int
	levels   map[string]int
	articles map[string]int
}

func proof(t *testing.T, doc casesDoc, rule, scale string) proved {
	out := proved{is: map[string]int{}, levels: map[string]int{}, articles: map[string]int{}}
	for _, g := range doc.Cases {
		if g.Rule != rule || g.Scale != scale {
			continue
		}
		for _, c := range g.Try {
			out.facts = append(out.facts, doc.facts(t, g.Given, c.Facts))
			out.is[c.Is]++
			out.articles[c.Article]++
			if c.Due != "" {
				out.due++
			}
			if c.Policy != "" {
				out.policy++
			}
			if c.Level != nil {
				out.levels[*c.Level]++
			}
		}
	}
	return out
}

func (p proved) rule(t *testing.T, r *rule) {
	if p.is["owed"] == 0 {
		t.Errorf("%s: no case in which it is owed", r.id)
	}
	if p.is["not_owed"] == 0 {
		t.Errorf("%s: no case in which it is not owed", r.id)
	}
	if r.deadline != nil && r.deadline.hard && p.due == 0 {
		t.Errorf("%s: no case with its deadline", r.id)
	}
	if r.deadline != nil && !r.deadline.hard && p.policy == 0 {
		t.Errorf("%s: no case with its guideline's day", r.id)
	}
	if len(r.articles) > 1 {
		for _, a := range r.articles {
			if p.articles[a.own] == 0 {
				t.Errorf("%s: no case for article %s", r.id, a.own)
			}
		}
	}
	for _, c := range slices.Concat(r.when, r.unless) {
		p.bounds(t, string(r.id), c)
	}
}

func (p proved) scale(t *testing.T, s *scale) {
	for _, l := range s.levels {
		if p.levels[l.key] == 0 {
			t.Errorf("%s: no case with level %s", s.key, l.key)
		}
		for _, ln := range l.lines {
			p.bounds(t, s.key+" "+l.key, ln.clause)
		}
	}
}

// bounds wants a case on either side of each number.
func (p proved) bounds(t *testing.T, what string, c *clause) {
	for _, b := range c.bounds {
		in, out := b.value, b.value-1
		if b.op == operators.Greater || b.op == operators.LessEquals {
			in, out = b.value+1, b.value
		}
		for _, want := range []int64{in, out} {
			if !slices.ContainsFunc(p.facts, func(f breach.Facts) bool { return valueOf(f, b) == want }) {
				t.Errorf("%s: %s: no case with %s%s = %d", what, c.source, b.fact, b.region, want)
			}
		}
	}
}

func valueOf(f breach.Facts, b bound) int64 {
	if b.region != "" {
		counts, _ := f[b.fact].(map[string]int64)
		if n, ok := counts[b.region]; ok {
			return n
		}
		return -1
	}
	if n, ok := f.Int(b.fact); ok {
		return n
	}
	return -1
}

// dayBefore wants, for each day on which rules or scales of a pack came into force, a case of the day before and one of
// that day.
func dayBefore(t *testing.T, doc casesDoc, p *pack) {
	starts := map[string]map[date][]string{} // instrument -> first day -> rules and scales
	note := func(i *instrument, from date, name string) {
		if starts[i.key] == nil {
			starts[i.key] = map[date][]string{}
		}
		starts[i.key][from] = append(starts[i.key][from], name)
	}
	for _, r := range p.rules {
		note(r.instrument, r.span.from, string(r.id))
	}
	for _, s := range p.scales {
		note(s.instrument, s.span.from, s.key)
	}
	for key, days := range starts {
		for from, names := range days {
			if from == (date{}) {
				t.Errorf("%s: instrument %s does not say since when", p.ref.Name, key)
				continue
			}
			before, first := onDays(t, doc, p, names, from)
			if !before || !first {
				t.Errorf("%s: instrument %s: want a case of %s (not owed) and one of %s; rules %v", p.ref.Name, key, from.plus(-1), from, names)
			}
		}
	}
}

func onDays(t *testing.T, doc casesDoc, p *pack, names []string, from date) (before, first bool) {
	for _, g := range doc.Cases {
		if !slices.Contains(names, g.Rule+g.Scale) {
			continue
		}
		for _, c := range g.Try {
			at, known := doc.facts(t, g.Given, c.Facts).Time("aware_at")
			if !known {
				continue
			}
			switch day := dateOf(at.In(p.zone)); {
			case day == from.plus(-1) && c.Is == "not_owed":
				before = true
			case day == from && c.Is != "not_owed":
				first = true
			}
		}
	}
	return before, first
}
