// Package push hands notifications for phones to an aggregator. Acceptance says little: a phone may be off, or its owner may
// have silenced the app. The notice is a title and a body and nothing personal; the app shows the rest after login.
package push

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tocsin/internal/breach"
	"tocsin/notifiers"
	"tocsin/notifiers/internal/attempt"
	"tocsin/notifiers/internal/section"
)

// GetuiConfig is the section of Getui's REST API, version 2.
type GetuiConfig struct {
	Endpoint         string        `key:"endpoint" help:"the API's address with /v2 and without the application's id"`
	AppID            string        `key:"app_id" required:"true" help:"the application's id"`
	AppKeyFile       string        `key:"app_key_file" required:"true" help:"file that holds the AppKey"`
	MasterSecretFile string        `key:"master_secret_file" required:"true" help:"file that holds the MasterSecret"`
	TTL              time.Duration `key:"ttl" help:"how long the provider keeps trying to reach a phone that is off; 72h at most"`
	RepeatWindow     time.Duration `key:"repeat_window" help:"how long a repeated request_id is trusted to be dropped; 0s never repeats"`
	Connections      int           `key:"connections" help:"open connections at most"`
	Timeout          time.Duration `key:"timeout" help:"for an answer"`
}

// DefaultGetui returns the section's defaults. The provider documents that a repeated request_id is dropped but not for how
// long it remembers one, so the window is short.
func DefaultGetui() GetuiConfig {
	return GetuiConfig{
		Endpoint: "https://restapi.getui.com/v2", TTL: 72 * time.Hour, RepeatWindow: 10 * time.Minute,
		Connections: 20, Timeout: 10 * time.Second,
	}
}

// Getui sends one push to one device by its CID.
type Getui struct {
	cfg    GetuiConfig
	now    func() time.Time
	client *attempt.Client
	tokens tokens
}

var (
	_ notifiers.Notifier = (*Getui)(nil)
	_ notifiers.Repeater = (*Getui)(nil)
)

// NewGetui checks a section, naming every fault at once, and returns its notifier. It does not dial.
func NewGetui(cfg GetuiConfig, now func() time.Time) (*Getui, error) {
	key, err1 := section.Secret("app_key_file", cfg.AppKeyFile)
	secret, err2 := section.Secret("master_secret_file", cfg.MasterSecretFile)
	errs := []error{err1, err2, attempt.CheckEndpoint("endpoint", cfg.Endpoint)}
	if !appID.MatchString(cfg.AppID) {
		errs = append(errs, fmt.Errorf("app_id: %q is not an application's id", cfg.AppID))
	}
	if cfg.TTL < 0 || cfg.TTL > 72*time.Hour {
		errs = append(errs, fmt.Errorf("ttl: %s; 72h at most", cfg.TTL))
	}
	if cfg.Connections < 1 || cfg.Connections > 1000 {
		errs = append(errs, fmt.Errorf("connections: %d; 1 to 1000", cfg.Connections))
	}
	if cfg.Timeout < time.Second {
		errs = append(errs, errors.New("timeout: at least 1s; a shorter one makes needless doubts"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	g := &Getui{cfg: cfg, now: now, client: attempt.New(breach.Push, cfg.Timeout, cfg.Connections)}
	g.tokens = tokens{g: g, key: key, secret: secret, turn: make(chan struct{}, 1)}
	return g, nil
}

var appID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Channel is [breach.Push].
func (g *Getui) Channel() breach.Channel { return breach.Push }

// RepeatWindow is the configured one. Source: "如果request_id重复，会导致消息丢失", a repeated request_id is dropped.
func (g *Getui) RepeatWindow() time.Duration { return g.cfg.RepeatWindow }

// Close ends idle connections.
func (g *Getui) Close() error {
	g.client.Close()
	return nil
}

// Lengths in characters. Source: Getui REST v2, push_message.notification.
const (
	maxTitle = 50
	maxBody  = 256
)

// a CID is 32 characters; other lengths occur, spaces and signs do not.
var cid = regexp.MustCompile(`^[A-Za-z0-9_-]{20,128}$`)

// note is a title and a body, and opening the app when touched. For phones that the provider reaches only through their
// maker's channel it is given again in that channel's form.
type note struct {
	Title     string `json:"title"`
	Body      string `json:"body"`
	ClickType string `json:"click_type"`
}

type request struct {
	RequestID string `json:"request_id"`
	Settings  struct {
		TTL int64 `json:"ttl"` // milliseconds
	} `json:"settings"`
	Audience struct {
		CID []string `json:"cid"`
	} `json:"audience"`
	PushMessage struct {
		Notification note `json:"notification"`
	} `json:"push_message"`
	PushChannel struct {
		Android struct {
			UPS struct {
				Notification note `json:"notification"`
			} `json:"ups"`
		} `json:"android"`
		IOS struct {
			Type string `json:"type"`
			APS  struct {
				Alert struct {
					Title string `json:"title"`
					Body  string `json:"body"`
				} `json:"alert"`
			} `json:"aps"`
		} `json:"ios"`
	} `json:"push_channel"`
}

// Prepare makes the request's body. Subject is the title; HTML and Variables are not used.
func (g *Getui) Prepare(m notifiers.Message) (notifiers.Wire, error) {
	if code := unfit(m); code != "" {
		return notifiers.Wire{}, g.client.Fail("prepare", code, breach.Permanent)
	}
	n := note{Title: m.Subject, Body: m.Text, ClickType: "startapp"}
	var r request
	r.RequestID = string(m.ID)
	r.Settings.TTL = g.cfg.TTL.Milliseconds()
	r.Audience.CID = []string{m.To}
	r.PushMessage.Notification = n
	r.PushChannel.Android.UPS.Notification = n
	r.PushChannel.IOS.Type = "notify"
	r.PushChannel.IOS.APS.Alert.Title, r.PushChannel.IOS.APS.Alert.Body = m.Subject, m.Text
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return notifiers.Wire{}, g.client.Fail("prepare", "render", breach.Permanent)
	}
	return notifiers.Wire{ID: m.ID, To: m.To, Body: bytes.TrimSuffix(b.Bytes(), []byte("\n"))}, nil
}

func unfit(m notifiers.Message) string {
	switch {
	case !notifiers.ValidID(m.ID):
		return "id"
	case !cid.MatchString(m.To):
		return "device"
	case m.Subject == "" || utf8.RuneCountInString(m.Subject) > maxTitle || !utf8.ValidString(m.Subject):
		return "title"
	case m.Text == "" || utf8.RuneCountInString(m.Text) > maxBody || !utf8.ValidString(m.Text):
		return "text"
	}
	return ""
}

// Send makes one attempt. A request that was turned away because its token had run out was not processed; it is made again
// once, with a new token.
func (g *Getui) Send(ctx context.Context, w notifiers.Wire) (breach.Receipt, error) {
	token, err := g.tokens.get(ctx, "")
	if err != nil {
		return breach.Receipt{}, err
	}
	said, answer, err := g.post(ctx, "send", "/push/single/cid", token, w.Body)
	if err == nil && said.Code == badToken {
		if token, err = g.tokens.get(ctx, token); err != nil {
			return breach.Receipt{}, err
		}
		said, answer, err = g.post(ctx, "send", "/push/single/cid", token, w.Body)
	}
	if err != nil {
		return breach.Receipt{}, err
	}
	return g.receipt(said, answer, w.To)
}

// reply is the provider's common frame.
type reply struct {
	Code int             `json:"code"`
	Data json.RawMessage `json:"data"`
}

// post makes one request; a reply without the frame is judged by its status.
func (g *Getui) post(ctx context.Context, doing, path, token string, body []byte) (reply, attempt.Answer, error) {
	address := strings.TrimSuffix(g.cfg.Endpoint, "/") + "/" + g.cfg.AppID + path
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return reply{}, attempt.Answer{}, g.client.Fail(doing, "request", breach.Temporary)
	}
	req.Header.Set("Content-Type", "application/json;charset=utf-8")
	if token != "" {
		req.Header.Set("token", token)
	}
	answer, err := g.client.Do(ctx, doing, req)
	if err != nil {
		return reply{}, answer, err
	}
	said := reply{Code: -1}
	if json.Unmarshal(answer.Body, &said) != nil || said.Code == -1 {
		return said, answer, g.client.Unexplained(doing, answer)
	}
	return said, answer, nil
}

// The statuses of one device. Source: Getui REST v2, push/single/cid.
const (
	online  = "successed_online"
	offline = "successed_offline"
	ignored = "successed_ignore" // not seen for 90 days: nothing is sent
)

// receipt reads {"<task>":{"<cid>":"<status>"}}. An answer without a status is that to a repetition, which is dropped
// because the first one was taken.
func (g *Getui) receipt(said reply, answer attempt.Answer, to string) (breach.Receipt, error) {
	if said.Code != 0 {
		e := g.client.Fail("send", strconv.Itoa(said.Code), codeOutcome(said.Code, answer.Status))
		e.Against = codeAgainst(said.Code)
		if e.After = answer.After; said.Code == authTooOften || said.Code == tooOften {
			e.After = time.Minute // the limits count by the minute
		}
		return breach.Receipt{}, e
	}
	if answer.Status >= 300 { // it contradicts itself
		return breach.Receipt{}, g.client.Fail("send", strconv.Itoa(answer.Status), breach.Unknown)
	}
	r := breach.Receipt{Code: answer.Status, At: g.now().UTC()}
	var tasks map[string]map[string]string
	_ = json.Unmarshal(said.Data, &tasks)
	for task, devices := range tasks {
		r.Reference = attempt.Reference(task)
		switch devices[to] {
		case online, offline, "":
		case ignored:
			return breach.Receipt{}, g.client.Fail("send", ignored, breach.Permanent)
		default:
			return breach.Receipt{}, g.client.Fail("send", "status", breach.Unknown)
		}
	}
	return r, nil
}

// Codes that we act on. Source: Getui REST v2, return codes.
const (
	starting     = 2     // the service is starting
	badToken     = 10001 // wrong or run out
	authTooOften = 10003 // by the minute
	tooOften     = 10005 // by the minute
	badParameter = 20001 // "target user is invalid", "… is invalid", "… can not be empty"
)

// codeOutcome judges a business code. Only what is wrong with this device or text is Permanent; rights and quotas of our
// account (10000s, 30000s) are ours to mend.
func codeOutcome(code, status int) breach.Outcome {
	switch {
	case code == badParameter:
		return breach.Permanent
	case code >= 10000 && code < 40000, code == starting, code == 301, code == http.StatusNotFound, code == http.StatusMethodNotAllowed:
		return breach.Temporary
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		return breach.Temporary
	}
	return breach.Unknown
}

// codeAgainst says which codes speak of our account: wrong keys, a right that is missing, a path that is not the application's.
func codeAgainst(code int) notifiers.Against {
	switch {
	case code == authTooOften, code == tooOften:
		return ""
	case code >= 10000 && code < 20000, code == http.StatusMovedPermanently, code == http.StatusNotFound, code == http.StatusMethodNotAllowed:
		return notifiers.Us
	}
	return ""
}
