package store_test

import (
	"errors"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// What several shards write together is written whole or not at all: one that was lost to another holder stops the others' part,
// which their holder then writes by itself.
func TestAShardThatWasLostStopsWhatIsWrittenTogether(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	importPeople(t, s, id, adult("甲", "a@example.com", ""), adult("乙", "b@example.com", ""))
	freeze(t, s, id, 1)
	began := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	var entries []store.Entry
	for shard := range 2 {
		l, err := s.TakeShard(t.Context(), id, 1, shard, began, "")
		if err != nil {
			t.Fatal(err)
		}
		work, _, err := s.Claim(t.Context(), l, breach.Email, 0, 10)
		if err != nil || len(work) != 1 {
			t.Fatalf("shard %d: claimed %d, %v", shard, len(work), err)
		}
		if err := s.Begin(t.Context(), l, breach.Email, []int64{work[0].Contact}); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, store.Entry{Lease: l, Channel: breach.Email, Results: []store.Result{{Contact: work[0].Contact, State: breach.DeliveryAccepted, Attempted: true}}})
	}
	if _, err := s.TakeShard(t.Context(), id, 1, 1, began.Add(time.Second), ""); err != nil {
		t.Fatal(err)
	}
	if err := s.CommitAll(t.Context(), entries); !errors.Is(err, store.ErrFenced) {
		t.Fatalf("with a lost shard: %v", err)
	}
	states := func() map[breach.DeliveryState]int {
		rows, err := s.Deliveries(t.Context(), id, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		n := map[breach.DeliveryState]int{}
		for _, d := range rows {
			n[d.State]++
		}
		return n
	}
	if n := states(); n[breach.DeliveryIntent] != 1 || n[breach.DeliveryInDoubt] != 1 {
		t.Fatalf("after the refusal: %v, want one intent, and one in doubt with its heir", n)
	}
	if err := s.CommitAll(t.Context(), entries[:1]); err != nil {
		t.Fatalf("the shard that is still held: %v", err)
	}
	if n := states(); n[breach.DeliveryAccepted] != 1 {
		t.Fatalf("then: %v, want one accepted", n)
	}
}
