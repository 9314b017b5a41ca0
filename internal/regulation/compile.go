package regulation

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml"

	"tocsin/internal/breach"
)

// formatVersion is the one version of the pack format that this compiler reads.
const formatVersion = "1"

var (
	packNamePattern  = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	ruleNamePattern  = regexp.MustCompile(`^[a-z0-9]+([-.][a-z0-9]+)*$`)
	levelNamePattern = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// compiler turns files into an engine. It goes on after a fault, so that one run shows them all.
type compiler struct {
	engine     *Engine
	conditions *conditions
	faults     []error
	rules      map[string]*rule
	docs       map[*rule]*ruleDoc
	authority  map[string]*Authority
	urgencies  map[string]urgency
}

func (c *compiler) fault(file string, line int, mend, format string, args ...any) {
	c.faults = append(c.faults, &Fault{File: file, Line: line, Text: fmt.Sprintf(format, args...), Mend: mend})
}

// compile checks and links packs. The order of files does not matter.
func compile(files []file) (*Engine, error) {
	pol, err := loadPolicy()
	if err != nil {
		return nil, err
	}
	calendars, refs, err := loadCalendars()
	if err != nil {
		return nil, err
	}
	c := &compiler{
		engine: &Engine{policy: pol, calendars: calendars, calendarRef: refs},
		rules:  map[string]*rule{}, docs: map[*rule]*ruleDoc{}, authority: map[string]*Authority{}, urgencies: pol.urgencies,
	}
	docs := c.parse(files)
	if c.conditions, err = newConditions(levelNames(docs)); err != nil {
		return nil, err
	}
	c.declare(docs)
	for i := range docs {
		c.link(&docs[i])
	}
	c.order()
	c.checkChains()
	if err := errors.Join(c.faults...); err != nil {
		return nil, err
	}
	c.engine.regions = c.regions()
	return c.engine, nil
}

// source is a parsed pack with its file.
type sourceFile struct {
	file
	doc  packDoc
	pack *pack
}

// parse reads the files side by side: reading YAML is half of what a command waits for.
func (c *compiler) parse(files []file) []sourceFile {
	parsed, errs := make([]packDoc, len(files)), make([]error, len(files))
	var wg sync.WaitGroup
	for i, f := range files {
		wg.Go(func() { parsed[i], errs[i] = decode(f) })
	}
	wg.Wait()
	var docs []sourceFile
	for i, f := range files {
		if errs[i] != nil {
			c.faults = append(c.faults, errs[i])
			continue
		}
		docs = append(docs, sourceFile{file: f, doc: parsed[i]})
	}
	slices.SortStableFunc(docs, func(a, b sourceFile) int { return strings.Compare(a.doc.Pack.Text, b.doc.Pack.Text) })
	return docs
}

func decode(f file) (doc packDoc, err error) {
	if err := yaml.UnmarshalWithOptions(f.data, &doc, yaml.Strict()); err != nil {
		return packDoc{}, yamlFault(f.name, err)
	}
	if doc.Format.Text != formatVersion {
		return packDoc{}, &Fault{
			File: f.name, Line: max(1, doc.Format.Line), Text: fmt.Sprintf("the pack's format is %q", doc.Format.Text),
			Mend: "begin the pack with format: " + formatVersion,
		}
	}
	return doc, nil
}

func levelNames(docs []sourceFile) []string {
	var names []string
	for _, d := range docs {
		for _, s := range d.doc.Scales {
			for _, l := range s.Levels {
				if packNamePattern.MatchString(s.Key.Text) && levelNamePattern.MatchString(l.Key.Text) {
					names = append(names, levelName(s.Key.Text, l.Key.Text))
				}
			}
		}
	}
	return names
}

// declare makes every pack's own things known before any rule refers to them.
func (c *compiler) declare(docs []sourceFile) {
	for i := range docs {
		d := &docs[i]
		p := c.head(d)
		d.pack = p
		c.engine.packs = append(c.engine.packs, p)
		c.declareAuthorities(d, p)
		c.declareInstruments(d, p)
		for i := range d.doc.Rules {
			c.declareRule(d, p, &d.doc.Rules[i])
		}
	}
}

func (c *compiler) head(d *sourceFile) *pack {
	doc := &d.doc
	p := &pack{
		file: d.name, title: doc.Title, zone: time.UTC,
		ref: breach.PackRef{Name: doc.Pack.Text, Version: doc.Version.Text, SHA256: hashOf(d.data)},
	}
	line := max(1, doc.Pack.Line)
	if !packNamePattern.MatchString(doc.Pack.Text) {
		c.fault(d.name, line, "write pack: with small letters, digits and hyphens, such as cn-cac", "the pack has no proper name")
	}
	for _, q := range c.engine.packs {
		if q.ref.Name == p.ref.Name {
			c.fault(d.name, line, "rename it, or take the other out", "pack %s is loaded twice, also from %s", p.ref.Name, q.file)
		}
	}
	if doc.Version.Text == "" {
		c.fault(d.name, line, "write version: \"2026.11.1\"; it becomes part of every assessment", "the pack has no version")
	}
	c.wantText(d.name, line, "title", doc.Title)
	if doc.Native.Text != "zh" && doc.Native.Text != "en" {
		c.fault(d.name, max(line, doc.Native.Line), "write native: zh or native: en", "the pack does not say whose manner of citing it follows")
	}
	zone, err := time.LoadLocation(doc.Zone.Text)
	if doc.Zone.Text == "" || err != nil {
		c.fault(d.name, max(line, doc.Zone.Line), "write zone: with an IANA name, such as Asia/Shanghai", "the pack's zone %q is unknown", doc.Zone.Text)
	} else {
		p.zone = zone
	}
	if len(doc.Applies) == 0 {
		c.fault(d.name, line, "write applies: with a condition on org facts, such as '\"CN\" in org.jurisdictions'", "the pack does not say to whom it applies")
	}
	if len(doc.Rules) == 0 {
		c.fault(d.name, line, "write rules:", "the pack holds no rules")
	}
	for _, s := range doc.Sources {
		p.sources = append(p.sources, Source{s.Key.Text, s.Title})
	}
	return p
}

func (c *compiler) wantText(file string, line int, what string, t breach.Text) {
	if strings.TrimSpace(t.ZH) == "" || strings.TrimSpace(t.EN) == "" {
		c.fault(file, line, "write it as zh: and en:", "the %s is missing in Chinese or English", what)
	}
}

func (c *compiler) declareAuthorities(d *sourceFile, p *pack) {
	for _, a := range d.doc.Authorities {
		if c.authority[a.Key.Text] != nil {
			c.fault(d.name, a.Key.Line, "declare it once; other packs may use it", "authority %s is declared twice", a.Key.Text)
			continue
		}
		if !packNamePattern.MatchString(a.Key.Text) {
			c.fault(d.name, a.Key.Line, "use small letters, digits and hyphens, such as cn-police", "%q is no key for an authority", a.Key.Text)
			continue
		}
		c.wantText(d.name, a.Key.Line, "authority's name", breach.Text{ZH: a.ZH, EN: a.EN})
		zone := p.zone
		if a.Zone.Text != "" {
			own, err := time.LoadLocation(a.Zone.Text)
			if err != nil {
				c.fault(d.name, a.Zone.Line, "use an IANA name, such as Asia/Shanghai", "the authority's zone %q is unknown", a.Zone.Text)
				continue
			}
			zone = own
		}
		made := Authority{Key: a.Key.Text, Name: breach.Text{ZH: a.ZH, EN: a.EN}, Zone: zone.String(), loc: zone}
		c.authority[made.Key] = &made
		p.authorities = append(p.authorities, made)
	}
}

func (c *compiler) declareInstruments(d *sourceFile, p *pack) {
	for _, i := range d.doc.Instruments {
		c.wantText(d.name, i.Key.Line, "instrument's name", breach.Text{ZH: i.ZH, EN: i.EN})
		c.checkSource(d, i.Source, i.Key.Line)
		p.instruments = append(p.instruments, &instrument{
			key: i.Key.Text, name: breach.Text{ZH: i.ZH, EN: i.EN}, native: i.Native, issuer: i.Issuer, number: i.Number,
			span: c.span(d.name, i.From, i.Until), source: i.Source.Text,
		})
	}
}

func (c *compiler) span(file string, from, until located) span {
	read := func(l located) date {
		if l.Text == "" {
			return date{}
		}
		v, err := parseDate(l.Text)
		if err != nil {
			c.fault(file, l.Line, "write it as year-month-day", "%v", err)
		}
		return v
	}
	s := span{read(from), read(until)}
	if s.from != (date{}) && s.until != (date{}) && s.until.before(s.from) {
		c.fault(file, until.Line, "swap the dates", "the validity ends before it begins")
	}
	return s
}

func (c *compiler) declareRule(d *sourceFile, p *pack, doc *ruleDoc) {
	r := &rule{pack: p, id: breach.RuleID(doc.ID.Text), row: doc.ID.Text, title: doc.Title, file: d.name, line: max(1, doc.ID.Line)}
	if doc.Row.Text != "" {
		r.row = doc.Row.Text
	}
	if !ruleNamePattern.MatchString(doc.ID.Text) {
		c.fault(d.name, r.line, "write id: with small letters, digits and hyphens, such as cn-cac-other", "the rule has no proper id")
		return
	}
	if first := c.rules[doc.ID.Text]; first != nil {
		c.fault(d.name, r.line, "give each rule its own id", "rule %s is declared twice, first at %s:%d", r.id, first.file, first.line)
		return
	}
	c.rules[doc.ID.Text] = r
	c.docs[r] = doc
	p.rules = append(p.rules, r)
}

func (c *compiler) regions() []string {
	seen := map[string]bool{}
	note := func(clauses []*clause) {
		for _, cl := range clauses {
			for _, region := range cl.regions {
				seen[region] = true
			}
		}
	}
	for _, p := range c.engine.packs {
		note(p.applies)
		for _, s := range p.scales {
			note(s.when)
			for _, l := range s.levels {
				for _, ln := range l.lines {
					note([]*clause{ln.clause})
				}
			}
		}
		for _, r := range p.rules {
			note(r.when)
			note(r.unless)
		}
	}
	return sortedKeys(seen)
}
