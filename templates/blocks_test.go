package templates_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/templates"
)

func rowOf(t *testing.T, d templates.Document, label string) breach.Block {
	t.Helper()
	i := slices.IndexFunc(d.Blocks, func(b breach.Block) bool { return b.Kind == breach.BlockRow && b.Label == label })
	if i < 0 {
		t.Fatalf("no row %q", label)
	}
	return d.Blocks[i]
}

// The blocks say what the text says, in its order, and each row its state.
func TestFilingBlocks(t *testing.T) {
	s := defaults()
	d, err := s.Filing("cn-cac/initial", sampleFiling("cn-cac/initial"), breach.English)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, b := range d.Blocks {
		i := strings.Index(d.Text[at:], b.Label)
		j := strings.Index(d.Text[at:], b.Text)
		if i < 0 || j < i {
			t.Fatalf("block %q %q is not in the text at its place", b.Label, b.Text)
		}
		at += j + len(b.Text)
		if (b.Kind == breach.BlockRow) != (b.State != "") {
			t.Errorf("%s %q: state %q", b.Kind, b.Text, b.State)
		}
	}
	for label, want := range map[string]breach.ItemState{
		"Cause, as far as known":                   breach.ItemGiven,
		"State of preservation":                    breach.ItemUnknown,
		"Ransom: amount, method and date demanded": breach.ItemNotApplicable,
		"People affected":                          breach.ItemGiven,
	} {
		if rowOf(t, d, label).State != want {
			t.Errorf("%s: %s, want %s", label, rowOf(t, d, label).State, want)
		}
	}
}

// An empty list is a row of its own: unknown, or with the reason why there is none.
func TestFilingEmptyList(t *testing.T) {
	s := defaults()
	v := sampleFiling("cn-cac/initial")
	v.Measures = nil
	d, err := s.Filing("cn-cac/initial", v, breach.English)
	if err != nil {
		t.Fatal(err)
	}
	if b := rowOf(t, d, "Measures taken"); b.State != breach.ItemUnknown || !strings.Contains(d.Text, "· Measures taken\n") {
		t.Errorf("%+v, or not among the items to be supplemented", b)
	}
	v.Answers["measures"] = templates.Answer{NotApplicable: breach.Text{ZH: "系统当日已停用。", EN: "the system had been retired that day."}}
	if d, err = s.Filing("cn-cac/initial", v, breach.English); err != nil {
		t.Fatal(err)
	}
	if b := rowOf(t, d, "Measures taken"); b.State != breach.ItemNotApplicable || b.Text != "not applicable, because the system had been retired that day." {
		t.Errorf("%+v", b)
	}
	v.Answers["measures"] = templates.Answer{Text: breach.Text{ZH: "已更换全部口令。", EN: "All passwords were changed."}}
	if d, err = s.Filing("cn-cac/initial", v, breach.English); err != nil || !strings.Contains(d.Text, "· All passwords were changed.\n") {
		t.Errorf("the measure that a person added is missing (%v)", err)
	}
}

// A fact that does not apply says why; an answer in one language is not called unknown in the other.
func TestFilingAnswerStates(t *testing.T) {
	s := defaults()
	v := sampleFiling("cn-cac/initial")
	v.Answers["loss.direct_cny"] = templates.Answer{NotApplicable: breach.Text{EN: "the service is free of charge."}}
	v.Answers["trend"] = templates.Answer{Text: breach.Text{ZH: "未见扩大。"}}
	for l, want := range map[breach.Language][]string{
		breach.English: {"Direct economic loss: not applicable, because the service is free of charge.", "Trend and possible further impact: (given in Chinese) 未见扩大。"},
		breach.Chinese: {"直接经济损失：不适用，因为（原文为英文）the service is free of charge.", "趋势及可能的进一步影响：未见扩大。"},
	} {
		d, err := s.Filing("cn-cac/initial", v, l)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(d.Text, w+"\n") {
				t.Errorf("%s: lacks %q", l, w)
			}
		}
	}
}

// An answer that would stand nowhere, or say two things, is refused with the mend.
func TestCheckAnswer(t *testing.T) {
	said, because := breach.Text{ZH: "有", EN: "said"}, breach.Text{ZH: "无", EN: "none"}
	cases := []struct {
		name, key, says string
		a               templates.Answer
	}{
		{"an answer", "cause", "", templates.Answer{Text: said}},
		{"a reason", "cause", "", templates.Answer{NotApplicable: because}},
		{"a fact that does not apply", "people.u14", "", templates.Answer{NotApplicable: because}},
		{"a misspelt key", "kause", "the items are: system, product", templates.Answer{Text: said}},
		{"a fact's value", "people.u14", "state it as one", templates.Answer{Text: said}},
		{"both", "cause", "one of the two", templates.Answer{Text: said, NotApplicable: because}},
		{"a book", "cause", "attachment", templates.Answer{Text: breach.Text{ZH: strings.Repeat("长", 8001)}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := templates.CheckAnswer(c.key, c.a)
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%v", err)
			}
			v := sampleFiling("cn-cac/initial")
			v.Answers[c.key] = c.a
			if _, ferr := defaults().Filing("cn-cac/initial", v, breach.English); (ferr == nil) != (err == nil) {
				t.Errorf("the filing says %v", ferr)
			}
		})
	}
}

// A supplement names the reports that it follows.
func TestFilingPrevious(t *testing.T) {
	v := sampleFiling("cn-cac/initial")
	if d, err := defaults().Filing("cn-cac/initial", v, breach.English); err != nil || strings.Contains(d.Text, "no receipt number yet") {
		t.Fatalf("a first report follows nothing (%v)", err)
	}
	v.Obligation.Stage, v.Revision = breach.StageSupplement, 2
	v.Previous = []templates.Previous{
		{Stage: breach.StageInitial, At: aware.Add(2 * time.Hour), Receipt: "12387-20261121-0042"},
		{Stage: breach.StageSupplement, Number: 2, At: aware.Add(30 * time.Hour)},
	}
	for l, want := range map[breach.Language][]string{
		breach.English: {
			"· 21 November 2026, 05:10 (Beijing time; 2026-11-20 21:10 UTC): initial report, receipt 12387-20261121-0042\n",
			"· 22 November 2026, 09:10 (Beijing time; 2026-11-22 01:10 UTC): supplement no. 1, no receipt number yet\n",
		},
		breach.Chinese: {
			"· 2026年11月21日 05:10（北京时间；UTC 2026-11-20 21:10）：首次报告，回执编号 12387-20261121-0042\n",
			"· 2026年11月22日 09:10（北京时间；UTC 2026-11-22 01:10）：续报第 1 号，尚未收到回执编号\n",
		},
	} {
		d, err := defaults().Filing("cn-cac/initial", v, l)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(d.Text, w) {
				t.Errorf("lacks %q:\n%s", w, d.Text)
			}
		}
	}
}

// An editor can list what a form asks for.
func TestFormItems(t *testing.T) {
	s := defaults()
	for _, form := range s.Forms() {
		items, err := s.FormItems(form)
		if err != nil || len(items) == 0 {
			t.Fatalf("%s: %v", form, err)
		}
		for _, it := range items {
			if it.Label.ZH == "" || it.Label.EN == "" {
				t.Errorf("%s: %+v has no name in one language", form, it)
			}
		}
	}
	items, err := s.FormItems("cn-cac/initial")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(items, func(i templates.FormItem) bool {
		return i.Label == breach.Text{ZH: "初步原因", EN: "Cause, as far as known"} && slices.Equal(i.Answers, []string{"cause"})
	}) {
		t.Errorf("%+v", items)
	}
	if _, err := s.FormItems("cn-cac/none"); err == nil || !strings.Contains(err.Error(), "cn-cac/initial") {
		t.Errorf("%v", err)
	}
	v := sampleFiling(templates.FormGeneral)
	if items, err = s.DutyItems(v.Obligation); err != nil || len(items) < 3 {
		t.Fatal(err)
	}
	if last := items[len(items)-1]; last.Label != v.Obligation.Content[2] || !slices.Equal(last.Answers, []string{"asked.3"}) {
		t.Errorf("what the law asks for beside the form: %+v", last)
	}
	for _, a := range templates.AnswerItems() {
		if a.Name.ZH == "" || a.Name.EN == "" || a.Help.ZH == "" || a.Help.EN == "" {
			t.Errorf("%s lacks a name or a help", a.Key)
		}
	}
}
