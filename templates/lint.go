package templates

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/html"

	"tocsin/internal/breach"
)

// Rules are what a notice is held against.
type Rules struct {
	Number   string   // must stand in every part
	Hotline  string   // must stand in every part
	HomePage string   // the one address that may be named
	Email    string   // the one mail address that may be named
	Official []string // addresses of public bodies that the law wants named, see [Law]
	Phones   []string // telephone numbers that the law's own file names, digits alone, see [Law]
}

// RulesFor returns the rules for an organisation's notice.
func RulesFor(o Organisation, number string) Rules {
	return Rules{Number: number, Hotline: clean(o.Hotline), HomePage: o.HomePage, Email: o.Email}
}

// Finding is one broken rule.
type Finding struct {
	Part string `json:"part"` // "text", "html", "sms", …
	Says string `json:"says"` // the rule, and the words that break it; never a name
}

// LintError says that a notice breaks rules and must not leave the house.
type LintError struct{ Findings []Finding }

// Error lists every finding.
func (e *LintError) Error() string {
	var b strings.Builder
	b.WriteString("the notice must not be sent as it is:")
	for _, f := range e.Findings {
		b.WriteString("\n  " + f.Part + ": " + f.Says)
	}
	return b.String()
}

// Lint holds a notice, with or without names merged, to the rules that make it possible to trust: a cautious reader must be
// able to follow it without clicking, paying or giving anything away, and the contents that the law asks for must be there.
// No findings is the only good answer.
//
// Where lines are chosen for each reader, what a reader gets is held to the rules: one of whom everything was exposed, and for
// each category one of whom nothing else was.
func Lint(t NoticeText, r Rules) []Finding {
	l := &linter{r: r, read: map[string]bool{}}
	l.whole(t)
	if !t.chosen {
		for _, c := range t.Categories {
			if one, ok := t.For(c); ok {
				l.whole(one)
			}
		}
	}
	var once []Finding
	for _, f := range l.findings {
		if !slices.Contains(once, f) {
			once = append(once, f)
		}
	}
	return once
}

func (l *linter) whole(t NoticeText) {
	if !t.chosen {
		t, _ = t.For()
	}
	l.t = t
	page := htmlWords(t.HTML)
	for _, p := range l.parts(page) {
		l.part(p.name, p.text)
	}
	l.html()
	l.groups(t.Text, page)
	l.never(t.Text, page)
	l.short()
}

// lintPublic holds one language of the public notice to the rules that it shares with the others. The number stands in the
// page's foot.
func lintPublic(p publicPart, r Rules) []Finding {
	text := p.text()
	l := &linter{t: NoticeText{Language: p.language, Audience: breach.ToPerson, Groups: groupsOf(p.blocks), Text: text}, r: r, read: map[string]bool{}}
	l.words("public notice", text)
	l.present("public notice", text, "hotline", r.Hotline)
	l.never(text)
	l.groups(text)
	return l.findings
}

type linter struct {
	t        NoticeText
	r        Rules
	findings []Finding
	read     map[string]bool // sentences already checked
}

type part struct{ name, text string }

func (l *linter) found(part, format string, args ...any) {
	l.findings = append(l.findings, Finding{Part: part, Says: fmt.Sprintf(format, args...)})
}

// parts are the words that people will see; page has those of the HTML.
func (l *linter) parts(page string) []part {
	return []part{
		{"subject", l.t.Subject},
		{"text", l.t.Text},
		{"html", page},
		{"sms", l.t.SMS},
		{"push title", l.t.PushTitle},
		{"push body", l.t.PushBody},
	}
}

func (l *linter) part(name, text string) {
	if strings.TrimSpace(text) == "" {
		l.found(name, "is empty")
		return
	}
	l.words(name, text)
	if name != "text" && name != "html" && strings.Contains(text, markOpen) {
		l.found(name, "has a place for a name; names go into the text and HTML parts only")
	}
	if name != "subject" && name != "push title" {
		l.present(name, text, "notice number", l.r.Number)
		l.present(name, text, "hotline", l.r.Hotline)
	}
}

// hiddenSign reports a character that nobody sees, such as one of no width.
func hiddenSign(r rune) bool { return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co) }

func (l *linter) present(part, text, what, value string) {
	if value == "" || !strings.Contains(text, value) {
		l.found(part, "lacks the %s", what)
	}
}

// words checks what a text says, line by line: no sentence and no address goes over the end of one. The parts of a notice
// repeat each other, and what readers get differs by a few lines; each line is read once.
func (l *linter) words(name, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		if l.read["\n"+line] {
			continue
		}
		l.read["\n"+line] = true
		if strings.ContainsFunc(line, hiddenSign) {
			l.found(name, "has a hidden sign; only what a reader sees may stand there")
		}
		l.disguises(name, line)
		for _, s := range sentences(line) {
			l.sentence(name, strings.Trim(s, " ·■"))
		}
		for _, m := range anyMark.FindAllString(line, -1) {
			if !slices.Contains([]string{greetingMark, peopleMark, severalMark, endSeveralMark}, m) {
				l.found(name, "has the unknown mark %s", m)
			}
		}
	}
}

func (l *linter) sentence(name, s string) {
	if s == "" || l.read[s] {
		return
	}
	l.read[s] = true
	if hit := demand(s); hit != "" {
		l.found(name, "asks the reader to do what a fraud would ask (%q); a notice asks for no click, login, code, data or payment", hit)
	}
	if hit := threat(s); hit != "" {
		l.found(name, "presses the reader (%q); say what to do, and threaten nobody with a time limit or a loss", hit)
	}
	if hit := marketing.FindString(s); hit != "" {
		l.found(name, "advertises (%q); a notice required by law holds no marketing", hit)
	}
}

var (
	anyMark = regexp.MustCompile(markOpen + `[^` + markClose + `]*` + markClose + `?`)
	// addressLike finds what a mail client may turn into a link: URLs, domain names, mail addresses.
	addressLike    = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*://[^\s，。；、）)]+|[a-z0-9._%+-]*@[\p{L}0-9.-]+|\b(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:[a-z]{2,})(?:[/?#][^\s，。；、）)]*)?`)
	marketing      = regexp.MustCompile(`(?i)优惠|折扣|促销|抢购|领取|礼包|代金券|红包|新品|赠送|退订|\bdiscounts?\b|\bcoupons?\b|\bpromotion|\bspecial offer|\bfree gift|\bunsubscribe\b|\bnewsletter\b|\bupgrade now\b`)
	marketingStems = `优惠 折扣 促销 抢购 领取 礼包 代金券 红包 新品 赠送 退订 discount coupon promotion special free unsubscribe newsletter upgrade`
)

// addresses lists what reads like an address and is not ours.
func (l *linter) addresses(text string) []string {
	host, err := homeHost(l.r.HomePage)
	if err != nil {
		host = ""
	}
	if !strings.ContainsAny(text, ".@") && !strings.Contains(text, "://") {
		return nil
	}
	var bad []string
	for _, a := range addressLike.FindAllString(text, -1) {
		lower := strings.TrimRight(strings.ToLower(a), ".,;:")
		bare := strings.TrimSuffix(lower, "/")
		ours := host != "" && (bare == host || bare == strings.ToLower(strings.TrimSuffix(l.r.HomePage, "/")))
		if !ours && !slices.Contains(l.r.Official, bare) && (l.r.Email == "" || lower != strings.ToLower(l.r.Email)) {
			bad = append(bad, a)
		}
	}
	return bad
}

var sentenceEnd = regexp.MustCompile(`[。！？；\n]|[.!?;](?:\s|$)`)

func sentences(text string) []string { return sentenceEnd.Split(text, -1) }

// allowed elements of a mail, and for each attribute the elements that may carry it.
var (
	allowedElements   = strings.Fields("html head meta title body h1 h2 p ul li table tbody tr th td strong")
	allowedAttributes = map[string][]string{"lang": {"html"}, "charset": {"meta"}, "style": {"body", "h2"}}
	allowedStyles     = []string{mailStyle, mailHeading}
)

func (l *linter) html() {
	z := html.NewTokenizer(strings.NewReader(l.t.HTML))
	for next := z.Next(); next != html.ErrorToken; next = z.Next() {
		if next == html.CommentToken {
			l.found("html", "has a comment; mail clients disagree about those")
		}
		if next == html.StartTagToken || next == html.SelfClosingTagToken {
			l.tag(z.Token())
		}
	}
}

func (l *linter) tag(tag html.Token) {
	if !slices.Contains(allowedElements, tag.Data) {
		l.found("html", "has the element <%s>; a notice has no links, images, forms, scripts or frames", tag.Data)
	}
	for _, a := range tag.Attr {
		if !slices.Contains(allowedAttributes[a.Key], tag.Data) {
			l.found("html", "has the attribute %s on <%s>", a.Key, tag.Data)
		}
		if a.Key == "style" && !slices.Contains(allowedStyles, a.Val) {
			l.found("html", "has a style that is not ours")
		}
	}
}

// groups checks that what the law asks for is there, in every form of the text.
func (l *linter) groups(in ...string) {
	for _, name := range Groups() {
		i := slices.IndexFunc(l.t.Groups, func(g Group) bool { return g.Name == name })
		if i < 0 || strings.TrimSpace(l.t.Groups[i].Text) == "" {
			l.found("text", "says nothing under %q, which the law asks for", name)
			continue
		}
		for _, line := range strings.Split(l.t.Groups[i].Text, "\n") {
			if strings.Contains(line, markOpen) {
				continue // a name stands there by now
			}
			if slices.ContainsFunc(in, func(s string) bool { return !strings.Contains(s, line) }) {
				l.found("text", "the content %q was changed after it was made", name)
				break
			}
		}
	}
}

func (l *linter) never(in ...string) {
	fixed := NeverAsk(l.t.Audience, l.t.Language)
	if slices.ContainsFunc(in, func(s string) bool { return !strings.Contains(s, fixed) }) {
		l.found("text", "lacks the sentence %q", fixed)
	}
}

// maxSegments is how many messages an SMS may be cut into: more arrive out of order, or not at all.
const maxSegments = 3

// maxSubject is the most characters of a subject. Its end, the notice's number, may be cut off on a telephone; it stands in the text.
const maxSubject = 140

func (l *linter) short() {
	if n := SMSSegments(l.t.SMS); n > maxSegments {
		l.found("sms", "is cut into %d messages; at most %d%s", n, maxSegments, costlySign(l.t.SMS, l.t.Language))
	}
	if n := len([]rune(l.t.Subject)); n > maxSubject {
		l.found("subject", "has %d characters; at most %d", n, maxSubject)
	}
	if n := len([]rune(l.t.PushTitle)); n > 50 {
		l.found("push title", "has %d characters; at most 50", n)
	}
	if n := len([]rune(l.t.PushBody)); n > 200 {
		l.found("push body", "has %d characters; at most 200", n)
	}
	if l.t.Language == breach.Chinese && !strings.HasPrefix(l.t.SMS, "【") {
		l.found("sms", "does not begin with the signature in 【】, which carriers in mainland China demand")
	}
}

// costlySign names the first sign for which an SMS in English cannot be written in the alphabet of mobile phones.
func costlySign(text string, l breach.Language) string {
	i := strings.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune(gsm7+gsm7Double, r) })
	if l != breach.English || i < 0 {
		return ""
	}
	return fmt.Sprintf(", and the sign %q more than halves what one can hold", []rune(text[i:])[0])
}

// htmlWords returns the words of an HTML text, one line for each block.
func htmlWords(s string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	for next := z.Next(); next != html.ErrorToken; next = z.Next() {
		if next == html.TextToken {
			b.WriteString(html.UnescapeString(string(z.Raw())))
		} else {
			b.WriteByte('\n')
		}
	}
	return b.String()
}
