package audience

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// windowBytes is how much of a file is looked at to tell its encoding. It also bounds the longest line that is held.
const windowBytes = 1 << 20

// A physical line of the file, without its end. raw is valid until the next line is read from the file.
type physical struct {
	no    int64
	raw   []byte
	text  string // instead of raw, where clean
	clean bool   // known to be UTF-8 without faults
	long  bool   // beyond the limit; raw is nil
}

// blockBytes is how much of a file is checked and copied at once, where it is whole lines without faults.
const blockBytes = 16 << 10

// lineReader splits a stream into lines of bounded length and takes lines back, so that a record that went wrong costs one
// line and not those that follow.
type lineReader struct {
	r    *bufio.Reader
	dec  *decoder
	max  int
	no   int64
	back []physical // to be read again, in order; their bytes are copies
	err  error      // stays, once met

	blocks bool   // lines may be read by blocks: the encoding is not to be told any more
	block  string // clean lines with their ends, read and not given out
	single int    // bytes that are read line by line, as they were no clean block
}

// startsJSON reports whether the first character that is not white space opens a JSON object or list.
func (l *lineReader) startsJSON() bool {
	head, _ := l.r.Peek(4096)
	head = bytes.TrimLeft(head, " \t\r\n")
	return len(head) > 0 && (head[0] == '{' || head[0] == '[')
}

// text is a line as UTF-8, or the fault of its bytes.
func (l *lineReader) text(p physical) (string, Reason) {
	if p.clean {
		return p.text, ""
	}
	return l.dec.decode(p, l)
}

func (l *lineReader) next() (physical, error) {
	if len(l.back) > 0 {
		p := l.back[0]
		l.back = l.back[1:]
		return p, nil
	}
	if l.block == "" && l.blocks {
		l.nextBlock()
	}
	if l.block != "" {
		return l.ofBlock(), nil
	}
	if l.err != nil {
		return physical{}, l.err
	}
	b, err := l.r.ReadSlice('\n')
	l.single -= len(b)
	long := false
	for errors.Is(err, bufio.ErrBufferFull) {
		long = true
		b, err = l.r.ReadSlice('\n')
		l.single -= len(b)
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(b) == 0 && !long) {
		l.err = err
		return physical{}, err // what came before a failed read may be half a line: it is no row
	}
	l.no++
	if long || len(b) > l.max {
		return physical{no: l.no, long: true}, nil
	}
	return physical{no: l.no, raw: bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))}, nil
}

// nextBlock takes the whole lines that were read from the file already, if nothing is wrong with any of them.
func (l *lineReader) nextBlock() {
	if l.single > 0 {
		return
	}
	b, _ := l.r.Peek(min(l.r.Buffered(), blockBytes)) // it is there
	n := bytes.LastIndexByte(b, '\n') + 1
	if !l.dec.clean(b[:n]) {
		l.single = n
		return
	}
	l.block = string(b[:n])
	_, _ = l.r.Discard(n)
}

func (l *lineReader) ofBlock() physical {
	line, rest, _ := strings.Cut(l.block, "\n")
	l.block = rest
	l.no++
	if len(line)+1 > l.max {
		return physical{no: l.no, long: true}
	}
	return physical{no: l.no, text: strings.TrimSuffix(line, "\r"), clean: true}
}

// unread gives lines back, to be read before all others.
func (l *lineReader) unread(lines []physical) {
	if len(lines) > 0 {
		l.back = append(lines[:len(lines):len(lines)], l.back...)
	}
}

// ahead returns what follows, up to the window, without consuming it. It invalidates lines read before.
func (l *lineReader) ahead() []byte {
	b, _ := l.r.Peek(windowBytes)
	return b
}

func (p physical) copied() physical {
	p.raw = bytes.Clone(p.raw)
	return p
}

// blank looks at ASCII only: two bytes that are a space in UTF-8 are a letter in GB18030.
func (p physical) blank() bool {
	if p.clean {
		return strings.Trim(p.text, " \t\r\v\f") == ""
	}
	return !p.long && len(bytes.Trim(p.raw, " \t\r\v\f")) == 0
}
