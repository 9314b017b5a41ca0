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

// Intent says that the bytes of one delivery may leave from now on.
type Intent struct {
	Contact int64
	SHA256  []byte
	Resend  bool // once more after a doubt, under the same id
}

// Result is what one attempt came to.
type Result struct {
	Contact   int64
	Behind    []Recipient          // of the Work, which spares looking for them again
	State     breach.DeliveryState // accepted, rejected, temporary, in_doubt
	Code      string
	Reference string
	Again     time.Duration // temporary and in_doubt: when to look at it again; zero for in_doubt means at once
	MoveOn    bool          // in_doubt: stay so, and try the recipients' next rung
}

// Entry is what the holder of one shard writes: intents, and results with what follows from them for the recipients.
type Entry struct {
	Lease   Lease
	Channel breach.Channel
	Intents []Intent
	Results []Result
}

// Commit writes one entry; see [Store.CommitAll].
func (s *Store) Commit(ctx context.Context, l Lease, channel breach.Channel, intents []Intent, results []Result) error {
	return s.CommitAll(ctx, []Entry{{l, channel, intents, results}})
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
	intents []Intent
	results []Result
	begun   []int64 // fences: of intents
	ended   []int64 // of results
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
		for _, x := range e.Intents {
			g.intents, g.begun = append(g.intents, x), append(g.begun, e.Lease.Fence)
		}
		for _, x := range e.Results {
			g.results, g.ended = append(g.results, x), append(g.ended, e.Lease.Fence)
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

// writeDeliveries writes intents and results in one statement: the counts that follow each statement are then made once.
func (g *group) writeDeliveries(b *pgx.Batch) {
	n := len(g.intents) + len(g.results)
	if n == 0 {
		return
	}
	var (
		contacts, fences          = make([]int64, 0, n), append(slices.Clone(g.begun), g.ended...)
		states, codes, references = make([]string, 0, n), make([]string, 0, n), make([]string, 0, n)
		hashes                    = make([][]byte, n)
		resends, moves            = make([]bool, n), make([]bool, n)
		again                     = make([]*time.Duration, n)
	)
	for i, x := range g.intents {
		contacts, states, codes, references = append(contacts, x.Contact), append(states, string(breach.DeliveryIntent)), append(codes, ""), append(references, "")
		hashes[i], resends[i] = x.SHA256, x.Resend
	}
	for i, x := range g.results {
		contacts, states, codes, references = append(contacts, x.Contact), append(states, string(x.State)), append(codes, x.Code), append(references, x.Reference)
		moves[len(g.intents)+i] = x.MoveOn
		if x.Again > 0 {
			again[len(g.intents)+i] = &x.Again
		}
	}
	// A delivery in doubt that nobody looks at again has its time at infinity: settled as far as it can be.
	b.Queue(`
		with written as (
			update delivery d set state = u.s,
				tries = tries + (u.s = 'intent')::int, wire_sha256 = coalesce(u.h, wire_sha256), resent = resent or u.w,
				intent_at = case when u.s = 'intent' then now() else intent_at end,
				code = case when u.s = 'intent' then code else u.k end, reference = case when u.s = 'intent' then reference else u.r end,
				outcome_at = case when u.s = 'intent' then outcome_at else now() end,
				doubted_at = case when u.s = 'in_doubt' then coalesce(doubted_at, now()) else doubted_at end,
				next_at = case when u.m then 'infinity' else now() + u.a end
			from unnest($4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::bool[], $11::interval[], $12::bool[]) u (c, f, s, k, r, h, w, a, m)
			where d.incident_no = $1 and d.campaign_n = $2 and d.channel = $3 and d.contact = u.c and d.fence = u.f
				and (d.state in ('claimed', 'temporary', 'in_doubt') or d.state = 'intent' and u.s <> 'intent')
			returning 1)
		select `+demand(`count(*) = cardinality($4)`)+` from written`,
		g.lease.no, g.lease.Campaign, g.channel, contacts, fences, states, codes, references, hashes, resends, again, moves)
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
		b.Queue(tellBehind(g.channel), g.lease.no, unknown, g.lease.first, g.lease.last, g.channel)
	}
	if len(told) == 0 {
		return
	}
	ids := make([]int64, len(told))
	for i, r := range told {
		ids[i] = r.ID
	}
	b.Queue(`
		insert into standing (incident_no, id, passed, flags, state, told_by, told_at)
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
