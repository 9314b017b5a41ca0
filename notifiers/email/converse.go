package email

import (
	"context"
	"errors"
	"net/textproto"
	"regexp"
	"strconv"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"tocsin/internal/breach"
	"tocsin/notifiers"
)

// converse carries one mail over one connection and gives the connection back or cuts it. stale says that a connection from
// the pool was dead before the mail began.
func (s *SMTP) converse(ctx context.Context, l *link, w notifiers.Wire) (r breach.Receipt, stale bool, err error) {
	stop := context.AfterFunc(ctx, func() { _ = l.raw.Close() })
	keep := false
	defer func() {
		if stop() && keep {
			l.put()
			return
		}
		l.kill()
	}()
	c := l.client
	if most := announced(c); most > 0 && len(w.Body) > most {
		keep = true // not a word was said
		return r, false, &notifiers.Error{Channel: breach.Email, Doing: "size", Outcome: breach.Permanent, Code: notifiers.CodeTooLarge}
	}
	if err := s.step(c, func() error { return c.Mail("<" + s.senderOf(w.ID) + ">") }); err != nil {
		if l.reused && gone(err) {
			return r, true, verdict(err, "mail", breach.Temporary)
		}
		keep = s.reset(c, err)
		return r, false, ours(verdict(err, "mail", breach.Temporary))
	}
	if err := s.step(c, func() error { return c.Rcpt("<" + w.To + ">") }); err != nil {
		keep = s.reset(c, err)
		return r, false, verdict(err, "rcpt", breach.Temporary)
	}
	response, err := s.deliver(ctx, c, w.Body)
	if err != nil {
		keep = s.reset(c, err)
		return r, false, err
	}
	keep = true // a 250 ends the transaction: no RSET, whose failure would look like ours
	return breach.Receipt{Reference: reference(response), Code: 250, At: s.now().UTC()}, false, nil
}

// announced is the largest mail that the relay takes by its own word (RFC 1870), or 0 where it sets no bound.
func announced(c *smtp.Client) int {
	if ok, size := c.Extension("SIZE"); ok {
		n, _ := strconv.Atoi(size)
		return max(n, 0)
	}
	return 0
}

// deliver writes the message. Until the final dot may have left, a failure is Temporary; from then on only an answer tells.
func (s *SMTP) deliver(ctx context.Context, c *smtp.Client, body []byte) (response string, _ error) {
	var dot *smtp.DataCloser
	err := s.step(c, func() error {
		w, err := c.Data()
		if err == nil {
			dot = w.(*smtp.DataCloser) // what go-mail's Data returns; its response is wanted
		}
		return err
	})
	if err != nil {
		return "", verdict(err, "data", breach.Temporary)
	}
	if err := s.step(c, func() error { _, err := dot.Write(body); return err }); err != nil {
		return "", verdict(err, "body", breach.Temporary)
	}
	if ctx.Err() != nil {
		return "", verdict(ctx.Err(), "body", breach.Temporary)
	}
	if err := c.UpdateDeadline(s.cfg.FinalTimeout); err != nil {
		return "", verdict(err, "body", breach.Temporary)
	}
	if err := dot.Close(); err != nil { // writes the dot
		return "", verdict(err, "send", breach.Unknown)
	}
	return dot.ServerResponse(), nil
}

func (s *SMTP) step(c *smtp.Client, do func() error) error {
	if err := c.UpdateDeadline(s.cfg.CommandTimeout); err != nil {
		return err
	}
	return do()
}

// reset clears a transaction that the relay refused, so that the connection can be used again. Where no refusal came it says
// nothing: go-mail would end an open message before the next command.
func (s *SMTP) reset(c *smtp.Client, refused error) bool {
	if gone(refused) || codeOf(refused) < 400 {
		return false
	}
	if err := c.UpdateDeadline(min(s.cfg.CommandTimeout, 10*time.Second)); err != nil {
		return false
	}
	return c.Reset() == nil
}

// gone says that the connection is of no more use: no answer came, or 421, after which the relay closes.
func gone(err error) bool {
	code := codeOf(err)
	return code == 0 || code == 421
}

// codeOf is the relay's number, or 0 where it gave none.
func codeOf(err error) int {
	if e, ok := errors.AsType[*notifiers.Error](err); ok {
		n, _ := strconv.Atoi(e.Code)
		return n
	}
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		return e.Code
	}
	return 0
}

// verdict keeps the number and drops the words, which list recipients. otherwise is the outcome where no number came.
func verdict(err error, doing string, otherwise breach.Outcome) *notifiers.Error {
	e := &notifiers.Error{Channel: breach.Email, Doing: doing, Outcome: otherwise}
	switch code := codeOf(err); {
	case code >= 500 && code < 600:
		e.Outcome, e.Code = breach.Permanent, strconv.Itoa(code)
		if doing == "connect" {
			return ours(e)
		}
	case code >= 400 && code < 500:
		e.Outcome, e.Code = breach.Temporary, strconv.Itoa(code)
	case code != 0: // a number that has no place here
		e.Code = strconv.Itoa(code)
	}
	return e
}

// ours makes a refusal of us, not of the recipient, one that may be mended.
func ours(e *notifiers.Error) *notifiers.Error {
	e.Outcome = breach.Temporary
	switch e.Code {
	case "530", "534", "535", "538", "454":
		e.Doing = "authenticate"
	}
	return e
}

// reference is the relay's own id out of its answer, where it gives one in a known form: Postfix, Exim and the like.
func reference(response string) string {
	m := queued.FindStringSubmatch(response)
	if m == nil {
		return ""
	}
	return m[1]
}

// queued takes no @, so that no address can pass for an id.
var queued = regexp.MustCompile(`(?i)(?:\bqueued as |\bid=)([0-9A-Za-z._-]{3,64})(?:[\s;,)]|$)`)
