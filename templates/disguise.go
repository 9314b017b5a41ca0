package templates

import (
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Addresses that do not look like one, and telephone numbers that are not ours.
var (
	// disguised finds addresses that a person can follow and that [addressLike] does not see.
	disguised = regexp.MustCompile(`(?i)\bwww\b[^a-z0-9\s]{0,2}[\p{L}0-9-]+` + // www。evil。com
		`|[a-z0-9-]{2,}。(?:com|cn|net|org|top|xyz|cc|vip|info|io|me|app|link|shop|site|online|club)\b` +
		`|[a-z0-9-]+ ?[\[(（【{] ?(?:\.|dot|点) ?[\])）】}] ?[a-z]{2,}|[a-z0-9-]{2,} (?:dot|点) ?(?:com|cn|net|org)\b` + // evil[.]com
		`|\b\d{1,3}(?:\.\d{1,3}){3}\b|\[[0-9a-f]*:[0-9a-f:]+\]` + // an IP address
		`|\b(?:javascript|vbscript|tel|sms|mailto|intent|weixin|alipays?|itms-services):[^\s，。；]+|\bdata:[a-z]+/` +
		`|[\p{Cyrillic}\p{Greek}\p{Armenian}]{2,}\.\p{L}{2,}` + // a domain in letters that look like ours
		`|[\p{L}0-9-]{2,}\.(?:中国|中國|公司|网络|網絡|在线|中文网|集团|商城|网址|网店|网站|移动|我爱你|政务|公益|信息|手机|购物|商店|香港|台湾|新加坡)`)
	abbreviated = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:ltd|inc|co|corp|llc|plc|no)\.\p{Han}`) // "Example Ltd.中国分公司"

	// twoScripts finds a word whose letters come from two alphabets that look alike: "ехаmple".
	twoScripts = regexp.MustCompile(`[A-Za-z][\p{Cyrillic}\p{Greek}\p{Armenian}\p{Cherokee}]|[\p{Cyrillic}\p{Greek}\p{Armenian}\p{Cherokee}][A-Za-z]`)

	phoneLike = regexp.MustCompile(`\+?\(?\d[\d ().\-–—/]{4,}\d`)
	// noPhone are dates, years, file numbers and the names of standards.
	noPhone = regexp.MustCompile(`(?i)\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{4}|\b(?:19|20)\d\d ?[-–—/] ?(?:19|20)\d\d\b|\b\d{1,2}:\d\d\b|(?i:number|no\.|case|file|第) ?(?:19|20)\d\d-\d+|\b(?:CVE|INC|ISO|IEC|GB|NIST|RFC)[/A-Z]*[ -]?\d[\d.:-]*`)
	// dialled are words after which a bare number of seven digits or more is one to call or to write to.
	dialled      = regexp.MustCompile(`(?i)(拨打|致电|来电|电话|热线|短信至|发送至|联系|qq|微信|\b(call|dial|phone|telephone|text|ring|whatsapp|telegram|wechat)\b)[^\d\n]{0,14}$`)
	spelledPhone = regexp.MustCompile(`[零〇一二三四五六七八九幺]{7,}`)
)

// strange lists what in a line reads like an address of somebody else's, however it is written.
func strangeAddresses(line string) []string {
	var out []string
	for _, hit := range disguised.FindAllString(line, -1) {
		if !abbreviated.MatchString(hit) {
			out = append(out, hit)
		}
	}
	return append(out, twoScripts.FindAllString(line, -1)...)
}

// phoneNumbers lists what in a line reads like a telephone number, by its digits.
func phoneNumbers(line string) []string {
	line = noPhone.ReplaceAllString(line, "|")
	out := spelledPhone.FindAllString(line, -1)
	for _, at := range phoneLike.FindAllStringIndex(line, -1) {
		number := line[at[0]:at[1]]
		n, bare := digits(number), strings.Trim(number, "0123456789") == ""
		switch {
		case n >= 10, n >= 7 && !bare, n >= 7 && dialled.MatchString(line[:at[0]]):
			out = append(out, onlyDigits(number))
		}
	}
	return out
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// disguises checks a line for addresses and telephone numbers that only look harmless.
func (l *linter) disguises(name, line string) {
	if l.r.Number != "" {
		line = strings.ReplaceAll(line, l.r.Number, "|")
	}
	line = norm.NFKC.String(line)
	for _, a := range l.addresses(line) {
		l.foreign(name, a)
	}
	line = strings.ToLower(line)
	// Our own addresses are no disguise.
	for _, ours := range append([]string{l.r.Email, l.r.HomePage, strings.TrimPrefix(strings.TrimPrefix(l.r.HomePage, "https://"), "http://")}, l.r.Official...) {
		if ours = strings.TrimSuffix(ours, "/"); ours != "" {
			line = strings.ReplaceAll(line, strings.ToLower(ours), "|")
		}
	}
	for _, a := range strangeAddresses(line) {
		l.foreign(name, a)
	}
	for _, n := range phoneNumbers(line) {
		if !sameNumber(n, onlyDigits(l.r.Hotline)) && !slices.Contains(l.r.Phones, n) {
			l.found(name, "names the telephone number %q; only the hotline may be named, and the public offices that the law's own file names: let people call the hotline", n)
		}
	}
}

// sameNumber reports a number that is ours, also with its country code.
func sameNumber(n, ours string) bool {
	return ours != "" && strings.HasSuffix(n, ours) && len(n)-len(ours) <= 4
}

func (l *linter) foreign(name, address string) {
	l.found(name, "names the address %q; only the bare home page and the organisation's own mailbox may be named", address)
}
