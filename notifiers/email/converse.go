package email

import (
	"context"
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
	if l.most > 0 && len(w.Body) > l.most {
		keep = true // not a word was said
		return r, false, &notifiers.Error{Channel: breach.Email, Doing: "size", Outcome: breach.Permanent, Code: notifiers.CodeTooLarge}
	}
	body, ok := l.finished(w.Body)
	if !ok { // a bare line end could pass for the message's end somewhere
		keep = true
		return r, false, unfit("line_ends")
	}
	if err := s.envelope(l, w); err != nil {
		if l.reused && err.Doing == "mail" && gone(err) {
			return r, true, err
		}
		keep = s.reset(l, err)
		return r, false, err
	}
	if l.client.Text.R.Buffered() > 0 { // it answers what was not said: the answer to the message could not be told apart
		return r, false, verdict(errAnswer, "data", breach.Temporary)
	}
	answer, refused := s.deliver(ctx, l, body)
	if refused != nil {
		keep = s.reset(l, refused)
		return r, false, refused
	}
	keep = true // a 250 ends the transaction: no RSET, whose failure would look like ours
	return breach.Receipt{Reference: reference(answer), Code: 250, At: s.now().UTC()}, false, nil
}

// announced is the largest mail that the relay takes by its own word (RFC 1870), or 0 where it sets no bound.
func announced(c *smtp.Client) int {
	if ok, size := c.Extension("SIZE"); ok {
		n, _ := strconv.Atoi(size)
		return max(n, 0)
	}
	return 0
}

// envelope asks the relay to take a mail for somebody: MAIL, RCPT and DATA, all at once where the relay offers PIPELINING
// (RFC 2920), which saves two waits of four. Its failure is that of the first command which was not granted. No byte of the
// message has left when it returns, so nothing is in doubt.
func (s *SMTP) envelope(l *link, w notifiers.Wire) (refused *notifiers.Error) {
	commands := [...]struct {
		doing, line string
		granted     int
	}{
		{"mail", "MAIL FROM:<" + s.senderOf(w.Return) + ">\r\n", 250},
		{"rcpt", "RCPT TO:<" + w.To + ">\r\n", 25},
		{"data", "DATA\r\n", 354},
	}
	if l.pipelining {
		if err := l.say(s.cfg.CommandTimeout, commands[0].line+commands[1].line+commands[2].line); err != nil {
			return verdict(err, "mail", breach.Temporary)
		}
	}
	for _, c := range commands {
		err := error(nil)
		if !l.pipelining {
			err = l.say(s.cfg.CommandTimeout, c.line)
		}
		if err == nil {
			_, err = l.hear(c.granted)
		}
		if err == nil {
			l.open = c.doing == "data"
			continue
		}
		if refused == nil {
			refused = verdict(err, c.doing, breach.Temporary)
		}
		if !l.pipelining || codeOf(err) == 0 { // no more answers will come
			break
		}
	}
	return refused
}

// deliver writes the message. Until the whole of it, final dot included, was handed to the kernel, a failure is Temporary:
// what the relay has got cannot be taken for a mail. From then on only an answer tells.
func (s *SMTP) deliver(ctx context.Context, l *link, body []byte) (answer []byte, _ *notifiers.Error) {
	if ctx.Err() != nil {
		return nil, verdict(ctx.Err(), "body", breach.Temporary)
	}
	if err := l.client.UpdateDeadline(s.cfg.CommandTimeout); err != nil {
		return nil, verdict(err, "body", breach.Temporary)
	}
	whole, err := l.write(body)
	if err != nil && !whole {
		return nil, verdict(err, "body", breach.Temporary)
	}
	if err == nil {
		err = l.client.UpdateDeadline(s.cfg.FinalTimeout)
	}
	if err == nil {
		answer, err = l.hear(250)
	}
	if err != nil {
		return nil, verdict(err, "send", breach.Unknown)
	}
	l.open = false
	return answer, nil
}

// reset clears a transaction that the relay refused, so that the connection can be used again. Where no refusal came it says
// nothing. Nor does it where the relay refused the recipient and yet waits for a message: anything said now would be taken
// for one, even the lone dot that RFC 2920 suggests, so the connection is cut instead.
func (s *SMTP) reset(l *link, refused *notifiers.Error) bool {
	if refused.Doing == "send" {
		l.open = false // it has heard the whole message and answered
	}
	if l.open || gone(refused) || codeOf(refused) < 400 {
		return false
	}
	if err := l.say(min(s.cfg.CommandTimeout, 10*time.Second), "RSET\r\n"); err != nil {
		return false
	}
	_, err := l.hear(250)
	return err == nil
}

// gone says that the connection is of no more use: no answer came, or 421, after which the relay closes.
func gone(err error) bool {
	code := codeOf(err)
	return code == 0 || code == 421
}

// reference is the relay's own id out of its answer, where it gives one in a known form: Postfix, Exim and the like.
func reference(answer []byte) string {
	m := queued.FindSubmatch(answer)
	if m == nil {
		return ""
	}
	return string(m[1])
}

// queued takes no @, so that no address can pass for an id.
var queued = regexp.MustCompile(`(?i)(?:\bqueued as |\bid=)([0-9A-Za-z._-]{3,64})(?:[\s;,)]|$)`)
