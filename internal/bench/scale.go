package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/templates"
	"tocsin/workflows"
)

// sendFor bounds how long the worker sends for the measure of its memory: what it needs does not depend on how far it has got.
const sendFor = 45 * time.Second

// scalePart measures what must not grow with the people: memory, and time for each of them.
func scalePart(ctx context.Context, b *bench) error {
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
	if err := s.countEvents(ctx, b, relay.addr); err != nil {
		return err
	}
	for _, size := range []struct {
		people int
		figure string
	}{{10_000, "peak_rss_mb_10k"}, {100_000, "peak_rss_mb_100k"}, {1_000_000, "peak_rss_mb_1m"}} {
		peak, err := s.peak(ctx, b, relay.addr, size.people)
		if err != nil {
			return err
		}
		b.add(size.figure, peak)
	}
	growth, err := s.growth(ctx, b)
	if err != nil {
		return err
	}
	b.add("claim_growth_20m", growth)
	return nil
}

// The events of a campaign depend on its shards and chunks alone. 20,000 people in ten shards of one chunk make those of a
// million with the default settings (policy.shard_size, policy.chunk_size).
const (
	eventPeople = 20_000
	eventShard  = eventPeople / 10
	eventChunk  = eventShard
)

// countEvents runs one whole campaign workflow over email, SMS and push, approval included, and counts the events of its
// history and its shards'.
func (s *stack) countEvents(ctx context.Context, b *bench, relay string) error {
	w, err := s.hireWorker(ctx, relay)
	if err != nil {
		return err
	}
	defer func() { _, _ = w.dismiss() }()
	id, err := openIncident(ctx, s.store, "events")
	if err != nil {
		return err
	}
	if err := addPeople(ctx, s.store, id, eventPeople); err != nil {
		return err
	}
	c := s.temporal.Client()
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: workflows.CampaignWorkflowID(id, 1), TaskQueue: workflows.QueueIncident}, workflows.TypeCampaign, workflows.CampaignState{
		Incident: id, N: 1, FactsRev: 1, Settings: workflows.Settings{
			Ladder: []breach.Channel{breach.Email, breach.SMS, breach.Push}, ShardSize: eventShard, ChunkSize: eventChunk, ShardWindow: engineShards,
		},
	})
	if err != nil {
		return err
	}
	if err := s.approve(ctx, id); err != nil {
		return err
	}
	if err := run.Get(ctx, nil); err != nil {
		return err
	}
	events, shards := 0, 0
	for ; ; shards++ {
		n, err := s.historyLength(ctx, workflows.ShardWorkflowID(id, 1, shards))
		if err != nil {
			break
		}
		events += n
	}
	if want := eventPeople / eventShard; shards < want {
		return fmt.Errorf("the campaign had %d shards, not %d", shards, want)
	}
	n, err := s.historyLength(ctx, workflows.CampaignWorkflowID(id, 1))
	if err != nil {
		return err
	}
	b.say("a campaign in %d shards: %d events, its own %d among them", shards, events+n, n)
	b.add("events_per_million", float64(events+n))
	return nil
}

// approve waits for the campaign's draft and approves it.
func (s *stack) approve(ctx context.Context, id breach.IncidentID) error {
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		}
		docs, err := s.store.Documents(ctx, id, false, breach.DocNotice)
		if err != nil {
			return err
		}
		for _, d := range docs {
			if d.Kind != breach.DocNotice {
				continue
			}
			decision := store.Decision{Document: d.ID, SHA256: d.SHA256, Verdict: breach.Approved, Person: approver, Role: breach.RoleApprover}
			if _, err := s.store.Decide(ctx, decision); err != nil {
				return err
			}
			return s.temporal.Client().SignalWorkflow(ctx, workflows.CampaignWorkflowID(id, 1), "", workflows.SignalDecision,
				workflows.DecisionMade{Document: d.ID, Version: d.Version, Verdict: breach.Approved})
		}
	}
}

// historyLength counts the events of a workflow's newest run.
func (s *stack) historyLength(ctx context.Context, workflow string) (n int, err error) {
	events := s.temporal.Client().GetWorkflowHistory(ctx, workflow, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		if _, err := events.Next(); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// peak imports people and sends to them for a while, each in a process of its own, and returns the more of the two.
func (s *stack) peak(ctx context.Context, b *bench, relay string, people int) (float64, error) {
	file := filepath.Join(b.dir, fmt.Sprintf("people-%d.csv", people))
	if err := writePeople(file, people); err != nil {
		return 0, err
	}
	id, err := openIncident(ctx, s.store, file)
	if err != nil {
		return 0, err
	}
	importer, err := cast[loaded](ctx, "import", loading{Database: s.database, Master: s.master, Incident: id, File: file})
	if err != nil {
		return 0, err
	}
	shards, err := freeze(ctx, s.store, id, fmt.Sprintf("peak %d", people), 100_000)
	if err != nil {
		return 0, err
	}
	w, err := s.hireWorker(ctx, relay)
	if err != nil {
		return 0, err
	}
	defer func() { _, _ = w.dismiss() }()
	sending, cancel := context.WithTimeout(ctx, sendFor)
	defer cancel()
	began := time.Now()
	if err := s.send(sending, id, shards[:min(len(shards), engineShards)], 50_000); err != nil && time.Since(began) < sendFor-time.Second {
		return 0, err // and not only the time that is over, which the engine's client says in several ways
	}
	if err := s.store.Halt(ctx, id, 1, true, onCall); err != nil {
		return 0, err
	}
	tally, err := s.store.Tally(ctx, id)
	if err != nil {
		return 0, err
	}
	r, err := w.dismiss()
	if err != nil {
		return 0, err
	}
	for _, sh := range shards {
		_ = s.temporal.Client().TerminateWorkflow(ctx, workflows.ShardWorkflowID(id, 1, sh.Shard), "", "measured") // the others were not started
	}
	b.say("%d people: importer %.0f MB, worker %.0f MB at most (%d told in %s)", people, importer.PeakMB, r.PeakMB, tally.Told, sendFor)
	return max(importer.PeakMB, r.PeakMB), nil
}

const claimPeople = 20_000

// planned is an audience that was frozen, and where claiming from it has got to.
type planned struct {
	rows  int64
	each  time.Duration // what planning took for a row
	lease store.Lease
	after int64
	times []float64 // ns a row, of each batch claimed
}

// growth is the time to plan and claim one row among 20 million, by that among one million. The two are claimed from in turns, so
// that what the machine does meanwhile falls on both.
func (s *stack) growth(ctx context.Context, b *bench) (float64, error) {
	var audiences []*planned
	for _, rows := range []int64{1_000_000, 20_000_000} {
		a, err := s.plan(ctx, rows)
		if err != nil {
			return 0, err
		}
		audiences = append(audiences, a)
	}
	const batch = 200
	for range claimPeople / batch {
		for _, a := range audiences {
			began := time.Now()
			work, next, err := s.store.Claim(ctx, a.lease, breach.Email, a.after, batch)
			if err != nil {
				return 0, err
			}
			if len(work) != batch {
				return 0, fmt.Errorf("a batch of %d people was claimed, not of %d", len(work), batch)
			}
			a.times, a.after = append(a.times, float64(time.Since(began))/batch), next
		}
	}
	var costs []float64
	for _, a := range audiences {
		claimed := median(a.times)
		costs = append(costs, float64(a.each)+claimed)
		b.say("%d rows: planned in %s, claimed in %.1f µs a row; %.1f µs together", a.rows, (a.each * time.Duration(a.rows)).Round(time.Millisecond), claimed/1e3, (float64(a.each)+claimed)/1e3)
	}
	return costs[1] / costs[0], nil
}

// plan freezes an audience of so many rows. The people who are to be claimed are imported like any others; the rest of the rows
// are filler that nobody opens.
func (s *stack) plan(ctx context.Context, rows int64) (*planned, error) {
	name := fmt.Sprintf("claim %d", rows)
	id, err := openIncident(ctx, s.store, name)
	if err != nil {
		return nil, err
	}
	if err := addPeople(ctx, s.store, id, claimPeople); err != nil {
		return nil, err
	}
	if err := s.pad(ctx, id, rows-claimPeople); err != nil {
		return nil, err
	}
	began := time.Now()
	if _, err := freeze(ctx, s.store, id, name, 100_000); err != nil {
		return nil, err
	}
	each := time.Since(began) / time.Duration(rows)
	lease, err := s.store.TakeShard(ctx, id, 1, 0, time.Now(), "")
	return &planned{rows: rows, each: each, lease: lease}, err
}

// pad adds rows to an incident's recipients, behind those who are there.
func (s *stack) pad(ctx context.Context, id breach.IncidentID, rows int64) error {
	db, err := pgx.Connect(ctx, s.database)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close(ctx) }()
	var table string
	var no, last, length int64
	if err := db.QueryRow(ctx, `select no, 'recipient_' || no from incident where id = $1`, id).Scan(&no, &table); err != nil {
		return err
	}
	if err := db.QueryRow(ctx, `select max(id), avg(length(sealed))::bigint from `+table).Scan(&last, &length); err != nil {
		return err
	}
	// Planning builds its own indexes; those of loading would only make the filling slow.
	if _, err := db.Exec(ctx, fmt.Sprintf(`
		do $$ declare i record; begin
			for i in select indexrelid::regclass as name from pg_index where indrelid = '%[1]s'::regclass and not indisprimary loop execute 'drop index ' || i.name; end loop;
		end $$;
		alter table %[1]s set unlogged`, table)); err != nil {
		return err
	}
	const writers = 2
	var group errgroup.Group
	for w := range int64(writers) {
		group.Go(func() error {
			db, err := pgx.Connect(ctx, s.database)
			if err != nil {
				return err
			}
			defer func() { _ = db.Close(ctx) }()
			_, err = db.Exec(ctx, fmt.Sprintf(`
				insert into %[1]s (incident_no, id, person, email, cohort, flags, sealed)
				select %[2]d, %[3]d + g, md5('p' || g)::uuid, md5('e' || g)::uuid, 1, 1, decode(repeat('5a', %[4]d), 'hex') from generate_series(%[5]d::bigint, %[6]d::bigint) g`,
				table, no, last, length, 1+w*rows/writers, (w+1)*rows/writers))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	_, err = db.Exec(ctx, `update people_import set hi = $2, recipients = recipients + $3, reached = reached + $3 where incident_no = $1`, no, last+rows+1, rows)
	return err
}

// freeze approves a notice and freezes its audience.
func freeze(ctx context.Context, s *store.Store, id breach.IncidentID, name string, shardSize int) ([]store.Shard, error) {
	var random [16]byte
	copy(random[:], name)
	ladder := []breach.Channel{breach.Email}
	if _, err := s.AddCampaign(ctx, id, 1, templates.NewNoticeNumber(random), ladder); err != nil {
		return nil, err
	}
	doc, err := approvedNotice(ctx, s, id)
	if err != nil {
		return nil, err
	}
	_, shards, err := s.Freeze(ctx, id, 1, doc, shardSize)
	if err == nil && len(shards) == 0 {
		err = fmt.Errorf("the frozen audience of %s is empty", id)
	}
	return shards, err
}
