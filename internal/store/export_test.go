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
