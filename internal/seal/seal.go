// Package seal keeps personal data unreadable to whoever holds the database. Each incident has its own [Keys]: one that
// seals what we know of a person before it is first written, and one for blind indexes, by which equal contacts are found
// without reading them. The keys are stored wrapped under a [Master]; once a wrapped key is destroyed, everything sealed
// under it is noise, in the tables as in every backup that does not hold the key.
//
// The package knows no database and no person: rows come as bytes with the names of their table and row, and leave as
// bytes. It keeps no key on disk but the master key file, and its errors name incident, table and row, never a value.
//
// # Formats
//
// Integers are big-endian; a string in associated data is preceded by its length in four bytes.
//
//	sealed   suite tag (1 byte) ‖ nonce (12) ‖ ciphertext ‖ authentication tag (16)
//	         associated data: "tocsin/sealed/1", incident, table, row
//	wrapped  0x01 ‖ length of suite name (1 byte) ‖ suite name ‖ what Master.Wrap returned
//	         associated data: "tocsin/incident-key/1", suite name, incident
//	blind    intl-2: CMAC(index key, "tocsin/blind/2", kind, zeros up to a multiple of 16 bytes ‖ normalised value)
//	         intl-1: first 16 bytes of HMAC(index key, "tocsin/blind/1", kind, normalised value)
//
// # Limits
//
// Nonces are random, so one data key may seal 2³² times before a repeated nonce becomes likelier than 2⁻³². An incident of
// a hundred million people with ten cells each stays below. Go cannot promise to wipe memory: a key that was used may
// linger in a process until it ends, which is why the certificate of an erasure speaks of stored keys.
package seal

import (
	"encoding/binary"
	"errors"
	"slices"
)

// ErrUnreadable is in the error of every attempt to open bytes that were not sealed for that incident, table and row, or
// that changed since.
var ErrUnreadable = errors.New("not sealed for this place, or changed since")

// ErrDestroyed says that an incident's key no longer exists. A [Loader] returns it; nothing in this package recovers from it.
var ErrDestroyed = errors.New("key destroyed")

// Overhead is by how many bytes sealing lengthens a value.
const Overhead = 1 + 12 + 16

// BlindSize is the length of a blind index in bytes.
const BlindSize = 16

// bind writes the parts so that no two different lists of parts give the same bytes.
func bind(dst []byte, parts ...string) []byte {
	n := len(dst)
	for _, p := range parts {
		n += 4 + len(p)
	}
	dst = slices.Grow(dst, n-len(dst))
	for _, p := range parts {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(p)))
		dst = append(dst, p...)
	}
	return dst
}
