package audit

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
)

// Kind says how a chain is broken.
type Kind string

// The ways in which a chain breaks.
const (
	Changed    Kind = "changed"    // the entry's hash does not follow from it and the entries before it
	Missing    Kind = "missing"    // the entry is not there, though later ones are
	Misplaced  Kind = "misplaced"  // the entry stands a second time, or before its turn was over
	Cut        Kind = "cut"        // the entry is not there, nor any after it, though the head counts them
	Surplus    Kind = "surplus"    // the entry comes after the head
	Unanchored Kind = "unanchored" // the entry is another than when an anchor, or the head, was taken
)

// Fault is the first place at which a chain is broken. What comes after it proves nothing.
type Fault struct {
	Seq  int64 // the entry
	Kind Kind
}

// Error names the entry and what happened to it.
func (f *Fault) Error() string {
	switch f.Kind {
	case Changed:
		return fmt.Sprintf("journal: entry %d was changed after it was written, or an earlier one was together with its hash", f.Seq)
	case Missing:
		return fmt.Sprintf("journal: entry %d is missing, later ones are there", f.Seq)
	case Misplaced:
		return fmt.Sprintf("journal: entry %d is out of its place", f.Seq)
	case Cut:
		return fmt.Sprintf("journal: entry %d and all after it are missing, though the head counts them", f.Seq)
	case Surplus:
		return fmt.Sprintf("journal: entry %d comes after the head", f.Seq)
	case Unanchored:
		return fmt.Sprintf("journal: entry %d is not the one that was there when its head was taken; the chain was written anew", f.Seq)
	}
	return fmt.Sprintf("journal: entry %d: %s", f.Seq, f.Kind)
}

// Verify recomputes a chain, oldest entry first with the hash stored beside each, and compares it with its head and with
// anchors: heads of the same chain that were kept elsewhere earlier, in any order. The error is a [*Fault] that names the first
// broken entry, nil where all fit. It stops reading at that entry and needs no memory for the others.
func Verify(head Head, entries iter.Seq2[Entry, []byte], anchors ...Head) error {
	c := chain{head: head, anchors: anchors}
	for e, stored := range entries {
		if f := c.add(e, stored); f != nil {
			return f
		}
	}
	if f := c.end(); f != nil {
		return f
	}
	return nil
}

type chain struct {
	head    Head
	anchors []Head
	seq     int64 // of the last entry that fits
	hash    []byte
}

func (c *chain) add(e Entry, stored []byte) *Fault {
	next := c.seq + 1
	switch {
	case next > c.head.Seq:
		return &Fault{next, Surplus}
	case e.Seq > next:
		return &Fault{next, Missing}
	case e.Seq < next:
		return &Fault{e.Seq, Misplaced}
	}
	hash := Next(c.hash, e)
	if !bytes.Equal(hash, stored) {
		return &Fault{next, Changed}
	}
	c.seq, c.hash = next, hash
	return c.compare()
}

// compare holds the entry just added against what was noted of it elsewhere.
func (c *chain) compare() *Fault {
	other := func(h Head) bool { return h.Seq == c.seq && !bytes.Equal(h.Hash, c.hash) }
	if other(c.head) || slices.ContainsFunc(c.anchors, other) {
		return &Fault{c.seq, Unanchored}
	}
	return nil
}

func (c *chain) end() *Fault {
	last := c.head.Seq
	for _, a := range c.anchors {
		last = max(last, a.Seq)
	}
	switch {
	case c.seq < last:
		return &Fault{c.seq + 1, Cut}
	case c.seq == 0 && len(c.head.Hash) > 0:
		return &Fault{0, Unanchored}
	}
	return nil
}
