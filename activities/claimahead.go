package activities

import (
	"context"

	"tocsin/internal/store"
)

// claimAhead claims a shard's next batch while one is sent.
func (s *sending) claimAhead(ctx context.Context, batch int) *ahead {
	return &ahead{claim: func(after int64) claimed {
		work, next, err := s.Store.Claim(ctx, s.lease, s.channel, after, batch)
		return claimed{work, next, err}
	}, hi: s.lease.Hi}
}

type ahead struct {
	claim func(after int64) claimed
	hi    int64
	ready chan claimed // nil while nothing is being claimed
}

type claimed struct {
	work []store.Work
	next int64
	err  error
}

// next returns the batch after an id and begins to claim the one after it.
func (a *ahead) next(after int64) ([]store.Work, int64, error) {
	var c claimed
	if a.ready != nil {
		c = <-a.ready
		a.ready = nil
	} else {
		c = a.claim(after)
	}
	if c.err == nil && c.next < a.hi {
		ready := make(chan claimed, 1)
		a.ready = ready
		go func() { ready <- a.claim(c.next) }()
	}
	return c.work, c.next, c.err
}

func (a *ahead) wait() {
	if a.ready != nil {
		<-a.ready
	}
}
