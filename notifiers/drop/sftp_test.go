package drop_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/notifiers"
	"tocsin/notifiers/drop"
	"tocsin/notifiers/notifytest"
)

func keyFile(t *testing.T, passphrase string) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return notifytest.File(t, string(pem.EncodeToMemory(block)))
}

func sftpConfig(t *testing.T, in *inbox.Inbox) drop.SFTPConfig {
	t.Helper()
	host, port, err := net.SplitHostPort(in.SFTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	cfg := drop.DefaultSFTP()
	cfg.Host, cfg.Username, cfg.KeyFile, cfg.HostKey, cfg.Folder = host, "tocsin", keyFile(t, ""), in.SFTPHostKey(), "/incoming"
	cfg.Port, _ = strconv.Atoi(port)
	return cfg
}

func newSFTP(t *testing.T, cfg drop.SFTPConfig) *drop.SFTP {
	t.Helper()
	s, err := drop.NewSFTP(cfg, notifytest.Now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSFTPSuite(t *testing.T) {
	notifytest.Run(t, notifytest.Case{
		New:     func(t *testing.T, in *inbox.Inbox) notifiers.Notifier { return newSFTP(t, sftpConfig(t, in)) },
		Address: func(n int) string { return fmt.Sprintf("canary-office-%d", n) },
		Unfit:   []string{"", "../etc", "a b"},
		Cut:     breach.Temporary,
		Needles: func(m notifiers.Message) []string { return []string{m.Subject, m.Text} },
	})
}

func TestSFTPReportIsWholeAndComesOnce(t *testing.T) {
	in := notifytest.StartInbox(t, inbox.Options{})
	cfg := sftpConfig(t, in)
	cfg.PassphraseFile = notifytest.File(t, "open sesame")
	cfg.KeyFile = keyFile(t, "open sesame")
	s := newSFTP(t, cfg)
	m := report()
	m.Attachments[0].Bytes = make([]byte, 3<<20)
	w := prepare(t, s, m)
	for range 2 {
		if r, err := s.Send(t.Context(), w); err != nil || r.Reference != final {
			t.Fatalf("receipt %+v, %v", r, err)
		}
	}
	got := in.Messages(inbox.Filter{})
	if len(got) != 1 || len(got[0].Attachments) != 2 || got[0].Attachments[0].Size != 3<<20 {
		t.Errorf("arrived: %+v", got)
	}
}

func TestSFTPAskWithoutATrace(t *testing.T) {
	in := notifytest.StartInbox(t, inbox.Options{})
	s := newSFTP(t, sftpConfig(t, in))
	w := prepare(t, s, report())
	if got, _, err := s.Ask(t.Context(), w, notifytest.Now()); err != nil || got != breach.Unknown {
		t.Errorf("nothing there: %s, %v", got, err)
	}
	if err := in.SetFaults(inbox.Fault{To: "cn-cac", Do: inbox.Defer, Times: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Send(t.Context(), w); notifiers.OutcomeOf(err) != breach.Temporary {
		t.Fatalf("deferred: %v", err)
	}
	if got, _, err := s.Ask(t.Context(), w, notifytest.Now()); err != nil || got != breach.Temporary {
		t.Errorf("only the unfinished file: %s, %v", got, err)
	}
}

func TestSFTPGivesNothingToAStranger(t *testing.T) {
	in, other := notifytest.StartInbox(t, inbox.Options{}), notifytest.StartInbox(t, inbox.Options{})
	for rule, c := range map[string]struct {
		change func(*drop.SFTPConfig)
		doing  string
		code   string
	}{
		"another host key": {func(c *drop.SFTPConfig) { c.HostKey = other.SFTPHostKey() }, "connect", notifiers.CodeHostKey},
		"not in known_hosts": {func(c *drop.SFTPConfig) {
			c.HostKey, c.KnownHosts = "", notifytest.File(t, "other.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0aNLLEyqRzOhaFl2nCyISkBpyhcnt3p9MqE0iRAP1a")
		}, "connect", notifiers.CodeHostKey},
		"another key in known_hosts": {func(c *drop.SFTPConfig) {
			c.HostKey, c.KnownHosts = "", notifytest.File(t, "["+c.Host+"]:"+strconv.Itoa(c.Port)+" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0aNLLEyqRzOhaFl2nCyISkBpyhcnt3p9MqE0iRAP1a")
		}, "connect", notifiers.CodeHostKey},
		"we are not let in": {func(c *drop.SFTPConfig) { c.Username = "stranger" }, "authenticate", ""},
	} {
		t.Run(rule, func(t *testing.T) {
			cfg := sftpConfig(t, in)
			c.change(&cfg)
			s := newSFTP(t, cfg)
			_, err := s.Send(t.Context(), prepare(t, s, report()))
			e, ok := errors.AsType[*notifiers.Error](err)
			if !ok || e.Outcome != breach.Permanent || e.Doing != c.doing || e.Code != c.code {
				t.Errorf("got %v", err)
			}
			if notifiers.Reason(err).EN == "" {
				t.Error("no reason in words")
			}
			if n := in.Count(inbox.Filter{}); n != 0 {
				t.Errorf("%d reports arrived", n)
			}
		})
	}
}

func TestSFTPKnownHostsFile(t *testing.T) {
	in := notifytest.StartInbox(t, inbox.Options{})
	cfg := sftpConfig(t, in)
	conn, err := net.Dial("tcp", in.SFTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	var line string
	_, _, _, _ = ssh.NewClientConn(conn, in.SFTPAddr(), &ssh.ClientConfig{User: "scan", HostKeyCallback: func(_ string, _ net.Addr, k ssh.PublicKey) error {
		line = "[" + cfg.Host + "]:" + strconv.Itoa(cfg.Port) + " " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k)))
		return errors.New("only looking")
	}})
	cfg.HostKey, cfg.KnownHosts = "", notifytest.File(t, line)
	s := newSFTP(t, cfg)
	if _, err := s.Send(t.Context(), prepare(t, s, report())); err != nil {
		t.Error(err)
	}
}

func TestSFTPConfigFaultsAreNamed(t *testing.T) {
	in := notifytest.StartInbox(t, inbox.Options{})
	garbage := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(garbage, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for rule, c := range map[string]struct {
		change func(*drop.SFTPConfig)
		want   string
	}{
		"no host key":              {func(c *drop.SFTPConfig) { c.HostKey = "" }, "known_hosts_file and host_key are both empty"},
		"two host keys":            {func(c *drop.SFTPConfig) { c.KnownHosts = garbage }, "both set"},
		"a host key that is none":  {func(c *drop.SFTPConfig) { c.HostKey = "MD5:aa" }, "host_key: "},
		"known_hosts that is none": {func(c *drop.SFTPConfig) { c.HostKey, c.KnownHosts = "", "/nonexistent" }, "known_hosts_file: "},
		"no key file":              {func(c *drop.SFTPConfig) { c.KeyFile = "/nonexistent" }, "key_file: "},
		"a key file without a key": {func(c *drop.SFTPConfig) { c.KeyFile = garbage }, "key_file: "},
		"a key with a passphrase":  {func(c *drop.SFTPConfig) { c.KeyFile = keyFile(t, "secret") }, "passphrase_file"},
		"another passphrase": {func(c *drop.SFTPConfig) {
			c.KeyFile, c.PassphraseFile = keyFile(t, "secret"), notifytest.File(t, "other")
		}, "passphrase_file: "},
		"no user":                   {func(c *drop.SFTPConfig) { c.Username = "" }, "username is missing"},
		"a host with a space in it": {func(c *drop.SFTPConfig) { c.Host = "a b" }, "host: "},
		"a port that is none":       {func(c *drop.SFTPConfig) { c.Port = 0 }, "port: "},
		"a folder with a line end":  {func(c *drop.SFTPConfig) { c.Folder = "a\nb" }, "folder: "},
	} {
		t.Run(rule, func(t *testing.T) {
			cfg := sftpConfig(t, in)
			c.change(&cfg)
			if _, err := drop.NewSFTP(cfg, notifytest.Now); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that names %q", err, c.want)
			}
		})
	}
}
