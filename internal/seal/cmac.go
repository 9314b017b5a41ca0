package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"slices"
)

// cmacBlinder makes blind indexes by CMAC. Source: NIST SP 800-38B, 6.1 and 6.2.
//
// What is indexed is the kind, with zeros up to the end of a block, then the value. The chain over a kind's blocks is the same
// for all of its values and made once.
type cmacBlinder struct {
	block      cipher.Block
	whole, cut cmacBlock // the subkeys K1 and K2: for a last block that is full, and for one that is not
	kinds      []cmacKind
	chain      cmacBlock
	last       cmacBlock
}

type cmacBlock [aes.BlockSize]byte

type cmacKind struct {
	kind  string
	chain cmacBlock
}

// maxKinds is how many kinds are remembered; people have four.
const maxKinds = 16

func newCMAC(key []byte) (blinder, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	b := &cmacBlinder{block: block}
	block.Encrypt(b.whole[:], b.whole[:])
	b.whole.double()
	b.cut = b.whole
	b.cut.double()
	return b, nil
}

// double multiplies by x in GF(2^128).
func (b *cmacBlock) double() {
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	carry := 0x87 & -(hi >> 63)
	binary.BigEndian.PutUint64(b[:8], hi<<1|lo>>63)
	binary.BigEndian.PutUint64(b[8:], lo<<1^carry)
}

func (b *cmacBlock) xor(c *cmacBlock) {
	binary.LittleEndian.PutUint64(b[:8], binary.LittleEndian.Uint64(b[:8])^binary.LittleEndian.Uint64(c[:8]))
	binary.LittleEndian.PutUint64(b[8:], binary.LittleEndian.Uint64(b[8:])^binary.LittleEndian.Uint64(c[8:]))
}

func (b *cmacBlinder) appendBlind(dst []byte, kind, value string) []byte {
	if value == "" { // the kind's last block is the message's
		b.chain = cmacBlock{}
		value = string(kindBlocks(kind))
	} else {
		b.chain = b.startOf(kind)
	}
	b.sum(value)
	b.last = cmacBlock{}
	return append(dst, b.chain[:BlindSize]...)
}

// sum goes on from chain over a text that is not empty, to its end.
func (b *cmacBlinder) sum(text string) {
	for ; len(text) > aes.BlockSize; text = text[aes.BlockSize:] {
		copy(b.last[:], text)
		b.chain.xor(&b.last)
		b.block.Encrypt(b.chain[:], b.chain[:])
	}
	n := copy(b.last[:], text)
	if n < aes.BlockSize {
		b.last[n] = 0x80
		clear(b.last[n+1:])
		b.chain.xor(&b.cut)
	} else {
		b.chain.xor(&b.whole)
	}
	b.chain.xor(&b.last)
	b.block.Encrypt(b.chain[:], b.chain[:])
}

func (b *cmacBlinder) startOf(kind string) cmacBlock {
	for i := range b.kinds {
		if b.kinds[i].kind == kind {
			return b.kinds[i].chain
		}
	}
	var chain cmacBlock
	for c := range slices.Chunk(kindBlocks(kind), aes.BlockSize) {
		chain.xor((*cmacBlock)(c))
		b.block.Encrypt(chain[:], chain[:])
	}
	if len(b.kinds) < maxKinds {
		b.kinds = append(b.kinds, cmacKind{kind, chain})
	}
	return chain
}

func kindBlocks(kind string) []byte {
	blocks := bind(nil, "tocsin/blind/2", kind)
	return append(blocks, make([]byte, -len(blocks)&(aes.BlockSize-1))...)
}
