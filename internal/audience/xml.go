package audience

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
)

// xmlReader walks through the XML of a workbook without building anything. It knows what workbooks hold, elements, attributes,
// text, CDATA, comments, the five named entities and numbered ones, and refuses what they never do: a document type, for which
// parsers have been made to read other files and to grow without end. What one element or text can cost is bounded.
type xmlReader struct {
	r       *bufio.Reader
	name    string // of the element, without its prefix
	attrs   []xmlAttr
	empty   bool // <name/>: its end follows at once
	pending bool
	buf     []byte
	max     int // of a text
}

type xmlAttr struct{ name, value string }

type xmlKind int

const (
	xmlStart xmlKind = iota
	xmlEnd
	xmlText
)

var (
	errXML     = errors.New("the workbook is damaged: open it, save it again, and send the new file")
	errXMLLong = errors.New("the workbook has a text that is longer than any cell can be")
)

const maxXMLTag = 64 << 10

func newXML(r io.Reader, maxText int) *xmlReader {
	x := &xmlReader{r: bufio.NewReaderSize(r, 64<<10), max: maxText}
	if head, _ := x.r.Peek(3); string(head) == "\xef\xbb\xbf" {
		_, _ = x.r.Discard(3)
	}
	return x
}

// next is the next start, end or text; io.EOF after the last. text is valid until the next call.
func (x *xmlReader) next() (kind xmlKind, text []byte, err error) {
	if x.pending {
		x.pending = false
		return xmlEnd, nil, nil
	}
	for {
		c, err := x.r.ReadByte()
		if err != nil {
			return 0, nil, err
		}
		if c != '<' {
			_ = x.r.UnreadByte()
			text, err := x.text()
			return xmlText, text, err
		}
		head, err := x.r.Peek(1)
		if err != nil {
			return 0, nil, short(err)
		}
		switch head[0] {
		case '?':
			err = x.skipPast("?>")
		case '!':
			var cdata bool
			if cdata, err = x.bang(); cdata && err == nil {
				text, err := x.until("]]>")
				return xmlText, text, err
			}
		default:
			kind, err := x.tag()
			return kind, nil, err
		}
		if err != nil {
			return 0, nil, err
		}
	}
}

func short(err error) error {
	if errors.Is(err, io.EOF) {
		return errXML
	}
	return err
}

// bang skips a comment, or reports the beginning of CDATA.
func (x *xmlReader) bang() (cdata bool, err error) {
	head, err := x.r.Peek(8)
	switch {
	case err != nil:
		return false, short(err)
	case string(head) == "![CDATA[":
		_, err = x.r.Discard(8)
		return true, err
	case string(head[:3]) == "!--":
		_, _ = x.r.Discard(3)
		return false, x.skipPast("-->")
	}
	return false, errXML // a document type
}

func (x *xmlReader) skipPast(end string) error {
	var last [3]byte
	for {
		c, err := x.r.ReadByte()
		if err != nil {
			return short(err)
		}
		last = [3]byte{last[1], last[2], c}
		if strings.HasSuffix(string(last[:]), end) {
			return nil
		}
	}
}

func (x *xmlReader) until(end string) ([]byte, error) {
	x.buf = x.buf[:0]
	for {
		c, err := x.r.ReadByte()
		if err != nil {
			return nil, short(err)
		}
		x.buf = append(x.buf, c)
		if c == '>' && len(x.buf) >= len(end) && string(x.buf[len(x.buf)-len(end):]) == end {
			return x.buf[:len(x.buf)-len(end)], nil
		}
		if len(x.buf) > x.max {
			return nil, errXMLLong
		}
	}
}

// text reads up to the next element.
func (x *xmlReader) text() ([]byte, error) {
	x.buf = x.buf[:0]
	for {
		part, err := x.r.ReadSlice('<')
		whole := err == nil
		if whole {
			part = part[:len(part)-1]
			_ = x.r.UnreadByte()
		} else if !errors.Is(err, bufio.ErrBufferFull) && (!errors.Is(err, io.EOF) || len(part) == 0) {
			if errors.Is(err, io.EOF) {
				return x.unescaped()
			}
			return nil, err
		}
		if len(x.buf)+len(part) > x.max {
			if !blankXML(part) || !blankXML(x.buf) {
				return nil, errXMLLong
			}
			part = nil // white space between elements, however much
		}
		x.buf = append(x.buf, part...)
		if whole {
			return x.unescaped()
		}
	}
}

func blankXML(b []byte) bool {
	for _, c := range b {
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}

// tag reads what stands between < and >.
func (x *xmlReader) tag() (xmlKind, error) {
	x.buf = x.buf[:0]
	quote := byte(0)
	for {
		c, err := x.r.ReadByte()
		if err != nil {
			return 0, short(err)
		}
		if c == '>' && quote == 0 {
			break
		}
		switch {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote:
			quote = 0
		}
		x.buf = append(x.buf, c)
		if len(x.buf) > maxXMLTag {
			return 0, errXML
		}
	}
	tag := x.buf
	if len(tag) > 0 && tag[0] == '/' {
		x.name = local(strings.TrimSpace(string(tag[1:])))
		return xmlEnd, nil
	}
	if x.empty = len(tag) > 0 && tag[len(tag)-1] == '/'; x.empty {
		tag = tag[:len(tag)-1]
		x.pending = true
	}
	return xmlStart, x.element(string(tag))
}

func (x *xmlReader) element(tag string) error {
	end := strings.IndexAny(tag, " \t\r\n")
	if end < 0 {
		end = len(tag)
	}
	x.name, x.attrs = local(tag[:end]), x.attrs[:0]
	if x.name == "" {
		return errXML
	}
	for rest := strings.TrimLeft(tag[end:], " \t\r\n"); rest != ""; {
		name, after, ok := strings.Cut(rest, "=")
		after = strings.TrimLeft(after, " \t\r\n")
		if !ok || after == "" || after[0] != '"' && after[0] != '\'' {
			return errXML
		}
		value, more, ok := strings.Cut(after[1:], after[:1])
		if !ok {
			return errXML
		}
		plain, err := unescapeXML([]byte(value))
		if err != nil {
			return err
		}
		x.attrs = append(x.attrs, xmlAttr{local(strings.TrimSpace(name)), string(plain)})
		rest = strings.TrimLeft(more, " \t\r\n")
	}
	return nil
}

// attr is an attribute of the element that began last; empty where it has none.
func (x *xmlReader) attr(name string) string {
	for _, a := range x.attrs {
		if a.name == name {
			return a.value
		}
	}
	return ""
}

func local(name string) string {
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		return name[i+1:]
	}
	return name
}

func (x *xmlReader) unescaped() ([]byte, error) {
	var err error
	x.buf, err = unescapeXML(x.buf)
	return x.buf, err
}

// unescapeXML resolves entities in place: what they stand for is never longer than they are.
func unescapeXML(b []byte) ([]byte, error) {
	out := b[:0]
	for i := 0; i < len(b); i++ {
		if b[i] != '&' {
			out = append(out, b[i])
			continue
		}
		end := i + 1
		for end < len(b) && end < i+12 && b[end] != ';' {
			end++
		}
		if end >= len(b) || b[end] != ';' {
			return nil, errXML
		}
		r, ok := entity(string(b[i+1 : end]))
		if !ok {
			return nil, errXML
		}
		out = append(out, string(r)...)
		i = end
	}
	return out, nil
}

func entity(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, numbered := strings.CutPrefix(name, "#")
	base := 10
	if rest, hex := strings.CutPrefix(digits, "x"); hex {
		digits, base = rest, 16
	}
	n, err := strconv.ParseInt(digits, base, 32)
	return rune(n), numbered && err == nil && n > 0 && n <= 0x10ffff
}
