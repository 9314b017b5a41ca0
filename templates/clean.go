package templates

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The signs around a place where a name is merged: ⟦greeting⟧. No value and no template may bring them in.
const (
	markOpen  = "⟦"
	markClose = "⟧"
)

// clean makes a value one line of plain words: composed, without control, format (bidirectional overrides, zero-width and
// tag characters) and private-use characters, and without our marks. What it drops can only mislead a reader.
func clean(s string) string {
	s = norm.NFC.String(strings.ToValidUTF8(s, ""))
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029' || r == '\u0085':
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs) || r == '⟦' || r == '⟧' || r == '\ufffd':
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

func cleanAll(texts []string) []string {
	var out []string
	for _, t := range texts {
		if t = clean(t); t != "" {
			out = append(out, t)
		}
	}
	return out
}
