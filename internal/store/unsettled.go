package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// Unsettled returns a shard's deliveries on one channel that wait for this worker: claimed by a holder that is gone, in
// doubt, or refused for now with the time come. At most limit, those in doubt first. It reads the whole shard's part of the
// ledger: ask when the shard was taken and when something is due, not for every batch.
func (s *Store) Unsettled(ctx context.Context, l Lease, channel breach.Channel, limit int) (work []Work, err error) {
	err = s.tx(ctx, "read unsettled deliveries", func(tx pgx.Tx) error {
		if err := holds(ctx, tx, l); err != nil {
			return err
		}
		type row struct {
			Contact   int64                `db:"contact"`
			State     breach.DeliveryState `db:"state"`
			Tries     int                  `db:"tries"`
			Resent    bool                 `db:"resent"`
			DoubtedAt *time.Time           `db:"doubted_at"`
			IntentAt  *time.Time           `db:"intent_at"`
			ClaimedAt time.Time            `db:"claimed_at"`
		}
		left, err := list[row](ctx, tx, `
			update delivery d set fence = $4 from (
				select contact from delivery
				where incident_no = $1 and campaign_n = $2 and shard = $3 and channel = $5 and
					(state = 'in_doubt' and next_at is null or state = 'claimed' and fence < $4 or state in ('temporary', 'in_doubt') and next_at <= now())
				order by state = 'in_doubt' desc, contact limit $6) u
			where d.incident_no = $1 and d.campaign_n = $2 and d.channel = $5 and d.contact = u.contact
			returning d.contact, d.state, d.tries, d.resent, d.doubted_at, d.intent_at, d.claimed_at`,
			l.no, l.Campaign, l.Shard, l.Fence, channel, limit)
		if err != nil || len(left) == 0 {
			return err
		}
		work = make([]Work, len(left))
		contacts := make([]int64, len(left))
		for i, r := range left {
			contacts[i] = r.Contact
			work[i] = Work{
				Contact: r.Contact, Channel: channel, State: r.State, Tries: r.Tries, Resent: r.Resent,
				DoubtedAt: r.DoubtedAt, IntentAt: r.IntentAt, ClaimedAt: r.ClaimedAt,
			}
		}
		column := contactColumn(channel)
		found, err := list[behindRow](ctx, tx, `
			select b.`+column+` as contact, b.id, b.cohort, c.role, c.language, b.sealed, `+unnamed+` as exempt
			from recipient f join recipient b on b.incident_no = $1 and b.`+column+` = f.`+column+` and b.id + 0 >= $3 and b.id + 0 < $4
			join cohort c on c.incident_no = $1 and c.no = b.cohort
			left join `+l.standings()+` x on x.incident_no = $1 and x.id = b.id
			where f.incident_no = $1 and f.id = any($2) order by b.id`, l.no, contacts, l.first, l.last)
		if err != nil {
			return err
		}
		return s.fill(ctx, l, channel, work, found)
	})
	return work, err
}

// WaitingDeliveries tells how many deliveries of the shard wait for a later try, and when the first is due. An empty channel is
// any.
func (s *Store) WaitingDeliveries(ctx context.Context, l Lease, channel breach.Channel) (n int64, next *time.Time, err error) {
	err = s.pool.QueryRow(ctx, `
		select count(*), min(next_at) from delivery
		where incident_no = $1 and campaign_n = $2 and shard = $3 and state in ('temporary', 'in_doubt') and next_at < 'infinity' and ($4 = '' or channel = $4)`,
		l.no, l.Campaign, l.Shard, channel).Scan(&n, &next)
	return n, next, wrap("read waiting deliveries", err)
}
