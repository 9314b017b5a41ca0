package seal

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
)

// House is the key of one installation, beside the incidents' own: it makes the ids that stand on what leaves the house, and
// proves that what comes back carries one of ours. It opens no personal data. It is safe for concurrent use.
type House struct {
	ids cipher.Block
	mac []byte
}

const houseKeySize = 64

var houseAssociated = []byte("tocsin/house-key/1")

// NewHouse makes a fresh key and returns it with its wrapped form, the only one to be stored.
func NewHouse(ctx context.Context, m Master) (*House, []byte, error) {
	secret := make([]byte, houseKeySize)
	defer clear(secret)
	rand.Read(secret) // never fails: it ends the process instead
	wrapped, err := m.Wrap(ctx, secret, houseAssociated)
	if err != nil {
		return nil, nil, fmt.Errorf("wrap the house key: %w", err)
	}
	h, err := newHouse(secret)
	return h, wrapped, err
}

// OpenHouse unwraps what [NewHouse] made. Its error is [ErrUnreadable] where another master wrapped it.
func OpenHouse(ctx context.Context, m Master, wrapped []byte) (*House, error) {
	secret, err := m.Unwrap(ctx, wrapped, houseAssociated)
	if err != nil {
		return nil, fmt.Errorf("unwrap the house key: %w", err)
	}
	defer clear(secret)
	return newHouse(secret)
}

func newHouse(secret []byte) (*House, error) {
	if len(secret) != houseKeySize {
		return nil, fmt.Errorf("the house key has %d bytes, want %d", len(secret), houseKeySize)
	}
	ids, err := aes.NewCipher(secret[:32])
	if err != nil {
		return nil, fmt.Errorf("use the house key: %w", err)
	}
	return &House{ids: ids, mac: append([]byte(nil), secret[32:]...)}, nil
}

// DeliveryRef is what a delivery's id stands for.
type DeliveryRef struct {
	Incident int64 // its number in the database, below 2^32
	Campaign int   // below 2^16
	Channel  byte
	Contact  int64 // below 2^40
}

// DeliveryID is the reference as 32 hexadecimal digits in which nobody can read it: one block of AES, so that no two
// references share an id and the id needs no index to be found by.
func (h *House) DeliveryID(r DeliveryRef) (string, error) {
	if r.Incident < 0 || r.Incident >= 1<<32 || r.Campaign < 0 || r.Campaign >= 1<<16 || r.Contact < 0 || r.Contact >= 1<<40 {
		return "", fmt.Errorf("a delivery of incident %d, campaign %d, contact %d has no id: a number is out of range", r.Incident, r.Campaign, r.Contact)
	}
	var b [aes.BlockSize]byte // four bytes of zero, by which a forged id is told
	binary.BigEndian.PutUint32(b[4:], uint32(r.Incident))
	binary.BigEndian.PutUint16(b[8:], uint16(r.Campaign))
	b[10] = r.Channel
	b[11] = byte(r.Contact >> 32)
	binary.BigEndian.PutUint32(b[12:], uint32(r.Contact))
	h.ids.Encrypt(b[:], b[:])
	return hex.EncodeToString(b[:]), nil
}

// Delivery is the inverse of [House.DeliveryID]. ok is false for what is none of our ids; one forged at random passes once in
// four thousand million times.
func (h *House) Delivery(id string) (r DeliveryRef, ok bool) {
	b, err := hex.DecodeString(id)
	if err != nil || len(b) != aes.BlockSize {
		return r, false
	}
	h.ids.Decrypt(b, b)
	if binary.BigEndian.Uint32(b) != 0 {
		return r, false
	}
	return DeliveryRef{
		Incident: int64(binary.BigEndian.Uint32(b[4:])), Campaign: int(binary.BigEndian.Uint16(b[8:])), Channel: b[10],
		Contact: int64(b[11])<<32 | int64(binary.BigEndian.Uint32(b[12:])),
	}, true
}

// MAC proves that a text of one kind ("bounce address") was written by this house: HMAC-SHA-256, 32 bytes.
func (h *House) MAC(kind, text string) []byte {
	mac := hmac.New(sha256.New, h.mac)
	var buf [192]byte
	mac.Write(bind(buf[:0], "tocsin/house-mac/1", kind, text))
	return mac.Sum(nil)
}

// Format prints no key, whatever the verb.
func (h *House) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, "house key") }
