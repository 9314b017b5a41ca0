package store_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/devstack/pgtest"
	"tocsin/internal/seal"
	"tocsin/internal/store"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// open gives a test a store on a database of its own.
func open(t testing.TB) *store.Store {
	t.Helper()
	s, _ := openAt(t)
	return s
}

// openAt is open, with the database's address.
func openAt(t testing.TB) (*store.Store, string) {
	t.Helper()
	url := pgtest.New(t, store.Migrate)
	key := filepath.Join(t.TempDir(), "master.key")
	if err := seal.CreateMasterFile(key); err != nil {
		t.Fatal(err)
	}
	master, err := seal.OpenMasterFile(key)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), url, master, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, url
}

func openIncident(t testing.TB, s *store.Store) breach.IncidentID {
	t.Helper()
	o, err := s.OpenIncident(t.Context(), store.NewIncident{
		Fingerprint: "test:" + t.Name(), Source: "person", Title: "synthetic leak", By: "on.call", Why: "test",
		Facts: breach.Facts{"kinds": []string{"leak"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return o.Incident
}

func TestAnAlertOfTheSameFingerprintJoins(t *testing.T) {
	s := open(t)
	in := store.NewIncident{Fingerprint: "a", Source: "alertmanager", Title: "x", By: "alerts", Why: "alert", Alert: &breach.Alert{Payload: []byte(`{}`)}}
	first, err := s.OpenIncident(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.OpenIncident(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if first.Incident != second.Incident || first.Joined || !second.Joined || second.Alerts != 2 {
		t.Fatalf("first %+v, second %+v", first, second)
	}
	endEverything(t, s, first.Incident)
	if open, err := s.CloseIncident(t.Context(), first.Incident, agreed(t, s, first.Incident, breach.DocClosure, "closure/1")); err != nil || len(open) > 0 {
		t.Fatal(open, err)
	}
	third, err := s.OpenIncident(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if third.Incident == first.Incident {
		t.Fatal("an alert joined a closed incident")
	}
	if _, err := s.VerifyJournal(t.Context(), first.Incident); err != nil {
		t.Fatal(err)
	}
}

// agreed adds a document that a second person has approved.
func agreed(t testing.TB, s *store.Store, id breach.IncidentID, kind breach.DocumentKind, subject string) breach.DocumentID {
	t.Helper()
	d, err := s.AddDocument(t.Context(), store.Document{IncidentID: id, Kind: kind, Subject: subject, Author: "zhao.min", Content: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Decide(t.Context(), store.Decision{Document: d.ID, SHA256: d.SHA256, Verdict: breach.Approved, Person: "wang.fang", Role: breach.RoleApprover})
	if err != nil {
		t.Fatal(err)
	}
	return d.ID
}

// endEverything answers the newest facts with an assessment that finds nothing owed.
func endEverything(t testing.TB, s *store.Store, id breach.IncidentID) {
	t.Helper()
	facts, err := s.Facts(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SaveAssessment(t.Context(), id, breach.Assessment{FactsRev: facts.Rev}); err != nil {
		t.Fatal(err)
	}
}

func adult(name, email, phone string) store.AffectedPerson {
	return store.AffectedPerson{Identity: name + email + phone, Name: name, Age: "adult", Language: breach.Chinese, Contacts: store.Contacts{Email: email, Phone: phone}}
}

func importPeople(t testing.TB, s *store.Store, id breach.IncidentID, people ...store.AffectedPerson) store.ImportResult {
	t.Helper()
	imp, err := s.BeginImport(t.Context(), id, "on.call")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range people {
		if err := imp.Add(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	r, err := imp.Finish(t.Context(), "UTF-8", [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestImportingTheSamePeopleTwiceAddsNobody(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	people := []store.AffectedPerson{adult("甲", "a@example.com", ""), adult("乙", "a@example.com", "+8613800000001")}
	if r := importPeople(t, s, id, people...); r.PeopleNew != 2 || r.PeopleKnown != 0 {
		t.Fatalf("first import %+v", r)
	}
	if r := importPeople(t, s, id, people...); r.PeopleNew != 0 || r.PeopleKnown != 2 {
		t.Fatalf("second import %+v", r)
	}
	facts, err := s.Facts(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := facts.Facts.Int("people.total"); n != 2 {
		t.Fatalf("people.total is %d", n)
	}
}

// walk plays a whole campaign with one holder and outcomes of the test's choosing.
func walk(t testing.TB, s *store.Store, id breach.IncidentID, outcome func(store.Work) store.Result) {
	t.Helper()
	ctx := t.Context()
	_, err := s.AddCampaign(ctx, id, 1, "N-"+string(id), []breach.Channel{breach.Email, breach.SMS, breach.Push})
	if err != nil {
		t.Fatal(err)
	}
	doc := agreed(t, s, id, breach.DocNotice, "notice/1")
	_, shards, err := s.Freeze(ctx, id, 1, doc, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, channel := range []breach.Channel{breach.Email, breach.SMS, breach.Push} {
		for _, sh := range shards {
			sendShard(t, s, id, sh.Shard, channel, outcome)
		}
	}
}

func sendShard(t testing.TB, s *store.Store, id breach.IncidentID, shard int, channel breach.Channel, outcome func(store.Work) store.Result) {
	t.Helper()
	ctx := t.Context()
	l, err := s.TakeShard(ctx, id, 1, shard, time.Now(), "")
	if err != nil {
		t.Fatal(err)
	}
	for after := int64(0); after < l.Hi; {
		work, next, err := s.Claim(ctx, l, channel, after, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range work {
			if err := s.Begin(ctx, l, channel, []int64{w.Contact}); err != nil {
				t.Fatal(err)
			}
			if err := s.Commit(ctx, l, channel, []store.Result{outcome(w)}); err != nil {
				t.Fatal(err)
			}
		}
		after = next
	}
}

func TestTheLadderEndsInExactlyOneOutcomeForEachPerson(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	mother := store.Guardian{Name: "母", Contacts: store.Contacts{Email: "mother@example.com", Phone: "+8613800000009"}}
	child := func(name string) store.AffectedPerson {
		return store.AffectedPerson{Identity: name, Name: name, Age: "under_14", Minor: true, Language: breach.Chinese, Guardians: []store.Guardian{mother}}
	}
	importPeople(t, s, id,
		adult("甲", "shared@example.com", "+8613800000001"), adult("乙", "shared@example.com", ""),
		adult("丙", "bad@example.com", "+8613800000003"), adult("丁", "bad2@example.com", ""), adult("戊", "", ""),
		child("大"), child("中"), child("小"))
	sent := map[string]int{}
	walk(t, s, id, func(w store.Work) store.Result {
		sent[w.To]++
		r := store.Result{Contact: w.Contact, State: breach.DeliveryAccepted}
		if w.To == "bad@example.com" || w.To == "bad2@example.com" {
			r.State, r.Code = breach.DeliveryRejected, "550"
		}
		if w.To == "mother@example.com" && len(w.Behind) != 3 {
			t.Errorf("the mother's mail tells of %d children", len(w.Behind))
		}
		return r
	})
	for to, n := range sent {
		if n != 1 {
			t.Errorf("%s was written to %d times", to, n)
		}
	}
	if _, ok := sent["+8613800000003"]; !ok || len(sent) != 5 {
		t.Errorf("contacts written to: %v", sent)
	}
	tally, err := s.FoldPeople(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if want := (breach.Tally{Affected: 8, Minors: 3, Under14: 3, Told: 6, Missed: 2}); tally != want {
		t.Fatalf("tally %+v, want %+v", tally, want)
	}
}

func TestALostHolderChangesNothing(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	importPeople(t, s, id, adult("甲", "a@example.com", ""))
	ctx := t.Context()
	if _, err := s.AddCampaign(ctx, id, 1, "N1", []breach.Channel{breach.Email}); err != nil {
		t.Fatal(err)
	}
	doc := agreed(t, s, id, breach.DocNotice, "notice/1")
	if _, _, err := s.Freeze(ctx, id, 1, doc, 100); err != nil {
		t.Fatal(err)
	}
	zombie, err := s.TakeShard(ctx, id, 1, 0, time.Now(), "")
	if err != nil {
		t.Fatal(err)
	}
	work, _, err := s.Claim(ctx, zombie, breach.Email, 0, 10)
	if err != nil || len(work) != 1 {
		t.Fatalf("claim: %v, %v", work, err)
	}
	if err := s.Begin(ctx, zombie, breach.Email, []int64{work[0].Contact}); err != nil {
		t.Fatal(err)
	}
	heir, err := s.TakeShard(ctx, id, 1, 0, time.Now(), "")
	if err != nil {
		t.Fatal(err)
	}
	result := []store.Result{{Contact: work[0].Contact, State: breach.DeliveryAccepted}}
	if err := s.Commit(ctx, zombie, breach.Email, result); err != store.ErrFenced {
		t.Fatalf("the zombie's write: %v", err)
	}
	left, err := s.Unsettled(ctx, heir, breach.Email, 10)
	if err != nil || len(left) != 1 || left[0].State != breach.DeliveryInDoubt || left[0].Delivery != work[0].Delivery {
		t.Fatalf("left behind: %+v, %v", left, err)
	}
}

func TestFourEyes(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	ctx := context.Background()
	doc, err := s.AddDocument(ctx, store.Document{IncidentID: id, Kind: breach.DocFiling, Subject: "rule/authority", Author: "li.wei", Content: []byte("v1")})
	if err != nil {
		t.Fatal(err)
	}
	decide := func(who breach.Person, hash store.HexBytes) string {
		_, err := s.Decide(ctx, store.Decision{Document: doc.ID, SHA256: hash, Verdict: breach.Approved, Person: who, Role: breach.RoleApprover})
		if r, ok := err.(*store.Refused); ok {
			return r.Code
		}
		if err != nil {
			return err.Error()
		}
		return ""
	}
	for _, c := range []struct {
		who  breach.Person
		hash store.HexBytes
		want string
	}{
		{"li.wei", doc.SHA256, "same_person"},
		{"wang.fang", store.HexBytes{1, 2}, "stale_document"},
		{"wang.fang", doc.SHA256, ""},
		{"wang.fang", doc.SHA256, ""}, // the same decision again changes nothing
		{"zhao.lei", doc.SHA256, "already_decided"},
	} {
		if got := decide(c.who, c.hash); got != c.want {
			t.Errorf("%s: %q, want %q", c.who, got, c.want)
		}
	}
	if _, err := s.AddDocument(ctx, store.Document{IncidentID: id, Kind: breach.DocFiling, Subject: "rule/authority", Author: "li.wei", Content: []byte("v2")}); err != nil {
		t.Fatal(err)
	}
	if got := decide("zhao.lei", doc.SHA256); got != "void" {
		t.Errorf("deciding on a replaced version: %q", got)
	}
	if _, err := s.BeginFiling(ctx, store.Filing{ID: "f", Obligation: "rule/authority", Document: doc.ID, Channel: "email"}, []byte{1}); err == nil {
		t.Error("a void approval was filed")
	}
	if n, err := s.VerifyJournal(ctx, id); err != nil || n == 0 {
		t.Errorf("journal: %d entries, %v", n, err)
	}
}
