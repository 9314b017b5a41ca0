package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tocsin/internal/breach"
)

// A panic of one request is its own: the caller gets a number, the log no value.
func TestAPanicIsAnAnswer(t *testing.T) {
	var log bytes.Buffer
	s := &server{Options: Options{Now: time.Now, Log: slog.New(slog.NewJSONHandler(&log, nil))}, count: newCounters(prometheus.NewRegistry())}
	route := Route{Method: "GET", Pattern: "/x", Public: true, time: time.Second, do: func(*server, *call) error { panic("张三") }}
	rec := httptest.NewRecorder()
	s.serve(rec, httptest.NewRequest(http.MethodGet, "/x", nil), route)
	var p Problem
	if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil || rec.Code != 500 || p.Code != "our_fault" || p.RequestID == "" {
		t.Errorf("answer %d %s", rec.Code, rec.Body)
	}
	if strings.Contains(log.String(), "张三") || !strings.Contains(log.String(), p.RequestID) {
		t.Errorf("log %s", log.String())
	}
}

func TestARowThatSaysNotWhoMayIsRefused(t *testing.T) {
	ok := Route{Method: "GET", Pattern: "/x", Does: "x", Roles: []breach.Role{breach.RoleLead}, do: index}
	if !ok.complete() {
		t.Fatal("a complete row is refused")
	}
	for name, change := range map[string]func(*Route){
		"nobody":                func(r *Route) { r.Roles = nil },
		"public and a role":     func(r *Route) { r.Public = true },
		"no handler":            func(r *Route) { r.do = nil },
		"says not what it does": func(r *Route) { r.Does = "" },
	} {
		r := ok
		change(&r)
		if r.complete() {
			t.Errorf("%s: taken for complete", name)
		}
	}
}

func TestTheLimiterForgetsTheIdleAndStaysBounded(t *testing.T) {
	l := newLimiter(1, 2)
	now := time.Unix(1_000_000, 0)
	for i := range maxKeys + 100 {
		l.allow(string(rune(0x4e00+i)), now)
	}
	if len(l.keys) > maxKeys+1 {
		t.Errorf("%d keys held", len(l.keys))
	}
	if l.allow("new", now) { // shares one allowance with the other late-comers
		t.Error("a late-comer was not bounded")
	}
	if now = now.Add(time.Minute); !l.allow("new", now) || len(l.keys) > 2 {
		t.Errorf("a minute later %d keys are held", len(l.keys))
	}
}

func TestOnlySoManyFilesAreReadAtOnce(t *testing.T) {
	s := &server{uploads: make(chan struct{}, 1)}
	s.uploads <- struct{}{}
	r := httptest.NewRequest(http.MethodPost, "/v1/incidents/INC-2026-0001/people", strings.NewReader("name,email\n"))
	r.SetPathValue("id", "INC-2026-0001")
	r.Header.Set("Content-Type", "text/csv")
	rec := httptest.NewRecorder()
	err := importPeople(s, &call{w: &response{ResponseWriter: rec}, r: r})
	var p *Problem
	if !errors.As(err, &p) || p.Status != http.StatusTooManyRequests || rec.Header().Get("Retry-After") == "" {
		t.Errorf("error %v", err)
	}
}

func TestSentence(t *testing.T) {
	for in, want := range map[string]string{
		"the hash is wrong":            "The hash is wrong.",
		"people.total must be a count": "people.total must be a count.",
		"facts: must be an object":     "facts: must be an object.",
		"cn-cac-other/cac has ended":   "cn-cac-other/cac has ended.",
		"cn-ndsr-notify has ended":     "cn-ndsr-notify has ended.",
		"INC-2026-0001 was closed":     "INC-2026-0001 was closed.",
		"did you mean that?":           "Did you mean that?",
		"":                             "",
	} {
		if got := sentence(in); got != want {
			t.Errorf("%q gives %q", in, got)
		}
	}
}
