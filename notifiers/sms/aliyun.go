// Package sms hands short messages to a provider. In mainland China only approved signatures and templates are sent, so what
// crosses the wire is a template's code and its variables; the text that people read is composed by the provider.
package sms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
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

// AliyunConfig is the section of Alibaba Cloud's Short Message Service (Dysmsapi, version 2017-05-25).
type AliyunConfig struct {
	Endpoint          string        `key:"endpoint" help:"the service's address"`
	AccessKeyIDFile   string        `key:"access_key_id_file" required:"true" help:"file that holds the AccessKey ID"`
	AccessSecretFile  string        `key:"access_key_secret_file" required:"true" help:"file that holds the AccessKey secret"`
	SignName          string        `key:"sign_name" required:"true" help:"the approved signature, without its brackets"`
	TemplateCode      string        `key:"template_code" required:"true" help:"the approved template of messages to adults, SMS_…"`
	MinorCode         string        `key:"template_code_minor" required:"true" help:"the template of messages to minors"`
	GuardianCode      string        `key:"template_code_guardian" required:"true" help:"the template of messages to guardians"`
	TemplateCodeEN    string        `key:"template_code_en" help:"the template of messages to adults in English; template_code where empty"`
	MinorCodeEN       string        `key:"template_code_minor_en" help:"the template of messages to minors in English; template_code_minor where empty"`
	GuardianCodeEN    string        `key:"template_code_guardian_en" help:"the template of messages to guardians in English; template_code_guardian where empty"`
	InternationalCode string        `key:"template_code_international" help:"the template of numbers outside mainland China, whoever reads it; they are refused where empty"`
	Connections       int           `key:"connections" help:"open connections at most"`
	Timeout           time.Duration `key:"timeout" help:"for an answer; the provider advises at least 1s"`
	AskAfter          time.Duration `key:"ask_after" help:"how long after an attempt the provider's silence about it means that it never arrived"`
}

// DefaultAliyun returns the section's defaults.
func DefaultAliyun() AliyunConfig {
	return AliyunConfig{
		Endpoint: "https://dysmsapi.aliyuncs.com", Connections: 20, Timeout: 10 * time.Second, AskAfter: 10 * time.Minute,
	}
}

// Aliyun sends through Alibaba Cloud. The provider does not recognise repetitions ("does not support idempotence"), but
// can be asked: the delivery's id travels as OutId and comes back in QuerySendDetails.
type Aliyun struct {
	cfg      AliyunConfig
	now      func() time.Time
	endpoint *url.URL
	signer   signer
	client   *attempt.Client
}

var (
	_ notifiers.Notifier = (*Aliyun)(nil)
	_ notifiers.Asker    = (*Aliyun)(nil)
)

// NewAliyun checks a section, naming every fault at once, and returns its notifier. It does not dial.
func NewAliyun(cfg AliyunConfig, now func() time.Time) (*Aliyun, error) {
	id, err1 := section.Secret("access_key_id_file", cfg.AccessKeyIDFile)
	secret, err2 := section.Secret("access_key_secret_file", cfg.AccessSecretFile)
	errs := []error{err1, err2, attempt.CheckEndpoint("endpoint", cfg.Endpoint)}
	if cfg.SignName == "" || strings.ContainsAny(cfg.SignName, "【】[]") {
		errs = append(errs, fmt.Errorf("sign_name: write the approved signature without its brackets; this is %q", cfg.SignName))
	}
	for _, t := range []struct{ key, code, whom string }{
		{"template_code", cfg.TemplateCode, "adults"}, {"template_code_minor", cfg.MinorCode, "minors"}, {"template_code_guardian", cfg.GuardianCode, "guardians"},
	} {
		if t.code == "" {
			errs = append(errs, fmt.Errorf("%s is missing: the code, SMS_…, of the approved template of messages to %s; tocsin config sms-templates prints the texts to register", t.key, t.whom))
		}
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
	endpoint, err := url.Parse(cfg.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	if endpoint.Path == "" {
		endpoint.Path = "/"
	}
	return &Aliyun{
		cfg: cfg, now: now, endpoint: endpoint, signer: signer{keyID: id, secret: secret},
		client: attempt.New(breach.SMS, cfg.Timeout, cfg.Connections),
	}, nil
}

// Channel is [breach.SMS].
func (a *Aliyun) Channel() breach.Channel { return breach.SMS }

// Close ends idle connections.
func (a *Aliyun) Close() error {
	a.client.Close()
	return nil
}

const version = "2017-05-25"

// Prepare makes the request's parameters out of the message's variables. Signature and time are added at each attempt.
func (a *Aliyun) Prepare(m notifiers.Message) (notifiers.Wire, error) {
	number, inland, ok := providerNumber(m.To)
	template := a.template(m, inland)
	switch {
	case !notifiers.ValidID(m.ID):
		return notifiers.Wire{}, a.client.Fail("prepare", "id", breach.Permanent)
	case !ok:
		return notifiers.Wire{}, a.client.Fail("prepare", "number", breach.Permanent)
	case template == "":
		return notifiers.Wire{}, a.client.Fail("prepare", "no-international-template", breach.Permanent)
	}
	args := map[string]string{
		"PhoneNumbers": number, "SignName": a.cfg.SignName, "TemplateCode": template, "OutId": string(m.ID),
	}
	if len(m.Variables) > 0 {
		param, ok := templateParam(m.Variables)
		if !ok {
			return notifiers.Wire{}, a.client.Fail("prepare", "variables", breach.Permanent)
		}
		args["TemplateParam"] = param
	}
	return notifiers.Wire{ID: m.ID, To: m.To, Body: []byte(canonicalQuery(args))}, nil
}

// template is the code of what the provider sends: a child and a guardian are told in other words than an adult.
func (a *Aliyun) template(m notifiers.Message, inland bool) string {
	if !inland {
		return a.cfg.InternationalCode
	}
	code, english := a.cfg.TemplateCode, a.cfg.TemplateCodeEN
	switch m.Audience {
	case breach.ToMinor:
		code, english = a.cfg.MinorCode, a.cfg.MinorCodeEN
	case breach.ToGuardian:
		code, english = a.cfg.GuardianCode, a.cfg.GuardianCodeEN
	default:
	}
	if m.Language == breach.English && english != "" {
		return english
	}
	return code
}

// templateParam writes the variables as JSON, names sorted, so that the same message gives the same bytes.
func templateParam(vars map[string]string) (string, bool) {
	for k, v := range vars {
		if !variableName.MatchString(k) || !utf8.ValidString(v) {
			return "", false
		}
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(vars) != nil {
		return "", false
	}
	return strings.TrimSuffix(b.String(), "\n"), true
}

var (
	variableName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	e164         = regexp.MustCompile(`^\+[1-9]\d{6,14}$`)
	mainland     = regexp.MustCompile(`^\+861[3-9]\d{9}$`)
)

// providerNumber writes a number in E.164 the provider's way: mainland mobiles bare, others as country code and number.
// Source: SendSms, parameter PhoneNumbers.
func providerNumber(to string) (number string, inland, ok bool) {
	switch {
	case mainland.MatchString(to):
		return strings.TrimPrefix(to, "+86"), true, true
	case strings.HasPrefix(to, "+86") || !e164.MatchString(to):
		return "", false, false
	}
	return strings.TrimPrefix(to, "+"), false, true
}

// Send makes one attempt.
func (a *Aliyun) Send(ctx context.Context, w notifiers.Wire) (breach.Receipt, error) {
	answer, err := a.call(ctx, "SendSms", "send", string(w.Body))
	if err != nil {
		return breach.Receipt{}, err
	}
	var said struct{ Code, Message, BizId string } //nolint:revive // the provider's spelling
	if json.Unmarshal(answer.Body, &said) != nil || said.Code == "" {
		return breach.Receipt{}, a.client.Unexplained("send", answer)
	}
	if said.Code == "OK" && answer.Status >= 300 { // it contradicts itself
		return breach.Receipt{}, a.client.Fail("send", strconv.Itoa(answer.Status), breach.Unknown)
	}
	if said.Code == "OK" {
		return breach.Receipt{Reference: attempt.Reference(said.BizId), Code: answer.Status, At: a.now().UTC()}, nil
	}
	outcome, against := judge(said.Code, answer.Status)
	e := a.client.Fail("send", knownCode(said.Code), outcome)
	e.Against, e.After = against, max(answer.After, limitOver(said.Code, said.Message, a.now()))
	return breach.Receipt{}, e
}

// call signs and makes one request. Parameters are in the query, as the provider's own SDK puts them.
func (a *Aliyun) call(ctx context.Context, action, doing, query string) (attempt.Answer, error) {
	u := *a.endpoint
	u.RawQuery = query
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), http.NoBody)
	if err != nil {
		return attempt.Answer{}, a.client.Fail(doing, "request", breach.Temporary)
	}
	a.signer.sign(req, action, version, nil, a.now(), newNonce())
	return a.client.Do(ctx, doing, req)
}
