package templates

import (
	"html"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"tocsin/internal/breach"
)

// MergeNames are the names of one message: personal data.
type MergeNames struct {
	Recipient string   // who reads it; empty where the name is not known
	Others    []string // who else reads it, where several share a mailbox
	People    []string // for a guardian: the minors, each once, in a fixed order; one without a name is ""
	Several   bool     // keep the lines for a guardian of several also where fewer are named: to show a text to everybody
}

// Merge puts names in the places that were left for them. Names come from strangers' files, so each is made one line of
// plain words first and escaped in the HTML part; a name that could be read as a link, an address or a message of its own
// is left out, and the text stays true without it. The result is deterministic.
//
// Where For has not chosen the lines for one reader before, all of the incident's are left.
func (t NoticeText) Merge(names MergeNames) NoticeText {
	if !t.chosen {
		t, _ = t.For()
	}
	greeting := t.Marks.GreetingUnnamed
	if readers := t.readers(names); readers != "" {
		greeting = strings.ReplaceAll(t.Marks.Greeting, mark("recipient"), readers)
	}
	people := t.people(names.People)
	several := names.Several || len(names.People) > 1 && people != t.Marks.PeopleUnnamed // "each of the children named above"
	t.Text = fill(t.Text, greeting, people, several)
	t.HTML = fill(t.HTML, html.EscapeString(greeting), html.EscapeString(people), several)
	return t
}

// fill looks at the text once: a name that holds a mark stays as it is. The lines for a guardian of several children stay
// where there are several.
func fill(s, greeting, people string, several bool) string {
	var b strings.Builder
	b.Grow(len(s) + len(greeting) + len(people))
	for {
		i := strings.Index(s, markOpen)
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		s = s[i:]
		if rest, ok := strings.CutPrefix(s, greetingMark); ok {
			b.WriteString(greeting)
			s = rest
		} else if rest, ok := strings.CutPrefix(s, peopleMark); ok {
			b.WriteString(spaced(b.String(), people, rest))
			s = rest
		} else if rest, ok := strings.CutPrefix(s, severalMark); ok {
			s = rest
			if _, after, ended := strings.Cut(rest, endSeveralMark); !several && ended {
				s = strings.TrimPrefix(after, "\n") // the empty line below a paragraph of the text
			}
		} else if rest, ok := strings.CutPrefix(s, endSeveralMark); ok {
			s = rest
		} else {
			b.WriteString(markOpen)
			s = s[len(markOpen):]
		}
	}
}

const (
	greetingMark = markOpen + "greeting" + markClose
	peopleMark   = markOpen + "people" + markClose
	countMark    = markOpen + "count" + markClose

	severalMark    = markOpen + severalWord + markClose
	endSeveralMark = markOpen + endSeveralWord + markClose
)

// readers joins the names of those who are greeted. Where one of several cannot be shown, nobody is named: a greeting that leaves
// somebody out would be wrong.
func (t NoticeText) readers(names MergeNames) string {
	var shown []string
	for _, n := range append([]string{names.Recipient}, names.Others...) {
		if n = mergeable(n); n == "" || len(shown) == maxGreeted {
			return ""
		}
		shown = append(shown, n)
	}
	return t.joined(shown)
}

// maxGreeted and maxNamed are the most readers and children whom one message names. A contact with more is nobody's mailbox: a
// number that many records share.
const (
	maxGreeted = 4
	maxNamed   = 12
)

// people joins the names of minors: "张小明、张小红和张小刚".
func (t NoticeText) people(names []string) string {
	var shown []string
	hidden := 0
	for _, n := range names {
		if n = mergeable(n); n == "" {
			hidden++
			continue
		}
		shown = append(shown, n)
	}
	switch {
	case (len(shown) == 0 && hidden > 1 || len(names) > maxNamed) && t.Marks.PeopleCounted != "":
		return counted(t.Marks.PeopleCounted, len(names))
	case len(shown) == 0:
		return t.Marks.PeopleUnnamed
	case hidden > 1 && t.Marks.PeopleHidden != "":
		shown = append(shown, counted(t.Marks.PeopleHidden, hidden))
	default:
		for range hidden {
			shown = append(shown, t.Marks.PersonHidden)
		}
	}
	return t.joined(shown)
}

func counted(words string, n int) string {
	return strings.ReplaceAll(words, countMark, strconv.Itoa(n))
}

// joined writes names as a list: "A, B and C".
func (t NoticeText) joined(names []string) string {
	comma, and := ", ", " and "
	if t.Language == breach.Chinese {
		comma, and = "、", "和"
	}
	if len(names) == 1 {
		return names[0]
	}
	first, last := strings.Join(names[:len(names)-1], comma), names[len(names)-1]
	return first + spaced(first, and, last) + last
}

// spaced puts spaces around words where Chinese characters would touch Latin letters or digits of a name.
func spaced(before, words, after string) string {
	left, _ := utf8.DecodeLastRuneInString(before)
	first, _ := utf8.DecodeRuneInString(words)
	last, _ := utf8.DecodeLastRuneInString(words)
	right, _ := utf8.DecodeRuneInString(after)
	if touch(left, first) {
		words = " " + words
	}
	if touch(last, right) {
		words += " "
	}
	return words
}

// touch reports a Chinese character beside a letter or digit of another script.
func touch(a, b rune) bool {
	han, other := unicode.Is(unicode.Han, a), unicode.Is(unicode.Han, b)
	return han && !other && (unicode.IsLetter(b) || unicode.IsDigit(b)) || other && !han && (unicode.IsLetter(a) || unicode.IsDigit(a) || a == '.')
}

// maxName is the longest name that is shown, in characters. Longer ones are messages, not names.
const maxName = 60

var linkLike = regexp.MustCompile(`(?i)://|www\.|@|[a-z0-9-]\.[a-z]{2,}|\d{5,}`)

// mergeable returns a name as it may be shown, or nothing.
func mergeable(name string) string {
	name = clean(name)
	long := utf8.RuneCountInString(name)
	if long > maxName || long > 6 && spelledPhone.MatchString(name) {
		return ""
	}
	if harmless(name) {
		return name
	}
	return examined(name)
}

// examined looks for every pattern.
func examined(name string) string {
	if linkLike.MatchString(name) || disguisedName(name) {
		return ""
	}
	if anyFraud(name) || marketing.MatchString(name) {
		return ""
	}
	return strings.TrimLeft(name, "=+-@ ")
}

// disguisedName reports an address or a telephone number that does not look like one. Most names have none of the signs with which
// any begins, and every message has a name.
func disguisedName(name string) bool {
	digits, signs := false, false
	for _, r := range name {
		digits = digits || r >= '0' && r <= '9' || r >= '０' && r <= '９'
		signs = signs || strings.ContainsRune(".。．[(（【{:", r) || unicode.In(r, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee)
	}
	return signs && len(strangeAddresses(name)) > 0 || digits && len(phoneNumbers(norm.NFKC.String(name))) > 0
}

// harmless reports that a name of Chinese characters or plain Latin letters has nothing with which any of the patterns begins. Most names
// are so, and every message has one; the patterns themselves are looked for in the others.
func harmless(name string) bool {
	words, before := beginnings(), rune(0)
	for _, r := range name {
		switch {
		case 'A' <= r && r <= 'Z':
			r += 'a' - 'A'
		case 'a' <= r && r <= 'z', r == ' ' && before != 0, unicode.Is(unicode.Han, r):
		default:
			return false
		}
		if r == ' ' && unicode.Is(unicode.Han, before) {
			continue // "点 击" is read as "点击"
		}
		if words[[2]rune{r}] || words[[2]rune{before, r}] {
			return false
		}
		before = r
	}
	return true
}

// beginnings are the first two letters of every word that a pattern begins with; of a single character, that one.
var beginnings = sync.OnceValue(func() map[[2]rune]bool {
	stems := strings.Fields(marketingStems)
	for _, a := range asks() {
		stems = append(stems, strings.Fields(a.stems)...)
	}
	all := map[[2]rune]bool{}
	for _, s := range stems {
		r := append([]rune(s), 0)
		all[[2]rune{r[0], r[1]}] = true
	}
	return all
})
