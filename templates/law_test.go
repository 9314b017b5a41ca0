package templates_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"tocsin/internal/breach"
	"tocsin/templates"
)

// underLaw is the sample under a law, with what some laws ask for besides.
func underLaw(law string) templates.NoticeView {
	v := sampleNotice()
	v.Law = law
	v.Offer = breach.Text{ZH: "请拨打我们的热线，报出通知编号，我们会为您办妥。", EN: "call our hotline, read out the notice number, and we arrange it for you."}
	switch law {
	case "us-hipaa":
		v.Categories = []string{"name", "contact", "health"}
	case "us-california", "us-new-york", "us-texas":
		v.Categories = []string{"name", "id_number", "contact"}
	}
	return v
}

// Each law's notice, in every language, for everybody: read them as a tired parent would.
func TestLawGolden(t *testing.T) {
	s := templates.Default()
	for _, law := range s.Laws() {
		for _, a := range audiences {
			for _, l := range templates.Languages() {
				t.Run(law.Name+" "+string(a)+" "+string(l), func(t *testing.T) {
					n, err := s.Notice(underLaw(law.Name), a, l)
					if err != nil {
						t.Fatal(err)
					}
					m := n.Merge(mergeSample[a])
					golden(t, fmt.Sprintf("notices/%s/%s.%s.txt", law.Name, a, l), fmt.Sprintf("Subject: %s\nSMS (%d): %s\nPush: %s | %s\n\n%s",
						m.Subject, templates.SMSSegments(m.SMS), m.SMS, m.PushTitle, m.PushBody, m.Text))
				})
			}
		}
	}
}

// Every fact that there may be makes a notice under every law, and what each reader gets obeys the rules.
func TestLawForEveryCategory(t *testing.T) {
	s := templates.Default()
	categories, _ := breach.DefOf("data.categories")
	for _, law := range s.Laws() {
		for _, a := range audiences {
			for _, l := range templates.Languages() {
				v := underLaw(law.Name)
				v.Categories = categories.Values
				if _, err := s.Notice(v, a, l); err != nil {
					t.Errorf("%s %s %s: %v", law.Name, a, l, err)
				}
			}
		}
	}
}

// Everything that a law asks for is missed when it is gone, by its name and article.
func TestLawMissesWhatIsGone(t *testing.T) {
	for _, law := range templates.Default().Laws() {
		for _, r := range law.Requires {
			if slices.Contains(templates.Groups(), r.Content) {
				continue // no form is loaded without these, see TestOverrideMistakes
			}
			t.Run(law.Name+" "+r.Content, func(t *testing.T) {
				s, err := templates.New(without(t, r.Content))
				if err != nil {
					t.Fatal(err)
				}
				_, err = s.Notice(underLaw(law.Name), breach.ToPerson, breach.English)
				missing, ok := errors.AsType[*templates.MissingError](err)
				if !ok || missing.Law != law.Name || len(missing.Missing) != 1 || missing.Missing[0].Content != r.Content || !strings.Contains(err.Error(), r.Article) {
					t.Errorf("%v", err)
				}
			})
		}
	}
}

// without gives the shipped notices without the lines that are said to be one content.
func without(t *testing.T, content string) fstest.MapFS {
	t.Helper()
	gone := regexp.MustCompile(`(?m)^! ` + content + ` \|.*$`)
	out := fstest.MapFS{}
	for _, glob := range []string{"notices/*.txt", "notices/*/*.txt"} {
		files, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			out[f] = &fstest.MapFile{Data: gone.ReplaceAll([]byte(shippedFile(t, f)), nil)}
		}
	}
	return out
}

// What a law asks for and nobody has said stops the draft, and the error says what to do.
func TestLawLacksFacts(t *testing.T) {
	cases := []struct {
		law   string
		spoil func(*templates.NoticeView)
		says  []string
	}{
		{"us-hipaa", func(v *templates.NoticeView) { v.AwareAt = nil }, []string{"164.404(c)(1)(A)", "aware_at"}},
		{"us-california", func(v *templates.NoticeView) { v.Offer = breach.Text{} }, []string{"1798.82(d)(2)(G)", "--offer-en"}},
		{"brazil", func(v *templates.NoticeView) { v.AwareAt = nil }, []string{"9 VI"}},
		{"singapore", func(v *templates.NoticeView) { v.Laws, v.AwareAt = []string{"us-hipaa"}, nil }, []string{"reg. 6", "164.404"}},
		{"atlantis", func(*templates.NoticeView) {}, []string{"atlantis", "cn-pipl"}},
	}
	for _, c := range cases {
		v := underLaw(c.law)
		c.spoil(&v)
		_, err := templates.Default().Notice(v, breach.ToPerson, breach.English)
		for _, says := range c.says {
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v", c.law, err)
			}
		}
	}
	v := underLaw("us-california")
	v.Offer, v.Categories = breach.Text{}, []string{"contact"}
	if _, err := templates.Default().Notice(v, breach.ToPerson, breach.English); err != nil {
		t.Errorf("an offer is asked for where no document number was exposed: %v", err)
	}
}

// Where a law gives no right to erase, nobody is offered it, the child as little as the others.
func TestErasureIsNotOfferedUnderHIPAA(t *testing.T) {
	for law, offers := range map[string]bool{"us-hipaa": false, "eu-gdpr": true} {
		for _, a := range audiences {
			for l, word := range map[breach.Language]string{breach.Chinese: "删", breach.English: "erase"} {
				n, err := templates.Default().Notice(underLaw(law), a, l)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(n.Text, word) != offers {
					t.Errorf("%s %s %s: erasure offered is %t", law, a, l, !offers)
				}
			}
		}
	}
}

// Zones are named as people name them.
func TestNoticeNamesItsZone(t *testing.T) {
	for zone, says := range map[string]breach.Text{
		"":                     {ZH: "日期按北京时间计。", EN: "Dates in this notice are in Beijing time."},
		"America/Los_Angeles":  {ZH: "日期按洛杉矶时间（UTC-08:00）计。", EN: "Dates in this notice are in Los Angeles time (UTC-08:00)."},
		"Europe/London":        {ZH: "日期按伦敦时间（UTC）计。", EN: "Dates in this notice are in London time (UTC)."},
		"America/Indiana/Knox": {ZH: "日期按 UTC-06:00 计。", EN: "Dates in this notice are in Knox time (UTC-06:00)."},
	} {
		v := underLaw("eu-gdpr")
		v.Organisation.Zone = zone
		for _, l := range templates.Languages() {
			n, err := templates.Default().Notice(v, breach.ToPerson, l)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(n.Text, says.In(l)) {
				t.Errorf("%s %s lacks %q:\n%s", zone, l, says.In(l), n.Text)
			}
		}
	}
}

// The California notice has its title and its five headings, in their order, and no other.
func TestCaliforniaHeadings(t *testing.T) {
	want := []string{"Notice of Data Breach", "What Happened", "What Information Was Involved", "What We Are Doing", "What You Can Do", "For More Information"}
	for _, a := range audiences {
		for _, l := range templates.Languages() {
			n, err := templates.Default().Notice(underLaw("us-california"), a, l)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, line := range strings.Split(n.Text, "\n") {
				if h, ok := strings.CutPrefix(line, "■ "); ok {
					got = append(got, regexp.MustCompile(`（.*）$`).ReplaceAllString(h, ""))
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s %s: %q", a, l, got)
			}
		}
	}
}

// Whom a text is for follows from where people live and which rules are in force.
func TestLawsFor(t *testing.T) {
	s := templates.Default()
	rules := []string{"cn-pipl-individual-notice", "us-hipaa-people", "us-ca-people", "eu-34-people"}
	for region, want := range map[string][]string{
		"CN": {"cn-pipl"}, "US-CA": {"us-california", "us-hipaa"}, "US-TX": {"us-hipaa"}, "DE": {"eu-gdpr"}, "US": {"us-hipaa"},
		"GB": nil, "": nil, "ZZ": nil,
	} {
		if got := s.LawsFor(region, rules); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", region, got, want)
		}
	}
}

// Every rule that a text serves is a rule of a pack, and every duty to tell each person has a text.
func TestLawRulesAreThoseOfThePacks(t *testing.T) {
	files, err := filepath.Glob("../internal/regulation/packs/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no packs of law are found")
	}
	var ids, toPeople []string
	for _, f := range files {
		if strings.HasSuffix(f, "_cases.yaml") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^  - id: ([a-z0-9.-]+)$`).FindAllSubmatch(b, -1) {
			ids = append(ids, string(m[1]))
		}
		for _, m := range regexp.MustCompile(`(?s)\n  - id: ([a-z0-9.-]+)\n(?:    [^\n]*\n|\s{5,}[^\n]*\n)*?    to: \[people\]`).FindAllSubmatch(b, -1) {
			toPeople = append(toPeople, string(m[1]))
		}
	}
	if len(toPeople) < 20 {
		t.Fatalf("only %d duties to tell people are found", len(toPeople))
	}
	served := map[string]bool{}
	for _, law := range templates.Default().Laws() {
		for _, r := range law.Rules {
			served[r] = true
			if !slices.Contains(ids, r) {
				t.Errorf("%s serves the rule %q, which no pack has", law.Name, r)
			}
		}
	}
	for _, id := range toPeople {
		if !served[id] {
			t.Errorf("no text serves the rule %q", id)
		}
	}
}

// A mistake in a law's file is found when the set is loaded.
func TestLawMistakes(t *testing.T) {
	const file = "notices/laws/us-new-york.txt"
	cases := []struct{ name, old, new, says string }{
		{"a strange key", "regions: US-NY", "region: US-NY", "regions, rules"},
		{"a private address", "ftc.gov\n", "ftc.gov evil.example\n", "public body"},
		{"a strange content", "require: public_bodies", "require: public_spirit", "public_spirit"},
		{"a require without an article", "require: contact | 899-aa(7)", "require: contact | ", "article"},
		{"a strange section", "[en foot]", "[en tail]", "tail"},
		{"a section twice", "[zh-CN foot]", "[en foot]", "twice"},
		{"a strange name", "New York State Attorney General:", "{{attorney}}:", "attorney"},
		{"a strange category", "{{only id_number}}", "{{only shoe_size}}", "shoe_size"},
		{"an only without end", "{{end}}", "", "no {{end}}"},
		{"words before the first section", "---\n", "---\nhello\n", "section"},
		{"no title", "title.en:", "// title.en:", "title"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			old := shippedFile(t, file)
			text := strings.Replace(old, c.old, c.new, 1)
			if text == old {
				t.Fatal("the case changes nothing")
			}
			if _, err := templates.New(folder(file, text)); err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), file) {
				t.Errorf("%v", err)
			}
		})
	}
}
