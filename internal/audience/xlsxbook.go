package audience

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

// workbook is an opened XLSX file. Its parts are read as streams; only the shared strings and the styles are held.
//
// Source: ECMA-376 part 1, 18.2 (workbook), 18.4 (shared strings), 18.8 (styles).
type workbook struct {
	copy    *spool
	parts   map[string]*zip.File
	limits  Limits
	sheets  []sheet
	since04 bool       // days are counted from 1904
	dates   []dateKind // by style
	strings sharedStrings
}

type sheet struct {
	name, part string
}

var (
	errNoWorkbook = errors.New("the file is a ZIP archive and no Excel workbook: unpack it, and send the file in it")
	errHalfZIP    = errors.New("the workbook is incomplete or damaged: it was cut off on its way; fetch it again, or open and save it")
	errZIPBomb    = errors.New("the workbook unpacks to far more than workbooks do, so it is damaged or made to do harm: open it and look at it, or save the sheet as \"CSV UTF-8\"")
)

const (
	maxZIPDirectory = 1 << 20
	maxStyles       = 70_000
	maxXMLText      = 256 << 10 // of a cell; Excel's own limit is 32,767 characters
)

func openWorkbook(in io.Reader, o Options) (*workbook, error) {
	copied, err := newSpool(in, o.TempDir)
	if err != nil {
		return nil, err
	}
	w := &workbook{copy: copied, limits: o.Limits, parts: make(map[string]*zip.File)}
	if err := w.open(); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *workbook) close() { w.copy.close() }

func (w *workbook) open() error {
	if err := w.checkDirectory(); err != nil {
		return err
	}
	archive, err := zip.NewReader(w.copy, w.copy.size)
	if err != nil {
		return errHalfZIP
	}
	for _, f := range archive.File {
		w.parts[strings.TrimPrefix(strings.ToLower(f.Name), "/")] = f
	}
	main := "xl/workbook.xml"
	if w.parts[main] == nil {
		switch {
		case w.parts["xl/workbook.bin"] != nil:
			return errors.New("the file is a binary Excel workbook (.xlsb): save it as an Excel workbook (.xlsx)")
		case w.parts["content.xml"] != nil:
			return errors.New("the file is an OpenDocument sheet: save it as an Excel workbook (.xlsx), or as CSV")
		}
		return errNoWorkbook
	}
	targets, err := w.sheetParts(main)
	if err != nil {
		return err
	}
	if err := w.readSheets(main, targets); err != nil {
		return err
	}
	if err := w.readStyles("xl/styles.xml"); err != nil {
		return err
	}
	return w.readStrings("xl/sharedstrings.xml")
}

// checkDirectory bounds the archive's directory before it is read: the library believes what it says.
func (w *workbook) checkDirectory() error {
	tail := make([]byte, min(w.copy.size, 22+1<<16))
	start := w.copy.size - int64(len(tail))
	if _, err := w.copy.ReadAt(tail, start); err != nil && !errors.Is(err, io.EOF) {
		return errHalfZIP
	}
	i := strings.LastIndex(string(tail), "PK\x05\x06")
	if i < 0 || len(tail)-i < 22 {
		return errHalfZIP
	}
	end := tail[i:]
	size, offset := int64(binary.LittleEndian.Uint32(end[12:])), int64(binary.LittleEndian.Uint32(end[16:]))
	if size > maxZIPDirectory || offset+size != start+int64(i) {
		return errHalfZIP
	}
	return nil
}

// part opens a part as a stream that ends with an error where it unpacks to too much.
func (w *workbook) part(name string) (io.ReadCloser, error) {
	f := w.parts[strings.ToLower(name)]
	if f == nil {
		return nil, errHalfZIP
	}
	r, err := f.Open()
	if err != nil {
		return nil, errHalfZIP
	}
	return &partReader{r: r, left: max(freeBytes, int64(f.CompressedSize64)*w.limits.Ratio)}, nil
}

type partReader struct {
	r    io.ReadCloser
	left int64
}

// Read reads on.
func (p *partReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if p.left -= int64(n); p.left < 0 {
		return 0, errZIPBomb
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = errHalfZIP
	}
	return n, err
}

// Close closes the part.
func (p *partReader) Close() error { return p.r.Close() }

// walk reads a part's XML and calls start at each element.
func (w *workbook) walk(name string, start func(x *xmlReader) error) error {
	r, err := w.part(name)
	if err != nil {
		return err
	}
	defer r.Close()
	x := newXML(r, maxXMLText)
	for {
		kind, _, err := x.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if kind == xmlStart {
			if err := start(x); err != nil {
				return err
			}
		}
	}
}

// sheetParts maps the ids that the workbook uses to the parts of its sheets. What lies outside of the file is left out:
// nothing is fetched.
func (w *workbook) sheetParts(name string) (map[string]string, error) {
	dir, base := path.Split(name)
	targets := make(map[string]string)
	err := w.walk(dir+"_rels/"+base+".rels", func(x *xmlReader) error {
		if x.name != "Relationship" || strings.EqualFold(x.attr("TargetMode"), "External") || !strings.HasSuffix(x.attr("Type"), "/worksheet") || len(targets) > 10_000 {
			return nil
		}
		target := x.attr("Target")
		if !strings.HasPrefix(target, "/") {
			target = path.Join(dir, target)
		}
		targets[x.attr("Id")] = strings.TrimPrefix(target, "/")
		return nil
	})
	return targets, err
}

func (w *workbook) readSheets(main string, targets map[string]string) error {
	return w.walk(main, func(x *xmlReader) error {
		switch x.name {
		case "workbookPr":
			v := x.attr("date1904")
			w.since04 = v == "1" || v == "true"
		case "sheet":
			if target := targets[x.attr("id")]; target != "" && len(w.sheets) < 1000 {
				w.sheets = append(w.sheets, sheet{name: x.attr("name"), part: target}) // hidden ones too: they may list people
			}
		}
		return nil
	})
}

// readStyles notes which styles show a number as a date.
func (w *workbook) readStyles(name string) error {
	if w.parts[name] == nil {
		return nil
	}
	custom := make(map[int]dateKind)
	within := false
	return w.walk(name, func(x *xmlReader) error {
		switch x.name {
		case "numFmt":
			if id, err := strconv.Atoi(x.attr("numFmtId")); err == nil && len(custom) < maxStyles {
				custom[id] = dateFormat(x.attr("formatCode"))
			}
		case "cellXfs":
			within = true
		case "cellStyles", "dxfs":
			within = false
		case "xf":
			if within && len(w.dates) < maxStyles {
				id, _ := strconv.Atoi(x.attr("numFmtId"))
				kind, own := custom[id]
				if !own {
					kind = builtInDate(id)
				}
				w.dates = append(w.dates, kind)
			}
		}
		return nil
	})
}

// dateKind is how a style shows a number: as a number, a day, or a month without its day.
type dateKind uint8

const (
	noDate dateKind = iota
	wholeDate
	monthOnly
)

// builtInDate knows the formats that have a number and no text, with those of Chinese, Japanese and Korean editions; some of the
// latter show a month in one language and a day in another, so they are days.
// Source: ECMA-376 part 1, 18.8.30.
func builtInDate(id int) dateKind {
	switch {
	case id == 17: // mmm-yy
		return monthOnly
	case id >= 14 && id <= 22 || id >= 27 && id <= 36 || id >= 45 && id <= 47 || id >= 50 && id <= 58:
		return wholeDate
	}
	return noDate
}

// dateFormat looks for days and years in a format, apart from quoted text, brackets and escaped characters.
func dateFormat(format string) dateKind {
	var quoted, bracket, escaped, year, day bool
	for _, r := range format {
		switch {
		case escaped:
			escaped = false
		case r == '\\' || r == '_' || r == '*':
			escaped = true
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == '[':
			bracket = true
		case r == ']':
			bracket = false
		case bracket:
		default:
			year = year || r == 'y' || r == 'Y'
			day = day || r == 'd' || r == 'D'
		}
	}
	switch {
	case day:
		return wholeDate
	case year:
		return monthOnly
	}
	return noDate
}

// sharedStrings are the texts that cells name by number, one after the other in one piece of memory.
type sharedStrings struct {
	text []byte
	ends []uint32
}

func (s *sharedStrings) at(i int) (string, bool) {
	if i < 0 || i >= len(s.ends) {
		return "", false
	}
	from := uint32(0)
	if i > 0 {
		from = s.ends[i-1]
	}
	return string(s.text[from:s.ends[i]]), true
}

func (w *workbook) readStrings(name string) error {
	if w.parts[name] == nil {
		return nil
	}
	r, err := w.part(name)
	if err != nil {
		return err
	}
	defer r.Close()
	x := newXML(r, maxXMLText)
	for {
		kind, _, err := x.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case kind != xmlStart || x.name != "si":
			continue
		}
		text, err := richText(x, "si")
		if err != nil {
			return err
		}
		w.strings.text = append(w.strings.text, text...)
		if int64(len(w.strings.text))+4*int64(len(w.strings.ends)) > w.limits.TextBytes {
			return fmt.Errorf("the workbook holds more than %d MiB of different texts, too many to hold in memory: save the sheet as \"CSV UTF-8\", or split it", w.limits.TextBytes>>20)
		}
		w.strings.ends = append(w.strings.ends, uint32(len(w.strings.text)))
	}
}

// richText joins the runs of a text up to the end of the element; how it is pronounced is left out.
func richText(x *xmlReader, element string) (string, error) {
	var all []byte
	within, phonetic := false, false
	for {
		kind, text, err := x.next()
		if err != nil {
			return "", short(err)
		}
		switch kind {
		case xmlStart:
			within = x.name == "t"
			phonetic = phonetic || x.name == "rPh"
		case xmlEnd:
			within = false
			if x.name == "rPh" {
				phonetic = false
			}
			if x.name == element {
				return unescapeCell(string(all)), nil
			}
		case xmlText:
			if within && !phonetic {
				if all = append(all, text...); len(all) > maxXMLText {
					return "", errXMLLong
				}
			}
		}
	}
}

// unescapeCell resolves _x000D_, by which workbooks write characters that XML cannot hold.
func unescapeCell(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	for {
		i := strings.Index(s, "_x")
		if i < 0 || len(s) < i+7 || s[i+6] != '_' {
			if i < 0 {
				b.WriteString(s)
				return b.String()
			}
			b.WriteString(s[:i+2])
			s = s[i+2:]
			continue
		}
		n, err := strconv.ParseUint(s[i+2:i+6], 16, 16)
		if err != nil || n >= 0xd800 && n < 0xe000 {
			b.WriteString(s[:i+2])
			s = s[i+2:]
			continue
		}
		b.WriteString(s[:i])
		b.WriteRune(rune(n))
		s = s[i+7:]
	}
}

// merges lists the ranges of merged cells, which stand behind the rows in the file.
func (w *workbook) merges(name string) ([]span, error) {
	r, err := w.part(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var all []span
	in := bufio.NewReaderSize(r, 256<<10)
	for {
		_, err := in.ReadSlice('<')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		}
		head, _ := in.Peek(160)
		tag, _, _ := strings.Cut(string(head), ">")
		name, attrs, ok := strings.Cut(tag, " ")
		if !ok || local(name) != "mergeCell" {
			continue
		}
		_, ref, _ := strings.Cut(attrs, `ref="`)
		ref, _, _ = strings.Cut(ref, `"`)
		if s, ok := parseSpan(ref); ok {
			all = append(all, s)
		}
		if len(all) > 10_000 {
			return nil, errors.New("the sheet has more than 10,000 merged cells: unmerge them, fill in each row, and send it again")
		}
	}
}

// span is a range of merged cells: rows and columns from one on, both ends within.
type span struct{ top, left, bottom, right int }

func parseSpan(ref string) (span, bool) {
	from, to, ok := strings.Cut(ref, ":")
	if !ok {
		return span{}, false
	}
	left, top, ok1 := cellRef(from)
	right, bottom, ok2 := cellRef(to)
	return span{top, left, bottom, right}, ok1 && ok2
}

// cellRef reads "C5" as column 3 and row 5.
func cellRef(ref string) (column, row int, ok bool) {
	i := 0
	for ; i < len(ref) && ref[i] >= 'A' && ref[i] <= 'Z' && i < 3; i++ {
		column = 26*column + int(ref[i]-'A') + 1
	}
	row, err := strconv.Atoi(ref[i:])
	return column, row, err == nil && i > 0 && row > 0 && row <= maxSheetRows
}

const maxSheetRows = 1 << 20
