package breach

import (
	"fmt"
	"time"
)

// Channel is a way to reach somebody.
type Channel string

// The channels, in the order of the default ladder.
const (
	Email  Channel = "email"
	SMS    Channel = "sms"
	Push   Channel = "push"
	Voice  Channel = "voice"
	Letter Channel = "letter"
	Chat   Channel = "chat" // the organisation's own people, for escalation

	Portal Channel = "portal" // an authority's HTTP interface; for filings only
	Drop   Channel = "drop"   // a folder or SFTP server that an authority collects from; for filings only
)

// Audience says to whom a text speaks.
type Audience string

// The audiences of a notice.
const (
	ToPerson   Audience = "person"   // an adult
	ToMinor    Audience = "minor"    // a minor, in words a child understands
	ToGuardian Audience = "guardian" // the guardian of one or more minors
)

// DeliveryID is one notice to one contact by one channel: the Message-ID's local part, the provider's own-id field, the
// bounce address's token. A second sending after a doubt carries the same one.
// It is 32 lower-case hexadecimal digits.
type DeliveryID string

// DeliveryState is where one delivery stands. The order is claimed, intent, then one of the rest; see the design's
// section 5.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryClaimed   DeliveryState = "claimed"   // a worker holds it; nothing left the house: safe to send
	DeliveryIntent    DeliveryState = "intent"    // the bytes may leave any moment
	DeliveryAccepted  DeliveryState = "accepted"  // the other side took it over
	DeliveryRejected  DeliveryState = "rejected"  // refused for good: the next rung
	DeliveryTemporary DeliveryState = "temporary" // refused for now: again after next_at
	DeliveryInDoubt   DeliveryState = "in_doubt"  // it may have gone out; nobody knows yet
	DeliveryBounced   DeliveryState = "bounced"   // it was taken over, and came back: the next rung
)

// Outcome is what one attempt to hand a message over came to. The zero value is the cautious one.
type Outcome int

// The outcomes of an attempt.
const (
	Unknown   Outcome = iota // it may have gone out: in doubt
	Accepted                 // taken over; a receipt exists
	Temporary                // not taken over, may be tried again
	Permanent                // not taken over, trying again is of no use
)

// String names the outcome as the ledger does.
func (o Outcome) String() string {
	switch o {
	case Accepted:
		return "accepted"
	case Temporary:
		return "temporary"
	case Permanent:
		return "rejected"
	case Unknown:
		return "in_doubt"
	}
	return fmt.Sprintf("outcome(%d)", int(o))
}

// Receipt is proof that a message was taken over, not that it was read.
type Receipt struct {
	Reference string    `json:"reference"` // the other side's own id: queue id, BizId, task id
	Code      int       `json:"code"`      // the protocol's code: 250, 200
	At        time.Time `json:"at"`
}

// RecipientState is where one recipient stands. It only ever moves forward, but for a late bounce.
type RecipientState string

// The states of a recipient.
const (
	RecipientOpen   RecipientState = "open"   // a channel is left to try
	RecipientTold   RecipientState = "told"   // a channel that counts took the notice over
	RecipientMissed RecipientState = "missed" // no channel is left
	RecipientPublic RecipientState = "public" // told by the public notice
	RecipientExempt RecipientState = "exempt" // the law frees us from telling; the reason is recorded
)

// Tally counts one incident's people. Affected always equals Told + Public + Exempt + Open + Missed.
type Tally struct {
	Affected int64 `json:"affected"`
	Minors   int64 `json:"minors"`  // of Affected, under 18
	Under14  int64 `json:"under14"` // of Minors, under 14
	Told     int64 `json:"told"`    // individually; for a minor: the guardian, and the minor too where the minor can be reached
	Public   int64 `json:"public"`  // by the public notice
	Exempt   int64 `json:"exempt"`
	Open     int64 `json:"open"`
	Missed   int64 `json:"missed"` // no channel left and no public notice yet
}

// Reconciles reports whether the parts add up to the whole.
func (t Tally) Reconciles() bool {
	return t.Affected == t.Told+t.Public+t.Exempt+t.Open+t.Missed
}

// ChannelTally counts the deliveries of one channel.
type ChannelTally struct {
	Channel   Channel `json:"channel"`
	Attempted int64   `json:"attempted"` // deliveries, one for each distinct contact
	Accepted  int64   `json:"accepted"`
	Rejected  int64   `json:"rejected"`
	Bounced   int64   `json:"bounced"` // taken over, and came back
	Waiting   int64   `json:"waiting"` // claimed, under way, or refused for now
	InDoubt   int64   `json:"in_doubt"`
	Resent    int64   `json:"resent"` // sent once more after a doubt, under the same id
}
