package store_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// benchPeople is how many people the status is measured with.
const benchPeople = 1_000_000

// BenchmarkKnowing measures what the running counts cost the ledger, and what a status and a reconciliation take, with a million
// people all told by mail. The people are rows made by SQL: nothing here opens what is sealed.
//
//	go test ./internal/store -run xxx -bench Knowing -benchtime 1x
func BenchmarkKnowing(b *testing.B) {
	s, url := openAt(b)
	id := openIncident(b, s)
	importPeople(b, s, id, adult("甲", "a@example.com", ""))
	ctx := b.Context()
	if _, err := s.AddCampaign(ctx, id, 1, "N-1", []breach.Channel{breach.Email, breach.SMS}); err != nil {
		b.Fatal(err)
	}
	db, err := pgx.Connect(ctx, url)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close(ctx)
	run := func(sql string, args ...any) time.Duration {
		b.Helper()
		began := time.Now()
		if _, err := db.Exec(ctx, sql, args...); err != nil {
			b.Fatal(err)
		}
		return time.Since(began)
	}
	var no, first int64
	if err := db.QueryRow(ctx, `select incident_no, id from recipient`).Scan(&no, &first); err != nil {
		b.Fatal(err)
	}
	run(`insert into recipient (incident_no, id, person, email, sms, cohort, flags, sealed)
		select $1, $2 + n, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 1, decode(repeat('ab', 160), 'hex') from generate_series(1, $3) n`, no, first, benchPeople-1)
	run(`update cohort set people = $1, recipients = $1`, benchPeople)
	run(`update people_import set hi = $1, recipients = $2, reached = $2`, first+benchPeople, benchPeople)
	doc := agreed(b, s, id, breach.DocNotice, "notice/1")
	if _, _, err := s.Freeze(ctx, id, 1, doc, 10_000); err != nil {
		b.Fatal(err)
	}
	// What one shard's commits write, two hundred messages a time, as the lanes do it: claims, intents, outcomes with the fold.
	const batch = `
		with c as (insert into delivery (incident_no, campaign_n, channel, contact, shard, state, fence)
			select $1, 1, 'email', id, ($2 - lo) / 10000, 'claimed', 1 from recipient r, (select min(lo) as lo from shard) h
			where incident_no = $1 and id >= $2 and id < $2 + 200)
		select 1`
	send := func(from, to int64) time.Duration {
		run(`analyze delivery`)
		run(`analyze standing`)
		began := time.Now()
		for at := from; at < to; at += 200 {
			run(batch, no, at)
			run(`update delivery set state = 'intent', intent_at = now(), tries = 1 where incident_no = $1 and campaign_n = 1 and channel = 'email' and contact >= $2 and contact < $2 + 200`, no, at)
			run(`update delivery set state = 'accepted', outcome_at = now() where incident_no = $1 and campaign_n = 1 and channel = 'email' and contact >= $2 and contact < $2 + 200`, no, at)
			run(`insert into standing (incident_no, id, passed, flags, state, told_by, told_at) select $1, id, 0, flags, 'told', 'email', now()
				from recipient where incident_no = $1 and id >= $2 and id < $2 + 200`, no, at)
		}
		return time.Since(began)
	}
	const part = 50_000
	with := send(first, first+part)
	run(`alter table delivery disable trigger user; alter table standing disable trigger user`)
	without := send(first+part, first+2*part)
	run(`alter table delivery enable trigger user; alter table standing enable trigger user`)
	with += send(first+2*part, first+3*part)
	run(`alter table delivery disable trigger user; alter table standing disable trigger user`)
	without += send(first+3*part, first+4*part)
	run(`alter table delivery enable trigger user; alter table standing enable trigger user`)
	run(`insert into delivery (incident_no, campaign_n, channel, contact, shard, state, fence) select $1, 1, 'email', id, 0, 'accepted', 1
		from recipient where incident_no = $1 and id >= $2`, no, first+4*part)
	run(`insert into standing (incident_no, id, passed, flags, state, told_by, told_at) select $1, id, 0, flags, 'told', 'email', now()
		from recipient where incident_no = $1 and id >= $2`, no, first+4*part)
	for b.Loop() {
		began := time.Now()
		p, err := s.Progress(ctx, id, 1)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(began).Microseconds()), "us/first-status")
		if p.Told != benchPeople-2*part { // what was written without the counts is not in them
			b.Fatalf("told %d", p.Told)
		}
		began = time.Now()
		for range 20 {
			if _, err := s.Progress(ctx, id, 1); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(time.Since(began).Microseconds())/20, "us/status")
		began = time.Now()
		last := ""
		part := began
		tell := func(x store.ReconcileStep) {
			if last != "" {
				b.Logf("%8.2f s  %s", time.Since(part).Seconds(), last)
			}
			last, part = x.Says.EN, time.Now()
		}
		got, err := s.Reconcile(ctx, id, 0, tell)
		tell(store.ReconcileStep{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/reconcile")
		seen := map[string]store.Identity{}
		for _, i := range got {
			seen[i.Name] = i
		}
		if seen["running_recipients"].Holds() || !seen["told_email"].Holds() || !seen["accepted_email"].Holds() {
			b.Fatalf("%+v", seen)
		}
	}
	if ended, err := s.FinishCampaign(ctx, id, 1); err != nil || !ended {
		b.Fatal(ended, err)
	}
	// A supplement to those who were told by its ladder's first channel, for whom nothing is written, and by its second.
	for n, ladder := range map[int][]breach.Channel{2: {breach.Email, breach.SMS}, 3: {breach.SMS, breach.Email}} {
		ask, err := s.AskSupplement(ctx, id, 1, breach.Text{ZH: "更正", EN: "a correction"}, "zhao.min", "bench")
		if err != nil {
			b.Fatal(err)
		}
		subject := "notice/" + strconv.Itoa(n)
		if _, err := s.AddSupplement(ctx, id, n, "N-"+subject, ladder, ask.No); err != nil {
			b.Fatal(err)
		}
		doc, began := agreed(b, s, id, breach.DocNotice, subject), time.Now()
		if c, _, err := s.Freeze(ctx, id, n, doc, 10_000); err != nil || c.Audience != benchPeople {
			b.Fatal(c.Audience, err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/freeze-supplement-from-"+string(ladder[0]))
	}
	b.ReportMetric(float64((with-without).Microseconds())/(2*part), "us/delivery-for-counts")
	b.ReportMetric(float64(with)/float64(without), "with/without-counts")
}
