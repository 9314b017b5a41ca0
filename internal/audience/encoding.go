package audience

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"
)

// The encodings, as they are told to people.
const (
	encUTF8    = "UTF-8"
	encUTF8BOM = "UTF-8 with BOM"
	encGB18030 = "GB18030"
)

// A decoder turns lines into UTF-8. It settles on an encoding by a byte order mark, by a header that is Chinese in UTF-8, else
// at the first line that is not ASCII by what most lines from there are.
//
// UTF-8 that is read as GB18030 looks valid, and the GB18030 decoder never errs, so the order of the questions matters: a
// line that is valid UTF-8 counts as that. Later lines that break the encoding are set aside one by one.
type decoder struct {
	name    string // empty while every line was ASCII
	gb      transform.Transformer
	scratch []byte
}

func (d *decoder) encoding() string {
	if d.name == "" {
		return encUTF8
	}
	return d.name
}

// skipMark consumes a byte order mark and refuses what is no text file at all.
func (d *decoder) skipMark(l *lineReader) error {
	head, _ := l.r.Peek(4)
	for _, k := range []struct{ mark, what string }{
		{"PK\x03\x04", "an Excel workbook or a ZIP archive: open it and save the sheet as \"CSV UTF-8\""},
		{"PAR1", "a Parquet file: export it as CSV"},
		{"\x1f\x8b", "compressed with gzip: unpack it first"},
		{"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first"},
		{"\xff\xfe", "in UTF-16 (\"Unicode text\"): save it as \"CSV UTF-8\""},
		{"\xfe\xff", "in UTF-16 (\"Unicode text\"): save it as \"CSV UTF-8\""},
		{"\xd0\xcf\x11\xe0", "an old Excel workbook: open it and save the sheet as \"CSV UTF-8\""},
	} {
		if bytes.HasPrefix(head, []byte(k.mark)) {
			return errors.New("the file is " + k.what)
		}
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		d.name = encUTF8BOM
		_, _ = l.r.Discard(3) // they were peeked at
	case bytes.HasPrefix(head, []byte("\x84\x31\x95\x33")):
		d.name = encGB18030
		_, _ = l.r.Discard(4)
	}
	return nil
}

// settleByHeader lets a header that is Chinese in UTF-8 decide, however many broken lines follow it.
func (d *decoder) settleByHeader(raw []byte) {
	if d.name == "" && !ascii(raw) && surelyUTF8(raw) {
		d.name = encUTF8
	}
}

// text returns a line as UTF-8, or the fault of its bytes.
func (d *decoder) text(p physical, l *lineReader) (string, Reason) {
	if bytes.IndexByte(p.raw, 0) >= 0 {
		return "", NUL
	}
	if ascii(p.raw) {
		return string(p.raw), ""
	}
	if d.name == "" {
		p = p.copied()
		d.name = mostLines(p.raw, l.ahead())
	}
	if d.name != encGB18030 {
		if !utf8.Valid(p.raw) || bytes.Contains(p.raw, []byte("\uFFFD")) {
			return "", BadEncoding
		}
		return string(p.raw), ""
	}
	return d.fromGB18030(p.raw)
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

// mostLines tells by the lines that are not ASCII. The last line of the window may be cut and does not count.
func mostLines(first, ahead []byte) string {
	valid, invalid := 0, 0
	count := func(line []byte) {
		switch {
		case ascii(line):
		case utf8.Valid(line):
			valid++
		default:
			invalid++
		}
	}
	count(first)
	for {
		i := bytes.IndexByte(ahead, '\n')
		if i < 0 {
			break
		}
		count(ahead[:i])
		ahead = ahead[i+1:]
	}
	if invalid > valid {
		return encGB18030
	}
	return encUTF8
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
