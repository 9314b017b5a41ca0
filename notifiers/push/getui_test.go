package push_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/notifiers"
	"tocsin/notifiers/notifytest"
	"tocsin/notifiers/push"
)

func prepare(t *testing.T, g *push.Getui, n int) notifiers.Wire {
	t.Helper()
	w, err := g.Prepare(notifytest.Message(n, address(n)))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// The verdict over the provider's documented codes.
func TestOutcomeByCode(t *testing.T) {
	for code, c := range map[string]struct {
		want    breach.Outcome
		after   time.Duration
		against notifiers.Against
	}{
		"20001":            {breach.Permanent, 0, ""}, // target user is invalid
		"successed_ignore": {breach.Permanent, 0, ""}, // not seen for 90 days
		"10002":            {breach.Temporary, 0, notifiers.Us},
		"10003":            {breach.Temporary, time.Minute, ""},
		"10005":            {breach.Temporary, time.Minute, ""},
		"30009":            {breach.Temporary, 0, ""},           // our daily quota
		"400":              {breach.Temporary, 0, notifiers.Us}, // of a gateway before the provider
		"429":              {breach.Temporary, 0, ""},
		"503":              {breach.Temporary, 0, ""},
		"500":              {breach.Unknown, 0, ""},
		"5000":             {breach.Unknown, 0, ""},
	} {
		t.Run(code, func(t *testing.T) {
			in := notifytest.StartInbox(t, inbox.Options{})
			g := newGetui(t, config(t, in))
			if err := in.SetFaults(inbox.Fault{To: "*", Do: inbox.Refuse, Code: code}); err != nil {
				t.Fatal(err)
			}
			_, err := g.Send(t.Context(), prepare(t, g, 1))
			if e, ok := errors.AsType[*notifiers.Error](err); !ok || e.Outcome != c.want || e.Code != code || e.After != c.after || e.Against != c.against {
				t.Errorf("got %#v, want %s (code %s) after %s, against %q", err, c.want, code, c.after, c.against)
			}
		})
	}
}

func TestSuccessWithAnErrorsStatusIsInDoubt(t *testing.T) {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/auth") {
			_, _ = w.Write([]byte(`{"code":0,"data":{"token":"t","expire_time":"99999999999999"}}`))
			return
		}
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write([]byte(`{"code":0,"data":{}}`))
	}))
	defer provider.Close()
	cfg := config(t, notifytest.StartInbox(t, inbox.Options{}))
	cfg.Endpoint = provider.URL
	g := newGetui(t, cfg)
	if _, err := g.Send(t.Context(), prepare(t, g, 1)); err == nil || notifiers.OutcomeOf(err) != breach.Unknown {
		t.Errorf("got %v, want in doubt", err)
	}
}

func TestTokenIsRenewedWhenTheProviderForgetsIt(t *testing.T) {
	in := notifytest.StartInbox(t, inbox.Options{})
	g := newGetui(t, config(t, in))
	for n := range 3 {
		if _, err := g.Send(t.Context(), prepare(t, g, n)); err != nil {
			t.Fatal(err)
		}
		in.ExpirePushTokens()
	}
	if n := in.Count(inbox.Filter{}); n != 3 {
		t.Errorf("%d messages arrived, want 3", n)
	}
}

func TestTokenIsRenewedBeforeItsEnd(t *testing.T) {
	now := notifytest.Now()
	clock := func() time.Time { return now }
	in := notifytest.StartInbox(t, inbox.Options{Now: clock})
	g, err := push.NewGetui(config(t, in), clock)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.Close() }()
	for n := range 3 {
		if _, err := g.Send(t.Context(), prepare(t, g, n)); err != nil {
			t.Fatal(err)
		}
		now = now.Add(25 * time.Hour)
	}
}

func TestSigningInFailsBeforeAnythingLeft(t *testing.T) {
	in := notifytest.StartInbox(t, inbox.Options{})
	for rule, change := range map[string]func(*push.GetuiConfig){
		"wrong master secret": func(c *push.GetuiConfig) { c.MasterSecretFile = notifytest.File(t, "other") },
		"wrong application":   func(c *push.GetuiConfig) { c.AppID = "other" },
	} {
		t.Run(rule, func(t *testing.T) {
			cfg := config(t, in)
			change(&cfg)
			g := newGetui(t, cfg)
			_, err := g.Send(t.Context(), prepare(t, g, 1))
			if e, ok := errors.AsType[*notifiers.Error](err); !ok || e.Doing != "authenticate" || e.Outcome != breach.Temporary || e.Against != notifiers.Us {
				t.Errorf("got %#v, want authenticate: temporary, against us", err)
			}
		})
	}
}

func TestRepetitionIsDeliveredOnce(t *testing.T) {
	in := notifytest.StartInbox(t, inbox.Options{})
	g := newGetui(t, config(t, in))
	w := prepare(t, g, 1)
	first, err := g.Send(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	second, err := g.Send(t.Context(), w)
	if err != nil || second.Reference != first.Reference {
		t.Errorf("repeated: %+v, %v; want the reference %s again", second, err, first.Reference)
	}
	if c := in.Counts()[inbox.ChannelPush]; c.Received != 1 || c.Repeated != 1 {
		t.Errorf("%+v; want one received, one repeated", c)
	}
}

func TestUnfitTextIsRefused(t *testing.T) {
	in := notifytest.StartInbox(t, inbox.Options{})
	g := newGetui(t, config(t, in))
	for rule, change := range map[string]func(*notifiers.Message){
		"title too long": func(m *notifiers.Message) { m.Subject = strings.Repeat("长", 51) },
		"no title":       func(m *notifiers.Message) { m.Subject = "" },
		"text too long":  func(m *notifiers.Message) { m.Text = strings.Repeat("长", 257) },
		"no text":        func(m *notifiers.Message) { m.Text = "" },
	} {
		t.Run(rule, func(t *testing.T) {
			m := notifytest.Message(1, address(1))
			change(&m)
			if _, err := g.Prepare(m); notifiers.OutcomeOf(err) != breach.Permanent {
				t.Errorf("got %v, want a permanent error", err)
			}
		})
	}
}

func TestBody(t *testing.T) {
	in := notifytest.StartInbox(t, inbox.Options{})
	g := newGetui(t, config(t, in))
	m := notifytest.Message(1, address(1))
	m.Subject, m.Text = "安全提醒 <1>", "请打开应用查看。"
	w, err := g.Prepare(m)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"request_id":"` + string(m.ID) + `","settings":{"ttl":259200000},"audience":{"cid":["` + m.To + `"]},` +
		`"push_message":{"notification":{"title":"安全提醒 <1>","body":"请打开应用查看。","click_type":"startapp"}},` +
		`"push_channel":{"android":{"ups":{"notification":{"title":"安全提醒 <1>","body":"请打开应用查看。","click_type":"startapp"}}},` +
		`"ios":{"type":"notify","aps":{"alert":{"title":"安全提醒 <1>","body":"请打开应用查看。"}}}}}`
	if string(w.Body) != want {
		t.Errorf("got  %s\nwant %s", w.Body, want)
	}
}
