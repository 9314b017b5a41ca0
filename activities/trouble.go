package activities

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/internal/breach"
	"tocsin/notifiers"
)

// trouble is what speaks against a channel as such: failures since it last took a message over. A wrong password, a template
// that was withdrawn, a relay that no longer relays for us: each message fails by itself, and without this a whole audience
// would go on to its next channel one by one before anybody looked. It is safe for concurrent use and shared by all shards of
// a process.
type trouble struct {
	quiet atomic.Bool // nothing speaks against it; the way of every message that is taken

	mu       sync.Mutex
	taken    bool                       // it has ever taken a message over
	us       int                        // failures that are against us
	usSince  time.Time                  // the first of them
	usHalts  int                        // how often a campaign was halted for it
	refused  map[breach.DeliveryID]bool // deliveries that were refused for good, or by policy
	person   bool                       // one of them for good, which is about a person
	first    time.Time                  // when the first of them was
	doubts   map[breach.DeliveryID]bool // deliveries of which nobody knows
	doubted  time.Time                  // when the first of them was
	later    map[breach.DeliveryID]bool // deliveries that were refused for now; so many as matter
	lateness time.Time                  // when the first of them was
	silent   time.Time                  // since when the other side cannot be reached; zero while it can
	patience int                        // so many times the usual is borne: whoever let it go on has seen it
}

// What is too much.
const (
	usTwice      = 2                // failures against us
	usFor        = 30 * time.Second // for so long: what passes by itself needs nobody
	usBelieved   = 3                // halts: who lets it go on so often without a change says that it is the recipients after all
	policyFew    = 3                // deliveries refused by policy in a row, of a channel that never took one
	policyMany   = 20               // of another
	refusedFirst = 20               // deliveries refused for good in a row, of a channel that never took one
	refusedMany  = 100              // of another: lists hold dead addresses, and more dead devices
	doubtsFew    = 8                // deliveries in doubt in a row
	doubtsFor    = time.Minute      // for so long
	doubtsMany   = 50               // or so many, however fast
	silentFor    = 5 * time.Minute
	laterMany    = 20               // deliveries refused for now
	laterFor     = 30 * time.Minute // for so long
	patienceMore = 5                // after each halt so many times as much
)

// finding is what has become too much.
type finding int

const (
	fine        finding = iota
	refusesUs           // our credentials, sender, certificate, signature or template
	byPolicy            // our standing, or our words
	refusesAll          // so many recipients that it is hardly they
	noAnswers           // messages leave, and nobody knows what becomes of them
	unreachable         // nobody answers; it may come back by itself
	stalled             // it answers "later", and nothing else
)

func newTrouble() *trouble {
	return &trouble{refused: map[breach.DeliveryID]bool{}, doubts: map[breach.DeliveryID]bool{}, later: map[breach.DeliveryID]bool{}, patience: 1}
}

// heard learns what an attempt came to and says what has become too much, at every attempt until a message is taken over.
func (t *trouble) heard(id breach.DeliveryID, err error, now time.Time) finding {
	if err == nil && t.quiet.Load() {
		return fine
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.us, t.usSince, t.usHalts, t.silent, t.person, t.taken = 0, time.Time{}, 0, time.Time{}, false, true
		clear(t.refused)
		clear(t.doubts)
		clear(t.later)
		t.quiet.Store(true)
		return fine
	}
	e, ok := errors.AsType[*notifiers.Error](err)
	if !ok {
		return fine
	}
	t.quiet.Store(false)
	if e.Outcome == breach.Unknown {
		return t.inDoubt(id, now)
	}
	switch {
	case e.Against == notifiers.Us && t.believed(e):
		return t.refusedUs(now)
	case e.Against == notifiers.Us:
		return t.refusedOne(id, true, now)
	case ofRelay(e):
		if t.silent.IsZero() {
			t.silent = now
		}
		if now.Sub(t.silent) >= silentFor {
			return unreachable
		}
		return fine
	}
	t.silent = time.Time{}
	if e.Outcome == breach.Permanent || e.Against == notifiers.Policy {
		return t.refusedOne(id, e.Against == "", now)
	}
	return t.refusedForNow(id, now)
}

func (t *trouble) refusedForNow(id breach.DeliveryID, now time.Time) finding {
	if len(t.later) == 0 {
		t.lateness = now
	}
	if len(t.later) < laterMany {
		t.later[id] = true
	}
	if len(t.later) >= laterMany && now.Sub(t.lateness) >= laterFor {
		return stalled
	}
	return fine
}

// believed reports that a failure counts as one against us: always before the other side heard for whom the message is, and until
// a person has said otherwise afterwards.
func (t *trouble) believed(e *notifiers.Error) bool {
	return t.usHalts < usBelieved || ofRelay(e)
}

func (t *trouble) refusedUs(now time.Time) finding {
	t.silent = time.Time{}
	if t.us++; t.us == 1 {
		t.usSince = now
	}
	if t.us >= usTwice && now.Sub(t.usSince) >= usFor {
		return refusesUs
	}
	return fine
}

func (t *trouble) refusedOne(id breach.DeliveryID, person bool, now time.Time) finding {
	if len(t.refused) == 0 {
		t.first = now
	}
	t.refused[id], t.person = true, t.person || person
	n, found := len(t.refused), fine
	switch {
	case t.person && (n >= refusedMany*t.patience || !t.taken && n >= refusedFirst*t.patience):
		found = refusesAll
	case t.person:
	case n >= policyMany*t.patience, !t.taken && n >= policyFew*t.patience && now.Sub(t.first) >= usFor:
		found = byPolicy
	}
	if found != fine {
		clear(t.refused)
		t.person, t.patience = false, t.patience*patienceMore
	}
	return found
}

// inDoubt counts messages that may have gone out. Each would be sent once more, and then its people would go on all the same.
func (t *trouble) inDoubt(id breach.DeliveryID, now time.Time) finding {
	if len(t.doubts) == 0 {
		t.doubted = now
	}
	t.doubts[id] = true
	n := len(t.doubts)
	if n < doubtsMany*t.patience && (n < doubtsFew*t.patience || now.Sub(t.doubted) < doubtsFor) {
		return fine
	}
	clear(t.doubts)
	t.patience *= patienceMore
	return noAnswers
}

// againstUs reports that messages fail like this because of us, and that none was taken over since: they are never given up for
// it, however long it takes to mend it.
func (t *trouble) againstUs(e *notifiers.Error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return e.Against == notifiers.Us && t.us >= usTwice && t.believed(e)
}

// halted notes that a campaign was halted.
func (t *trouble) halted(found finding) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if found == refusesUs {
		t.usHalts++
	}
}

// troubleOf returns what this process knows against a channel.
func (s *Sender) troubleOf(channel breach.Channel) *trouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.troubles == nil {
		s.troubles = map[breach.Channel]*trouble{}
	}
	if s.troubles[channel] == nil {
		s.troubles[channel] = newTrouble()
	}
	return s.troubles[channel]
}
