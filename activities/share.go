package activities

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The limits of a channel are the installation's, not a process's: a provider counts what comes from all of us. So each process
// that has a shard at work says so in the database and takes its part; who has none leaves theirs to the others. When one comes or
// goes, the others learn of it within shareEvery; until then the sum may be off by that one's part.
const (
	shareEvery = 5 * time.Second
	shareGone  = 3 * shareEvery // not seen for so long: dead
)

// A sharer is a notifier that has limits of its own.
type sharer interface {
	// Share says how many processes share them.
	Share(senders int)
}

// sharing is whether a process has a part of the limits.
type sharing struct {
	mu     sync.Mutex
	shards int // at work
	idle   int // looks since the last one ended
	joined bool
}

// enter takes a part of the limits before a shard's first message leaves. A sender without a name is alone.
func (s *Sender) enter(ctx context.Context) error {
	if s.Name == "" {
		return nil
	}
	s.sharing.mu.Lock()
	defer s.sharing.mu.Unlock()
	if !s.sharing.joined {
		if err := s.countSenders(ctx); err != nil {
			return err
		}
	}
	s.sharing.shards++
	s.sharing.joined, s.sharing.idle = true, 0
	return nil
}

// leave ends a shard's work. The part is kept for a while: the next shard most often follows at once.
func (s *Sender) leave() {
	if s.Name == "" {
		return
	}
	s.sharing.mu.Lock()
	defer s.sharing.mu.Unlock()
	s.sharing.shards--
}

func (s *Sender) countSenders(ctx context.Context) error {
	n, err := s.Store.Senders(ctx, s.Name, shareGone)
	if err == nil {
		s.share(n)
	}
	return err
}

// follow looks who else sends, or gives the part up when nothing was sent between two looks.
func (s *Sender) follow(ctx context.Context) {
	s.sharing.mu.Lock()
	defer s.sharing.mu.Unlock()
	switch {
	case !s.sharing.joined:
	case s.sharing.shards > 0:
		_ = s.countSenders(ctx) // while the database does not answer, the part stays what it was
	default:
		if s.sharing.idle++; s.sharing.idle > 1 && s.Store.RemoveSender(ctx, s.Name) == nil {
			s.sharing.joined = false
		}
	}
}

// KeepShare follows the number of sending processes until ctx ends. It is no method of the sender's: the engine takes those for activities.
func KeepShare(ctx context.Context, s *Sender) {
	look := time.NewTicker(shareEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), shareEvery)
			defer cancel()
			_ = s.Store.RemoveSender(leave, s.Name) // where that fails, the others find out after shareGone
			return
		case <-look.C:
			s.follow(ctx)
		}
	}
}

// share sets every limit to a part of what the operator set.
func (s *Sender) share(senders int) {
	for channel, out := range s.Channels {
		if out.PerSecond > 0 {
			part := out.PerSecond / float64(senders)
			out.Limiter.SetLimit(rate.Limit(part))
			out.Limiter.SetBurst(max(1, int(part)))
		}
		s.paceOf(channel).share(out.PerDestination / float64(senders))
		if n, ok := out.Notifier.(sharer); ok {
			n.Share(senders)
		}
	}
}

// NewLimiter makes the limiter of a channel; nil where it has no bound.
func NewLimiter(perSecond float64) *rate.Limiter {
	if perSecond <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond)))
}
