package activities

import (
	"context"
	"errors"
	"sync"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// batch sends some work through the lanes. It returns when all of it has ended, or at the first failure of the ledger itself; a
// failing message never ends it. What it did not begin, because of a halt or an end, is put back and returned.
func (s *sending) batch(ctx context.Context, stop <-chan struct{}, work []store.Work) (left []store.Work, err error) {
	// What has begun is ended and written even when the activity is cancelled: an outcome that we know must not be lost.
	finish := context.WithoutCancel(ctx)
	if len(work) == 0 {
		return nil, nil
	}
	if err := s.letGo(finish, work); err != nil {
		return nil, err
	}
	broken := make(chan struct{}) // a lane failed
	var once sync.Once
	items := make(chan store.Work)
	slots, fed := s.slotsOf(s.channel, s.outlet.Lanes), make(chan struct{})
	lanes := min(cap(slots), len(work))
	errs := make([]error, lanes)
	var wg sync.WaitGroup
	for i := range lanes {
		wg.Go(func() {
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
				if errs[i] = s.lane(finish, items); errs[i] != nil {
					once.Do(func() { close(broken) })
				}
			case <-fed: // the others did it all
			}
		})
	}
	halted, unwatch := s.watchHalt(ctx)
	defer unwatch()
	left = s.feed(items, work, halted, ctx.Done(), stop, broken, s.scribe.failed)
	close(items)
	close(fed)
	wg.Wait()
	if len(left) > 0 {
		s.takeBack(left)
		errs = append(errs, s.scribe.flush())
	}
	return left, errors.Join(errs...)
}

// feed hands work to the lanes until one of the reasons to stop comes; it returns what it kept.
func (s *sending) feed(items chan<- store.Work, work []store.Work, halted, over, stop, broken, failed <-chan struct{}) []store.Work {
	for i, w := range work {
		select {
		case items <- w:
		case <-halted:
			return work[i:]
		case <-over:
			return work[i:]
		case <-stop:
			return work[i:]
		case <-broken:
			return work[i:]
		case <-failed:
			return work[i:]
		}
	}
	return nil
}

// letGo commits that a batch may leave.
func (s *sending) letGo(ctx context.Context, work []store.Work) error {
	contacts, again := make([]int64, len(work)), []int64(nil)
	for i, w := range work {
		contacts[i] = w.Contact
		if w.State != breach.DeliveryClaimed {
			again = append(again, w.Contact)
		}
	}
	if err := s.log.Settled(again); err != nil {
		return err
	}
	asked := s.Now()
	if err := s.Store.Begin(ctx, s.lease, s.channel, contacts); err != nil {
		return err
	}
	s.scribe.confirm(asked)
	return nil
}

// takeBack writes that work never began.
func (s *sending) takeBack(work []store.Work) {
	for _, w := range work {
		s.scribe.put(store.Result{Contact: w.Contact, State: breach.DeliveryClaimed})
	}
}
