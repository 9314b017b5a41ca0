package push_test

import (
	"fmt"
	"testing"

	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/notifiers"
	"tocsin/notifiers/notifytest"
	"tocsin/notifiers/push"
)

func config(t *testing.T, in *inbox.Inbox) push.GetuiConfig {
	cfg := push.DefaultGetui()
	local := inbox.LocalCredentials()
	cfg.Endpoint, cfg.AppID = in.PushEndpoint(), local.PushAppID
	cfg.AppKeyFile, cfg.MasterSecretFile = notifytest.File(t, local.PushAppKey), notifytest.File(t, local.PushMasterSecret)
	return cfg
}

func newGetui(t *testing.T, cfg push.GetuiConfig) *push.Getui {
	t.Helper()
	g, err := push.NewGetui(cfg, notifytest.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

func address(n int) string { return fmt.Sprintf("canarydevice%020x", n) }

func TestGetuiSuite(t *testing.T) {
	notifytest.Run(t, notifytest.Case{
		New:     func(t *testing.T, in *inbox.Inbox) notifiers.Notifier { return newGetui(t, config(t, in)) },
		Address: address,
		Unfit:   []string{"", "short", "0123456789abcdef0123456789abcde\"", "0123456789abcdef 0123456789abcdef", "0123456789abcdef\r\n0123456789abcdef"},
		Cut:     breach.Unknown,
		Needles: func(m notifiers.Message) []string { return []string{m.Subject, m.Text} },
	})
}
