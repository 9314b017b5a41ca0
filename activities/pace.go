package activities

import (
	"sync"
	"time"
)

// pace learns how fast each destination of a channel takes messages. A destination that answers "later" to many is slowed
// down, it alone; when it takes messages again its rate doubles each second until it is free. The empty destination is the
// whole channel: the relay, or the provider. It is safe for concurrent use and shared by all shards of a process.
type pace struct {
	base float64 // messages a second to one destination, as configured; 0 for as fast as it goes

	mu       sync.Mutex
	known    map[string]*destination
	troubled map[string]bool // destinations that asked to be left alone in the current second
	since    time.Time       // when it began
}

// destination is how one is doing. Its window is the current second.
type destination struct {
	rate   float64   // messages a second; 0 for free
	tokens float64   // messages that may leave now
	at     time.Time // when tokens were counted

	window     time.Time
	took, late int     // outcomes of the window
	peak       float64 // the highest rate seen, forgotten slowly
	changed    time.Time

	until    time.Time // how far ahead messages have been put off
	put      int       // messages put off within the window of putting off
	putSince time.Time
}

const (
	paceFloor = 5.0              // messages a second are always tried, to see whether it is over
	paceFirst = 40.0             // the rate that is assumed of a destination of which little is known
	paceMany  = 3                // so many destinations at one time are the relay
	paceOver  = 3                // so many "later" in a second
	putMost   = 10 * time.Second // a message is put off no longer than this, so that it is there when it is over
	putRate   = 2000.0           // messages put off a second at most, which bounds what waiting costs the ledger
	paceIdle  = 10 * time.Minute // after which a destination is forgotten
	paceKnown = 10000            // destinations remembered before the idle ones are forgotten
)

func newPace(base float64) *pace {
	return &pace{base: base, known: map[string]*destination{}, troubled: map[string]bool{}}
}

// share sets the rate of a destination that has not asked to be slower.
func (p *pace) share(base float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, d := range p.known {
		if name != "" && d.rate == p.base {
			d.rate = base
		}
	}
	p.base = base
}

func (p *pace) of(name string, now time.Time) *destination {
	d := p.known[name]
	if d == nil {
		if len(p.known) >= paceKnown {
			for k, x := range p.known {
				if now.Sub(x.window) > paceIdle {
					delete(p.known, k)
				}
			}
		}
		d = &destination{at: now, window: now}
		if name != "" {
			d.rate, d.tokens = p.base, p.base
		}
		p.known[name] = d
	}
	return d
}

// admit says how long to put a message off that is for a destination; zero lets it go now.
func (p *pace) admit(name string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	whole, d := p.of("", now), p.of(name, now)
	if wait := whole.admit(now); wait > 0 {
		return wait
	}
	if d == whole {
		return 0
	}
	wait := d.admit(now)
	if wait > 0 && whole.rate > 0 {
		whole.tokens++ // it was not used
	}
	return wait
}

func (d *destination) admit(now time.Time) time.Duration {
	if d.rate == 0 {
		return 0
	}
	d.tokens = min(d.tokens+now.Sub(d.at).Seconds()*d.rate, max(1, d.rate))
	d.at = now
	if d.tokens >= 1 {
		d.tokens--
		return 0
	}
	if now.Sub(d.putSince) > putMost {
		d.put, d.putSince = 0, now
	}
	d.put++
	if d.until.Before(now) {
		d.until = now
	}
	most := max(putMost, time.Duration(float64(d.put)/putRate*float64(time.Second)))
	if ahead := d.until.Sub(now) + time.Duration(float64(time.Second)/d.rate); ahead <= most {
		d.until = now.Add(ahead)
		return ahead
	}
	// The line is longer than it may be: spread what is behind it over the whole time.
	return most/2 + most/2*time.Duration(d.put%100)/100
}

// told learns from an outcome: late says that the destination asked to be left alone for now. Where several do at one time,
// and nearly nobody takes anything, it is the relay that has trouble.
func (p *pace) told(name string, late bool, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if name == "" {
		p.of("", now).told(late, now, 0, paceOver, 0.5)
		return
	}
	p.of(name, now).told(late, now, p.base, paceOver, 0.5)
	if now.Sub(p.since) >= time.Second {
		p.since = now
		clear(p.troubled)
	}
	if late && len(p.troubled) < paceMany {
		p.troubled[name] = true
	}
	if !late || len(p.troubled) >= paceMany {
		p.of("", now).told(late, now, 0, paceOver, 9)
	}
}

// relayTold learns of a failure that says nothing of a destination: the relay itself did not take mail.
func (p *pace) relayTold(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of("", now).told(true, now, 0, paceOver, 0.5)
}

// told counts, and moves the rate at most once a second. over is how many "later" it takes within a second, share how many to
// each message that was taken.
func (d *destination) told(late bool, now time.Time, base float64, over int, share float64) {
	if since := now.Sub(d.window); since >= time.Second {
		d.peak = max(float64(d.took+d.late)/since.Seconds(), d.peak*0.98)
		d.window, d.took, d.late = now, 0, 0
	}
	if late {
		d.late++
	} else {
		d.took++
	}
	switch {
	case now.Sub(d.changed) < time.Second && !d.changed.IsZero():
	case late && (d.late >= over || d.rate > 0 && d.rate != base) && float64(d.late) >= share*float64(d.took):
		current := d.rate
		if current == 0 {
			current = max(d.peak, float64(d.took+d.late), paceFirst)
			d.peak = current
		}
		d.rate, d.tokens, d.at, d.changed = max(paceFloor, current/4), 0, now, now
	case !late && d.rate > 0 && d.rate != base && d.late == 0:
		d.rate, d.changed = d.rate*2, now
		if base > 0 && d.rate >= base {
			d.rate = base
		} else if base == 0 && d.rate > 2*d.peak {
			d.rate = 0
		}
	}
}

// slowed reports whether the destination, or the whole channel, is being left alone: what it refuses then says nothing about
// a message.
func (p *pace) slowed(name string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of("", now).rate > 0 {
		return true
	}
	d := p.of(name, now)
	return d.rate > 0 && d.rate != p.base
}
