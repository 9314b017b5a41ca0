// Package audit is the journal's arithmetic: how an entry becomes bytes, how each entry's hash holds the one before it, and
// how a chain is checked. It stores nothing; internal/store keeps the rows.
package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"time"
)

// Entry is one line of a journal. It holds ids, counts and hashes, never personal data.
type Entry struct {
	Seq      int64     // from 1, without gaps
	At       time.Time // to the millisecond
	Actor    string
	Action   string
	Incident int64 // the chain: the incident's row, 0 for the house's own
	Subject  string
	Detail   []byte // JSON, as it was written: hashed as bytes, never re-encoded
}

// Head is where a chain ends.
type Head struct {
	Seq  int64
	Hash []byte
}

// Next returns the hash of an entry that follows prev; prev is empty for the first. It is SHA-256 over prev and the entry's
// fields, each with its length before it, so that no two entries share their bytes.
func Next(prev []byte, e Entry) []byte {
	h := sha256.New()
	field := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	integer := func(v int64) { field(binary.BigEndian.AppendUint64(nil, uint64(v))) }
	field([]byte("tocsin-journal-1"))
	field(prev)
	integer(e.Incident)
	integer(e.Seq)
	integer(e.At.UnixMilli())
	field([]byte(e.Actor))
	field([]byte(e.Action))
	field([]byte(e.Subject))
	field(e.Detail)
	return h.Sum(nil)
}

// Verify recomputes a chain, oldest entry first, and compares it with its head. The error names the first entry that was
// changed, moved, left out or cut off.
func Verify(head Head, entries iter.Seq2[Entry, []byte]) error {
	var prev []byte
	next := int64(1)
	for e, stored := range entries {
		if e.Seq != next {
			return fmt.Errorf("journal: entry %d is missing; %d stands in its place", next, e.Seq)
		}
		if prev = Next(prev, e); !bytes.Equal(prev, stored) {
			return fmt.Errorf("journal: entry %d was changed after it was written", e.Seq)
		}
		next++
	}
	if next-1 != head.Seq || !bytes.Equal(prev, head.Hash) {
		return fmt.Errorf("journal: the chain ends at entry %d, its head says %d", next-1, head.Seq)
	}
	return nil
}
