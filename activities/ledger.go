package activities

import (
	"context"
	"errors"
	"slices"
	"sync"

	"tocsin/internal/store"
)

// ledger joins what the shards of a process write at the same moment into one transaction: several shards cost one commit.
type ledger struct {
	store *store.Store

	mu      sync.Mutex
	waiting []request
	writers int
}

type request struct {
	entry  store.Entry
	answer chan error
}

// mostWriters is how many transactions are under way at once. With one, what comes meanwhile is gathered: fewer and larger
// transactions cost the database least.
const mostWriters = 1

// write returns when an entry is committed.
func (g *ledger) write(e store.Entry) error {
	r := request{e, make(chan error, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, r)
	begin := g.writers < mostWriters
	if begin {
		g.writers++
	}
	g.mu.Unlock()
	if begin {
		go g.run()
	}
	return <-r.answer
}

// run writes until nobody waits. A write is never given up: what it says has happened.
func (g *ledger) run() {
	for {
		g.mu.Lock()
		group := g.waiting
		g.waiting = nil
		if len(group) == 0 {
			g.writers--
			g.mu.Unlock()
			return
		}
		g.mu.Unlock()
		g.commit(context.Background(), group)
	}
}

// commit writes a group in one transaction. Where the database refused it, each shard's part is written by itself, so that a
// shard that was lost, or a row that cannot be, fails alone. After a broken connection nobody knows whether it was committed,
// and nothing is written again.
func (g *ledger) commit(ctx context.Context, group []request) {
	err := g.store.CommitAll(ctx, entries(group))
	_, refused := errors.AsType[*store.Failure](err)
	if refused || errors.Is(err, store.ErrFenced) {
		if parts := byShard(group); len(parts) > 1 {
			for _, p := range parts {
				answer(p, g.store.CommitAll(ctx, entries(p)))
			}
			return
		}
	}
	answer(group, err)
}

func entries(group []request) []store.Entry {
	all := make([]store.Entry, len(group))
	for i, r := range group {
		all[i] = r.entry
	}
	return all
}

func answer(group []request, err error) {
	for _, r := range group {
		r.answer <- err
	}
}

// byShard keeps together what has one lease.
func byShard(group []request) [][]request {
	var parts [][]request
	for _, r := range group {
		l := r.entry.Lease
		i := slices.IndexFunc(parts, func(p []request) bool {
			x := p[0].entry.Lease
			return x.Incident == l.Incident && x.Campaign == l.Campaign && x.Shard == l.Shard && x.Fence == l.Fence
		})
		if i < 0 {
			parts = append(parts, nil)
			i = len(parts) - 1
		}
		parts[i] = append(parts[i], r)
	}
	return parts
}
