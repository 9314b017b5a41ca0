package templates_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"tocsin/internal/breach"
	"tocsin/templates"
)

func shippedFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func folder(name, text string) fstest.MapFS { return fstest.MapFS{name: {Data: []byte(text)}} }

// A file of the same path takes a shipped text's place; everything else stays.
func TestOverride(t *testing.T) {
	const name = "notices/person.zh-CN.txt"
	text := strings.Replace(shippedFile(t, name), "# harm: 可能有什么影响", "# harm: 对您可能有什么影响", 1)
	s, err := templates.New(folder(name, "\ufeff"+strings.ReplaceAll(text, "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.Notice(sampleNotice(), breach.ToPerson, breach.Chinese)
	if err != nil || !strings.Contains(n.Text, "对您可能有什么影响") {
		t.Errorf("the override is not used: %v", err)
	}
	if n, err = s.Notice(sampleNotice(), breach.ToPerson, breach.English); err != nil || !strings.Contains(n.Text, "What it may lead to") {
		t.Errorf("another text changed: %v", err)
	}
	b, err := s.Playbook("personal-data-leak")
	if err != nil || len(b) == 0 {
		t.Errorf("playbook: %v", err)
	}
	if _, err := s.Playbook("../notices/person"); err == nil {
		t.Error("a playbook outside of its folder was read")
	}
}

// A mistake in an override is found when the set is loaded, with its file, line and mend.
func TestOverrideMistakes(t *testing.T) {
	const notice, words = "notices/person.zh-CN.txt", "notices/words.zh-CN.txt"
	const form, letter, unit = "filings/cn-miit/report.zh-CN.txt", "filings/us-state/tx-attorney-general.en.txt", "filings/parts/cn-unit.zh-CN.txt"
	cases := []struct{ name, file, old, new, says string }{
		{"unknown name", notice, "{{hotline}}", "{{secret_token}}", `no name "secret_token"`},
		{"unknown name in the head", notice, "subject: ", "subject: {{recipient_id}} ", `person.zh-CN.txt:1: there is no name`},
		{"a function call", notice, "{{greeting}}\n", "{{printf \"%s\" .}}\n", "{{name}}"},
		{"a field", notice, "{{greeting}}\n", "{{.Organisation}}\n", "{{name}}"},
		{"an open brace", notice, "{{greeting}}\n", "{{greeting\n", "{{name}}"},
		{"unknown list", notice, "{{each harms}}", "{{each persons}}", `no list named "persons"`},
		{"unknown condition", notice, "{{if suspected}}", "{{if rich}}", `"rich"`},
		{"if without end", notice, "{{if suspected}}", "{{if suspected}}\n{{if cause}}", "no {{end}}"},
		{"end without if", notice, "{{if suspected}}", "", "{{end}} without"},
		{"a content is missing", notice, "# harm: 可能有什么影响", "## 可能有什么影响", `"# harm: …" is missing`},
		{"a content is hidden", notice, "# harm: 可能有什么影响", "{{if later}}\n# harm: 可能有什么影响\n{{end}}", "without a condition"},
		{"unknown head", notice, "push_title: ", "push_headline: ", "push_title"},
		{"a mark by hand", notice, "{{greeting}}\n", "⟦recipient⟧\n", "⟦"},
		{"no head", notice, "\n---\n", "\n", "---"},
		{"unknown fact", form, "{{fact people.total}}", "{{fact people.totl}}", `no fact named "people.totl"`},
		{"unknown answer", form, "{{answer impact}}", "{{answer impct}}", `no answer named "impct"`},
		{"a row without value", unit, "@ 地址 | {{address}}", "@ 地址", "@ label | value"},
		{"an unknown part", form, "{{part cn-unit}}", "{{part cn-unti}}", `no part named "cn-unti"`},
		{"a part that holds itself", unit, "@ 地址 | {{address}}", "{{part cn-unit}}", `no part named "cn-unit" that can stand here`},
		{"a part in a notice", notice, "{{greeting}}\n", "{{part cn-unit}}\n", `no name "part cn-unit"`},
		{"a rule misspelt", form, "rules: cn-miit24-report", "rules: cn-miit24-report@first", "must be the same in both"},
		{"languages that differ", letter, "reads: en", "reads: es", "must be the same in both"},
		{"rules twice", form, "rules: cn-miit24-report", "rules: a\nrules: b", "rules is given twice"},
		{"residents of nowhere", letter, "{{residents us-tx}}", "{{residents texas}}", "such as us-ca"},
		{"a content without a row", letter, "% Number of residents\n@ Residents of Texas affected | {{residents us-tx}}\n@ Residents sent a disclosure so far | {{answer notified_at}}\n", "% Number of residents\n", "nothing after it answers"},
		{"a phrase is missing", words, "category.politics = 政治观点\n", "", "category.politics"},
		{"a phrase that nothing uses", words, "harm.default = ", "harm.dafault = x\nharm.default = ", "harm.dafault"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text := shippedFile(t, c.file)
			broken := strings.Replace(text, c.old, c.new, 1)
			if broken == text {
				t.Fatal("the case changes nothing")
			}
			_, err := templates.New(folder(c.file, broken))
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), c.file) {
				t.Errorf("%v", err)
			}
		})
	}
}

// A misspelt file name would otherwise be an override that does nothing.
func TestOverrideStrangers(t *testing.T) {
	_, err := templates.New(folder("notices/persons.zh-CN.txt", "x"))
	if err == nil || !strings.Contains(err.Error(), "replaces no text") {
		t.Error(err)
	}
	if _, err := templates.Open("no/such/folder"); err == nil {
		t.Error("a folder that does not exist was opened")
	}
	if _, err := templates.New(folder("notices/person.zh-CN.txt", "subject: \xff\n---\n")); err == nil {
		t.Error("bytes that are no text were read")
	}
}

const ownReport = "title: 报告\nrules: %s\n---\n@ 编号 | {{incident}}\n{{asked}}\n"

func ownFiles(rules string, languages ...string) fstest.MapFS {
	files := fstest.MapFS{}
	for _, l := range languages {
		files["filings/zz-office/report."+l+".txt"] = &fstest.MapFile{Data: fmt.Appendf(nil, ownReport, rules)}
	}
	return files
}

// An operator adds a form, for an own law or in place of ours, by putting its two languages into the folder.
func TestOwnForm(t *testing.T) {
	s, err := templates.New(ownFiles("zz-own-law us-tx-ag@supplement us-tx-ag", "zh-CN", "en"))
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range []breach.RuleID{"zz-own-law", "us-tx-ag"} {
		if form := s.FormFor(breach.Obligation{Rule: rule, Stage: breach.StageSingle}); form != "zz-office/report" {
			t.Errorf("%s: %s", rule, form)
		}
	}
	v := sampleFiling(templates.FormGeneral)
	d, err := s.Filing("zz-office/report", v, breach.English)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []breach.ItemState{breach.ItemUnknown, breach.ItemUnknown, breach.ItemGiven} {
		if b := rowOf(t, d, v.Obligation.Content[i].EN); b.State != want {
			t.Errorf("%s: %s, want %s", b.Label, b.State, want)
		}
	}
	for says, files := range map[string]fstest.MapFS{
		"needs both languages": ownFiles("zz-own-law", "en"),
		"must be a rule":       ownFiles("zz-own-law@tomorrow", "zh-CN", "en"),
		"already":              ownFiles("zz-own-law zz-own-law", "zh-CN", "en"),
		"replaces no text":     {"filings/zz-office.en.txt": {Data: []byte("x")}},
	} {
		if _, err := templates.New(files); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

// An override that passes the loader is still held to the rules when a notice is made of it.
func TestOverrideIsLinted(t *testing.T) {
	const name = "notices/person.zh-CN.txt"
	text := strings.Replace(shippedFile(t, name), "{{each measures}}", "{{each measures}}\n详情请点击 https://t.cn/abc", 1)
	s, err := templates.New(folder(name, text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Notice(sampleNotice(), breach.ToPerson, breach.Chinese); err == nil {
		t.Error("a notice with a link was made")
	}
}
