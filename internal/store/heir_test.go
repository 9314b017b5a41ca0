package store_test

import (
	"fmt"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/intent"
	"tocsin/internal/store"
)

// What a holder that died had let go becomes what its log says: each case is one contact.
func TestAnHeirGoesByTheLogOfWhoDied(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	people := make([]store.AffectedPerson, 6)
	for i := range people {
		people[i] = adult(fmt.Sprint("甲", i), fmt.Sprintf("p%d@example.com", i), fmt.Sprintf("+861380000000%d", i))
	}
	importPeople(t, s, id, people...)
	freeze(t, s, id, 100)
	logs, ctx := intent.Dir(t.TempDir()), t.Context()
	began := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	first, err := s.TakeShard(ctx, id, 1, 0, began, logs)
	if err != nil {
		t.Fatal(err)
	}
	work, _, err := s.Claim(ctx, first, breach.Email, 0, 5) // the sixth is not even claimed
	if err != nil || len(work) != 5 {
		t.Fatalf("claimed %d, %v", len(work), err)
	}
	var contacts []int64
	for _, w := range work {
		contacts = append(contacts, w.Contact)
	}
	if err := s.Begin(ctx, first, breach.Email, contacts[:4]); err != nil { // the fifth is claimed only
		t.Fatal(err)
	}
	log, err := logs.Open(first.Named(), first.Fence)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range contacts[1:4] { // the first was let go and never begun
		if err := log.Begin(c, [32]byte{7}); err != nil {
			t.Fatal(err)
		}
	}
	for i, state := range map[int]breach.DeliveryState{2: breach.DeliveryAccepted, 3: breach.DeliveryRejected} { // the second has no end
		if err := log.End(intent.End{Contact: contacts[i], State: string(state), Code: "x", SHA256: []byte{7}}); err != nil {
			t.Fatal(err)
		}
	}
	// What was written before the death is not written again.
	if err := s.Commit(ctx, first, breach.Email, []store.Result{{Contact: contacts[3], State: breach.DeliveryRejected, Attempted: true, Code: "x"}}); err != nil {
		t.Fatal(err)
	}
	heir, err := s.TakeShard(ctx, id, 1, 0, began.Add(time.Minute), logs)
	if err != nil {
		t.Fatal(err)
	}
	want := []store.Delivery{
		{State: breach.DeliveryClaimed},
		{State: breach.DeliveryInDoubt, Tries: 1},
		{State: breach.DeliveryAccepted, Tries: 1, Code: "x"},
		{State: breach.DeliveryRejected, Tries: 1, Code: "x"},
		{State: breach.DeliveryClaimed},
	}
	rows, err := s.Deliveries(ctx, id, "", 10)
	if err != nil || len(rows) != len(want) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, d := range rows {
		if d.State != want[i].State || d.Tries != want[i].Tries || d.Code != want[i].Code {
			t.Errorf("contact %d: %s after %d tries (%q), want %s after %d (%q)", i+1, d.State, d.Tries, d.Code, want[i].State, want[i].Tries, want[i].Code)
		}
	}
	if d := rows[1]; d.DoubtedAt == nil || len(d.WireSHA256) == 0 || d.WireSHA256[0] != 7 {
		t.Errorf("the doubt: %+v", d)
	}
	left, err := s.Unsettled(ctx, heir, breach.Email, 10)
	if err != nil || len(left) != 3 {
		t.Errorf("left to the heir: %d, %v; want the doubt and two that are safe to send", len(left), err)
	}
	if open, err := s.OpenRecipients(ctx, id, 1); err != nil || open != 5 {
		t.Errorf("%d recipients are open, %v; want all but the one who was told", open, err)
	}
	if again, err := logs.Take(heir.Named(), heir.Fence); err != nil || len(again) != 0 {
		t.Errorf("the log is still there: %v, %v", again, err)
	}
}

// A doubt, or a message that waits for another try, is what it was where its next attempt never began.
func TestWhatNeverBeganIsAsItWas(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	importPeople(t, s, id, adult("甲", "a@example.com", ""), adult("乙", "b@example.com", ""))
	freeze(t, s, id, 100)
	logs, ctx := intent.Dir(t.TempDir()), t.Context()
	began := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	hold := func(after time.Duration) store.Lease {
		t.Helper()
		l, err := s.TakeShard(ctx, id, 1, 0, began.Add(after), logs)
		if err != nil {
			t.Fatal(err)
		}
		log, err := logs.Open(l.Named(), l.Fence)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(log.Close)
		return l
	}
	states := func() (got []string) {
		t.Helper()
		rows, err := s.Deliveries(ctx, id, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range rows {
			got = append(got, fmt.Sprint(d.State, " ", d.Tries, " ", d.Resent))
		}
		return got
	}
	l := hold(0)
	work, _, err := s.Claim(ctx, l, breach.Email, 0, 5)
	if err != nil || len(work) != 2 {
		t.Fatalf("claimed %d, %v", len(work), err)
	}
	contacts := []int64{work[0].Contact, work[1].Contact}
	if err := s.Begin(ctx, l, breach.Email, contacts); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(ctx, l, breach.Email, []store.Result{
		{Contact: contacts[0], State: breach.DeliveryInDoubt, Attempted: true},
		{Contact: contacts[1], State: breach.DeliveryTemporary, Attempted: true, Code: "451", Again: time.Nanosecond},
	}); err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprint(states())
	if before != "[in_doubt 1 false temporary 1 false]" {
		t.Fatalf("at first: %s", before)
	}
	if err := s.Begin(ctx, l, breach.Email, contacts); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(ctx, l, breach.Email, []store.Result{{Contact: contacts[0], State: breach.DeliveryClaimed}, {Contact: contacts[1], State: breach.DeliveryClaimed}}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(states()); got != before {
		t.Errorf("taken back by the holder: %s, want %s", got, before)
	}
	if err := s.Begin(ctx, l, breach.Email, contacts); err != nil {
		t.Fatal(err)
	}
	l = hold(time.Minute)
	if got := fmt.Sprint(states()); got != before {
		t.Errorf("with an heir that has the log: %s, want %s", got, before)
	}
	left, err := s.Unsettled(ctx, l, breach.Email, 10)
	if err != nil || len(left) != 2 {
		t.Fatalf("left to the heir: %+v, %v", left, err)
	}
	if err := s.Begin(ctx, l, breach.Email, contacts); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(ctx, l, breach.Email, []store.Result{{Contact: contacts[0], State: breach.DeliveryAccepted, Attempted: true}}); err != nil {
		t.Fatal(err)
	}
	// Without the log nobody knows whether the other has left.
	if _, err := s.TakeShard(ctx, id, 1, 0, began.Add(2*time.Minute), intent.Dir(t.TempDir())); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(states()); got != "[accepted 2 true in_doubt 2 false]" {
		t.Errorf("with an heir elsewhere: %s", got)
	}
}
