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
// never more than its size.
type pool struct {
	dialer *gomail.Client
	idle   time.Duration
	now    func() time.Time
	slots  chan struct{}

	mu     sync.Mutex
	free   []*link
	closed bool
}

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
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if l := p.reuse(); l != nil {
		return l, nil
	}
	l, err := p.dial(ctx)
	if err != nil {
		<-p.slots
		return nil, err
	}
	return l, nil
}

// reuse returns the youngest idle connection and closes those that have idled too long.
func (p *pool) reuse() *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = slices.DeleteFunc(p.free, func(l *link) bool {
		if p.now().Sub(l.freeAt) <= p.idle {
			return false
		}
		_ = l.raw.Close()
		return true
	})
	if len(p.free) == 0 {
		return nil
	}
	l := p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	l.reused = true
	return l
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
	if p.closed {
		_ = l.raw.Close()
	} else {
		l.freeAt = p.now()
		p.free = append(p.free, l)
	}
	p.mu.Unlock()
	<-p.slots
}

// kill cuts the connection without a word. After half a message a word would be taken for its end.
func (l *link) kill() {
	_ = l.raw.Close()
	<-l.pool.slots
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, l := range p.free {
		_ = l.raw.Close()
	}
	p.free = nil
}
