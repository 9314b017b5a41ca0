package inbox

import (
	"context"
	"sync"
	"time"
)

// box keeps what arrived, in order. Bodies are packed; see pack.go.
type box struct {
	now func() time.Time

	mu      sync.Mutex
	kept    []kept
	byID    map[string]int // channel and id -> how many
	counts  map[string]*Counts
	packers map[string]*packer
	changed chan struct{} // closed and replaced at every change
}

type kept struct {
	head Message
	body packed
}

func newBox(now func() time.Time) *box {
	b := &box{now: now}
	b.clear()
	return b
}

// clear forgets everything; Seq starts at 1 again.
func (b *box) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept, b.byID = nil, map[string]int{}
	b.counts, b.packers = map[string]*Counts{}, map[string]*packer{}
	b.wake()
}

// wake must be called with mu held.
func (b *box) wake() {
	if b.changed != nil {
		close(b.changed)
	}
	b.changed = make(chan struct{})
}

// count must be called with mu held.
func (b *box) count(channel string) *Counts {
	c := b.counts[channel]
	if c == nil {
		c = &Counts{}
		b.counts[channel] = c
	}
	return c
}

// note changes a channel's numbers.
func (b *box) note(channel string, change func(*Counts)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b.count(channel))
	b.wake()
}

// put stores a message whose Raw is set and returns its Seq. It is not accepted yet.
func (b *box) put(m Message) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.packers[m.Channel]
	if p == nil {
		p = &packer{}
		b.packers[m.Channel] = p
	}
	body := p.pack(m.Raw)
	m.Seq, m.ReceivedAt, m.Size = int64(len(b.kept)+1), b.now().UTC(), len(m.Raw)
	m.Raw, m.Text, m.HTML, m.Attachments = nil, "", "", nil
	b.kept = append(b.kept, kept{m, body})
	c := b.count(m.Channel)
	c.Received++
	key := m.Channel + "/" + m.ID
	if b.byID[key]++; b.byID[key] == 1 {
		c.Distinct++
	}
	b.wake()
	return m.Seq
}

// accept marks that the sender is being told.
func (b *box) accept(seq int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if seq < 1 || seq > int64(len(b.kept)) || b.kept[seq-1].head.Accepted {
		return
	}
	k := &b.kept[seq-1]
	k.head.Accepted = true
	b.count(k.head.Channel).Accepted++
	b.wake()
}

// find returns matching messages, newest first, and a channel that is closed at the next change.
func (b *box) find(f Filter) ([]Message, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	end := len(b.kept)
	if f.Before > 0 && f.Before-1 < int64(end) {
		end = int(f.Before - 1)
	}
	var out []Message
	for i := end - 1; i >= 0 && (f.Limit == 0 || len(out) < f.Limit); i-- {
		k := b.kept[i]
		if f.Channel != "" && k.head.Channel != f.Channel || f.To != "" && k.head.To != f.To || f.ID != "" && k.head.ID != f.ID {
			continue
		}
		m := k.head
		if !f.Heads {
			m.Raw = k.body.unpack()
		}
		out = append(out, m)
	}
	return out, b.changed
}

// Messages returns what arrived, newest first.
func (in *Inbox) Messages(f Filter) []Message {
	ms, _ := in.box.find(f)
	if !f.Heads {
		for i := range ms {
			in.readOut(&ms[i])
		}
	}
	return ms
}

// Count returns how many messages match.
func (in *Inbox) Count(f Filter) int {
	f.Heads = true
	ms, _ := in.box.find(f)
	return len(ms)
}

// Counts returns the numbers of every channel that saw anything.
func (in *Inbox) Counts() map[string]Counts {
	in.box.mu.Lock()
	defer in.box.mu.Unlock()
	out := map[string]Counts{}
	for ch, c := range in.box.counts {
		out[ch] = *c
	}
	return out
}

// Clear forgets every message and number. Fault rules stay.
func (in *Inbox) Clear() {
	in.box.clear()
	in.sms.clear()
	in.push.clear()
	in.sftp.clear()
}

// Wait returns when done is content with the messages so far (heads only, newest first), or when ctx ends.
func (in *Inbox) Wait(ctx context.Context, done func([]Message) bool) error {
	for {
		ms, changed := in.box.find(Filter{Heads: true})
		if done(ms) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// readOut fills the parts that people read from the bytes as received.
func (in *Inbox) readOut(m *Message) {
	switch m.Channel {
	case ChannelEmail:
		readMail(m)
	case ChannelSMS:
		in.readSMS(m)
	case ChannelPush:
		readPush(m)
	case ChannelChat:
		readChat(m)
	case ChannelPortal:
		readPortal(m)
	case ChannelDrop:
		readDrop(m)
	default:
		m.Text = string(m.Raw)
	}
}
