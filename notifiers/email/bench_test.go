package email_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"tocsin/internal/devstack/inbox"
	"tocsin/notifiers"
	"tocsin/notifiers/notifytest"
)

// notice is about as long as a notice in one language: 13 kB on the wire.
func notice(n int) notifiers.Message {
	m := notifytest.Message(n, address(n))
	m.Text = strings.Repeat(m.Text+"\n", 25)
	m.HTML = "<!doctype html><html><body><p>" + strings.Repeat(m.Text, 1) + "</p></body></html>"
	return m
}

func BenchmarkPrepare(b *testing.B) {
	s := newSMTP(b, config(b, "127.0.0.1:25"))
	for n := 0; b.Loop(); n++ {
		w, err := s.Prepare(notice(n))
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(w.Body)))
	}
}

func BenchmarkSend(b *testing.B) {
	in, err := inbox.Start(b.Context(), inbox.Options{Now: notifytest.Now})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	s := newSMTP(b, config(b, in.SMTPAddr()))
	w, err := s.Prepare(notice(1))
	if err != nil {
		b.Fatal(err)
	}
	var failed atomic.Int64
	b.SetParallelism(5)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Send(b.Context(), w); err != nil {
				failed.Add(1)
			}
		}
	})
	if failed.Load() > 0 {
		b.Fatalf("%d mails failed", failed.Load())
	}
}
