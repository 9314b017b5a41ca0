package inbox

import "time"

// The channels under which messages are kept.
const (
	ChannelEmail  = "email"
	ChannelSMS    = "sms"
	ChannelPush   = "push"
	ChannelChat   = "chat"
	ChannelTarget = "target" // a call to a plan's containment target
	ChannelPortal = "portal" // a report posted to an authority's portal
	ChannelDrop   = "drop"   // a report put on an authority's SFTP server
)

// Channels lists them in the order of the page.
func Channels() []string {
	return []string{ChannelEmail, ChannelSMS, ChannelPush, ChannelChat, ChannelTarget, ChannelPortal, ChannelDrop}
}

// Message is one thing that arrived. Text, HTML, Attachments and Raw are filled when a message is read in full.
type Message struct {
	Seq         int64        `json:"seq"` // order of arrival, from 1
	Channel     string       `json:"channel"`
	ID          string       `json:"id"` // the sender's own: Message-ID's local part, OutId, request_id, webhook-id
	From        string       `json:"from,omitempty"`
	To          string       `json:"to"`
	Subject     string       `json:"subject,omitempty"`
	ReceivedAt  time.Time    `json:"received_at"` // UTC
	Accepted    bool         `json:"accepted"`    // the sender was told so; false where a fault kept the answer back
	Size        int          `json:"size"`        // bytes as received
	Text        string       `json:"text,omitempty"`
	HTML        string       `json:"html,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
	Raw         []byte       `json:"-"`
}

// Attachment is a file that came with an email.
type Attachment struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Size  int    `json:"size"`
	Bytes []byte `json:"-"`
}

// Filter picks messages. Empty fields pick all.
type Filter struct {
	Channel string
	To      string // exact
	ID      string // exact
	Before  int64  // only messages with a smaller Seq; zero for no bound
	Limit   int    // the newest so many; zero for all
	Heads   bool   // leave Text, HTML, Attachments and Raw out; cheap
}

// Counts are one channel's numbers. Received counts what was stored; Distinct counts ids among it.
type Counts struct {
	Received int `json:"received"`
	Accepted int `json:"accepted"`
	Distinct int `json:"distinct"`
	Repeated int `json:"repeated"` // recognised as the same message again and not stored
	Refused  int `json:"refused"`
	Deferred int `json:"deferred"`
	Cut      int `json:"cut"` // the connection was cut by a fault before anything was stored
}
