package attempt_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/notifiers"
	"tocsin/notifiers/internal/attempt"
)

const canary = "canary-in-the-query"

func try(t *testing.T, c *attempt.Client, url string) (attempt.Answer, error) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url+"/?to="+canary, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(t.Context(), "send", req)
}

func newClient(t *testing.T) *attempt.Client {
	c := attempt.New(breach.Chat, 30*time.Second, 2)
	t.Cleanup(c.Close)
	return c
}

// What is known where no whole answer came.
func TestLostAnswers(t *testing.T) {
	for rule, c := range map[string]struct {
		handler http.HandlerFunc
		want    breach.Outcome
	}{
		"connection cut": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, breach.Unknown},
		"cut in mid answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write([]byte("half"))
		}, breach.Unknown},
	} {
		t.Run(rule, func(t *testing.T) {
			var calls atomic.Int32
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { calls.Add(1); c.handler(w, r) }))
			defer s.Close()
			_, err := try(t, newClient(t), s.URL)
			if notifiers.OutcomeOf(err) != c.want || strings.Contains(err.Error(), canary) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if n := calls.Load(); n != 1 {
				t.Errorf("%d requests were made, want one", n)
			}
		})
	}
}

func TestNobodyListensAfterAnIdleConnection(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	c := newClient(t)
	if _, err := try(t, c, s.URL); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := try(t, c, s.URL); notifiers.OutcomeOf(err) == breach.Permanent || err == nil {
		t.Errorf("got %v", err)
	}
	if _, err := try(t, c, s.URL); notifiers.OutcomeOf(err) != breach.Temporary {
		t.Errorf("got %v, want temporary: no connection was had", err)
	}
}

func TestContextEndsWhileTheAnswerIsAwaited(t *testing.T) {
	arrived := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { close(arrived); <-r.Context().Done() }))
	defer s.Close()
	c := newClient(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { <-arrived; cancel() }()
	req, err := http.NewRequest(http.MethodGet, s.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(ctx, "send", req); notifiers.OutcomeOf(err) != breach.Unknown {
		t.Errorf("got %v, want in doubt", err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var calls atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer s.Close()
	c := newClient(t)
	a, err := try(t, c, s.URL)
	if err != nil || a.Status != http.StatusTemporaryRedirect || calls.Load() != 1 {
		t.Errorf("%+v, %v after %d calls", a, err, calls.Load())
	}
	if e := c.StatusFailure("send", a); e.Outcome != breach.Unknown {
		t.Errorf("a redirect is %s", e.Outcome)
	}
}

func TestRetryAfter(t *testing.T) {
	const date = "Sun, 22 Nov 2026 02:00:00 GMT"
	for said, want := range map[string]time.Duration{
		"120": 2 * time.Minute, "0": 0, "": 0, "-5": 0, "soon": 0, "1.5": 0,
		"Sun, 22 Nov 2026 02:05:00 GMT": 5 * time.Minute, // by the other side's clock, whatever ours says
		"Sun, 22 Nov 2026 01:00:00 GMT": 0,
		"Sun, 22 Nov 2099 02:00:00 GMT": 0,
		"86400":                         24 * time.Hour,
		"86401":                         0, // nobody asks that in earnest
		"99999999999999999999":          0,
	} {
		t.Run(said, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", date)
				w.Header().Set("Retry-After", said)
				w.WriteHeader(http.StatusTooManyRequests)
			}))
			defer s.Close()
			c := newClient(t)
			a, err := try(t, c, s.URL)
			if err != nil {
				t.Fatal(err)
			}
			e := c.StatusFailure("send", a)
			if e.Outcome != breach.Temporary || e.After != want || e.Code != "429" {
				t.Errorf("got %+v, want temporary after %s", e, want)
			}
		})
	}
}

func TestCheckEndpoint(t *testing.T) {
	for endpoint, ok := range map[string]bool{
		"https://provider.example": true, "https://provider.example:8443/v2": true,
		"http://127.0.0.1:8080/sms": true, "http://localhost:8080": true, "http://[::1]:8080": true,
		"http://provider.example": false, "ftp://127.0.0.1": false, "https://": false, "": false,
		"https://user:secret@provider.example": false, "https://provider.example/?key=secret": false,
	} {
		err := attempt.CheckEndpoint("endpoint", endpoint)
		if (err == nil) != ok {
			t.Errorf("%q: %v", endpoint, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
}
