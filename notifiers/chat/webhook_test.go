package chat_test

import (
	"fmt"
	"strings"
	"testing"

	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/notifiers"
	"tocsin/notifiers/chat"
	"tocsin/notifiers/notifytest"
)

// a secret of 24 bytes, the one in the Standard Webhooks documents
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func config(t *testing.T, url string) chat.WebhookConfig {
	cfg := chat.DefaultWebhook()
	cfg.URL, cfg.SecretFile = url, notifytest.File(t, secret)
	return cfg
}

func newWebhook(t *testing.T, cfg chat.WebhookConfig) *chat.Webhook {
	t.Helper()
	w, err := chat.NewWebhook(cfg, notifytest.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

func TestWebhookSuite(t *testing.T) {
	notifytest.Run(t, notifytest.Case{
		New: func(t *testing.T, in *inbox.Inbox) notifiers.Notifier {
			return newWebhook(t, config(t, in.ChatEndpoint()))
		},
		Address: func(n int) string { return fmt.Sprintf("canary-room-%d", n) },
		Unfit:   []string{"", "\xff"},
		Cut:     breach.Unknown,
		Needles: func(m notifiers.Message) []string { return []string{m.Subject, m.Text} },
	})
}

func TestConfigFaultsAreNamed(t *testing.T) {
	for rule, c := range map[string]struct {
		change func(*chat.WebhookConfig)
		want   string
	}{
		"clear text across a network": {func(c *chat.WebhookConfig) { c.URL = "http://chat.example/hook" }, "url: "},
		"no address":                  {func(c *chat.WebhookConfig) { c.URL = "" }, "url: "},
		"secret too short":            {func(c *chat.WebhookConfig) { c.SecretFile = notifytest.File(t, "whsec_c2hvcnQ=") }, "secret_file: "},
		"secret without its prefix":   {func(c *chat.WebhookConfig) { c.SecretFile = notifytest.File(t, strings.TrimPrefix(secret, "whsec_")) }, "secret_file: "},
		"no such file":                {func(c *chat.WebhookConfig) { c.SecretFile = "/nonexistent" }, "secret_file: "},
	} {
		t.Run(rule, func(t *testing.T) {
			cfg := config(t, "http://127.0.0.1:1/chat")
			c.change(&cfg)
			_, err := chat.NewWebhook(cfg, notifytest.Now)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that names %q", err, c.want)
			}
		})
	}
}
