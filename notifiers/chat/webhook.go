// Package chat hands messages to the organisation's own people: a webhook to whatever they talk in. It carries escalations
// and deadlines, never a notice to affected people.
package chat

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tocsin/internal/breach"
	"tocsin/notifiers"
	"tocsin/notifiers/internal/attempt"
	"tocsin/notifiers/internal/section"
)

// WebhookConfig is the webhook's section of the configuration.
type WebhookConfig struct {
	URL         string        `key:"url" required:"true" help:"where to POST"`
	SecretFile  string        `key:"secret_file" required:"true" help:"file that holds the signing secret, whsec_ and base64 of 24 to 64 bytes"`
	Connections int           `key:"connections" help:"open connections at most"`
	Timeout     time.Duration `key:"timeout" help:"for an answer"`
}

// DefaultWebhook returns the section's defaults.
func DefaultWebhook() WebhookConfig { return WebhookConfig{Connections: 4, Timeout: 10 * time.Second} }

// Webhook posts JSON, signed the Standard Webhooks way: webhook-id (the delivery's id, for the receiver to recognise a
// repetition by), webhook-timestamp, and webhook-signature, v1 with HMAC-SHA256 over "id.timestamp.body".
type Webhook struct {
	cfg    WebhookConfig
	now    func() time.Time
	secret []byte
	client *attempt.Client
}

var _ notifiers.Notifier = (*Webhook)(nil)

// NewWebhook checks a section, naming every fault at once, and returns its notifier. It does not dial.
func NewWebhook(cfg WebhookConfig, now func() time.Time) (*Webhook, error) {
	secret, err := readSecret(cfg.SecretFile)
	errs := []error{err, attempt.CheckEndpoint("url", cfg.URL)}
	if cfg.Connections < 1 || cfg.Connections > 1000 {
		errs = append(errs, fmt.Errorf("connections: %d; 1 to 1000", cfg.Connections))
	}
	if cfg.Timeout < time.Second {
		errs = append(errs, errors.New("timeout: at least 1s"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Webhook{cfg: cfg, now: now, secret: secret, client: attempt.New(breach.Chat, cfg.Timeout, cfg.Connections)}, nil
}

func readSecret(path string) ([]byte, error) {
	s, err := section.Secret("secret_file", path)
	if err != nil {
		return nil, err
	}
	coded, ok := strings.CutPrefix(s, "whsec_")
	secret, err := base64.StdEncoding.DecodeString(coded)
	if !ok || err != nil || len(secret) < 24 || len(secret) > 64 {
		return nil, fmt.Errorf("secret_file: %s does not hold whsec_ and base64 of 24 to 64 bytes", path)
	}
	return secret, nil
}

// Channel is [breach.Chat].
func (w *Webhook) Channel() breach.Channel { return breach.Chat }

// Close ends idle connections.
func (w *Webhook) Close() error {
	w.client.Close()
	return nil
}

type body struct {
	ID       breach.DeliveryID `json:"id"`
	To       string            `json:"to"`
	Language breach.Language   `json:"language,omitempty"`
	Subject  string            `json:"subject"`
	Text     string            `json:"text"`
}

// Prepare makes the JSON: id, to (a person's or a room's name), language, subject, text.
func (w *Webhook) Prepare(m notifiers.Message) (notifiers.Wire, error) {
	code := ""
	switch {
	case !notifiers.ValidID(m.ID):
		code = "id"
	case m.To == "" || !utf8.ValidString(m.To):
		code = "to"
	case m.Text == "" || !utf8.ValidString(m.Text) || !utf8.ValidString(m.Subject):
		code = "text"
	}
	if code != "" {
		return notifiers.Wire{}, w.client.Fail("prepare", code, breach.Permanent)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(body{ID: m.ID, To: m.To, Language: m.Language, Subject: m.Subject, Text: m.Text}); err != nil {
		return notifiers.Wire{}, w.client.Fail("prepare", "render", breach.Permanent)
	}
	return notifiers.Wire{ID: m.ID, To: m.To, Body: bytes.TrimSuffix(b.Bytes(), []byte("\n"))}, nil
}

// Send makes one attempt. Any 2xx is acceptance; a 4xx refuses the message for good, but for 401, 403, 404, 408 and 429,
// which speak of us or of the moment.
func (w *Webhook) Send(ctx context.Context, x notifiers.Wire) (breach.Receipt, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.cfg.URL, bytes.NewReader(x.Body))
	if err != nil {
		return breach.Receipt{}, w.client.Fail("send", "request", breach.Temporary)
	}
	now := w.now().UTC()
	stamp := strconv.FormatInt(now.Unix(), 10)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("webhook-id", string(x.ID))
	req.Header.Set("webhook-timestamp", stamp)
	req.Header.Set("webhook-signature", "v1,"+sign(w.secret, string(x.ID), stamp, x.Body))
	answer, err := w.client.Do(ctx, "send", req)
	if err != nil {
		return breach.Receipt{}, err
	}
	if answer.Status < 200 || answer.Status > 299 {
		return breach.Receipt{}, w.client.StatusFailure("send", answer)
	}
	return breach.Receipt{Reference: string(x.ID), Code: answer.Status, At: now}, nil
}

// sign is Standard Webhooks' v1 signature, in base64.
func sign(secret []byte, id, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
