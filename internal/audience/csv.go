package audience

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// csvSource reads RFC 4180 records within limits. encoding/csv would read a whole file into one cell for one quote that is
// never closed; here such a record costs its first line, and reading goes on at the second.
type csvSource struct {
	lines   *lineReader
	limits  Limits
	raw     bool
	comma   byte
	width   int              // the header's number of cells
	mayFold func(i int) bool // whether a cell of that column may break over lines
}

// openCSV reads the header and finds the delimiter by which most of it is understood.
func openCSV(lines *lineReader, o Options, p *plan) (source, *header, error) {
	s := &csvSource{lines: lines, limits: o.Limits, raw: o.Raw}
	head, err := s.findHeader(p)
	if err != nil {
		return nil, nil, err
	}
	if err := s.wantRows(); err != nil {
		return nil, nil, err
	}
	lines.blocks = true
	return s, head, nil
}

// findHeader reads over titles, and over the line by which a spreadsheet is told the separator. It tells what is wrong with the
// first line that has several cells.
func (s *csvSource) findHeader(p *plan) (*header, error) {
	var refused error
	for range maxTitles + 1 {
		first, err := s.firstLine()
		switch {
		case err != nil && refused != nil:
			return nil, refused
		case err != nil:
			return nil, err
		}
		head, title, err := s.headerAt(first.copied(), p)
		if err == nil {
			return head, nil
		}
		if refused == nil || !title {
			refused = err
		}
		if !title {
			break
		}
	}
	return nil, refused
}

// headerAt reads a header. title says that the line has one cell, whatever separates cells.
func (s *csvSource) headerAt(line physical, p *plan) (head *header, title bool, err error) {
	if noText(line.raw) {
		return nil, false, fmt.Errorf("line %d, the header, has bytes that no text has: this is not a CSV file, whatever its name says", line.no)
	}
	if err := s.lines.dec.settle(line.raw, s.lines.ahead()); err != nil {
		return nil, false, err
	}
	text, fault := s.lines.text(line)
	if fault != "" {
		return nil, false, fmt.Errorf("line %d, the header, has broken characters: save the file again as \"CSV UTF-8\", or name its encoding with --encoding", line.no)
	}
	return s.readHeader(s.unfolded(text), p)
}

// maxHeaderLines is how many lines a header may have, by line breaks within its names.
const maxHeaderLines = 16

// unfolded reads on where a quoted name breaks over lines, as spreadsheets wrap them.
func (s *csvSource) unfolded(text string) string {
	for n := 1; n < maxHeaderLines && strings.Count(text, `"`)%2 == 1 && len(text) < s.limits.RecordBytes; n++ {
		p, err := s.lines.next()
		if err != nil || p.long {
			return text
		}
		more, fault := s.lines.text(p)
		if fault != "" {
			return text
		}
		text += "\n" + more
	}
	return text
}

// noText recognises what no text holds: a byte of the first 32 that neither ends lines nor separates cells.
func noText(line []byte) bool {
	return bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' && r != '\r' && r != '\v' && r != '\f' })
}

func (s *csvSource) firstLine() (physical, error) {
	for {
		p, err := s.lines.next()
		switch {
		case errors.Is(err, io.EOF):
			return p, errors.New("the file is empty: it needs a header and a row for each person")
		case err != nil:
			return p, reading(err)
		case p.long:
			return p, fmt.Errorf("line %d, the header, is longer than %d bytes: this is not a CSV file with one person on each line", p.no, s.limits.RecordBytes)
		case !p.blank():
			return p, nil
		}
	}
}

func (s *csvSource) readHeader(text string, p *plan) (_ *header, title bool, err error) {
	var best header
	var delimiter byte
	title = true
	unreadable := false // by commas, the usual delimiter
	for _, comma := range []byte{',', '\t', ';', '|'} {
		s.comma = comma
		cells, fault, _ := s.split(text, nil)
		if fault != "" {
			unreadable = unreadable || comma == ','
			continue
		}
		title = title && filled(cells) < 2
		if h := parseHeader(cells, p); best.cells == nil || h.known > best.known {
			best, delimiter = h, comma
		}
	}
	if best.known == 0 && unreadable {
		return nil, false, fmt.Errorf("the header cannot be read: it has a quote without its other half, more than %d columns, or a name longer than %d bytes", s.limits.Columns, s.limits.FieldBytes)
	}
	if err := best.person(); err != nil {
		return nil, false, err
	}
	if err := best.check(); err != nil {
		return nil, title, err
	}
	s.comma, s.width, s.mayFold = delimiter, len(best.cells), best.mayFold
	return &best, false, nil
}

// wantRows refuses a header without rows before anything is stored.
func (s *csvSource) wantRows() error {
	for {
		p, err := s.lines.next()
		switch {
		case errors.Is(err, io.EOF):
			return errors.New("the file has a header and no rows")
		case err != nil:
			return reading(err)
		case !p.blank():
			s.lines.unread([]physical{p.copied()})
			return nil
		}
	}
}

func (s *csvSource) encoding() string { return s.lines.dec.encoding() }
func (s *csvSource) format() string   { return formatCSV }
func (s *csvSource) close()           {}

func (s *csvSource) next(rec *record) error {
	for {
		p, err := s.lines.next()
		switch {
		case errors.Is(err, io.EOF):
			return io.EOF
		case err != nil:
			return fmt.Errorf("read the file of people after line %d: %w", s.lines.no, err)
		case !p.blank():
			s.recordAt(p, rec)
			return nil
		}
	}
}

func (s *csvSource) recordAt(p physical, rec *record) {
	rec.line, rec.end = p.no, p.no
	if p.long {
		rec.fault = TooLong
		return
	}
	text, fault := s.lines.text(p)
	if fault != "" {
		rec.fault = fault
		if s.raw {
			rec.raw = strings.ToValidUTF8(string(p.raw), "\uFFFD")
		}
		return
	}
	if s.raw {
		rec.raw = text
	}
	rec.cells, rec.fault, rec.column = s.split(text, rec.cells[:0])
	if rec.fault == OpenQuote {
		s.folded(rec, text)
		return
	}
	s.checkWidth(rec)
	if rec.fault == ColumnCount && strings.IndexByte(text, '\r') >= 0 {
		rec.fault = LineEnds
	}
}

// checkWidth forgives cells beyond the header's where they are empty: spreadsheets write them.
func (s *csvSource) checkWidth(rec *record) {
	if rec.fault != "" {
		return
	}
	for n := len(rec.cells); n > s.width && strings.TrimSpace(rec.cells[n-1]) == ""; n-- {
		rec.cells = rec.cells[:n-1]
	}
	if len(rec.cells) != s.width {
		rec.fault, rec.column = ColumnCount, -1
	}
}

// folded reads on for a record whose last cell is open at the line's end. Where that comes to nothing, the record is its first
// line and the others are read again.
//
// A quote forgotten in one row and another forgotten in a later one would make a valid cell out of all rows between them. So
// a line within a cell that has as many delimiters as a row has is taken for a row, and only cells of free text may break.
func (s *csvSource) folded(rec *record, text string) {
	var held []physical
	give := func() {
		s.lines.unread(held)
		rec.end, rec.cells, rec.fault, rec.column = rec.line, rec.cells[:0], OpenQuote, -1
	}
	var all strings.Builder
	all.WriteString(text)
	for len(held)+1 < s.limits.RecordLines {
		p, err := s.lines.next()
		if err != nil { // the same error comes again after the lines that are given back
			give()
			return
		}
		held = append(held, p.copied())
		line, fault := s.lines.text(held[len(held)-1])
		if p.long || fault != "" || all.Len()+len(line) >= s.limits.RecordBytes || s.looksLikeRow(line) {
			give()
			return
		}
		all.WriteByte('\n')
		all.WriteString(line)
		if !strings.Contains(line, `"`) {
			continue
		}
		rec.cells, rec.fault, rec.column = s.split(all.String(), rec.cells[:0])
		rec.end = p.no
		if rec.fault == OpenQuote {
			continue
		}
		s.checkWidth(rec)
		if rec.fault != "" || !s.foldsWell(rec.cells) {
			give()
		} else if s.raw {
			rec.raw = all.String()
		}
		return
	}
	give()
}

func (s *csvSource) foldsWell(cells []string) bool {
	for i, c := range cells {
		if strings.Contains(c, "\n") && !s.mayFold(i) {
			return false
		}
	}
	return true
}

// looksLikeRow counts the delimiters of a line up to the quote that would close the open cell.
func (s *csvSource) looksLikeRow(line string) bool {
	inside := strings.ReplaceAll(line, `""`, "  ")
	inside, _, _ = strings.Cut(inside, `"`)
	return strings.Count(inside, string(s.comma)) >= s.width-1
}

// split cuts a record into cells. The fault is OpenQuote where the text ends within a quoted cell.
func (s *csvSource) split(text string, cells []string) (_ []string, fault Reason, column int) {
	quotes := strings.IndexByte(text, '"') >= 0
	if !quotes && len(text) <= s.limits.FieldBytes {
		if all := cut(text, s.comma, cells); len(all) <= s.limits.Columns {
			return all, "", -1
		}
	}
	for {
		if len(cells) == s.limits.Columns {
			return cells, ColumnCount, -1
		}
		var cell, rest string
		more := false
		if quotes {
			cell, rest, more, fault = s.cell(text)
		} else if i := strings.IndexByte(text, s.comma); i >= 0 {
			cell, rest, more = text[:i], text[i+1:], true
		} else {
			cell = text
		}
		if fault == "" && len(cell) > s.limits.FieldBytes {
			fault = TooLong
		}
		if fault != "" {
			return cells, fault, len(cells)
		}
		cells = append(cells, cell)
		if !more {
			return cells, "", -1
		}
		text = rest
	}
}

// cut appends the cells of a text without quotes.
func cut(text string, comma byte, cells []string) []string {
	from := 0
	for i := range len(text) {
		if text[i] == comma {
			cells = append(cells, text[from:i])
			from = i + 1
		}
	}
	return append(cells, text[from:])
}

// cell cuts the first cell off. more says that a delimiter followed it.
func (s *csvSource) cell(text string) (cell, rest string, more bool, fault Reason) {
	if !strings.HasPrefix(text, `"`) {
		i := strings.IndexByte(text, s.comma)
		if more = i >= 0; more {
			text, rest = text[:i], text[i+1:]
		}
		if strings.IndexByte(text, '"') >= 0 && !spreadsheetText(text) {
			fault = StrayQuote
		}
		return text, rest, more, fault
	}
	text = text[1:]
	for from := 0; ; {
		i := strings.IndexByte(text[from:], '"')
		if i < 0 {
			return "", "", false, OpenQuote
		}
		i += from
		switch after := text[i+1:]; {
		case after == "":
			return unescape(text[:i]), "", false, ""
		case after[0] == s.comma:
			return unescape(text[:i]), after[1:], true, ""
		case after[0] == '"':
			from = i + 2
		default:
			return "", "", false, StrayQuote
		}
	}
}

func unescape(s string) string { return strings.ReplaceAll(s, `""`, `"`) }

// spreadsheetText recognises ="13800138000", by which exports keep a spreadsheet from rounding long numbers.
func spreadsheetText(cell string) bool {
	cell = strings.TrimSpace(cell)
	return len(cell) >= 3 && strings.HasPrefix(cell, `="`) && strings.IndexByte(cell[2:], '"') == len(cell)-3
}
