package store_test

import (
	"maps"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// claimed freezes the n-th audience in shards of one and returns how many a message to each address would tell.
func claimed(t *testing.T, s *store.Store, id breach.IncidentID, n int, freeze func(breach.IncidentID, int, breach.DocumentID, int) error) map[string]int {
	t.Helper()
	if _, err := s.AddCampaign(t.Context(), id, n, "N-"+string(id)+"-"+string(rune('0'+n)), []breach.Channel{breach.Email}); err != nil {
		t.Fatal(err)
	}
	if err := freeze(id, n, agreed(t, s, id, breach.DocNotice, "notice/"+string(rune('0'+n))), 1); err != nil {
		t.Fatal(err)
	}
	shards, err := s.OpenShards(t.Context(), id, n)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, sh := range shards {
		l, err := s.TakeShard(t.Context(), id, n, sh.Shard, time.Now(), "")
		if err != nil {
			t.Fatal(err)
		}
		work, _, err := s.Claim(t.Context(), l, breach.Email, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range work {
			if _, twice := out[w.To]; twice {
				t.Errorf("%s is claimed twice", w.To)
			}
			out[w.To] = len(w.Behind)
		}
	}
	return out
}

func sameClaims(t *testing.T, got, want map[string]int) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("claimed %v, want %v", got, want)
	}
}

// Who shares a contact may stand in another file and another shard. A later audience shares its contacts among itself alone:
// what the earlier one was told is its own.
func TestAContactSharedAcrossFilesIsClaimedOnce(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	freeze := func(id breach.IncidentID, n int, doc breach.DocumentID, size int) error {
		_, _, err := s.Freeze(t.Context(), id, n, doc, size)
		return err
	}
	importPeople(t, s, id, adult("甲", "a@example.com", ""), adult("乙", "b@example.com", ""), adult("丙", "c@example.com", ""))
	importPeople(t, s, id, adult("丁", "b@example.com", ""), adult("戊", "d@example.com", ""))
	sameClaims(t, claimed(t, s, id, 1, freeze), map[string]int{"a@example.com": 1, "b@example.com": 2, "c@example.com": 1, "d@example.com": 1})
	importPeople(t, s, id, adult("己", "b@example.com", ""), adult("庚", "c@example.com", ""), adult("辛", "e@example.com", ""), adult("壬", "e@example.com", ""))
	sameClaims(t, claimed(t, s, id, 2, freeze), map[string]int{"b@example.com": 1, "c@example.com": 1, "e@example.com": 2})
}

// A file that ends while an audience is being frozen belongs to it, with whom its people share contacts.
func TestAFileThatEndsDuringTheFreeze(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	importPeople(t, s, id, adult("甲", "a@example.com", ""), adult("乙", "b@example.com", ""))
	got := claimed(t, s, id, 1, func(id breach.IncidentID, n int, doc breach.DocumentID, size int) error {
		return s.FreezeWhile(t.Context(), id, n, doc, size, func() { importPeople(t, s, id, adult("丙", "b@example.com", "")) })
	})
	sameClaims(t, got, map[string]int{"a@example.com": 1, "b@example.com": 2})
}

// An audience that was frozen before shared contacts were written down.
func TestSharedContactsOfAnOlderAudience(t *testing.T) {
	s, url := openAt(t)
	id := openIncident(t, s)
	importPeople(t, s, id, adult("甲", "a@example.com", ""), adult("乙", "b@example.com", ""), adult("丙", "b@example.com", ""))
	got := claimed(t, s, id, 1, func(id breach.IncidentID, n int, doc breach.DocumentID, size int) error {
		if _, _, err := s.Freeze(t.Context(), id, n, doc, size); err != nil {
			return err
		}
		db, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return err
		}
		defer func() { _ = db.Close(t.Context()) }()
		if _, err := db.Exec(t.Context(), `drop table shared_contact; delete from goose_db_version where version_id >= 14`); err != nil {
			return err
		}
		return store.Migrate(t.Context(), url)
	})
	sameClaims(t, got, map[string]int{"a@example.com": 1, "b@example.com": 2})
}
