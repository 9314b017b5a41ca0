package portal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/notifiers"
	"tocsin/notifiers/notifytest"
	"tocsin/notifiers/portal"
)

func config(url string) portal.HTTPConfig {
	cfg := portal.DefaultHTTP()
	cfg.URL, cfg.ReceiptField = url, "receipt.number"
	return cfg
}

func newHTTP(t *testing.T, cfg portal.HTTPConfig) *portal.HTTP {
	t.Helper()
	p, err := portal.NewHTTP(cfg, notifytest.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func TestPortalSuite(t *testing.T) {
	for _, format := range []string{"multipart", "json"} {
		t.Run(format, func(t *testing.T) {
			notifytest.Run(t, notifytest.Case{
				New: func(t *testing.T, in *inbox.Inbox) notifiers.Notifier {
					cfg := config(in.PortalEndpoint())
					cfg.Format = format
					return newHTTP(t, cfg)
				},
				Address: func(n int) string { return fmt.Sprintf("canary-office-%d", n) },
				Unfit:   []string{"", "../etc", "a b", "office\r\nX: y", strings.Repeat("a", 65)},
				Cut:     breach.Unknown,
				Needles: func(m notifiers.Message) []string { return []string{m.Subject, m.Text} },
			})
		})
	}
}

func report() notifiers.Message {
	m := notifytest.Message(1, "cn-cac")
	m.Attachments = []notifiers.Attachment{
		{Name: "report-zh-CN.pdf", Type: "application/pdf", Bytes: []byte("%PDF-1.7 zh")},
		{Name: "report-en.docx", Type: "application/vnd.openxmlformats-officedocument.wordprocessingml.document", Bytes: []byte("PK\x03\x04 en")},
	}
	return m
}

func send(t *testing.T, p *portal.HTTP, m notifiers.Message) (breach.Receipt, error) {
	t.Helper()
	w, err := p.Prepare(m)
	if err != nil {
		t.Fatal(err)
	}
	return p.Send(t.Context(), w)
}

func TestFilesArriveAsTheyWereAndTheNumberComesBack(t *testing.T) {
	for _, format := range []string{"multipart", "json"} {
		t.Run(format, func(t *testing.T) {
			in := notifytest.StartInbox(t, inbox.Options{Credentials: inbox.Credentials{PortalToken: "portal-canary-token"}})
			cfg := config(in.PortalEndpoint())
			cfg.Format, cfg.AuthFile = format, notifytest.File(t, "Bearer portal-canary-token")
			r, err := send(t, newHTTP(t, cfg), report())
			if err != nil || r.Reference != "LOCAL-000001" || r.Code != http.StatusCreated {
				t.Fatalf("receipt %+v, %v", r, err)
			}
			got := in.Messages(inbox.Filter{})
			if len(got) != 1 || len(got[0].Attachments) != 2 {
				t.Fatalf("arrived: %+v", got)
			}
			for i, want := range report().Attachments {
				if a := got[0].Attachments[i]; a.Name != want.Name || !bytes.Equal(a.Bytes, want.Bytes) {
					t.Errorf("file %d: %s %q, want %s %q", i, a.Name, a.Bytes, want.Name, want.Bytes)
				}
			}
		})
	}
}

func TestWithoutTheTokenWeAreRefusedForGood(t *testing.T) {
	in := notifytest.StartInbox(t, inbox.Options{Credentials: inbox.Credentials{PortalToken: "portal-canary-token"}})
	_, err := send(t, newHTTP(t, config(in.PortalEndpoint())), report())
	if e, ok := errors.AsType[*notifiers.Error](err); !ok || e.Outcome != breach.Permanent || e.Code != "401" {
		t.Errorf("got %v", err)
	}
}

// What an answer means for a report that must not be filed twice.
func TestOutcomeByAnswer(t *testing.T) {
	ok := `{"receipt":{"number":"R-1"}}`
	for rule, c := range map[string]struct {
		status int
		header http.Header
		body   string
		want   breach.Outcome
		code   string
	}{
		"taken":                            {201, nil, ok, breach.Accepted, ""},
		"a number that is one":             {200, nil, `{"receipt":{"number":20261122}}`, breach.Accepted, ""},
		"taken, without the number":        {200, nil, `{"status":"ok"}`, breach.Unknown, "no_receipt"},
		"taken, an empty number":           {200, nil, `{"receipt":{"number":" "}}`, breach.Unknown, "no_receipt"},
		"taken, a number with a line end":  {200, nil, `{"receipt":{"number":"R\n1"}}`, breach.Unknown, "no_receipt"},
		"taken, a number that never ends":  {200, nil, `{"receipt":{"number":"` + strings.Repeat("1", 129) + `"}}`, breach.Unknown, "no_receipt"},
		"a web page that says yes":         {200, nil, `<html>welcome</html>`, breach.Unknown, "no_receipt"},
		"the report is refused":            {400, nil, "", breach.Permanent, "400"},
		"our account is refused":           {403, nil, "", breach.Permanent, "403"},
		"no such portal":                   {404, nil, "", breach.Permanent, "404"},
		"too large for the portal":         {413, nil, "", breach.Permanent, "413"},
		"the id is known already":          {409, nil, "", breach.Unknown, "409"},
		"it did not wait for the body":     {408, nil, "", breach.Temporary, "408"},
		"too many at once":                 {429, http.Header{"Retry-After": {"90"}}, "", breach.Temporary, "429"},
		"closed for maintenance":           {503, nil, "", breach.Temporary, "503"},
		"broke down":                       {500, nil, "", breach.Unknown, "500"},
		"a gateway without an answer":      {502, nil, "", breach.Unknown, "502"},
		"a gateway that waited too long":   {504, http.Header{"Retry-After": {"90"}}, "", breach.Unknown, "504"},
		"moved, see the result over there": {303, http.Header{"Location": {"/login"}}, "", breach.Unknown, "303"},
		"moved, send it over there":        {307, http.Header{"Location": {"https://elsewhere.example/"}}, "", breach.Permanent, "307"},
	} {
		t.Run(rule, func(t *testing.T) {
			asked := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				_, _ = io.Copy(io.Discard, r.Body)
				for k, v := range c.header {
					w.Header()[k] = v
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer s.Close()
			_, err := send(t, newHTTP(t, config(s.URL)), report())
			if got := notifiers.OutcomeOf(err); got != c.want {
				t.Errorf("outcome %s, want %s (%v)", got, c.want, err)
			}
			if e, ok := errors.AsType[*notifiers.Error](err); ok && (e.Code != c.code || e.After != 0 && e.Outcome != breach.Temporary) {
				t.Errorf("code %q after %s, want %q", e.Code, e.After, c.code)
			}
			if asked != 1 {
				t.Errorf("%d requests; a report is posted once, and redirects are not followed", asked)
			}
		})
	}
}

func TestNumberFromAHeaderAndFromAList(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Receipt", "H-7")
		_, _ = io.WriteString(w, `{"data":[{"no":"L-8"}]}`)
	}))
	defer s.Close()
	cfg := config(s.URL)
	cfg.ReceiptField, cfg.ReceiptHeader = "", "X-Receipt"
	if r, err := send(t, newHTTP(t, cfg), report()); err != nil || r.Reference != "H-7" {
		t.Errorf("%+v, %v", r, err)
	}
	cfg.ReceiptField, cfg.ReceiptHeader = "data.0.no", ""
	if r, err := send(t, newHTTP(t, cfg), report()); err != nil || r.Reference != "L-8" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestFortyMegabytesAreRefusedBeforeAnythingLeaves(t *testing.T) {
	in := notifytest.StartInbox(t, inbox.Options{})
	p := newHTTP(t, config(in.PortalEndpoint()))
	m := report()
	m.Attachments[0].Bytes = make([]byte, 40<<20)
	_, err := p.Prepare(m)
	if e, ok := errors.AsType[*notifiers.Error](err); !ok || e.Outcome != breach.Permanent || e.Code != notifiers.CodeTooLarge {
		t.Errorf("got %v", err)
	}
	if why := notifiers.Reason(err); why.ZH == "" || why.EN == "" {
		t.Errorf("no reason in words: %+v", why)
	}
}

func TestUnfitFilesAreRefused(t *testing.T) {
	p := newHTTP(t, config("http://127.0.0.1:1/"))
	for rule, a := range map[string]notifiers.Attachment{
		"a path":           {Name: "../x.pdf", Type: "application/pdf"},
		"a quote":          {Name: `x".pdf`, Type: "application/pdf"},
		"no type":          {Name: "x.pdf", Type: ""},
		"a header in type": {Name: "x.pdf", Type: "application/pdf; a=b\r\nX: y"},
		"a name twice":     {Name: "REPORT-zh-CN.pdf", Type: "application/pdf"},
	} {
		m := report()
		m.Attachments = append(m.Attachments, a)
		if _, err := p.Prepare(m); notifiers.OutcomeOf(err) != breach.Permanent {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

func TestConfigFaultsAreNamed(t *testing.T) {
	for rule, c := range map[string]struct {
		change func(*portal.HTTPConfig)
		want   string
	}{
		"clear text across a network": {func(c *portal.HTTPConfig) { c.URL = "http://portal.example/" }, "url: "},
		"another format":              {func(c *portal.HTTPConfig) { c.Format = "xml" }, "format: "},
		"no such secret":              {func(c *portal.HTTPConfig) { c.AuthFile = "/nonexistent" }, "auth_file: "},
		"a secret that is no header":  {func(c *portal.HTTPConfig) { c.AuthFile = notifytest.File(t, "Bearer 密码") }, "auth_file: "},
		"a header that is none":       {func(c *portal.HTTPConfig) { c.AuthHeader = "a b" }, "auth_header: "},
		"the number in two places":    {func(c *portal.HTTPConfig) { c.ReceiptHeader = "X-R" }, "receipt_field and receipt_header"},
		"no such authority file":      {func(c *portal.HTTPConfig) { c.CAFile = "/nonexistent" }, "ca_file: "},
		"no time at all":              {func(c *portal.HTTPConfig) { c.Timeout = time.Millisecond }, "timeout: "},
		"no room at all":              {func(c *portal.HTTPConfig) { c.MaxBytes = 1 }, "max_bytes: "},
	} {
		t.Run(rule, func(t *testing.T) {
			cfg := config("http://127.0.0.1:1/")
			c.change(&cfg)
			if _, err := portal.NewHTTP(cfg, notifytest.Now); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that names %q", err, c.want)
			}
		})
	}
}

func TestSecretStaysOutOfErrors(t *testing.T) {
	cfg := config("http://127.0.0.1:1/")
	cfg.AuthFile = notifytest.File(t, "Bearer portal-canary-token")
	w, err := newHTTP(t, cfg).Prepare(report())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = newHTTP(t, cfg).Send(ctx, w)
	if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "canary") {
		t.Errorf("error %v", err)
	}
}
