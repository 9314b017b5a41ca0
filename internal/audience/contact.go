package audience

import (
	"fmt"
	"net/mail"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/net/idna"
)

// normalEmail returns an address as it can be handed to a relay: the domain in lower-case ASCII, the local part as given. It
// takes only a bare address of one mailbox: no display name, no quotes, no domain literal, no host without a dot.
func normalEmail(s string) (string, bool) {
	at := strings.LastIndexByte(s, '@')
	if at > 0 && at <= 64 && len(s) <= 254 && simpleLocal(s[:at]) && plainDomain(s[at+1:]) {
		return s, true
	}
	return emailOf(s)
}

func emailOf(s string) (string, bool) {
	if len(s) > 254 || strings.ContainsAny(s, " \t\r\n\"<>(),;:\\[]*") {
		return "", false
	}
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > 64 {
		return "", false
	}
	if !simpleLocal(s[:at]) {
		a, err := mail.ParseAddress(s)
		if err != nil || a.Name != "" || a.Address != s {
			return "", false
		}
	}
	domain, ok := normalDomain(s[at+1:])
	if !ok || at+1+len(domain) > 254 {
		return "", false
	}
	if domain == s[at+1:] {
		return s, true
	}
	return s[:at+1] + domain, true
}

// givenEmail reads an address as a file gives it.
func givenEmail(s string) (string, bool) {
	if usable, ok := normalEmail(s); ok {
		return usable, true
	}
	if bare := bareAddress(s); bare != s {
		return normalEmail(bare)
	}
	return "", false
}

// bareAddress takes off what address books and web pages write around an address: Name <…>, mailto:, and the mark that ends a
// sentence or a list of one.
func bareAddress(s string) string {
	s = strings.TrimRight(s, ".,;、。，； ")
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s = s[7:]
	}
	if i := strings.IndexByte(s, '<'); i >= 0 && strings.HasSuffix(s, ">") && strings.Count(s, "@") == 1 {
		s = s[i+1 : len(s)-1]
	}
	return strings.TrimSpace(s)
}

// simpleLocal spares nearly every address the parser.
func simpleLocal(s string) bool {
	last := byte('.')
	for i := range len(s) {
		c := s[i]
		if !alnum(c) && c != '_' && c != '-' && c != '+' && (c != '.' || last == '.') {
			return false
		}
		last = c
	}
	return last != '.'
}

func normalDomain(s string) (string, bool) {
	if !simpleDomain(s) {
		var err error
		if s, err = idna.Lookup.ToASCII(s); err != nil || !labelsFit(s) {
			return "", false
		}
	}
	dot := strings.LastIndexByte(s, '.')
	if dot < 1 || len(s)-dot < 3 || len(s) > 253 || strings.ContainsAny(s[dot+1:], "0123456789") && !strings.HasPrefix(s[dot+1:], "xn--") {
		return "", false // a top-level domain is letters: RFC 3696, 2
	}
	return strings.ToLower(s), true
}

// plainDomain recognises in one pass what needs no change: lower-case letters, digits and hyphens between them, in labels that
// fit, of which the last has no digit.
func plainDomain(s string) bool {
	label, dots, letters := 0, 0, true
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z':
			label++
		case c >= '0' && c <= '9':
			label++
			letters = false
		case c == '.' && label > 0 && label <= 63:
			label, letters = 0, true
			dots++
		default:
			return false
		}
	}
	return dots > 0 && letters && label >= 2 && label <= 63 && len(s) <= 253
}

// simpleDomain recognises labels of ASCII letters and digits, with hyphens only where the rules of IDNA have nothing to say.
func simpleDomain(s string) bool {
	label := 0
	for i := range len(s) {
		switch c := s[i]; {
		case alnum(c):
			label++
		case c == '-' && label > 0 && label != 2 && label != 3 && i+1 < len(s) && s[i+1] != '.':
			label++
		case c == '.' && label > 0:
			label = 0
		default:
			return false
		}
		if label > 63 {
			return false
		}
	}
	return label > 0
}

// labelsFit checks what idna.Lookup does not: RFC 1035's lengths.
func labelsFit(domain string) bool {
	for label := range strings.SplitSeq(domain, ".") {
		if len(label) < 1 || len(label) > 63 {
			return false
		}
	}
	return true
}

func alnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// normalPhone returns a number in E.164. A number without country code is read by region's plan.
func normalPhone(s, region string) (string, bool) {
	if region == "CN" && chineseMobile(s) {
		return "+86" + s, true
	}
	if len(s) == 14 && s[:3] == "+86" && region == "CN" && chineseMobile(s[3:]) {
		return s, true
	}
	return phoneOf(s, region)
}

func phoneOf(s, region string) (string, bool) {
	if s = barePhone(s); len(s) > 40 || strings.Trim(s, "+0123456789-. ()/") != "" {
		return "", false
	}
	n, err := phonenumbers.Parse(s, region)
	if err != nil || n.GetExtension() != "" || !phonenumbers.IsValidNumber(n) {
		return trunkCode(s, region)
	}
	return phonenumbers.Format(n, phonenumbers.E164), true
}

// trunkCode reads 086-138 0013 8000, as many in China write the country code, which no plan knows.
func trunkCode(s, region string) (string, bool) {
	rest, ok := strings.CutPrefix(strings.TrimLeft(s, "+("), "086")
	if !ok || region != "CN" {
		return "", false
	}
	if rest = strings.NewReplacer("-", "", " ", "", ".", "", ")", "").Replace(rest); !chineseMobile(rest) {
		return "", false
	}
	return "+86" + rest, true
}

// barePhone writes a number with the usual marks: tables of data frames hold 13800138000.0, and texts have dashes of their own.
func barePhone(s string) string {
	s = strings.TrimPrefix(s, "tel:")
	if whole, ok := strings.CutSuffix(s, ".0"); ok && digits(whole) {
		return whole
	}
	if ascii(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r >= '\u2010' && r <= '\u2015' || r == '\u2212' {
			return '-'
		}
		return r
	}, s)
}

// phoneOfSomebody reads a number. Where it has no country code and the person lives elsewhere, by the row, the plan of that
// country goes first: ten digits of somebody in New York would else be a landline in Shanghai. One that is a number by that plan
// and a mobile by the organisation's could be either's, so it is nobody's.
func phoneOfSomebody(s, home, lives string) (string, Reason) {
	own, ok := normalPhone(s, home)
	country, _, _ := strings.Cut(lives, "-")
	if country != "" && country != home && country != "EU" && !strings.HasPrefix(s, "+") {
		if there, isThere := normalPhone(s, country); isThere && there != own {
			if ok && mayBeMobile(own) && !isMobile(there) {
				return "", PhoneCountry
			}
			return there, ""
		}
	}
	if !ok {
		return "", faultOf(s, BadPhone, func(s string) (string, bool) { return normalPhone(s, home) })
	}
	return own, ""
}

func kindOf(e164 string) phonenumbers.PhoneNumberType {
	n, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return phonenumbers.UNKNOWN
	}
	return phonenumbers.GetNumberType(n)
}

func isMobile(e164 string) bool { return kindOf(e164) == phonenumbers.MOBILE }

func mayBeMobile(e164 string) bool {
	return isMobile(e164) || kindOf(e164) == phonenumbers.FIXED_LINE_OR_MOBILE
}

// chineseMobile spares nearly every number in China the library, which takes microseconds; it asks that library once about
// each three-digit prefix that is assigned as a whole.
func chineseMobile(s string) bool {
	if len(s) != 11 || s[0] != '1' {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return chinesePrefixes()[int(s[1]-'0')*10+int(s[2]-'0')]
}

var chinesePrefixes = sync.OnceValue(func() (whole [100]bool) {
	for p := 30; p < 100; p++ {
		whole[p] = p != 74 // only partly assigned
		for _, rest := range []string{"00000000", "05123456", "12345678", "49999999", "50000000", "99999999"} {
			n, err := phonenumbers.Parse(fmt.Sprintf("1%02d%s", p, rest), "CN")
			whole[p] = whole[p] && err == nil && phonenumbers.IsValidNumber(n)
		}
	}
	return whole
})

// normalToken accepts what a push service may have issued.
func normalToken(s string) (string, bool) {
	if len(s) < 8 || len(s) > 512 {
		return "", false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return "", false
		}
	}
	return s, true
}
