package main

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

func TestUnifiedDiff(t *testing.T) {
	lines := func(s string) []string { return strings.Split(s, "") }
	for _, c := range []struct{ name, from, to, want string }{
		{"nothing", "abc", "abc", ""},
		{"a line changed", "abcdefg", "abcXefg", "@@ -2,5 +2,5 @@| b| c|-d|+X| e| f"},
		{"a line at the beginning", "abc", "Xabc", "@@ -1,2 +1,3 @@|+X| a| b"},
		{"a line at the end", "abc", "abcX", "@@ -2,2 +2,3 @@| b| c|+X"},
		{"far apart are two pieces", "a123456789b", "X123456789Y", "@@ -1,3 +1,3 @@|-a|+X| 1| 2|@@ -9,3 +9,3 @@| 8| 9|-b|+Y"},
		{"near together are one piece", "a1234b", "X1234Y", "@@ -1,6 +1,6 @@|-a|+X| 1| 2| 3| 4|-b|+Y"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(unified(lines(c.from), lines(c.to), 2), "|"); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// What the edits say of the old text is the old text, and of the new one the new.
func TestLineEditsLoseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gen := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", ""}), 0, 12)
		a, b := gen.Draw(t, "a"), gen.Draw(t, "b")
		var old, now []string
		for _, e := range lineEdits(a, b) {
			if e.mark != '+' {
				old = append(old, e.text)
			}
			if e.mark != '-' {
				now = append(now, e.text)
			}
		}
		if !slices.Equal(old, a) || !slices.Equal(now, b) {
			t.Fatalf("%q and %q came back as %q and %q", a, b, old, now)
		}
	})
}

func form(text, na breach.Text) api.FormView {
	v := api.FormView{Duty: "d/a", Items: []api.FormItem{
		{Label: breach.Text{ZH: "原因", EN: "Cause"}, Answers: []api.FormPrompt{{Key: "cause", Help: breach.Text{ZH: "写明：依据", EN: "say: on what evidence"}}}},
		{Label: breach.Text{ZH: "人数", EN: "People"}, Facts: []breach.FactName{"people.total"}},
	}}
	if text != (breach.Text{}) || na != (breach.Text{}) {
		v.Answers = []store.Answer{{Item: "cause", Text: text, NotApplicable: na}}
	}
	return v
}

// Whatever stands in an answer, the editor's file gives it back as it was.
func TestEditGivesBackWhatItWasGiven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringOf(rapid.RuneFrom([]rune("ab中 :#-|>'\"\\\n%@`&*!?{}[],=~\t"))),
			rapid.SampledFrom([]string{"no", "null", "1e3", "- a", "a: b", "# x", "|-", "2026-11-22", "!tag", "&a", "*a", "@x", "'", "\u2028", "\ufeffx", "a\n\nb", "a\n b", "a \nb"}),
		)
		v := form(breach.Text{ZH: strings.TrimSpace(text.Draw(t, "zh")), EN: strings.TrimSpace(text.Draw(t, "en"))}, breach.Text{})
		file := editText(v, "INC-2026-0001", breach.Chinese)
		got, err := readEdit(file, v)
		if err != nil {
			t.Fatalf("%v\n%s", err, file)
		}
		i := slices.IndexFunc(got, func(a api.AnswerIn) bool { return a.Item == "cause" })
		var want breach.Text
		if len(v.Answers) > 0 {
			want = v.Answers[0].Text
		}
		if i < 0 || got[i].Text != want {
			t.Fatalf("%+q came back as %+v\n%s", want, got, file)
		}
	})
}

func TestEditRefusesByLine(t *testing.T) {
	v := form(breach.Text{}, breach.Text{})
	for rule, c := range map[string]struct{ file, want string }{
		"a number is a text":            {"cause:\n  zh: 1200\n", ""},
		"nothing at all":                {"", ""},
		"only remarks":                  {"# nothing\n", ""},
		"an item that is empty":         {"cause:\n", ""},
		"an item twice":                 {"cause:\n  zh: a\ncause:\n  zh: b\n", "line 3|already defined"},
		"a text for an item":            {"cause: because\n", "line 1: cause must hold zh, en, na_zh and na_en"},
		"a list":                        {"- cause\n", "line 1: the file holds items"},
		"a fact that is answered":       {"people.total:\n  na_zh: 无\n", ""},
		"an item in another file's key": {"cauze:\n  zh: a\n", `line 1: the form does not ask for "cauze"`},
	} {
		t.Run(rule, func(t *testing.T) {
			_, err := readEdit([]byte(c.file), v)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !slices.ContainsFunc(strings.Split(c.want, "|"), func(w string) bool { return strings.Contains(err.Error(), w) })):
				t.Errorf("error %v, want one that says %s", err, c.want)
			}
		})
	}
}

func TestWordsAreLaidOverWhatIsAnswered(t *testing.T) {
	given := form(breach.Text{ZH: "旧", EN: "old"}, breach.Text{})
	for rule, c := range map[string]struct {
		args []string
		want api.AnswerIn
	}{
		"one language leaves the other": {[]string{"cause.zh=新"}, api.AnswerIn{Item: "cause", Text: breach.Text{ZH: "新", EN: "old"}}},
		"both at once":                  {[]string{"cause=7"}, api.AnswerIn{Item: "cause", Text: breach.Text{ZH: "7", EN: "7"}}},
		"a reason takes the answer out": {[]string{"cause.na.en=none", "cause.na.zh=无"}, api.AnswerIn{Item: "cause", NotApplicable: breach.Text{ZH: "无", EN: "none"}}},
		"empty takes back":              {[]string{"cause="}, api.AnswerIn{Item: "cause"}},
	} {
		t.Run(rule, func(t *testing.T) {
			words, err := readWords(c.args)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := applyWords(given, words); err != nil || len(got) != 1 || got[0] != c.want {
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func TestInstantsSayTheirZone(t *testing.T) {
	for in, want := range map[string]string{
		"2026-11-22T03:40:00+08:00": "2026-11-21T19:40:00Z", "2026-11-22T03:40+08:00": "2026-11-21T19:40:00Z", "2026-11-22 03:40+08:00": "2026-11-21T19:40:00Z", "2026-11-22T03:40Z": "2026-11-22T03:40:00Z",
		"2026-11-22T03:40": "", "2026-11-22": "", "yesterday": "", "": "", "2026-02-30T03:40Z": "",
	} {
		at, err := instant("at", in)
		if (err == nil) != (want != "") || err == nil && at.Format(time.RFC3339) != want {
			t.Errorf("%q: %s, %v; want %q", in, at, err, want)
		}
	}
}

func registerOf(text string) api.Register {
	at := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	return api.Register{To: at, At: at, Entries: []store.RegisterEntry{
		{Incident: "INC-2026-0001", Title: text, OpenedAt: at, OpenedBy: "zhao.min", Decision: store.RegisterNothing, Reason: text, Author: "li.wei", Approvers: []breach.Person{"sun.qi"}},
		{Incident: "INC-2026-0002", OpenedAt: at, OpenedBy: "zhao.min", Decision: store.RegisterFiled, Duties: []store.RegisterDuty{{
			Key: "cn-cac-other/cn-cac-provincial", Title: breach.Text{ZH: "报告网信部门", EN: "Report to the CAC"}, Addressee: breach.Text{ZH: "省级网信部门", EN: "provincial CAC"},
			Late: true, Reason: text, Deadline: breach.Text{ZH: "四小时", EN: "4 hours"},
			Filings: []store.RegisterFiling{{Stage: breach.StageInitial, Number: 1, FiledAt: &at, Channel: "email", Receipt: text, AcknowledgedAt: &at, Late: true}},
		}}},
	}}
}

// A cell that a spreadsheet would run is led by an apostrophe, whatever blanks it hides behind.
func TestNoCellOfTheRegisterIsAFormula(t *testing.T) {
	for _, evil := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", "|calc", "\r=1", "\u3000=1", "=HYPERLINK(\"http://x\")"} {
		b, err := registerCSV(registerOf(evil), breach.English, false)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
		if err != nil || len(rows) != 3 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for _, row := range rows {
			for i, cell := range row {
				if first := strings.TrimLeft(cell, " \t\r\n\u3000"); first != "" && strings.ContainsRune("=+-@＝|", []rune(first)[0]) {
					t.Errorf("%+q: column %s is %+q", evil, rows[0][i], cell)
				}
			}
		}
	}
}

func TestRegisterTellsEveryIncidentInEveryForm(t *testing.T) {
	r := registerOf("核查后认定无需报告")
	for _, l := range []breach.Language{breach.Chinese, breach.English} {
		b, err := registerAs("csv", r, l, true)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		for _, want := range []string{"INC-2026-0001", "INC-2026-0002", "核查后认定无需报告", "li.wei", "sun.qi", "cn-cac-other/cn-cac-provincial", "2026-11-22T01:00:00Z"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s CSV lacks %q", l, want)
			}
		}
		if !strings.HasPrefix(text, "\ufeff") || !strings.Contains(text, "\r\n") {
			t.Errorf("%s CSV for Excel begins %q", l, text[:8])
		}
		one, err := registerAs("pdf", r, l, false)
		if err != nil || !strings.HasPrefix(string(one), "%PDF-") {
			t.Fatalf("%s PDF: %v", l, err)
		}
		if two, err := registerAs("pdf", r, l, false); err != nil || string(two) != string(one) {
			t.Errorf("%s PDF: the same register gave other bytes, %v", l, err)
		}
	}
	if b, err := registerAs("csv", api.Register{}, breach.English, false); err != nil || strings.Count(string(b), "\n") != 1 {
		t.Errorf("an empty register: %q, %v", b, err)
	}
	if _, err := registerAs("pdf", api.Register{At: r.At, To: r.To}, breach.Chinese, false); err != nil {
		t.Errorf("an empty register as PDF: %v", err)
	}
}

func TestApprovalsShowTheirProgress(t *testing.T) {
	p := &page{lang: breach.English}
	at := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	for want, d := range map[string]store.Document{
		"awaits approval":                     {Approvals: 1},
		"awaits approval (0/2)":               {Approvals: 2},
		"awaits approval (1/2: li.wei)":       {Approvals: 2, Approvers: []breach.Person{"li.wei"}},
		"li.wei, sun.qi, " + stamp(&at):       {Approvals: 2, Approvers: []breach.Person{"li.wei", "sun.qi"}, ApprovedAt: &at},
		fmt.Sprintf("li.wei, %s", stamp(&at)): {Approvals: 1, Approvers: []breach.Person{"li.wei"}, ApprovedAt: &at},
	} {
		if got := p.approval(d); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A file that the server would refuse is refused before a byte of it leaves.
func TestEvidenceOfFortyMegabytesDoesNotLeave(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "scan.pdf")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, 40<<20); err != nil {
		t.Fatal(err)
	}
	c := &client{base: server.URL, token: "t", http: server.Client()}
	_, err := c.keep(t.Context(), "INC-2026-0001", store.EvidenceReceipt, "", file)
	if err == nil || !strings.Contains(err.Error(), "41943040 bytes; at most 20971520 (20 MiB) are kept: make the picture smaller, or split the file") {
		t.Errorf("error %v", err)
	}
	if asked != 0 {
		t.Errorf("%d requests were made", asked)
	}
}
