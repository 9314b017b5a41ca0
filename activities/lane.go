package activities

import (
	"context"
	"errors"

	"tocsin/internal/intent"
	"tocsin/internal/store"
)

// lane sends one message after another. Before the first byte of each leaves, the log of intents has it, and when it has ended,
// what it came to; so after a crash at most one message a lane is in doubt.
func (s *sending) lane(ctx context.Context, items <-chan store.Work) error {
	for w := range items {
		result, err := s.one(ctx, w)
		if result != nil {
			s.scribe.put(s.count(*result))
		} else {
			s.takeBack([]store.Work{w})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// one makes and sends one message. Where it returns no result, nothing left.
func (s *sending) one(ctx context.Context, w store.Work) (*store.Result, error) {
	if off := s.putOff(w); off != nil {
		return off, nil
	}
	wire, result := s.prepare(ctx, w)
	if result != nil {
		return result, nil
	}
	if s.outlet.Limiter != nil {
		if err := s.outlet.Limiter.Wait(ctx); err != nil {
			return nil, err
		}
	}
	sum := wire.SHA256()
	if err := s.begin(ctx, w, sum); err != nil {
		return nil, err
	}
	receipt, err := s.outlet.Notifier.Send(ctx, wire)
	s.learn(w, err)
	found := s.troubleOf(s.channel).heard(w.Delivery, err, s.Now())
	r := s.judge(w, receipt, err)
	r.Attempted, r.SHA256 = true, sum[:]
	failed := s.log.End(intent.End{
		Contact: r.Contact, State: string(r.State), Code: r.Code, Reference: r.Reference, Again: r.Again, MoveOn: r.MoveOn, SHA256: r.SHA256,
	})
	if found != fine {
		failed = errors.Join(failed, s.alarm(ctx, found, err))
	}
	return &r, failed
}

// begin makes sure that the shard is still ours and that the log has the message.
func (s *sending) begin(ctx context.Context, w store.Work, sum [32]byte) error {
	if !s.scribe.fresh() {
		if err := s.confirmLease(ctx); err != nil {
			return err
		}
	}
	err := s.log.Begin(w.Contact, sum)
	if errors.Is(err, intent.ErrTaken) {
		return store.ErrFenced
	}
	return err
}

// confirmLease asks the ledger whether the shard is still ours.
func (s *sending) confirmLease(ctx context.Context) error {
	asked := s.Now()
	if err := s.Store.Held(ctx, s.lease); err != nil {
		return err
	}
	s.scribe.confirm(asked)
	return nil
}
