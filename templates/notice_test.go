package templates_test

import (
	"fmt"
	"strings"
	"testing"

	"tocsin/internal/breach"
	"tocsin/templates"
)

// The golden files are what people will read: both stages, every audience, every language.
func TestNoticeGolden(t *testing.T) {
	s := templates.Default()
	names := map[breach.Audience]templates.MergeNames{
		breach.ToPerson:   {Recipient: "王小芳"},
		breach.ToMinor:    {Recipient: "张小明"},
		breach.ToGuardian: {Recipient: "张伟", People: []string{"张小明", "张小红", "张小刚"}},
	}
	for _, a := range audiences {
		for _, l := range templates.Languages() {
			t.Run(string(a)+" "+string(l), func(t *testing.T) {
				n, err := s.Notice(sampleNotice(), a, l)
				if err != nil {
					t.Fatal(err)
				}
				m := n.Merge(names[a])
				if f := templates.Lint(m, templates.RulesFor(sampleOrganisation(), noticeNo)); len(f) > 0 {
					t.Errorf("merged: %v", f)
				}
				file := fmt.Sprintf("notices/%s.%s", a, l)
				golden(t, file+".txt", fmt.Sprintf("Subject: %s\nSMS (%d): %s\nPush: %s | %s\n\n%s",
					m.Subject, templates.SMSSegments(m.SMS), m.SMS, m.PushTitle, m.PushBody, m.Text))
				golden(t, file+".html", m.HTML)
			})
		}
	}
}

// A suspected incident of which little is known still gives a whole notice.
func TestNoticeWithLittleKnown(t *testing.T) {
	s := templates.Default()
	for _, a := range audiences {
		for _, l := range templates.Languages() {
			v := sampleNotice()
			v.State, v.Kinds, v.OccurredAt, v.AwareAt, v.Cause, v.Measures = "", nil, nil, nil, breach.Text{}, nil
			v.Categories, v.MinorCause, v.MinorMeasures, v.Later = nil, breach.Text{}, nil, true
			n, err := s.Notice(v, a, l)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, fmt.Sprintf("notices/little_known.%s.%s.txt", a, l), n.Merge(templates.MergeNames{}).Text)
		}
	}
}

// Every value that the facts may have makes a notice that passes the rules.
func TestNoticeForEveryFact(t *testing.T) {
	s := templates.Default()
	kinds, _ := breach.DefOf("kinds")
	categories, _ := breach.DefOf("data.categories")
	for _, a := range audiences {
		for _, l := range templates.Languages() {
			for _, state := range []string{"suspected", "confirmed"} {
				v := sampleNotice()
				v.State, v.Kinds, v.Categories = state, kinds.Values, categories.Values
				if _, err := s.Notice(v, a, l); err != nil {
					t.Errorf("%s %s all: %v", a, l, err)
				}
				for _, c := range categories.Values {
					if state == "confirmed" { // the state changes no phrase of a category
						break
					}
					v.Categories = []string{c}
					if _, err := s.Notice(v, a, l); err != nil {
						t.Errorf("%s %s %s: %v", a, l, c, err)
					}
				}
			}
		}
	}
}

// Facts in another order are the same facts.
func TestNoticeIsDeterministic(t *testing.T) {
	s := templates.Default()
	v, w := sampleNotice(), sampleNotice()
	w.Categories = []string{"education", "contact", "credentials", "name", "name"}
	a, err := s.Notice(v, breach.ToPerson, breach.Chinese)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Notice(w, breach.ToPerson, breach.Chinese)
	if err != nil {
		t.Fatal(err)
	}
	if a.Text != b.Text || a.HTML != b.HTML {
		t.Error("the order of the categories changes the text")
	}
}

// SMS to people in China fits two messages.
func TestNoticeSMSIsShort(t *testing.T) {
	for _, a := range audiences {
		for _, l := range templates.Languages() {
			n, err := templates.Default().Notice(sampleNotice(), a, l)
			if err != nil {
				t.Fatal(err)
			}
			if got := templates.SMSSegments(n.SMS); got > 2 {
				t.Errorf("%s %s: %d segments, %d characters", a, l, got, len([]rune(n.SMS)))
			}
		}
	}
}

// A company need not have a very short name.
func TestNoticeTakesNamesOfSomeLength(t *testing.T) {
	for _, law := range []string{"cn-pipl", "us-california"} {
		for _, a := range audiences {
			for _, l := range templates.Languages() {
				v := underLaw(law)
				v.Organisation.Short = breach.Text{ZH: "示例省人民医院（互联网医院）附属儿童健康中心", EN: "Example Children's Hospital"}
				v.Organisation.Hotline = "+49 30 00000000 00"
				if _, err := templates.Default().Notice(v, a, l); err != nil {
					t.Errorf("%s %s %s: %v", law, a, l, err)
				}
			}
		}
	}
}

func TestNoticeLacks(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(*templates.NoticeView)
		says  string
	}{
		{"strange category", func(v *templates.NoticeView) { v.Categories = []string{"shoe_size"} }, "shoe_size"},
		{"no number", func(v *templates.NoticeView) { v.Number = "" }, "number"},
		{"wrong check digit", func(v *templates.NoticeView) { v.Number = strings.Replace(noticeNo, noticeNo[:1], "Z", 1) }, "number"},
		{"no hotline", func(v *templates.NoticeView) { v.Organisation.Hotline = "" }, "hotline"},
		{"home page with a path", func(v *templates.NoticeView) { v.Organisation.HomePage = "https://www.example.com/notice?id=1" }, "home page"},
		{"no date", func(v *templates.NoticeView) {
			v.IssuedAt = v.IssuedAt.AddDate(-2026, 0, 0)
			v.IssuedAt = templates.NoticeView{}.IssuedAt
		}, "date"},
		{"one language", func(v *templates.NoticeView) { v.Organisation.Name.EN = "" }, "English"},
		{"address with a name", func(v *templates.NoticeView) { v.Organisation.Email = "Privacy <privacy@example.com>" }, "email"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := sampleNotice()
			c.spoil(&v)
			_, err := templates.Default().Notice(v, breach.ToPerson, breach.Chinese)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := templates.Default().Notice(sampleNotice(), breach.ToPerson, "fr"); err == nil {
		t.Error("a language that does not exist was accepted")
	}
}
