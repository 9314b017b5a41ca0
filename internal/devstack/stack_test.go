package devstack_test

import (
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/internal/devstack"
)

func TestStackRunsEverythingAndLeavesNothing(t *testing.T) {
	var said []string
	s, err := devstack.Start(t.Context(), devstack.Options{
		Dir: filepath.Join(openFolder(t), "stack"), Throwaway: true, SearchAttributes: keys, Now: time.Now,
		Log: func(line string) { said = append(said, line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := connect(t, s.DatabaseURL).Ping(t.Context()); err != nil {
		t.Errorf("the database: %v", err)
	}
	for _, url := range []string{s.TemporalUIURL, s.Inbox.URL()} {
		resp, err := http.Get(url)
		if err != nil {
			t.Error(err)
			continue
		}
		if resp.Body.Close(); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", url, resp.Status)
		}
	}
	if len(said) != 3 {
		t.Errorf("one line for each thing, please: %q", said)
	}
	ui := strings.TrimPrefix(s.TemporalUIURL, "http://")
	addresses := []string{s.TemporalAddress, ui, s.Inbox.SMTPAddr(), strings.TrimPrefix(s.Inbox.URL(), "http://")}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	for _, address := range addresses {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			t.Errorf("%s still answers", address)
		}
	}
}

func TestStackTakesServersFromOutside(t *testing.T) {
	s, err := devstack.Start(t.Context(), devstack.Options{
		Dir: t.TempDir(), DatabaseURL: "postgres://db.example/tocsin", TemporalAddress: "temporal.example:7233", Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if s.Postgres != nil || s.Temporal != nil || s.DatabaseURL != "postgres://db.example/tocsin" {
		t.Errorf("something of ours was started: %+v", s)
	}
}
