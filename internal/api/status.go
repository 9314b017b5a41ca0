package api

import (
	"context"
	"slices"
	"sync"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

var everyKind = []breach.DocumentKind{breach.DocFiling, breach.DocNotice, breach.DocPublicNotice, breach.DocClosure}

// awaiting lists the current versions that nobody has approved.
func (s *server) awaiting(ctx context.Context, id breach.IncidentID) ([]store.Document, error) {
	documents, err := s.store.Documents(ctx, id, false, everyKind...)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(documents, func(d store.Document) bool { return d.ApprovedBy != nil }), nil
}

func (s *server) campaigns(ctx context.Context, id breach.IncidentID) ([]CampaignView, error) {
	campaigns, err := s.store.Campaigns(ctx, id)
	if err != nil {
		return nil, err
	}
	views := make([]CampaignView, len(campaigns))
	for i, campaign := range campaigns {
		views[i].Campaign = campaign
		if views[i].Channels, err = s.tallies.channels(ctx, campaign); err != nil {
			return nil, err
		}
	}
	return views, nil
}

// tallies keeps counts for a moment. A million people are counted by a scan; everybody who watches an incident shares it.
type tallies struct {
	store *store.Store
	now   func() time.Time

	mu       sync.Mutex
	people   map[breach.IncidentID]*counted[breach.Tally]
	delivery map[campaignKey]*counted[[]breach.ChannelTally]
}

type campaignKey struct {
	incident breach.IncidentID
	n        int
}

// counted is one count and when it was made. Whoever finds it old makes it anew while the others wait.
type counted[T any] struct {
	mu    sync.Mutex
	at    time.Time
	value T
}

// tallyAge is how old a count may be.
const tallyAge = time.Second

func newTallies(s *store.Store, now func() time.Time) *tallies {
	t := &tallies{store: s, now: now}
	t.forget()
	return t
}

func (t *tallies) forget() {
	t.people = map[breach.IncidentID]*counted[breach.Tally]{}
	t.delivery = map[campaignKey]*counted[[]breach.ChannelTally]{}
}

func (t *tallies) of(ctx context.Context, id breach.IncidentID) (breach.Tally, error) {
	t.mu.Lock()
	if len(t.people) > 1000 {
		t.forget()
	}
	entry := t.people[id]
	if entry == nil {
		entry = new(counted[breach.Tally])
		t.people[id] = entry
	}
	t.mu.Unlock()
	return entry.get(t.now, func() (breach.Tally, error) { return t.store.Tally(ctx, id) })
}

func (t *tallies) channels(ctx context.Context, c store.Campaign) ([]breach.ChannelTally, error) {
	key := campaignKey{c.IncidentID, c.N}
	t.mu.Lock()
	entry := t.delivery[key]
	if entry == nil {
		entry = new(counted[[]breach.ChannelTally])
		t.delivery[key] = entry
	}
	t.mu.Unlock()
	return entry.get(t.now, func() ([]breach.ChannelTally, error) { return t.store.ChannelTallies(ctx, c.IncidentID, c.N) })
}

func (e *counted[T]) get(now func() time.Time, count func() (T, error)) (T, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.at.IsZero() && now().Sub(e.at).Abs() < tallyAge {
		return e.value, nil
	}
	v, err := count()
	if err != nil {
		return v, err
	}
	e.at, e.value = now(), v
	return v, nil
}
