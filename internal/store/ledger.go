package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
	"tocsin/internal/intent"
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

	no          int64
	first, last int64 // the campaign's recipients, last exclusive
	supplement  bool  // it supplements another notice, and has standings of its own
}

// standings names the table where telling the campaign's recipients stands.
func (l Lease) standings() string { return standingsOf(l.no, l.Campaign, l.supplement) }

// frozenHolder ends the transaction of a holder that was frozen in the middle of it, for as long as it waits: it would keep
// its heir from the shard.
const frozenHolder = `set_config('idle_in_transaction_session_timeout', '10s', true)`

// TakeShard takes a shard over. What its last holder had let go and not written an outcome of may have gone out: it becomes in
// doubt, as a visible row, before anything else happens. Where that holder's log of intents is on this machine, it becomes
// what the log says: its outcome, in doubt, or as it was before because it never began.
//
// began is when the engine started the attempt that asks, and becomes the fence. A process that was frozen with an attempt
// in its hands would otherwise take the shard back from its heir when it wakes: it gets ErrFenced.
func (s *Store) TakeShard(ctx context.Context, id breach.IncidentID, campaign, shard int, began time.Time, logs intent.Dir) (Lease, error) {
	l := Lease{Incident: id, Campaign: campaign, Shard: shard}
	var left []intent.Left
	err := s.tx(ctx, "take shard", func(tx pgx.Tx) error {
		opened, err := l.take(ctx, tx, began)
		if err != nil {
			return err
		}
		if !opened {
			if err := setApart(ctx, tx, l); err != nil {
				return err
			}
		}
		if left, err = logs.Take(l.Named(), l.Fence); err != nil {
			return err
		}
		return settleLeft(ctx, tx, l, left)
	})
	if err != nil {
		return l, err
	}
	for _, log := range left {
		log.Remove()
	}
	return l, nil
}

// Named is what the log of intents calls the lease's shard.
func (l Lease) Named() intent.Shard {
	return intent.Shard{Incident: string(l.Incident), Campaign: l.Campaign, Shard: l.Shard}
}

// take raises the fence; it reports whether anybody held the shard before.
func (l *Lease) take(ctx context.Context, tx pgx.Tx, began time.Time) (opened bool, err error) {
	err = tx.QueryRow(ctx, `
		update shard h set fence = greatest(h.fence, $4), opened_at = coalesce(h.opened_at, now())
		from incident i, campaign c, (select incident_no, campaign_n, shard, opened_at is not null as opened from shard) was
		where i.id = $1 and h.incident_no = i.no and h.campaign_n = $2 and h.shard = $3 and c.incident_no = i.no and c.n = h.campaign_n
			and was.incident_no = h.incident_no and was.campaign_n = h.campaign_n and was.shard = h.shard
		returning h.incident_no, h.lo, h.hi, h.fence, c.ladder, c.lo, c.hi, c.supplements is not null, was.opened, `+frozenHolder, l.Incident, l.Campaign, l.Shard, began.UnixMicro()).
		Scan(&l.no, &l.Lo, &l.Hi, &l.Fence, &l.Ladder, &l.first, &l.last, &l.supplement, &opened, nil)
	if err == nil && l.Fence != began.UnixMicro() {
		err = ErrFenced
	}
	return opened, err
}

// settleLeft ends what earlier holders of a shard had let go.
func settleLeft(ctx context.Context, tx pgx.Tx, l Lease, left []intent.Left) error {
	type row struct {
		Channel breach.Channel `db:"channel"`
		Contact int64          `db:"contact"`
		Fence   int64          `db:"fence"`
	}
	rows, err := list[row](ctx, tx, `
		select channel, contact, fence from delivery where incident_no = $1 and campaign_n = $2 and shard = $3 and state = 'intent' order by channel, contact`,
		l.no, l.Campaign, l.Shard)
	if err != nil {
		return err
	}
	var groups []*group
	doubts := 0
	for _, r := range rows {
		if len(groups) == 0 || groups[len(groups)-1].channel != r.Channel {
			groups = append(groups, &group{lease: l, channel: r.Channel})
		}
		result := leftOver(r.Contact, r.Fence, left)
		if result.State == breach.DeliveryInDoubt && !result.MoveOn {
			doubts++
		}
		g := groups[len(groups)-1]
		g.results, g.fences = append(g.results, result), append(g.fences, r.Fence)
	}
	for _, g := range groups {
		if err := g.settle(ctx, tx); err != nil {
			return err
		}
	}
	if doubts == 0 {
		return nil
	}
	return note(ctx, tx, l.no, breach.Tocsin, "delivery.in_doubt", "", Detail{"campaign": l.Campaign, "shard": l.Shard, "deliveries": doubts})
}

func (g *group) settle(ctx context.Context, tx pgx.Tx) error {
	var b pgx.Batch
	sql, args := g.deliveries()
	b.Queue(sql, args...)
	g.foldTold(&b)
	g.foldMoved(&b)
	return tx.SendBatch(ctx, &b).Close()
}

// leftOver is what a delivery that was let go under a fence has come to.
func leftOver(contact, fence int64, left []intent.Left) Result {
	doubt := Result{Contact: contact, State: breach.DeliveryInDoubt, Attempted: true}
	for _, log := range left {
		if log.Fence != fence {
			continue
		}
		if e, ok := log.Ended[contact]; ok {
			return Result{
				Contact: contact, State: breach.DeliveryState(e.State), Attempted: true, SHA256: e.SHA256,
				Code: e.Code, Reference: e.Reference, Again: e.Again, MoveOn: e.MoveOn,
			}
		}
		if sum, ok := log.Begun[contact]; ok {
			doubt.SHA256 = sum
			return doubt
		}
		return Result{Contact: contact, State: breach.DeliveryClaimed}
	}
	return doubt
}

// setApart counts those as missed whom no channel of the ladder could reach.
func setApart(ctx context.Context, tx pgx.Tx, l Lease) error {
	none := "true"
	for _, channel := range l.Ladder {
		none += " and r." + contactColumn(channel) + " is null"
	}
	_, err := tx.Exec(ctx, `
		insert into `+l.standings()+` as standing (incident_no, id, passed, flags, state)
		select r.incident_no, r.id, $4, r.flags, 'missed' from recipient r where r.incident_no = $1 and r.id >= $2 and r.id < $3 and `+none+`
		on conflict (incident_no, id) do update set state = 'missed', passed = excluded.passed where standing.state = 'open'`,
		l.no, l.Lo, l.Hi, len(l.Ladder))
	return err
}

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

// Held reports whether a lease still holds its shard: nil, or ErrFenced.
func (s *Store) Held(ctx context.Context, l Lease) error {
	var fence int64
	err := s.pool.QueryRow(ctx, `select fence from shard where incident_no = $1 and campaign_n = $2 and shard = $3`, l.no, l.Campaign, l.Shard).Scan(&fence)
	if err == nil && fence != l.Fence {
		return ErrFenced
	}
	return wrap("read shard", err)
}

// Halted reports whether somebody stopped the campaign.
func (s *Store) Halted(ctx context.Context, l Lease) (halted bool, err error) {
	err = s.pool.QueryRow(ctx, `select halted_at is not null from campaign where incident_no = $1 and n = $2`, l.no, l.Campaign).Scan(&halted)
	return halted, wrap("read campaign", err)
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

// onRung is the SQL condition that recipient r, with standing s, is to be told by a channel next: the first of the ladder after
// the rungs behind them that they have a contact for.
func onRung(ladder []breach.Channel, channel breach.Channel) string {
	at := slices.Index(ladder, channel) + 1
	cond := fmt.Sprintf(`coalesce(s.state, 'open') = 'open' and r.%s is not null and coalesce(s.passed, 0) < %d`, contactColumn(channel), at)
	for i, earlier := range ladder[:at-1] {
		cond += fmt.Sprintf(` and (coalesce(s.passed, 0) >= %d or r.%s is null)`, i+1, contactColumn(earlier))
	}
	return cond
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

func holds(ctx context.Context, tx pgx.Tx, l Lease) error {
	var fence int64
	if err := tx.QueryRow(ctx, `select fence, `+frozenHolder+`, `+byIndex+` from shard where incident_no = $1 and campaign_n = $2 and shard = $3 for share`,
		l.no, l.Campaign, l.Shard).Scan(&fence, nil, nil, nil, nil); err != nil {
		return err
	}
	if fence != l.Fence {
		return ErrFenced
	}
	return nil
}

// contactColumns are the columns of recipient that hold blind indexes of contacts.
var contactColumns = []string{"email", "sms", "push"}

func contactColumn(c breach.Channel) string {
	if !slices.Contains(contactColumns, string(c)) {
		panic("store: no contacts of channel " + string(c))
	}
	return string(c)
}

// fold carries the outcomes of deliveries that ended earlier to everyone behind the contacts.
func fold(ctx context.Context, tx pgx.Tx, l Lease, channel breach.Channel, results []Result) error {
	g := group{lease: l, channel: channel, results: results}
	var b pgx.Batch
	g.foldTold(&b)
	g.foldMoved(&b)
	return tx.SendBatch(ctx, &b).Close()
}

// behind is the SQL for the recipients r of a campaign who share the contacts named by $2, with their standing s. Here and
// above, + 0 keeps the planner from walking the campaign's whole range of ids instead of looking the contact up.
func behind(l Lease, channel breach.Channel) string {
	column := contactColumn(channel)
	return `from recipient f join recipient r on r.incident_no = f.incident_no and r.` + column + ` = f.` + column + ` and r.id + 0 >= $3 and r.id + 0 < $4
		left join ` + l.standings() + ` s on s.incident_no = r.incident_no and s.id = r.id
		where f.incident_no = $1 and f.id = any($2)`
}

// tellBehind is the statement that tells all who share a contact.
func tellBehind(l Lease, channel breach.Channel) string {
	return `
		insert into ` + l.standings() + ` as standing (incident_no, id, passed, flags, state, told_by, told_at)
		select r.incident_no, r.id, coalesce(s.passed, 0), r.flags, 'told', $5, now() ` + behind(l, channel) + ` and coalesce(s.state, 'open') in ('open', 'missed') order by r.id
		` + onceTold
}

// onceTold is what becomes of a standing that is there already.
const onceTold = `on conflict (incident_no, id) do update set state = 'told', told_by = excluded.told_by, told_at = excluded.told_at where standing.state in ('open', 'missed')`

// moveBehind is the statement that brings all who share a contact to their next rung, or past the last.
func moveBehind(l Lease, channel breach.Channel) string {
	left := "false"
	for _, later := range l.Ladder[slices.Index(l.Ladder, channel)+1:] {
		left += " or r." + contactColumn(later) + " is not null"
	}
	return `
		insert into ` + l.standings() + ` as standing (incident_no, id, passed, flags, state)
		select r.incident_no, r.id, $5, r.flags, case when ` + left + ` then 'open' else 'missed' end ` + behind(l, channel) + ` and ` + onRung(l.Ladder, channel) + ` order by r.id
		on conflict (incident_no, id) do update set passed = excluded.passed, state = excluded.state where standing.state = 'open' and standing.passed < excluded.passed`
}

// Delivery is a row of the ledger without the contact, for those who check it.
type Delivery struct {
	ID         breach.DeliveryID    `json:"id" db:"-"`
	Campaign   int                  `json:"campaign" db:"campaign_n"`
	Channel    breach.Channel       `json:"channel" db:"channel"`
	State      breach.DeliveryState `json:"state" db:"state"`
	Tries      int                  `json:"tries" db:"tries"`
	Resent     bool                 `json:"resent" db:"resent"`
	Code       string               `json:"code" db:"code"`
	DoubtedAt  *time.Time           `json:"doubted_at,omitempty" db:"doubted_at"`
	WireSHA256 HexBytes             `json:"wire_sha256,omitempty" db:"wire_sha256"` // of the bytes that left
	Contact    int64                `json:"-" db:"contact"`
	No         int64                `json:"-" db:"incident_no"`
}

// Deliveries returns ledger rows after an id, in the order of campaigns and channels, at most limit. An id that is not this
// incident's is refused.
func (s *Store) Deliveries(ctx context.Context, id breach.IncidentID, after breach.DeliveryID, limit int) ([]Delivery, error) {
	house, err := s.House(ctx)
	if err != nil {
		return nil, err
	}
	no, err := incidentNumber(ctx, s.pool, id)
	if err != nil {
		return nil, wrap("list deliveries", err)
	}
	from := DeliveryRef{}
	if after != "" {
		if from, err = s.DeliveryRef(ctx, after); err != nil || from.no != no {
			return nil, refused("unknown_delivery", "%s has no delivery %s: take the value of \"after\" from the page before", id, after)
		}
	}
	d, err := list[Delivery](ctx, s.pool, `
		select incident_no, contact, campaign_n, channel, state, tries, resent, code, doubted_at, wire_sha256 from delivery
		where incident_no = $1 and (campaign_n, channel, contact) > ($2, $3, $4) order by campaign_n, channel, contact limit $5`,
		no, from.Campaign, from.Channel, from.Contact, limit)
	if err != nil {
		return nil, wrap("list deliveries", err)
	}
	for i := range d {
		if d[i].ID, err = deliveryID(house, no, d[i].Campaign, d[i].Channel, d[i].Contact); err != nil {
			return nil, err
		}
	}
	return d, nil
}
