package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// ReconcileIn counts in a transaction that a test has changed something in.
func ReconcileIn(ctx context.Context, tx pgx.Tx, id breach.IncidentID, campaign int) ([]Identity, error) {
	no, err := incidentNumber(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	return countAnew(ctx, tx, no, campaign, nil)
}

// FreezeWhile freezes an audience, and does something after its shared contacts were found and before it is fixed.
func (s *Store) FreezeWhile(ctx context.Context, id breach.IncidentID, n int, document breach.DocumentID, size int, meanwhile func()) error {
	no, err := incidentNumber(ctx, s.pool, id)
	if err != nil {
		return err
	}
	upTo, err := s.findSharedAhead(ctx, no, n)
	if err != nil {
		return err
	}
	meanwhile()
	return s.tx(ctx, "freeze audience", func(tx pgx.Tx) error { return freeze(ctx, tx, no, n, document, size, upTo) })
}
