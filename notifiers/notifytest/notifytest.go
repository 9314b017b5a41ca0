// Package notifytest is the suite that every provider passes, against the local inbox on real sockets: one attempt only, the
// context obeyed, each outcome told truly, the id carried outward, the same bytes each time, and no address or text in any
// error or log.
package notifytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/notifiers"
)

// Case describes a provider to the suite.
type Case struct {
	New     func(t *testing.T, in *inbox.Inbox) notifiers.Notifier // wired to in
	Address func(n int) string                                     // the n-th valid address; differs for each n
	Unfit   []string                                               // addresses that Prepare must refuse
	Cut     breach.Outcome                                         // what a connection cut before anything was stored comes to
	Needles func(m notifiers.Message) []string                     // what of m must be readable at the other side
}

// Now is the clock of the suite: 2026-11-22 02:00 UTC, and it stands still.
func Now() time.Time { return time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC) }

// limit ends a test that hangs; no test waits for it.
const limit = 30 * time.Second

// Message returns the n-th message to an address. Its words are canaries: they may be on the wire and nowhere else.
func Message(n int, to string) notifiers.Message {
	return notifiers.Message{
		ID: breach.DeliveryID(fmt.Sprintf("%032x", 0xc0ffee000000+n)), To: to, Language: breach.Chinese, Date: Now(),
		Subject:   "金丝雀主题关于您的个人信息",
		Text:      "金丝雀正文：您好，王小燕。请您打开我们的官方网站，或拨打热线核实。",
		Variables: map[string]string{"name": "金丝雀王小燕", "number": "TQ7K2M"},
	}
}

// canaries are pieces of a message that no error or log may hold.
func canaries(m notifiers.Message) []string {
	c := []string{m.To, strings.TrimPrefix(m.To, "+86"), m.Subject, m.Text, "金丝雀", "王小燕"}
	if local, _, ok := strings.Cut(m.To, "@"); ok {
		c = append(c, local)
	}
	return c
}

// StartInbox starts an inbox that ends with the test.
func StartInbox(t *testing.T, o inbox.Options) *inbox.Inbox {
	t.Helper()
	if o.Now == nil {
		o.Now = Now
	}
	in, err := inbox.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close() })
	return in
}

// bench is one test's inbox and notifier, and what the notifier may have logged.
type bench struct {
	t  *testing.T
	c  Case
	in *inbox.Inbox
	n  notifiers.Notifier
}

// Run runs the suite.
func Run(t *testing.T, c Case) {
	for _, sub := range []struct {
		rule string
		test func(*bench)
	}{
		{"accepted once, with the id", (*bench).accepted},
		{"same message, same bytes", (*bench).sameBytes},
		{"an unfit address is refused without the network", (*bench).unfit},
		{"refused for good", (*bench).refused},
		{"refused for now", (*bench).deferred},
		{"refused for now, accepted later", (*bench).deferredOnce},
		{"cut before anything was taken", (*bench).cut},
		{"taken, and the answer lost", (*bench).dropped},
		{"context ends while the answer is awaited", (*bench).held},
		{"context has ended before", (*bench).ended},
		{"nobody listens", (*bench).nobody},
		{"many at once, each exactly once", (*bench).many},
	} {
		t.Run(sub.rule, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			logged := captureLogs(t)
			b := &bench{t: t, c: c, in: StartInbox(t, inbox.Options{})}
			b.n = c.New(t, b.in)
			sub.test(b)
			if err := b.n.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			_ = b.in.Close()
			goleak.VerifyNone(t, before)
			b.silent("log", logged.String(), Message(1, c.Address(1)))
		})
	}
}

// syncBuffer may be written to from many goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func captureLogs(t *testing.T) *syncBuffer {
	b := &syncBuffer{}
	oldSlog, oldOut := slog.Default(), log.Writer()
	slog.SetDefault(slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})))
	log.SetOutput(b)
	t.Cleanup(func() { slog.SetDefault(oldSlog); log.SetOutput(oldOut) })
	return b
}

// silent fails where a text holds a canary.
func (b *bench) silent(where, text string, m notifiers.Message) {
	b.t.Helper()
	for _, c := range canaries(m) {
		if c != "" && strings.Contains(text, c) {
			b.t.Errorf("%s holds what only the wire may: %q in %q", where, c, text)
		}
	}
}

func (b *bench) message(n int) notifiers.Message { return Message(n, b.c.Address(n)) }

func (b *bench) prepare(m notifiers.Message) notifiers.Wire {
	b.t.Helper()
	w, err := b.n.Prepare(m)
	if err != nil {
		b.t.Fatalf("prepare: %v", err)
	}
	return w
}

func (b *bench) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	b.t.Cleanup(cancel)
	return ctx
}

func (b *bench) fault(f inbox.Fault) {
	b.t.Helper()
	if err := b.in.SetFaults(f); err != nil {
		b.t.Fatal(err)
	}
}

// fails judges the error of a failed attempt.
func (b *bench) fails(err error, m notifiers.Message, want breach.Outcome) {
	b.t.Helper()
	if err == nil {
		b.t.Fatalf("accepted; want %s", want)
	}
	if _, ok := errors.AsType[*notifiers.Error](err); !ok {
		b.t.Errorf("the error is a %T, not a *notifiers.Error", err)
	}
	if got := notifiers.OutcomeOf(err); got != want {
		b.t.Errorf("outcome %s, want %s (%v)", got, want, err)
	}
	b.silent("error", fmt.Sprintf("%v %+v %#v", err, err, err), m)
}

func (b *bench) stored(want int) {
	b.t.Helper()
	if got := b.in.Count(inbox.Filter{}); got != want {
		b.t.Errorf("%d messages arrived, want %d", got, want)
	}
}

func (b *bench) accepted() {
	m := b.message(1)
	r, err := b.n.Send(b.ctx(), b.prepare(m))
	if err != nil {
		b.t.Fatal(err)
	}
	if r.At.IsZero() || r.At.Location() != time.UTC || r.Code < 200 || r.Code > 299 {
		b.t.Errorf("receipt %+v: want an instant in UTC and a code of success", r)
	}
	got := b.in.Messages(inbox.Filter{})
	if len(got) != 1 || got[0].ID != string(m.ID) || got[0].To != m.To || !got[0].Accepted {
		b.t.Fatalf("arrived: %+v; want one, accepted, with the delivery's id and address", got)
	}
	all := got[0].Subject + "\n" + got[0].Text + "\n" + got[0].HTML
	for _, needle := range b.c.Needles(m) {
		if !strings.Contains(all, needle) {
			b.t.Errorf("what arrived lacks %q:\n%s", needle, all)
		}
	}
}

func (b *bench) sameBytes() {
	m := b.message(1)
	one, other := b.prepare(m), b.c.New(b.t, b.in)
	defer func() { _ = other.Close() }()
	two, err := other.Prepare(m)
	if err != nil {
		b.t.Fatal(err)
	}
	if one.SHA256() != two.SHA256() || one.To != two.To || one.ID != m.ID {
		b.t.Errorf("two notifiers made different bytes of one message:\n%s\n\n%s", one.Body, two.Body)
	}
	if b.prepare(b.message(2)).SHA256() == one.SHA256() {
		b.t.Error("two messages gave the same bytes")
	}
}

func (b *bench) unfit() {
	for _, to := range b.c.Unfit {
		m := Message(1, to)
		_, err := b.n.Prepare(m)
		if got := notifiers.OutcomeOf(err); got != breach.Permanent {
			b.t.Errorf("prepare for %q: %s, want %s", to, got, breach.Permanent)
		}
		if err != nil && len(to) > 3 {
			b.silent("error", fmt.Sprintf("%v %#v", err, err), m)
		}
	}
	m := b.message(1)
	m.ID = "not-an-id"
	if _, err := b.n.Prepare(m); notifiers.OutcomeOf(err) != breach.Permanent {
		b.t.Errorf("a delivery id of another form: %v, want a permanent error", err)
	}
}

func (b *bench) refused() {
	m := b.message(1)
	b.fault(inbox.Fault{To: m.To, Do: inbox.Refuse})
	_, err := b.n.Send(b.ctx(), b.prepare(m))
	b.fails(err, m, breach.Permanent)
	b.stored(0)
	if c := b.counts(); c.Refused != 1 {
		b.t.Errorf("%d attempts were refused, want one attempt", c.Refused)
	}
}

func (b *bench) deferred() {
	m := b.message(1)
	b.fault(inbox.Fault{To: m.To, Do: inbox.Defer})
	_, err := b.n.Send(b.ctx(), b.prepare(m))
	b.fails(err, m, breach.Temporary)
	b.stored(0)
	if c := b.counts(); c.Deferred != 1 {
		b.t.Errorf("%d attempts were deferred, want one attempt", c.Deferred)
	}
}

func (b *bench) deferredOnce() {
	m := b.message(1)
	b.fault(inbox.Fault{To: m.To, Do: inbox.Defer, Times: 1})
	w := b.prepare(m)
	_, err := b.n.Send(b.ctx(), w)
	b.fails(err, m, breach.Temporary)
	if _, err := b.n.Send(b.ctx(), w); err != nil {
		b.t.Fatal(err)
	}
	b.stored(1)
}

func (b *bench) cut() {
	m := b.message(1)
	b.fault(inbox.Fault{To: m.To, Do: inbox.Cut})
	_, err := b.n.Send(b.ctx(), b.prepare(m))
	b.fails(err, m, b.c.Cut)
	b.stored(0)
	if c := b.counts(); c.Cut != 1 {
		b.t.Errorf("%d attempts were cut, want one attempt", c.Cut)
	}
}

func (b *bench) dropped() {
	m := b.message(1)
	b.fault(inbox.Fault{To: m.To, Do: inbox.Drop, Times: 1})
	w := b.prepare(m)
	_, err := b.n.Send(b.ctx(), w)
	b.fails(err, m, breach.Unknown)
	b.stored(1)
	b.settle(w)
}

// settle finds out what became of an attempt in doubt, where the provider can.
func (b *bench) settle(w notifiers.Wire) {
	if a, ok := b.n.(notifiers.Asker); ok {
		got, r, err := a.Ask(b.ctx(), w, Now())
		if err != nil || got != breach.Accepted || r.At.IsZero() {
			b.t.Errorf("ask: %s, %+v, %v; want accepted with a receipt", got, r, err)
		}
	}
	if r, ok := b.n.(notifiers.Repeater); ok && r.RepeatWindow() > 0 {
		if _, err := b.n.Send(b.ctx(), w); err != nil {
			b.t.Errorf("repeat: %v", err)
		}
	}
	b.stored(1)
}

func (b *bench) held() {
	m := b.message(1)
	b.fault(inbox.Fault{To: m.To, Do: inbox.Hold})
	ctx, cancel := context.WithCancel(b.ctx())
	defer cancel()
	done := make(chan error, 1)
	w := b.prepare(m)
	go func() { _, err := b.n.Send(ctx, w); done <- err }()
	if err := b.in.AwaitHeld(b.ctx(), 1); err != nil {
		b.t.Fatal(err)
	}
	cancel()
	select {
	case err := <-done:
		b.fails(err, m, breach.Unknown)
	case <-b.ctx().Done():
		b.t.Fatal("Send did not return when its context ended")
	}
	b.stored(1)
	b.in.Release()
}

func (b *bench) ended() {
	m := b.message(1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := b.n.Send(ctx, b.prepare(m))
	b.fails(err, m, breach.Temporary)
	b.stored(0)
}

func (b *bench) nobody() {
	m := b.message(1)
	_ = b.in.Close()
	_, err := b.n.Send(b.ctx(), b.prepare(m))
	b.fails(err, m, breach.Temporary)
}

func (b *bench) many() {
	const senders, each = 16, 12
	var all sync.WaitGroup
	for s := range senders {
		all.Go(func() {
			for i := range each {
				m := b.message(1 + s*each + i)
				w, err := b.n.Prepare(m)
				if err == nil {
					_, err = b.n.Send(b.ctx(), w)
				}
				if err != nil {
					b.t.Errorf("message %d: %v", 1+s*each+i, err)
				}
			}
		})
	}
	all.Wait()
	b.stored(senders * each)
	if c := b.counts(); c.Distinct != senders*each || c.Accepted != senders*each {
		b.t.Errorf("%+v; want %d distinct and accepted", c, senders*each)
	}
}

// counts are the numbers of the one channel in use.
func (b *bench) counts() inbox.Counts {
	for _, c := range b.in.Counts() {
		return c
	}
	return inbox.Counts{}
}

// File writes a secret where a section of the configuration can name it, and returns its path.
func File(t *testing.T, secret string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
