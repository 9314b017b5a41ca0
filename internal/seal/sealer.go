package seal

import (
	"crypto/rand"
	"encoding/binary"
	"strconv"
)

// Sealer seals many rows of one table and makes their blind indexes: the same bytes as [Keys.Seal] and [Keys.Blind] would make,
// without what they do anew for each row. It is for one goroutine, and for one batch of work, as its [Keys] are.
type Sealer struct {
	keys       *Keys
	blinder    blinder
	associated []byte // up to the row
	place      int    // where the row's part of associated begins
	nonces     []byte // random and not yet used
	random     [noncesAtOnce * nonceSize]byte
}

// noncesAtOnce is how many are asked of the system in one call.
const noncesAtOnce = 256

// Sealer returns a sealer for rows of a table.
func (k *Keys) Sealer(table string) *Sealer {
	s := &Sealer{keys: k, blinder: k.macs.Get().(blinder)}
	s.associated = bind(nil, "tocsin/sealed/1", string(k.incident), table)
	s.place = len(s.associated)
	return s
}

// Keys are whose sealer it is.
func (s *Sealer) Keys() *Keys { return s.keys }

// AppendSealed appends what [Keys.Seal] makes of plain for the row of that number, written in decimal, to dst.
func (s *Sealer) AppendSealed(dst []byte, row int64, plain []byte) []byte {
	if len(s.nonces) == 0 {
		rand.Read(s.random[:]) // never fails: it ends the process instead
		s.nonces = s.random[:]
	}
	nonce := s.nonces[:nonceSize]
	s.nonces = s.nonces[nonceSize:]
	associated := append(s.associated[:s.place], 0, 0, 0, 0)
	associated = strconv.AppendInt(associated, row, 10)
	binary.BigEndian.PutUint32(associated[s.place:], uint32(len(associated)-s.place-4))
	s.associated = associated[:s.place]
	return s.keys.appendSealed(dst, nonce, plain, associated)
}

// AppendBlind appends what [Keys.Blind] returns to dst.
func (s *Sealer) AppendBlind(dst []byte, kind, normalised string) []byte {
	return s.blinder.appendBlind(dst, kind, normalised)
}
