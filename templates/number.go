package templates

import (
	"errors"
	"strings"
)

// A notice number is nineteen characters of Crockford's base 32, 95 random bits, and a check character, in five groups of
// four: "7K3M-9Q2X-W4RT-8HD5-NJ6P". It can be read out on the phone, cannot be guessed, and says nothing.
const (
	crockford   = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	numberChars = 19
)

// NewNoticeNumber makes a notice number of random bytes, which must come from crypto/rand; the last 33 bits are not used.
func NewNoticeNumber(random [16]byte) string {
	digits := make([]byte, 0, numberChars+1)
	bits, have := uint32(0), 0
	for _, b := range random {
		bits, have = bits<<8|uint32(b), have+8
		for have >= 5 && len(digits) < numberChars {
			have -= 5
			digits = append(digits, byte(bits>>have)&31)
		}
		bits &= 1<<have - 1
	}
	return writeNumber(append(digits, checkDigit(digits)))
}

// ParseNoticeNumber reads a notice number as a person types it: with or without dashes and spaces, in any case, in full
// width, with O for 0 and I or L for 1. It returns the number's one form, or an error that says what to do. One wrong
// character and two exchanged ones are always noticed.
func ParseNoticeNumber(s string) (string, error) {
	var digits []byte
	for _, r := range s {
		if r >= 0xff01 && r <= 0xff5e { // full width
			r -= 0xfee0
		}
		if strings.ContainsRune(" \t-_.·—–‐　", r) {
			continue
		}
		d := strings.IndexRune(crockford, fold(r))
		if d < 0 || len(digits) > numberChars {
			return "", errNumber
		}
		digits = append(digits, byte(d))
	}
	if len(digits) != numberChars+1 || checkDigit(digits[:numberChars]) != digits[numberChars] {
		return "", errNumber
	}
	return writeNumber(digits), nil
}

var errNumber = errors.New("this is not a notice number; it has twenty characters in five groups, such as 7K3M-9Q2X-W4RT-8HD5-NJ6P, so please compare it with the notice once more")

func fold(r rune) rune {
	switch r {
	case 'o', 'O':
		return '0'
	case 'i', 'I', 'l', 'L':
		return '1'
	}
	if r >= 'a' && r <= 'z' {
		return r - 'a' + 'A'
	}
	return r
}

func writeNumber(digits []byte) string {
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(crockford[d])
	}
	return b.String()
}

// checkDigit sums the digits weighted with the powers 1 to 19 of a generator of GF(32), polynomial x^5+x^2+1. All weights
// differ, and differ from the check digit's own weight 1, so one wrong digit or any two exchanged ones change the sum.
func checkDigit(digits []byte) byte {
	var sum byte
	for i := len(digits) - 1; i >= 0; i-- { // Horner's scheme
		sum = (sum ^ digits[i]) << 1
		if sum&32 != 0 {
			sum ^= 0b100101
		}
	}
	return sum
}
