package document

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// standIn is printed for a character that cannot be: the printer's geta, U+3013, whose only meaning is that one is missing.
const standIn = '〓'

// run is a rune and how often it came in a row.
type run struct {
	r rune
	n int
}

// cleaner makes texts printable, and remembers what a reader does not see as it was written.
type cleaner struct {
	can     func(rune) bool // whether a visible rune can be set
	missing []run           // in order of appearance
	removed []run
}

// lines makes a text printable. Line breaks of every kind become \n; nothing else of what remains is a control character.
func (c *cleaner) lines(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Mn, r) }) {
		s = norm.NFC.String(s) // a letter with its accent is one glyph; nothing places accents here
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.TrimRight(strings.Map(c.rune, s), " \n")
}

// line makes a text printable on one line, for titles and metadata.
func (c *cleaner) line(s string) string { return strings.Join(strings.Fields(c.lines(s)), " ") }

func (c *cleaner) rune(r rune) rune {
	switch {
	case strings.ContainsRune("\n\r\v\f\u0085\u2028\u2029", r):
		return '\n'
	case r == '\t':
		return ' '
	case joins(r):
		return -1
	case unicode.In(r, unicode.Cc, unicode.Cf):
		c.removed = add(c.removed, r)
		return -1
	case c.can(r):
		return r
	case unicode.Is(unicode.Zs, r):
		return ' '
	}
	c.missing = add(c.missing, r)
	return standIn
}

// joins reports that a rune is invisible and only advises how its neighbours are set: soft hyphens, zero-width spaces and
// joiners, byte order marks, variation selectors. They come along when text is copied from a screen.
func joins(r rune) bool {
	return r == '\u00ad' || r >= '\u200b' && r <= '\u200d' || r == '\u2060' || r == '\ufeff' || unicode.Is(unicode.Variation_Selector, r)
}

func add(runs []run, r rune) []run {
	if last := len(runs) - 1; last >= 0 && runs[last].r == r {
		runs[last].n++
		return runs
	}
	return append(runs, run{r, 1})
}

func total(runs []run) int {
	n := 0
	for _, r := range runs {
		n += r.n
	}
	return n
}

// summary keeps the order of appearance while a reader can follow it, and counts each rune once beyond that.
func summary(runs []run) []run {
	if len(runs) <= 200 {
		return runs
	}
	at := map[rune]int{}
	var out []run
	for _, r := range runs {
		i, seen := at[r.r]
		if !seen {
			i = len(out)
			at[r.r] = i
			out = append(out, run{r: r.r})
		}
		out[i].n += r.n
	}
	return out
}
