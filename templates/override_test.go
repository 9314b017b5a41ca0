package templates_test

import (
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
	const notice, form, words = "notices/person.zh-CN.txt", "filings/cn-cac/initial.zh-CN.txt", "notices/words.zh-CN.txt"
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
		{"unknown answer", form, "{{answer trend}}", "{{answer trnd}}", `no answer named "trnd"`},
		{"a row without value", form, "@ 地址 | {{address}}", "@ 地址", "@ label | value"},
		{"a phrase is missing", words, "category.health = 医疗、健康信息\n", "", "category.health"},
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
