package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/notifiers"
)

// prepare makes the finished bytes, or the result where nothing is to be sent: an address that the channel cannot carry, or
// a doubt that is settled without sending.
func (s *sending) prepare(ctx context.Context, w store.Work) (notifiers.Wire, *store.Result) {
	m, ok := s.texts.compose(w)
	m.Return = s.returnToken(w.Delivery)
	if !ok {
		return notifiers.Wire{}, &store.Result{Contact: w.Contact, Behind: w.Behind, State: breach.DeliveryRejected, Code: "no_text"}
	}
	wire, err := s.outlet.Notifier.Prepare(m)
	if err != nil {
		r := s.judge(w, breach.Receipt{}, err)
		return wire, &r
	}
	if w.State != breach.DeliveryInDoubt {
		return wire, nil
	}
	return wire, s.settle(ctx, w, wire)
}

// settle decides about a message that may have gone out: nil says to send it once more under the same id.
func (s *sending) settle(ctx context.Context, w store.Work, wire notifiers.Wire) *store.Result {
	since := s.Now()
	if w.DoubtedAt != nil {
		since = *w.DoubtedAt
	}
	doubt, began := s.Now().Sub(since), since
	if w.IntentAt != nil {
		began = *w.IntentAt
	}
	if asker, ok := s.outlet.Notifier.(notifiers.Asker); ok {
		outcome, receipt, err := asker.Ask(ctx, wire, began)
		switch {
		case err == nil && outcome == breach.Accepted:
			return &store.Result{Contact: w.Contact, Behind: w.Behind, State: breach.DeliveryAccepted, Code: "asked", Reference: receipt.Reference}
		case err == nil && outcome == breach.Permanent:
			return &store.Result{Contact: w.Contact, Behind: w.Behind, State: breach.DeliveryRejected, Code: "asked"}
		case err == nil && outcome == breach.Temporary:
			return nil // it certainly never arrived
		case doubt < s.Policy.DoubtWindow:
			return &store.Result{Contact: w.Contact, Behind: w.Behind, State: breach.DeliveryInDoubt, Code: "asked", Again: max(s.Policy.DoubtInterval, time.Millisecond)}
		}
	}
	if r, ok := s.outlet.Notifier.(notifiers.Repeater); ok && doubt < r.RepeatWindow() && w.Tries < s.Policy.MaxTries {
		return nil // the provider drops the second one
	}
	if s.Policy.NoDuplicate || w.Resent {
		return &store.Result{Contact: w.Contact, Behind: w.Behind, State: breach.DeliveryInDoubt, Code: "unsettled", MoveOn: true}
	}
	return nil
}

// judge turns what Send said into a row of the ledger.
func (s *sending) judge(w store.Work, receipt breach.Receipt, err error) store.Result {
	r := store.Result{Contact: w.Contact, Behind: w.Behind, Reference: receipt.Reference}
	var wish time.Duration
	if e, ok := errors.AsType[*notifiers.Error](err); ok {
		r.Code, wish = e.Code, e.After
	} else if receipt.Code != 0 {
		r.Code = fmt.Sprint(receipt.Code)
	}
	switch notifiers.OutcomeOf(err) {
	case breach.Accepted:
		r.State = breach.DeliveryAccepted
	case breach.Permanent:
		r.State = breach.DeliveryRejected
	case breach.Temporary:
		r.State, r.Again = breach.DeliveryTemporary, max(wish, s.backoff(w.Tries))
		if s.exhausted(w, err) {
			r.State, r.Again, r.Code = breach.DeliveryRejected, 0, r.Code+" retries_exhausted"
		}
	default:
		r.State = breach.DeliveryInDoubt
	}
	return r
}

func (s *sending) backoff(tries int) time.Duration {
	wait := max(s.Policy.RetryFirst, time.Millisecond) << min(tries, 20)
	if s.Policy.RetryMost > 0 {
		wait = min(wait, s.Policy.RetryMost)
	}
	return wait
}
