package templates_test

import (
	"fmt"
	"strings"
	"testing"

	"tocsin/internal/breach"
	"tocsin/templates"
)

var earlierNo = templates.NewNoticeNumber([16]byte{0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x08, 0x19, 0x2a, 0x3b, 0x4c})

func sampleSupplement() templates.NoticeView {
	v := sampleNotice()
	v.Earlier = &templates.Earlier{
		Number: earlierNo, At: issued.AddDate(0, 0, -9), Categories: v.Categories,
		Changed: breach.Text{
			ZH: "继续调查后确认，被读取的资料中还有一部分学员的证件号码；原因没有变化。",
			EN: "Our inquiry has found that the records that were read held identity numbers of some students as well; the cause is the same.",
		},
	}
	v.Categories = append([]string{"id_number"}, v.Categories...)
	return v
}

// A supplementary notice says at its top which notice it corrects or adds to and what changed, and then all that a notice says.
func TestSupplementGolden(t *testing.T) {
	s := templates.Default()
	for _, a := range audiences {
		for _, l := range templates.Languages() {
			v := sampleSupplement()
			n, err := s.Notice(v, a, l)
			if err != nil {
				t.Fatal(err)
			}
			top, _, _ := strings.Cut(n.Text, "■")
			if at := strings.Index(n.Text, earlierNo); at < 0 || at > 700 || !strings.Contains(top, v.Earlier.Changed.In(l)) {
				t.Errorf("%s %s: the earlier notice stands at %d", a, l, at)
			}
			golden(t, fmt.Sprintf("notices/supplement.%s.%s.txt", a, l), fmt.Sprintf("Subject: %s\nSMS: %s\nPush: %s | %s\n\n%s", n.Subject, n.SMS, n.PushTitle, n.PushBody, top))
			for _, law := range s.Laws() { // every law's form has a place for it
				v.Law = law.Name
				v.Offer = breach.Text{ZH: "请拨打热线办理。", EN: "Call our hotline and we arrange it."}
				n, err := s.Notice(v, a, l)
				if err != nil {
					t.Errorf("%s: %v", law.Name, err)
					continue
				}
				if !strings.Contains(n.Text, earlierNo) || !strings.Contains(n.HTML, earlierNo) {
					t.Errorf("%s %s %s does not name the earlier notice", law.Name, a, l)
				}
			}
		}
	}
}

// Only those whose data are newly involved read that they are.
func TestSupplementNamesEachReadersOwn(t *testing.T) {
	n, err := templates.Default().Notice(sampleSupplement(), breach.ToPerson, breach.English)
	if err != nil {
		t.Fatal(err)
	}
	more := "this information of yours is involved as well"
	for _, c := range []struct {
		own  []string
		want bool
	}{{[]string{"id_number", "name"}, true}, {[]string{"name"}, false}, {nil, true}} {
		text, ok := n.For(c.own...)
		if got := strings.Contains(text.Text, more); !ok || got != c.want {
			t.Errorf("of whom %q were exposed reads of new data: %v", c.own, got)
		}
	}
}

func TestSupplementLacks(t *testing.T) {
	for says, spoil := range map[string]func(*templates.Earlier){
		"number":        func(e *templates.Earlier) { e.Number = "" },
		"date":          func(e *templates.Earlier) { e.At = templates.Earlier{}.At },
		"what has chan": func(e *templates.Earlier) { e.Changed.ZH = "" },
	} {
		v := sampleSupplement()
		spoil(v.Earlier)
		if _, err := templates.Default().Notice(v, breach.ToPerson, breach.Chinese); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}
