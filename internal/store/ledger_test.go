package store_test

import (
	"errors"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// freeze starts a campaign over email, SMS and push for whoever is on file, on an approved notice.
func freeze(t testing.TB, s *store.Store, id breach.IncidentID, size int) {
	t.Helper()
	ladder := []breach.Channel{breach.Email, breach.SMS, breach.Push}
	if _, err := s.AddCampaign(t.Context(), id, 1, "N-"+string(id), ladder); err != nil {
		t.Fatal(err)
	}
	doc, err := s.AddDocument(t.Context(), store.Document{IncidentID: id, Kind: breach.DocNotice, Subject: "notice/1", Author: "on.call", Content: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	approval := store.Decision{Document: doc.ID, SHA256: doc.SHA256, Verdict: breach.Approved, Person: "wang.fang", Role: breach.RoleApprover}
	if _, err := s.Decide(t.Context(), approval); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Freeze(t.Context(), id, 1, doc.ID, size); err != nil {
		t.Fatal(err)
	}
}

func refusal(w store.Work) store.Result {
	return store.Result{Contact: w.Contact, State: breach.DeliveryRejected, Code: "550"}
}

// Two people share a phone. One has nothing else, so the phone is tried first for them and refused; the other comes to it
// later, from a refused mail. Nobody will write to the phone a second time, so both are out of channels.
func TestWhoComesLateToARefusedContactIsMissed(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	importPeople(t, s, id, adult("甲", "a@example.com", "+8613800000001"), adult("乙", "", "+8613800000001"))
	freeze(t, s, id, 1)
	for _, channel := range []breach.Channel{breach.SMS, breach.Email, breach.SMS} {
		for shard := range 2 {
			sendShard(t, s, id, shard, channel, refusal)
		}
	}
	open, err := s.OpenRecipients(t.Context(), id, 1)
	if err != nil {
		t.Fatal(err)
	}
	tally, err := s.FoldPeople(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if want := (breach.Tally{Affected: 2, Missed: 2}); tally != want || open != 0 {
		t.Fatalf("%d recipients are open; tally %+v, want %+v", open, tally, want)
	}
}

// The same for a doubt that nobody will settle any more.
func TestWhoComesLateToAContactInDoubtMovesOn(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	importPeople(t, s, id, adult("甲", "a@example.com", "+8613800000001"), adult("乙", "", "+8613800000001"))
	freeze(t, s, id, 1)
	for _, channel := range []breach.Channel{breach.SMS, breach.Email, breach.SMS} {
		for shard := range 2 {
			sendShard(t, s, id, shard, channel, func(w store.Work) store.Result {
				if channel == breach.Email {
					return refusal(w)
				}
				return store.Result{Contact: w.Contact, State: breach.DeliveryInDoubt, Code: "unsettled", MoveOn: true}
			})
		}
	}
	if open, err := s.OpenRecipients(t.Context(), id, 1); err != nil || open != 0 {
		t.Fatalf("%d recipients are open, %v", open, err)
	}
}

// A process is frozen with an attempt that it has not begun to work on; another attempt takes its place; the process wakes.
func TestAnAttemptThatBeganEarlierDoesNotTakeTheShardBack(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	importPeople(t, s, id, adult("甲", "a@example.com", ""))
	freeze(t, s, id, 1)
	began := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	heir, err := s.TakeShard(t.Context(), id, 1, 0, began.Add(15*time.Second), "")
	if err != nil {
		t.Fatal(err)
	}
	work, _, err := s.Claim(t.Context(), heir, breach.Email, 0, 10)
	if err != nil || len(work) != 1 {
		t.Fatalf("claim: %d, %v", len(work), err)
	}
	if err := s.Begin(t.Context(), heir, breach.Email, []int64{work[0].Contact}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.TakeShard(t.Context(), id, 1, 0, began, ""); !errors.Is(err, store.ErrFenced) {
		t.Fatalf("the earlier attempt: %v", err)
	}
	if err := s.Commit(t.Context(), heir, breach.Email, []store.Result{{Contact: work[0].Contact, State: breach.DeliveryAccepted}}); err != nil {
		t.Fatalf("the heir's outcome: %v", err)
	}
}
