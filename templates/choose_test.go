package templates_test

import (
	"slices"
	"strings"
	"testing"

	"tocsin/internal/breach"
	"tocsin/templates"
)

var mergeSample = map[breach.Audience]templates.MergeNames{
	breach.ToPerson:   {Recipient: "王小芳"},
	breach.ToMinor:    {Recipient: "张小明"},
	breach.ToGuardian: {Recipient: "张伟", People: []string{"张小明", "张小红", "张小刚"}},
}

// Each reader is told of what was theirs, and of nothing else.
func TestEachGetsTheirOwn(t *testing.T) {
	s := templates.Default()
	says := map[string]string{"contact": "contact details", "health": "medical and health", "credentials": "account names and passwords"}
	v := sampleNotice()
	v.Categories = []string{"contact", "health", "credentials"}
	n, err := s.Notice(v, breach.ToPerson, breach.English)
	if err != nil {
		t.Fatal(err)
	}
	for _, own := range [][]string{{"contact"}, {"health"}, {"credentials", "contact"}, {"contact", "health", "credentials"}, nil} {
		m, ok := n.For(own...)
		if !ok {
			t.Fatalf("%v is refused", own)
		}
		if len(own) == 0 {
			own = v.Categories // nobody knows: all of it
		}
		for _, part := range []string{m.Text, m.HTML} {
			for c, words := range says {
				if strings.Contains(part, words) != slices.Contains(own, c) {
					t.Errorf("own %v: says %q: %v", own, words, !slices.Contains(own, c))
				}
			}
			if strings.Contains(part, "⟦only") || strings.Contains(part, "⟦end") || strings.Contains(part, "<ul>\n</ul>") || strings.Contains(part, "\n\n\n") {
				t.Errorf("own %v: something is left over:\n%s", own, part)
			}
		}
	}
	if _, ok := n.For("health", "genetic"); ok {
		t.Error("a reader whose genetic data were exposed gets a notice that does not say so")
	}
}

// Every byte that a reader gets was approved: choosing takes lines away and does nothing else.
func TestChoosingOnlyTakesAway(t *testing.T) {
	s := templates.Default()
	categories, _ := breach.DefOf("data.categories")
	for _, law := range []string{"cn-pipl", "us-california", "us-hipaa"} {
		for _, l := range templates.Languages() {
			v := underLaw(law)
			v.Categories = categories.Values
			n, err := s.Notice(v, breach.ToGuardian, l)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range categories.Values {
				m, ok := n.For(c)
				if !ok {
					t.Fatal(c)
				}
				for _, x := range []struct{ whole, part string }{{n.Text, m.Text}, {n.HTML, m.HTML}} {
					rest := x.whole
					for _, line := range strings.SplitAfter(x.part, "\n") {
						i := strings.Index(rest, line)
						if i < 0 {
							t.Fatalf("%s %s: %q is not in the approved text at its place", law, c, line)
						}
						rest = rest[i+len(line):]
					}
				}
				if again, ok := m.For(c); !ok || again.Text != m.Text || again.HTML != m.HTML {
					t.Errorf("%s: choosing twice changes the text", c)
				}
			}
		}
	}
}

// Somebody of whom only a name was exposed is told what that may lead to.
func TestNobodyGetsAnEmptyContent(t *testing.T) {
	v := sampleNotice()
	v.Categories = []string{"name", "health"}
	for _, a := range audiences {
		for _, l := range templates.Languages() {
			n, err := templates.Default().Notice(v, a, l)
			if err != nil {
				t.Fatal(err)
			}
			m, _ := n.For("name")
			for _, g := range m.Groups {
				if strings.TrimSpace(g.Text) == "" {
					t.Errorf("%s %s: nothing under %s", a, l, g.Name)
				}
			}
		}
	}
}
