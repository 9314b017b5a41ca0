package activities

import (
	"sync/atomic"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// A scribe writes what the lanes of one hold on a shard came to, some at a time, while they go on. What it has not written yet is in
// the hold's log of intents, so a process that dies loses no outcome.
type scribe struct {
	ledger  *ledger
	lease   store.Lease
	channel breach.Channel

	results chan store.Result
	flushes chan chan struct{}
	ended   chan struct{}
	failed  chan struct{} // closed at the first failure; err is its reason
	err     error
	known   atomic.Pointer[time.Time]
	now     func() time.Time
}

const (
	mostWritten = 500                   // results in one entry
	linger      = 20 * time.Millisecond // how long more of them are waited for
	mostWaiting = 2000                  // results that wait; lanes wait when there are more
)

// leaseKnown is how long after the ledger last confirmed a lease a message may still leave under it.
const leaseKnown = 5 * time.Second

func newScribe(g *ledger, l store.Lease, channel breach.Channel, now func() time.Time) *scribe {
	s := &scribe{
		ledger: g, lease: l, channel: channel, now: now, results: make(chan store.Result, mostWaiting),
		flushes: make(chan chan struct{}), ended: make(chan struct{}), failed: make(chan struct{}),
	}
	go s.run()
	return s
}

// put hands over what one delivery came to. After a failure it is only dropped.
func (s *scribe) put(r store.Result) { s.results <- r }

// flush returns when all that was put before is in the ledger.
func (s *scribe) flush() error {
	done := make(chan struct{})
	s.flushes <- done
	<-done
	return s.failure()
}

// close writes the rest and ends the scribe.
func (s *scribe) close() error {
	close(s.results)
	<-s.ended
	return s.failure()
}

func (s *scribe) failure() error {
	select {
	case <-s.failed:
		return s.err
	default:
		return nil
	}
}

// confirm notes that the ledger knew the lease at a time.
func (s *scribe) confirm(at time.Time) { s.known.Store(&at) }

// fresh reports whether the ledger confirmed the lease lately. A process that was frozen finds that it did not.
func (s *scribe) fresh() bool {
	at := s.known.Load()
	return at != nil && s.now().Sub(*at) < leaseKnown
}

func (s *scribe) run() {
	defer close(s.ended)
	for {
		select {
		case r, more := <-s.results:
			if !more {
				return
			}
			s.write(s.gather(r))
		case done := <-s.flushes:
			for len(s.results) > 0 {
				s.write(s.waiting(nil))
			}
			close(done)
		}
	}
}

// gather waits a little for more.
func (s *scribe) gather(first store.Result) []store.Result {
	batch := []store.Result{first}
	timer := time.NewTimer(linger)
	defer timer.Stop()
	for len(batch) < mostWritten {
		select {
		case r, more := <-s.results:
			if !more {
				return batch
			}
			batch = append(batch, r)
		case <-timer.C:
			return s.waiting(batch)
		}
	}
	return batch
}

// waiting adds what is there already.
func (s *scribe) waiting(batch []store.Result) []store.Result {
	for len(batch) < mostWritten {
		select {
		case r, more := <-s.results:
			if !more {
				return batch
			}
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

func (s *scribe) write(batch []store.Result) {
	if len(batch) == 0 || s.failure() != nil {
		return
	}
	asked := s.now()
	if err := s.ledger.write(store.Entry{Lease: s.lease, Channel: s.channel, Results: batch}); err != nil {
		s.err = err
		close(s.failed)
		return
	}
	s.confirm(asked)
}
