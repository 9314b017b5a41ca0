// Package portal hands a report to an authority's HTTP interface: one POST with the approved files. It knows no authority's own
// rules; where to post, how to show who we are, and where the receipt's number stands in the answer are settings.
//
// A refusal speaks of the report or of our account, and a person must mend either, so a 4xx is final, but for 408 and 429. A 409
// says that the portal knows this id already, a 5xx may come from a gateway behind which the report went on: both are in doubt.
// Only 503 says that nothing was taken. A success without the number that was agreed on is in doubt, too.
package portal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tocsin/internal/breach"
	"tocsin/notifiers"
	"tocsin/notifiers/internal/attempt"
	"tocsin/notifiers/internal/section"
)

// HTTPConfig is a portal's section of the configuration.
type HTTPConfig struct {
	URL           string        `key:"url" required:"true" help:"where to POST the report; https, or http to this machine"`
	Format        string        `key:"format" help:"multipart (a part envelope in JSON, then the files) or json (the files inside, in base64)"`
	AuthHeader    string        `key:"auth_header" help:"the header that shows who we are"`
	AuthFile      string        `key:"auth_file" help:"file that holds that header's whole value, such as Bearer and a token; no header where empty"`
	ReceiptField  string        `key:"receipt_field" help:"where the answer's JSON holds the receipt's number, such as receipt.number"`
	ReceiptHeader string        `key:"receipt_header" help:"the answer's header with the receipt's number, where it is not in the JSON"`
	CAFile        string        `key:"ca_file" help:"PEM file of the authority that signed the portal's certificate; the system's where empty"`
	MaxBytes      int           `key:"max_bytes" help:"the largest report that the portal takes, in bytes as sent"`
	Connections   int           `key:"connections" help:"open connections at most"`
	Timeout       time.Duration `key:"timeout" help:"for uploading and the answer together"`
}

// DefaultHTTP returns the section's defaults.
func DefaultHTTP() HTTPConfig {
	return HTTPConfig{Format: formatMultipart, AuthHeader: "Authorization", MaxBytes: 20 << 20, Connections: 2, Timeout: 2 * time.Minute}
}

const (
	formatMultipart = "multipart"
	formatJSON      = "json"
)

// HTTP posts reports to one portal. The delivery's id goes along as Idempotency-Key, the body's hash as Content-Digest (RFC
// 9530).
type HTTP struct {
	cfg    HTTPConfig
	now    func() time.Time
	auth   string
	client *attempt.Client
}

var _ notifiers.Notifier = (*HTTP)(nil)

// NewHTTP checks a section, naming every fault at once, and returns its notifier. It does not dial.
func NewHTTP(cfg HTTPConfig, now func() time.Time) (*HTTP, error) {
	errs := []error{attempt.CheckEndpoint("url", cfg.URL), cfg.check()}
	var auth string
	if cfg.AuthFile != "" {
		var err error
		auth, err = section.Secret("auth_file", cfg.AuthFile)
		if err == nil && strings.ContainsFunc(auth, func(r rune) bool { return r < ' ' || r > '~' }) {
			err = fmt.Errorf("auth_file: %s holds something that cannot stand in a header; write plain ASCII on one line", cfg.AuthFile)
		}
		errs = append(errs, err)
	}
	client := attempt.New(breach.Portal, cfg.Timeout, max(cfg.Connections, 1))
	if cfg.CAFile != "" {
		roots, err := readRoots(cfg.CAFile)
		errs = append(errs, err)
		client.Trust(roots)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &HTTP{cfg: cfg, now: now, auth: auth, client: client}, nil
}

var (
	headerName = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
	fieldPath  = regexp.MustCompile(`^[^.\s]+(\.[^.\s]+)*$`)
)

func (cfg HTTPConfig) check() error {
	var errs []error
	if cfg.Format != formatMultipart && cfg.Format != formatJSON {
		errs = append(errs, fmt.Errorf("format: %q; write multipart or json", cfg.Format))
	}
	if !headerName.MatchString(cfg.AuthHeader) {
		errs = append(errs, fmt.Errorf("auth_header: %q is not a header's name, such as Authorization", cfg.AuthHeader))
	}
	if cfg.ReceiptHeader != "" && !headerName.MatchString(cfg.ReceiptHeader) {
		errs = append(errs, fmt.Errorf("receipt_header: %q is not a header's name, such as X-Receipt-Number", cfg.ReceiptHeader))
	}
	if cfg.ReceiptField != "" && !fieldPath.MatchString(cfg.ReceiptField) {
		errs = append(errs, fmt.Errorf("receipt_field: %q; write names with dots between them, such as receipt.number", cfg.ReceiptField))
	}
	if cfg.ReceiptField != "" && cfg.ReceiptHeader != "" {
		errs = append(errs, errors.New("receipt_field and receipt_header are both set; the number stands in one place"))
	}
	if cfg.MaxBytes < 1<<10 || cfg.MaxBytes > 1<<30 {
		errs = append(errs, fmt.Errorf("max_bytes: %d; 1024 to 1073741824", cfg.MaxBytes))
	}
	if cfg.Connections < 1 || cfg.Connections > 100 {
		errs = append(errs, fmt.Errorf("connections: %d; 1 to 100", cfg.Connections))
	}
	if cfg.Timeout < time.Second {
		errs = append(errs, errors.New("timeout: at least 1s"))
	}
	return errors.Join(errs...)
}

func readRoots(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file: %s holds no PEM certificate", path)
	}
	return roots, nil
}

// Channel is [breach.Portal].
func (p *HTTP) Channel() breach.Channel { return breach.Portal }

// Close ends idle connections.
func (p *HTTP) Close() error {
	p.client.Close()
	return nil
}

// Send makes one attempt.
func (p *HTTP) Send(ctx context.Context, w notifiers.Wire) (breach.Receipt, error) {
	if !notifiers.ValidID(w.ID) { // it goes into a header as it is
		return breach.Receipt{}, p.client.Fail("send", "id", breach.Permanent)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.cfg.URL, bytes.NewReader(w.Body))
	if err != nil {
		return breach.Receipt{}, p.client.Fail("send", "request", breach.Permanent)
	}
	digest := sha256.Sum256(w.Body)
	req.Header.Set("Content-Type", p.contentType(w.ID))
	req.Header.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(digest[:])+":")
	req.Header.Set("Idempotency-Key", string(w.ID))
	req.Header.Set("Accept", "application/json")
	if p.auth != "" {
		req.Header.Set(p.cfg.AuthHeader, p.auth)
	}
	answer, err := p.client.Do(ctx, "send", req)
	if err != nil {
		return breach.Receipt{}, err
	}
	if answer.Status < 200 || answer.Status > 299 {
		return breach.Receipt{}, p.refusal(answer)
	}
	number, ok := p.receipt(answer)
	if !ok {
		return breach.Receipt{}, p.client.Fail("send", notifiers.CodeNoReceipt, breach.Unknown)
	}
	return breach.Receipt{Reference: number, Code: answer.Status, At: p.now().UTC()}, nil
}

// refusal judges a status that is no success; see the package's doc.
func (p *HTTP) refusal(a attempt.Answer) *notifiers.Error {
	o := breach.Unknown
	switch {
	case a.Status == http.StatusTooManyRequests, a.Status == http.StatusRequestTimeout, a.Status == http.StatusServiceUnavailable:
		o = breach.Temporary
	case a.Status == http.StatusConflict:
	case a.Status == http.StatusTemporaryRedirect, a.Status == http.StatusPermanentRedirect: // it wants the same request elsewhere
		o = breach.Permanent
	case a.Status >= 400 && a.Status < 500:
		o = breach.Permanent
	}
	e := p.client.Fail("send", strconv.Itoa(a.Status), o)
	if o == breach.Temporary {
		e.After = a.After
	}
	return e
}

// receipt finds the number where the settings say it is. Without such a setting there is none, and a success is enough.
func (p *HTTP) receipt(a attempt.Answer) (number string, ok bool) {
	switch {
	case p.cfg.ReceiptHeader != "":
		number = a.Header.Get(p.cfg.ReceiptHeader)
	case p.cfg.ReceiptField != "":
		number = field(a.Body, strings.Split(p.cfg.ReceiptField, "."))
	default:
		return "", true
	}
	number = strings.TrimSpace(number)
	return number, number != "" && utf8.ValidString(number) && utf8.RuneCountInString(number) <= 128 && !strings.ContainsFunc(number, unicode.IsControl)
}

// field reads a text or a whole number out of JSON. A name that is a number picks an element of a list.
func field(body []byte, path []string) string {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var at any
	if d.Decode(&at) != nil {
		return ""
	}
	for _, name := range path {
		switch v := at.(type) {
		case map[string]any:
			at = v[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(v) {
				return ""
			}
			at = v[i]
		default:
			return ""
		}
	}
	switch v := at.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}
