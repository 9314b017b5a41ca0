package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// scripted answers the same path with one thing after another.
func scripted(t *testing.T, steps ...func(http.ResponseWriter)) *client {
	t.Helper()
	var n atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		steps[min(int(n.Add(1)), len(steps))-1](w)
	}))
	server.Config.SetKeepAlivesEnabled(false) // a client asks again by itself where an old connection breaks
	t.Cleanup(server.Close)
	return &client{base: server.URL, token: "x", http: server.Client()}
}

func viewIn(phase breach.Phase, left time.Duration) func(http.ResponseWriter) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	due := now.Add(left)
	v := api.IncidentView{
		Incident: store.Incident{ID: "INC-2026-0001", Title: "synthetic", Phase: phase}, Now: now, Assessed: true,
		Obligations: []store.Obligation{{Key: "r", Owed: breach.IsOwed, Status: store.ObligationOpen, DueAt: &due, Result: breach.Obligation{Title: breach.Text{ZH: "报告", EN: "Report"}}}},
		Tally:       breach.Tally{Affected: 2, Told: 2},
	}
	return func(w http.ResponseWriter) { _ = json.NewEncoder(w).Encode(v) }
}

func broken(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

func TestWatchCountsDownAndEndsWhenClosed(t *testing.T) {
	var out bytes.Buffer
	tick := make(chan time.Time, 10)
	for range 10 {
		tick <- time.Time{}
	}
	w := watcher{
		client: scripted(t, viewIn(breach.PhaseResponding, 90*time.Minute), broken, viewIn(breach.PhaseNotifying, -time.Minute), viewIn(breach.PhaseClosed, -time.Hour)),
		id:     "INC-2026-0001", out: &out, lang: breach.English, tick: tick, height: func() int { return 12 },
	}
	if err := w.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	frames := strings.Split(out.String(), home)
	if len(frames) != 5 || frames[0] != clearAll {
		t.Fatalf("%d frames: %q", len(frames), frames)
	}
	for i, words := range [][]string{
		{"Phase: responding", "01:30:00"},
		{"The connection is lost; trying again.", "Phase: responding"},
		{"Phase: notifying", "late by 00:01:00"},
		{"Phase: closed"},
	} {
		for _, word := range words {
			if !strings.Contains(frames[i+1], word) {
				t.Errorf("frame %d does not say %q: %s", i+1, word, frames[i+1])
			}
		}
	}
	for _, frame := range frames[1:] {
		if n := strings.Count(frame, "\n"); n > 11 {
			t.Errorf("a frame has %d lines, the terminal 12: %s", n, frame)
		}
	}
	if len(tick) != 7 {
		t.Errorf("%d ticks are left", len(tick))
	}
}

func TestWatchEndsWhereTheAPIRefusesOrIsNotThere(t *testing.T) {
	refusal := func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusNotFound)
		_ = json.NewEncoder(w).Encode(api.Problem{Detail: "It does not exist."})
	}
	for name, step := range map[string]func(http.ResponseWriter){"refused": refusal, "away": broken} {
		var out bytes.Buffer
		w := watcher{client: scripted(t, step), id: "INC-2026-0001", out: &out}
		if err := w.run(t.Context()); err == nil || out.Len() > 0 {
			t.Errorf("%s: %v, %q", name, err, out.String())
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := watcher{client: scripted(t, broken), id: "INC-2026-0001", out: io.Discard}
	if err := w.run(ctx); err != nil {
		t.Errorf("an interrupt is no failure: %v", err)
	}
}

func TestLeft(t *testing.T) {
	p := newPage(io.Discard, breach.Chinese)
	for in, want := range map[time.Duration]string{
		0:                                     "00:00:00",
		59*time.Second + 999*time.Millisecond: "00:00:59",
		26*time.Hour + 3*time.Minute:          "1 天 02:03:00",
		-61 * time.Minute:                     "已超期 01:01:00",
	} {
		if got := p.left(in); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

// A person is shown what they decide on, and only the whole word decides.
func TestConfirm(t *testing.T) {
	v := api.DocumentView{
		Document: store.Document{ID: "d", IncidentID: "INC-2026-0001", Kind: breach.DocFiling, Subject: "rule/authority", Version: 3, Author: "li.wei"},
		Content:  breach.Content{Renditions: []breach.Rendition{{Language: breach.Chinese, Title: "报告", Text: "全文"}}},
	}
	const hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	for answer, decided := range map[string]bool{"yes\n": true, "yes": true, "y\n": false, "no\n": false, "": false, "yes please\n": false} {
		cmd := &cobra.Command{}
		var asked bytes.Buffer
		cmd.SetIn(strings.NewReader(answer))
		cmd.SetErr(&asked)
		err := decision{verdict: breach.Approved}.confirm(cmd, &viewOptions{lang: "en"}, v, hash)
		if (err == nil) != decided {
			t.Errorf("%q: %v", answer, err)
		}
		for _, word := range []string{hash, "li.wei", "全文", "Version", "Approve all of the above? Type yes: "} {
			if !strings.Contains(asked.String(), word) {
				t.Errorf("the question does not show %q: %s", word, asked.String())
			}
		}
	}
}

// What the API shows as a document's hash must be that of its bytes, or nothing is decided.
func TestADocumentWithAnotherHashIsNotShown(t *testing.T) {
	c := scripted(t,
		func(w http.ResponseWriter) {
			_ = json.NewEncoder(w).Encode(api.DocumentView{Document: store.Document{SHA256: []byte{1, 2}}})
		},
		func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"renditions":[]}`) },
	)
	if _, _, err := c.document(t.Context(), "d"); err == nil || !strings.Contains(err.Error(), "do not decide on it") {
		t.Errorf("error %v", err)
	}
}

func TestAnAnswerThatIsNotTocsins(t *testing.T) {
	page := func(status int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<html>secret</html>")
		}
	}
	for _, status := range []int{200, 404, 502} {
		var v api.IncidentView
		err := scripted(t, page(status)).get(t.Context(), "/", &v)
		if err == nil || !strings.Contains(err.Error(), "is api.url right?") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// What has begun when the server is asked to end is ended.
func TestListenLetsRequestsEnd(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	inside, answer := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(inside)
		<-answer
		_, _ = io.WriteString(w, "done")
	})
	address, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- listen(ctx, "127.0.0.1:0", h, slog.New(slog.DiscardHandler), func(a net.Addr) { address <- a.String() })
	}()
	where := <-address
	got := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + where)
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		got <- string(b)
	}()
	<-inside
	stop()
	close(answer)
	if s := <-got; s != "done" {
		t.Errorf("the request that had begun: %s", s)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := listen(t.Context(), "256.0.0.1:0", h, slog.New(slog.DiscardHandler), nil); err == nil || !strings.Contains(err.Error(), "nothing can listen at") {
		t.Errorf("an address that is none: %v", err)
	}
}
