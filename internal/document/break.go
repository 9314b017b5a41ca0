package document

import (
	"strings"

	"github.com/rivo/uniseg"
)

// split breaks a printable text into lines no wider than width, where Unicode allows a break (UAX 14): never before ，。、；：！？）》」,
// never after （《「. A piece without such a place, such as a long URL, is cut between characters. Only spaces at line ends
// are not part of a line any more. The result has at least one line.
func (f *face) split(text string, size, width float64) []string {
	var out []string
	for part := range strings.SplitSeq(text, "\n") {
		out = append(out, f.splitLine(part, size, width)...)
	}
	return out
}

func (f *face) splitLine(text string, size, width float64) []string {
	var (
		out  []string
		line strings.Builder
		used float64
	)
	end := func() {
		out = append(out, strings.TrimRight(line.String(), " "))
		line.Reset()
		used = 0
	}
	state := -1
	for text != "" {
		var piece string
		piece, text, _, state = uniseg.FirstLineSegmentInString(text, state)
		bare := f.width(strings.TrimRight(piece, " "), size)
		if used > 0 && used+bare > width {
			end()
		}
		if bare > width {
			piece = f.chop(piece, size, width, &out)
		}
		line.WriteString(piece)
		used += f.width(piece, size)
	}
	end()
	return out
}

// chop cuts a piece that no line can hold, and returns what is left for the next line.
func (f *face) chop(piece string, size, width float64, out *[]string) string {
	start, used, state := 0, 0.0, -1
	for at, rest := 0, piece; rest != ""; {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		w := f.width(cluster, size)
		if used > 0 && used+w > width {
			*out = append(*out, piece[start:at])
			start, used = at, 0
		}
		used += w
		at += len(cluster)
	}
	return piece[start:]
}
