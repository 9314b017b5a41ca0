package audience

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// plain unwraps ="…", by which exports protect long numbers, and trims spaces.
func plain(cell string) string {
	cell = strings.TrimSpace(cell)
	if spreadsheetText(cell) {
		cell = strings.TrimSpace(cell[2 : len(cell)-1])
	}
	return cell
}

// code prepares what machines compare, a contact or a date: compatibility forms unified (full-width digits), invisible
// characters dropped, spaces trimmed. Placeholders for "nothing" become empty.
func code(cell string) string {
	if bare(cell) {
		return cell
	}
	return codeOf(cell)
}

// bare recognises what codeOf leaves as it is, as nearly every contact and date: ASCII without white space that begins with a
// letter or a digit, or a plus sign, and is no placeholder, being longer than they are or a number.
func bare(cell string) bool {
	if cell == "" || !alnum(cell[0]) && cell[0] != '+' || len(cell) <= longestPlaceholder && cell[0] > '9' {
		return false
	}
	for i := range len(cell) {
		if cell[i] <= ' ' || cell[i] > '~' {
			return false
		}
	}
	return true
}

func codeOf(cell string) string {
	cell = plain(cell)
	if !ascii(cell) {
		cell = strings.TrimSpace(visible(norm.NFKC.String(cell)))
	}
	if quoted, ok := strings.CutPrefix(cell, "'"); ok { // a spreadsheet's mark for text, or a database's quotes
		cell = strings.TrimSuffix(quoted, "'")
	}
	if placeholder(cell) {
		return ""
	}
	return cell
}

// placeholders are what files write where there is nothing, MySQL, R, Python and JavaScript among those who write them.
var placeholders = []string{
	"-", "--", "—", "/", `\n`, "n/a", "na", "#n/a", "<na>", "nan", "null", "nil", "none", "(null)", "undefined",
	"无", "暂无", "没有", "空", "不详", "未知", "未填", "未填写", "未提供",
}

const longestPlaceholder = 12 // bytes

func placeholder(s string) bool {
	if s == "" || len(s) > longestPlaceholder {
		return false
	}
	switch s[0] {
	case '-', '/', '\\', '#', '<', '(', 'n', 'N', 'u', 'U', 0xe2, 0xe4, 0xe6, 0xe7: // how they begin
	default:
		return false
	}
	for _, p := range placeholders {
		if len(p) == len(s) && strings.EqualFold(p, s) {
			return true
		}
	}
	return false
}

// unnamed reports whether a name or an address stands for nothing. What is written as names are may be one.
func unnamed(s string) bool {
	if s != "" && s[0] == '?' && strings.Trim(s, "?") == "" {
		return true // what was lost to an encoding
	}
	return placeholder(s) && s != "Na" && s != "na" && s != "Nan" && s != "空"
}

// unnumbered reports whether a number that should tell people apart stands for nothing: all who have none would become one.
func unnumbered(s string) bool { return s == "0" || s == "-1" || placeholder(s) }

// prose prepares what people read, a name or an address: composed, without invisible characters, runs of white space made one
// space. cleaned says that something invisible was dropped; a control character is the caller's to refuse.
func prose(cell string) (text string, cleaned, control bool) {
	if common(cell) {
		return cell, false, false
	}
	return proseOf(cell)
}

func proseOf(cell string) (text string, cleaned, control bool) {
	text = plain(cell)
	if ascii(text) {
		return spaced(text), false, strings.ContainsFunc(text, controlRune)
	}
	seen := visible(text)
	return norm.NFC.String(spaced(seen)), seen != text, strings.ContainsFunc(seen, controlRune)
}

// common recognises what needs no preparation, as nearly every name does: printable ASCII and the common Chinese characters,
// without white space at the ends or twice in a row.
func common(s string) bool {
	space := true // before the first
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c > ' ' && c < 0x7f:
			space = false
			i++
		case c == ' ' && !space:
			space = true
			i++
		case c >= 0xe4 && c <= 0xe9 && i+2 < len(s) && s[i+1]&0xc0 == 0x80 && s[i+2]&0xc0 == 0x80 && (c > 0xe4 || s[i+1] >= 0xb8):
			space = false // U+4E00 to U+9FFF
			i += 3
		default:
			return false
		}
	}
	return !space && s[0] != '='
}

func spaced(s string) string {
	if !strings.ContainsAny(s, "\t\n\r\u00a0\u2028\u2029\u3000") && !strings.Contains(s, "  ") {
		return s
	}
	return strings.Join(strings.Fields(s), " ")
}

// visible drops format characters: bidirectional controls, zero-width ones, tags, byte order marks. They come with text that
// was pasted from chats and address books, and can make a text read as what it is not.
func visible(s string) string {
	if !strings.ContainsFunc(s, invisible) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return r
	}, s)
}

func invisible(r rune) bool {
	if r < 0xad || r >= 0x3400 && r < 0xd800 { // Latin; Chinese and Korean
		return false
	}
	return unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r) || r == 0x115f || r == 0x1160 || r == 0x3164 || r == 0xffa0
}

func controlRune(r rune) bool {
	return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' || r == utf8.RuneError
}
