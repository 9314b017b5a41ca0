package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tocsin/internal/breach"
)

// Result is what became of one delivery that was let go by [Store.Begin].
type Result struct {
	Contact   int64
	Behind    []Recipient          // of the Work, which spares looking for them again
	State     breach.DeliveryState // accepted, rejected, temporary, in_doubt; claimed: nothing was done, it is as it was before
	Attempted bool                 // its bytes may have left
	SHA256    []byte               // of these bytes
	Code      string
	Reference string
	Again     time.Duration // temporary and in_doubt: when to look at it again; zero for in_doubt means at once
	MoveOn    bool          // in_doubt: stay so, and try the recipients' next rung
}

// Entry is what the holder of one shard writes: results with what follows from them for the recipients.
type Entry struct {
	Lease   Lease
	Channel breach.Channel
	Results []Result
}

// Begin lets a batch go: from now on each of its messages may leave, and is in doubt if nobody knows better when the shard has another
// holder. It is durable when Begin returns. ErrFenced says that the shard has another holder already.
func (s *Store) Begin(ctx context.Context, l Lease, channel breach.Channel, contacts []int64) error {
	var batch pgx.Batch
	g := group{lease: l, channel: channel, leases: []Lease{l}}
	g.holds(&batch)
	batch.Queue(`
		with begun as (
			update delivery set was = case state when 'claimed' then null when 'intent' then was else state end, state = 'intent', intent_at = now()
			where incident_no = $1 and campaign_n = $2 and channel = $3 and contact = any($4) and fence = $5
				and state in ('claimed', 'temporary', 'in_doubt', 'intent') returning 1)
		select `+demand(`count(*) = cardinality($4)`)+` from begun`, l.no, l.Campaign, channel, contacts, l.Fence)
	return ledgerError(s.pool.SendBatch(ctx, &batch).Close())
}

// Commit writes what became of some deliveries of one shard; see [Store.CommitAll].
func (s *Store) Commit(ctx context.Context, l Lease, channel breach.Channel, results []Result) error {
	return s.CommitAll(ctx, []Entry{{l, channel, results}})
}

// CommitAll writes entries in one transaction, sent in one go, and folds the results into the recipients. It is the only writer
// of the ledger while shards are held. Either all is written, or none: ErrFenced where one of the shards has another holder.
func (s *Store) CommitAll(ctx context.Context, entries []Entry) error {
	var err error
	for range 3 {
		err = s.commit(ctx, entries)
		if pgErr, ok := errors.AsType[*pgconn.PgError](err); !ok || pgErr.Code != "40P01" { // deadlock_detected
			break
		}
	}
	return ledgerError(err)
}

func ledgerError(err error) error {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Code == "22012" { // division_by_zero, see demand
		return ErrFenced
	}
	return wrap("write ledger", err)
}

func (s *Store) commit(ctx context.Context, entries []Entry) error {
	var batch pgx.Batch
	for _, g := range grouped(entries) {
		g.holds(&batch)
		g.writeDeliveries(&batch)
		g.foldTold(&batch)
		g.foldMoved(&batch)
	}
	return s.pool.SendBatch(ctx, &batch).Close()
}

// Statements that are sent together are one transaction, and no answer is read before the last was sent. So a statement
// that must not go through as it is fails by itself: demand divides by zero where a condition does not hold.
func demand(condition string) string { return "1 / case when " + condition + " then 1 else 0 end" }

// byIndex keeps the planner from reading a partition as a whole because it was empty when it last looked. The plans are kept,
// and a campaign fills its tables within minutes.
const byIndex = `set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`

// group is the part of what is written that concerns one channel of one campaign.
type group struct {
	lease   Lease // any of them
	channel breach.Channel
	leases  []Lease
	results []Result
	fences  []int64 // of results
}

func grouped(entries []Entry) []*group {
	var groups []*group
	for _, e := range entries {
		i := slices.IndexFunc(groups, func(g *group) bool {
			return g.lease.no == e.Lease.no && g.lease.Campaign == e.Lease.Campaign && g.channel == e.Channel
		})
		if i < 0 {
			i, groups = len(groups), append(groups, &group{lease: e.Lease, channel: e.Channel})
		}
		g := groups[i]
		if !slices.ContainsFunc(g.leases, func(l Lease) bool { return l.Shard == e.Lease.Shard && l.Fence == e.Lease.Fence }) {
			g.leases = append(g.leases, e.Lease)
		}
		for _, x := range e.Results {
			g.results, g.fences = append(g.results, x), append(g.fences, e.Lease.Fence)
		}
	}
	return groups
}

// holds demands that every shard is still held, and keeps it so until the transaction ends.
func (g *group) holds(b *pgx.Batch) {
	shards, fences := make([]int32, len(g.leases)), make([]int64, len(g.leases))
	for i, l := range g.leases {
		shards[i], fences[i] = int32(l.Shard), l.Fence
	}
	b.Queue(`
		select `+demand(`count(*) = cardinality($3)`)+`, `+byIndex+` from (
			select 1 from shard s join unnest($3::int[], $4::bigint[]) u (shard, fence) on s.shard = u.shard and s.fence = u.fence
			where s.incident_no = $1 and s.campaign_n = $2 for share of s) held`, g.lease.no, g.lease.Campaign, shards, fences)
}

// writeDeliveries writes the results in one statement: the counts that follow each statement are then made once.
func (g *group) writeDeliveries(b *pgx.Batch) {
	if len(g.results) == 0 {
		return
	}
	sql, args := g.deliveries()
	b.Queue(`with written as (`+sql+` returning 1) select `+demand(`count(*) = cardinality($4)`)+` from written`, args...)
}

// deliveries is the statement that writes the results to rows that were let go under the same fence, and only to those. A delivery in
// doubt that nobody looks at again has its time at infinity: settled as far as it can be.
func (g *group) deliveries() (sql string, args []any) {
	n := len(g.results)
	var (
		contacts                  = make([]int64, n)
		states, codes, references = make([]string, n), make([]string, n), make([]string, n)
		hashes                    = make([][]byte, n)
		attempts, moves           = make([]bool, n), make([]bool, n)
		again                     = make([]*time.Duration, n)
	)
	for i, x := range g.results {
		contacts[i], states[i], codes[i], references[i] = x.Contact, string(x.State), x.Code, x.Reference
		hashes[i], attempts[i], moves[i] = x.SHA256, x.Attempted, x.MoveOn
		if x.Again > 0 {
			again[i] = &x.Again
		}
	}
	return `
		update delivery d set state = case when u.s = 'claimed' then coalesce(d.was, 'claimed') else u.s end, was = null,
			tries = d.tries + u.b::int, resent = d.resent or u.b and coalesce(d.was = 'in_doubt', false), wire_sha256 = coalesce(u.h, d.wire_sha256),
			code = case when u.s = 'claimed' then d.code else u.k end, reference = case when u.s = 'claimed' then d.reference else u.r end,
			outcome_at = case when u.s = 'claimed' then d.outcome_at else now() end,
			doubted_at = case when u.s = 'in_doubt' then coalesce(d.doubted_at, now()) else d.doubted_at end,
			next_at = case when u.s = 'claimed' then d.next_at when u.m then 'infinity' else now() + u.a end
		from unnest($4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::bool[], $11::interval[], $12::bool[]) u (c, f, s, k, r, h, b, a, m)
		where d.incident_no = $1 and d.campaign_n = $2 and d.channel = $3 and d.contact = u.c and d.fence = u.f and d.state = 'intent'`,
		[]any{g.lease.no, g.lease.Campaign, g.channel, contacts, g.fences, states, codes, references, hashes, attempts, again, moves}
}

// foldTold tells everyone behind a contact whose message was taken over, whichever shard they are in. In the order of ids, as
// every writer of standings does, so that none waits for another in a circle.
func (g *group) foldTold(b *pgx.Batch) {
	var told []Recipient
	var unknown []int64
	for _, x := range g.results {
		switch {
		case !tells(x, g.channel):
		case len(x.Behind) == 0:
			unknown = append(unknown, x.Contact)
		default:
			told = append(told, x.Behind...)
		}
	}
	if len(unknown) > 0 {
		b.Queue(tellBehind(g.lease, g.channel), g.lease.no, unknown, g.lease.first, g.lease.last, g.channel)
	}
	if len(told) == 0 {
		return
	}
	ids := make([]int64, len(told))
	for i, r := range told {
		ids[i] = r.ID
	}
	b.Queue(`
		insert into `+g.lease.standings()+` as standing (incident_no, id, passed, flags, state, told_by, told_at)
		select r.incident_no, r.id, 0, r.flags, 'told', $3, now() from recipient r where r.incident_no = $1 and r.id = any($2) order by r.id
		`+onceTold, g.lease.no, ids, g.channel)
}

func (g *group) foldMoved(b *pgx.Batch) {
	var moved []int64
	for _, x := range g.results {
		if movesOn(x, g.channel) {
			moved = append(moved, x.Contact)
		}
	}
	if len(moved) > 0 {
		b.Queue(moveBehind(g.lease, g.channel), g.lease.no, moved, g.lease.first, g.lease.last, slices.Index(g.lease.Ladder, g.channel)+1)
	}
}

// tells says whether a result closes the case of those behind it. A push alone never does: whoever has no other channel is for
// the public notice.
func tells(r Result, channel breach.Channel) bool {
	return r.State == breach.DeliveryAccepted && channel != breach.Push
}

func movesOn(r Result, channel breach.Channel) bool {
	return !tells(r, channel) && (r.State == breach.DeliveryAccepted || r.State == breach.DeliveryRejected || r.State == breach.DeliveryBounced || r.MoveOn)
}
