package store_test

import (
	"testing"

	"tocsin/internal/breach"
)

func TestPeopleAreExemptOnlyWhereNoDutyToTellThemIsOwed(t *testing.T) {
	for _, c := range []struct {
		name string
		owed breach.Owed
		want breach.Tally
		open bool
	}{
		{"harm avoided", breach.NotOwed, breach.Tally{Affected: 1, Exempt: 1}, false},
		{"owed", breach.IsOwed, breach.Tally{Affected: 1, Open: 1}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			id := openIncident(t, s)
			importPeople(t, s, id, adult("甲", "a@example.com", ""))
			facts, err := s.Facts(t.Context(), id, 0)
			if err != nil {
				t.Fatal(err)
			}
			duty := breach.Obligation{Rule: "cn-pipl-individual-notice", Duty: breach.DutyNotice, Owed: c.owed}
			if err := s.SaveAssessment(t.Context(), id, breach.Assessment{FactsRev: facts.Rev, Obligations: []breach.Obligation{duty}}); err != nil {
				t.Fatal(err)
			}
			if c.owed == breach.NotOwed {
				if err := s.SetObligation(t.Context(), id, duty.Key(), "not_owed"); err != nil {
					t.Fatal(err)
				}
			}
			matters, err := s.OpenMatters(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(matters) > 0; got != c.open {
				t.Errorf("open matters: %v", matters)
			}
			closure := agreed(t, s, id, breach.DocClosure, "closure/1")
			if open, err := s.CloseIncident(t.Context(), id, closure); err != nil || (len(open) > 0) != c.open {
				t.Fatal(open, err)
			}
			if i, err := s.Incident(t.Context(), id); err != nil || (i.ClosedAt == nil) != c.open {
				t.Errorf("closed at %v, %v", i.ClosedAt, err)
			}
			if got, err := s.Tally(t.Context(), id); err != nil || got != c.want || !got.Reconciles() {
				t.Errorf("tally %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}
