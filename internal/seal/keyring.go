package seal

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tocsin/internal/breach"
)

// Loader reads an incident's wrapped key from where it is stored. Its error is [ErrDestroyed] where the key was destroyed.
type Loader func(ctx context.Context, incident breach.IncidentID) (wrapped []byte, err error)

// Keyring opens the keys of incidents and remembers them for a limited time, so that sealing a row does not cost a call to
// the database and the master. It is safe for concurrent use.
//
// Whoever gets Keys from it asks again for each batch instead of keeping them: then a destroyed key is out of use in every
// process after the lifetime, and at once in the process that calls Forget.
type Keyring struct {
	master   Master
	load     Loader
	lifetime time.Duration
	now      func() time.Time

	mu   sync.Mutex
	held map[breach.IncidentID]heldKeys
}

type heldKeys struct {
	keys  *Keys
	until time.Time
}

// NewKeyring returns an empty keyring. lifetime counts from before the wrapped key is read, so a key destroyed at any moment
// is out of use within one lifetime; zero or less remembers nothing.
func NewKeyring(m Master, load Loader, lifetime time.Duration, now func() time.Time) *Keyring {
	return &Keyring{master: m, load: load, lifetime: lifetime, now: now, held: make(map[breach.IncidentID]heldKeys)}
}

// Lifetime is how long a destroyed key may stay in use in other processes.
func (r *Keyring) Lifetime() time.Duration { return max(r.lifetime, 0) }

// Keys returns an incident's keys, for one batch of work. Its error is the loader's, [ErrDestroyed] above all, or
// [ErrUnreadable] where the stored key does not belong to the incident or the master.
func (r *Keyring) Keys(ctx context.Context, incident breach.IncidentID) (*Keys, error) {
	now := r.now()
	if k := r.remembered(incident, now); k != nil {
		return k, nil
	}
	wrapped, err := r.load(ctx, incident)
	if err != nil {
		return nil, fmt.Errorf("load the key of %s: %w", incident, err)
	}
	k, err := OpenKeys(ctx, r.master, incident, wrapped)
	if err != nil {
		return nil, err
	}
	r.remember(k, now.Add(r.lifetime))
	return k, nil
}

// Forget drops an incident's keys at once. Call it after the wrapped key is destroyed.
func (r *Keyring) Forget(incident breach.IncidentID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.held, incident)
}

// remembered also drops every key whose time is over, so that no key outlives its use for want of a caller.
func (r *Keyring) remembered(incident breach.IncidentID, now time.Time) *Keys {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, h := range r.held {
		if !now.Before(h.until) {
			delete(r.held, id)
		}
	}
	return r.held[incident].keys
}

func (r *Keyring) remember(k *Keys, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held[k.incident] = heldKeys{keys: k, until: until}
}
