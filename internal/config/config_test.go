package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/config"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, text string) config.Config {
	t.Helper()
	c, err := config.Load(config.Options{File: write(t, text)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSampleIsTheDefaults(t *testing.T) {
	if diff := cmp.Diff(config.Default(), load(t, config.Sample())); diff != "" {
		t.Errorf("the sample and the defaults differ (-default +sample):\n%s", diff)
	}
}

func TestSampleNamesEveryKey(t *testing.T) {
	for _, key := range config.AllNames() {
		if !strings.Contains(config.Sample(), key+":") {
			t.Errorf("%s is missing in sample.yaml", key)
		}
	}
}

func TestNothingSaidIsTheDefaults(t *testing.T) {
	t.Chdir(t.TempDir())
	c, err := config.Load(config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config.Default(), c); diff != "" {
		t.Error(diff)
	}
	if err := c.Validate(config.ForDev); err != nil {
		t.Errorf("the defaults do not run: %v", err)
	}
}

func TestCommandLineGoesBeforeEnvironmentBeforeFileBeforeDefault(t *testing.T) {
	c, err := config.Load(config.Options{
		File:    write(t, "api: {listen: \"file:1\", url: \"http://file\", public_url: \"http://file\"}\npolicy: {doubt_window: 10m}"),
		Environ: []string{"TOCSIN_API_LISTEN=env:1", "TOCSIN_API_URL=http://env", "HOME=/root", "TOCSIN_LADDER=sms, email"},
		Set:     map[string]string{"api.listen": "line:1", "policy.reminders": "0.25,0.5", "temporal.tls.enabled": "true"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.API.Listen, want.API.URL, want.API.PublicURL = "line:1", "http://env", "http://file"
	want.Ladder = []string{"sms", "email"}
	want.Policy.DoubtWindow, want.Temporal.TLS.Enabled = 10*time.Minute, true
	want.Policy.Reminders = []float64{0.25, 0.5}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
}

func TestListsAndDotsInKeysSurvive(t *testing.T) {
	c := load(t, `
authorities: [{key: cn-cac, name: 网信办, email: a@example.com, zone: Asia/Shanghai}]
notifiers:
  - channel: email
    provider: smtp
    settings: {host: mail.example.com, port: 25, domains: {example.com: relay}}
policy: {limits: [{channel: email, connections: 2, per_second: 3}], reminders: [0.5]}
`)
	if a, ok := c.Authority("cn-cac"); !ok || a.Zone != "Asia/Shanghai" {
		t.Errorf("authority: %+v", a)
	}
	want := map[string]any{"host": "mail.example.com", "port": 25, "domains": map[string]any{"example.com": "relay"}}
	if diff := cmp.Diff(want, c.Notifiers[0].Settings); diff != "" {
		t.Error(diff)
	}
	if got := c.Policy.Limit("email"); got.PerSecond != 3 || got.Connections != 2 {
		t.Errorf("limit: %+v", got)
	}
	if got := c.Policy.Limit("sms"); got.Connections != 8 {
		t.Errorf("a limit that is not set: %+v", got)
	}
}

func TestFaultsOfFormNameFileKeyAndMend(t *testing.T) {
	tests := []struct {
		name, file string
		environ    []string
		set        map[string]string
		want       []string
	}{
		{name: "misspelt section", file: "databse: {url: x}", want: []string{"settings.yaml", "databse is not a setting", "did you mean database?"}},
		{name: "misspelt key", file: "database: {ulr: x}", want: []string{"database.ulr", "did you mean database.url?"}},
		{name: "misspelt key in a list", file: "authorities: [{key: a, emial: b}]", want: []string{"authorities[1].emial", "authorities[1].email?"}},
		{name: "nothing like it", file: "database: {zzzzzzzz: x}", want: []string{"there are max_connections, password_file, url"}},
		{name: "length of time without unit", file: "policy: {retry_first: 10}", want: []string{"policy.retry_first", "with its unit"}},
		{name: "number as text", file: "database: {max_connections: \"20\"}", want: []string{"database.max_connections must be a whole number"}},
		{name: "number where text belongs", file: "api: {listen: 8025}", want: []string{"api.listen must be text"}},
		{name: "true where a number belongs", file: "policy: {chunk_size: true}", want: []string{"policy.chunk_size must be a whole number"}},
		{name: "a word where a section belongs", file: "api: here", want: []string{"api must be a section with the keys listen"}},
		{name: "a section where a list belongs", file: "ladder: {a: b}", want: []string{"ladder must be a list of texts"}},
		{name: "several at once", file: "a1b2c3d4: 1\napi: {lissten: x}", want: []string{"a1b2c3d4", "api.lissten"}},
		{name: "not YAML", file: "api: [", want: []string{"settings.yaml", "line 1"}},
		{name: "twice the same key", file: "ladder: [sms]\nladder: [email]", want: []string{"ladder", "already"}},
		{name: "misspelt variable", environ: []string{"TOCSIN_API_LISTN=x"}, want: []string{"TOCSIN_API_LISTEN?"}},
		{name: "variable of a wrong form", environ: []string{"TOCSIN_POLICY_RETRY_FIRST=15"}, want: []string{"TOCSIN_POLICY_RETRY_FIRST must be a length of time"}},
		{name: "misspelt on the command line", set: map[string]string{"api.listn": "x"}, want: []string{"command line: api.listn", "api.listen?"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Load(config.Options{File: write(t, tt.file), Environ: tt.environ, Set: tt.set})
			if err == nil {
				t.Fatal("accepted")
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is missing in: %v", part, err)
				}
			}
		})
	}
}

func TestFaultsDoNotRepeatValues(t *testing.T) {
	_, err := config.Load(config.Options{
		File:    write(t, "api: {listen: [canary]}\npolicy: {chunk_size: canary}"),
		Environ: []string{"TOCSIN_DATABASE_MAX_CONNECTIONS=canary"},
	})
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "none.yaml"): "tocsin config sample >",
		dir:                             "is a folder",
	} {
		for _, o := range []config.Options{{File: path}, {Environ: []string{"TOCSIN_CONFIG=" + path}}} {
			if _, err := config.Load(o); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}
