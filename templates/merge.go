package templates

import (
	"html"
	"regexp"
	"strings"
	"unicode/utf8"

	"tocsin/internal/breach"
)

// MergeNames are the names of one message: personal data.
type MergeNames struct {
	Recipient string   // who reads it; empty where the name is not known
	People    []string // for a guardian: the minors, each once, in a fixed order
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
	if name := mergeable(names.Recipient); name != "" {
		greeting = strings.ReplaceAll(t.Marks.Greeting, mark("recipient"), name)
	}
	people := t.people(names.People)
	t.Text = fill(t.Text, greeting, people)
	t.HTML = fill(t.HTML, html.EscapeString(greeting), html.EscapeString(people))
	return t
}

func fill(s, greeting, people string) string {
	return strings.NewReplacer(mark("greeting"), greeting, mark("people"), people).Replace(s)
}

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
	if len(shown) == 0 {
		return t.Marks.PeopleUnnamed
	}
	for range hidden {
		shown = append(shown, t.Marks.PersonHidden)
	}
	comma, and := ", ", " and "
	if t.Language == breach.Chinese {
		comma, and = "、", "和"
	}
	if len(shown) == 1 {
		return shown[0]
	}
	return strings.Join(shown[:len(shown)-1], comma) + and + shown[len(shown)-1]
}

// maxName is the longest name that is shown, in characters. Longer ones are messages, not names.
const maxName = 60

var linkLike = regexp.MustCompile(`(?i)://|www\.|@|[a-z0-9-]\.[a-z]{2,}|\d{5,}`)

// mergeable returns a name as it may be shown, or nothing.
func mergeable(name string) string {
	name = clean(name)
	if utf8.RuneCountInString(name) > maxName || linkLike.MatchString(name) {
		return ""
	}
	for _, s := range sentences(name) {
		if demand(s) != "" || marketing.MatchString(s) {
			return ""
		}
	}
	return strings.TrimLeft(name, "=+-@ ")
}
