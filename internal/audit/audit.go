// Package audit is the journal's arithmetic: how an entry becomes bytes, how each entry's hash holds all entries before it,
// and how a chain is checked. It stores nothing, reads no clock and knows no database; internal/store keeps the rows and writes
// each in the transaction of the change it tells of.
//
// # Format
//
// There is one chain for each incident, and one for the house. The hash of an entry is the SHA-256 of its canonical bytes, a
// sequence of fields, each preceded by its length in bytes as eight bytes, big-endian:
//
//	"tocsin-journal-1"
//	hash of the entry before it   32 bytes, none for the first entry
//	incident                      8 bytes, big-endian: the chain's number, 0 for the house
//	sequence number               8 bytes, big-endian, from 1 without gaps
//	instant                       8 bytes, big-endian, two's complement: microseconds since 1970-01-01 UTC
//	actor                         UTF-8
//	action                        UTF-8
//	subject                       UTF-8
//	detail                        as stored, byte for byte
//
// The lengths make the fields unmistakable: no two different entries have the same bytes.
//
// # What a chain proves
//
// Whoever changes, removes, inserts or reorders entries is found out, unless they recompute every hash after it and the head as
// well. Against that only a head helps that was kept elsewhere before: an anchor, see [Verify].
package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// HashSize is the length of an entry's hash in bytes.
const HashSize = sha256.Size

const format = "tocsin-journal-1"

// Entry is one line of a journal. It holds ids, counts and hashes, never personal data.
type Entry struct {
	Seq      int64     // from 1, without gaps
	At       time.Time // microseconds count; what is finer is not part of the hash and must not be stored
	Actor    string    // an operator's account, or the machine
	Action   string    // what was done: "filing.approve"
	Incident int64     // the chain: the incident's row, 0 for the house's own
	Subject  string    // the id of what it was done to
	Detail   []byte    // JSON, as it was written: hashed as bytes, never encoded again
}

// Head is where a chain ends, or ended when an anchor was taken. The zero value is the head of an empty chain.
type Head struct {
	Seq  int64
	Hash []byte
}

// Canonical returns the bytes whose SHA-256 is the hash of an entry that follows prev; prev is empty for the first.
func Canonical(prev []byte, e Entry) []byte {
	b := make([]byte, 0, 9*8+len(format)+HashSize+3*8+len(e.Actor)+len(e.Action)+len(e.Subject)+len(e.Detail))
	b = appendField(b, format)
	b = appendField(b, prev)
	b = appendInt(b, e.Incident)
	b = appendInt(b, e.Seq)
	b = appendInt(b, e.At.UnixMicro())
	b = appendField(b, e.Actor)
	b = appendField(b, e.Action)
	b = appendField(b, e.Subject)
	return appendField(b, e.Detail)
}

// Next returns the hash of an entry that follows prev; prev is empty for the first.
func Next(prev []byte, e Entry) []byte {
	h := sha256.Sum256(Canonical(prev, e))
	return h[:]
}

func appendField[T ~string | ~[]byte](b []byte, field T) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(len(field))), field...)
}

func appendInt(b []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, 8), uint64(v))
}
