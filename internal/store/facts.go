package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// FactRevision is what was known at one time, who said so, and why.
type FactRevision struct {
	Rev     int           `json:"rev" db:"rev"`
	Facts   breach.Facts  `json:"facts" db:"facts"`
	Changed []string      `json:"changed" db:"changed"`
	Author  breach.Person `json:"author" db:"author"`
	Why     string        `json:"why" db:"why"`
	At      time.Time     `json:"at" db:"at"`
}

// AmendFacts lays a patch over what is known and returns the new revision; a patch that changes nothing returns the
// current one. The engine hears of it and assesses anew.
func (s *Store) AmendFacts(ctx context.Context, id breach.IncidentID, patch breach.Facts, by breach.Person, why string) (FactRevision, error) {
	var out FactRevision
	err := s.tx(ctx, "amend facts", func(tx pgx.Tx) error {
		no, err := lockIncident(ctx, tx, id)
		if err != nil {
			return err
		}
		out, err = amend(ctx, tx, no, patch, by, why)
		return err
	})
	return out, err
}

func amend(ctx context.Context, tx pgx.Tx, no int64, patch breach.Facts, by breach.Person, why string) (FactRevision, error) {
	current, err := one[FactRevision](ctx, tx, `
		select rev, facts, changed, author, why, at from fact_revision where incident_no = $1 order by rev desc limit 1`, no)
	if err != nil {
		return current, err
	}
	changed := breach.Changed(current.Facts, patch)
	if len(changed) == 0 {
		return current, nil
	}
	rev, err := reviseFacts(ctx, tx, no, current.Facts.Merge(patch), changed, by, why)
	if err != nil {
		return current, err
	}
	return rev, post(ctx, tx, no, FactsAmended, "", "rev", FactsRev{Rev: rev.Rev})
}

// Reassess makes a new revision of the same facts, so that the packs of law are asked anew: a new version of a pack never
// changes a past assessment, it is a reason to make another.
func (s *Store) Reassess(ctx context.Context, id breach.IncidentID, by breach.Person, why string) (FactRevision, error) {
	var out FactRevision
	err := s.tx(ctx, "reassess", func(tx pgx.Tx) error {
		no, err := lockIncident(ctx, tx, id)
		if err != nil {
			return err
		}
		var facts breach.Facts
		if err := tx.QueryRow(ctx, `select facts from fact_revision where incident_no = $1 order by rev desc limit 1`, no).Scan(&facts); err != nil {
			return err
		}
		if out, err = reviseFacts(ctx, tx, no, facts, nil, by, why); err != nil {
			return err
		}
		return post(ctx, tx, no, FactsAmended, "", "rev", FactsRev{Rev: out.Rev})
	})
	return out, err
}

func reviseFacts(ctx context.Context, tx pgx.Tx, no int64, facts breach.Facts, changed []breach.FactName, by breach.Person, why string) (FactRevision, error) {
	rev := FactRevision{Facts: facts, Author: by, Why: why, Changed: []string{}}
	for _, n := range changed {
		rev.Changed = append(rev.Changed, string(n))
	}
	if err := tx.QueryRow(ctx, `update incident set facts_rev = facts_rev + 1 where no = $1 returning facts_rev, now()`, no).Scan(&rev.Rev, &rev.At); err != nil {
		return rev, err
	}
	if _, err := tx.Exec(ctx, `insert into fact_revision (incident_no, rev, facts, changed, author, why) values ($1, $2, $3, $4, $5, $6)`,
		no, rev.Rev, facts, rev.Changed, by, why); err != nil {
		return rev, err
	}
	return rev, note(ctx, tx, no, by, "facts.amend", "", Detail{"rev": rev.Rev, "changed": rev.Changed})
}

// Facts returns one revision; rev 0 is the newest.
func (s *Store) Facts(ctx context.Context, id breach.IncidentID, rev int) (FactRevision, error) {
	r, err := one[FactRevision](ctx, s.pool, `
		select f.rev, f.facts, f.changed, f.author, f.why, f.at from fact_revision f join incident i on i.no = f.incident_no
		where i.id = $1 and f.rev = case when $2 = 0 then i.facts_rev else $2 end`, id, rev)
	return r, wrap("read facts", err)
}

// FactHistory returns all revisions, oldest first.
func (s *Store) FactHistory(ctx context.Context, id breach.IncidentID) ([]FactRevision, error) {
	revs, err := list[FactRevision](ctx, s.pool, `
		select f.rev, f.facts, f.changed, f.author, f.why, f.at from fact_revision f join incident i on i.no = f.incident_no
		where i.id = $1 order by f.rev`, id)
	return revs, wrap("read facts", err)
}
