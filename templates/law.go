package templates

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"tocsin/internal/breach"
)

// Law is what one law asks of a notice to people: whom it protects, what must be said and in which words. It comes from one
// file, notices/laws/<name>.txt, so that adding a law is adding a file.
type Law struct {
	Name     string        // the file's name: "cn-pipl"
	Title    breach.Text   // of the law
	Place    breach.Text   // where its people live, as a page for several places calls it
	Regions  []string      // where its people live, ISO 3166: "CN", "US-CA"; "US" holds for every state
	Rules    []string      // the rules of the packs of law that make this notice due
	Requires []Requirement // what it must say
	Official []string      // addresses of public bodies that the law wants named; the only ones besides our own

	emergency breach.Text // the number for emergencies
	keeps     bool        // nobody is offered to have their data erased
	skeleton  string      // a folder of notices/ with a form of its own; empty for the usual one
	slots     map[string][]line
	numbers   []string // telephone numbers that its sections name, digits alone
}

// Requirement is one content that a law asks for.
type Requirement struct {
	Content string      // the name of the content in the texts: "discovered"
	Article string      // where the law asks for it
	What    breach.Text // what it asks for
	Only    []string    // categories of data; the content is asked for where one of them was exposed; empty for always
}

// HomeLaw is the law of a notice that names none.
const HomeLaw = "cn-pipl"

// homeEmergency is the emergency number that a filing at home names.
const homeEmergency = "110"

// GeneralLaw is the text for people whom no law of ours protects.
const GeneralLaw = "general"

// MissingError says that a notice lacks what a law asks for. No notice is made then.
type MissingError struct {
	Law     string
	Title   breach.Text
	Missing []Requirement
}

// Error names each missing content with its article and what to do.
func (e *MissingError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the notice under %s (%s) lacks what the law asks for:", e.Title.EN, e.Law)
	for _, r := range e.Missing {
		fmt.Fprintf(&b, "\n  %s (%s): %s", r.What.EN, r.Article, mend(r.Content))
	}
	return b.String()
}

// mends says how a missing content comes to be there.
var mends = map[string]string{
	"occurred":   "state the fact occurred_at, or keep the line that says it is not known yet",
	"discovered": "state the fact aware_at",
	"offer":      "write what you offer: tocsin notice words INC --offer-en … --offer-zh …",
}

func mend(content string) string {
	if m, ok := mends[content]; ok {
		return m
	}
	return "write it in the text of the law, notices/laws/, under the content " + content
}

// contents are the names that a law may ask for and a line may be marked with.
var contents = append(Groups(), "occurred", "discovered", "offer", "credit_agencies", "public_bodies", "delay", "remedies", "dispute", "misuse", "title")

var lawSlots = []string{"opening", "cause", "harm", "measures", "advice", "contact", "rights", "foot"}

// officialAddress are the endings that only public bodies have.
var officialAddress = regexp.MustCompile(`^([a-z0-9-]+\.)+(gov|gov\.[a-z]{2}|gc\.ca|go\.jp|go\.kr|europa\.eu)$`)

var sectionLine = regexp.MustCompile(`^\[(zh-CN|en) (?:(person|minor|guardian) )?([a-z]+)\]$`)

func parseLaw(path, name string, b []byte) (*Law, error) {
	if len(b) > maxSource || !utf8.Valid(b) {
		return nil, fmt.Errorf("%s: must be UTF-8 text of at most 64 KiB", path)
	}
	text := strings.ReplaceAll(strings.TrimPrefix(string(b), "\ufeff"), "\r\n", "\n")
	head, body, ok := strings.Cut(text, "\n---\n")
	if !ok {
		return nil, fmt.Errorf("%s: a line --- must divide the head from the body", path)
	}
	g := noticeGrammar
	g.head, g.groups, g.slots = nil, nil, nil
	p := &lawParser{law: &Law{Name: name, slots: map[string][]line{}}, source: sourceParser{g: g, src: &source{path: path}}}
	p.head(head)
	p.body(body, strings.Count(head, "\n")+2)
	p.law.findNumbers()
	return p.law, errors.Join(p.source.faults...)
}

type lawParser struct {
	law    *Law
	source sourceParser
}

func (p *lawParser) head(head string) {
	for i, l := range strings.Split(head, "\n") {
		p.source.number = i + 1
		if strings.TrimSpace(l) == "" || strings.HasPrefix(l, "//") {
			continue
		}
		key, value, _ := strings.Cut(l, ":")
		p.headLine(strings.TrimSpace(key), clean(value))
	}
	p.source.number = 1
	if p.law.Title.ZH == "" || p.law.Title.EN == "" || p.law.Place.ZH == "" || p.law.Place.EN == "" || p.law.emergency.EN == "" || len(p.law.Requires) == 0 {
		p.source.fault("the head must have title.zh-CN, title.en, place.zh-CN, place.en, emergency and at least one require")
	}
}

func (p *lawParser) headLine(key, value string) {
	switch key {
	case "title.zh-CN":
		p.law.Title.ZH = value
	case "title.en":
		p.law.Title.EN = value
	case "place.zh-CN":
		p.law.Place.ZH = value
	case "place.en":
		p.law.Place.EN = value
	case "regions":
		p.law.Regions = strings.Fields(value)
	case "rules":
		p.law.Rules = strings.Fields(value)
	case "emergency":
		p.law.emergency = breach.Text{ZH: value, EN: value}
		if zh, en, two := strings.Cut(value, " | "); two {
			p.law.emergency = breach.Text{ZH: zh, EN: en}
		}
	case "form":
		p.law.skeleton = value
	case "erasure":
		if p.law.keeps = value == "no"; !p.law.keeps {
			p.source.fault("erasure: says no, where the law gives no right to erase; leave the line out where it may be offered")
		}
	case "official":
		p.law.Official = strings.Fields(value)
		for _, a := range p.law.Official {
			if !officialAddress.MatchString(a) {
				p.source.fault("official: %s is not the bare address of a public body", a)
			}
		}
	case "require":
		p.require(value)
	default:
		p.source.fault("the head has lines \"key: text\" with these keys: title.zh-CN, title.en, place.zh-CN, place.en, regions, rules, emergency, form, erasure, official, require")
	}
}

// require reads "content | article | 中文 | English", with "| only category …" after it where it is not for everybody.
func (p *lawParser) require(value string) {
	parts := strings.Split(value, "|")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	if len(parts) != 4 && (len(parts) != 5 || !strings.HasPrefix(parts[4], onlyWord)) {
		p.source.fault("require: is written \"content | article | 中文 | English\", and may end in \"| only category …\"")
		return
	}
	r := Requirement{Content: parts[0], Article: parts[1], What: breach.Text{ZH: parts[2], EN: parts[3]}}
	if len(parts) == 5 {
		r.Only = strings.Fields(strings.TrimPrefix(parts[4], onlyWord))
	}
	if err := known("data.categories", r.Only...); err != nil {
		p.source.fault("require: %v", err)
	}
	if !slices.Contains(contents, r.Content) {
		p.source.fault("require: there is no content named %q; the contents are: %s", r.Content, strings.Join(contents, ", "))
	}
	if r.Article == "" || r.What.ZH == "" || r.What.EN == "" {
		p.source.fault("require: the article and both languages must be given")
	}
	p.law.Requires = append(p.law.Requires, r)
}

// body reads the sections: "[en advice]" for everybody, "[en minor advice]" for minors in its place.
func (p *lawParser) body(body string, offset int) {
	name, begun, section := "", 0, []string(nil)
	end := func() {
		if name == "" {
			return
		}
		p.source.src.body = nil
		p.source.parseBody(strings.Join(section, "\n"), offset+begun)
		p.law.slots[name] = p.source.src.body
	}
	for i, l := range strings.Split(body, "\n") {
		m := sectionLine.FindStringSubmatch(strings.TrimSpace(l))
		if m == nil {
			section = append(section, l)
			if p.source.number = offset + i + 1; name == "" && strings.TrimSpace(l) != "" && !strings.HasPrefix(l, "//") {
				p.source.fault("a section such as [en advice] must begin before this line")
			}
			continue
		}
		end()
		name, begun, section = slotKey(breach.Language(m[1]), m[2], m[3]), i+1, nil
		p.source.number = offset + i + 1
		if !slices.Contains(lawSlots, m[3]) {
			p.source.fault("there is no section %q; the sections are: %s", m[3], strings.Join(lawSlots, ", "))
		}
		if _, twice := p.law.slots[name]; twice {
			p.source.fault("the section stands here twice")
		}
	}
	end()
}

// findNumbers notes the telephone numbers of every section.
func (l *Law) findNumbers() {
	for _, section := range l.slots {
		for _, line := range section {
			for _, p := range line.text {
				l.numbers = append(l.numbers, phoneNumbers(p.words)...)
			}
		}
	}
	slices.Sort(l.numbers)
	l.numbers = slices.Compact(l.numbers)
}

func slotKey(l breach.Language, audience, slot string) string {
	return string(l) + " " + audience + " " + slot
}

// section returns the lines of a slot for an audience. A line "-" alone would be an item; an empty section says nothing.
func (l *Law) section(lang breach.Language, a breach.Audience, slot string) []line {
	if lines, ok := l.slots[slotKey(lang, string(a), slot)]; ok {
		return lines
	}
	return l.slots[slotKey(lang, "", slot)]
}

// Protects reports whether a person who lives in a region is protected by the law.
func (l *Law) Protects(region string) bool {
	country, _, _ := strings.Cut(region, "-")
	return region != "" && (slices.Contains(l.Regions, region) || slices.Contains(l.Regions, country))
}

// lacks lists what the law asks for and the blocks do not say, for data of these categories.
func (l *Law) lacks(blocks []block, categories []string) []Requirement {
	var missing []Requirement
	for _, r := range l.Requires {
		if len(r.Only) > 0 && !slices.ContainsFunc(r.Only, func(c string) bool { return slices.Contains(categories, c) }) {
			continue
		}
		if !slices.ContainsFunc(blocks, func(b block) bool { return r.saidBy(b) }) {
			missing = append(missing, r)
		}
	}
	return missing
}

// saidBy reports whether a block says what is required to everybody to whom it must be said.
func (r Requirement) saidBy(b block) bool {
	if strings.TrimSpace(b.text) == "" || b.says != r.Content && (b.group != r.Content || b.kind == groupHeading) {
		return false
	}
	for _, c := range b.choice {
		if c.none || c.several || slices.ContainsFunc(r.Only, func(x string) bool { return !slices.Contains(c.categories, x) }) || len(r.Only) == 0 && !slices.Contains(Groups(), r.Content) {
			return false
		}
	}
	return true
}

// Laws lists the laws that there are texts for, by name.
func (s *Set) Laws() []Law {
	var out []Law
	for _, name := range s.lawNames() {
		out = append(out, *s.laws[name])
	}
	return out
}

func (s *Set) lawNames() []string {
	names := make([]string, 0, len(s.laws))
	for name := range s.laws {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Law returns a law's demands by its name; an empty name is [HomeLaw].
func (s *Set) Law(name string) (*Law, error) {
	if name == "" {
		name = HomeLaw
	}
	l, ok := s.laws[name]
	if !ok {
		return nil, fmt.Errorf("there is no notice under a law named %q; there are: %s", name, strings.Join(s.lawNames(), ", "))
	}
	return l, nil
}

// LawsFor lists the laws, among those that the rules in force make due, that protect a person who lives in a region. The
// first one's text is the person's; the others' contents must be in it too. A law for a state goes before the law of its
// country. It is empty where no law with a text protects that person.
func (s *Set) LawsFor(region string, rules []string) []string {
	country, _, _ := strings.Cut(region, "-")
	var exact, whole []string
	for _, name := range s.lawNames() {
		l := s.laws[name]
		if !slices.ContainsFunc(l.Rules, func(r string) bool { return slices.Contains(rules, r) }) {
			continue
		}
		switch {
		case region != "" && slices.Contains(l.Regions, region):
			exact = append(exact, name)
		case country != "" && slices.Contains(l.Regions, country):
			whole = append(whole, name)
		}
	}
	return append(exact, whole...)
}
