package main

import (
	"path/filepath"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/devstack/pgtest"
	"tocsin/internal/regulation"
	"tocsin/internal/seal"
	"tocsin/internal/store"
)

func TestANewPackVersionIsOfferedOnceAndChangesNothingByItself(t *testing.T) {
	ctx := t.Context()
	key := filepath.Join(t.TempDir(), "seal.key")
	if err := seal.CreateMasterFile(key); err != nil {
		t.Fatal(err)
	}
	master, err := seal.OpenMasterFile(key)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(ctx, pgtest.New(t, store.Migrate), master, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	o, err := s.OpenIncident(ctx, store.NewIncident{Fingerprint: "x", Source: "person", Title: "synthetic", By: "zhao.min", Why: "test"})
	if err != nil {
		t.Fatal(err)
	}
	laws, err := regulation.Load()
	if err != nil {
		t.Fatal(err)
	}
	facts, err := s.Facts(ctx, o.Incident, 0)
	if err != nil {
		t.Fatal(err)
	}
	a, err := laws.Assess(breach.Facts{"org.jurisdictions": []string{"CN"}}, facts.Facts, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	a.FactsRev = facts.Rev
	a.Packs[0].Version, a.Packs[0].SHA256 = "2020-01-01", "0000"
	if err := s.SaveAssessment(ctx, o.Incident, a); err != nil {
		t.Fatal(err)
	}
	h := &house{store: s, laws: laws}
	for range 2 {
		if err := h.offerReassessment(ctx); err != nil {
			t.Fatal(err)
		}
	}
	tasks, err := s.Tasks(ctx, o.Incident, false)
	if err != nil || len(tasks) != 1 {
		t.Fatalf("tasks %v, %v; want one", tasks, err)
	}
	if _, err := s.EndTask(ctx, store.TaskEnd{ID: tasks[0].ID, Done: true, By: "li.wei"}); err != nil {
		t.Fatal(err)
	}
	if err := h.offerReassessment(ctx); err != nil {
		t.Fatal(err)
	}
	if tasks, err = s.Tasks(ctx, o.Incident, false); err != nil || len(tasks) != 0 {
		t.Errorf("a person has answered and is asked again: %v, %v", tasks, err)
	}
	kept, err := s.Assessment(ctx, o.Incident)
	if err != nil || kept.Packs[0].Version != "2020-01-01" {
		t.Errorf("the assessment that was made has changed: %v, %v", kept.Packs[0], err)
	}
	rev, err := s.Reassess(ctx, o.Incident, "li.wei", "new version")
	if err != nil || rev.Rev != facts.Rev+1 || len(breach.Changed(facts.Facts, rev.Facts)) != 0 {
		t.Errorf("reassessment: %+v, %v", rev, err)
	}
}
