package inbox

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/mail"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
)

// greeting is the first thing a mail client reads.
const greeting = "tocsin-inbox.localhost (local stand-in: mail ends here and reaches nobody)"

const maxMail = 32 << 20 // said in the answer to EHLO (RFC 1870)

func (in *Inbox) newSMTP() *gosmtp.Server {
	s := gosmtp.NewServer(gosmtp.BackendFunc(func(c *gosmtp.Conn) (gosmtp.Session, error) {
		return &session{in: in, conn: c}, nil
	}))
	s.Domain = greeting
	s.MaxMessageBytes = maxMail
	s.MaxRecipients = 100
	s.AllowInsecureAuth = true // loopback
	s.TLSConfig = in.opts.TLS
	s.ReadTimeout, s.WriteTimeout = 15*time.Minute, time.Minute
	s.ErrorLog = log.New(io.Discard, "", 0) // its lines hold addresses
	return s
}

// listener applies the faults that strike before a word is said.
type listener struct {
	net.Listener
	in *Inbox
}

// Accept returns the next connection that is let in.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		f, ok := l.in.faults.take(ChannelEmail, AtBanner, "")
		if !ok {
			return &wire{Conn: c}, nil
		}
		l.in.note(ChannelEmail, f.Do)
		switch f.Do {
		case Refuse:
			_, _ = fmt.Fprintf(c, "%d %s\r\n", f.number(554), greeting)
		case Defer:
			_, _ = fmt.Fprintf(c, "%d %s\r\n", f.number(421), greeting)
		default:
		}
		_ = c.Close()
	}
}

// wire is a connection that can be told to end where the server would ask for the message.
type wire struct {
	net.Conn
	cutAt354 atomic.Bool
}

// Write sends a reply, or cuts the connection instead.
func (w *wire) Write(b []byte) (int, error) {
	if bytes.HasPrefix(b, []byte("354")) && w.cutAt354.Load() {
		_ = w.Close()
		return 0, net.ErrClosed
	}
	return w.Conn.Write(b)
}

func (f Fault) number(otherwise int) int {
	if n, err := strconv.Atoi(f.Code); err == nil && n >= 200 && n < 600 {
		return n
	}
	return otherwise
}

// session is one SMTP connection.
type session struct {
	in    *Inbox
	conn  *gosmtp.Conn
	known bool // authenticated
	from  string
	to    []string
}

var (
	_      gosmtp.AuthSession = (*session)(nil)
	errCut                    = errors.New("connection cut by a fault rule")
)

// AuthMechanisms offers PLAIN where a user is configured.
func (s *session) AuthMechanisms() []string {
	if s.in.opts.Credentials.SMTPUsername == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth checks the one user there is.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		c := s.in.opts.Credentials
		if user != c.SMTPUsername || password != c.SMTPPassword {
			return gosmtp.ErrAuthFailed
		}
		s.known = true
		return nil
	}), nil
}

// Reset forgets the current message.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout has nothing to free.
func (s *session) Logout() error { return nil }

// Mail begins a message.
func (s *session) Mail(from string, _ *gosmtp.MailOptions) error {
	if len(s.AuthMechanisms()) > 0 && !s.known {
		return gosmtp.ErrAuthRequired
	}
	if err := s.struck(AtMail, ""); err != nil {
		return err
	}
	s.from = from
	return nil
}

// Rcpt adds a recipient.
func (s *session) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	if err := s.struck(AtRcpt, to); err != nil {
		return err
	}
	if f, ok := s.in.faults.take(ChannelEmail, AtData, to); ok {
		s.in.note(ChannelEmail, f.Do)
		if w, ok := s.wire(); ok {
			w.cutAt354.Store(true)
		}
	}
	s.to = append(s.to, to)
	return nil
}

// struck applies a fault that refuses, defers or cuts before the message has come.
func (s *session) struck(at Phase, to string) error {
	f, ok := s.in.faults.take(ChannelEmail, at, to)
	if !ok {
		return nil
	}
	s.in.note(ChannelEmail, f.Do)
	return s.answer(f)
}

func (s *session) answer(f Fault) error {
	switch f.Do {
	case Refuse:
		return &gosmtp.SMTPError{Code: f.number(550), EnhancedCode: gosmtp.EnhancedCode{5, 1, 1}, Message: "refused by a fault rule of the local inbox"}
	case Defer:
		return &gosmtp.SMTPError{Code: f.number(451), EnhancedCode: gosmtp.EnhancedCode{4, 3, 0}, Message: "deferred by a fault rule of the local inbox"}
	default:
		_ = s.conn.Conn().Close()
		return errCut
	}
}

func (s *session) wire() (*wire, bool) {
	c := s.conn.Conn()
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	w, ok := c.(*wire)
	return w, ok
}

// Data takes the message. It is stored before the answer, once for each recipient.
func (s *session) Data(r io.Reader) error {
	first := s.to[0]
	if f, ok := s.in.faults.take(ChannelEmail, AtBody, first); ok {
		s.in.note(ChannelEmail, f.Do)
		_, _ = io.CopyN(io.Discard, r, 64)
		return s.answer(f)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	f, struck := s.in.faults.take(ChannelEmail, AtDot, first)
	if struck && f.Do != Drop && f.Do != Hold {
		s.in.note(ChannelEmail, f.Do)
		return s.answer(f)
	}
	var stored []int64
	for _, to := range s.to {
		m := Message{Channel: ChannelEmail, From: s.from, To: to, Raw: raw}
		headMail(&m)
		stored = append(stored, s.in.box.put(m))
	}
	switch {
	case struck && f.Do == Drop:
		return s.answer(f)
	case struck && f.Do == Hold:
		s.in.faults.wait(s.in.ctx, context.Background())
	}
	for _, seq := range stored {
		s.in.box.accept(seq)
	}
	return nil
}

// headMail reads what the list shows out of the header.
func headMail(m *Message) {
	msg, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		return
	}
	id, _, _ := strings.Cut(strings.Trim(msg.Header.Get("Message-ID"), "<> "), "@")
	m.ID, m.Subject = id, decodeWords(msg.Header.Get("Subject"))
}
