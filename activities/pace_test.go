package activities

import (
	"testing"
	"time"
)

// paced plays a destination second by second: each tries to send so many messages a second, those that are admitted are
// answered, and it returns how many were taken in each second.
type paced struct {
	*pace
	now time.Time
}

func newPaced(base float64) *paced {
	return &paced{newPace(base), time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)}
}

func (p *paced) second(name string, offered int, late bool) (tried int) {
	for range offered {
		p.now = p.now.Add(time.Second / time.Duration(offered))
		if p.admit(name, p.now) == 0 {
			tried++
			p.told(name, late, p.now)
		}
	}
	return tried
}

func TestAStormSlowsOneDestinationAndPasses(t *testing.T) {
	p := newPaced(0)
	for range 3 {
		if got := p.second("a.example", 1000, false); got != 1000 {
			t.Fatalf("a free destination got %d of 1000", got)
		}
	}
	tried := 0
	for range 60 {
		tried += p.second("a.example", 1000, true)
	}
	if tried > 1600 {
		t.Errorf("%d messages were tried during a storm of a minute", tried)
	}
	if !p.slowed("a.example", p.now) {
		t.Error("nothing says that it is a storm")
	}
	back := 0
	for n := 1; n <= 30 && back == 0; n++ {
		if p.second("a.example", 1000, false) >= 900 {
			back = n
		}
	}
	if back == 0 || back > 20 {
		t.Errorf("the rate came back after %d seconds (0: never)", back)
	}
	if p.slowed("a.example", p.now) && p.second("a.example", 1000, false) < 900 {
		t.Error("it is still slowed")
	}
}

func TestOthersAreNotSlowed(t *testing.T) {
	p := newPaced(0)
	for range 20 {
		if got := p.second("good.example", 500, false); got != 500 {
			t.Fatalf("another destination's storm cost %d messages", 500-got)
		}
		p.second("bad.example", 20, true)
	}
	if !p.slowed("bad.example", p.now) || p.slowed("good.example", p.now) {
		t.Error("the wrong one is slowed")
	}
}

// One mailbox that is greylisted or full says nothing about its domain.
func TestASingleLaterSlowsNothing(t *testing.T) {
	p := newPaced(0)
	for range 100 {
		p.told("a.example", true, p.now)
		p.now = p.now.Add(2 * time.Second)
		if p.second("a.example", 50, false) != 50 {
			t.Fatal("a single later slowed its domain")
		}
	}
}

func TestTheConfiguredRateHolds(t *testing.T) {
	p := newPaced(10)
	p.second("a.example", 100, false) // what had gathered
	if got := p.second("a.example", 100, false) + p.second("a.example", 100, false); got < 18 || got > 22 {
		t.Errorf("%d messages in two seconds at 10 a second", got)
	}
	if p.slowed("a.example", p.now) {
		t.Error("a configured rate is no storm")
	}
}

// What is put off comes back in time to see the end of the storm, and not all at once.
func TestPuttingOffIsBounded(t *testing.T) {
	p := newPaced(0)
	for range 10 {
		p.second("a.example", 100, true)
	}
	var least, most time.Duration = time.Hour, 0
	for range 1000 {
		if wait := p.admit("a.example", p.now); wait > 0 {
			least, most = min(least, wait), max(most, wait)
		}
	}
	if most > putMost || most-least < putMost/4 {
		t.Errorf("put off for %s to %s", least, most)
	}
}

func TestTheRelayItself(t *testing.T) {
	p := newPaced(0)
	for range 5 {
		p.relayTold(p.now)
		p.now = p.now.Add(100 * time.Millisecond)
	}
	admitted := 0
	for _, name := range []string{"a.example", "b.example", "c.example", "d.example"} {
		for range 20 {
			if p.admit(name, p.now) == 0 {
				admitted++
			}
		}
	}
	if admitted > 10 {
		t.Errorf("%d messages were handed to a relay that takes none", admitted)
	}
}

// When every destination says "later", it is the relay: the whole channel is slowed, and comes back.
func TestAStormOfTheWholeRelay(t *testing.T) {
	p := newPaced(0)
	names := []string{"a.example", "b.example", "c.example", "d.example", "e.example"}
	all := func(late bool) (tried int) {
		for range 200 {
			for _, name := range names {
				p.now = p.now.Add(time.Millisecond)
				if p.admit(name, p.now) == 0 {
					tried++
					p.told(name, late, p.now)
				}
			}
		}
		return tried
	}
	all(false)
	tried := 0
	for range 60 {
		tried += all(true)
	}
	back := 0
	for n := 1; n <= 30 && back == 0; n++ {
		if all(false) >= 900 {
			back = n
		}
	}
	if tried > 1500 || back == 0 || back > 25 {
		t.Errorf("%d messages were tried in a minute's storm; the rate came back after %d seconds (0: never)", tried, back)
	}
}
