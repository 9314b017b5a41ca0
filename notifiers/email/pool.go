package email

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// pool holds connections that are greeted, encrypted and authenticated. A slot is taken before one is dialled, so there are
// never more than its size. Where the relay lets in fewer (it greets one too many with 421), no more than those are opened for a
// while, and who wants one waits for one of them: a mail must not fail, nor the channel slow down, for a limit of ours.
type pool struct {
	dialer *gomail.Client
	idle   time.Duration
	now    func() time.Time
	slots  chan struct{}

	mu      sync.Mutex
	free    []*link
	closed  bool
	open    int          // connections that are open or being opened
	waiting []chan *link // for one that comes free; nil says to look again
	most    int          // connections that the relay lets in, until then
	until   time.Time
}

// learnedFor is how long a relay's limit is believed.
const learnedFor = time.Minute

// link is one connection. Its raw connection is kept because go-mail loses it when a greeting fails, and because only
// closing it ends an exchange at once.
type link struct {
	client     *smtp.Client
	raw        net.Conn
	pipelining bool // the relay takes several commands at once
	most       int  // the largest mail that it takes, in bytes; 0 where it does not say
	reused     bool
	open       bool // the relay waits for a message, or for the rest of one
	freeAt     time.Time
	pool       *pool
	out, in    []byte // a message on its way out, an answer; kept for the next ones
}

func newPool(d *gomail.Client, size int, idle time.Duration, now func() time.Time) *pool {
	return &pool{dialer: d, idle: idle, now: now, slots: make(chan struct{}, size)}
}

// get waits for a slot and returns a connection, new or used before. Its holder must call put or kill.
func (p *pool) get(ctx context.Context) (*link, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for {
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		l, turn := p.reuse()
		if l != nil {
			return l, nil
		}
		if turn == nil {
			l, err := p.dial(ctx)
			if err == nil {
				return l, nil
			}
			turn = p.failed(err)
			if turn == nil {
				<-p.slots
				return nil, err
			}
		}
		<-p.slots // what comes free brings its own
		l, err := p.await(ctx, turn)
		if l != nil || err != nil {
			return l, err
		}
	}
}

// reuse returns the youngest idle connection, or the turn in which to wait for one where the relay lets in no more. With
// neither, the caller may dial. It closes those that have idled too long.
func (p *pool) reuse() (*link, chan *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	p.free = slices.DeleteFunc(p.free, func(l *link) bool {
		if now.Sub(l.freeAt) <= p.idle {
			return false
		}
		_ = l.raw.Close()
		p.open--
		return true
	})
	if n := len(p.free); n > 0 {
		l := p.free[n-1]
		p.free = p.free[:n-1]
		l.reused = true
		return l, nil
	}
	if p.open > 0 && p.open >= p.most && now.Before(p.until) {
		return nil, p.wait()
	}
	p.open++
	return nil, nil
}

// failed notes that no connection was had. Where the relay has too many of ours, it returns the turn in which to wait.
func (p *pool) failed(err error) chan *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	p.pass(nil)
	if codeOf(err) != 421 || p.open == 0 {
		return nil
	}
	p.most, p.until = p.open, p.now().Add(learnedFor)
	turn := p.wait()
	if len(p.free) > 0 { // one came free meanwhile
		p.pass(nil)
	}
	return turn
}

func (p *pool) wait() chan *link {
	turn := make(chan *link, 1)
	p.waiting = append(p.waiting, turn)
	return turn
}

// await returns the connection that its turn brings; neither that nor an error where there is room for one more.
func (p *pool) await(ctx context.Context, turn chan *link) (*link, error) {
	select {
	case l := <-turn:
		return l, nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	at := slices.Index(p.waiting, turn)
	if at >= 0 {
		p.waiting = slices.Delete(p.waiting, at, at+1)
	}
	p.mu.Unlock()
	if at < 0 { // it came meanwhile
		if l := <-turn; l != nil {
			l.put()
		}
	}
	return nil, ctx.Err()
}

// pass gives a connection, or nil for the room of one, to who has waited longest.
func (p *pool) pass(l *link) {
	if len(p.waiting) == 0 {
		return
	}
	turn := p.waiting[0]
	p.waiting = slices.Delete(p.waiting, 0, 1)
	turn <- l
}

type caughtKey struct{}

// dialInto dials and leaves the raw connection where dial finds it.
func dialInto(conf *tls.Config, implicit bool) gomail.DialContextFunc {
	var d interface {
		DialContext(context.Context, string, string) (net.Conn, error)
	} = &net.Dialer{}
	if implicit {
		d = &tls.Dialer{NetDialer: &net.Dialer{}, Config: conf}
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if caught, ok := ctx.Value(caughtKey{}).(*caught); ok {
			caught.set(c)
		}
		return c, nil
	}
}

// caught hands the raw connection from the dial function to its caller, who may have given up meanwhile.
type caught struct {
	mu    sync.Mutex
	conn  net.Conn
	ended bool
}

func (c *caught) set(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn = conn
	if c.ended {
		_ = conn.Close()
	}
}

func (c *caught) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.conn != nil {
		_ = c.conn.Close()
	}
}

func (p *pool) dial(ctx context.Context) (*link, error) {
	c := &caught{}
	stop := context.AfterFunc(ctx, c.end) // go-mail heeds ctx only while it dials
	client, err := p.dialer.DialToSMTPClientWithContext(context.WithValue(ctx, caughtKey{}, c))
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		c.end()
		return nil, err
	}
	pipelining, _ := client.Extension("PIPELINING")
	return &link{client: client, raw: c.conn, pipelining: pipelining, most: announced(client), pool: p}, nil
}

// put gives a connection back in a state in which MAIL may follow.
func (l *link) put() {
	p := l.pool
	p.mu.Lock()
	switch {
	case p.closed:
		_ = l.raw.Close()
		p.open--
		p.pass(nil)
	case len(p.waiting) > 0:
		l.reused = true
		p.pass(l) // with its slot
		p.mu.Unlock()
		return
	default:
		l.freeAt = p.now()
		p.free = append(p.free, l)
	}
	p.mu.Unlock()
	<-p.slots
}

// kill cuts the connection without a word. After half a message a word would be taken for its end.
func (l *link) kill() {
	_ = l.raw.Close()
	p := l.pool
	p.mu.Lock()
	p.open--
	p.pass(nil)
	p.mu.Unlock()
	<-p.slots
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, l := range p.free {
		_ = l.raw.Close()
	}
	p.open -= len(p.free)
	p.free = nil
}
