package document

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
	"unicode/utf8"

	"tocsin/internal/breach"
)

// Column is one column of a [Sheet].
type Column struct {
	Title string
	Share float64 // of the width, in proportion to the other columns; 0 counts as 1
}

// Sheet is a table on A4 across, such as the register, with its header on every page. Rows comes row by row, so a table need
// not be in memory twice; an error that it yields ends the sheet and is returned.
type Sheet struct {
	Title    string
	Language breach.Language
	Intro    []string // sentences above the table: what it holds, and as of when
	Columns  []Column
	Rows     iter.Seq2[[]string, error] // as many cells as columns, each a text that may have line breaks
	Empty    string                     // the sentence in place of rows where there are none; [SheetPDF] has one of its own
	SHA256   string                     // of the table's content, in the footer of each page
	Number   string                     // at the top of each page
	Date     time.Time                  // only in the file's properties, in UTC, to the second
}

func (s Sheet) validate() error {
	var faults []error
	if s.Title == "" {
		faults = append(faults, errors.New("document: the table's title is missing"))
	}
	if n := utf8.RuneCountInString(s.Title); n > maxLine {
		faults = append(faults, fmt.Errorf("document: the table's title has %d characters, a title takes %d", n, maxLine))
	}
	if n := len(s.Columns); n < 1 || n > 16 {
		faults = append(faults, fmt.Errorf("document: the table has %d columns; a page holds 1 to 16", n))
	}
	for i, c := range s.Columns {
		if c.Share < 0 {
			faults = append(faults, fmt.Errorf("document: column %d has a negative share", i+1))
		}
	}
	if s.Rows == nil {
		faults = append(faults, errors.New("document: the table has no rows to read"))
	}
	return errors.Join(append(faults, margins{s.Language, s.SHA256, s.Number, s.Date}.validate())...)
}

var (
	inkCell = ink{size: 8.5}
	inkHead = ink{size: 8.5, bold: true}
)

const (
	cellX = 1.4
	cellY = 0.9
)

// SheetPDF sets a table and writes it to w as PDF. The same sheet gives the same bytes. It is whole or an error: nothing has
// been written to w where it fails before the end of the rows.
func SheetPDF(w io.Writer, s Sheet) error {
	if err := s.validate(); err != nil {
		return err
	}
	f, err := house()
	if err != nil {
		return fmt.Errorf("document: set a table: %w", err)
	}
	clean := &cleaner{can: f.can}
	title := clean.line(s.Title)
	c := compose(f, sideways)
	c.title(title, ink{size: 14, bold: true})
	for _, sentence := range s.Intro {
		for _, line := range c.split(clean.lines(sentence), inkLabelSmall, c.plan.column()) {
			c.text(c.plan.left, c.y, line, inkLabelSmall)
			c.y += inkLabelSmall.line()
		}
	}
	c.y += 2
	t := &table{composer: c, clean: clean, sheet: s, edges: edges(s.Columns, c.plan)}
	if err := t.set(); err != nil {
		return err
	}
	c.again = nil
	c.notes(clean.notes(s.Language))
	m := margins{s.Language, s.SHA256, plain(f, s.Number), s.Date}
	c.margin(title, m, s.Language)
	return c.draw(w, title, m)
}

var inkLabelSmall = ink{size: 9, gray: 50}

// edges returns where the columns begin, and where the last one ends.
func edges(columns []Column, p plan) []float64 {
	sum := 0.0
	for _, c := range columns {
		sum += share(c)
	}
	at := []float64{p.left}
	for _, c := range columns {
		at = append(at, at[len(at)-1]+p.column()*share(c)/sum)
	}
	return at
}

func share(c Column) float64 {
	if c.Share == 0 {
		return 1
	}
	return c.Share
}

// table sets rows.
type table struct {
	*composer
	clean *cleaner
	sheet Sheet
	edges []float64
	head  [][]string
	size  int
}

func (t *table) set() error {
	for i, c := range t.sheet.Columns {
		t.head = append(t.head, t.wrap(i, t.clean.line(c.Title), inkHead))
	}
	if t.height(t.head) > t.plan.depth()/2 {
		return errors.New("document: the titles of the columns take more than half of a page; shorten them or use fewer columns")
	}
	t.need(t.height(t.head) + 3*inkCell.line())
	t.header()
	t.again = t.header
	n := 0
	for cells, err := range t.sheet.Rows {
		if err != nil {
			return fmt.Errorf("document: read row %d of the table: %w", n+1, err)
		}
		n++
		if err := t.row(n, cells); err != nil {
			return err
		}
	}
	if n == 0 {
		empty := t.clean.line(t.sheet.Empty)
		if empty == "" {
			empty = say(t.sheet.Language, "没有记录。", "There is no entry.")
		}
		t.text(t.plan.left+cellX, t.y+cellY, empty, inkCell)
		t.y += inkCell.line() + 2*cellY
	}
	return nil
}

func (t *table) wrap(column int, s string, k ink) []string {
	return t.split(s, k, t.edges[column+1]-t.edges[column]-2*cellX)
}

func (t *table) height(cells [][]string) float64 {
	n := 1
	for _, lines := range cells {
		n = max(n, len(lines))
	}
	return float64(n)*inkCell.line() + 2*cellY
}

func (t *table) header() {
	t.put(mark{x: t.plan.left, y: t.y, w: t.plan.column(), h: t.height(t.head), fill: 236})
	t.cells(t.head, t.height(t.head), inkHead)
}

// row sets one row. It goes to the next page as a whole where it fits on one, else it goes on there.
func (t *table) row(n int, texts []string) error {
	if len(texts) != len(t.sheet.Columns) {
		return fmt.Errorf("document: row %d of the table has %d cells, the table %d columns", n, len(texts), len(t.sheet.Columns))
	}
	for _, s := range texts {
		t.size += len(s)
	}
	if t.size > 8*MaxText {
		return fmt.Errorf("document: %w: the table's first %d rows have %d bytes, a table takes %d; export fewer rows at a time", ErrTooLong, n, t.size, 8*MaxText)
	}
	var cells [][]string
	for i, s := range texts {
		cells = append(cells, t.wrap(i, t.clean.lines(s), inkCell))
	}
	page := t.plan.depth() - t.height(t.head)
	if h := t.height(cells); h > t.room() && h <= page {
		t.turn()
	}
	for {
		k := int((t.room() - 2*cellY) / inkCell.line())
		if k < 1 {
			t.turn()
			continue
		}
		var now, rest [][]string
		more := false
		for _, lines := range cells {
			cut := min(k, len(lines))
			now, rest = append(now, lines[:cut]), append(rest, lines[cut:])
			more = more || cut < len(lines)
		}
		t.cells(now, t.height(now), inkCell)
		if !more {
			return nil
		}
		cells = rest
		t.turn()
	}
}

func (t *table) cells(cells [][]string, h float64, k ink) {
	for i, lines := range cells {
		for j, line := range lines {
			t.text(t.edges[i]+cellX, t.y+cellY+float64(j)*inkCell.line(), line, k)
		}
	}
	for _, x := range t.edges {
		t.put(mark{x: x, y: t.y, h: h, rule: true, ink: ink{gray: 170}})
	}
	for _, y := range []float64{t.y, t.y + h} {
		t.put(mark{x: t.plan.left, y: y, w: t.plan.column(), rule: true, ink: ink{gray: 170}})
	}
	t.y += h
}
