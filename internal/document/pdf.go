package document

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"codeberg.org/go-pdf/fpdf"
)

// PDF sets a paper on A4. The same paper gives the same bytes, whoever sets it and however often. The error is [ErrTooLong],
// [ErrFont], or says which field of the paper cannot be.
func PDF(p Paper) ([]byte, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	f, err := house()
	if err != nil {
		return nil, fmt.Errorf("document: set a PDF: %w", err)
	}
	clean := &cleaner{can: f.can}
	title, blocks := clean.printable(p)
	c := compose(f, upright)
	c.title(title, inkTitle)
	newBody(c, p.Language, blocks).set()
	c.notes(clean.notes(p.Language))
	c.margin(title, margins{p.Language, p.SHA256, plain(f, p.Number), p.Date}, p.Language)
	var out bytes.Buffer
	if err := c.draw(&out, title, margins{p.Language, p.SHA256, plain(f, p.Number), p.Date}); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// plain makes a text of the margins printable; what cannot be set there is noted where it stands in full.
func plain(f *face, s string) string { return (&cleaner{can: f.can}).line(s) }

func (c *composer) title(title string, k ink) {
	for _, line := range c.balance(title, k, c.plan.column()) {
		c.need(k.line())
		c.text(c.plan.left+(c.plan.column()-c.measure(line, k))/2, c.y, line, k)
		c.y += k.line()
	}
	c.y += 4
}

func (c *composer) notes(notes []string) {
	if len(notes) == 0 {
		return
	}
	k := inkNote
	c.space(6)
	c.need(2 * k.line())
	c.put(mark{x: c.plan.left, y: c.y - 1, w: 40, rule: true, ink: ink{gray: 150}})
	for _, note := range notes {
		for _, line := range c.split(note, k, c.plan.column()) {
			c.need(k.line())
			c.text(c.plan.left, c.y, line, k)
			c.y += k.line()
		}
	}
}

const family = "tocsin"

// draw writes the pages as a PDF. The writer keeps its own copy of the typeface, because it pads tables in place.
func (c *composer) draw(w io.Writer, title string, m margins) (err error) {
	defer func() {
		if r := recover(); r != nil { // the writer answers what it does not expect with a panic
			err = fmt.Errorf("document: the PDF writer gave up on %d pages (%T); send the DOCX and report this", len(c.pages), r)
		}
	}()
	orientation := "P"
	if c.plan.landscape {
		orientation = "L"
	}
	f := fpdf.New(orientation, "mm", "A4", "")
	f.SetCatalogSort(true)
	f.SetCreationDate(m.date.UTC())
	f.SetModificationDate(m.date.UTC())
	f.SetTitle(inPlane(title), true)
	f.SetSubject(inPlane(m.number), true)
	f.SetCreator("Tocsin", true)
	f.SetProducer("Tocsin", true)
	f.SetLang(string(m.language))
	f.SetMargins(0, 0, 0)
	f.SetAutoPageBreak(false, 0)
	f.AddUTF8FontFromBytes(family, "", bytes.Clone(c.face.ttf))
	f.SetFont(family, "", inkBody.size)
	for _, page := range c.pages {
		f.AddPage()
		pen := pen{f: f, face: c.face}
		for _, m := range page {
			pen.put(m)
		}
	}
	if err := f.Output(w); err != nil {
		return fmt.Errorf("document: write a PDF: %w", err)
	}
	return nil
}

// pen remembers how it was set on this page.
type pen struct {
	f    *fpdf.Fpdf
	face *face
	bold bool
}

func (p *pen) put(m mark) {
	switch {
	case m.text != "":
		p.write(m)
	case m.rule:
		p.f.SetLineWidth(0.2)
		p.f.SetDrawColor(m.ink.gray, m.ink.gray, m.ink.gray)
		p.f.Line(m.x, m.y, m.x+m.w, m.y+m.h)
	default:
		p.f.SetFillColor(m.fill, m.fill, m.fill)
		p.f.Rect(m.x, m.y, m.w, m.h, "F")
	}
}

// write sets a text. Bold is the outline with a stroke around it.
func (p *pen) write(m mark) {
	if m.ink.bold != p.bold {
		p.bold = m.ink.bold
		p.f.SetTextRenderingMode(map[bool]int{false: 0, true: 2}[p.bold])
	}
	if m.ink.bold {
		p.f.SetDrawColor(m.ink.gray, m.ink.gray, m.ink.gray)
		p.f.SetLineWidth(m.ink.size * mmPerPoint * 0.035)
	}
	p.f.SetFontSize(m.ink.size)
	p.f.SetTextColor(m.ink.gray, m.ink.gray, m.ink.gray)
	if m.outline {
		p.f.Bookmark(inPlane(m.text), 0, m.y-m.ink.size*mmPerPoint)
	}
	if reachable := strings.Map(p.face.at, m.text); reachable != m.text {
		p.f.RawWriteStr("/Span <</ActualText <" + utf16Hex(m.text) + ">>> BDC")
		p.f.Text(m.x, m.y, reachable)
		p.f.RawWriteStr("EMC")
		return
	}
	p.f.Text(m.x, m.y, m.text)
}

// utf16Hex writes a text as PDF does, with a byte order mark (ISO 32000-1, 7.9.2.2). Beside glyphs from the private use area it
// is what a reader finds and copies (14.9.4).
func utf16Hex(s string) string {
	b := []byte{0xfe, 0xff}
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.BigEndian.AppendUint16(b, u)
	}
	return hex.EncodeToString(b)
}

// inPlane stands in for what the writer cannot encode in outlines and properties.
func inPlane(s string) string {
	return strings.Map(func(r rune) rune {
		if r > 0xffff {
			return standIn
		}
		return r
	}, s)
}
