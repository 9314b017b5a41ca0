package document

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

//go:embed fonts/tocsin-sans.ttf.gz
var faceGz []byte

// beyond lists the ideographs past U+FFFF that the face has. The first is at U+E000, where the PDF writer can reach it.
//
//go:embed fonts/beyond.txt
var beyond string

const firstBeyond = 0xe000

// house is the face that documents are set in, read once.
var house = sync.OnceValues(func() (*face, error) { return openFace(faceGz) })

// ErrFont means that the typeface inside this binary cannot be used. Nothing is wrong with the document.
var ErrFont = errors.New("the typeface in this program is damaged; install or build tocsin again, then repeat the step")

const noGlyph = 0xffff

// face is a typeface: its file, and for each rune up to U+FFFF how wide it is, in thousandths of its size.
type face struct {
	ttf    []byte
	widths [1 << 16]uint16
	beyond map[rune]rune // where the face keeps a rune past U+FFFF
}

func openFace(gz []byte) (*face, error) {
	r, err := gzip.NewReader(bytes.NewReader(gz))
	if err != nil {
		return nil, fmt.Errorf("%w (unpack: %w)", ErrFont, err)
	}
	ttf, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%w (unpack: %w)", ErrFont, err)
	}
	f := &face{ttf: ttf, beyond: map[rune]rune{}}
	for i, r := range []rune(beyond) {
		f.beyond[r] = rune(firstBeyond + i)
	}
	if err := f.measure(); err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrFont, err)
	}
	if !f.can(standIn) || !f.can('章') || !f.can('A') {
		return nil, fmt.Errorf("%w (it lacks characters that it should have)", ErrFont)
	}
	return f, nil
}

func (f *face) measure() error {
	table, err := sfnt.Parse(f.ttf)
	if err != nil {
		return err
	}
	var buf sfnt.Buffer
	for r := range f.widths {
		f.widths[r] = noGlyph
		glyph, err := table.GlyphIndex(&buf, rune(r))
		if err != nil {
			return err
		}
		if glyph == 0 || r == 0 || r >= 0xfffe {
			continue
		}
		advance, err := table.GlyphAdvance(&buf, glyph, fixed.I(1000), font.HintingNone)
		if err != nil {
			return err
		}
		f.widths[r] = uint16(advance.Round())
	}
	return nil
}

// can reports that a rune can be printed. The private use area is ours: a text that brings such runes means something else.
func (f *face) can(r rune) bool {
	if r >= 0xe000 && r <= 0xf8ff {
		return false
	}
	r = f.at(r)
	return r >= 0 && int(r) < len(f.widths) && f.widths[r] != noGlyph
}

// at is where the face keeps a rune.
func (f *face) at(r rune) rune {
	if r > 0xffff {
		if at, ok := f.beyond[r]; ok {
			return at
		}
	}
	return r
}

// width measures a printable text, in units of size.
func (f *face) width(s string, size float64) float64 {
	sum := 0
	for _, r := range s {
		sum += int(f.widths[f.at(r)])
	}
	return float64(sum) * size / 1000
}
