package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// span is a range of recipients, lo inclusive, hi exclusive.
type span struct {
	lo, hi  int64
	reached int64 // people who have a recipient in it
	first   bool  // nobody has an audience yet
}

// nextSpan is the audience that campaign n would take now: whoever no other campaign has.
func nextSpan(ctx context.Context, q querier, no int64, n int) (s span, err error) {
	err = q.QueryRow(ctx, `
		with taken as (select coalesce(max(hi), 0) as hi from campaign where incident_no = $1 and n <> $2),
		new as (select i.lo, i.hi, i.reached from people_import i, taken t where i.incident_no = $1 and i.lo >= t.hi)
		select coalesce((select min(lo) from new), t.hi), coalesce((select max(hi) from new), t.hi), coalesce((select sum(reached) from new), 0), t.hi = 0 from taken t`,
		no, n).Scan(&s.lo, &s.hi, &s.reached, &s.first)
	return s, err
}

// findSharedAhead finds the shared contacts of the audience that campaign n is about to take, before anything is locked: it takes
// time in proportion to the people. It returns where that audience ended; who was imported later is for the caller to look into.
func (s *Store) findSharedAhead(ctx context.Context, no int64, n int) (upTo int64, err error) {
	var settled bool
	if err := s.pool.QueryRow(ctx, `select frozen_at is not null or supplements is not null from campaign where incident_no = $1 and n = $2`, no, n).Scan(&settled); err != nil || settled {
		return 0, err
	}
	err = s.tx(ctx, "find shared contacts", func(tx pgx.Tx) error {
		next, err := nextSpan(ctx, tx, no, n)
		if err != nil {
			return err
		}
		upTo = next.hi
		return findShared(ctx, tx, no, next)
	})
	return upTo, err
}

// findShared writes down the contacts that several recipients of an audience have. Finding them again changes nothing.
func findShared(ctx context.Context, tx pgx.Tx, no int64, audience span) error {
	if audience.lo == audience.hi {
		return nil
	}
	if err := ensurePartitions(ctx, tx, no); err != nil {
		return err
	}
	// A first audience is the whole table, counted along the index, which is in order already. A later one is a part of it.
	within := fmt.Sprintf("id >= %d and id < %d", audience.lo, audience.hi)
	if audience.first {
		within = "true"
	}
	for _, column := range contactColumns {
		if _, err := tx.Exec(ctx, fmt.Sprintf(`
			set local work_mem = '256MB';
			insert into shared_contact select %[1]d, %[2]s from recipient_%[1]d where %[3]s and %[2]s is not null
			group by %[2]s having count(*) > 1 on conflict do nothing`, no, column, within)); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, fmt.Sprintf(`analyze shared_contact_%d`, no))
	return err
}
