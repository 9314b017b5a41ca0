package inbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/smtp"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tocsin/internal/devstack/inbox"
)

func TestMain(m *testing.M) {
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, "goroutines are left:", err)
		code = 1
	}
	os.Exit(code)
}

func now() time.Time { return time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC) }

func start(t testing.TB) *inbox.Inbox {
	t.Helper()
	in, err := inbox.Start(context.Background(), inbox.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close() })
	return in
}

// mailOf is a mail as a stranger's client may write it.
func mailOf(id, subject, html string) []byte {
	return []byte("From: a@example.com\r\nTo: b@example.net\r\nSubject: " + subject + "\r\nMessage-ID: <" + id + "@example.com>\r\n" +
		"Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n5L2g5aW9\r\n" +
		"--x\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + html + "\r\n--x--\r\n")
}

func deliver(t testing.TB, in *inbox.Inbox, to string, raw []byte) error {
	t.Helper()
	return smtp.SendMail(in.SMTPAddr(), nil, "bounce@example.com", []string{to}, raw)
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func do(t *testing.T, method, url, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

func TestMailIsStoredAndRead(t *testing.T) {
	in := start(t)
	if err := deliver(t, in, "b@example.net", mailOf("id1", "=?utf-8?b?5L2g5aW9?=", "<p>h=C3=A9</p>")); err != nil {
		t.Fatal(err)
	}
	got := in.Messages(inbox.Filter{})
	if len(got) != 1 {
		t.Fatalf("%d messages", len(got))
	}
	m := got[0]
	if m.Seq != 1 || m.Channel != "email" || m.ID != "id1" || m.From != "bounce@example.com" || m.To != "b@example.net" || m.Subject != "你好" ||
		m.Text != "你好" || m.HTML != "<p>hé</p>" || !m.Accepted || !m.ReceivedAt.Equal(now()) || m.Size != len(m.Raw) {
		t.Errorf("read back %+v", m)
	}
}

func TestGreetingSaysWhatThisIs(t *testing.T) {
	in := start(t)
	c, err := smtp.Dial(in.SMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := in.SetFaults(inbox.Fault{To: "*", Do: inbox.Refuse, At: inbox.AtBanner}); err != nil {
		t.Fatal(err)
	}
	if _, err := smtp.Dial(in.SMTPAddr()); err == nil || !strings.Contains(err.Error(), "local stand-in") {
		t.Errorf("greeting: %v", err)
	}
}

func TestFilterAndPages(t *testing.T) {
	in := start(t)
	for i := range 5 {
		if err := deliver(t, in, fmt.Sprintf("p%d@example.net", i%2), mailOf(fmt.Sprint("id", i), "s", "h")); err != nil {
			t.Fatal(err)
		}
	}
	do(t, http.MethodPost, in.TargetEndpoint("firewall"), `{"block":true}`)
	for rule, c := range map[string]struct {
		f    inbox.Filter
		want []int64
	}{
		"all, newest first": {inbox.Filter{}, []int64{6, 5, 4, 3, 2, 1}},
		"one channel":       {inbox.Filter{Channel: "email", Limit: 2}, []int64{5, 4}},
		"the next page":     {inbox.Filter{Channel: "email", Limit: 2, Before: 4}, []int64{3, 2}},
		"one recipient":     {inbox.Filter{To: "p1@example.net"}, []int64{4, 2}},
		"one id":            {inbox.Filter{ID: "id0"}, []int64{1}},
		"none":              {inbox.Filter{Channel: "push"}, nil},
	} {
		t.Run(rule, func(t *testing.T) {
			var got []int64
			for _, m := range in.Messages(c.f) {
				got = append(got, m.Seq)
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) || in.Count(c.f) != len(c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	_, body := get(t, in.URL()+"/api/messages?channel=email&limit=2")
	var page struct {
		Messages []inbox.Message
		Next     int64
	}
	if err := json.Unmarshal([]byte(body), &page); err != nil || len(page.Messages) != 2 || page.Next != 4 || page.Messages[0].Text != "" {
		t.Errorf("page: %s", body)
	}
	if status, body := do(t, http.MethodGet, in.URL()+"/api/messages?channel=fax&before=x&limit=0", ""); status != 400 ||
		!strings.Contains(body, "channel:") || !strings.Contains(body, "before:") || !strings.Contains(body, "limit:") {
		t.Errorf("bad filter: %d %s", status, body)
	}
}

func TestWaitSeesWhatArrives(t *testing.T) {
	in := start(t)
	done := make(chan error, 1)
	go func() { done <- in.Wait(t.Context(), func(ms []inbox.Message) bool { return len(ms) == 3 }) }()
	for i := range 3 {
		if err := deliver(t, in, "b@example.net", mailOf(fmt.Sprint(i), "s", "h")); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := in.Wait(ctx, func([]inbox.Message) bool { return false }); err == nil {
		t.Error("Wait outlived its context")
	}
}

// Whatever a message holds, the page shows it as text and lets nothing of it run.
func TestPagesEscapeAndSandbox(t *testing.T) {
	in := start(t)
	const evil = "<script>alert(1)</script>"
	if err := deliver(t, in, "b@example.net", mailOf("x", evil, evil)); err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"zh-CN", "en"} {
		for _, path := range []string{"/?lang=", "/messages/1?lang="} {
			resp, body := get(t, in.URL()+path+lang)
			if strings.Contains(body, evil) || !strings.Contains(body, "&lt;script&gt;") {
				t.Errorf("%s%s does not escape", path, lang)
			}
			warning := map[string]string{"zh-CN": "仅供本机使用与测试", "en": "For local use and tests"}[lang]
			if !strings.Contains(body, warning) {
				t.Errorf("%s%s does not say what it is", path, lang)
			}
			if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
				t.Errorf("%s: policy %q", path, csp)
			}
		}
	}
	resp, body := get(t, in.URL()+"/messages/1/html")
	if !strings.Contains(body, evil) || !strings.HasPrefix(resp.Header.Get("Content-Security-Policy"), "sandbox;") {
		t.Errorf("the HTML part is not in a sandbox: %v", resp.Header)
	}
	if resp, _ := get(t, in.URL()+"/messages/2"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("a message that is not there: %d", resp.StatusCode)
	}
}

func TestFaultsOverHTTP(t *testing.T) {
	in := start(t)
	status, body := do(t, http.MethodPut, in.URL()+"/api/faults", `{"faults":[{"channel":"email","to":"*@example.net","do":"refuse","code":"552","times":1}]}`)
	if status != 200 || !strings.Contains(body, `"552"`) {
		t.Fatalf("put: %d %s", status, body)
	}
	if err := deliver(t, in, "b@example.net", mailOf("x", "s", "h")); err == nil || !strings.Contains(err.Error(), "552") {
		t.Errorf("the rule was not applied: %v", err)
	}
	if err := deliver(t, in, "b@example.net", mailOf("x", "s", "h")); err != nil {
		t.Errorf("the rule was applied twice: %v", err)
	}
	if _, body := get(t, in.URL()+"/api/counts"); !strings.Contains(body, `"refused":1`) || !strings.Contains(body, `"received":1`) {
		t.Errorf("counts: %s", body)
	}
}

func TestBadFaultsAreNamedAndNotTaken(t *testing.T) {
	in := start(t)
	if err := in.SetFaults(inbox.Fault{To: "a@example.net", Do: inbox.Refuse}); err != nil {
		t.Fatal(err)
	}
	for rule, c := range map[string]struct {
		json string
		want string
	}{
		"no recipient":                {`{"do":"refuse"}`, "to is empty"},
		"no such action":              {`{"to":"*","do":"explode"}`, `do \"explode\"`},
		"no such channel":             {`{"to":"*","do":"refuse","channel":"fax"}`, `channel \"fax\"`},
		"recipient not known yet":     {`{"to":"a@example.net","do":"cut","at":"mail"}`, "no recipient is known yet"},
		"refusing in mid message":     {`{"to":"*","do":"refuse","at":"body"}`, "cannot happen"},
		"negative count":              {`{"to":"*","do":"refuse","times":-1}`, "times is -1"},
		"second of two, by its place": {`{"to":"*","do":"refuse"},{"to":"","do":"refuse"}`, "fault 2"},
	} {
		t.Run(rule, func(t *testing.T) {
			status, body := do(t, http.MethodPut, in.URL()+"/api/faults", `{"faults":[`+c.json+`]}`)
			if status != 400 || !strings.Contains(body, c.want) {
				t.Errorf("%d %s, want %q", status, body, c.want)
			}
			if got := in.Faults(); len(got) != 1 || got[0].To != "a@example.net" {
				t.Errorf("rules changed to %+v", got)
			}
		})
	}
}

func TestPatterns(t *testing.T) {
	in := start(t)
	for rule, c := range map[string]struct {
		to, address string
		want        bool
	}{
		"exact":              {"b@example.net", "b@example.net", true},
		"exact, other case":  {"B@Example.net", "b@example.net", true},
		"another address":    {"b@example.net", "ab@example.net", false},
		"domain":             {"*@example.net", "b@example.net", true},
		"another domain":     {"*@example.net", "b@example.com", false},
		"prefix":             {"b*", "bob@example.net", true},
		"in the middle":      {"a*c@*.net", "abc@example.net", true},
		"overlapping pieces": {"ab*ba@example.net", "aba@example.net", false},
		"everyone":           {"*", "b@example.net", true},
	} {
		t.Run(rule, func(t *testing.T) {
			if err := in.SetFaults(inbox.Fault{To: c.to, Do: inbox.Refuse}); err != nil {
				t.Fatal(err)
			}
			if refused := deliver(t, in, c.address, mailOf("x", "s", "h")) != nil; refused != c.want {
				t.Errorf("refused: %v, want %v", refused, c.want)
			}
		})
	}
}

// A page from elsewhere, open in the same browser, must not be able to set rules.
func TestOtherSitesCannotPost(t *testing.T) {
	in := start(t)
	status, _ := do(t, http.MethodPut, in.URL()+"/api/faults", `{"faults":[]}`, "Sec-Fetch-Site", "cross-site")
	if status != http.StatusForbidden {
		t.Errorf("status %d, want 403", status)
	}
}

func TestTargetAnswersAndMisbehaves(t *testing.T) {
	in := start(t)
	status, body := do(t, http.MethodPost, in.TargetEndpoint("firewall"), `{"block":"198.51.100.7"}`, "Idempotency-Key", "step-1")
	if status != 200 || !strings.Contains(body, `"target":"firewall"`) {
		t.Errorf("%d %s", status, body)
	}
	m := in.Messages(inbox.Filter{Channel: inbox.ChannelTarget})
	if len(m) != 1 || m[0].To != "firewall" || m[0].ID != "step-1" || m[0].Text != `{"block":"198.51.100.7"}` || m[0].Subject != "POST /target/firewall" {
		t.Errorf("stored %+v", m)
	}
	if status, body := do(t, http.MethodPost, in.TargetEndpoint("firewall")+"/rules/deny", ""); status != 200 || !strings.Contains(body, `"target":"firewall"`) {
		t.Errorf("below the target's address: %d %s", status, body)
	}
	if err := in.SetFaults(inbox.Fault{Channel: inbox.ChannelTarget, To: "firewall", Do: inbox.Defer, Times: 1}); err != nil {
		t.Fatal(err)
	}
	if status, _ := do(t, http.MethodGet, in.TargetEndpoint("firewall"), ""); status != http.StatusTooManyRequests {
		t.Errorf("deferred with %d", status)
	}
	if status, _ := do(t, http.MethodGet, in.TargetEndpoint("firewall"), ""); status != http.StatusOK {
		t.Errorf("then %d", status)
	}
}

func TestUnsignedSMSIsRefused(t *testing.T) {
	in := start(t)
	for rule, header := range map[string][]string{
		"no signature":      {"x-acs-action", "SendSms"},
		"unknown key":       {"Authorization", "ACS3-HMAC-SHA256 Credential=x,SignedHeaders=host,Signature=00"},
		"nothing signed":    {"Authorization", "ACS3-HMAC-SHA256 Credential=local-access-key,SignedHeaders=host,Signature=00", "x-acs-date", "2026-11-22T02:00:00Z", "x-acs-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		"a time long since": {"Authorization", "ACS3-HMAC-SHA256 Credential=local-access-key,SignedHeaders=host,Signature=00", "x-acs-date", "2026-11-22T01:00:00Z"},
	} {
		t.Run(rule, func(t *testing.T) {
			if status, body := do(t, http.MethodPost, in.SMSEndpoint()+"?PhoneNumbers=13900000001", "", header...); status < 400 || !strings.Contains(body, `"Code"`) {
				t.Errorf("%d %s", status, body)
			}
		})
	}
	if n := in.Count(inbox.Filter{}); n != 0 {
		t.Errorf("%d messages were stored", n)
	}
}

func TestClearForgetsMessagesAndKeepsRules(t *testing.T) {
	in := start(t)
	if err := in.SetFaults(inbox.Fault{To: "x@example.net", Do: inbox.Refuse}); err != nil {
		t.Fatal(err)
	}
	if err := deliver(t, in, "b@example.net", mailOf("x", "s", "h")); err != nil {
		t.Fatal(err)
	}
	if status, _ := do(t, http.MethodDelete, in.URL()+"/api/messages", ""); status != http.StatusNoContent {
		t.Errorf("status %d", status)
	}
	if in.Count(inbox.Filter{}) != 0 || len(in.Counts()) != 0 || len(in.Faults()) != 1 {
		t.Errorf("left: %d messages, %v, %v", in.Count(inbox.Filter{}), in.Counts(), in.Faults())
	}
}

func TestCloseFreesWhoIsHeld(t *testing.T) {
	in := start(t)
	if err := in.SetFaults(inbox.Fault{To: "*", Do: inbox.Hold}); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = deliver(t, in, "b@example.net", mailOf("x", "s", "h")) }()
	if err := in.AwaitHeld(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	<-done
}

func TestStartNamesAnAddressThatIsTaken(t *testing.T) {
	in := start(t)
	_, err := inbox.Start(t.Context(), inbox.Options{Now: now, SMTPListen: in.SMTPAddr()})
	if err == nil || !strings.Contains(err.Error(), in.SMTPAddr()) {
		t.Errorf("error %v, want one that names %s", err, in.SMTPAddr())
	}
}

// 50,000 notices of 14 kB each must fit into a laptop's memory beside everything else.
func TestACampaignFitsIntoMemory(t *testing.T) {
	in := start(t)
	c, err := smtp.Dial(in.SMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	body := strings.Repeat("A paragraph of a notice, with words that do not repeat as they stand here: 3.14159, 2.71828.\r\n", 20)
	for i := range 120 {
		body += fmt.Sprintf("Line %d of the notice says %x.\r\n", i, i*2654435761)
	}
	const mails = 2000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range mails {
		raw := fmt.Sprintf("Subject: s\r\nMessage-ID: <%032x@example.com>\r\n\r\nDear person number %d,\r\n%s", i, i*7919, body)
		if err := sendOn(c, fmt.Sprintf("person%d@example.net", i), raw); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / mails
	t.Logf("%d bytes for each mail of %d", each, len(body))
	if each > 2500 {
		t.Errorf("%d bytes for each mail; 50,000 would take %d MB", each, each*50_000>>20)
	}
}

func sendOn(c *smtp.Client, to, raw string) error {
	if err := c.Mail("bounce@example.com"); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, raw); err != nil {
		return err
	}
	return w.Close()
}
