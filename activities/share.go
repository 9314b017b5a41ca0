package activities

import (
	"context"
	"time"

	"golang.org/x/time/rate"
)

// The limits of a channel are the installation's, not a process's: a provider counts what comes from all of us. So each sending process
// says in the database that it is there, and takes its part. When one comes or goes, the others learn of it within shareEvery; until
// then the sum may be off by that one's part.
const (
	shareEvery = 5 * time.Second
	shareGone  = 3 * shareEvery // not seen for so long: dead
)

// A sharer is a notifier that has limits of its own.
type sharer interface {
	// Share says how many processes share them.
	Share(senders int)
}

// Join takes a process's part of the limits for the first time, before it sends anything. It is no method of the sender's: the engine takes
// those for activities.
func Join(ctx context.Context, s *Sender) error {
	n, err := s.Store.Senders(ctx, s.Name, shareGone)
	if err == nil {
		s.share(n)
	}
	return err
}

// KeepShare follows the number of sending processes until ctx ends. While the database does not answer, the part stays what it was.
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
			_ = Join(ctx, s)
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
