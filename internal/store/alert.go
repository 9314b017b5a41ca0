package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// CountAlert writes an alert down with the open incident of its fingerprint and never opens one: ErrNotFound where there
// is none. It is for what a source says is over.
func (s *Store) CountAlert(ctx context.Context, in NewIncident) (Opened, error) {
	out := Opened{Joined: true}
	err := s.tx(ctx, "count alert", func(tx pgx.Tx) error {
		var no int64
		if err := tx.QueryRow(ctx, `select no, id from incident where fingerprint = $1 and closed_at is null for update`, in.Fingerprint).Scan(&no, &out.Incident); err != nil {
			return err
		}
		var err error
		out.Alerts, err = s.countAlert(ctx, tx, no, out.Incident, in)
		return err
	})
	if err != nil {
		return Opened{}, err
	}
	return out, nil
}

// FillFacts states only those facts that nobody has stated yet. It is for a source whose alert joined an incident: what a
// person said is not overwritten by a machine. Nothing to fill changes nothing.
func (s *Store) FillFacts(ctx context.Context, id breach.IncidentID, hints breach.Facts, by breach.Person, why string) error {
	if len(hints) == 0 {
		return nil
	}
	return s.tx(ctx, "fill facts", func(tx pgx.Tx) error {
		no, err := lockIncident(ctx, tx, id)
		if err != nil {
			return err
		}
		var known breach.Facts
		if err := tx.QueryRow(ctx, `select facts from fact_revision where incident_no = $1 order by rev desc limit 1`, no).Scan(&known); err != nil {
			return fmt.Errorf("read facts: %w", err)
		}
		patch := breach.Facts{}
		for name, value := range hints {
			if _, stated := known[name]; !stated {
				patch[name] = value
			}
		}
		_, err = amend(ctx, tx, no, patch, by, why)
		return err
	})
}
