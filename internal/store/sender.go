package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Senders notes that a sending process is at work and counts those that were within a time, this one among them.
func (s *Store) Senders(ctx context.Context, id string, within time.Duration) (n int, err error) {
	err = s.tx(ctx, "count senders", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `insert into sender (id) values ($1) on conflict (id) do update set seen_at = now()`, id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `delete from sender where seen_at < now() - 100 * $1::interval`, within); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `select count(*) from sender where seen_at >= now() - $1::interval`, within).Scan(&n)
	})
	return n, err
}

// RemoveSender notes that a sending process has ended.
func (s *Store) RemoveSender(ctx context.Context, id string) error {
	_, err := s.pool.Exec(ctx, `delete from sender where id = $1`, id)
	return wrap("remove sender", err)
}
