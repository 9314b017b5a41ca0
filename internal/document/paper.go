package document

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"tocsin/internal/breach"
)

// The media types of what this package makes.
const (
	TypePDF  = "application/pdf"
	TypeDOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
)

// MaxText is how much text a document takes, in bytes of UTF-8: about a thousand pages.
const MaxText = 4 << 20

// maxLine is how many characters a title or a number takes.
const maxLine = 500

// ErrTooLong means that a text is longer than [MaxText]. What is longer belongs into an attachment of its own.
var ErrTooLong = errors.New("the text is too long for a document")

// Paper is one rendition of a document, ready to be set. Title and Blocks are what was approved; the rest stands in the
// margins and in the file's properties, which name no person.
type Paper struct {
	Title    string
	Language breach.Language
	Blocks   []breach.Block
	SHA256   string    // of the approved content, 64 hexadecimal digits; in the footer of each page
	Number   string    // "INC-2026-0001 · cn-cac-4/2": the incident and the version; at the top of each page
	Date     time.Time // when the content was made; only in the file's properties, in UTC, to the second
}

func (p Paper) validate() error {
	size := len(p.Title)
	var faults []error
	if (&cleaner{can: inXML}).line(p.Title) == "" {
		faults = append(faults, errors.New("document: the title is missing"))
	}
	if n := utf8.RuneCountInString(p.Title); n > maxLine {
		faults = append(faults, fmt.Errorf("document: the title has %d characters, a title takes %d", n, maxLine))
	}
	for i, b := range p.Blocks {
		size += len(b.Label) + len(b.Text)
		switch b.Kind {
		case breach.BlockHeading, breach.BlockParagraph, breach.BlockItem, breach.BlockRow:
		default:
			faults = append(faults, fmt.Errorf("document: block %d is of the unknown kind %q", i+1, b.Kind))
		}
	}
	if size > MaxText {
		faults = append(faults, fmt.Errorf("document: %w: it has %d bytes, a document takes %d; attach the longest part as a file of its own", ErrTooLong, size, MaxText))
	}
	return errors.Join(append(faults, margins{p.Language, p.SHA256, p.Number, p.Date}.validate())...)
}

// margins is what papers and sheets have in common around their text.
type margins struct {
	language breach.Language
	sha256   string
	number   string
	date     time.Time
}

func (m margins) validate() error {
	var faults []error
	if m.language != breach.Chinese && m.language != breach.English {
		faults = append(faults, fmt.Errorf("document: there are no page words in the language %q; it is %s or %s", m.language, breach.Chinese, breach.English))
	}
	if sum, err := hex.DecodeString(m.sha256); err != nil || len(sum) != 32 {
		faults = append(faults, errors.New("document: the content's SHA-256 must be 64 hexadecimal digits"))
	}
	if n := utf8.RuneCountInString(m.number); n == 0 || n > maxLine {
		faults = append(faults, fmt.Errorf("document: the number has %d characters; it takes 1 to %d", n, maxLine))
	}
	if y := m.date.UTC().Year(); m.date.IsZero() || y < 1980 || y > 2107 { // what a ZIP entry can hold
		faults = append(faults, errors.New("document: the date is missing or out of range"))
	}
	return errors.Join(faults...)
}

// printable returns the title and the blocks as they can be set. A row always says something; other blocks without a
// visible character are left out.
func (c *cleaner) printable(p Paper) (string, []breach.Block) {
	title := c.line(p.Title)
	var out []breach.Block
	for _, b := range p.Blocks {
		b.Label, b.Text = c.line(b.Label), c.lines(b.Text)
		switch {
		case b.Kind == breach.BlockRow && b.Text == "":
			b.Text = blank(p.Language, b.State)
		case b.Text == "":
			continue
		}
		out = append(out, b)
	}
	return title, out
}
