package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
	"tocsin/internal/seal"
)

// erased reports that what was asked for is gone because the incident's key was destroyed.
func erased(err error) bool { return errors.Is(err, seal.ErrDestroyed) }

// CheckKey reports whether the master key opens what this database holds, by the newest incident's. A process with another
// key would seal new incidents under it and read none of the old ones, so it had better not start.
func (s *Store) CheckKey(ctx context.Context) error {
	var id breach.IncidentID
	var wrapped []byte
	err := s.pool.QueryRow(ctx, `
		select i.id, k.wrapped from incident_key k join incident i on i.no = k.incident_no
		where k.wrapped is not null order by k.incident_no desc limit 1`).Scan(&id, &wrapped)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return wrap("check the master key", err)
	}
	if _, err := seal.OpenKeys(ctx, s.master, id, wrapped); err != nil {
		return errors.New("the master key does not open the incidents of this database: give the seal.key_file that they were sealed under, or another database")
	}
	return nil
}
