package templates

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// The grammar. A file has a head of "key: text" lines, a line "---", and a body. One line of the body is one block:
//
//	a paragraph with {{name}} in it
//	> a paragraph that stands out
//	## a heading
//	# key: a heading that begins one of the contents the law asks for
//	- an item of a list
//	@ label | value          a row of a form; an empty value says that it is not known yet
//	{{each name}}            the items of a list, one "- " line each; {{lines name}} makes them paragraphs
//	{{asked}}                a row for each content the law asks for that no row of the form answers
//	% a content              that the law asks for, in the pack's words; the next block answers it
//	{{part name}}            the lines of filings/parts/name
//	{{if name}} … {{end}}    lines for when name has a value; {{if not name}} for when it has none
//	{{only a b}} … {{end}}   lines for readers of whom data of the category a or b was exposed (notices)
//	{{several}} … {{end}}    lines for a guardian of several children (notices)
//	{{slot name}}            here stands what the law's own file says in that place (notices)
//	! content | a line       the line says what a law asks for by that name; it vanishes where a name in it has no value
//	// a remark for the next author
//
// A name may have an argument: {{fact people.total}}. Nothing else is possible, and names come from a closed list.
type source struct {
	path  string
	head  map[string][]piece
	plain map[string]string // the optional lines of the head, as they stand
	body  []line
}

type lineKind int

const (
	paragraph lineKind = iota
	standout
	heading
	groupHeading
	item
	row
	each
	lines
	ifSet
	ifNotSet
	onlyFor
	severalFor
	slot
	endIf
	contentMark // a content that the law asks for
	contentRest // rows for those without a mark
	include
)

type line struct {
	kind  lineKind
	label []piece // of a row
	text  []piece
	name  reference // of each and if
	group string    // of a groupHeading; the content of a mark
	only  []string  // of onlyFor: categories of data
	says  string    // the content of a law that this line is; empty for most
}

// piece is either words or a reference.
type piece struct {
	words string
	name  reference
}

type reference struct{ name, arg string }

// grammar says what one kind of text may use.
type grammar struct {
	head    []string // every key is required
	plain   []string // keys that may be given too, without names in their text
	scalars []string // names that stand for a text
	args    []string // names that take an argument
	lists   []string
	flags   []string // only for {{if}}
	form    bool     // parts, marks and {{asked}} are for forms
	groups  []string // every group is required, once
	only    bool     // {{only …}} and {{several}} may stand
	slots   []string // names for {{slot …}}
	says    []string // names for ! lines
}

const maxSource = 64 << 10

func parseSource(path string, b []byte, g grammar) (*source, error) {
	if len(b) > maxSource || !utf8.Valid(b) {
		return nil, fmt.Errorf("%s: must be UTF-8 text of at most 64 KiB", path)
	}
	p := &sourceParser{g: g, src: &source{path: path, head: map[string][]piece{}, plain: map[string]string{}}}
	head, body, ok := strings.Cut(strings.ReplaceAll(strings.TrimPrefix(string(b), "\ufeff"), "\r\n", "\n"), "\n---\n")
	if !ok {
		return nil, fmt.Errorf("%s: a line --- must divide the head from the body", path)
	}
	p.parseHead(head)
	p.parseBody(body, strings.Count(head, "\n")+2)
	if len(p.faults) > 0 {
		return nil, errors.Join(p.faults...)
	}
	return p.src, nil
}

type sourceParser struct {
	g      grammar
	src    *source
	number int // of the line
	faults []error
}

func (p *sourceParser) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Errorf("%s:%d: %s", p.src.path, p.number, fmt.Sprintf(format, args...)))
}

func (p *sourceParser) parseHead(head string) {
	for i, l := range strings.Split(head, "\n") {
		p.number = i + 1
		if strings.TrimSpace(l) == "" || strings.HasPrefix(l, "//") {
			continue
		}
		key, text, ok := strings.Cut(l, ":")
		key = strings.TrimSpace(key)
		switch {
		case ok && slices.Contains(p.g.plain, key) && p.src.plain[key] == "":
			p.src.plain[key] = strings.TrimSpace(text)
		case ok && slices.Contains(p.g.plain, key):
			p.fault("%s is given twice", key)
		case !ok || !slices.Contains(p.g.head, key):
			p.fault("the head has lines \"key: text\" with these keys: %s", strings.Join(slices.Concat(p.g.head, p.g.plain), ", "))
		case p.src.head[key] != nil:
			p.fault("%s is given twice", key)
		default:
			p.src.head[key] = p.pieces(strings.TrimSpace(text))
		}
	}
	for _, key := range p.g.head {
		if p.src.head[key] == nil {
			p.fault("the head must have a line \"%s: …\"", key)
		}
	}
}

var (
	eachLine  = regexp.MustCompile(`^\{\{(each|lines) ([a-z_]+)\}\}$`)
	ifLine    = regexp.MustCompile(`^\{\{if (not )?([a-z_]+)(?: ([a-z0-9_.-]+))?\}\}$`)
	partLine  = regexp.MustCompile(`^\{\{part ([a-z0-9-]+)\}\}$`)
	groupLine = regexp.MustCompile(`^# ([a-z_]+):(?: (.+))?$`)
	onlyLine  = regexp.MustCompile(`^\{\{only ([a-z0-9_ ]+)\}\}$`)
	slotLine  = regexp.MustCompile(`^\{\{slot ([a-z_]+)\}\}$`)
	saysLine  = regexp.MustCompile(`^! ([a-z_]+) \| (.+)$`)
)

func (p *sourceParser) parseBody(body string, offset int) {
	depth := 0
	groups := map[string]int{}
	for i, l := range strings.Split(body, "\n") {
		p.number = offset + i + 1
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "//") {
			continue
		}
		parsed := p.parseLine(l)
		if parsed.opens() {
			depth++
		}
		if parsed.kind == endIf {
			if depth--; depth < 0 {
				p.fault("{{end}} without {{if}}")
				depth = 0
			}
		}
		if parsed.kind == groupHeading {
			if groups[parsed.group]++; groups[parsed.group] > 1 || depth > 0 {
				p.fault("the content %q must stand here once, and without a condition", parsed.group)
			}
		}
		p.src.body = append(p.src.body, parsed)
	}
	if depth > 0 {
		p.fault("an {{if}} has no {{end}}")
	}
	for _, g := range p.g.groups {
		if groups[g] == 0 {
			p.fault("a heading \"# %s: …\" is missing; the law asks for this content", g)
		}
	}
}

// opens reports whether an {{end}} must follow.
func (l line) opens() bool {
	return l.kind == ifSet || l.kind == ifNotSet || l.kind == onlyFor || l.kind == severalFor
}

func (p *sourceParser) parseLine(l string) line {
	if m := eachLine.FindStringSubmatch(l); m != nil {
		if !slices.Contains(p.g.lists, m[2]) {
			p.fault("there is no list named %q; the lists are: %s", m[2], strings.Join(p.g.lists, ", "))
		}
		kind := each
		if m[1] == "lines" {
			kind = lines
		}
		return line{kind: kind, name: reference{name: m[2]}}
	}
	if m := ifLine.FindStringSubmatch(l); m != nil {
		p.checkCondition(m[2], m[3])
		kind := ifSet
		if m[1] != "" {
			kind = ifNotSet
		}
		return line{kind: kind, name: reference{m[2], m[3]}}
	}
	if l == "{{end}}" {
		return line{kind: endIf}
	}
	if p.g.form {
		if m := partLine.FindStringSubmatch(l); m != nil {
			return line{kind: include, name: reference{name: m[1]}}
		}
		if rest, ok := strings.CutPrefix(l, "% "); ok {
			return line{kind: contentMark, group: rest}
		}
		if l == "{{asked}}" {
			return line{kind: contentRest}
		}
	}
	if m := groupLine.FindStringSubmatch(l); m != nil {
		if !slices.Contains(p.g.groups, m[1]) {
			p.fault("there is no content named %q; the contents are: %s", m[1], strings.Join(p.g.groups, ", "))
		}
		return line{kind: groupHeading, group: m[1], text: p.pieces(m[2])}
	}
	if m := onlyLine.FindStringSubmatch(l); m != nil && p.g.only {
		only := strings.Fields(m[1])
		if err := known("data.categories", only...); err != nil {
			p.fault("%v", err)
		}
		return line{kind: onlyFor, only: only}
	}
	if l == "{{several}}" && p.g.only {
		return line{kind: severalFor}
	}
	if m := slotLine.FindStringSubmatch(l); m != nil {
		if !slices.Contains(p.g.slots, m[1]) {
			p.fault("there is no slot named %q here; the slots are: %s", m[1], strings.Join(p.g.slots, ", "))
		}
		return line{kind: slot, name: reference{name: m[1]}}
	}
	if m := saysLine.FindStringSubmatch(l); m != nil {
		if !slices.Contains(p.g.says, m[1]) {
			p.fault("there is no content named %q; the contents are: %s", m[1], strings.Join(p.g.says, ", "))
		}
		said := p.parseText(m[2])
		said.says = m[1]
		return said
	}
	return p.parseText(l)
}

func (p *sourceParser) parseText(l string) line {
	for prefix, kind := range map[string]lineKind{"## ": heading, "- ": item, "> ": standout} {
		if rest, ok := strings.CutPrefix(l, prefix); ok {
			return line{kind: kind, text: p.pieces(rest)}
		}
	}
	if rest, ok := strings.CutPrefix(l, "@ "); ok {
		label, value, ok := strings.Cut(rest, " | ")
		if !ok {
			p.fault("a row is \"@ label | value\"")
		}
		return line{kind: row, label: p.pieces(label), text: p.pieces(value)}
	}
	return line{kind: paragraph, text: p.pieces(l)}
}

func (p *sourceParser) checkCondition(name, arg string) {
	if arg == "" && (slices.Contains(p.g.flags, name) || slices.Contains(p.g.lists, name)) {
		return
	}
	p.checkName(name, arg)
}

func (p *sourceParser) checkName(name, arg string) {
	switch {
	case slices.Contains(p.g.scalars, name) && arg == "":
	case slices.Contains(p.g.args, name) && arg != "":
		if err := checkArgument(name, arg); err != nil {
			p.fault("%v", err)
		}
	default:
		p.fault("there is no name %q here; the names are: %s", strings.TrimSpace(name+" "+arg),
			strings.Join(slices.Concat(p.g.scalars, withDots(p.g.args)), ", "))
	}
}

func withDots(names []string) []string {
	var out []string
	for _, n := range names {
		out = append(out, n+" …")
	}
	return out
}

var namePattern = regexp.MustCompile(`\{\{([a-z_]+)(?: ([a-z0-9_.-]+))?\}\}`)

// pieces cuts a text at its names.
func (p *sourceParser) pieces(text string) []piece {
	out := []piece{}
	words := func(s string) {
		if strings.Contains(s, "{{") || strings.Contains(s, "}}") {
			p.fault("a name is written {{name}}; %s stands alone on its line", "{{if …}}, {{end}}, {{each …}}")
		}
		if strings.ContainsAny(s, markOpen+markClose) {
			p.fault("the signs %s and %s mark where names are merged; write {{greeting}} or {{people}}", markOpen, markClose)
		}
		if s != "" {
			out = append(out, piece{words: s})
		}
	}
	at := 0
	for _, m := range namePattern.FindAllStringSubmatchIndex(text, -1) {
		words(text[at:m[0]])
		ref := reference{name: text[m[2]:m[3]]}
		if m[4] >= 0 {
			ref.arg = text[m[4]:m[5]]
		}
		p.checkName(ref.name, ref.arg)
		out = append(out, piece{name: ref})
		at = m[1]
	}
	words(text[at:])
	return out
}
