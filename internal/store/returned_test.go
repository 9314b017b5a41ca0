package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

var returnPolicy = store.ReturnPolicy{RetryFull: time.Hour, HoldDomain: time.Hour, MaxTries: 3, HeldTask: store.Task{Kind: breach.TaskFinding, OwnerRole: breach.RoleLead}}

func accepted(w store.Work) store.Result {
	return store.Result{Contact: w.Contact, State: breach.DeliveryAccepted, Code: "250"}
}

// everybodyTold sends a notice to people by one channel, all of it taken over, and returns the deliveries by address.
func everybodyTold(t testing.TB, s *store.Store, id breach.IncidentID, channel breach.Channel) map[string]breach.DeliveryID {
	t.Helper()
	found := map[string]breach.DeliveryID{}
	sendShard(t, s, id, 0, channel, func(w store.Work) store.Result {
		found[w.To] = w.Delivery
		return accepted(w)
	})
	return found
}

func came(t testing.TB, s *store.Store, id breach.DeliveryID, kind breach.ReturnKind, class breach.BounceClass, raw string) {
	t.Helper()
	if err := s.TakeReturned(t.Context(), store.Returned{Delivery: id, Kind: kind, Class: class, Status: "5.1.1", How: "address", Raw: []byte(raw)}); err != nil {
		t.Fatal(err)
	}
}

func fold(t testing.TB, s *store.Store) {
	t.Helper()
	if _, err := s.FoldReturned(t.Context(), returnPolicy, 100); err != nil {
		t.Fatal(err)
	}
}

func tally(t testing.TB, s *store.Store, id breach.IncidentID) breach.Tally {
	t.Helper()
	got, err := s.FoldPeople(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// What came back decides about the one person, by its kind and class; the other is told all the while.
func TestWhatComesBackReopensTheLadder(t *testing.T) {
	for rule, c := range map[string]struct {
		kind  breach.ReturnKind
		class breach.BounceClass
		phone string
		want  breach.Tally
	}{
		"no such mailbox, a phone is on file":  {breach.ReturnFailed, breach.BounceHard, "+8613800000001", breach.Tally{Affected: 2, Told: 1, Open: 1}},
		"no such mailbox, nothing else":        {breach.ReturnFailed, breach.BounceHard, "", breach.Tally{Affected: 2, Told: 1, Missed: 1}},
		"the relay's queue gave up":            {breach.ReturnFailed, breach.BounceExpired, "", breach.Tally{Affected: 2, Told: 1, Missed: 1}},
		"a full mailbox is tried again":        {breach.ReturnFailed, breach.BounceFull, "", breach.Tally{Affected: 2, Told: 1, Open: 1}},
		"the domain refuses us: later again":   {breach.ReturnFailed, breach.BouncePolicy, "", breach.Tally{Affected: 2, Told: 1, Open: 1}},
		"a complaint was delivered":            {breach.ReturnComplaint, "", "", breach.Tally{Affected: 2, Told: 2}},
		"delayed is not failed":                {breach.ReturnDelayed, "", "", breach.Tally{Affected: 2, Told: 2}},
		"delivered":                            {breach.ReturnDelivered, "", "", breach.Tally{Affected: 2, Told: 2}},
		"a machine that answers for a person":  {breach.ReturnAutoReply, "", "", breach.Tally{Affected: 2, Told: 2}},
		"something that nobody can make sense": {breach.ReturnUnclear, "", "", breach.Tally{Affected: 2, Told: 2}},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			id := openIncident(t, s)
			importPeople(t, s, id, adult("甲", "a@example.com", c.phone), adult("乙", "b@example.net", ""))
			freeze(t, s, id, 10)
			sent := everybodyTold(t, s, id, breach.Email)
			came(t, s, sent["a@example.com"], c.kind, c.class, "first")
			came(t, s, sent["a@example.com"], c.kind, c.class, "first") // a second copy
			fold(t, s)
			came(t, s, sent["a@example.com"], c.kind, c.class, "second, and late")
			fold(t, s)
			if got := tally(t, s, id); got != c.want {
				t.Errorf("the people are %+v, want %+v", got, c.want)
			}
			if held, err := s.Holds(t.Context(), id); err != nil || len(held) != 0 {
				t.Errorf("one recipient's report holds a domain: %v, %v", held, err)
			}
			if _, err := s.VerifyJournal(t.Context(), id); err != nil {
				t.Error(err)
			}
		})
	}
}

// A domain is held when several of its recipients were refused by policy. One of them, by reports real or forged, holds nobody else.
func TestADomainIsHeldBySeveral(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	importPeople(t, s, id, adult("甲", "a@example.com", ""), adult("乙", "b@example.com", ""), adult("丙", "c@example.com", ""), adult("丁", "d@example.net", ""))
	freeze(t, s, id, 10)
	sent := everybodyTold(t, s, id, breach.Email)
	holds := func(when string, want int) {
		t.Helper()
		fold(t, s)
		held, err := s.Holds(t.Context(), id)
		if err != nil || len(held) != want || want == 1 && held["example.com"].IsZero() {
			t.Errorf("%s: held %v, %v", when, held, err)
		}
	}
	for _, words := range []string{"one", "two", "three", "four"} {
		came(t, s, sent["a@example.com"], breach.ReturnFailed, breach.BouncePolicy, words)
	}
	holds("four reports about one", 0)
	everybodyTold(t, s, id, breach.Email)
	came(t, s, sent["b@example.com"], breach.ReturnFailed, breach.BouncePolicy, "five")
	came(t, s, sent["d@example.net"], breach.ReturnFailed, breach.BouncePolicy, "six")
	holds("two of one domain, one of another", 0)
	came(t, s, sent["c@example.com"], breach.ReturnFailed, breach.BouncePolicy, "seven")
	holds("three of one domain", 1)
	tasks, err := s.Tasks(t.Context(), id, false)
	if err != nil || len(tasks) != 1 {
		t.Errorf("tasks %v, %v; want one", tasks, err)
	}
}

// Everyone behind a shared address goes on, each on their own ladder.
func TestABounceConcernsEveryoneBehindTheAddress(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	importPeople(t, s, id, adult("甲", "a@example.com", "+8613800000001"), adult("乙", "a@example.com", ""), adult("丙", "c@example.com", "+8613800000003"))
	freeze(t, s, id, 10)
	sent := everybodyTold(t, s, id, breach.Email)
	came(t, s, sent["a@example.com"], breach.ReturnFailed, breach.BounceHard, "x")
	fold(t, s)
	if got, want := tally(t, s, id), (breach.Tally{Affected: 3, Told: 1, Open: 1, Missed: 1}); got != want {
		t.Fatalf("after the bounce: %+v, want %+v", got, want)
	}
	if sent := everybodyTold(t, s, id, breach.SMS); len(sent) != 1 || sent["+8613800000001"] == "" {
		t.Errorf("by SMS: %v", sent)
	}
	if got, want := tally(t, s, id), (breach.Tally{Affected: 3, Told: 2, Missed: 1}); got != want {
		t.Errorf("at the end: %+v, want %+v", got, want)
	}
	came(t, s, sent["a@example.com"], breach.ReturnFailed, breach.BounceHard, "again, after they were told by SMS")
	fold(t, s)
	if got, want := tally(t, s, id), (breach.Tally{Affected: 3, Told: 2, Missed: 1}); got != want {
		t.Errorf("after a late bounce: %+v, want %+v", got, want)
	}
}

// The bounce is faster than the ledger: it waits until the delivery has an outcome.
func TestABounceBeforeTheOutcome(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	importPeople(t, s, id, adult("甲", "a@example.com", ""))
	freeze(t, s, id, 10)
	sendShard(t, s, id, 0, breach.Email, func(w store.Work) store.Result {
		came(t, s, w.Delivery, breach.ReturnFailed, breach.BounceHard, "fast")
		fold(t, s)
		return accepted(w)
	})
	if got := tally(t, s, id); got.Told != 1 {
		t.Fatalf("before the fold: %+v", got)
	}
	for deadline := time.Now().Add(20 * time.Second); tally(t, s, id).Missed != 1; {
		if time.Now().After(deadline) {
			t.Fatalf("the bounce was lost: %+v", tally(t, s, id))
		}
		fold(t, s)
	}
}

// A finished campaign goes on for those who came back, and ends again; a running one does not end over a bounce.
func TestBouncesAndACampaignsEnd(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	importPeople(t, s, id, adult("甲", "a@example.com", "+8613800000001"), adult("乙", "b@example.com", "+8613800000002"))
	freeze(t, s, id, 1)
	var sent []map[string]breach.DeliveryID
	for shard := range 2 {
		m := map[string]breach.DeliveryID{}
		sendShard(t, s, id, shard, breach.Email, func(w store.Work) store.Result { m[w.To] = w.Delivery; return accepted(w) })
		sent = append(sent, m)
	}
	open := func(want ...int) {
		t.Helper()
		shards, err := s.OpenShards(t.Context(), id, 1)
		got := []int{}
		for _, x := range shards {
			got = append(got, x.Shard)
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) && len(got)+len(want) > 0 {
			t.Errorf("open shards %v, want %v, %v", got, want, err)
		}
	}
	open()
	came(t, s, sent[1]["b@example.com"], breach.ReturnFailed, breach.BounceHard, "1")
	fold(t, s)
	open(1)
	if ended, err := s.FinishCampaign(t.Context(), id, 1); err != nil || ended {
		t.Fatalf("a campaign ended over a bounce: %v, %v", ended, err)
	}
	if r, err := s.ReopenCampaign(t.Context(), id, 1); err != nil || r.Open || r.Ended {
		t.Fatalf("a follow-up takes over from a running campaign: %+v, %v", r, err)
	}
	sendShard(t, s, id, 1, breach.SMS, accepted)
	if ended, err := s.FinishCampaign(t.Context(), id, 1); err != nil || !ended {
		t.Fatalf("the campaign did not end: %v", err)
	}
	if r, err := s.ReopenCampaign(t.Context(), id, 1); err != nil || r.Open || !r.Ended {
		t.Fatalf("with nobody waiting: %+v, %v", r, err)
	}
	came(t, s, sent[0]["a@example.com"], breach.ReturnFailed, breach.BounceHard, "2")
	fold(t, s)
	for range 2 { // an activity may be repeated
		if r, err := s.ReopenCampaign(t.Context(), id, 1); err != nil || !r.Open || len(r.Ladder) != 3 {
			t.Fatalf("after a late bounce: %+v, %v", r, err)
		}
	}
	open(0)
	sendShard(t, s, id, 0, breach.SMS, accepted)
	if ended, err := s.FinishCampaign(t.Context(), id, 1); err != nil || !ended {
		t.Fatalf("the follow-up did not end: %v", err)
	}
	if got, want := tally(t, s, id), (breach.Tally{Affected: 2, Told: 2}); got != want {
		t.Errorf("at the end %+v, want %+v", got, want)
	}
	events := map[store.Event]int{}
	if _, err := s.CarryOver(t.Context(), 100, func(_ context.Context, e store.Posted) error { events[e.Event]++; return nil }); err != nil || events[store.Bounced] != 1 {
		t.Errorf("the engine heard %v, %v: two bounces of one campaign that wait are one event", events, err)
	}
}

func TestWhatComesBackForNobody(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	importPeople(t, s, id, adult("甲", "a@example.com", ""))
	freeze(t, s, id, 10)
	for _, unknown := range []breach.DeliveryID{"", "x", "00112233445566778899aabbccddeeff"} {
		err := s.TakeReturned(t.Context(), store.Returned{Delivery: unknown, Kind: breach.ReturnFailed, Class: breach.BounceHard, How: "message id", Raw: []byte("x")})
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%q: %v", unknown, err)
		}
	}
}

// Bounces come from many connections while several processes fold.
func TestManyBouncesAtOnce(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	const people = 60
	var all []store.AffectedPerson
	for i := range people {
		all = append(all, adult(fmt.Sprint("人", i), fmt.Sprintf("p%d@example.com", i), fmt.Sprintf("+86138000%05d", i)))
	}
	importPeople(t, s, id, all...)
	freeze(t, s, id, 1000)
	var wg sync.WaitGroup
	for _, delivery := range everybodyTold(t, s, id, breach.Email) {
		wg.Go(func() {
			for range 2 {
				if err := s.TakeReturned(t.Context(), store.Returned{Delivery: delivery, Kind: breach.ReturnFailed, Class: breach.BounceHard, How: "address", Raw: []byte("x")}); err != nil {
					t.Error(err)
				}
				if _, err := s.FoldReturned(t.Context(), returnPolicy, 7); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for n := 1; n > 0; {
		var err error
		if n, err = s.FoldReturned(t.Context(), returnPolicy, 100); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := tally(t, s, id), (breach.Tally{Affected: people, Open: people}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
