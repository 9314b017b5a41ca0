package email

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"tocsin/internal/breach"
	"tocsin/notifiers"
)

// Relay is one of several ways for mail.
type Relay struct {
	Notifier  notifiers.Notifier
	PerSecond float64 // messages a second; 0 sets no bound
}

// Relays spreads mail over several relays. Which one carries a mail hangs on its id, so that a second attempt goes where the
// first went. Another one is taken where the first certainly has not taken the mail: it could not be reached, or refused us,
// not the recipient. It is never taken because an answer did not come: that mail is in doubt. What the mail
// says is the first relay's matter (from, reply_to, message_id_host).
type Relays struct {
	ways []*way
	now  func() time.Time
}

var _ notifiers.Notifier = (*Relays)(nil)

// way is a relay and how it is doing.
type way struct {
	notifiers.Notifier
	perSecond float64       // of all processes together
	limiter   *rate.Limiter // nil for no limit

	mu     sync.Mutex
	failed int              // definite failures in a row
	last   *notifiers.Error // the last of them
	until  time.Time        // not asked before, but by one probe
}

const (
	relayDown  = 3               // so many failures in a row, and a relay rests
	relayRest  = 5 * time.Second // doubles with each further failure
	relayMost  = 2 * time.Minute
	relayLimit = 16 // relays at most: more is an error in the settings
)

// NewRelays joins relays of the email channel, the first of which writes the mails. now is the clock.
func NewRelays(now func() time.Time, relays ...Relay) (*Relays, error) {
	if len(relays) == 0 || len(relays) > relayLimit {
		return nil, errors.New("email needs one relay at least, and 16 at most")
	}
	r := &Relays{now: now}
	for _, x := range relays {
		if x.Notifier.Channel() != breach.Email {
			return nil, errors.New("a relay must carry email")
		}
		w := &way{Notifier: x.Notifier}
		if x.PerSecond > 0 {
			w.perSecond, w.limiter = x.PerSecond, rate.NewLimiter(rate.Limit(x.PerSecond), max(1, int(x.PerSecond)))
		}
		r.ways = append(r.ways, w)
	}
	return r, nil
}

// Share says how many processes share the relays' limits.
func (r *Relays) Share(senders int) {
	for _, w := range r.ways {
		if w.limiter != nil {
			part := w.perSecond / float64(senders)
			w.limiter.SetLimit(rate.Limit(part))
			w.limiter.SetBurst(max(1, int(part)))
		}
	}
}

// Channel is [breach.Email].
func (r *Relays) Channel() breach.Channel { return breach.Email }

// Prepare lets the first relay write the mail.
func (r *Relays) Prepare(m notifiers.Message) (notifiers.Wire, error) { return r.ways[0].Prepare(m) }

// Close ends idle connections of all.
func (r *Relays) Close() error {
	var errs []error
	for _, w := range r.ways {
		errs = append(errs, w.Close())
	}
	return errors.Join(errs...)
}

// Send makes one attempt: it hands w to one relay, and to the next only where the one before certainly has not taken it.
func (r *Relays) Send(ctx context.Context, w notifiers.Wire) (breach.Receipt, error) {
	if len(r.ways) == 1 && r.ways[0].limiter == nil {
		return r.ways[0].Send(ctx, w)
	}
	order := r.order(w.ID)
	open := slices.DeleteFunc(slices.Clone(order), func(x *way) bool { return !x.mayTry(r.now()) })
	if len(open) == 0 {
		open = order[:1] // all rest: whoever asks is told by the one that it would have been
	}
	if first := slices.IndexFunc(open, (*way).hasRoom); first > 0 {
		open = append(open[first:], open[:first]...)
	} else if first < 0 {
		if err := open[0].limiter.Wait(ctx); err != nil { // nothing has left
			return breach.Receipt{}, &notifiers.Error{Channel: breach.Email, Doing: "connect", Outcome: breach.Temporary}
		}
	}
	var receipt breach.Receipt
	var err error
	for _, x := range open {
		receipt, err = x.Send(ctx, w)
		definite := untaken(err)
		x.heard(err, definite, r.now())
		if !definite || ctx.Err() != nil {
			break
		}
	}
	return receipt, err
}

// untaken reports that a relay certainly has not taken a mail, for a reason that another one may not have.
func untaken(err error) bool {
	e, ok := errors.AsType[*notifiers.Error](err)
	if !ok || e.Outcome != breach.Temporary {
		return false
	}
	return e.Doing == "connect" || e.Doing == "authenticate" || e.Code != "" && (e.Doing == "mail" || e.Against == notifiers.Us)
}

// Ailing returns why relays rest, by their places in the settings, counted from 1. The others carry their mail meanwhile.
func (r *Relays) Ailing() map[int]error {
	var ailing map[int]error
	for i, w := range r.ways {
		w.mu.Lock()
		if w.failed >= relayDown && w.last != nil {
			if ailing == nil {
				ailing = map[int]error{}
			}
			ailing[i+1] = w.last
		}
		w.mu.Unlock()
	}
	return ailing
}

// order ranks the relays for one mail, the same each time, and each relay as often first as the others (rendezvous hashing).
func (r *Relays) order(id breach.DeliveryID) []*way {
	type ranked struct {
		way  *way
		rank uint64
	}
	list := make([]ranked, len(r.ways))
	for i, w := range r.ways {
		h := fnv.New64a()
		_, _ = h.Write(binary.BigEndian.AppendUint32([]byte(id), uint32(i)))
		list[i] = ranked{w, mix(h.Sum64())}
	}
	slices.SortFunc(list, func(a, b ranked) int {
		switch {
		case a.rank < b.rank:
			return -1
		case a.rank > b.rank:
			return 1
		}
		return 0
	})
	order := make([]*way, len(list))
	for i, x := range list {
		order[i] = x.way
	}
	return order
}

// mix spreads what FNV leaves in the low bits (splitmix64's finaliser).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// mayTry reports whether a relay is to be asked. One that rests lets a single probe through when its time is over.
func (w *way) mayTry(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed < relayDown {
		return true
	}
	if now.Before(w.until) {
		return false
	}
	w.until = now.Add(relayRest) // the probe's time
	return true
}

func (w *way) hasRoom() bool { return w.limiter == nil || w.limiter.Allow() }

// heard counts a relay's definite failures; any other answer shows that it works.
func (w *way) heard(err error, failed bool, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !failed {
		w.failed, w.last = 0, nil
		return
	}
	w.failed++
	w.last, _ = errors.AsType[*notifiers.Error](err)
	if w.failed >= relayDown {
		w.until = now.Add(min(relayRest<<min(w.failed-relayDown, 10), relayMost))
	}
}
