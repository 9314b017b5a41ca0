package activities

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/time/rate"

	"tocsin/internal/breach"
	"tocsin/internal/intent"
	"tocsin/internal/store"
	"tocsin/notifiers"
)

// Sender hands a notice's messages to the channels and keeps the ledger while it does.
type Sender struct {
	Store     *store.Store
	Channels  map[breach.Channel]Outlet
	Policy    SendPolicy
	Now       func() time.Time
	BatchSize int // contacts claimed at once; 200 where zero
	Quiet     []Quiet
	Logs      intent.Dir // of what was begun and ended, on this machine
	Name      string     // of this process, among those that share the limits; without one it has them alone

	mu       sync.Mutex
	paces    map[breach.Channel]*pace
	troubles map[breach.Channel]*trouble
	slots    map[breach.Channel]chan struct{} // what all shards of this process share: as many as the channel has lanes
	shared   *ledger                          // theirs too
	sharing  sharing
}

// Outlet is one channel as configured.
type Outlet struct {
	Notifier notifiers.Notifier
	Lanes    int           // messages of a process under way at once, and so the most that can be in doubt after a crash
	Limiter  *rate.Limiter // [NewLimiter] of PerSecond

	PerSecond      float64 // messages a second, of all processes together; 0 for no limit
	PerDestination float64 // the same to one mail domain; 0 until it asks to be slower
}

// SendPolicy is what the operator decided about failures.
type SendPolicy struct {
	RetryFirst    time.Duration // wait before the second try of a message refused for now; doubles each time
	RetryMost     time.Duration // the longest wait
	MaxTries      int           // tries after which a message refused for now counts as refused
	RetryWindow   time.Duration // how long it is tried beyond that while its destination refuses everybody for now
	NoDuplicate   bool          // prefer_no_duplicate: a message in doubt is not sent again where the provider cannot tell
	DoubtWindow   time.Duration // how long to ask a provider that does not know yet
	DoubtInterval time.Duration // how often
}

// ChunkInput names what one activity sends: the recipients of a shard that one channel is next for, Limit contacts at most.
type ChunkInput struct {
	Incident breach.IncidentID `json:"incident"`
	Campaign int               `json:"campaign"`
	Shard    int               `json:"shard"`
	Channel  breach.Channel    `json:"channel"`
	Limit    int               `json:"limit"`
}

// ChunkResult counts what came of it.
type ChunkResult struct {
	Attempted int        `json:"attempted"`
	Accepted  int        `json:"accepted"`
	Rejected  int        `json:"rejected"`
	InDoubt   int        `json:"in_doubt"`
	More      bool       `json:"more"`              // the limit was reached; there may be more to send now
	Halted    bool       `json:"halted"`            // a person stopped the campaign
	Waiting   int64      `json:"waiting"`           // deliveries of the shard, on any channel, to be tried again later
	NextAt    *time.Time `json:"next_at,omitempty"` // when the first of them is due

	QuietUntil *time.Time `json:"quiet_until,omitempty"` // the channel is silent until then, and somebody waits for it
}

// SendChunk sends. It takes the shard over from whoever held it, settles what they left in doubt, then goes on. The
// ledger says where that is; the heartbeat only shows progress.
func (s *Sender) SendChunk(ctx context.Context, in ChunkInput) (ChunkResult, error) {
	var r ChunkResult
	out, ok := s.Channels[in.Channel]
	if !ok {
		return r, temporal.NewNonRetryableApplicationError("no notifier is configured for channel "+string(in.Channel), ErrTypeRefused, nil)
	}
	if err := s.enter(ctx); err != nil {
		return r, err
	}
	defer s.leave()
	run := &sending{Sender: s, outlet: out, channel: in.Channel, result: &r}
	rest := beat(ctx, func() any { return run.progress() }) // before the shard is taken: its last holder may keep us waiting
	lease, err := s.run(ctx, in, run)
	rest()
	if err != nil {
		return r, final(err)
	}
	r.Waiting, r.NextAt, err = s.Store.WaitingDeliveries(ctx, lease, "")
	return r, err
}

func (s *Sender) run(ctx context.Context, in ChunkInput, run *sending) (lease store.Lease, err error) {
	if lease, err = s.Store.TakeShard(ctx, in.Incident, in.Campaign, in.Shard, activity.GetInfo(ctx).StartedTime, s.Logs); err != nil {
		return lease, err
	}
	if run.texts, err = s.texts(ctx, in); err != nil {
		return lease, err
	}
	house, err := s.Store.House(ctx)
	if err != nil {
		return lease, err
	}
	run.lease, run.returnToken = lease, house.ReturnToken
	run.lookAt(s.Now()) // what the last holder left
	if run.log, err = s.Logs.Open(lease.Named(), lease.Fence); err != nil {
		return lease, err
	}
	run.scribe = newScribe(s.ledger(), lease, in.Channel, s.Now)
	err = run.all(ctx, in.Limit)
	if failed := run.scribe.close(); failed != nil {
		run.log.Close() // the next holder needs it
		return lease, errors.Join(err, failed)
	}
	run.log.Remove()
	return lease, err
}

// slotsOf returns a channel's slots. A lane holds one from its first message to its last.
func (s *Sender) slotsOf(channel breach.Channel, lanes int) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slots == nil {
		s.slots = map[breach.Channel]chan struct{}{}
	}
	if s.slots[channel] == nil {
		s.slots[channel] = make(chan struct{}, max(1, lanes))
	}
	return s.slots[channel]
}

// ledger returns what the lanes of all shards write through.
func (s *Sender) ledger() *ledger {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shared == nil {
		s.shared = &ledger{store: s.Store}
	}
	return s.shared
}

// texts loads the approved words of a campaign.
func (s *Sender) texts(ctx context.Context, in ChunkInput) (*approvedTexts, error) {
	var c breach.Content
	campaign, err := s.Store.Campaign(ctx, in.Incident, in.Campaign)
	if err != nil {
		return nil, final(err)
	}
	if campaign.Document == nil {
		return nil, temporal.NewNonRetryableApplicationError("the campaign has no approved notice", ErrTypeRefused, nil)
	}
	d, err := s.Store.Document(ctx, *campaign.Document)
	if err != nil {
		return nil, final(err)
	}
	if err := json.Unmarshal(d.Content, &c); err != nil {
		return nil, temporal.NewNonRetryableApplicationError("the notice cannot be read", ErrTypeTexts, nil)
	}
	cohorts, err := s.Store.Cohorts(ctx, in.Incident)
	if err != nil {
		return nil, final(err)
	}
	return newApprovedTexts(c, cohorts), nil
}

// sending is one run of SendChunk.
type sending struct {
	*Sender
	outlet  Outlet
	lease   store.Lease
	channel breach.Channel
	texts   *approvedTexts

	log         *intent.Log
	scribe      *scribe
	returnToken func(breach.DeliveryID) string // what a mail's bounce is told by
	held        map[string]time.Time           // domains that refuse us, and until when nothing is sent to them
	lookedAt    time.Time                      // when that was read

	asking  sync.Mutex     // one lane at a time asks a person
	alarmed [2]atomic.Bool // that nobody can be reached, that nothing is taken

	mu     sync.Mutex
	result *ChunkResult
	look   *time.Time // when the ledger must be asked for unsettled deliveries again; nil while nothing is due
}

func (s *sending) all(ctx context.Context, limit int) error {
	batch := s.BatchSize
	if batch == 0 {
		batch = 200
	}
	stop := activity.GetWorkerStopChannel(ctx)
	var rest []store.Work // of what was claimed, not let go yet
	part := newPortion(s.outlet.Lanes, batch)
	ahead := s.claimAhead(ctx, batch)
	defer ahead.wait() // what it claimed stays claimed, for the next holder
	patience := duePatience
	for after := int64(0); ; {
		select {
		case <-stop: // hand over now; the next worker goes on from the ledger
			return temporal.NewApplicationErrorWithOptions("the worker is stopping", "WorkerStopping",
				temporal.ApplicationErrorOptions{NextRetryDelay: time.Second, Category: temporal.ApplicationErrorCategoryBenign})
		case <-ctx.Done():
			return context.Cause(ctx)
		default:
		}
		halted, err := s.awaitResume(ctx, stop)
		if err != nil || halted {
			s.result.Halted = halted
			return err
		}
		if quiet, err := s.keepSilent(ctx); err != nil || quiet {
			return err
		}
		if limit > 0 && s.progress().Attempted >= limit {
			s.result.More = true
			return nil
		}
		if err := s.lookAround(ctx); err != nil {
			return err
		}
		work := rest
		if len(work) == 0 {
			if work, err = s.unsettled(ctx, batch); err != nil {
				return final(err)
			}
		}
		if len(work) == 0 {
			if after >= s.lease.Hi {
				if again, err := s.awaitDue(ctx, stop, &patience); err != nil || !again {
					return err
				}
				continue
			}
			if work, after, err = ahead.next(after); err != nil {
				return final(err)
			}
		}
		n := min(part.size, len(work))
		began := s.Now()
		left, err := s.batch(ctx, stop, work[:n])
		if err != nil {
			return err
		}
		part.took(s.Now().Sub(began))
		rest = append(left, work[n:]...)
	}
}

func (s *sending) progress() ChunkResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.result
}

func (s *sending) count(r store.Result) store.Result {
	if r.Again > 0 || r.State == breach.DeliveryInDoubt && !r.MoveOn {
		s.lookAt(s.Now().Add(r.Again))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.result.Attempted++
	switch r.State {
	case breach.DeliveryAccepted:
		s.result.Accepted++
	case breach.DeliveryRejected:
		s.result.Rejected++
	case breach.DeliveryInDoubt:
		s.result.InDoubt++
	default:
	}
	return r
}
