package main

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/config"
	"tocsin/internal/devstack"
	"tocsin/internal/devstack/inbox"
)

// The destinations behind the relay, and what they do with mail.
const (
	takingDomain = "takes.example"  // takes it
	goneDomain   = "gone.example"   // 550: no such mailbox
	slowDomain   = "slow.example"   // 451, for longer than the relay tries
	strictDomain = "strict.example" // 552 with the message already there
)

// Mail goes to a real Postfix, which takes everything over; what the destinations then refuse comes back as Postfix's own
// reports, and everyone whose mail came back is told by the next channel, or for want of one by a public notice.
func TestWhoBouncesIsToldOtherwise(t *testing.T) {
	t.Parallel()
	b := startBench(t, false, func(cfg *config.Config) {
		cfg.Policy.ShardSize, cfg.Policy.ChunkSize = 20, 20
		cfg.Bounces.Address, cfg.Bounces.Listen, cfg.Bounces.Gather = "bounce+{id}@bounces.example.com", unusedAddress(t), time.Second
	})
	relay, err := devstack.StartPostfix(b.ctx, devstack.PostfixOptions{
		Deliver: b.local.stack.Inbox.SMTPAddr(), Bounces: b.local.cfg.Bounces.Listen, BouncesOf: "bounces.example.com", Lifetime: 3 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Postfix says:\n%s", relay.Log())
		}
		if err := relay.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := b.local.stack.Inbox.SetFaults(
		inbox.Fault{Channel: inbox.ChannelEmail, To: "*@" + goneDomain, Do: inbox.Refuse, Code: "550"},
		inbox.Fault{Channel: inbox.ChannelEmail, To: "*@" + slowDomain, Do: inbox.Defer, Code: "451"},
		inbox.Fault{Channel: inbox.ChannelEmail, To: "*@" + strictDomain, Do: inbox.Refuse, At: inbox.AtDot, Code: "552"},
	); err != nil {
		t.Fatal(err)
	}
	b.sendThrough(relay.Addr())
	b.serve(true)
	b.open()
	b.until("the first assessment", func(v api.IncidentView) bool { return v.Assessed })
	if err := b.learn(b.ctx); err != nil {
		t.Fatal(err)
	}
	people := crowd{taking: 20, gone: 15, goneAlone: 4, slow: 8, strict: 5}
	var a api.ImportAnswer
	if err := b.as[breach.RoleLead].do(b.ctx, http.MethodPost, b.path("/people"), strings.NewReader(people.file()), "text/csv", nil, &a); err != nil {
		t.Fatal(err)
	}
	if int(a.PeopleNew) != people.all() {
		t.Fatalf("%d of %d people were taken", a.PeopleNew, people.all())
	}
	v := b.until("everybody who bounced to be told otherwise", func(v api.IncidentView) bool {
		tally := v.Tally
		return tally.Public == int64(people.goneAlone) && tally.Told == int64(people.all()-people.goneAlone) && tally.Open+tally.Missed == 0 &&
			b.count(`select count(*) from receipt_fact where kind = 'failed'`) == people.bounced() && v.Campaigns[0].FinishedAt != nil
	})
	if !v.Tally.Reconciles() {
		t.Errorf("the people do not add up: %+v", v.Tally)
	}
	for what, query := range map[string]string{
		"bounces are not folded":                     `select count(*) from receipt_due`,
		"bounced deliveries count as taken over":     `select count(*) from delivery d join receipt_fact f using (incident_no, campaign_n, channel, contact) where d.state <> 'bounced'`,
		"people are told by a delivery that bounced": `select count(*) from standing s join receipt_fact f on f.incident_no = s.incident_no and f.contact = s.id where s.state = 'told' and s.told_by = 'email'`,
		"bounces were not told by their address":     `select count(*) from receipt_fact where how <> 'address'`,
	} {
		if n := b.count(query); n > 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	b.checkCopies(people)
	codes := map[string]int{}
	if err := b.query(`select class || ' ' || status as code, count(*) from receipt_fact group by 1`, func(row pgx.CollectableRow) error {
		var code string
		var n int
		err := row.Scan(&code, &n)
		codes[code] = n
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d people, %d bounced: %v", people.all(), people.bounced(), codes)
}

// sendThrough puts a relay between us and the inbox.
func (b *bench) sendThrough(addr string) {
	b.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		b.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		b.Fatal(err)
	}
	for i, n := range b.local.cfg.Notifiers {
		if n.Channel == "email" {
			b.local.cfg.Notifiers[i].Settings["host"], b.local.cfg.Notifiers[i].Settings["port"] = host, number
		}
	}
}

// crowd are invented people by what their mail servers do. All but goneAlone have a phone.
type crowd struct{ taking, gone, goneAlone, slow, strict int }

func (c crowd) all() int     { return c.taking + c.bounced() }
func (c crowd) bounced() int { return c.gone + c.goneAlone + c.slow + c.strict }

func (c crowd) file() string {
	var s strings.Builder
	s.WriteString("用户ID,姓名,邮箱,手机号,出生日期\n")
	n := 0
	add := func(count int, domain string, phone bool) {
		for range count {
			n++
			number := ""
			if phone {
				number = fmt.Sprintf("1380000%04d", n)
			}
			fmt.Fprintf(&s, "u%d,示例%d,shili.%d@%s,%s,1990-01-01\n", n, n, n, domain, number)
		}
	}
	add(c.taking, takingDomain, true)
	add(c.gone, goneDomain, true)
	add(c.goneAlone, goneDomain, false)
	add(c.slow, slowDomain, true)
	add(c.strict, strictDomain, true)
	return s.String()
}

// checkCopies looks at what arrived: one mail where the server takes it, one SMS where it does not, and nothing twice.
func (b *bench) checkCopies(c crowd) {
	b.Helper()
	mails, texts := map[string]int{}, map[string]int{}
	for _, m := range b.local.stack.Inbox.Messages(inbox.Filter{Heads: true}) {
		switch {
		case m.Channel == inbox.ChannelSMS:
			texts[m.To]++
		case m.Channel == inbox.ChannelEmail && strings.HasPrefix(m.To, "shili."):
			mails[m.To]++
		}
	}
	if len(mails) != c.taking || len(texts) != c.bounced()-c.goneAlone {
		b.Errorf("%d mails and %d SMS arrived, want %d and %d", len(mails), len(texts), c.taking, c.bounced()-c.goneAlone)
	}
	for _, counts := range []map[string]int{mails, texts} {
		for to, n := range counts {
			if n != 1 {
				b.Errorf("%s was told %d times", to, n)
			}
		}
	}
}
