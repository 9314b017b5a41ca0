package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	sdk "go.temporal.io/sdk/client"

	"tocsin/internal/config"
)

// secure sets up encryption and credentials of the connection to the engine.
func secure(o *sdk.Options, t config.Temporal) error {
	if t.TLS.InUse() {
		c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.TLS.ServerName}
		if t.TLS.CAFile != "" {
			pem, err := os.ReadFile(t.TLS.CAFile)
			if err != nil {
				return fmt.Errorf("temporal.tls.ca_file: %w", err)
			}
			c.RootCAs = x509.NewCertPool()
			if !c.RootCAs.AppendCertsFromPEM(pem) {
				return errors.New("temporal.tls.ca_file holds no certificate in PEM form")
			}
		}
		if t.TLS.CertFile != "" || t.TLS.KeyFile != "" {
			pair, err := tls.LoadX509KeyPair(t.TLS.CertFile, t.TLS.KeyFile)
			if err != nil {
				return fmt.Errorf("temporal.tls.cert_file and key_file: %w", err)
			}
			c.Certificates = []tls.Certificate{pair}
		}
		o.ConnectionOptions.TLS = c
	}
	if t.APIKeyFile != "" {
		key, err := os.ReadFile(t.APIKeyFile)
		if err != nil {
			return fmt.Errorf("temporal.api_key_file: %w", err)
		}
		o.Credentials = sdk.NewAPIKeyStaticCredentials(strings.TrimSpace(string(key)))
		o.ConnectionOptions.TLSDisabled = !t.TLS.InUse()
	}
	return nil
}
