package main

import (
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/text"
)

// wrap breaks s into lines of at most width columns: between words, and between Chinese characters but never before a closing
// mark or after an opening one. Line ends in s stay.
func wrap(s string, width int) string {
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		out = append(out, wrapLine(line, width)...)
	}
	return strings.Join(out, "\n")
}

func wrapLine(s string, width int) []string {
	var lines []string
	line, used := "", 0
	for _, piece := range pieces(s) {
		w := text.StringWidthWithoutEscSequences(piece)
		if used > 0 && used+text.StringWidthWithoutEscSequences(strings.TrimRight(piece, " ")) > width {
			lines = append(lines, strings.TrimRight(line, " "))
			line, used = "", 0
		}
		line += piece
		used += w
	}
	return append(lines, strings.TrimRight(line, " "))
}

// pieces cuts s into what may not be broken further: a word with the blank behind it, or a Chinese character with the marks
// that cling to it.
func pieces(s string) []string {
	var out []string
	var word strings.Builder
	var last rune
	for _, r := range s {
		if word.Len() > 0 && breaks(last, r) {
			out = append(out, word.String())
			word.Reset()
		}
		word.WriteRune(r)
		last = r
	}
	if word.Len() > 0 {
		out = append(out, word.String())
	}
	return out
}

// closing marks never begin a line, opening ones never end it.
const (
	closing = "，。、；：！？）》”’」』】〕…,.;:!?)]}"
	opening = "（《“‘「『【〔([{"
)

func breaks(before, after rune) bool {
	switch {
	case strings.ContainsRune(closing, after) || strings.ContainsRune(opening, before) || after == ' ':
		return false
	case before == ' ':
		return true
	}
	return unicode.Is(unicode.Han, before) || unicode.Is(unicode.Han, after) || strings.ContainsRune(closing, before) && before > 0x2000 ||
		strings.ContainsRune(opening, after) && after > 0x2000
}
