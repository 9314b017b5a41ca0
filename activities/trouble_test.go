package activities_test

import (
	"context"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/internal/intent"
	"tocsin/internal/store"
	"tocsin/notifiers"
	"tocsin/notifiers/email"
)

// The relay refuses our sender in the middle of a campaign: it halts, a person is asked, nobody is passed over, and when it was
// mended everybody gets the notice once.
func TestWhatIsWrongWithUsHaltsTheCampaign(t *testing.T) {
	const people, good = 8, 2
	h := newHouse(t)
	id := h.campaignOf(people)
	var passed atomic.Int64 // each message takes twenty seconds
	stop := make(chan struct{})
	relay := &interrupted{Notifier: h.email}
	step := func(n notifiers.Notifier) *stepping { return &stepping{n, &passed} }
	s := &activities.Sender{
		Store: h.store, Channels: map[breach.Channel]activities.Outlet{breach.Email: {Notifier: step(relay), Lanes: 1}},
		Logs: intent.Dir(filepath.Join(t.TempDir(), "intents")), Now: func() time.Time { return time.Now().Add(time.Duration(passed.Load())) },
		Policy: activities.SendPolicy{MaxTries: 2, RetryFirst: time.Millisecond},
	}
	relay.at, relay.happen = good+1, func() {
		if err := h.inbox.SetFaults(inbox.Fault{To: "*", Do: inbox.Refuse, At: inbox.AtMail}); err != nil {
			t.Error(err)
		}
		go func() { // the worker stops when the campaign is halted
			look := time.NewTicker(10 * time.Millisecond)
			defer look.Stop()
			defer close(stop)
			for range look.C {
				if c, err := h.store.Campaign(context.WithoutCancel(t.Context()), id, 1); err != nil || c.HaltedAt != nil {
					return
				}
			}
		}()
	}
	in := activities.ChunkInput{Incident: id, Campaign: 1, Shard: 0, Channel: breach.Email, Limit: 1000}
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerStopChannel(stop)
	env.RegisterActivity(s.SendChunk)
	if _, err := env.ExecuteActivity(s.SendChunk, in); err != nil && !strings.Contains(err.Error(), "stopping") {
		t.Fatalf("the first worker: %v", err)
	}
	c, err := h.store.Campaign(t.Context(), id, 1)
	if err != nil || c.HaltedAt == nil {
		t.Fatalf("the campaign goes on: %+v, %v", c, err)
	}
	tasks, err := h.store.Tasks(t.Context(), id, false)
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, x := range tasks {
		if x.Ref == "email of notice 1" && strings.Contains(x.Detail.EN, "mail 550") && strings.Contains(x.Detail.ZH, "tocsin notice resume "+string(id)+" 1") {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("tasks %+v; want one that names step, code and what to type", tasks)
	}
	rows, err := h.store.Deliveries(t.Context(), id, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range rows {
		if d.State == breach.DeliveryRejected {
			t.Errorf("a person was passed over because of what is wrong with us: %s", d.Code)
		}
	}

	if err := h.inbox.SetFaults(); err != nil {
		t.Fatal(err)
	}
	if err := h.store.Halt(t.Context(), id, 1, false, "zhao.min"); err != nil {
		t.Fatal(err)
	}
	if r, err := run[activities.ChunkResult](h, s.SendChunk, in); err != nil || r.Halted {
		t.Fatalf("after it was mended: %+v, %v", r, err)
	}
	copies := map[string]int{}
	for _, m := range h.inbox.Messages(inbox.Filter{}) {
		copies[m.ID]++
	}
	if len(copies) != people || len(h.inbox.Messages(inbox.Filter{})) != people {
		t.Errorf("%d people have %d mails, want one each of %d", len(copies), len(h.inbox.Messages(inbox.Filter{})), people)
	}
}

// stepping moves the clock with each message.
type stepping struct {
	notifiers.Notifier
	passed *atomic.Int64
}

func (s *stepping) Prepare(m notifiers.Message) (notifiers.Wire, error) {
	s.passed.Add(int64(20 * time.Second))
	return s.Notifier.Prepare(m)
}

// One of two relays is away: everybody is told by the other one, and a person hears of it.
func TestARelayThatOthersStandInForIsTold(t *testing.T) {
	const people = 40
	h := newHouse(t)
	id := h.campaignOf(people)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	away, err := mailTo(closed.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = away.Close() }()
	_ = closed.Close()
	relays, err := email.NewRelays(time.Now, email.Relay{Notifier: h.email}, email.Relay{Notifier: away})
	if err != nil {
		t.Fatal(err)
	}
	var passed atomic.Int64
	s := &activities.Sender{
		Store: h.store, Channels: map[breach.Channel]activities.Outlet{breach.Email: {Notifier: steppingRelays{&stepping{relays, &passed}, relays}, Lanes: 1}},
		Logs: intent.Dir(filepath.Join(t.TempDir(), "intents")), Now: func() time.Time { return time.Now().Add(time.Duration(passed.Load())) },
		Policy: activities.SendPolicy{MaxTries: 5},
	}
	r, err := run[activities.ChunkResult](h, s.SendChunk, activities.ChunkInput{Incident: id, Campaign: 1, Shard: 0, Channel: breach.Email, Limit: 1000})
	if err != nil || r.Accepted != people {
		t.Fatalf("%+v, %v; want everybody told", r, err)
	}
	tasks, err := h.store.Tasks(t.Context(), id, false)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(tasks, func(x store.Task) bool { return strings.Contains(x.Detail.EN, "2: connect nobody-listens") }) {
		t.Errorf("tasks %+v; want one that names the second relay", tasks)
	}
}

// steppingRelays are relays that move the clock.
type steppingRelays struct {
	*stepping
	relays *email.Relays
}

func (s steppingRelays) Ailing() map[int]error { return s.relays.Ailing() }
