package templates_test

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"

	"tocsin/internal/breach"
	"tocsin/templates"
)

// poison is what a stranger may have typed into a field that ends in a report.
var poison = "=cmd|'/c calc'!A1 <script>alert(1)</script><img src=x onerror=alert(1)> \u202e\u2066gnp.exe\u2069 a\x00b\x1b[31m\r\n## 九、伪造\r\n@ 电话 | 110\n{{if late}}{{hotline}} ⟦greeting⟧ \u2028\U000e0041 & \"quoted\" '" +
	strings.Repeat("很长的说明。", 1200)

// Whatever stands in a field stays words of that field: no markup, no new line, no hidden sign, and nothing is cut off.
func TestFilingHostile(t *testing.T) {
	s := defaults()
	for _, form := range s.Forms() {
		for _, l := range templates.Languages() {
			calm, wild := sampleFiling(form), sampleFiling(form)
			for _, v := range []*templates.FilingView{&calm, &wild} {
				text := "calm"
				if v == &wild {
					text = poison
				}
				spoil(v, breach.Text{ZH: text, EN: text})
			}
			c, err := s.Filing(form, calm, l)
			if err != nil {
				t.Fatal(err)
			}
			w, err := s.Filing(form, wild, l)
			if err != nil {
				t.Fatal(err)
			}
			if a, b := strings.Count(c.Text, "\n"), strings.Count(w.Text, "\n"); a != b {
				t.Errorf("%s %s: %d lines became %d", form, l, a, b)
			}
			if a, b := elements(t, c.HTML), elements(t, w.HTML); a != b {
				t.Errorf("%s %s: the markup changed", form, l)
			}
			for _, r := range w.Text + w.HTML {
				if r != '\n' && (unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r)) || strings.ContainsRune("⟦⟧", r) {
					t.Errorf("%s %s: the sign %U is in the report", form, l, r)
					break
				}
			}
			if strings.Contains(c.Text, "calm") && !strings.Contains(w.Text, strings.Repeat("很长的说明。", 1200)) {
				t.Errorf("%s %s: a long answer was cut", form, l)
			}
		}
	}
}

func spoil(v *templates.FilingView, text breach.Text) {
	for _, key := range append(templates.AnswerKeys(), "asked.1", "asked.2", "asked.3") {
		v.Answers[key] = templates.Answer{Text: text}
	}
	v.Answers["people.u14"] = templates.Answer{NotApplicable: text}
	v.Organisation.Name, v.Organisation.Address, v.Organisation.Kind, v.Organisation.CreditCode = text, text, text, text.EN
	v.Signer.Name, v.Signer.Phone, v.Signer.Email, v.Signer.Title = text.EN, text.EN, text.EN, text
	v.Obligation.Addressee, v.Obligation.Title, v.Obligation.Instrument = text, text, text
	v.Measures = []templates.Entry{{Text: text}}
	v.Timeline = []templates.Entry{{Text: text}}
	v.Previous = []templates.Previous{{Stage: breach.StageInitial, At: aware, Receipt: text.EN}}
	v.Severities[0].ScaleName, v.Severities[0].LevelName = text, text
	v.Facts["people.by_region"] = map[string]int64{text.EN: 1, "US-CA": 2}
}

// elements lists the elements of a page with their attributes, in order.
func elements(t *testing.T, page string) string {
	t.Helper()
	var b strings.Builder
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return b.String()
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken, html.CommentToken:
			b.WriteString(z.Token().String() + "\n")
		case html.TextToken, html.DoctypeToken:
		}
	}
}
