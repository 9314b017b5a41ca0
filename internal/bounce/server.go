package bounce

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/time/rate"

	"tocsin/internal/breach"
)

// Protocol is how mail is handed to the server.
type Protocol string

// The protocols. A mail server of yours in front speaks LMTP to us; SMTP is for where there is none.
const (
	LMTP Protocol = "lmtp"
	SMTP Protocol = "smtp"
)

// Options says where a server listens, what it believes, and how much it takes.
type Options struct {
	Protocol Protocol
	Hello    string      // the name it greets with
	TLS      *tls.Config // offers STARTTLS where it is set
	Address  Address     // whose mail it takes

	MaxBytes       int64   // of one mail
	MaxConnections int     // at once
	MaxPerAddress  int     // connections at once from one IP address
	PerSecond      float64 // mails; 0 sets no bound

	Check func(token string) (breach.DeliveryID, bool) // the delivery of a return address's token
	Sink  Sink
	Log   *slog.Logger
	Count func(what string) // counts what came: a kind of return, or "refused", "forged", "limited"; nil counts nothing
}

// Returned is one mail that came back, and what it says.
type Returned struct {
	Delivery breach.DeliveryID
	How      string // what told the delivery: "address", "returned address", "message id"
	Report   Report
	Raw      []byte
}

// ErrNoDelivery is a sink's answer to an id that names no delivery.
var ErrNoDelivery = errors.New("no such delivery")

// Sink keeps what came. When Take returns nil, it is durable: the server then says 250, and only then. Its error is
// [ErrNoDelivery] where the delivery does not exist.
type Sink interface {
	Take(ctx context.Context, r Returned) error
}

// Server takes returned mails in. Create it with [NewServer].
type Server struct {
	o       Options
	smtp    *smtp.Server
	limiter *rate.Limiter
	ctx     context.Context // ends with Serve
	cancel  context.CancelFunc

	taking sync.WaitGroup // mails between their last byte and our answer

	mu    sync.Mutex
	open  int
	peers map[string]int
}

// How long a peer may be silent, and how many unknown recipients one connection may name.
const (
	readTime  = time.Minute
	writeTime = time.Minute
	takeTime  = 30 * time.Second
	maxWrong  = 5
)

// NewServer prepares a server. It does not listen.
func NewServer(o Options) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{o: o, peers: map[string]int{}, ctx: ctx, cancel: cancel}
	if o.PerSecond > 0 {
		s.limiter = rate.NewLimiter(rate.Limit(o.PerSecond), max(1, int(o.PerSecond)))
	}
	if s.o.Count == nil {
		s.o.Count = func(string) {}
	}
	s.smtp = smtp.NewServer(smtp.BackendFunc(s.session))
	s.smtp.LMTP = o.Protocol == LMTP
	s.smtp.Domain, s.smtp.TLSConfig = o.Hello, o.TLS
	s.smtp.MaxMessageBytes, s.smtp.MaxRecipients = o.MaxBytes, 50
	s.smtp.MaxLineLength = int(o.MaxBytes) // of its text too: a report with a long line that is refused is lost for good
	s.smtp.EnableSMTPUTF8 = true           // international reports (RFC 6533) come so
	s.smtp.ReadTimeout, s.smtp.WriteTimeout = readTime, writeTime
	s.smtp.ErrorLog = silent{} // its words quote peers
	return s
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

// Serve answers on l until ctx ends. Mails that are being taken are ended first.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	defer s.cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.smtp.Serve(&gate{Listener: l, server: s}) }()
	select {
	case err := <-ended:
		return fmt.Errorf("take in bounces: %w", err)
	case <-ctx.Done():
	}
	_ = l.Close()
	s.taking.Wait()    // not for long: see takeTime
	_ = s.smtp.Close() // whoever has heard no answer sends again, and the sink knows a second copy
	<-ended            //nolint:errcheck // it ended because we closed it
	return nil
}

// gate lets no more connections in than allowed. One too many hears 421 and goes.
type gate struct {
	net.Listener
	server *Server
}

// Accept returns the next connection that is within the limits.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if peer, ok := g.server.enter(c); ok {
			return &guest{Conn: c, leave: sync.OnceFunc(func() { g.server.exit(peer) })}, nil
		}
		g.server.o.Count("limited")
		_ = c.SetWriteDeadline(time.Now().Add(time.Second)) //nolint:forbidigo // a socket's deadline is the machine's clock
		_, _ = io.WriteString(c, "421 4.7.0 too many connections, try again later\r\n")
		_ = c.Close()
	}
}

// guest is a connection that is counted until it closes.
type guest struct {
	net.Conn
	leave func()
}

// Close ends the connection and frees its place.
func (g *guest) Close() error {
	g.leave()
	return g.Conn.Close()
}

func (s *Server) enter(c net.Conn) (peer string, ok bool) {
	peer = c.RemoteAddr().String()
	if host, _, err := net.SplitHostPort(peer); err == nil {
		peer = host
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.o.MaxConnections > 0 && s.open >= s.o.MaxConnections || s.o.MaxPerAddress > 0 && s.peers[peer] >= s.o.MaxPerAddress {
		return peer, false
	}
	s.open++
	s.peers[peer]++
	return peer, true
}

func (s *Server) exit(peer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	if s.peers[peer]--; s.peers[peer] <= 0 {
		delete(s.peers, peer)
	}
}

func (s *Server) session(c *smtp.Conn) (smtp.Session, error) {
	return &session{server: s, conn: c}, nil
}

// session is one conversation.
type session struct {
	server *Server
	conn   *smtp.Conn
	from   string
	to     []target
	wrong  int
}

// target is a recipient that was let in.
type target struct {
	address  string
	delivery breach.DeliveryID // empty for the address without a token: the mail must tell
}

// What peers are told. Nothing tells an unknown address from a forged one.
var (
	errUnknown  = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such address"}
	errTooMany  = &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "too many unknown addresses"}
	errRate     = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "too much mail, try again later"}
	errLater    = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "cannot keep it now, try again later"}
	errTooLarge = &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4}, Message: "larger than a report may be"}
)

// Reset forgets the mail under way.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout has nothing to free.
func (s *session) Logout() error { return nil }

// Mail begins a mail.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.limiter != nil && !s.server.limiter.Allow() {
		s.server.o.Count("limited")
		return errRate
	}
	s.from = from
	return nil
}

// Rcpt lets in what is addressed to a delivery of ours, or to the address itself.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	token, ok := s.server.o.Address.TokenOf(to)
	switch {
	case !ok:
		s.server.o.Count("refused")
	case token == "":
		s.to = append(s.to, target{address: to})
		return nil
	default:
		if id, known := s.server.o.Check(token); known {
			s.to = append(s.to, target{address: to, delivery: id})
			return nil
		}
		s.server.o.Count("forged")
	}
	s.wrong++
	switch {
	case s.wrong < maxWrong:
		return errUnknown
	case s.wrong > maxWrong: // it goes on after 421
		_ = s.conn.Close()
	}
	return errTooMany
}

// Data takes the mail for every recipient, by SMTP: one answer for all. The sink knows a second copy, so that where one
// recipient failed the peer may repeat them all.
func (s *session) Data(r io.Reader) error {
	raw, err := s.read(r)
	if err != nil {
		return err
	}
	var first error
	for _, t := range s.to {
		if err := s.take(t, raw); err != nil && (first == nil || isLater(err)) {
			first = err
		}
	}
	return first
}

// LMTPData takes the mail for each recipient by itself.
func (s *session) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	raw, err := s.read(r)
	if err != nil {
		return err
	}
	for _, t := range s.to {
		status.SetStatus(t.address, s.take(t, raw))
	}
	return nil
}

func isLater(err error) bool {
	e, ok := errors.AsType[*smtp.SMTPError](err)
	return ok && e.Code < 500
}

func (s *session) read(r io.Reader) ([]byte, error) {
	var b bytes.Buffer
	_, err := io.Copy(&b, r)
	if errors.Is(err, smtp.ErrDataTooLarge) {
		return nil, errTooLarge
	}
	return b.Bytes(), err
}

// take finds the delivery and keeps the mail. It says yes only to what is durable.
func (s *session) take(t target, raw []byte) error {
	s.server.taking.Add(1)
	defer s.server.taking.Done()
	o := s.server.o
	r := Returned{Delivery: t.delivery, How: "address", Report: Parse(raw, s.from), Raw: raw}
	if r.Delivery == "" {
		r.Delivery, r.How = s.server.find(r.Report)
	}
	if r.Delivery == "" {
		o.Count("refused")
		return errUnknown
	}
	ctx, cancel := context.WithTimeout(s.server.ctx, takeTime)
	defer cancel()
	switch err := o.Sink.Take(ctx, r); {
	case err == nil:
		o.Count(string(r.Report.Kind))
		return nil
	case errors.Is(err, ErrNoDelivery):
		o.Count("refused")
		return errUnknown
	default:
		o.Log.Error("a returned mail was not kept; its sender will try again", "delivery_id", r.Delivery, "error", err)
		return errLater
	}
}

// find goes down the ladder of marks among the returned headers.
func (s *Server) find(r Report) (breach.DeliveryID, string) {
	for _, token := range r.Tokens {
		if id, ok := s.o.Check(token); ok {
			return id, "returned address"
		}
	}
	if len(r.IDs) > 0 {
		return r.IDs[0], "message id"
	}
	return "", ""
}

// Address is where mail comes back to, with a mark for what tells the delivery: bounce+{id}@bounces.example.com.
type Address struct {
	before, after string // of the mark, in the local part
	domain        string
}

// Mark is what stands for the token in an address as configured.
const Mark = "{id}"

// ParseAddress reads an address with its mark. The local part must have room for a token, which has 49 characters of the 64
// that RFC 5321, 4.5.3.1.1, allows.
func ParseAddress(s string) (Address, error) {
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return Address{}, errors.New("must be an address with {id} in it, such as bounce+{id}@bounces.example.com")
	}
	before, after, ok := strings.Cut(s[:at], Mark)
	a := Address{before: strings.ToLower(before), after: strings.ToLower(after), domain: strings.ToLower(s[at+1:])}
	switch {
	case !ok || strings.Contains(after, Mark):
		return Address{}, errors.New("must have {id} in it once, such as bounce+{id}@bounces.example.com: it tells which delivery a bounce is about")
	case before == "" || !strings.ContainsAny(before[len(before)-1:], "+-=."):
		return Address{}, errors.New("must have a word and one of + - = . before {id}, such as bounce+{id}@bounces.example.com")
	case len(before)+len(after) > 15:
		return Address{}, errors.New("is too long before the @: what is around {id} may have 15 characters")
	case strings.ContainsAny(before+after, " <>\"(),:;\\[]@") || a.domain == "" || strings.ContainsAny(a.domain, " <>\"(),:;\\[]"):
		return Address{}, errors.New("is not a plain address, such as bounce+{id}@bounces.example.com")
	}
	return a, nil
}

// Plain is the address without a token: bounce@bounces.example.com. What comes to it must tell the delivery itself.
func (a Address) Plain() string { return strings.TrimRight(a.before, "+-=.") + "@" + a.domain }

// Domain is what stands after the @.
func (a Address) Domain() string { return a.domain }

// TokenOf returns the token of a recipient; empty for the plain address, false for one that is not ours.
func (a Address) TokenOf(recipient string) (string, bool) {
	recipient = strings.ToLower(strings.Trim(recipient, "<>"))
	if recipient == a.Plain() {
		return "", true
	}
	local, found := strings.CutSuffix(recipient, "@"+a.domain)
	if !found || len(local) > 64 {
		return "", false
	}
	token, before := strings.CutPrefix(local, a.before)
	token, after := strings.CutSuffix(token, a.after)
	return token, before && after && token != ""
}
