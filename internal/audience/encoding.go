package audience

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// The encodings, as they are told to people.
const (
	encUTF8    = "UTF-8"
	encUTF8BOM = "UTF-8 with BOM"
	encGB18030 = "GB18030"
	encUTF16LE = "UTF-16LE"
	encUTF16BE = "UTF-16BE"
)

// ParseEncoding reads the name of an encoding in which the caller knows a text to be: utf-8, utf-16le, utf-16be, gb18030 (gbk,
// gb2312), and those which are never guessed, such as big5, shift_jis, euc-kr and windows-1252.
func ParseEncoding(s string) (string, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "":
		return "", nil
	case "utf-16", "utf16", "utf-16le", "utf16le":
		return encUTF16LE, nil
	case "utf-16be", "utf16be":
		return encUTF16BE, nil
	}
	e, err := htmlindex.Get(s)
	if err != nil {
		return "", fmt.Errorf("%q is no encoding that is known: write utf-8, gb18030, utf-16le, utf-16be, big5, shift_jis, euc-kr or windows-1252", showable(s))
	}
	name, err := htmlindex.Name(e)
	switch {
	case err != nil, name == "replacement", name == "x-user-defined":
		return "", fmt.Errorf("%q is no encoding that files of people are read in", showable(s))
	case name == "utf-8":
		return encUTF8, nil
	case name == "gbk", name == "gb18030":
		return encGB18030, nil
	}
	return name, nil
}

// foreign refuses what is certainly none of the formats.
func foreign(head []byte) error {
	for _, k := range []struct{ mark, what string }{
		{"\xd0\xcf\x11\xe0", "an old Excel workbook, or one with a password: open it and save it as an Excel workbook (.xlsx) without a password"},
		{"PK\x05\x06", "an empty ZIP archive"},
		{"%PDF", "a PDF: export the list as CSV or as an Excel workbook"},
		{"Rar!", "a RAR archive: unpack it first"},
		{"7z\xbc\xaf", "a 7-Zip archive: unpack it first"},
		{"BZh", "packed with bzip2: unpack it, or pack it with gzip or zstd"},
		{"\xfd7zXZ", "packed with xz: unpack it, or pack it with gzip or zstd"},
		{"\x04\x22\x4d\x18", "packed with lz4: unpack it, or pack it with gzip or zstd"},
		{"\xff\xfe\x00\x00", "a text in UTF-32: save it as UTF-8"},
		{"ORC", "an ORC file: export it as Parquet or CSV"},
		{"Obj\x01", "an Avro file: export it as Parquet or CSV"},
		{"SQLite f", "an SQLite database: export the table as CSV"},
	} {
		if bytes.HasPrefix(head, []byte(k.mark)) {
			return errors.New("the file is " + k.what)
		}
	}
	if markup := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"); len(markup) > 1 && markup[0] == '<' && (markup[1] == '!' || markup[1] == '?' || alnum(markup[1])) {
		return errors.New("the file is a web page or XML, as some systems export tables for Excel: open it in a spreadsheet program and save it as an Excel workbook (.xlsx) or as \"CSV UTF-8\"")
	}
	return nil
}

// openText settles what can be settled before lines are cut: marks, UTF-16, encodings that the caller names, and line ends of
// carriage returns alone.
func openText(in *bufio.Reader, o Options) (*lineReader, error) {
	want, err := ParseEncoding(o.Encoding)
	if err != nil {
		return nil, err
	}
	dec := &decoder{name: want, forced: want != ""}
	window, err := in.Peek(windowBytes)
	switch {
	case isUnpacking(err):
		return nil, err // before the first row is given out
	case err != nil && !errors.Is(err, io.EOF):
		window, _ = in.Peek(in.Buffered()) // the lines that came before a failed read are rows
	}
	switch mark, n := byteOrderMark(window); {
	case mark == "":
		if want == "" {
			dec.name = withoutMark(window)
		}
	case want != "" && want != mark && (want != encUTF8 || mark != encUTF8BOM):
		return nil, fmt.Errorf("the file begins with the mark of %s, and --encoding says %s: leave --encoding out", mark, want)
	default:
		dec.name = mark
		_, _ = in.Discard(n) // they were peeked at
	}
	if e := dec.whole(); e != nil {
		in = bufio.NewReaderSize(transform.NewReader(in, e.NewDecoder()), windowBytes)
	}
	if window, _ = in.Peek(windowBytes); bytes.IndexByte(window, '\n') < 0 && bytes.IndexByte(window, '\r') >= 0 {
		in = bufio.NewReaderSize(&carriageReturns{in}, windowBytes)
	}
	return &lineReader{r: in, max: o.Limits.RecordBytes, dec: dec}, nil
}

// carriageReturns reads the line ends of old Macintosh files.
type carriageReturns struct{ r io.Reader }

// Read reads on.
func (c *carriageReturns) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	for i := range n {
		if p[i] == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

func byteOrderMark(head []byte) (name string, size int) {
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		return encUTF8BOM, 3
	case bytes.HasPrefix(head, []byte("\x84\x31\x95\x33")):
		return encGB18030, 4
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return encUTF16LE, 2
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return encUTF16BE, 2
	}
	return "", 0
}

// withoutMark recognises UTF-16 by the halves that ASCII leaves empty: the second, or the first. A few of the others are empty
// too, as of 一 (U+4E00).
func withoutMark(window []byte) string {
	window = window[:min(len(window), 4096)&^1]
	var empty [2]int
	for i, b := range window {
		if b == 0 {
			empty[i%2]++
		}
	}
	switch n := max(empty[0], empty[1]); {
	case n < 3 || n*16 < len(window):
	case 8*empty[0] < n:
		return encUTF16LE
	case 8*empty[1] < n:
		return encUTF16BE
	}
	return ""
}

// A decoder turns lines into UTF-8. It settles on an encoding by a byte order mark, by a header that is Chinese in UTF-8, else
// by what most lines are from the first that is not ASCII.
//
// UTF-8 that is read as GB18030 looks valid, and the GB18030 decoder never errs, so the order of the questions matters: a
// line that is valid UTF-8 counts as that. Later lines that break the encoding are set aside one by one.
type decoder struct {
	name    string // empty while every line was ASCII
	forced  bool   // by the caller
	gb      transform.Transformer
	scratch []byte
}

func (d *decoder) encoding() string {
	if d.name == "" {
		return encUTF8
	}
	return d.name
}

// whole is the encoding in which the stream as a whole is read; nil where lines are read one by one.
func (d *decoder) whole() encoding.Encoding {
	switch d.name {
	case "", encUTF8, encUTF8BOM, encGB18030:
		return nil
	case encUTF16LE:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case encUTF16BE:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	}
	e, err := htmlindex.Get(d.name)
	if err != nil {
		panic("audience: encoding without decoder: " + d.name) // ParseEncoding let it through
	}
	return e
}

// settle decides before the first row is given out, where the first window has a line that is not ASCII. What it cannot decide
// it refuses: names that are read wrongly look like names.
func (d *decoder) settle(header, ahead []byte) error {
	if d.name != "" {
		return nil
	}
	if !ascii(header) && surelyUTF8(header) {
		d.name = encUTF8
		return nil
	}
	seen := survey(header, ahead)
	if seen.total() == 0 {
		return nil
	}
	if less := min(seen.valid, seen.invalid); less >= 5 && 2*less > max(seen.valid, seen.invalid) {
		return fmt.Errorf("the encoding cannot be told: of the first lines %d are UTF-8 and %d are not; say which one counts with --encoding utf-8 or --encoding gb18030, the lines in the other are set aside", seen.valid, seen.invalid)
	}
	d.name = seen.winner()
	if d.name == encGB18030 && (seen.wrong >= 3 && 3*seen.wrong > seen.invalid || seen.pairs >= 20 && 5*seen.common < 3*seen.pairs) {
		return errors.New("the encoding cannot be told: the text is neither UTF-8 nor everyday GB18030; save the file as UTF-8, or say what it is with --encoding (gb18030, big5, shift_jis, euc-kr, windows-1252)")
	}
	return nil
}

// decode returns a line as UTF-8, or the fault of its bytes.
func (d *decoder) decode(p physical, l *lineReader) (string, Reason) {
	if bytes.IndexByte(p.raw, 0) >= 0 {
		return "", NUL
	}
	if ascii(p.raw) {
		return string(p.raw), ""
	}
	if d.name == "" {
		p = p.copied()
		d.name = survey(p.raw, l.ahead()).winner()
	}
	if d.name != encGB18030 {
		if !utf8.Valid(p.raw) || bytes.Contains(p.raw, []byte("\uFFFD")) {
			return "", BadEncoding
		}
		return string(p.raw), ""
	}
	return d.fromGB18030(p.raw)
}

// clean reports whether decode would find no fault in any line of a block, and change none.
func (d *decoder) clean(block []byte) bool {
	if bytes.IndexByte(block, 0) >= 0 {
		return false
	}
	if d.name == "" || d.name == encGB18030 {
		return ascii(block)
	}
	return utf8.Valid(block) && !bytes.Contains(block, []byte("\uFFFD"))
}

func (d *decoder) fromGB18030(raw []byte) (string, Reason) {
	if surelyUTF8(raw) {
		return "", BadEncoding
	}
	if d.gb == nil {
		d.gb = simplifiedchinese.GB18030.NewDecoder().Transformer
	}
	if need := 3*len(raw) + 16; cap(d.scratch) < need {
		d.scratch = make([]byte, need)
	}
	d.gb.Reset()
	n, _, err := d.gb.Transform(d.scratch[:cap(d.scratch)], raw, true)
	if err != nil || bytes.Contains(d.scratch[:n], []byte("\uFFFD")) {
		return "", BadEncoding
	}
	return string(d.scratch[:n]), ""
}

// seen is what lines that are not ASCII are.
type seen struct {
	valid, invalid int // as UTF-8
	wrong          int // of the invalid ones, those that are not GB18030 either
	pairs, common  int // two-byte characters of the invalid ones, and those among them that are in everyday use
}

func (s seen) total() int { return s.valid + s.invalid }

func (s seen) winner() string {
	if s.invalid > s.valid && s.wrong < s.invalid {
		return encGB18030
	}
	return encUTF8
}

// survey looks at lines. The last line of the window may be cut and does not count.
func survey(first, ahead []byte) seen {
	var s seen
	s.add(first)
	for {
		i := bytes.IndexByte(ahead, '\n')
		if i < 0 {
			return s
		}
		s.add(ahead[:i])
		ahead = ahead[i+1:]
	}
}

func (s *seen) add(line []byte) {
	switch {
	case ascii(line):
	case utf8.Valid(line):
		s.valid++
	default:
		s.invalid++
		s.readAsGB18030(line)
	}
}

// readAsGB18030 counts characters. The first level of GB 2312, with the 3,755 characters in everyday use, lies at B0A1 to D7F9.
func (s *seen) readAsGB18030(line []byte) {
	for len(line) > 0 {
		switch lead := line[0]; {
		case lead < utf8.RuneSelf:
			line = line[1:]
		case lead == 0x80 || lead == 0xff || len(line) < 2:
			s.wrong++
			return
		case line[1] >= 0x40 && line[1] != 0x7f && line[1] != 0xff:
			s.pairs++
			if lead >= 0xb0 && lead <= 0xd7 && line[1] >= 0xa1 {
				s.common++
			}
			line = line[2:]
		case len(line) >= 4 && line[1] >= '0' && line[1] <= '9' && line[2] > 0x80 && line[2] < 0xff && line[3] >= '0' && line[3] <= '9':
			line = line[4:]
		default:
			s.wrong++
			return
		}
	}
}

// surelyUTF8 recognises Chinese text in UTF-8 by its three-byte sequences. Short GB18030 names may by accident be valid UTF-8
// of two-byte sequences; three-byte ones do not line up by accident.
func surelyUTF8(line []byte) bool {
	if !utf8.Valid(line) {
		return false
	}
	for _, r := range string(line) {
		if r >= utf8.RuneSelf && r < 0x800 {
			return false
		}
	}
	return true
}

func ascii[T ~[]byte | ~string](b T) bool {
	for i := range len(b) {
		if b[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
