package activities

import (
	"context"
	"errors"
	"strings"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/notifiers"
)

// Codes of deliveries that were put off without an attempt.
const (
	codePaced = "paced" // the destination is taken slowly
	codeHeld  = "held"  // the destination refuses us by its policy
)

// paceOf returns what this process knows of a channel's destinations.
func (s *Sender) paceOf(channel breach.Channel) *pace {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paces == nil {
		s.paces = map[breach.Channel]*pace{}
	}
	if s.paces[channel] == nil {
		s.paces[channel] = newPace(s.Channels[channel].PerDestination)
	}
	return s.paces[channel]
}

// destinationOf is the mail domain of an address; other channels have one destination, the provider.
func destinationOf(channel breach.Channel, to string) string {
	if channel != breach.Email {
		return ""
	}
	return strings.ToLower(to[strings.LastIndexByte(to, '@')+1:])
}

// putOff decides whether a message may leave now. Where it may not, the result puts it off, without an attempt, and a doubt
// stays one.
func (s *sending) putOff(w store.Work) *store.Result {
	now, name := s.Now(), destinationOf(s.channel, w.To)
	wait, code := time.Duration(0), codePaced
	if until, held := s.held[name]; held && now.Before(until) {
		wait, code = until.Sub(now), codeHeld
	} else {
		wait = s.paceOf(s.channel).admit(name, now)
	}
	if wait <= 0 {
		return nil
	}
	state := breach.DeliveryTemporary
	if w.State == breach.DeliveryInDoubt {
		state = breach.DeliveryInDoubt
	}
	return &store.Result{Contact: w.Contact, State: state, Code: code, Again: max(wait, time.Millisecond)}
}

// lookEvery is how often the domains that are held are read anew, and the relays looked at, while a shard is at work, which may
// be for hours.
const lookEvery = 10 * time.Second

// lookAround is called between batches, when no lane reads what is held.
func (s *sending) lookAround(ctx context.Context) (err error) {
	now := s.Now()
	if now.Sub(s.lookedAt) < lookEvery {
		return nil
	}
	s.lookedAt = now
	if s.held, err = s.Store.Holds(ctx, s.lease.Incident); err != nil {
		return err
	}
	if n, ok := s.outlet.Notifier.(ailer); ok {
		return s.tellAiling(ctx, n.Ailing())
	}
	return nil
}

// learn tells the channel's pace what an attempt came to. What the relay has against us says nothing about a destination.
func (s *sending) learn(w store.Work, err error) {
	p, now := s.paceOf(s.channel), s.Now()
	e, failed := errors.AsType[*notifiers.Error](err)
	switch {
	case failed && e.Outcome == breach.Temporary && ofRelay(e):
		p.relayTold(now)
	case failed && e.Outcome == breach.Unknown: // an answer that did not come is no answer
	default:
		p.told(destinationOf(s.channel, w.To), failed && e.Outcome == breach.Temporary, now)
	}
}

// ofRelay reports a failure before the other side heard for whom the message is.
func ofRelay(e *notifiers.Error) bool {
	return e.Doing == "connect" || e.Doing == "mail" || e.Doing == "authenticate"
}

// exhausted reports that a message has been refused for now too often. While its destination refuses everybody, or the other side
// cannot be reached, that says nothing about it, and it is tried for as long as the window is; while what is refused is us,
// it is never given up.
func (s *sending) exhausted(w store.Work, err error) bool {
	if w.Tries+1 < s.Policy.MaxTries {
		return false
	}
	now := s.Now()
	e, ok := errors.AsType[*notifiers.Error](err)
	switch {
	case ok && s.troubleOf(s.channel).againstUs(e):
		return false
	case ok && e.Against == "" && ofRelay(e), s.paceOf(s.channel).slowed(destinationOf(s.channel, w.To), now):
		return now.Sub(w.ClaimedAt) >= s.Policy.RetryWindow
	}
	return true
}

// haltLook is how often a halt is looked for while messages leave, and its end while it lasts.
const haltLook = 400 * time.Millisecond

// haltPatience is how long an activity waits for the end of a halt before its workflow does.
const haltPatience = 10 * time.Minute

// watchHalt closes a channel when somebody stops the campaign, until stop is called.
func (s *sending) watchHalt(ctx context.Context) (halted <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	found, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		look := time.NewTicker(haltLook)
		defer look.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-look.C:
			}
			if halted, err := s.Store.Halted(ctx, s.lease); err == nil && halted {
				close(found)
				return
			}
		}
	}()
	return found, func() { cancel(); <-ended }
}

// awaitResume waits while the campaign is halted; true says that it still is when patience or the activity ends.
func (s *sending) awaitResume(ctx context.Context, stop <-chan struct{}) (bool, error) {
	look := time.NewTicker(haltLook)
	defer look.Stop()
	for waited := time.Duration(0); ; waited += haltLook {
		halted, err := s.Store.Halted(ctx, s.lease)
		if err != nil || !halted || waited >= haltPatience {
			return halted, err
		}
		select {
		case <-look.C:
		case <-stop:
			return true, nil
		case <-ctx.Done():
			return true, context.Cause(ctx)
		}
	}
}

// duePatience is how long one activity waits, in all, for messages that were put off: what is due soon needs no timer of the
// workflow, whose history would grow with each.
const duePatience = time.Minute

// awaitDue waits until the next message of the channel is due; false where that is too far off.
func (s *sending) awaitDue(ctx context.Context, stop <-chan struct{}, patience *time.Duration) (bool, error) {
	s.mu.Lock()
	look := s.look
	s.mu.Unlock()
	if look == nil {
		return false, nil
	}
	wait := max(look.Sub(s.Now()), time.Millisecond)
	if wait > *patience {
		return false, nil
	}
	*patience -= wait
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true, nil
	case <-stop:
		return true, nil // the loop says what is to be done
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}
