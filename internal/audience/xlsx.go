package audience

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sheetSource reads the rows of one sheet.
//
// Source: ECMA-376 part 1, 18.3 (worksheets).
type sheetSource struct {
	book   *workbook
	part   io.ReadCloser
	x      *xmlReader
	limits Limits
	raw    bool
	width  int
	merged []span
	row    int // the last one that was read
	ended  bool

	cells []string
	marks []Reason
	bad   bool // a mark is set
	wide  bool // something stands beyond the limit of columns
	first bool // the row that next gives is read already
}

func openXLSX(in *bufio.Reader, o Options, p *plan) (source, *header, error) {
	book, err := openWorkbook(in, o)
	if err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errHalfZIP
		}
		return nil, nil, err
	}
	s := &sheetSource{book: book, limits: o.Limits, raw: o.Raw}
	head, err := s.open(o.Sheet, p)
	if err != nil {
		s.close()
		return nil, nil, err
	}
	return s, head, nil
}

func (s *sheetSource) open(want string, p *plan) (*header, error) {
	chosen, err := s.choose(want)
	if err != nil {
		return nil, err
	}
	if s.merged, err = s.book.merges(chosen.part); err != nil {
		return nil, err
	}
	if err := s.begin(chosen.part); err != nil {
		return nil, err
	}
	head, err := s.readHeader(p)
	if err != nil {
		return nil, err
	}
	s.width = len(head.cells)
	switch err := s.nextRow(); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the sheet has a header and no rows")
	case err != nil:
		return nil, err
	}
	s.first = true
	return head, nil
}

// choose finds the sheet to read. Two that hold something are one too many to choose from in silence.
func (s *sheetSource) choose(want string) (sheet, error) {
	var names []string
	var filled []sheet
	for _, sh := range s.book.sheets {
		names = append(names, showable(sh.name))
		if want != "" && sh.name == want {
			return sh, nil
		}
		if want != "" {
			continue
		}
		if err := s.begin(sh.part); err != nil {
			return sheet{}, err
		}
		switch err := s.nextRow(); {
		case err == nil:
			filled = append(filled, sh)
		case !errors.Is(err, io.EOF):
			return sheet{}, err
		}
	}
	switch {
	case want != "":
		return sheet{}, fmt.Errorf("the workbook has no sheet of that name; its sheets are %s", strings.Join(names, ", "))
	case len(filled) == 0:
		return sheet{}, errors.New("the workbook is empty: a sheet needs a header and a row for each person")
	case len(filled) > 1:
		var which []string
		for _, f := range filled {
			which = append(which, showable(f.name))
		}
		return sheet{}, fmt.Errorf("the workbook has %d sheets that hold something (%s): say which one with --sheet, and import each that lists people", len(filled), strings.Join(which, ", "))
	}
	return filled[0], nil
}

// begin goes to the start of a sheet.
func (s *sheetSource) begin(part string) error {
	if s.part != nil {
		_ = s.part.Close()
	}
	var err error
	if s.part, err = s.book.part(part); err != nil {
		return err
	}
	s.x, s.row, s.ended, s.first = newXML(s.part, maxXMLText), 0, false, false
	return nil
}

func (s *sheetSource) readHeader(p *plan) (*header, error) {
	var refused error
	for range maxTitles + 1 {
		switch err := s.nextRow(); {
		case errors.Is(err, io.EOF) && refused != nil:
			return nil, refused
		case err != nil:
			return nil, err
		}
		cells := slices.Clone(s.cells)
		for len(cells) > 0 && strings.TrimSpace(cells[len(cells)-1]) == "" {
			cells = cells[:len(cells)-1]
		}
		if s.wide || len(cells) > s.limits.Columns {
			return nil, fmt.Errorf("the header in row %d has more than %d columns", s.row, s.limits.Columns)
		}
		head := parseHeader(cells, p)
		if err := head.person(); err != nil {
			return nil, fmt.Errorf("row %d: %w", s.row, err)
		}
		err := head.check()
		if err == nil {
			if m := s.mergeIn(len(cells), head.fields); m {
				return nil, fmt.Errorf("the header in row %d has merged cells: unmerge them and name each column", s.row)
			}
			return &head, nil
		}
		if refused == nil || len(cells) > 1 {
			refused = fmt.Errorf("row %d: %w", s.row, err)
		}
		if filled(cells) > 1 {
			return nil, refused
		}
	}
	return nil, refused
}

func filled(cells []string) (n int) {
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			n++
		}
	}
	return n
}

// mergeIn reports whether a column that is understood is merged with others in the row.
func (s *sheetSource) mergeIn(width int, fields []fieldNo) bool {
	for _, m := range s.merged {
		if s.row < m.top || s.row > m.bottom {
			continue
		}
		for c := m.left; c <= min(m.right, width); c++ {
			if fields[c-1] != noField && m.right > m.left {
				return true
			}
		}
	}
	return false
}

func (s *sheetSource) encoding() string { return encUTF8 }
func (s *sheetSource) format() string   { return formatXLSX }

func (s *sheetSource) close() {
	if s.part != nil {
		_ = s.part.Close()
	}
	s.book.close()
}

func (s *sheetSource) next(rec *record) error {
	if !s.first {
		if err := s.nextRow(); err != nil {
			if errors.Is(err, io.EOF) {
				return io.EOF
			}
			return fmt.Errorf("after row %d: %w", s.row, err)
		}
	}
	s.first = false
	rec.line, rec.end = int64(s.row), int64(s.row)
	if s.raw {
		rec.raw = asCSV(s.cells)
	}
	for i := s.width; i < len(s.cells); i++ {
		if strings.TrimSpace(s.cells[i]) != "" {
			s.wide = true
		}
	}
	for _, c := range s.cells {
		if len(c) > s.limits.FieldBytes {
			rec.fault, rec.column = TooLong, slices.Index(s.cells, c)
			return nil
		}
	}
	if s.wide {
		rec.fault = ColumnCount
		return nil
	}
	rec.cells = append(rec.cells[:0], s.cells[:min(len(s.cells), s.width)]...)
	for len(rec.cells) < s.width {
		rec.cells = append(rec.cells, "")
	}
	s.markMerged(rec)
	if s.bad {
		rec.marks = s.marks
	}
	return nil
}

// markMerged sets aside what is in a merged range: only its first row could be told whose it is, and not whether it is meant
// for the others too.
func (s *sheetSource) markMerged(rec *record) {
	for _, m := range s.merged {
		if s.row < m.top || s.row > m.bottom {
			continue
		}
		for c := m.left; c <= min(m.right, s.width); c++ {
			if s.row == m.top && c == m.left && m.top == m.bottom {
				continue // merged sideways over nothing
			}
			rec.fault, rec.column = Merged, c-1
			return
		}
	}
}

// asCSV writes cells as they would stand in a file that can be imported again.
func asCSV(cells []string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(cells) // a builder takes everything
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

// nextRow reads up to the next row with anything in it.
func (s *sheetSource) nextRow() error {
	for !s.ended {
		kind, _, err := s.x.next()
		switch {
		case errors.Is(err, io.EOF):
			return errHalfZIP // the sheet's own end was not met
		case err != nil:
			return err
		case kind == xmlEnd && s.x.name == "sheetData", kind == xmlStart && s.x.name == "sheetData" && s.x.empty:
			s.ended = true
		case kind == xmlEnd && s.x.name == "worksheet":
			s.ended = true
		case kind == xmlStart && s.x.name == "row":
			if err := s.readRow(); err != nil {
				return err
			}
			if filled(s.cells) > 0 || s.bad || s.wide {
				return nil
			}
		}
	}
	return io.EOF
}

func (s *sheetSource) readRow() error {
	s.cells, s.marks, s.bad, s.wide = s.cells[:0], s.marks[:0], false, false
	no := s.row + 1
	if r := s.x.attr("r"); r != "" {
		n, err := strconv.Atoi(r)
		if err != nil || n < no || n > maxSheetRows {
			return errXML
		}
		no = n
	}
	s.row = no
	if s.x.empty {
		return nil
	}
	column := 0
	for {
		kind, _, err := s.x.next()
		switch {
		case err != nil:
			return short(err)
		case kind == xmlEnd && s.x.name == "row":
			return nil
		case kind == xmlStart && s.x.name == "c":
			column++
			if ref := s.x.attr("r"); ref != "" {
				c, _, ok := cellRef(ref)
				if !ok || c < column {
					return errXML
				}
				column = c
			}
			text, mark, err := s.readCell()
			if err != nil {
				return err
			}
			s.put(column, text, mark)
		}
	}
}

func (s *sheetSource) put(column int, text string, mark Reason) {
	if text == "" && mark == "" {
		return
	}
	if column > s.limits.Columns {
		s.wide = s.wide || strings.TrimSpace(text) != ""
		return
	}
	for len(s.cells) < column {
		s.cells = append(s.cells, "")
		s.marks = append(s.marks, "")
	}
	s.cells[column-1], s.marks[column-1] = text, mark
	s.bad = s.bad || mark != ""
}

// readCell reads a cell up to its end.
func (s *sheetSource) readCell() (text string, mark Reason, err error) {
	kind, style := s.x.attr("t"), s.x.attr("s")
	var value []byte
	inside, formula, hasValue := "", false, false
	for {
		event, chars, err := s.x.next()
		if err != nil {
			return "", "", short(err)
		}
		switch event {
		case xmlStart:
			if s.x.name == "is" {
				if text, err = richText(s.x, "is"); err != nil {
					return "", "", err
				}
				continue
			}
			inside = s.x.name
			formula = formula || inside == "f"
			hasValue = hasValue || inside == "v"
		case xmlEnd:
			inside = ""
			if s.x.name != "c" {
				continue
			}
			if formula && !hasValue {
				return "", CellError, nil
			}
			if kind == "inlineStr" {
				return text, "", nil
			}
			text, mark = s.value(kind, style, string(value))
			return text, mark, nil
		case xmlText:
			if inside == "v" {
				if value = append(value, chars...); len(value) > maxXMLText {
					return "", "", errXMLLong
				}
			}
		}
	}
}

// value reads what a cell's value means by its type.
func (s *sheetSource) value(kind, style, v string) (string, Reason) {
	switch kind {
	case "s":
		i, err := strconv.Atoi(strings.TrimSpace(v))
		text, ok := s.book.strings.at(i)
		if err != nil || !ok {
			return "", CellError
		}
		return text, ""
	case "str", "d":
		return unescapeCell(v), ""
	case "b":
		if strings.TrimSpace(v) == "1" {
			return "true", ""
		}
		return "false", ""
	case "e":
		return "", CellError
	}
	v = strings.TrimSpace(v)
	if v == "" {
		return "", ""
	}
	if i, err := strconv.Atoi(style); err == nil && i >= 0 && i < len(s.book.dates) && s.book.dates[i] != noDate {
		if day, ok := sheetDay(v, s.book.since04); ok {
			if month, first := strings.CutSuffix(day, "-01"); first && s.book.dates[i] == monthOnly {
				day = month // whoever typed a month has the first of it in the cell
			}
			return day, ""
		}
	}
	return sheetNumber(v)
}

// sheetNumber writes a number without an exponent. Spreadsheets keep 15 digits, so a longer one has lost its end.
func sheetNumber(v string) (string, Reason) {
	if len(v) <= 15 && digits(v) {
		return v, ""
	}
	f, err := strconv.ParseFloat(v, 64)
	switch {
	case err != nil || math.IsNaN(f):
		return "", CellError
	case math.Abs(f) >= 1e15:
		return "", Rounded
	case f == math.Trunc(f):
		return strconv.FormatFloat(f, 'f', 0, 64), ""
	}
	return strconv.FormatFloat(f, 'f', -1, 64), ""
}

func digits(s string) bool {
	whole, rest := leadingDigits(s)
	return whole != "" && rest == ""
}

// sheetDay writes a spreadsheet's day as a date. Day 60 of 1900 never was: the days before it count from one day later.
func sheetDay(v string, since04 bool) (string, bool) {
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || f < 0 || f >= 2_958_466 {
		return "", false
	}
	whole, part := math.Modf(f)
	clock := time.Duration(part * float64(24*time.Hour)).Round(time.Second)
	if whole < 1 && !since04 {
		return time.Time{}.Add(clock).Format("15:04:05"), true
	}
	day := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case since04:
		day = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case whole < 60:
		day = day.AddDate(0, 0, 1)
	}
	day = day.AddDate(0, 0, int(whole)).Add(clock)
	if clock == 0 {
		return day.Format("2006-01-02"), true
	}
	return day.Format("2006-01-02T15:04:05"), true
}
