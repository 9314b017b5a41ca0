package activities

import (
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"tocsin/internal/breach"
	"tocsin/internal/devstack/pgtest"
	"tocsin/internal/seal"
	"tocsin/internal/store"
)

func TestSendersShareTheLimits(t *testing.T) {
	s := &Sender{Channels: map[breach.Channel]Outlet{
		breach.Email: {PerSecond: 100, Limiter: NewLimiter(100), PerDestination: 20},
		breach.SMS:   {},
	}}
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	pace := s.paceOf(breach.Email)
	for range 20 {
		if wait := pace.admit("a.example", now); wait > 0 {
			t.Fatalf("a destination alone waits %s", wait)
		}
	}
	for _, c := range []struct {
		senders int
		limit   rate.Limit
		burst   int
		each    float64
	}{{4, 25, 25, 5}, {200, 0.5, 1, 0.1}, {1, 100, 100, 20}} {
		s.share(c.senders)
		l := s.Channels[breach.Email].Limiter
		if l.Limit() != c.limit || l.Burst() != c.burst {
			t.Errorf("%d senders: %v a second, %d at once; want %v and %d", c.senders, l.Limit(), l.Burst(), c.limit, c.burst)
		}
		if known, next := pace.known["a.example"].rate, pace.of("b.example", now).rate; known != c.each || next != c.each {
			t.Errorf("%d senders: a known destination gets %v, a new one %v; want %v", c.senders, known, next, c.each)
		}
	}
	if s.Channels[breach.SMS].Limiter != nil {
		t.Error("a channel without a bound got one")
	}
}

// A destination that asked to be slower keeps the rate that was learnt.
func TestSharingLeavesALearntRateAlone(t *testing.T) {
	p := newPace(100)
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	p.admit("a.example", now)
	for range 5 {
		p.told("a.example", true, now)
	}
	slow := p.known["a.example"].rate
	if slow >= 100 {
		t.Fatalf("it was not slowed down: %v", slow)
	}
	p.share(50)
	if got := p.known["a.example"].rate; got != slow {
		t.Errorf("sharing changed %v to %v", slow, got)
	}
}

// Who has no shard at work takes no part: the others send as fast as the operator allows.
func TestOnlyWhoSendsTakesAPart(t *testing.T) {
	db := openStore(t)
	worker := func(name string) *Sender {
		return &Sender{Name: name, Store: db, Channels: map[breach.Channel]Outlet{breach.Email: {PerSecond: 100, Limiter: NewLimiter(100)}}}
	}
	a, b := worker("a"), worker("b")
	limit := func(s *Sender, want rate.Limit) {
		t.Helper()
		if got := s.Channels[breach.Email].Limiter.Limit(); got != want {
			t.Errorf("%s sends %v a second, want %v", s.Name, got, want)
		}
	}
	enter := func(s *Sender) {
		t.Helper()
		if err := s.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	enter(a)
	b.follow(t.Context())
	limit(a, 100)
	enter(b)
	a.follow(t.Context())
	limit(a, 50)
	limit(b, 50)
	b.leave()
	b.follow(t.Context())
	a.follow(t.Context())
	limit(a, 50) // b may go on with another shard
	b.follow(t.Context())
	a.follow(t.Context())
	limit(a, 100)
	enter(b)
	limit(b, 50)
}

func openStore(t *testing.T) *store.Store {
	t.Helper()
	key := filepath.Join(t.TempDir(), "master.key")
	if err := seal.CreateMasterFile(key); err != nil {
		t.Fatal(err)
	}
	master, err := seal.OpenMasterFile(key)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), pgtest.New(t, store.Migrate), master, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}
