package regulation_test

import (
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/regulation"
)

func load(t testing.TB) *regulation.Engine {
	t.Helper()
	e, err := regulation.Load()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func find(t *testing.T, a breach.Assessment, key string) *breach.Obligation {
	t.Helper()
	for i := range a.Obligations {
		if a.Obligations[i].Key() == key {
			return &a.Obligations[i]
		}
	}
	return nil
}

var three = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

// More people found during the run raise the level, and the level brings a duty whose clock began at awareness.
func TestMorePeopleBringTheHours(t *testing.T) {
	e := load(t)
	org := breach.Facts{"org.cii_involved": false, "org.central_organ": false}
	facts := breach.Facts{
		"kinds": []string{"leak"}, "data.personal": true, "aware_at": three, "people.total": int64(900_000),
		"loss.direct_cny": int64(0), "data.class": "general", "judged.cac_general_clause": "none",
	}
	before, err := e.Assess(org, facts, three)
	if err != nil {
		t.Fatal(err)
	}
	if o := find(t, before, "cn-cac-other/cn-cac-provincial"); o != nil {
		t.Fatalf("900,000 people: %s, want nothing", o.Owed)
	}
	after, err := e.Assess(org, facts.Merge(breach.Facts{"people.total": int64(1_200_000)}), three.Add(90*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	o := find(t, after, "cn-cac-other/cn-cac-provincial")
	if o == nil || o.Owed != breach.IsOwed || o.DueAt == nil || !o.DueAt.Equal(three.Add(4*time.Hour)) {
		t.Fatalf("1,200,000 people: %+v", o)
	}
}
