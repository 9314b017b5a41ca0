package email_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/notifiers"
	"tocsin/notifiers/email"
	"tocsin/notifiers/notifytest"
)

// certificate makes one for 127.0.0.1 that is its own authority, and returns the PEM file of it too.
func certificate(t *testing.T) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "local relay"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, path
}

func TestEncryptionAndAuthentication(t *testing.T) {
	server, ca := certificate(t)
	credentials := inbox.LocalCredentials()
	credentials.SMTPUsername, credentials.SMTPPassword = "tocsin", "open sesame"
	for rule, c := range map[string]struct {
		server *tls.Config
		change func(*email.SMTPConfig)
		doing  string // of the error; empty where the mail is accepted
	}{
		"mandatory, trusted":           {server, func(c *email.SMTPConfig) { c.TLS, c.CAFile = "mandatory", ca }, ""},
		"opportunistic, offered":       {server, func(c *email.SMTPConfig) { c.TLS, c.CAFile = "opportunistic", ca }, ""},
		"opportunistic, not offered":   {nil, func(c *email.SMTPConfig) { c.TLS, c.Username = "opportunistic", "" }, "mail"},
		"mandatory, not offered":       {nil, func(c *email.SMTPConfig) { c.TLS = "mandatory" }, "connect"},
		"mandatory, unknown authority": {server, func(c *email.SMTPConfig) { c.TLS = "mandatory" }, "connect"},
		"no password in clear":         {nil, func(c *email.SMTPConfig) { c.TLS = "none" }, "connect"},
		"wrong password": {server, func(c *email.SMTPConfig) {
			c.TLS, c.CAFile, c.PasswordFile = "mandatory", ca, notifytest.File(t, "wrong")
		}, "authenticate"},
		"no user where one is asked for":     {server, func(c *email.SMTPConfig) { c.TLS, c.CAFile, c.Username = "mandatory", ca, "" }, "mail"},
		"mechanism that the relay has not":   {server, func(c *email.SMTPConfig) { c.TLS, c.CAFile, c.Auth = "mandatory", ca, "cram-md5" }, "connect"},
		"TLS from the first byte, not there": {nil, func(c *email.SMTPConfig) { c.TLS, c.CAFile = "implicit", ca }, "connect"},
	} {
		t.Run(rule, func(t *testing.T) {
			in := notifytest.StartInbox(t, inbox.Options{TLS: c.server, Credentials: credentials})
			cfg := config(t, in.SMTPAddr())
			cfg.Username, cfg.PasswordFile = credentials.SMTPUsername, notifytest.File(t, credentials.SMTPPassword)
			c.change(&cfg)
			err := send(t, newSMTP(t, cfg), 1)
			if c.doing == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if e, ok := errors.AsType[*notifiers.Error](err); !ok || e.Doing != c.doing || e.Outcome != breach.Temporary || e.Against != notifiers.Us || e.Code == "" {
				t.Errorf("got %#v, want %s: temporary, against us, with a code", err, c.doing)
			}
		})
	}
}
