package email_test

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/notifiers"
	"tocsin/notifiers/email"
	"tocsin/notifiers/notifytest"
)

func config(t testing.TB, addr string) email.SMTPConfig {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	cfg := email.DefaultSMTP()
	cfg.Host, cfg.TLS = host, "none"
	if cfg.Port, err = strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	cfg.From, cfg.ReplyTo = "某某公司 <notice@example.com>", "privacy@example.com"
	cfg.EnvelopeSender = "bounce@example.com"
	return cfg
}

func newSMTP(t testing.TB, cfg email.SMTPConfig) *email.SMTP {
	t.Helper()
	s, err := email.NewSMTP(cfg, notifytest.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func address(n int) string { return fmt.Sprintf("canary.person.%d@example.net", n) }

func TestSMTPSuite(t *testing.T) {
	notifytest.Run(t, notifytest.Case{
		New:     func(t *testing.T, in *inbox.Inbox) notifiers.Notifier { return newSMTP(t, config(t, in.SMTPAddr())) },
		Address: address,
		Unfit:   unfitAddresses,
		Cut:     breach.Temporary,
		Needles: func(m notifiers.Message) []string { return []string{m.Subject, m.Text} },
	})
}

var unfitAddresses = []string{
	"", "@", "canary", "canary@", "@example.net", "canary@localhost", "canary@[127.0.0.1]", "canary@127.0.0.1",
	"canary person@example.net", " canary@example.net", "canary@example.net ", "canary@exa mple.net",
	"canary\r\nRCPT TO:<other@example.net>@example.net", "canary@example.net\r\nDATA", "canary\x00@example.net", "canary\t@example.net",
	`"canary x"@example.net`, `"canary> SIZE=1"@example.net`, "<canary@example.net>", "Canary <canary@example.net>",
	"canary@example.net,other@example.net", ".canary@example.net", "canary..x@example.net", "canary.@example.net",
	"金丝雀@example.net", "canary@example..net", "canary@-example.net", "canary@example.net.",
	strings.Repeat("c", 65) + "@example.net", "canary@" + strings.Repeat("e", 64) + ".net",
}
