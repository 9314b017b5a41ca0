package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/api"
	"tocsin/internal/audience/synthetic"
	"tocsin/internal/breach"
	"tocsin/internal/config"
	"tocsin/internal/devstack"
	"tocsin/internal/devstack/inbox"
	"tocsin/internal/store"
)

// lanes is how many messages of a channel one worker has under way, and so the most that its death may leave in doubt.
const lanes = 4

// A campaign goes to its end, with nobody lost and nobody told twice without a reason, whatever dies in the middle of it.
func TestACampaignSurvives(t *testing.T) {
	t.Parallel()
	program := buildProgram(t)
	t.Run("workers killed", func(t *testing.T) { t.Parallel(); killWorkers(t, program) })
	t.Run("a worker killed while the relay holds its answers", func(t *testing.T) { t.Parallel(); killWhileHeld(t, program) })
	t.Run("a worker frozen and thawed", func(t *testing.T) { t.Parallel(); freezeWorker(t, program) })
	t.Run("a machine lost", func(t *testing.T) { t.Parallel(); loseMachine(t, program) })
	t.Run("the database killed", func(t *testing.T) { t.Parallel(); killDatabase(t, program) })
}

// startCampaign brings an incident to the point where only the notice to people waits for its approval.
func startCampaign(t *testing.T, people int, mailsPerSecond float64) *bench {
	t.Helper()
	b := startBench(t, false, func(cfg *config.Config) {
		cfg.Policy.ShardSize, cfg.Policy.ChunkSize = 250, 100
		cfg.Policy.FirstWave.Size = 0 // whatever the size, everybody at once
		cfg.Policy.Limits = []config.Limit{
			{Channel: "email", Connections: lanes, PerSecond: mailsPerSecond}, {Channel: "sms", Connections: lanes}, {Channel: "push", Connections: lanes},
		}
	})
	for i, n := range b.local.cfg.Notifiers {
		if n.Channel == "sms" { // a provider that knows at once whether it ever saw a message
			b.local.cfg.Notifiers[i].Settings["ask_after"] = "1s"
		}
	}
	b.hold()
	b.options.People = people
	return b
}

// refusals are there in every case: whoever's mailbox refuses goes on to the next channel.
func refusals() []inbox.Fault {
	return []inbox.Fault{{Channel: inbox.ChannelEmail, To: "*@" + synthetic.RefusedDomain, Do: inbox.Refuse, Code: "550"}}
}

// prepare opens the incident, brings the people, and lets the cast do everything but approve the notice to them.
func (b *bench) prepare() {
	b.Helper()
	b.serve(false)
	b.open()
	b.until("the first assessment", func(v api.IncidentView) bool { return v.Assessed })
	if err := b.learn(b.ctx); err != nil {
		b.Fatal(err)
	}
	n := b.options.People
	var file bytes.Buffer
	made, err := synthetic.Generate(&file, synthetic.Options{
		Seed: 3, At: time.Now(), First: 1, People: n, Minors: n * 15 / 100, Shared: 2 * (n / 40), Broken: n / 50, Refused: n / 25,
		RefusedOnly: n / 100, Unreachable: n / 100, PushOnly: n / 100,
	})
	if err != nil {
		b.Fatal(err)
	}
	var a api.ImportAnswer
	if err := b.as[breach.RoleLead].do(b.ctx, http.MethodPost, b.path("/people"), &file, "text/csv", nil, &a); err != nil {
		b.Fatal(err)
	}
	if int(a.PeopleNew) != made.Tally.People {
		b.Fatalf("%d of %d people were taken", a.PeopleNew, made.Tally.People)
	}
	b.until("everything but the notice", b.onlyTheNoticeIsLeft, breach.DocNotice)
}

// onlyTheNoticeIsLeft reports that no report is under way that a dying worker could leave in doubt: that is a matter for
// people, not for the campaign.
func (b *bench) onlyTheNoticeIsLeft(v api.IncidentView) bool {
	if !v.Assessed || v.OpenTasks > 0 || v.Tally.Affected < int64(b.options.People) || len(v.Awaiting) != 1 || v.Awaiting[0].Kind != breach.DocNotice {
		return false
	}
	var list api.FilingList
	if err := b.as[breach.RoleManager].get(b.ctx, b.path("/filings"), &list); err != nil {
		b.Fatal(err)
	}
	return !slices.ContainsFunc(list.Filings, func(f api.FilingView) bool {
		return f.Document != nil && (f.Filing == nil || f.Filing.State != string(breach.DeliveryAccepted))
	})
}

// arrived counts the messages that the inbox holds for people.
func (b *bench) arrived() int {
	n := 0
	for _, channel := range []string{inbox.ChannelEmail, inbox.ChannelSMS, inbox.ChannelPush} {
		n += b.local.stack.Inbox.Counts()[channel].Received
	}
	return n
}

func allTold(v api.IncidentView) bool {
	t := v.Tally
	return t.Affected > 0 && t.Open == 0 && t.Missed == 0 && len(v.Campaigns) > 0 && v.Campaigns[len(v.Campaigns)-1].FinishedAt != nil
}

// killWorkers kills five workers, each when the inbox has seen a number of messages that chance chose.
func killWorkers(t *testing.T, program string) {
	const people, kills = 1600, 5
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	b := startCampaign(t, people, 120)
	worker := b.startWorker(program)
	b.prepare()
	before := b.arrived() // reports to authorities, and messages to our own people
	var at []int
	for i := range kills { // one in each fifth of what is certain to come
		at = append(at, before+20+i*280+rng.IntN(200))
	}
	t.Logf("seed %d: kills when %v messages have come", seed, at)
	next := 0
	b.until("everybody to be told", func(v api.IncidentView) bool {
		if next < len(at) && b.arrived() >= at[next] {
			worker.kill()
			worker = b.startWorker(program)
			next++
		}
		return allTold(v)
	})
	if next < kills {
		t.Fatalf("the campaign ended after %s", plural(next, "kill"))
	}
	b.checkCampaign(kills)
}

// killWhileHeld kills workers whose messages have all come and whose answers have not: each is certainly in doubt. Mail is
// sent once more; the SMS provider can be asked, and says that it has the message.
func killWhileHeld(t *testing.T, program string) {
	b := startCampaign(t, 600, 0)
	worker := b.startWorker(program)
	b.prepare()
	b.hold(inbox.ChannelEmail)
	b.approveNotice()
	b.eventually("every shard to be at work", func() bool {
		return b.count(`select count(*) from shard s where not exists (select from delivery d where d.shard = s.shard)`) == 0 && b.count(`select count(*) from shard`) > 1
	})
	mails := b.killHolding(worker, inbox.ChannelEmail)
	b.hold(inbox.ChannelSMS)
	worker = b.startWorker(program)
	texts := b.killHolding(worker, inbox.ChannelSMS)
	b.hold()
	b.startWorker(program)
	b.until("everybody to be told", allTold)
	found := b.checkCampaign(2)
	for want, held := range map[int][]string{2: mails, 1: texts} {
		for _, id := range held {
			if found.copies[id] != want {
				t.Errorf("delivery %s arrived and was never answered: %d copies, not %d", id, found.copies[id], want)
			}
		}
	}
	if n := len(mails) + len(texts); found.doubts < n {
		t.Errorf("%d deliveries were in doubt, %d certainly were", found.doubts, n)
	}
}

// hold lets the inbox keep its answers on some channels back from now on, and lets go what it held before.
func (b *bench) hold(channels ...string) {
	b.Helper()
	faults := refusals()
	for _, channel := range channels {
		faults = append(faults, inbox.Fault{Channel: channel, To: "*", Do: inbox.Hold})
	}
	if err := b.local.stack.Inbox.SetFaults(faults...); err != nil {
		b.Fatal(err)
	}
	b.local.stack.Inbox.Release()
}

// killHolding kills a worker when all lanes of a channel wait for an answer, and returns the deliveries on them.
func (b *bench) killHolding(worker *process, channel string) (held []string) {
	b.Helper()
	b.eventually("all lanes to wait for an answer", func() bool {
		held = b.unanswered(channel)
		return len(held) >= lanes
	})
	worker.kill()
	held = b.unanswered(channel)
	if len(held) != lanes {
		b.Errorf("%s: %d messages were under way at once, the channel has %d lanes", channel, len(held), lanes)
	}
	return held
}

// unanswered are the deliveries whose senders have not been told that they arrived.
func (b *bench) unanswered(channel string) (ids []string) {
	for _, m := range b.local.stack.Inbox.Messages(inbox.Filter{Channel: channel, Heads: true}) {
		if !m.Accepted {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// freezeWorker stops a worker as a long pause does, lets another take over, and lets the first go on. It must find out that
// its shards have another holder.
func freezeWorker(t *testing.T, program string) {
	b := startCampaign(t, 900, 40)
	zombie := b.startWorker(program)
	b.prepare()
	b.hold(inbox.ChannelEmail)
	b.approveNotice()
	b.eventually("all lanes to wait for an answer", func() bool { return len(b.unanswered(inbox.ChannelEmail)) >= lanes })
	if err := zombie.freeze(); err != nil {
		t.Fatal(err)
	}
	b.hold() // the answers wait in the sockets of the frozen one
	b.startWorker(program)
	b.eventually("another worker to take over", func() bool { return b.count(`select count(*) from delivery where doubted_at is not null`) >= lanes })
	if err := zombie.thaw(); err != nil {
		t.Fatal(err)
	}
	b.until("everybody to be told", allTold)
	found := b.checkCampaign(1)
	if found.doubts != lanes {
		t.Errorf("%d deliveries were in doubt, not %d", found.doubts, lanes)
	}
	b.eventually("the thawed worker to find itself fenced off", func() bool { return strings.Contains(zombie.logs.String(), "another holder") })
}

// loseMachine kills a worker and takes its log of intents away, as the loss of its machine would. What its shards had let go is in
// doubt then, about a second's messages of each, and nobody is lost all the same.
func loseMachine(t *testing.T, program string) {
	const letGo = 4 * 50 // shards, and what one of them lets go at once at this rate
	b := startCampaign(t, 900, 60)
	worker := b.startWorker(program)
	b.prepare()
	b.approveNotice()
	start := b.arrived()
	b.eventually("messages", func() bool { return b.arrived() >= start+100 })
	worker.kill()
	logs := filepath.Join(b.local.cfg.DataDir, "intents")
	left, err := filepath.Glob(filepath.Join(logs, "*"))
	if err != nil || len(left) == 0 {
		t.Fatalf("the worker left no log of intents: %v", err)
	}
	for _, path := range left {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(string(text), "@示例") {
			t.Errorf("a log of intents has an address or a name in it:\n%s", text)
		}
	}
	if err := os.RemoveAll(logs); err != nil {
		t.Fatal(err)
	}
	b.startWorker(program)
	b.until("everybody to be told", allTold)
	if found := b.checkCampaign(letGo / lanes); found.doubts <= lanes {
		t.Errorf("%d deliveries were in doubt, though nobody knew what had begun", found.doubts)
	}
}

// killDatabase kills PostgreSQL twice as a power cut would, and starts it again on the same data.
func killDatabase(t *testing.T, program string) {
	const kills = 2
	b := startCampaign(t, 900, 60)
	b.startWorker(program)
	b.prepare()
	b.approveNotice()
	start := b.arrived()
	for i := range kills {
		b.eventually("messages", func() bool { return b.arrived() >= start+100+i*200 })
		b.restartPostgres()
	}
	b.until("everybody to be told", allTold)
	b.checkCampaign(kills)
}

func (b *bench) restartPostgres() {
	b.Helper()
	old := b.local.stack.Postgres
	old.Kill()
	again, err := devstack.StartPostgres(b.ctx, devstack.PostgresOptions{Dir: filepath.Join(b.local.cfg.DataDir, "postgres"), Port: old.Port()})
	if err != nil {
		b.Fatal(err)
	}
	b.local.stack.Postgres = again
	b.Cleanup(func() { _ = again.Close() })
	b.eventually("the API to find the database again", func() bool {
		var v api.IncidentView
		return b.as[breach.RoleManager].get(b.ctx, b.path(""), &v) == nil
	})
}

// approveNotice lets the campaign begin.
func (b *bench) approveNotice() {
	b.Helper()
	b.until("the approval", func(v api.IncidentView) bool { return len(v.Awaiting) == 0 })
}

// count asks the database.
func (b *bench) count(query string) (n int) {
	b.Helper()
	err := b.query(query, func(row pgx.CollectableRow) error { return row.Scan(&n) })
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func (b *bench) query(query string, each func(pgx.CollectableRow) error) error {
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, b.local.cfg.Database.URL)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return err
	}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) { return struct{}{}, each(row) })
	return err
}

// deliveries walks the ledger as an auditor does.
func (b *bench) deliveries(each func(store.Delivery)) error {
	for after := ""; ; {
		var page api.DeliveryPage
		if err := b.as[breach.RoleAuditor].get(b.ctx, b.path("/deliveries?after="+after), &page); err != nil {
			return err
		}
		for _, d := range page.Deliveries {
			each(d)
		}
		if after = string(page.After); after == "" {
			return nil
		}
	}
}

// findings are what the ledger and the inbox say of a campaign.
type findings struct {
	doubts int
	copies map[string]int // delivery -> how often it arrived
}

// checkCampaign compares the ledger, row by row, with what really arrived, byte by byte.
func (b *bench) checkCampaign(deaths int) findings {
	b.Helper()
	tally := b.view().Tally
	if !tally.Reconciles() || tally.Affected != int64(b.options.People) || tally.Open != 0 || tally.Missed != 0 {
		b.Errorf("the people do not add up: %+v", tally)
	}
	// contacts whose message was taken over, and the recipients who have them
	const took = `with took as (
		select d.channel, case d.channel when 'email' then f.email when 'sms' then f.sms else f.push end as contact
		from delivery d join recipient f on f.incident_no = d.incident_no and f.id = d.contact where d.state = 'accepted'), reached as (
		select r.id, t.channel from took t join recipient r on t.channel = 'email' and r.email = t.contact
		union all select r.id, t.channel from took t join recipient r on t.channel = 'sms' and r.sms = t.contact) `
	for what, query := range map[string]string{
		"recipients have no outcome":                         `select count(*) from recipient r left join standing s on s.incident_no = r.incident_no and s.id = r.id where coalesce(s.state, 'open') = 'open'`,
		"recipients are told by a delivery nobody took":      took + `select count(*) from standing s where s.state = 'told' and (s.id, s.told_by) not in (select id, channel from reached)`,
		"recipients with a delivery taken over are not told": took + `select count(*) from standing s where s.state <> 'told' and s.id in (select id from reached)`,
		"deliveries have no end":                             `select count(*) from delivery where state in ('claimed', 'intent', 'temporary') or state = 'in_doubt' and next_at is distinct from 'infinity'`,
	} {
		if n := b.count(query); n > 0 {
			b.Errorf("%d %s", n, what)
		}
	}
	found := findings{copies: map[string]int{}}
	sums := map[string][sha256.Size]byte{}
	for _, m := range b.local.stack.Inbox.Messages(inbox.Filter{}) {
		found.copies[m.ID]++
		if m.Channel == inbox.ChannelEmail {
			sum := sha256.Sum256(m.Raw)
			if earlier, ok := sums[m.ID]; ok && earlier != sum {
				b.Errorf("two copies of delivery %s differ", m.ID)
			}
			sums[m.ID] = sum
		}
	}
	doubted, second, inChannel := map[string]int{}, 0, map[string]int{}
	err := b.deliveries(func(d store.Delivery) {
		id, channel, state, doubt := string(d.ID), string(d.Channel), string(d.State), d.DoubtedAt != nil
		n := found.copies[id]
		inChannel[channel] += n
		if doubt {
			doubted[channel]++
			found.doubts++
		}
		switch {
		case state == string(breach.DeliveryAccepted) && n == 0:
			b.Errorf("%s delivery %s was taken over and never arrived", channel, id)
		case n > 1 && !doubt:
			b.Errorf("%s delivery %s arrived %d times without having been in doubt", channel, id, n)
		case n > 2:
			b.Errorf("%s delivery %s arrived %d times", channel, id, n)
		case n > 0 && state == string(breach.DeliveryRejected):
			b.Errorf("%s delivery %s was refused and arrived", channel, id)
		}
		second += max(0, n-1)
		if sum, ok := sums[id]; ok && !bytes.Equal(sum[:], d.WireSHA256) {
			b.Errorf("mail %s is not what the ledger says was sent", id)
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	for channel, n := range doubted {
		if n > deaths*lanes {
			b.Errorf("%s: %d deliveries were in doubt after %s with %d lanes", channel, n, plural(deaths, "death"), lanes)
		}
	}
	b.Logf("%s: %d people; %v messages; %d in doubt %v, %d second copies", plural(deaths, "death"), tally.Affected, inChannel, found.doubts, doubted, second)
	return found
}
