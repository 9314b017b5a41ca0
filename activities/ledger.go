package activities

import (
	"context"
	"sync"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// ledger joins what the lanes write at the same moment into one transaction: ten lanes cost one commit, not ten, and each
// still waits for its own intent to be durable before a byte of its message leaves.
type ledger struct {
	store   *store.Store
	lease   store.Lease
	channel breach.Channel

	requests chan request
	broken   chan struct{} // closed at the first failure
	done     sync.WaitGroup
}

type request struct {
	intents []store.Intent
	results []store.Result
	answer  chan error
}

func newLedger(ctx context.Context, s *store.Store, l store.Lease, channel breach.Channel) *ledger {
	g := &ledger{store: s, lease: l, channel: channel, requests: make(chan request), broken: make(chan struct{})}
	g.done.Go(func() { g.run(ctx) })
	return g
}

// write returns when intents and results are committed.
func (g *ledger) write(intents []store.Intent, results []store.Result) error {
	r := request{intents, results, make(chan error, 1)}
	g.requests <- r
	return <-r.answer
}

// close ends the ledger; nothing may be written afterwards.
func (g *ledger) close() {
	close(g.requests)
	g.done.Wait()
}

func (g *ledger) run(ctx context.Context) {
	var failure error
	for first := range g.requests {
		group := g.gather(first)
		if failure == nil {
			if failure = g.commit(ctx, group); failure != nil {
				close(g.broken)
			}
		}
		for _, r := range group {
			r.answer <- failure
		}
	}
}

// gather takes what other lanes ask for at this moment, without waiting.
func (g *ledger) gather(first request) []request {
	group := []request{first}
	for {
		select {
		case r, ok := <-g.requests:
			if !ok {
				return group
			}
			group = append(group, r)
		default:
			return group
		}
	}
}

func (g *ledger) commit(ctx context.Context, group []request) error {
	var intents []store.Intent
	var results []store.Result
	for _, r := range group {
		intents, results = append(intents, r.intents...), append(results, r.results...)
	}
	return g.store.Commit(ctx, g.lease, g.channel, intents, results)
}
