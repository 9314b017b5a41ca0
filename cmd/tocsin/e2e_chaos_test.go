package main

import (
	"flag"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"tocsin/internal/api"
	"tocsin/internal/devstack/inbox"
)

// Chaos is asked for: make chaos, or go test ./cmd/tocsin -run TestChaos -chaos 100 -timeout 1h.
var (
	chaosKills  = flag.Int("chaos", 0, "how often TestChaos kills a worker; 0 leaves it out")
	chaosPeople = flag.Int("chaos-people", 20000, "how many people its campaign has")
	chaosTime   = flag.Duration("chaos-time", 50*time.Minute, "how long it may take")
)

// chaosWorkers are at work at once, and chaosPause is the mean time between two blows.
const (
	chaosWorkers = 4
	chaosPause   = 3 * time.Second
)

// TestChaos sends one campaign with several workers while one of them is killed again and again, at moments that chance
// chooses; now and then it is the relay that goes away with all its connections, or PostgreSQL that is killed as by a power
// cut; and connections are cut in every phase of SMTP. In the end the ledger is compared with what really arrived, row by row
// and byte by byte: nobody lost, nothing truncated, no second copy without a doubt that was a row before, and the sums right.
func TestChaos(t *testing.T) {
	if *chaosKills == 0 {
		return
	}
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	program := buildProgram(t)
	rate := float64(*chaosPeople) * 0.6 / (float64(*chaosKills) * chaosPause.Seconds()) // of all workers together
	b := startCampaign(t, *chaosPeople, max(1, rate))
	relay := startCutter(t, b.local.stack.Inbox.SMTPAddr())
	b.sendThrough(relay.Addr().String())
	var workers []*process
	for range chaosWorkers {
		workers = append(workers, b.startWorker(program))
	}
	b.prepare()
	cuts := cutsInEveryPhase(*chaosKills)
	b.setFaults(append(refusals(), cuts...)...)
	kills, relays, databases := 0, 0, 0
	next := time.Now()
	began, before := time.Now(), b.arrived()
	b.until("everybody to be told", func(v api.IncidentView) bool {
		if kills >= *chaosKills || b.arrived() == before || time.Now().Before(next) {
			return allTold(v)
		}
		next = time.Now().Add(chaosPause/2 + time.Duration(rng.Int64N(int64(chaosPause))))
		switch n := rng.IntN(25); {
		case n == 0:
			b.restartPostgres()
			databases++
		case n <= 2:
			relay.cut(time.Second)
			relays++
		default:
			i := rng.IntN(len(workers))
			workers[i].kill()
			workers[i] = b.startWorker(program)
			kills++
		}
		return allTold(v)
	})
	t.Logf("seed %d: %s, %s of the relay, %s of PostgreSQL, and %d cuts by phase allowed, in %s",
		seed, plural(kills, "kill"), plural(relays, "death"), plural(databases, "death"), len(cuts)*cuts[0].Times, time.Since(began).Round(time.Second))
	if kills < *chaosKills {
		t.Errorf("the campaign ended after %s: give it more people", plural(kills, "kill"))
	}
	found := b.checkCampaign(kills + chaosWorkers*(relays+databases) + len(cuts)*cuts[0].Times/lanes + 1)
	second := 0
	for _, n := range found.copies {
		second += max(0, n-1)
	}
	t.Logf("chaos_kills %d", kills)
	t.Logf("chaos_lost 0, chaos_truncated 0 (each would be a failure above), chaos_in_doubt %d, chaos_second_copies %d", found.doubts, second)
}

// cutsInEveryPhase cuts some connections in each phase of SMTP, and after the message was stored.
func cutsInEveryPhase(kills int) (faults []inbox.Fault) {
	times := max(1, kills/10)
	for _, at := range []inbox.Phase{inbox.AtBanner, inbox.AtMail, inbox.AtRcpt, inbox.AtData, inbox.AtBody, inbox.AtDot} {
		faults = append(faults, inbox.Fault{Channel: inbox.ChannelEmail, To: "*", Do: inbox.Cut, At: at, Times: times})
	}
	return append(faults, inbox.Fault{Channel: inbox.ChannelEmail, To: "*", Do: inbox.Drop, Times: times})
}

// cutter stands between us and the relay, and cuts every connection when it is told to.
type cutter struct {
	net.Listener
	to string

	mu    sync.Mutex
	conns map[net.Conn]bool
	until time.Time // nobody is let in before
}

func startCutter(t *testing.T, to string) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: l, to: to, conns: map[net.Conn]bool{}}
	t.Cleanup(func() {
		_ = l.Close()
		c.cut(0)
	})
	go c.serve()
	return c
}

func (c *cutter) serve() {
	for {
		in, err := c.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", c.to)
		if err != nil || !c.keep(in, out) {
			_ = in.Close()
			if out != nil {
				_ = out.Close()
			}
			continue
		}
		go c.carry(in, out)
		go c.carry(out, in)
	}
}

func (c *cutter) keep(conns ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().Before(c.until) {
		return false
	}
	for _, x := range conns {
		c.conns[x] = true
	}
	return true
}

func (c *cutter) carry(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range []net.Conn{to, from} {
		_ = x.Close()
		delete(c.conns, x)
	}
}

// cut resets every connection, and lets nobody in for a while.
func (c *cutter) cut(away time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = time.Now().Add(away)
	for x := range c.conns {
		if tcp, ok := x.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = x.Close()
	}
}
