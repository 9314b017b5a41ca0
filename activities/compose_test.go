package activities

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/templates"
)

// approvedForTest is what a person approved: it went through its JSON, as the store keeps it.
func approvedForTest(t *testing.T, n needs, cohorts ...store.Cohort) *approvedTexts {
	t.Helper()
	at := time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)
	a := &Notices{Templates: templates.Default(), Organisation: templates.Organisation{
		Name: breach.Text{ZH: "示例公司", EN: "Example Ltd"}, Short: breach.Text{ZH: "示例", EN: "Example"},
		HomePage: "https://www.example.com", Hotline: "400-000-0000", Email: "privacy@example.com",
	}}
	v := templates.NoticeView{
		Organisation: a.Organisation, Number: templates.NewNoticeNumber([16]byte{7}), Incident: "INC-2026-0001", State: "confirmed", AwareAt: &at, IssuedAt: at,
		Offer: breach.Text{ZH: "请拨打热线。", EN: "call our hotline."},
	}
	renditions, err := a.renditions(v, n)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(breach.Content{Renditions: renditions})
	if err != nil {
		t.Fatal(err)
	}
	var c breach.Content
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	return newApprovedTexts(c, cohorts)
}

var everywhere = needs{
	rules:      []string{"cn-pipl-individual-notice", "us-ca-people", "us-hipaa-people", "kr-people"},
	regions:    []string{"CN", "US-CA", "FR"},
	categories: []string{"contact", "health", "id_number", "credentials"},
}

// Each reader gets the text of the law that protects them, in their language, of what was theirs.
func TestComposeChoosesTheText(t *testing.T) {
	texts := approvedForTest(t, everywhere,
		store.Cohort{No: 1, Region: "CN", Categories: []string{"contact"}},
		store.Cohort{No: 2, Region: "US-CA", Categories: []string{"id_number"}},
		store.Cohort{No: 3, Region: "US-TX", Categories: []string{"health"}},
		store.Cohort{No: 4, Region: "FR"},
		store.Cohort{No: 5},
		store.Cohort{No: 6, Region: "CN", Categories: []string{"genetic"}},
	)
	cases := []struct {
		name   string
		behind store.Recipient
		says   []string
		not    []string
	}{
		{"China", store.Recipient{Cohort: 1, Language: "en"}, []string{"contact details", "96110"}, []string{"medical", "identity documents", "account names", "Equifax"}},
		{"California", store.Recipient{Cohort: 2, Language: "en"}, []string{"What Information Was Involved", "identity documents", "Equifax", "We learned of it on"}, []string{"contact details", "96110"}},
		{"Texas, where only HIPAA holds", store.Recipient{Cohort: 3, Language: "zh-CN"}, []string{"HIPAA", "健康保险携带"}[1:], []string{"Equifax", "96110"}},
		{"no law of ours", store.Recipient{Cohort: 4, Language: "en"}, []string{"the authority that protects personal data where you live", "contact details", "medical"}, []string{"96110"}},
		{"nobody said where", store.Recipient{Cohort: 5, Language: "zh-CN"}, []string{"96110", "联系方式", "医疗", "证件"}, nil},
		{"found out after the approval", store.Recipient{Cohort: 6, Language: "en"}, []string{"contact details", "medical", "identity documents"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.behind.Role, c.behind.Name = breach.ToPerson, "王小芳"
			m, ok := texts.compose(store.Work{Channel: breach.Email, Behind: []store.Recipient{c.behind}})
			if !ok {
				t.Fatal("no text")
			}
			for _, part := range []string{m.Text, m.HTML} {
				for _, s := range c.says {
					if !strings.Contains(part, s) {
						t.Errorf("lacks %q:\n%s", s, part)
					}
				}
				for _, s := range c.not {
					if strings.Contains(part, s) {
						t.Errorf("says %q", s)
					}
				}
				if strings.Contains(part, "⟦") {
					t.Error("a mark is left")
				}
			}
		})
	}
}

// A mother whose own data were exposed as well gets one mail that speaks of both, each of what was theirs.
func TestComposeForTwoRoles(t *testing.T) {
	texts := approvedForTest(t, everywhere,
		store.Cohort{No: 1, Region: "CN", Categories: []string{"credentials"}}, store.Cohort{No: 2, Region: "CN", Categories: []string{"health"}})
	m, ok := texts.compose(store.Work{Channel: breach.Email, Behind: []store.Recipient{
		{Cohort: 1, Role: breach.ToPerson, Language: "en", Name: "Li Na", Person: "Li Na"},
		{Cohort: 2, Role: breach.ToGuardian, Language: "en", Name: "Li Na", Person: "Zhang Xiaoming"},
		{Cohort: 2, Role: breach.ToGuardian, Language: "en", Name: "Li Na", Person: "Zhang Xiaohong"},
	}})
	if !ok {
		t.Fatal("no text")
	}
	for _, part := range []string{m.Text, m.HTML} {
		child, own, found := strings.Cut(part, "Notice no. ")
		if !found || !strings.Contains(child, "guardian of Zhang Xiaoming and Zhang Xiaohong.") || !strings.Contains(child, "medical") || strings.Contains(child, "account names") {
			t.Errorf("of the children:\n%s", child)
		}
		if !strings.Contains(own, "account names") || strings.Contains(own, "medical") {
			t.Errorf("of her own:\n%s", own)
		}
	}
	if strings.Count(m.Text, "────") == 0 || strings.Count(m.HTML, "────") == 0 {
		t.Error("nothing shows where the one notice ends and the other begins")
	}
	if strings.Count(m.HTML, "<body") != 1 || strings.Count(m.HTML, "</html>") != 1 {
		t.Error("the HTML part is not one page")
	}
}

// Two grown-ups who share a mailbox are both greeted, and each reads of their own data only.
func TestComposeForASharedMailbox(t *testing.T) {
	texts := approvedForTest(t, everywhere,
		store.Cohort{No: 1, Region: "CN", Categories: []string{"credentials"}}, store.Cohort{No: 2, Region: "CN", Categories: []string{"health"}})
	wang := store.Recipient{ID: 1, Cohort: 1, Role: breach.ToPerson, Language: "en", Name: "Wang Fang", Person: "Wang Fang"}
	li := store.Recipient{ID: 2, Cohort: 2, Role: breach.ToPerson, Language: "en", Name: "Li Qiang", Person: "Li Qiang"}
	m, _ := texts.compose(store.Work{Channel: breach.Email, Behind: []store.Recipient{wang, li}})
	for _, part := range []string{m.Text, m.HTML} {
		his, hers, found := strings.Cut(part, "────")
		if !found || !strings.Contains(his, "Dear Wang Fang,") || strings.Contains(his, "medical") || !strings.Contains(hers, "Dear Li Qiang,") || strings.Contains(hers, "account names") {
			t.Errorf("not each of their own:\n%s", part)
		}
	}
	li.Cohort = 1
	m, _ = texts.compose(store.Work{Channel: breach.Email, Behind: []store.Recipient{wang, li}})
	if !strings.Contains(m.Text, "Dear Wang Fang and Li Qiang,") || strings.Contains(m.Text, "────") {
		t.Errorf("of the same data both are told at once:\n%s", m.Text)
	}
}

// A contact that many records share, such as a school's, gets one notice and not one for each kind of reader.
func TestComposeForACrowd(t *testing.T) {
	var cohorts []store.Cohort
	var behind []store.Recipient
	for i, own := range [][]string{{"contact"}, {"health"}, {"id_number"}, {"credentials"}, {"contact", "health"}} {
		cohorts = append(cohorts, store.Cohort{No: i + 1, Region: "CN", Categories: own})
		behind = append(behind, store.Recipient{ID: int64(i), Cohort: i + 1, Role: breach.ToPerson, Language: "zh-CN", Name: string(rune('甲' + i)), Person: "x"})
	}
	m, ok := approvedForTest(t, everywhere, cohorts...).compose(store.Work{Channel: breach.Email, Behind: behind})
	if !ok || strings.Contains(m.Text, "────") || !strings.HasPrefix(m.Text, "您好：") || !strings.Contains(m.Text, "医疗") || !strings.Contains(m.Text, "账号和密码") {
		t.Error(m.Text)
	}
}

// A minor who shares a mailbox with somebody who is not told of them reads their own notice, below the other.
func TestComposeForAMinorWithoutAGuardian(t *testing.T) {
	texts := approvedForTest(t, everywhere, store.Cohort{No: 1, Region: "CN"})
	sister := store.Recipient{ID: 1, Cohort: 1, Role: breach.ToPerson, Language: "zh-CN", Name: "张小红", Person: "张小红"}
	minor := store.Recipient{ID: 2, Cohort: 1, Role: breach.ToMinor, Language: "zh-CN", Name: "张小明", Person: "张小明"}
	other := store.Recipient{ID: 3, Cohort: 1, Role: breach.ToGuardian, Language: "zh-CN", Name: "张伟", Person: "张小刚"}
	for _, behind := range [][]store.Recipient{{sister, minor}, {other, minor}} {
		m, _ := texts.compose(store.Work{Channel: breach.Email, Behind: behind})
		if !strings.Contains(m.Text, "张小明，你好") || !strings.Contains(m.HTML, "这不是你的错") || m.Audience == breach.ToMinor {
			t.Errorf("the minor counts as told and is not:\n%s", m.Text)
		}
	}
}

// A child of two guardians who share a mailbox is one child, and children without names are counted.
func TestComposeCountsChildren(t *testing.T) {
	texts := approvedForTest(t, everywhere, store.Cohort{No: 1, Region: "CN"})
	of := func(id int64, guardian, child string) store.Recipient {
		return store.Recipient{ID: id, Cohort: 1, Role: breach.ToGuardian, Language: "zh-CN", Name: guardian, Person: child}
	}
	behind := []store.Recipient{of(1, "张伟", "张小明"), of(2, "李娜", "张小明"), of(3, "张伟", ""), of(4, "李娜", ""), of(5, "张伟", ""), of(6, "李娜", "")}
	m, _ := texts.compose(store.Work{Channel: breach.Email, Behind: behind})
	if !strings.Contains(m.Text, "张伟和李娜，您好") || !strings.Contains(m.Text, "登记为张小明和另外 2 名孩子的监护人") {
		t.Error(m.Text)
	}
}

// A child who shares a telephone with the guardian is told through the guardian.
func TestComposeForAChild(t *testing.T) {
	texts := approvedForTest(t, everywhere, store.Cohort{No: 1, Region: "CN"})
	child := store.Recipient{Cohort: 1, Role: breach.ToMinor, Language: "zh-CN", Name: "张小明", Person: "张小明"}
	guardian := store.Recipient{Cohort: 1, Role: breach.ToGuardian, Language: "zh-CN", Name: "张伟", Person: "张小明"}
	if m, _ := texts.compose(store.Work{Channel: breach.Email, Behind: []store.Recipient{child}}); !strings.Contains(m.Text, "这不是你的错") {
		t.Error("a child does not get the child's text")
	}
	m, _ := texts.compose(store.Work{Channel: breach.SMS, Behind: []store.Recipient{child, guardian}})
	if !strings.Contains(m.Text, "您的孩子（或您本人）的个人信息") || m.Audience != breach.ToGuardian || m.Subject != "" || m.HTML != "" {
		t.Errorf("%q", m.Text)
	}
	nameless := guardian
	nameless.Person = ""
	m, _ = texts.compose(store.Work{Channel: breach.Email, Behind: []store.Recipient{guardian, nameless}})
	if !strings.Contains(m.Text, "登记为张小明和另一名孩子的监护人") || !strings.Contains(m.Text, "每个孩子涉及的信息可能不同") {
		t.Errorf("of a child without a name nothing is said:\n%s", m.Text)
	}
	if _, ok := texts.compose(store.Work{Channel: breach.SMS}); ok {
		t.Error("a message to nobody")
	}
}
