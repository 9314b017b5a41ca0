package activities

import (
	"context"
	"time"

	"tocsin/internal/store"
)

// unsettled asks the ledger for what waits for this holder: when the shard was taken, and when something that this holder wrote
// is due. Nobody else writes to the shard meanwhile.
func (s *sending) unsettled(ctx context.Context, batch int) ([]store.Work, error) {
	s.mu.Lock()
	due := s.look != nil && !s.Now().Before(*s.look)
	s.mu.Unlock()
	if !due {
		return nil, nil
	}
	if err := s.scribe.flush(); err != nil {
		return nil, err
	}
	work, err := s.Store.Unsettled(ctx, s.lease, s.channel, batch)
	if err == nil && len(work) == 0 {
		err = s.findDue(ctx)
	}
	return work, err
}

// findDue remembers when the next of the shard's deliveries is due; it is asked again only after what it told has been done.
func (s *sending) findDue(ctx context.Context) error {
	s.mu.Lock()
	s.look = nil
	s.mu.Unlock()
	_, next, err := s.Store.WaitingDeliveries(ctx, s.lease, s.channel)
	if err == nil && next != nil {
		s.lookAt(*next)
	}
	return err
}

func (s *sending) lookAt(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.look == nil || at.Before(*s.look) {
		s.look = &at
	}
}
