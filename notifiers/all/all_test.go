package all_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tocsin/internal/breach"
	"tocsin/notifiers"
	"tocsin/notifiers/all"
	"tocsin/notifiers/notifytest"
)

// rooms that hold no provider
var rooms = []string{"all", "internal", "notifytest"}

// A file that declares a type …Config is a provider, and its name is the file's.
func TestListHasEveryProvider(t *testing.T) {
	var listed []string
	for _, p := range all.Providers() {
		listed = append(listed, string(p.Channel)+"/"+p.Name)
	}
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range files {
		channel := filepath.Base(filepath.Dir(f))
		if slices.Contains(rooms, channel) || strings.HasSuffix(f, "_test.go") || !declaresConfig(t, f) {
			continue
		}
		name := channel + "/" + strings.TrimSuffix(filepath.Base(f), ".go")
		found = append(found, name)
		if !slices.Contains(listed, name) {
			t.Errorf("%s is a provider and all.go does not list it", name)
		}
	}
	for _, l := range listed {
		if !slices.Contains(found, l) {
			t.Errorf("all.go lists %s, and there is no file notifiers/%s.go with a type …Config", l, l)
		}
	}
}

func declaresConfig(t *testing.T, file string) bool {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	ast.Inspect(parsed, func(n ast.Node) bool {
		if s, ok := n.(*ast.TypeSpec); ok && s.Name.IsExported() && strings.HasSuffix(s.Name.Name, "Config") {
			found = true
		}
		return !found
	})
	return found
}

func TestEveryKeyIsExplained(t *testing.T) {
	for _, p := range all.Providers() {
		if len(p.Keys) == 0 {
			t.Errorf("%s/%s has no keys", p.Channel, p.Name)
		}
		for _, k := range p.Keys {
			if k.Name == "" || k.Help == "" || k.Name != strings.ToLower(k.Name) {
				t.Errorf("%s/%s: key %+v needs a lower-case name and a help text", p.Channel, p.Name, k)
			}
		}
	}
}

func smtpSection() map[string]any {
	return map[string]any{"host": "mail.example.com", "from": "Example Ltd <notice@example.com>", "final_timeout": "12m", "connections": 3}
}

func TestBuild(t *testing.T) {
	n, err := all.Build(breach.Email, "smtp", smtpSection(), notifytest.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = n.Close() }()
	if n.Channel() != breach.Email {
		t.Errorf("channel %s", n.Channel())
	}
	var _ notifiers.Notifier = n
}

func TestFaultsNameTheirKey(t *testing.T) {
	for rule, c := range map[string]struct {
		key   string
		value any
		want  string
	}{
		"unknown key":                   {"hots", "x", "hots is not a key here"},
		"number for a length of time":   {"final_timeout", 10, "final_timeout: write a length of time with its unit"},
		"length of time without unit":   {"final_timeout", "10", "final_timeout: "},
		"negative length of time":       {"final_timeout", "-1s", "final_timeout: "},
		"text for a number":             {"port", "587", "port: write a whole number"},
		"fraction for a number":         {"port", 58.7, "port: write a whole number"},
		"number for text":               {"host", 7, "host: write it as text"},
		"required and empty":            {"host", "", "host is missing"},
		"not a mailbox":                 {"from", "nobody", "from: "},
		"line end in a mailbox":         {"from", "A\r\nBcc: b@example.com <a@example.com>", "from: "},
		"no such policy":                {"tls", "maybe", "tls: "},
		"secret file that is not there": {"username", "u", "password_file: "},
	} {
		t.Run(rule, func(t *testing.T) {
			s := smtpSection()
			s[c.key] = c.value
			n, err := all.Build(breach.Email, "smtp", s, notifytest.Now)
			if err == nil || !strings.Contains(err.Error(), c.want) || n != nil {
				t.Errorf("got %v, %v; want an error that says %q", n, err, c.want)
			}
		})
	}
}

func TestFaultsComeTogether(t *testing.T) {
	_, err := all.Build(breach.SMS, "aliyun", map[string]any{"timeout": 5, "colour": "red"}, notifytest.Now)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"sms provider aliyun", "timeout", "colour", "sign_name is missing", "access_key_id_file is missing"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}

func TestUnknownProviderNamesTheOthers(t *testing.T) {
	_, err := all.Build(breach.SMS, "aliyum", nil, notifytest.Now)
	if err == nil || !strings.Contains(err.Error(), "aliyun") {
		t.Errorf("error %v, want one that names aliyun", err)
	}
	if _, err := all.Build(breach.Letter, "post", nil, notifytest.Now); err == nil {
		t.Error("a channel without a provider was accepted")
	}
}
