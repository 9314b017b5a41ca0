package seal

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"io"
	"slices"
	"sync"

	"tocsin/internal/breach"
)

// wrappedFormat is the first byte of every wrapped key.
const wrappedFormat = 1

// Keys are one incident's keys: a data key for sealing and an index key for blind indexes. They are safe for concurrent use
// and print as their incident's number, whatever the verb.
type Keys struct {
	incident breach.IncidentID
	suite    *suite
	data     cipher.AEAD
	macs     sync.Pool // of blinder: keying one costs more than a short message
}

// NewKeys makes fresh keys for an incident and returns them with their wrapped form, the only one to be stored. ctx bounds
// the call to the master.
func NewKeys(ctx context.Context, m Master, incident breach.IncidentID) (*Keys, []byte, error) {
	return makeKeys(ctx, suites[0], m, incident)
}

func makeKeys(ctx context.Context, s *suite, m Master, incident breach.IncidentID) (*Keys, []byte, error) {
	secret := make([]byte, 2*s.keySize)
	defer clear(secret)
	rand.Read(secret) // never fails: it ends the process instead
	inner, err := m.Wrap(ctx, secret, wrapAssociated(s, incident))
	if err != nil {
		return nil, nil, fmt.Errorf("wrap the key of %s: %w", incident, err)
	}
	k, err := newKeys(s, incident, secret)
	if err != nil {
		return nil, nil, err
	}
	wrapped := append([]byte{wrappedFormat, byte(len(s.name))}, s.name...)
	return k, append(wrapped, inner...), nil
}

// OpenKeys unwraps the keys that [NewKeys] made for the same incident. ctx bounds the call to the master.
func OpenKeys(ctx context.Context, m Master, incident breach.IncidentID, wrapped []byte) (*Keys, error) {
	s, inner, err := splitWrapped(wrapped)
	if err != nil {
		return nil, fmt.Errorf("unwrap the key of %s: %w", incident, err)
	}
	secret, err := m.Unwrap(ctx, inner, wrapAssociated(s, incident))
	if err != nil {
		return nil, fmt.Errorf("unwrap the key of %s: %w", incident, err)
	}
	defer clear(secret)
	return newKeys(s, incident, secret)
}

func splitWrapped(wrapped []byte) (*suite, []byte, error) {
	if len(wrapped) < 2 || wrapped[0] != wrappedFormat || len(wrapped) < 2+int(wrapped[1]) {
		return nil, nil, fmt.Errorf("the stored key is cut or not a key: %w", ErrUnreadable)
	}
	end := 2 + int(wrapped[1])
	s, err := suiteNamed(string(wrapped[2:end]))
	return s, wrapped[end:], err
}

func wrapAssociated(s *suite, incident breach.IncidentID) []byte {
	return bind(nil, "tocsin/incident-key/1", s.name, string(incident))
}

func newKeys(s *suite, incident breach.IncidentID, secret []byte) (*Keys, error) {
	if len(secret) != 2*s.keySize {
		return nil, fmt.Errorf("the key of %s has %d bytes, want %d", incident, len(secret), 2*s.keySize)
	}
	data, err := s.aead(secret[:s.keySize])
	if err != nil {
		return nil, fmt.Errorf("use the key of %s: %w", incident, err)
	}
	index := append([]byte(nil), secret[s.keySize:]...)
	first, err := s.blinder(index)
	if err != nil {
		return nil, fmt.Errorf("use the key of %s: %w", incident, err)
	}
	k := &Keys{incident: incident, suite: s, data: data}
	k.macs.New = func() any {
		b, err := s.blinder(index)
		if err != nil {
			panic("seal: a key that served once is refused: " + err.Error())
		}
		return b
	}
	k.macs.Put(first)
	return k, nil
}

// Incident is whose keys they are.
func (k *Keys) Incident() breach.IncidentID { return k.incident }

// Suite names the algorithms in use, "intl-2".
func (k *Keys) Suite() string { return k.suite.name }

// Seal encrypts a value for one row of one table. Only [Keys.Open] with the same table and row gives it back. The same
// value sealed twice gives different bytes. row is an id, never a value of a person.
func (k *Keys) Seal(table, row string, plain []byte) ([]byte, error) {
	if uint64(len(plain)) > mostPlain {
		return nil, fmt.Errorf("seal %s %s of %s: %d bytes are too many", table, row, k.incident, len(plain))
	}
	var nonce [nonceSize]byte
	rand.Read(nonce[:]) // never fails: it ends the process instead
	var buf [128]byte
	return k.appendSealed(nil, nonce[:], plain, k.associated(buf[:0], table, row)), nil
}

// The measures of AES-GCM. Source: NIST SP 800-38D, 5.2.1.1 and 8.2.
const (
	nonceSize = 12
	mostPlain = 1<<36 - 32
)

func (k *Keys) appendSealed(dst, nonce, plain, associated []byte) []byte {
	dst = slices.Grow(dst, Overhead+len(plain))
	dst = append(append(dst, k.suite.tag), nonce...)
	return k.data.Seal(dst, nonce, plain, associated)
}

// Open gives back what [Keys.Seal] was given for the same table and row. Its error is [ErrUnreadable] with the ids.
func (k *Keys) Open(table, row string, sealed []byte) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != k.suite.tag {
		return nil, k.unreadable(table, row)
	}
	var buf [128]byte
	plain, err := k.data.Open(nil, sealed[1:1+nonceSize], sealed[1+nonceSize:], k.associated(buf[:0], table, row))
	if err != nil {
		return nil, k.unreadable(table, row)
	}
	return plain, nil
}

func (k *Keys) associated(dst []byte, table, row string) []byte {
	return bind(dst, "tocsin/sealed/1", string(k.incident), table, row)
}

func (k *Keys) unreadable(table, row string) error {
	return fmt.Errorf("open %s %s of %s: %w", table, row, k.incident, ErrUnreadable)
}

// Blind is the index of a normalised value among values of one kind ("email"): equal values of one kind in one incident have
// equal indexes, and nothing else does. It is [BlindSize] bytes long.
func (k *Keys) Blind(kind, normalised string) []byte {
	return k.AppendBlind(make([]byte, 0, BlindSize), kind, normalised)
}

// AppendBlind appends what [Keys.Blind] returns to dst.
func (k *Keys) AppendBlind(dst []byte, kind, normalised string) []byte {
	b := k.macs.Get().(blinder)
	defer k.macs.Put(b)
	return b.appendBlind(dst, kind, normalised)
}

// Format prints the incident's number for every verb, so that no log can show a key.
func (k *Keys) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, "keys of "+string(k.incident)) }
