package email

import (
	"errors"
	"net/mail"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

var errAddress = errors.New("not an address that can be carried safely")

const (
	maxLocal   = 64  // RFC 5321, 4.5.3.1.1
	maxAddress = 254 // RFC 5321, 4.5.3.1.3, less the brackets
)

// domains is idna.Lookup with the lengths of RFC 1035 checked too.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.CheckHyphens(true), idna.CheckJoiners(true),
	idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// topLevel asks for a dot and a last label that begins with a letter: neither localhost nor 127.0.0.1.
var topLevel = regexp.MustCompile(`\.[a-z][a-z0-9-]*$`)

// CleanAddress validates an email address and writes it anew: the local part as it is, an unquoted dot-atom in ASCII
// (RFC 5322, 3.2.3); the domain in lower-case ASCII, an international one as xn--. Quoted local parts are refused because
// they can smuggle parameters into an SMTP command. The error never holds the address.
func CleanAddress(s string) (string, error) {
	at := strings.LastIndexByte(s, '@')
	if !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError) { // idna would make a name of it
		return "", errAddress
	}
	if at < 1 || at > maxLocal || !dotAtom(s[:at]) {
		return "", errAddress
	}
	domain, err := domains.ToASCII(s[at+1:])
	if err != nil || !topLevel.MatchString(domain) {
		return "", errAddress
	}
	clean := s[:at] + "@" + domain
	if len(clean) > maxAddress {
		return "", errAddress
	}
	return clean, nil
}

func dotAtom(local string) bool {
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" {
			return false
		}
		for _, c := range []byte(atom) {
			letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
			if !letter && strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) < 0 {
				return false
			}
		}
	}
	return true
}

// cleanMailbox does the same for one of our own, which may bear a name: "Example Ltd <notice@example.com>".
func cleanMailbox(s string) (*mail.Address, error) {
	a, err := mail.ParseAddress(s)
	if err != nil || hasControl(s) {
		return nil, errAddress
	}
	a.Address, err = CleanAddress(a.Address)
	return a, err
}

// hasControl finds line ends, NUL and the like, which have no place in a header.
func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 })
}
