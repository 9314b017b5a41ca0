package email_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"tocsin/internal/breach"
	"tocsin/notifiers"
	"tocsin/notifiers/notifytest"
)

// slowRelay reads the head of a message and then no more until told, so that the rest of it is stuck in the sender.
type slowRelay struct {
	net.Listener
	inBody chan struct{} // closed when the message has begun
	goOn   chan struct{} // close it, and the relay reads the rest
	rest   chan []byte   // everything after the head
}

func startSlowRelay(t *testing.T) *slowRelay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	r := &slowRelay{Listener: l, inBody: make(chan struct{}), goOn: make(chan struct{}), rest: make(chan []byte, 1)}
	go r.serve()
	return r
}

func (r *slowRelay) serve() {
	c, err := r.Accept()
	if err != nil {
		return
	}
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	say := func(s string) { _, _ = io.WriteString(c, s+"\r\n") }
	say("220 slow")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if !strings.HasPrefix(line, "DATA") {
			say("250 ok")
			continue
		}
		say("354 go on")
		_, _ = in.Discard(512)
		close(r.inBody)
		<-r.goOn
		rest, _ := io.ReadAll(in)
		r.rest <- rest
		return
	}
}

// A mail that is given up half way must never look finished to the relay: no final dot, and no QUIT, which go-mail's
// writer would precede with one.
func TestHalfAMailIsNeverFinished(t *testing.T) {
	relay := startSlowRelay(t)
	cfg := config(t, relay.Addr().String())
	cfg.MaxBytes = 64 << 20
	s := newSMTP(t, cfg)
	m := notifytest.Message(1, address(1))
	m.Attachments = []notifiers.Attachment{{Name: "report.pdf", Type: "application/pdf", Bytes: make([]byte, 16<<20)}}
	w, err := s.Prepare(m)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := s.Send(ctx, w); done <- err }()
	<-relay.inBody
	cancel()
	if got := notifiers.OutcomeOf(<-done); got != breach.Temporary {
		t.Errorf("outcome %s, want temporary: the dot was not sent", got)
	}
	close(relay.goOn)
	rest := <-relay.rest
	if len(rest) >= len(w.Body) {
		t.Fatalf("the relay read all %d bytes; the test proves nothing", len(rest))
	}
	if bytes.Contains(rest, []byte("\r\n.\r\n")) || bytes.Contains(rest, []byte("QUIT")) {
		t.Error("the relay saw the end of a mail that was cut off")
	}
}
