package seal

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"fmt"
	"hash"
	"io"
	"sync"

	"github.com/tink-crypto/tink-go/v2/tink"

	"tocsin/internal/breach"
)

// wrappedFormat is the first byte of every wrapped key.
const wrappedFormat = 1

// Keys are one incident's keys: a data key for sealing and an index key for blind indexes. They are safe for concurrent use
// and print as their incident's number, whatever the verb.
type Keys struct {
	incident breach.IncidentID
	suite    *suite
	data     tink.AEAD
	macs     sync.Pool // of *blinder
}

// NewKeys makes fresh keys for an incident and returns them with their wrapped form, the only one to be stored. ctx bounds
// the call to the master.
func NewKeys(ctx context.Context, m Master, incident breach.IncidentID) (*Keys, []byte, error) {
	s := suites[0]
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
	k := &Keys{incident: incident, suite: s, data: data}
	index := append([]byte(nil), secret[s.keySize:]...)
	k.macs.New = func() any { return &blinder{mac: hmac.New(s.hash, index)} }
	return k, nil
}

// Incident is whose keys they are.
func (k *Keys) Incident() breach.IncidentID { return k.incident }

// Suite names the algorithms in use, "intl-1".
func (k *Keys) Suite() string { return k.suite.name }

// Seal encrypts a value for one row of one table. Only [Keys.Open] with the same table and row gives it back. The same
// value sealed twice gives different bytes. row is an id, never a value of a person.
func (k *Keys) Seal(table, row string, plain []byte) ([]byte, error) {
	var buf [128]byte
	inner, err := k.data.Encrypt(plain, k.associated(buf[:0], table, row))
	if err != nil {
		return nil, fmt.Errorf("seal %s %s of %s: %d bytes are too many", table, row, k.incident, len(plain))
	}
	sealed := make([]byte, 1, 1+len(inner))
	sealed[0] = k.suite.tag
	return append(sealed, inner...), nil
}

// Open gives back what [Keys.Seal] was given for the same table and row. Its error is [ErrUnreadable] with the ids.
func (k *Keys) Open(table, row string, sealed []byte) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != k.suite.tag {
		return nil, k.unreadable(table, row)
	}
	var buf [128]byte
	plain, err := k.data.Decrypt(sealed[1:], k.associated(buf[:0], table, row))
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
	b := k.macs.Get().(*blinder)
	defer k.macs.Put(b)
	b.mac.Reset()
	b.in = bind(b.in[:0], "tocsin/blind/1", kind, normalised)
	b.mac.Write(b.in)
	clear(b.in)
	b.out = b.mac.Sum(b.out[:0])
	return append(dst, b.out[:BlindSize]...)
}

// blinder is a keyed MAC and its scratch memory; keying costs more than a short message.
type blinder struct {
	mac     hash.Hash
	in, out []byte
}

// Format prints the incident's number for every verb, so that no log can show a key.
func (k *Keys) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, "keys of "+string(k.incident)) }
