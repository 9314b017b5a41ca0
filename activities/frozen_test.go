package activities_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/internal/intent"
	"tocsin/internal/store"
	"tocsin/notifiers"
	"tocsin/templates"
)

// interrupted is a channel on which something happens before one message leaves.
type interrupted struct {
	notifiers.Notifier
	at     int
	happen func()
	made   int
}

func (i *interrupted) Prepare(m notifiers.Message) (notifiers.Wire, error) {
	if i.made++; i.made == i.at {
		i.happen()
	}
	return i.Notifier.Prepare(m)
}

// campaignOf brings adults to the point where their notice is approved and frozen.
func (h *house) campaignOf(people int) breach.IncidentID {
	h.t.Helper()
	ctx, id := h.t.Context(), h.openIncident(leak())
	imp, err := h.store.BeginImport(ctx, id, "zhao.min")
	if err != nil {
		h.t.Fatal(err)
	}
	for i := range people {
		name := fmt.Sprint("示例", i) // synthetic
		p := store.AffectedPerson{Identity: name, Name: name, Age: "adult", Language: breach.Chinese, Contacts: store.Contacts{Email: fmt.Sprintf("p%d@example.com", i)}}
		if err := imp.Add(ctx, p); err != nil {
			h.t.Fatal(err)
		}
	}
	if _, err := imp.Finish(ctx, "UTF-8", [32]byte{1}); err != nil {
		h.t.Fatal(err)
	}
	notices := &activities.Notices{Store: h.store, Templates: templates.Default(), Organisation: speaker()}
	ladder := []breach.Channel{breach.Email}
	d, err := run[activities.Draft](h, notices.DraftNotice, activities.DraftNoticeInput{Incident: id, Campaign: 1, Ladder: ladder})
	if err != nil {
		h.t.Fatal(err)
	}
	h.approve(d.Document, "wang.fang")
	if _, err := run[activities.Frozen](h, notices.FreezeAudience, activities.FreezeInput{Incident: id, Campaign: 1, Document: d.Document, ShardSize: 1000}); err != nil {
		h.t.Fatal(err)
	}
	return id
}

// A process is frozen between two messages, its shard goes to another, and it wakes: the third message does not leave. What the
// heir knows of the first two depends on whose machine it is on.
func TestALaneThatWakesAsksBeforeItSends(t *testing.T) {
	const people = 6
	for _, c := range []struct {
		name        string
		sameMachine bool
		doubts      int
	}{
		{"an heir on the same machine reads the log", true, 0},
		{"an heir elsewhere doubts what was let go", false, people},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			id := h.campaignOf(people)
			first := intent.Dir(filepath.Join(t.TempDir(), "first"))
			second := first
			if !c.sameMachine {
				second = intent.Dir(filepath.Join(t.TempDir(), "second"))
			}
			var slept atomic.Int64
			frozen := &interrupted{Notifier: h.email, at: 3, happen: func() {
				if _, err := h.store.TakeShard(t.Context(), id, 1, 0, time.Now(), second); err != nil {
					t.Error(err)
				}
				slept.Store(int64(time.Minute))
			}}
			sender := func(n notifiers.Notifier, logs intent.Dir) *activities.Sender {
				return &activities.Sender{
					Store: h.store, Channels: map[breach.Channel]activities.Outlet{breach.Email: {Notifier: n, Lanes: 1}}, Logs: logs,
					Now: func() time.Time { return time.Now().Add(time.Duration(slept.Load())) }, Policy: activities.SendPolicy{MaxTries: 5},
				}
			}
			in := activities.ChunkInput{Incident: id, Campaign: 1, Shard: 0, Channel: breach.Email, Limit: 1000}
			_, err := run[activities.ChunkResult](h, sender(frozen, first).SendChunk, in)
			if err == nil || !strings.Contains(err.Error(), store.ErrFenced.Error()) {
				t.Errorf("the one that woke: %v, want that its shard has another holder", err)
			}
			before := len(h.inbox.Messages(inbox.Filter{}))
			if before != 2 {
				t.Errorf("%d messages left, want the two before the freeze", before)
			}
			r, err := run[activities.ChunkResult](h, sender(h.email, second).SendChunk, in)
			if err != nil || r.More {
				t.Fatalf("the heir: %+v, %v", r, err)
			}
			copies := map[string]int{}
			for _, m := range h.inbox.Messages(inbox.Filter{}) {
				copies[m.ID]++
			}
			if len(copies) != people {
				t.Errorf("%d people have a message, want %d", len(copies), people)
			}
			rows, err := h.store.Deliveries(t.Context(), id, "", 100)
			if err != nil || len(rows) != people {
				t.Fatalf("%d rows, %v", len(rows), err)
			}
			doubts := 0
			for _, d := range rows {
				doubted := d.DoubtedAt != nil
				if doubted {
					doubts++
				}
				if n := copies[string(d.ID)]; n > 1 && !doubted || n > 2 {
					t.Errorf("a delivery arrived %d times; in doubt before: %t", n, doubted)
				}
				if d.State != breach.DeliveryAccepted {
					t.Errorf("a delivery ended as %s", d.State)
				}
			}
			if doubts > c.doubts {
				t.Errorf("%d were in doubt, want %d at most", doubts, c.doubts)
			}
		})
	}
}
