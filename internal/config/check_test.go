package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/internal/config"
)

func TestCheckNamesEachFault(t *testing.T) {
	tests := []struct {
		name   string
		change func(*config.Config)
		want   string
	}{
		{"no database", func(c *config.Config) { c.Database.URL = "" }, "database.url: is empty"},
		{"another database", func(c *config.Config) { c.Database.URL = "mysql://db" }, "database.url: must begin with postgres://"},
		{"no engine", func(c *config.Config) { c.Temporal.Address = "" }, "temporal.address: is empty"},
		{"an address without port", func(c *config.Config) { c.API.Listen = "localhost" }, "api.listen: must be host:port"},
		{"a certificate without key", func(c *config.Config) { c.Temporal.TLS.CertFile = os.Args[0] }, "temporal.tls: needs cert_file and key_file"},
		{"a secret that is not there", func(c *config.Config) { c.Seal.KeyFile = "/nowhere/key" }, "seal.key_file: /nowhere/key cannot be read"},
		{"a level nobody knows", func(c *config.Config) { c.Log.Level = "loud" }, "log.level: must be one of debug"},
		{"hours in one language", func(c *config.Config) { c.Organisation.Hours = "每天 9:00 至 18:00" }, "organisation.hours: and organisation.hours_en belong together"},
		{"notices on Mars", func(c *config.Config) { c.Organisation.Zone = "Mars" }, "organisation.zone: is not a time zone"},
		{"a fact that is not one", func(c *config.Config) { c.Organisation.Facts = []string{"org.cii"} }, "organisation.facts[1]: must be name=value"},
		{"a fact the law does not know", func(c *config.Config) { c.Organisation.Facts = []string{"a=b"} }, "organisation.facts[1]: there is no fact"},
		{"an addressee twice", func(c *config.Config) {
			c.Authorities = []config.Authority{{Key: "cn-cac"}, {Key: "cn-cac"}}
		}, "authorities[2].key: cn-cac is here twice"},
		{"an addressee nobody files to", func(c *config.Config) { c.Authorities = []config.Authority{{Key: "cn-cab"}} }, "did you mean cn-cac?"},
		{"an address with a name", func(c *config.Config) {
			c.Authorities = []config.Authority{{Key: "cn-cac", Email: "A <a@example.com>"}}
		}, "authorities[1].email: must be a plain email address"},
		{"a way nobody goes", func(c *config.Config) { c.Authorities = []config.Authority{{Key: "cn-cac", Way: "fax"}} }, "authorities[1].way: must be one of email, http"},
		{"email without an address", func(c *config.Config) { c.Authorities = []config.Authority{{Key: "cn-cac", Way: "email"}} }, "authorities[1].email: is empty, and the way is email"},
		{"settings that nothing reads", func(c *config.Config) {
			c.Authorities = []config.Authority{{Key: "cn-cac", Email: "a@example.com", Settings: map[string]any{"path": "/srv"}}}
		}, "authorities[1].settings: belong to the ways http, folder and sftp"},
		{"settings that the way refuses", func(c *config.Config) { c.Authorities = []config.Authority{{Key: "cn-cac", Way: "folder"}} }, "authorities[1].settings: folder: path is missing"},
		{"a portal that is no address", func(c *config.Config) { c.Authorities = []config.Authority{{Key: "cn-cac", Portal: "report here"}} }, "authorities[1].portal"},
		{"a hotline that is a letter", func(c *config.Config) {
			c.Authorities = []config.Authority{{Key: "cn-cac", Hotline: strings.Repeat("call ", 20)}}
		}, "authorities[1].hotline"},
		{"a signer whom nobody can call", func(c *config.Config) {
			c.Authorities = []config.Authority{{Key: "cn-cac", Signer: config.Signer{Name: "李四"}}}
		}, "authorities[1].signer.phone"},
		{"a signer without a name", func(c *config.Config) {
			c.Authorities = []config.Authority{{Key: "cn-cac", Signer: config.Signer{Phone: "1"}}}
		}, "authorities[1].signer.name"},
		{"a zone nobody knows", func(c *config.Config) { c.Authorities = []config.Authority{{Key: "cn-cac", Zone: "Mars"}} }, "zone: is not a time zone"},
		{"a person nobody can reach", func(c *config.Config) { c.Contacts = []config.Contact{{Role: "lead"}} }, "contacts[1].email: is empty"},
		{"a channel that is none", func(c *config.Config) { c.Ladder = []string{"pigeon"} }, "ladder[1]: must be one of email"},
		{"an empty ladder", func(c *config.Config) { c.Ladder = nil }, "ladder: must name at least one channel"},
		{"a provider nobody wrote", func(c *config.Config) {
			c.Notifiers = []config.Notifier{{Channel: "email", Provider: "pigeon"}}
		}, "notifiers[1].provider: there is no"},
		{"a reminder after the deadline", func(c *config.Config) { c.Policy.Reminders = []float64{1.5} }, "policy.reminders[1]"},
		{"no time to decide", func(c *config.Config) { c.Policy.EscalateBefore = 0 }, "policy.escalate_before"},
		{"a policy that is none", func(c *config.Config) { c.Policy.InDoubt = "guess" }, "policy.in_doubt: must be one of prefer_no_loss"},
		{"a chunk greater than its shard", func(c *config.Config) { c.Policy.ChunkSize = c.Policy.ShardSize + 1 }, "policy.chunk_size: must not be greater"},
		{"a listener without an address", func(c *config.Config) { c.Bounces.Listen = "127.0.0.1:2424" }, "bounces.address: is empty, so no bounce could be told apart"},
		{"a return address without a mark", func(c *config.Config) { c.Bounces.Address = "bounce@example.com" }, "bounces.address: must have {id}"},
		{"a protocol that is none", func(c *config.Config) { c.Bounces.Protocol = "pop3" }, "bounces.protocol: must be one of lmtp, smtp"},
		{"a bounce that cannot be taken", func(c *config.Config) { c.Bounces.MaxKilobytes = 1 }, "bounces.max_kilobytes: must be 16 or more"},
		{"a wave of more than all", func(c *config.Config) { c.Policy.FirstWave.MinAccepted = 80 }, "policy.first_wave.min_accepted: must lie between 0 and 1"},
		{"quiet hours at no place", func(c *config.Config) {
			c.Policy.QuietHours = []config.QuietHours{{Channel: "sms", From: "21:00", To: "08:00"}}
		}, "policy.quiet_hours[1].zone: is empty"},
		{"quiet hours that never end", func(c *config.Config) {
			c.Policy.QuietHours = []config.QuietHours{{Channel: "sms", From: "21:00", To: "21:00", Zone: "Asia/Shanghai"}}
		}, "the channel would never speak"},
		{"a time of day that is none", func(c *config.Config) {
			c.Policy.QuietHours = []config.QuietHours{{Channel: "sms", From: "9pm", To: "08:00", Zone: "Asia/Shanghai"}}
		}, "policy.quiet_hours[1].from: must be a time of day"},
		{"a plan that does not exist", func(c *config.Config) { c.Plan.Playbook = "personal-data-leek" }, "did you mean personal-data-leak?"},
		{"a target that is no address", func(c *config.Config) { c.Plan.AllowedTargets = []string{"waf"} }, "plan.allowed_targets[1]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := serving()
			tt.change(&c)
			report := c.Check(config.ForServing, known())
			if len(report.Faults) != 1 || !strings.Contains(report.Faults[0].String(), tt.want) {
				t.Errorf("found %q, want one: %s", report.Faults, tt.want)
			}
		})
	}
}

// serving is a configuration without a fault.
func serving() config.Config {
	c := config.Default()
	c.Database.URL, c.Temporal.Address = "postgres://db.example/tocsin", "temporal.example:7233"
	return c
}

func known() config.Known {
	return config.Known{
		Fact:        func(string) error { return errors.New("there is no fact of that name") },
		Provider:    func(string, string) error { return errors.New("there is no provider of that name") },
		Playbooks:   []string{"personal-data-leak"},
		Authorities: map[string]string{"cn-cac": "网信部门"},
		Location:    time.LoadLocation,
		Return:      func(string) error { return errors.New("must have {id} in it once") },
		Way:         func(way string, _ map[string]any) error { return errors.New(way + ": path is missing") },
	}
}

func TestAllFaultsAreNamedAtOnce(t *testing.T) {
	c := config.Default()
	c.Log.Level, c.Ladder = "loud", nil
	err := c.Validate(config.ForServing)
	for _, key := range []string{"log.level", "ladder", "database.url", "temporal.address"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s is missing in: %v", key, err)
		}
	}
	if err := serving().Validate(config.ForServing); err != nil {
		t.Errorf("a configuration without fault: %v", err)
	}
}

func TestWarningsSayWhatWillBeMissing(t *testing.T) {
	report := serving().Check(config.ForServing, known())
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, w := range report.Warnings {
		all.WriteString(w.String() + "\n")
	}
	for _, part := range []string{"organisation.name", "organisation.signer", "contacts: is empty", "plan.allowed_targets"} {
		if !strings.Contains(all.String(), part) {
			t.Errorf("%q is missing in:\n%s", part, all.String())
		}
	}
}

func TestAClientNeedsOnlyTheServersAddress(t *testing.T) {
	c := config.Config{DataDir: "d", API: config.API{URL: "https://tocsin.example"}, Log: config.Log{Level: "info", Format: "text"}}
	if err := c.Validate(config.ForClient); err != nil {
		t.Error(err)
	}
}

func TestSecretsComeFromFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte("p@ss word\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := serving()
	c.Database.URL, c.Database.PasswordFile = "postgres://tocsin@db.example:5432/tocsin?sslmode=require", path
	got, err := c.DatabaseURL()
	if want := "postgres://tocsin:p%40ss%20word@db.example:5432/tocsin?sslmode=require"; err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	if err := os.WriteFile(path, []byte("\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DatabaseURL(); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("an empty secret: %v", err)
	}
	if _, err := config.Secret("api.token_file", "/nowhere"); err == nil || !strings.Contains(err.Error(), "api.token_file") {
		t.Errorf("a missing secret: %v", err)
	}
}

func TestWhoSignsAndBy(t *testing.T) {
	c := config.Default()
	c.Organisation.Signer = config.Signer{Name: "张三", Phone: "1"}
	other := config.Authority{Signer: config.Signer{Name: "李四", Phone: "2"}}
	if got := c.SignerFor(config.Authority{}).Name + c.SignerFor(other).Name; got != "张三李四" {
		t.Errorf("signers %s", got)
	}
	for want, a := range map[string]config.Authority{"email": {Email: "a@example.com"}, "hand": {}, "sftp": {Way: "sftp", Email: "a@example.com"}} {
		if got := a.FiledBy(); got != want {
			t.Errorf("%+v is filed by %s, want %s", a, got, want)
		}
	}
}
