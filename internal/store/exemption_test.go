package store_test

import (
	"errors"
	"testing"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// A mother of two is told of one child: about the other a court forbade it. Nobody's message names the exempt child, the counts
// say exempt, and when the order is lifted the child is open again.
func TestExemption(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	id := openIncident(t, s)
	mother := store.Guardian{Name: "母", Contacts: store.Contacts{Email: "mother@example.com"}}
	importPeople(t, s, id, child("大", mother), child("小", mother), adult("甲", "a@example.com", ""))
	ask := store.ExemptionIn{Who: store.Who{Identity: "大"}, Reason: breach.ExemptCourtOrder, Article: "order of the court", Paper: "EV-1", Why: "forbidden", By: "lead.one"}

	for name, spoil := range map[string]func(*store.ExemptionIn){
		"no such reason":        func(in *store.ExemptionIn) { in.Reason = "inconvenient" },
		"no article":            func(in *store.ExemptionIn) { in.Article = " " },
		"no paper":              func(in *store.ExemptionIn) { in.Paper = "" },
		"dead, and nobody told": func(in *store.ExemptionIn) { in.Reason, in.NextOfKin = breach.ExemptDeceased, "" },
		"two behind a contact":  func(in *store.ExemptionIn) { in.Who = store.Who{Contacts: store.Contacts{Email: "mother@example.com"}} },
	} {
		in := ask
		spoil(&in)
		if _, err := s.AskExemption(ctx, id, in); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := s.AskExemption(ctx, id, store.ExemptionIn{Who: store.Who{Identity: "nobody"}, Reason: ask.Reason, Article: "x", Paper: "y"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	e, err := s.AskExemption(ctx, id, ask)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.DecideExemption(ctx, id, e.No, true, "lead.one"); err == nil {
		t.Error("who asked decided")
	}
	if got := tally(t, s, id); got.Exempt != 0 {
		t.Errorf("asking frees nobody: %+v", got)
	}
	if _, err := s.DecideExemption(ctx, id, e.No, true, "approver.two"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DecideExemption(ctx, id, e.No, false, "approver.two"); err == nil {
		t.Error("decided twice")
	}
	walk(t, s, id, func(w store.Work) store.Result {
		if w.To == "mother@example.com" && (len(w.Behind) != 1 || w.Behind[0].Person != "小") {
			t.Errorf("the mother's message names %d children", len(w.Behind))
		}
		return accepted(w)
	})
	if got, want := tally(t, s, id), (breach.Tally{Affected: 3, Minors: 2, Under14: 2, Told: 2, Exempt: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	holds(t, s, id)

	if _, err := s.LiftExemption(ctx, id, e.No, "lead.one", "the order ended"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.LiftExemption(ctx, id, e.No, "lead.one", "again"); err == nil {
		t.Error("lifted twice")
	}
	if got := tally(t, s, id); got.Exempt != 0 || got.Open != 1 {
		t.Errorf("after lifting: %+v", got)
	}
}

func holds(t *testing.T, s *store.Store, id breach.IncidentID) {
	t.Helper()
	got, err := s.Reconcile(t.Context(), id, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range got {
		if !i.Holds() {
			t.Errorf("%s: %d and %d", i.Name, i.Left, i.Right)
		}
	}
}
