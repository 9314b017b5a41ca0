package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
)

// A suite is one choice of algorithms. Its name is stored with each wrapped key and its tag with each sealed value, so that
// an incident sealed under one suite stays readable when another (SM4-GCM with SM4-CMAC) becomes the default.
type suite struct {
	name    string
	tag     byte
	keySize int // of the data key and of the index key alike
	aead    func(key []byte) (cipher.AEAD, error)
	blinder func(key []byte) (blinder, error)
}

// A blinder makes blind indexes. It is for one goroutine, and its scratch memory may hold a value until the next call.
type blinder interface {
	appendBlind(dst []byte, kind, value string) []byte
}

var (
	// intl2 is AES-256 throughout: GCM for values, CMAC for indexes. A contact is two or three blocks, which the processor's
	// own instructions make in a fifth of the time that a hash takes.
	intl2 = &suite{name: "intl-2", tag: 2, keySize: 32, aead: aesGCM, blinder: newCMAC}

	// intl1 is AES-256-GCM for values and HMAC-SHA-256 for indexes.
	intl1 = &suite{name: "intl-1", tag: 1, keySize: 32, aead: aesGCM, blinder: newHMAC}
)

// suites lists what can be read. The first one seals new incidents.
var suites = []*suite{intl2, intl1}

func suiteNamed(name string) (*suite, error) {
	for _, s := range suites {
		if s.name == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("cipher suite %q is unknown to this version of tocsin", name)
}

func aesGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// hmacBlinder is a keyed MAC and its scratch memory; keying costs more than a short message.
type hmacBlinder struct {
	mac     hash.Hash
	in, out []byte
}

func newHMAC(key []byte) (blinder, error) { return &hmacBlinder{mac: hmac.New(sha256.New, key)}, nil }

func (b *hmacBlinder) appendBlind(dst []byte, kind, value string) []byte {
	b.mac.Reset()
	b.in = bind(b.in[:0], "tocsin/blind/1", kind, value)
	b.mac.Write(b.in)
	clear(b.in)
	b.out = b.mac.Sum(b.out[:0])
	return append(dst, b.out[:BlindSize]...)
}
