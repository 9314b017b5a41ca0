package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/sdk/client"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/workflows"
)

const (
	engineRounds = 5
	engineMails  = 40000 // of each side in each round
	engineShards = 4     // at once, as policy.shards_at_once has it
)

// enginePart measures the whole engine: shards in Temporal, claims, intents committed before a byte leaves, outcomes and
// what follows from them for people, in PostgreSQL with its durable defaults.
func enginePart(ctx context.Context, b *bench) error {
	relay, err := startSink(ctx)
	if err != nil {
		return err
	}
	defer relay.stop()
	s, err := startStack(ctx, b)
	if err != nil {
		return err
	}
	defer s.stop()
	w, err := s.hireWorker(ctx, relay.addr)
	if err != nil {
		return err
	}
	defer func() { _, _ = w.dismiss() }()
	size, err := wireSize()
	if err != nil {
		return err
	}
	if _, err := s.round(ctx, "warm up", 2000); err != nil {
		return err
	}
	var ratios, bytes []float64
	for round := range engineRounds {
		ours, err := s.round(ctx, fmt.Sprintf("round %d", round+1), engineMails)
		if err != nil {
			return err
		}
		theirs, err := source(ctx, relay.addr, engineMails, size)
		if err != nil {
			return err
		}
		rate, reference := engineMails/ours.took.Seconds(), engineMails/theirs.Seconds()
		ratios, bytes = append(ratios, rate/reference), append(bytes, ours.bytes/engineMails)
		b.say("round %d: ours %.0f/s (database: %.0f µs CPU, %.0f bytes a mail: tables %.0f, indexes %.0f, WAL %.0f), smtp-source %.0f/s, ratio %.3f", round+1, rate,
			float64(ours.cpu.Microseconds())/engineMails, ours.bytes/engineMails, ours.heap/engineMails, ours.indexes/engineMails, ours.wal/engineMails, reference, rate/reference)
	}
	r, err := w.dismiss()
	if err != nil {
		return err
	}
	b.say("the worker used %.0f µs CPU a mail and %.0f MB at most", r.CPUSeconds*1e6/(engineRounds*engineMails+2000), r.PeakMB)
	b.add("engine_ratio", median(ratios))
	b.add("db_bytes_per_attempt", median(bytes))
	return nil
}

func wireSize() (int, error) {
	text, err := longNotice()
	if err != nil {
		return 0, err
	}
	smtp, err := relay("127.0.0.1:25")
	if err != nil {
		return 0, err
	}
	w, err := smtp.Prepare(message(text, 1, time.Now()))
	return len(w.Body), err
}

func (s *stack) hireWorker(ctx context.Context, relay string) (*hand[worked], error) {
	return hire[worked](ctx, "worker", working{
		Database: s.database, Master: s.master, Temporal: s.temporal.Address(), Namespace: s.temporal.Namespace(), Relay: relay,
		Logs: filepath.Join(filepath.Dir(s.master), "intents"),
	})
}

// gauged is what one campaign took.
type gauged struct {
	took, cpu                 time.Duration // cpu: the database's
	heap, indexes, wal, bytes float64
}

// round sends one campaign. Loading and planning are not in the time.
func (s *stack) round(ctx context.Context, name string, mails int) (g gauged, err error) {
	id, shards, err := plan(ctx, s.store, name, mails, (mails+engineShards-1)/engineShards)
	if err != nil {
		return g, err
	}
	db, err := pgx.Connect(ctx, s.database)
	if err != nil {
		return g, err
	}
	defer func() { _ = db.Close(ctx) }()
	before, err := weigh(ctx, db)
	if err != nil {
		return g, err
	}
	used := cpuOf(s.postmaster())
	began := time.Now()
	if err := s.send(ctx, id, shards, 1<<30); err != nil {
		return g, err
	}
	g.took, g.cpu = time.Since(began), cpuOf(s.postmaster())-used
	after, err := weigh(ctx, db)
	if err != nil {
		return g, err
	}
	g.heap, g.indexes, g.wal = after.heap-before.heap, after.indexes-before.indexes, after.wal-before.wal
	g.bytes = g.heap + g.indexes + g.wal
	tally, err := s.store.Tally(ctx, id)
	if err == nil && tally.Told != int64(mails) {
		err = fmt.Errorf("of %d people %d were told", mails, tally.Told)
	}
	return g, err
}

// send runs shards and waits for them.
func (s *stack) send(ctx context.Context, id breach.IncidentID, shards []store.Shard, chunk int) error {
	var runs []client.WorkflowRun
	for _, sh := range shards {
		run, err := s.temporal.Client().ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: workflows.ShardWorkflowID(id, 1, sh.Shard), TaskQueue: workflows.QueueIncident,
		}, workflows.TypeShard, workflows.ShardInput{Incident: id, Campaign: 1, Shard: sh.Shard, Ladder: []breach.Channel{breach.Email}, ChunkSize: chunk})
		if err != nil {
			return err
		}
		runs = append(runs, run)
	}
	for _, run := range runs {
		if err := run.Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// weight is what the ledger's tables weigh, and where the write-ahead log stands.
type weight struct{ heap, indexes, wal float64 }

func weigh(ctx context.Context, db *pgx.Conn) (w weight, err error) {
	err = db.QueryRow(ctx, `
		select coalesce(sum(pg_table_size(oid)), 0)::float8, coalesce(sum(pg_indexes_size(oid)), 0)::float8, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8
		from pg_class where relkind = 'r' and (relname ~ '^(delivery|standing|recipient)_[0-9]')`).Scan(&w.heap, &w.indexes, &w.wal)
	return w, err
}
