package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// Work is one delivery to make: one contact, and everyone whom a message to it tells. It holds personal data.
type Work struct {
	Delivery  breach.DeliveryID
	Contact   int64 // the first recipient of the campaign that has it; with the campaign and the channel it names the delivery
	Channel   breach.Channel
	State     breach.DeliveryState // claimed, temporary or in_doubt
	Tries     int
	Resent    bool
	DoubtedAt *time.Time
	IntentAt  *time.Time // when the newest attempt began; nil before the first
	ClaimedAt time.Time  // the first time: the date that every copy of the message carries
	To        string
	Behind    []Recipient
}

// Recipient is one of those behind a contact.
type Recipient struct {
	ID       int64
	Cohort   int // see [Store.Cohorts]
	Role     breach.Audience
	Language breach.Language
	Name     string // whom to address
	Person   string // whose data it was
}

// Claim takes up to limit recipients of the shard, after a recipient's id, who are to be told by one channel next, and returns
// the work and the id to go on from. A contact that another shard has taken is left to it: its outcome folds
// into every recipient behind it, and into those who come later when they do. No work and done means that the shard has no one left on this rung.
func (s *Store) Claim(ctx context.Context, l Lease, channel breach.Channel, after int64, limit int) (work []Work, next int64, err error) {
	err = s.tx(ctx, "claim deliveries", func(tx pgx.Tx) error {
		if err := holds(ctx, tx, l); err != nil {
			return err
		}
		var found []behindRow
		if found, next, err = s.page(ctx, tx, l, channel, after, limit); err != nil || len(found) == 0 {
			return err
		}
		contacts := firstOf(found)
		rows, err := tx.Query(ctx, `
			insert into delivery (incident_no, campaign_n, channel, contact, shard, state, fence)
			select $1, $2, $3, c, $5, 'claimed', $6 from unnest($4::bigint[]) c
			on conflict do nothing returning contact, claimed_at`, l.no, l.Campaign, channel, contacts, l.Shard, l.Fence)
		if err != nil {
			return err
		}
		claimed, err := pgx.CollectRows(rows, pgx.RowToStructByPos[claimedRow])
		if err != nil {
			return err
		}
		if len(claimed) < len(contacts) {
			if err := foldSettled(ctx, tx, l, channel, contacts); err != nil {
				return err
			}
		}
		work = make([]Work, len(claimed))
		for i, c := range claimed {
			work[i] = Work{Contact: c.Contact, Channel: channel, State: breach.DeliveryClaimed, ClaimedAt: c.ClaimedAt}
		}
		return s.fill(ctx, l, channel, work, found)
	})
	if err == nil && len(work) > 0 {
		err = s.learn(ctx, l.no)
	}
	return work, next, err
}

// learn gives the planner its first statistics of an incident's ledger. Without any it takes all rows of the incident for one
// row, and plans that are kept walk through the ledger for every message; autovacuum comes by a minute later at best.
func (s *Store) learn(ctx context.Context, no int64) error {
	const enough = 2000
	for _, t := range growing {
		table := fmt.Sprintf("%s_%d", t, no)
		var known float64
		if err := s.pool.QueryRow(ctx, `select reltuples from pg_class where oid = to_regclass($1)`, table).Scan(&known); err != nil {
			return wrap("look at statistics", err)
		}
		if known >= enough {
			continue
		}
		if _, err := s.pool.Exec(ctx, `analyze `+table); err != nil {
			return wrap("gather statistics", err)
		}
	}
	return nil
}

type claimedRow struct {
	Contact   int64
	ClaimedAt time.Time
}

// behindRow is a recipient behind a contact.
type behindRow struct {
	Contact  [16]byte        `db:"contact"`
	ID       int64           `db:"id"`
	Cohort   int             `db:"cohort"`
	Role     breach.Audience `db:"role"`
	Language breach.Language `db:"language"`
	Sealed   []byte          `db:"sealed"`
	Exempt   bool            `db:"exempt"` // lawfully not told: no message names them
}

// page finds the shard's next recipients on a rung, and all of the campaign who share their contacts.
func (s *Store) page(ctx context.Context, tx pgx.Tx, l Lease, channel breach.Channel, after int64, limit int) (found []behindRow, next int64, err error) {
	column := contactColumn(channel)
	type row struct {
		Next int64 `db:"next"`
		behindRow
	}
	rows, err := list[row](ctx, tx, `
		with page as materialized (
			select r.id, r.`+column+` as contact, r.cohort, r.sealed, exists (select from shared_contact h where h.incident_no = $1 and h.contact = r.`+column+`) as shared
			from recipient r left join `+l.standings()+` s on s.incident_no = r.incident_no and s.id = r.id
			where r.incident_no = $1 and r.id > $2 and r.id >= $3 and r.id < $4 and `+onRung(l.Ladder, channel)+` order by r.id limit $5),
		upTo as (select case when count(*) < $5 then $4 else max(id) end as next from page)
		select u.next, b.contact, b.id, b.cohort, c.role, c.language, b.sealed, `+unnamed+` as exempt
		from upTo u cross join (
			select p.contact, p.id, p.cohort, p.sealed from page p where not p.shared
			union all
			select b.`+column+`, b.id, b.cohort, b.sealed from (select distinct contact from page where shared) p
			join recipient b on b.incident_no = $1 and b.`+column+` = p.contact and b.id + 0 >= $6 and b.id + 0 < $7) b
		join cohort c on c.incident_no = $1 and c.no = b.cohort
		left join `+l.standings()+` x on x.incident_no = $1 and x.id = b.id order by b.id`,
		l.no, after, l.Lo, l.Hi, limit, l.first, l.last)
	if err != nil || len(rows) == 0 {
		return nil, l.Hi, err
	}
	found = make([]behindRow, len(rows))
	for i, r := range rows {
		found[i] = r.behindRow
	}
	return found, rows[0].Next, nil
}

// firstOf names each contact by the first recipient that has it. The rows are in the order of ids.
func firstOf(found []behindRow) []int64 {
	seen := make(map[[16]byte]bool, len(found))
	var contacts []int64
	for _, r := range found {
		if !seen[r.Contact] {
			seen[r.Contact] = true
			contacts = append(contacts, r.ID)
		}
	}
	return contacts
}

// fill opens what is needed to write to contacts.
func (s *Store) fill(ctx context.Context, l Lease, channel breach.Channel, work []Work, found []behindRow) error {
	keys, err := s.keys.Keys(ctx, l.Incident)
	if err != nil {
		return err
	}
	house, err := s.House(ctx)
	if err != nil {
		return err
	}
	index := make(map[int64]int, len(work))
	for i := range work {
		w := &work[i]
		index[w.Contact] = i
		if w.Delivery, err = deliveryID(house, l.no, l.Campaign, channel, w.Contact); err != nil {
			return err
		}
	}
	holder := make(map[[16]byte]int, len(work)) // blind index -> work
	for _, r := range found {
		i, first := index[r.ID]
		if first {
			holder[r.Contact] = i
		} else if i, first = holder[r.Contact]; !first {
			continue // another shard's
		}
		plain, err := keys.Open("recipient", strconv.FormatInt(r.ID, 10), r.Sealed)
		if err != nil {
			return err
		}
		secret, err := readSecret(plain)
		if err != nil {
			return fmt.Errorf("recipient %d: %w", r.ID, err)
		}
		w := &work[i]
		if w.To == "" {
			w.To = secret.to(channel)
		}
		if r.Exempt {
			continue
		}
		w.Behind = append(w.Behind, Recipient{ID: r.ID, Cohort: r.Cohort, Role: r.Role, Language: r.Language, Name: secret.Name, Person: secret.Person})
	}
	return nil
}

// foldSettled carries outcomes to those who came to a contact after it had ended: nobody writes to it a second time.
func foldSettled(ctx context.Context, tx pgx.Tx, l Lease, channel breach.Channel, contacts []int64) error {
	rows, err := tx.Query(ctx, `
		select contact, state from delivery
		where incident_no = $1 and campaign_n = $2 and channel = $3 and contact = any($4) and
			(state in ('accepted', 'rejected', 'bounced') or state = 'in_doubt' and next_at = 'infinity')`, l.no, l.Campaign, channel, contacts)
	if err != nil {
		return err
	}
	settled, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Result, err error) {
		err = row.Scan(&r.Contact, &r.State)
		r.MoveOn = r.State == breach.DeliveryInDoubt
		return r, err
	})
	if err != nil {
		return err
	}
	return fold(ctx, tx, l, channel, settled)
}
