package templates

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"html"
	"slices"
	"strings"
	"time"

	"tocsin/internal/breach"
)

var publicGrammar = grammar{
	head: []string{"title"},
	scalars: []string{
		"organisation", "short", "home_page", "hotline", "hours", "email", "number", "incident", "aware_date",
		"occurred_date", "issued_date", "cause", "never_ask", "zone",
	},
	lists:  noticeGrammar.lists,
	flags:  noticeGrammar.flags,
	groups: Groups(),
	slots:  lawSlots,
	says:   contents,
}

// PublicView is what the public notice says. It is one page for the people of its Law and of all its Laws: what a law has to
// say stands there under the name of the place where its people live.
type PublicView struct {
	NoticeView
	AsOf time.Time // whose facts the page tells
}

// PublicNotice makes the page of the public notice: Chinese and English on one page, complete in itself, without script,
// link or anything to fetch. Its foot holds the notice number, the instant that it tells of and the hash of [Set.PublicText], so that a copy
// can be compared with the original. It says nothing of any person.
func (s *Set) PublicNotice(v PublicView) ([]byte, error) {
	parts, err := s.publicParts(v)
	if err != nil {
		return nil, err
	}
	loc, err := zone(v.Organisation.Zone)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	title := html.EscapeString(parts[0].title)
	b.WriteString("<!DOCTYPE html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n" +
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n" +
		"<title>" + title + "</title>\n<style>" + publicStyle + "</style>\n</head>\n<body>\n")
	b.WriteString("<p lang=\"en\">The English text follows the Chinese.</p>\n")
	for _, p := range parts {
		b.WriteString("<main lang=\"" + string(p.language) + "\">\n<h1>" + html.EscapeString(p.title) + "</h1>\n" + markup(p.blocks, "") + "</main>\n")
	}
	b.WriteString("<footer>\n")
	line := func(zh, en string) {
		b.WriteString("<p>" + html.EscapeString(zh) + " <span lang=\"en\">" + html.EscapeString(en) + "</span></p>\n")
	}
	line("公告编号 "+v.Number+"，事件编号 "+string(v.Incident)+"。", "Notice no. "+v.Number+", incident "+string(v.Incident)+".")
	line("内容截至 "+instant(v.AsOf, loc, breach.Chinese)+"。", "As known on "+instant(v.AsOf, loc, breach.English)+".")
	line("以上中英文文本的 SHA-256：", "SHA-256 of the two texts above:")
	b.WriteString("<p><code>" + textHash(parts) + "</code></p>\n</footer>\n</body>\n</html>\n")
	return []byte(b.String()), nil
}

// PublicText returns the words of the public notice, Chinese then English, as the hash in its foot counts them. It is also
// the text to give to newspapers and other sites.
func (s *Set) PublicText(v PublicView) (string, error) {
	parts, err := s.publicParts(v)
	if err != nil {
		return "", err
	}
	return publicText(parts), nil
}

type publicPart struct {
	language breach.Language
	title    string
	blocks   []block
}

func (p publicPart) text() string { return p.title + "\n\n" + plainText(p.blocks, colon(p.language)) }

func (s *Set) publicParts(v PublicView) ([]publicPart, error) {
	if v.AsOf.IsZero() {
		return nil, errors.New("public notice: the instant that it tells of is missing")
	}
	if v.IssuedAt.IsZero() {
		v.IssuedAt = v.AsOf
	}
	if err := v.NoticeView.validate(); err != nil {
		return nil, err
	}
	laws, err := s.publicLaws(v)
	if err != nil {
		return nil, err
	}
	rules := RulesFor(v.Organisation, v.Number)
	for _, law := range laws {
		rules.Official = append(rules.Official, law.Official...)
		rules.Phones = append(rules.Phones, law.numbers...)
	}
	if len(laws) > 1 {
		v.Law = GeneralLaw // one emergency number would be wrong for the others
	}
	var parts []publicPart
	var findings []Finding
	for _, l := range Languages() {
		src := s.notices["public."+string(l)]
		values := s.noticeValues(v.NoticeView, "public", breach.ToPerson, l)
		values.chosen = nil // the page is for everybody: it says all of it
		values.fills = func(slot string) []line { return publicSection(laws, l, slot, values, v.Categories) }
		p := publicPart{language: l, title: join(src.head["title"], values), blocks: forEverybody(src.expand(values), v.Categories)}
		if err := publicLacks(laws, p.blocks, v.Categories); err != nil {
			return nil, err
		}
		findings = append(findings, lintPublic(p, rules)...)
		parts = append(parts, p)
	}
	if len(findings) > 0 {
		return nil, &LintError{Findings: findings}
	}
	return parts, nil
}

func (s *Set) publicLaws(v PublicView) ([]*Law, error) {
	var out []*Law
	for _, name := range append([]string{v.Law}, v.Laws...) {
		law, err := s.Law(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, law) {
			out = append(out, law)
		}
	}
	return out, nil
}

// publicSection is what the laws say in a place of the page. Where there are several, what each says stands under the name of
// its place, and whom to turn to there in one piece.
func publicSection(laws []*Law, l breach.Language, slot string, v values, categories []string) []line {
	if len(laws) == 1 {
		return laws[0].section(l, breach.ToPerson, slot)
	}
	slots := map[string][]string{"contact": {}, "foot": {}, "rights": {"contact", "rights", "foot"}}[slot]
	if slots == nil {
		slots = []string{slot}
	}
	var out []line
	for _, law := range laws {
		var section []line
		for _, name := range slots {
			section = append(section, law.section(l, breach.ToPerson, name)...)
		}
		if blocks, _ := expandLines(section, v, ""); len(forEverybody(blocks, categories)) > 0 {
			out = append(out, line{kind: standout, text: []piece{{words: law.Place.In(l)}}})
			out = append(out, section...)
		}
	}
	return out
}

// forEverybody leaves the blocks that anybody's categories of data call for. The page has no reader of its own.
func forEverybody(blocks []block, categories []string) []block {
	var out []block
	for _, b := range blocks {
		called := !slices.ContainsFunc(b.choice, func(c condition) bool {
			return c.several || c.none || !slices.ContainsFunc(c.categories, func(x string) bool { return slices.Contains(categories, x) })
		})
		if called {
			b.choice = nil
			out = append(out, b)
		}
	}
	return out
}

// publicLacks is what the laws ask for and the page does not say. The title that California prescribes is for letters: the page
// has a title of its own.
func publicLacks(laws []*Law, blocks []block, categories []string) error {
	var faults []error
	for _, law := range laws {
		missing := slices.DeleteFunc(law.lacks(blocks, categories), func(r Requirement) bool { return r.Content == "title" })
		if len(missing) > 0 {
			faults = append(faults, &MissingError{Law: law.Name, Title: law.Title, Missing: missing})
		}
	}
	return errors.Join(faults...)
}

func publicText(parts []publicPart) string {
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.text())
	}
	return b.String()
}

func textHash(parts []publicPart) string {
	sum := sha256.Sum256([]byte(publicText(parts)))
	return hex.EncodeToString(sum[:])
}

const publicStyle = `:root{color-scheme:light dark}` +
	`body{margin:0 auto;padding:24px 20px 64px;max-width:44rem;font:1.05rem/1.75 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}` +
	`h1{font-size:1.5rem;line-height:1.35;margin:1rem 0}h2{font-size:1.15rem;margin:2rem 0 .5rem}` +
	`table{border-collapse:collapse}th,td{padding:.2rem 1.2rem .2rem 0;text-align:left;vertical-align:top}th{font-weight:normal}` +
	`main+main{border-top:1px solid #8886;margin-top:3rem;padding-top:1rem}` +
	`footer{border-top:1px solid #8886;margin-top:3rem;padding-top:.75rem;font-size:.9rem}code{overflow-wrap:anywhere}`
