// Package notifiers holds the contract between those who decide that a message must go out and the one protocol that
// carries it. A folder per channel, a file per provider; all/ lists what ships; notifytest/ is the suite that each must pass.
//
// A notifier knows one protocol. It gets a finished message, makes one attempt, and tells what is known: accepted, refused,
// refused for now, or unknown. It never logs, sleeps, retries or guesses; that is the activity's part, which writes the
// intent before the attempt and settles what is unknown.
package notifiers

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"tocsin/internal/breach"
)

// Message is what is to be said to one contact. Its address and texts are personal data.
type Message struct {
	ID          breach.DeliveryID // carried outward: Message-ID, OutId, request_id
	To          string            // an email address, a number in E.164, a device token
	Language    breach.Language
	Subject     string            // email's subject, a push message's title; empty for SMS
	Text        string            // email's plain part, the SMS as people will read it, a push message's body
	HTML        string            // email's other part; empty elsewhere
	Variables   map[string]string // for providers that only send templates approved beforehand
	Audience    breach.Audience   // to whom a notice speaks; such providers have a template for each. Empty: to an adult
	Attachments []Attachment      // filings by email; never in a notice to people

	// Date is what an email bears as its date: when the delivery was first planned. Give it where a message may be prepared
	// again later, since it is among the bytes. Zero takes the notifier's clock.
	Date time.Time
	// Return tells an email's bounce apart: what stands for {id} in the configured return address. It is no part of the
	// bytes. Empty where nobody waits for a bounce of this message; it then comes back to the sender's own mailbox.
	Return string
}

// Attachment is a file that travels with an email.
type Attachment struct {
	Name  string // plain ASCII
	Type  string // media type
	Bytes []byte
}

// Wire is a message as the finished bytes that will cross the wire. It is made before the intent is written, so that
// nothing can fail half way through sending.
type Wire struct {
	ID     breach.DeliveryID
	To     string
	Return string // as in [Message]
	Body   []byte
}

// SHA256 is the hash that the intent records.
func (w Wire) SHA256() [sha256.Size]byte { return sha256.Sum256(w.Body) }

// A Notifier hands messages to one channel. It must be safe for concurrent use.
type Notifier interface {
	// Channel is the one channel it serves.
	Channel() breach.Channel

	// Prepare turns m into its finished bytes, without touching the network. The same message gives the same bytes (see
	// [Message.Date]). An error is an [*Error] with [breach.Permanent]: this address or text cannot be carried by this channel.
	Prepare(m Message) (Wire, error)

	// Send makes one attempt to hand w over. A failure is an [*Error]. When ctx ends before the answer came, the outcome
	// is Unknown unless nothing can have left.
	Send(ctx context.Context, w Wire) (breach.Receipt, error)

	// Close ends idle connections. Send must not be called afterwards.
	Close() error
}

// An Asker can find out what became of an attempt whose outcome is unknown.
type Asker interface {
	// Ask looks w up by its ID among what was handed over since an instant. Its answer is Accepted with a receipt,
	// Permanent if the other side refused it, Temporary if it certainly never arrived, and Unknown if it cannot be told
	// (yet). The error is for a failed question.
	Ask(ctx context.Context, w Wire, since time.Time) (breach.Outcome, breach.Receipt, error)
}

// A Repeater takes the same message twice and delivers it once, so that an unknown outcome is settled by sending again.
type Repeater interface {
	// RepeatWindow is how long after the first attempt a repetition is recognised.
	RepeatWindow() time.Duration
}

// ValidID reports whether id has the one form that every provider carries: 32 lower-case hexadecimal digits.
func ValidID(id breach.DeliveryID) bool {
	if len(id) != 32 {
		return false
	}
	for _, c := range []byte(id) {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return false
		}
	}
	return true
}

// Error is a failed attempt. It carries the verdict and a code; never an address, never the other side's words.
type Error struct {
	Channel breach.Channel
	Doing   string         // "dial", "send", "authenticate"
	Outcome breach.Outcome // Unknown, Temporary or Permanent
	Code    string         // the protocol's code where there is one: "550", "429", "isv.BUSINESS_LIMIT_CONTROL"
	After   time.Duration  // the other side's wish how long to wait; zero where it has none
	Against Against        // whom the other side refuses, where it is not the recipient; the outcome is Temporary then
}

// Against says whom a refusal is about. The zero value is the recipient, or the moment.
type Against string

// What a person must look into: nothing is known against the recipient.
const (
	Us     Against = "us"     // our credentials, sender, certificate, signature or template: every message fares the same
	Policy Against = "policy" // our standing or our words, perhaps with this recipient's side alone
)

// Error names channel, act, verdict and code.
func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("%s: %s: %s", e.Channel, e.Doing, e.Outcome)
	}
	return fmt.Sprintf("%s: %s: %s (code %s)", e.Channel, e.Doing, e.Outcome, e.Code)
}

// OutcomeOf reads the verdict out of what Send returned. An error of any other kind is Unknown.
func OutcomeOf(err error) breach.Outcome {
	if err == nil {
		return breach.Accepted
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Outcome
	}
	return breach.Unknown
}
