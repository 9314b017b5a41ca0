package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
	"tocsin/internal/seal"
)

// Lease is a worker's hold on a shard. The fence rises with every holder, and every write of the ledger names it: a worker
// that was thought dead and comes back changes nothing.
type Lease struct {
	Incident breach.IncidentID
	Campaign int
	Shard    int
	Lo, Hi   int64
	Fence    int64
	Ladder   []breach.Channel

	no int64
}

// frozenHolder ends the transaction of a holder that was frozen in the middle of it, for as long as it waits: it would keep
// its heir from the shard.
const frozenHolder = `set_config('idle_in_transaction_session_timeout', '10s', true)`

// TakeShard takes a shard over. What its last holder left as an intent without an outcome may have gone out: it becomes in
// doubt, as a visible row, before anything else happens. What it had only claimed is safe to send.
//
// began is when the engine started the attempt that asks, and becomes the fence. A process that was frozen with an attempt
// in its hands would otherwise take the shard back from its heir when it wakes: it gets ErrFenced.
func (s *Store) TakeShard(ctx context.Context, id breach.IncidentID, campaign, shard int, began time.Time) (Lease, error) {
	l := Lease{Incident: id, Campaign: campaign, Shard: shard}
	err := s.tx(ctx, "take shard", func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			update shard h set fence = greatest(fence, $4) from incident i, campaign c
			where i.id = $1 and h.incident_no = i.no and h.campaign_n = $2 and h.shard = $3 and c.incident_no = i.no and c.n = h.campaign_n
			returning h.incident_no, h.lo, h.hi, h.fence, c.ladder, `+frozenHolder, id, campaign, shard, began.UnixMicro()).
			Scan(&l.no, &l.Lo, &l.Hi, &l.Fence, &l.Ladder, nil)
		if err != nil {
			return err
		}
		if l.Fence != began.UnixMicro() {
			return ErrFenced
		}
		tag, err := tx.Exec(ctx, `
			update delivery set state = 'in_doubt', doubted_at = coalesce(doubted_at, now()), fence = $4
			where incident_no = $1 and campaign_n = $2 and shard = $3 and state = 'intent'`, l.no, campaign, shard, l.Fence)
		if err != nil {
			return err
		}
		if n := tag.RowsAffected(); n > 0 {
			return note(ctx, tx, l.no, breach.Tocsin, "delivery.in_doubt", "", Detail{"campaign": campaign, "shard": shard, "deliveries": n})
		}
		return nil
	})
	return l, err
}

// Work is one delivery to make: one contact, and everyone whom a message to it tells. It holds personal data.
type Work struct {
	Delivery  breach.DeliveryID
	Contact   int64
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
	Role     breach.Audience
	Language breach.Language
	Name     string // whom to address
	Person   string // whose data it was
}

// Halted reports whether somebody stopped the campaign.
func (s *Store) Halted(ctx context.Context, l Lease) (halted bool, err error) {
	err = s.pool.QueryRow(ctx, `select halted_at is not null from campaign where incident_no = $1 and n = $2`, l.no, l.Campaign).Scan(&halted)
	return halted, wrap("read campaign", err)
}

// Claim takes up to limit contacts of one channel that recipients of the shard, after a recipient's id, are to be told by,
// and returns the work and the id to go on from. A contact that another shard has taken is left to it: its outcome folds
// into every recipient behind it, and into those who come later when they do. No work and done means that the shard has no one left on this rung.
func (s *Store) Claim(ctx context.Context, l Lease, channel breach.Channel, after int64, limit int) (work []Work, next int64, err error) {
	err = s.tx(ctx, "claim deliveries", func(tx pgx.Tx) error {
		if err := holds(ctx, tx, l); err != nil {
			return err
		}
		var contacts []int64
		column := contactColumn(channel)
		err := tx.QueryRow(ctx, `
			with page as (
				select id, `+column+` as contact from recipient
				where incident_no = $1 and campaign_n = $2 and id > $3 and id >= $4 and id < $5 and state = 'open' and rung = $6 order by id limit $7)
			select coalesce(max(id), $5), coalesce(array_agg(distinct contact), '{}') from page`,
			l.no, l.Campaign, after, l.Lo, l.Hi, channel, limit).Scan(&next, &contacts)
		if err != nil || len(contacts) == 0 {
			return err
		}
		keys, err := s.keys.Keys(ctx, l.Incident)
		if err != nil {
			return err
		}
		ids := make([]string, len(contacts))
		for i, c := range contacts {
			ids[i] = string(deliveryID(keys, l, channel, c))
		}
		rows, err := tx.Query(ctx, `
			insert into delivery (incident_no, campaign_n, contact_id, id, channel, shard, state, fence)
			select $1, $2, c, d, $5, $6, 'claimed', $7 from unnest($3::bigint[], $4::text[]) u (c, d)
			on conflict do nothing returning contact_id`, l.no, l.Campaign, contacts, ids, channel, l.Shard, l.Fence)
		if err != nil {
			return err
		}
		claimed, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		if len(claimed) < len(contacts) {
			if err := foldSettled(ctx, tx, l, channel, contacts); err != nil {
				return err
			}
		}
		work, err = s.load(ctx, tx, l, keys, claimed)
		return err
	})
	return work, next, err
}

// foldSettled carries outcomes to those who came to a contact after it had ended: nobody writes to it a second time.
func foldSettled(ctx context.Context, tx pgx.Tx, l Lease, channel breach.Channel, contacts []int64) error {
	rows, err := tx.Query(ctx, `
		select contact_id, state from delivery
		where incident_no = $1 and campaign_n = $2 and contact_id = any($3) and
			(state in ('accepted', 'rejected') or state = 'in_doubt' and next_at = 'infinity')`, l.no, l.Campaign, contacts)
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

// Unsettled returns a shard's deliveries on one channel that wait for this worker: claimed by a holder that is gone, in
// doubt, or refused for now with the time come. At most limit, those in doubt first.
func (s *Store) Unsettled(ctx context.Context, l Lease, channel breach.Channel, limit int) (work []Work, err error) {
	err = s.tx(ctx, "read unsettled deliveries", func(tx pgx.Tx) error {
		if err := holds(ctx, tx, l); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `
			update delivery set fence = $4 from (
				select contact_id from delivery
				where incident_no = $1 and campaign_n = $2 and shard = $3 and channel = $5 and
					(state = 'in_doubt' and next_at is null or state = 'claimed' and fence < $4 or state in ('temporary', 'in_doubt') and next_at <= now())
				order by state = 'in_doubt' desc, contact_id limit $6) u
			where delivery.incident_no = $1 and delivery.campaign_n = $2 and delivery.contact_id = u.contact_id returning delivery.contact_id`,
			l.no, l.Campaign, l.Shard, l.Fence, channel, limit)
		if err != nil {
			return err
		}
		contacts, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil || len(contacts) == 0 {
			return err
		}
		keys, err := s.keys.Keys(ctx, l.Incident)
		if err != nil {
			return err
		}
		work, err = s.load(ctx, tx, l, keys, contacts)
		return err
	})
	return work, err
}

// WaitingDeliveries tells how many deliveries of the shard wait for a later try, and when the first is due.
func (s *Store) WaitingDeliveries(ctx context.Context, l Lease) (n int64, next *time.Time, err error) {
	err = s.pool.QueryRow(ctx, `
		select count(*), min(next_at) from delivery
		where incident_no = $1 and campaign_n = $2 and shard = $3 and state in ('temporary', 'in_doubt') and next_at < 'infinity'`,
		l.no, l.Campaign, l.Shard).Scan(&n, &next)
	return n, next, wrap("read waiting deliveries", err)
}

// deliveryID derives the one id of a notice to a contact, so that whoever computes it finds the same.
func deliveryID(keys *seal.Keys, l Lease, channel breach.Channel, contact int64) breach.DeliveryID {
	sum := keys.Blind("delivery", fmt.Sprintf("%d|%s|%d", l.Campaign, channel, contact))
	return breach.DeliveryID(fmt.Sprintf("%x", sum[:16]))
}

func holds(ctx context.Context, tx pgx.Tx, l Lease) error {
	var fence int64
	if err := tx.QueryRow(ctx, `select fence, `+frozenHolder+` from shard where incident_no = $1 and campaign_n = $2 and shard = $3 for share`, l.no, l.Campaign, l.Shard).Scan(&fence, nil); err != nil {
		return err
	}
	if fence != l.Fence {
		return ErrFenced
	}
	return nil
}

func contactColumn(c breach.Channel) string {
	switch c {
	case breach.Email:
		return "email_contact"
	case breach.SMS:
		return "sms_contact"
	case breach.Push:
		return "push_contact"
	default:
	}
	panic("store: no contacts of channel " + string(c))
}

// load reads what is needed to write to contacts, and opens it.
func (s *Store) load(ctx context.Context, tx pgx.Tx, l Lease, keys *seal.Keys, contacts []int64) ([]Work, error) {
	type delivery struct {
		ID        breach.DeliveryID    `db:"id"`
		Contact   int64                `db:"contact_id"`
		Channel   breach.Channel       `db:"channel"`
		State     breach.DeliveryState `db:"state"`
		Tries     int                  `db:"tries"`
		Resent    bool                 `db:"resent"`
		DoubtedAt *time.Time           `db:"doubted_at"`
		IntentAt  *time.Time           `db:"intent_at"`
		ClaimedAt time.Time            `db:"claimed_at"`
		Blind     []byte               `db:"blind"`
		Sealed    []byte               `db:"sealed"`
	}
	deliveries, err := list[delivery](ctx, tx, `
		select d.id, d.contact_id, d.channel, d.state, d.tries, d.resent, d.doubted_at, d.intent_at, d.claimed_at, c.blind, c.sealed
		from delivery d join contact c on c.incident_no = d.incident_no and c.id = d.contact_id
		where d.incident_no = $1 and d.campaign_n = $2 and d.contact_id = any($3) order by d.contact_id`, l.no, l.Campaign, contacts)
	if err != nil || len(deliveries) == 0 {
		return nil, err
	}
	column := contactColumn(deliveries[0].Channel)
	type recipient struct {
		ID       int64           `db:"id"`
		Contact  int64           `db:"contact"`
		Role     breach.Audience `db:"role"`
		Language breach.Language `db:"language"`
		Sealed   []byte          `db:"sealed"`
	}
	recipients, err := list[recipient](ctx, tx, `
		select id, `+column+` as contact, role, language, sealed from recipient
		where incident_no = $1 and campaign_n = $2 and `+column+` = any($3) order by id`, l.no, l.Campaign, contacts)
	if err != nil {
		return nil, err
	}
	behind := make(map[int64][]Recipient, len(contacts))
	for _, r := range recipients {
		plain, err := keys.Open("recipient", strconv.FormatInt(r.ID, 10), r.Sealed)
		if err != nil {
			return nil, err
		}
		var secret recipientSecret
		if err := json.Unmarshal(plain, &secret); err != nil {
			return nil, fmt.Errorf("recipient %d cannot be read", r.ID)
		}
		behind[r.Contact] = append(behind[r.Contact], Recipient{Role: r.Role, Language: r.Language, Name: secret.Name, Person: secret.Person})
	}
	work := make([]Work, len(deliveries))
	for i, d := range deliveries {
		to, err := keys.Open("contact", string(d.Blind), d.Sealed)
		if err != nil {
			return nil, err
		}
		work[i] = Work{
			Delivery: d.ID, Contact: d.Contact, Channel: d.Channel, State: d.State, Tries: d.Tries, Resent: d.Resent,
			DoubtedAt: d.DoubtedAt, IntentAt: d.IntentAt, ClaimedAt: d.ClaimedAt, To: string(to), Behind: behind[d.Contact],
		}
	}
	return work, nil
}

// Intent says that the bytes of one delivery may leave from now on.
type Intent struct {
	Contact int64
	SHA256  []byte
	Resend  bool // once more after a doubt, under the same id
}

// Result is what one attempt came to.
type Result struct {
	Contact   int64
	State     breach.DeliveryState // accepted, rejected, temporary, in_doubt
	Code      string
	Reference string
	Again     time.Duration // temporary and in_doubt: when to look at it again; zero for in_doubt means at once
	MoveOn    bool          // in_doubt: stay so, and try the recipients' next rung
}

// Commit writes intents and results in one transaction, and folds the results into the recipients. It is the only writer
// of the ledger while a shard is held. Either all is written, or none: ErrFenced where the shard has another holder.
func (s *Store) Commit(ctx context.Context, l Lease, channel breach.Channel, intents []Intent, results []Result) error {
	return s.tx(ctx, "write ledger", func(tx pgx.Tx) error {
		if err := holds(ctx, tx, l); err != nil {
			return err
		}
		if err := writeResults(ctx, tx, l, results); err != nil {
			return err
		}
		if err := fold(ctx, tx, l, channel, results); err != nil {
			return err
		}
		return writeIntents(ctx, tx, l, intents)
	})
}

func writeIntents(ctx context.Context, tx pgx.Tx, l Lease, intents []Intent) error {
	if len(intents) == 0 {
		return nil
	}
	contacts, hashes, resends := make([]int64, len(intents)), make([][]byte, len(intents)), make([]bool, len(intents))
	for i, x := range intents {
		contacts[i], hashes[i], resends[i] = x.Contact, x.SHA256, x.Resend
	}
	tag, err := tx.Exec(ctx, `
		update delivery d set state = 'intent', intent_at = now(), tries = tries + 1, wire_sha256 = u.h, resent = resent or u.r, next_at = null
		from unnest($4::bigint[], $5::bytea[], $6::bool[]) u (c, h, r)
		where d.incident_no = $1 and d.campaign_n = $2 and d.contact_id = u.c and d.fence = $3 and d.state in ('claimed', 'temporary', 'in_doubt')`,
		l.no, l.Campaign, l.Fence, contacts, hashes, resends)
	if err == nil && tag.RowsAffected() != int64(len(intents)) {
		err = ErrFenced
	}
	return err
}

func writeResults(ctx context.Context, tx pgx.Tx, l Lease, results []Result) error {
	if len(results) == 0 {
		return nil
	}
	n := len(results)
	contacts, states, codes, references, again := make([]int64, n), make([]string, n), make([]string, n), make([]string, n), make([]*time.Duration, n)
	for i, x := range results {
		contacts[i], states[i], codes[i], references[i] = x.Contact, string(x.State), x.Code, x.Reference
		if x.Again > 0 {
			again[i] = &x.Again
		}
	}
	// A delivery in doubt that nobody looks at again has its time at infinity: settled as far as it can be.
	tag, err := tx.Exec(ctx, `
		update delivery d set state = u.s, code = u.k, reference = u.r, outcome_at = now(),
			doubted_at = case when u.s = 'in_doubt' then coalesce(doubted_at, now()) else doubted_at end,
			next_at = case when u.m then 'infinity' else now() + u.a end
		from unnest($4::bigint[], $5::text[], $6::text[], $7::text[], $8::interval[], $9::bool[]) u (c, s, k, r, a, m)
		where d.incident_no = $1 and d.campaign_n = $2 and d.contact_id = u.c and d.fence = $3 and d.state in ('claimed', 'intent', 'temporary', 'in_doubt')`,
		l.no, l.Campaign, l.Fence, contacts, states, codes, references, again, moves(results))
	if err == nil && tag.RowsAffected() != int64(n) {
		err = ErrFenced
	}
	return err
}

func moves(results []Result) []bool {
	m := make([]bool, len(results))
	for i, x := range results {
		m[i] = x.MoveOn
	}
	return m
}

// fold carries outcomes to everyone behind the contacts, whichever shard they are in.
func fold(ctx context.Context, tx pgx.Tx, l Lease, channel breach.Channel, results []Result) error {
	var told, moved []int64
	for _, x := range results {
		switch {
		case x.State == breach.DeliveryAccepted && channel != breach.Push:
			told = append(told, x.Contact)
		// A push alone never closes a case: whoever has no other channel is for the public notice.
		case x.State == breach.DeliveryAccepted, x.State == breach.DeliveryRejected, x.MoveOn:
			moved = append(moved, x.Contact)
		}
	}
	column := contactColumn(channel)
	if len(told) > 0 {
		if _, err := tx.Exec(ctx, `
			update recipient set state = 'told', told_by = $4, told_at = now(), rung = null
			where incident_no = $1 and campaign_n = $2 and `+column+` = any($3) and state in ('open', 'missed')`, l.no, l.Campaign, told, channel); err != nil {
			return err
		}
	}
	if len(moved) == 0 {
		return nil
	}
	position := slices.Index(l.Ladder, channel) + 1
	_, err := tx.Exec(ctx, `
		update recipient set rung = `+nextRung+`, state = case when `+nextRung+` is null then 'missed' else 'open' end
		where incident_no = $1 and campaign_n = $4 and `+column+` = any($5) and state = 'open' and rung = $6`,
		l.no, l.Ladder, position, l.Campaign, moved, channel)
	return err
}

// Delivery is a row of the ledger without the contact, for those who check it.
type Delivery struct {
	ID        breach.DeliveryID    `json:"id" db:"id"`
	Campaign  int                  `json:"campaign" db:"campaign_n"`
	Channel   breach.Channel       `json:"channel" db:"channel"`
	State     breach.DeliveryState `json:"state" db:"state"`
	Tries     int                  `json:"tries" db:"tries"`
	Resent    bool                 `json:"resent" db:"resent"`
	Code      string               `json:"code" db:"code"`
	DoubtedAt *time.Time           `json:"doubted_at,omitempty" db:"doubted_at"`
}

// Deliveries returns ledger rows after an id, at most limit.
func (s *Store) Deliveries(ctx context.Context, id breach.IncidentID, after breach.DeliveryID, limit int) ([]Delivery, error) {
	d, err := list[Delivery](ctx, s.pool, `
		select d.id, d.campaign_n, d.channel, d.state, d.tries, d.resent, d.code, d.doubted_at
		from delivery d join incident i on i.no = d.incident_no where i.id = $1 and d.id > $2 order by d.id limit $3`, id, after, limit)
	return d, wrap("list deliveries", err)
}
