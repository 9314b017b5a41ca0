package store

import (
	"context"
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
