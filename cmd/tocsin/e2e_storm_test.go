package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/config"
	"tocsin/internal/devstack/inbox"
)

// The relay says "later" to everybody, for longer than a single message would be tried; then it takes mail again. Nobody is
// lost, and nobody is pushed to another channel by trouble that was not theirs.
func TestAStormOfLaterLosesNobody(t *testing.T) {
	t.Parallel()
	b := startBench(t, true, func(cfg *config.Config) {
		cfg.Policy.ShardSize, cfg.Policy.ChunkSize, cfg.Policy.MaxTemporaryAttempts = 100, 100, 2
		cfg.Policy.RetryFirst, cfg.Policy.RetryMost = 50*time.Millisecond, 200*time.Millisecond
	})
	storm := inbox.Fault{Channel: inbox.ChannelEmail, To: "*@" + takingDomain, Do: inbox.Defer, Code: "451"}
	b.setFaults(storm)
	b.serve(true)
	b.open()
	b.until("the first assessment", func(v api.IncidentView) bool { return v.Assessed })
	if err := b.learn(b.ctx); err != nil {
		t.Fatal(err)
	}
	people := crowd{taking: 300}
	var a api.ImportAnswer
	if err := b.as[breach.RoleLead].do(b.ctx, http.MethodPost, b.path("/people"), strings.NewReader(people.file()), "text/csv", nil, &a); err != nil {
		t.Fatal(err)
	}
	tired := `select count(*) from delivery where state = 'temporary' and tries >= 2`
	b.until("messages to be refused more often than they are tried in quiet times", func(api.IncidentView) bool { return b.count(tired) >= 10 })
	if n := b.count(`select coalesce(sum(tries), 0) from delivery`); n > 2*people.all() {
		t.Errorf("%d attempts in a storm, for %d people: it was not slowed down", n, people.all())
	}
	b.setFaults()
	over := time.Now()
	b.until("everybody to be told", allTold)
	t.Logf("told %s after the storm, with %d attempts for %d people", time.Since(over).Round(time.Second), b.count(`select sum(tries) from delivery`), people.all())
	if n := b.count(`select count(*) from standing where told_by is distinct from 'email'`); n > 0 {
		t.Errorf("%d people were told by another channel", n)
	}
	b.checkCopies(people)
}

func (b *bench) setFaults(faults ...inbox.Fault) {
	b.Helper()
	if err := b.local.stack.Inbox.SetFaults(faults...); err != nil {
		b.Fatal(err)
	}
}

// Whoever halts a campaign sees it stop at once, in the middle of a batch, and go on at once.
func TestAHaltHoldsAtOnce(t *testing.T) {
	t.Parallel()
	b := startBench(t, true, func(cfg *config.Config) {
		cfg.Policy.ShardSize, cfg.Policy.ChunkSize = 1000, 1000
		cfg.Policy.Limits = []config.Limit{{Channel: "email", Connections: 4, PerSecond: 40}}
	})
	b.serve(true)
	b.open()
	b.until("the first assessment", func(v api.IncidentView) bool { return v.Assessed })
	if err := b.learn(b.ctx); err != nil {
		t.Fatal(err)
	}
	people := crowd{taking: 200}
	var a api.ImportAnswer
	if err := b.as[breach.RoleLead].do(b.ctx, http.MethodPost, b.path("/people"), strings.NewReader(people.file()), "text/csv", nil, &a); err != nil {
		t.Fatal(err)
	}
	mails := func() int {
		n := 0
		for _, m := range b.local.stack.Inbox.Messages(inbox.Filter{Channel: inbox.ChannelEmail, Heads: true}) {
			if strings.HasSuffix(m.To, "@"+takingDomain) {
				n++
			}
		}
		return n
	}
	b.until("the campaign to begin", func(api.IncidentView) bool { return mails() >= 10 })
	halted := time.Now()
	b.act("halt")
	var last time.Time
	seen := mails()
	b.eventually("no more mail for two seconds", func() bool {
		if n := mails(); n > seen {
			seen, last = n, time.Now()
		}
		return time.Since(halted) > 2*time.Second && time.Since(last) > 2*time.Second
	})
	if seen >= people.all() {
		t.Fatal("the campaign was over before it was halted")
	}
	if took := last.Sub(halted); took > 1500*time.Millisecond {
		t.Errorf("mail still left %s after the halt", took)
	}
	b.act("resume")
	resumed := time.Now()
	b.eventually("mail to leave again", func() bool { return mails() > seen })
	if took := time.Since(resumed); took > 1500*time.Millisecond {
		t.Errorf("the first mail left %s after the resumption", took)
	}
	b.until("everybody to be told", allTold)
	b.checkCopies(people)
}

// act halts or resumes the first campaign.
func (b *bench) act(what string) {
	b.Helper()
	if err := b.as[breach.RoleLead].send(b.ctx, http.MethodPost, b.path("/campaigns/1/"+what), nil, nil); err != nil {
		b.Fatal(err)
	}
}
