package store_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

func child(name string, guardians ...store.Guardian) store.AffectedPerson {
	return store.AffectedPerson{Identity: name, Name: name, Age: "under_14", Minor: true, Language: breach.Chinese, Guardians: guardians}
}

// told is what walk writes, by contact, with how many are behind it.
func told(t *testing.T, s *store.Store, id breach.IncidentID) map[string]int {
	t.Helper()
	sent := map[string]int{}
	walk(t, s, id, func(w store.Work) store.Result {
		if sent[w.To] > 0 {
			t.Errorf("%s was written to twice", w.To)
		}
		sent[w.To] += len(w.Behind)
		return store.Result{Contact: w.Contact, State: breach.DeliveryAccepted}
	})
	return sent
}

func TestARowTwiceInOneFileIsOnePerson(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	mother := store.Guardian{Name: "母", Contacts: store.Contacts{Email: "mother@example.com"}}
	twice := adult("甲", "jia@example.com", "")
	better := twice
	better.Contacts.Phone = "+8613800000001"
	r := importPeople(t, s, id, twice, child("小", mother), twice, better, child("小", mother), adult("乙", "yi@example.com", ""))
	if r.RowsIn != 6 || r.PeopleNew != 3 || r.PeopleKnown != 3 {
		t.Fatalf("sums %+v", r)
	}
	// The second row with a phone is a second recipient for the same person: both ways are tried.
	if sent := told(t, s, id); sent["jia@example.com"] != 2 || sent["mother@example.com"] != 1 || sent["yi@example.com"] != 1 || len(sent) != 3 {
		t.Errorf("told %v", sent)
	}
	tally, err := s.FoldPeople(t.Context(), id)
	if want := (breach.Tally{Affected: 3, Minors: 1, Under14: 1, Told: 3}); err != nil || tally != want {
		t.Errorf("tally %+v, %v, want %+v", tally, err, want)
	}
}

func TestASecondFileAddsWhatIsNew(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	first := []store.AffectedPerson{adult("甲", "", ""), adult("乙", "yi@example.com", ""), child("小")}
	importPeople(t, s, id, first...)
	better := []store.AffectedPerson{first[0], first[1], child("小", store.Guardian{Name: "母", Contacts: store.Contacts{Phone: "+8613800000009"}}), adult("丙", "yi@example.com", "")}
	better[0].Contacts.Phone = "+8613800000001"
	r := importPeople(t, s, id, better...)
	if r.PeopleNew != 1 || r.PeopleKnown != 3 {
		t.Fatalf("sums of the second file %+v", r)
	}
	if again := importPeople(t, s, id, better...); again.PeopleNew != 0 || again.PeopleKnown != 4 {
		t.Fatalf("sums of the third %+v", again)
	}
	if sent := told(t, s, id); sent["yi@example.com"] != 2 || sent["+8613800000001"] != 1 || sent["+8613800000009"] != 1 || len(sent) != 3 {
		t.Errorf("told %v", sent)
	}
	tally, err := s.FoldPeople(t.Context(), id)
	if want := (breach.Tally{Affected: 4, Minors: 1, Under14: 1, Told: 4}); err != nil || tally != want {
		t.Errorf("tally %+v, %v, want %+v", tally, err, want)
	}
}

// A person who was told and gains a way to be told stays told.
func TestAFileAfterTheNoticeLeavesTheToldTold(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	importPeople(t, s, id, adult("甲", "jia@example.com", ""))
	told(t, s, id)
	more := adult("甲", "jia@example.com", "")
	more.Contacts.Phone = "+8613800000001"
	importPeople(t, s, id, more)
	tally, err := s.FoldPeople(t.Context(), id)
	if want := (breach.Tally{Affected: 1, Told: 1}); err != nil || tally != want {
		t.Errorf("tally %+v, %v, want %+v", tally, err, want)
	}
	if n, err := s.UncampaignedRecipients(t.Context(), id); err != nil || n != 1 {
		t.Errorf("%d recipients in no campaign, %v", n, err)
	}
}

func TestOneFileAtATime(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	imp, err := s.BeginImport(t.Context(), id, "on.call")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.BeginImport(t.Context(), id, "on.call")
	if r, ok := errors.AsType[*store.Refused](err); !ok || r.Code != "import_under_way" {
		t.Fatalf("a second file: %v", err)
	}
	imp.Abort()
	importPeople(t, s, id, adult("甲", "jia@example.com", ""))
}

// A file that breaks off is completed by sending it again; what was copied until then counts once.
func TestABrokenFileIsCompletedByTheNext(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	const people = 3500
	one := func(i int) store.AffectedPerson {
		return adult(fmt.Sprint("人", i), fmt.Sprintf("p%d@example.com", i), "")
	}
	imp, err := s.BeginImport(t.Context(), id, "on.call")
	if err != nil {
		t.Fatal(err)
	}
	for i := range people / 2 {
		if err := imp.Add(t.Context(), one(i)); err != nil {
			t.Fatal(err)
		}
	}
	imp.Abort()
	if tally, err := s.Tally(t.Context(), id); err != nil || tally.Affected != 0 {
		t.Fatalf("before it is taken over: %+v, %v", tally, err)
	}
	matters, err := s.OpenMatters(t.Context(), id)
	if err != nil || !slices.ContainsFunc(matters, func(m store.Matter) bool { return m.Kind == "people file" }) {
		t.Fatalf("what keeps the incident open: %+v, %v", matters, err)
	}
	var all []store.AffectedPerson
	for i := range people {
		all = append(all, one(i))
	}
	if r := importPeople(t, s, id, all...); r.PeopleNew+r.PeopleKnown != people || r.PeopleKnown != people/2 {
		t.Fatalf("sums %+v", r)
	}
	if tally, err := s.Tally(t.Context(), id); err != nil || tally.Affected != people || tally.Open != people {
		t.Fatalf("tally %+v, %v", tally, err)
	}
}

func TestCohortsCountPeople(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	french := adult("乙", "yi@example.com", "")
	french.Region, french.Categories, french.Language = "FR", []string{"contact", "name"}, breach.English
	importPeople(t, s, id, adult("甲", "jia@example.com", ""), adult("丙", "", ""), french, child("小"))
	cohorts, err := s.Cohorts(t.Context(), id)
	if err != nil || len(cohorts) != 3 {
		t.Fatalf("cohorts %+v, %v", cohorts, err)
	}
	got := map[string]int64{}
	for _, c := range cohorts {
		got[fmt.Sprint(c.Role, c.Age, c.Region, c.Categories)] = c.People
	}
	if got["personadult[]"] != 2 || got["personadultFR[contact name]"] != 1 || got["guardianunder_14[]"] != 1 {
		t.Errorf("cohorts %v", got)
	}
}

// What an import counts as it adds is what its table holds, and what a later look at the rows counts.
func TestRunningCountsAreTheRows(t *testing.T) {
	guardians := []store.Guardian{{Name: "母", Contacts: store.Contacts{Email: "mother@example.com"}}, {Name: "父", Contacts: store.Contacts{Phone: "+8613800000009"}}}
	minor := child("小", guardians...)
	minor.Contacts.Email = "xiao@example.com"
	people := []store.AffectedPerson{adult("甲", "jia@example.com", ""), minor, child("幼", guardians[0]), adult("乙", "", "+8613800000001"), child("孤")}
	cohortsOf := func(again ...store.AffectedPerson) (out []store.Cohort) {
		s := open(t)
		id := openIncident(t, s)
		importPeople(t, s, id, append(slices.Clone(people), again...)...)
		cohorts, err := s.Cohorts(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return cohorts
	}
	counted := cohortsOf()         // as they were added
	united := cohortsOf(people[0]) // one row twice: counted in the table
	if len(counted) != 3 || !reflect.DeepEqual(counted, united) {
		t.Errorf("counted as added %+v, in the table %+v", counted, united)
	}
	recipients := int64(0)
	for _, c := range counted {
		recipients += c.Recipients
	}
	if recipients != 7 {
		t.Errorf("%d recipients, want 2 adults, 3 of the first minor, 1 of each other", recipients)
	}
}

func TestADeliveryIDLeadsBack(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	importPeople(t, s, id, adult("甲", "jia@example.com", ""), adult("乙", "yi@example.com", ""))
	var of []store.Work
	walk(t, s, id, func(w store.Work) store.Result {
		of = append(of, w)
		return store.Result{Contact: w.Contact, State: breach.DeliveryAccepted}
	})
	for _, w := range of {
		r, err := s.DeliveryRef(t.Context(), w.Delivery)
		if err != nil || r.Incident != id || r.Campaign != 1 || r.Channel != breach.Email || r.Contact != w.Contact {
			t.Errorf("%s leads to %+v, %v", w.Delivery, r, err)
		}
	}
	if _, err := s.DeliveryRef(t.Context(), "0123456789abcdef0123456789abcdef"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a stranger's id: %v", err)
	}
	rows, err := s.Deliveries(t.Context(), id, "", 1)
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	rest, err := s.Deliveries(t.Context(), id, rows[0].ID, 10)
	if err != nil || len(rest) != 1 || rest[0].ID == rows[0].ID {
		t.Errorf("the second page: %+v, %v", rest, err)
	}
}
