package email

import (
	"bufio"
	"bytes"
	"errors"
	"time"
)

// say sends commands, and hear reads the answer to one. They speak on go-mail's connection once it is greeted, encrypted
// and authenticated, through the reader and writer that it keeps.
func (l *link) say(within time.Duration, lines string) error {
	if err := l.client.UpdateDeadline(within); err != nil {
		return err
	}
	w := l.client.Text.W
	if _, err := w.WriteString(lines); err != nil {
		return err
	}
	return w.Flush()
}

// write sends bytes as they are. whole says that the last of them may have left although it failed.
func (l *link) write(b []byte) (whole bool, err error) {
	w := l.client.Text.W
	n, err := w.Write(b)
	if err == nil {
		err = w.Flush()
	}
	return n-w.Buffered() >= len(b), err
}

// mostLines of one answer are heard.
const mostLines = 100

var errAnswer = errors.New("the relay's answer is none of SMTP's")

// hear reads one answer, of several lines perhaps. It is good until the next one. The answer's number must be the one that
// was hoped for, or begin with it; else the error is a [*refusal].
func (l *link) hear(granted int) ([]byte, error) {
	l.in = l.in[:0]
	for range mostLines {
		line, err := l.line()
		if err != nil {
			return nil, err
		}
		code := 0
		for i := range 3 {
			if i >= len(line) || line[i] < '0' || line[i] > '9' {
				return nil, errAnswer
			}
			code = 10*code + int(line[i]-'0')
		}
		more := len(line) > 3 && line[3] == '-'
		l.in = append(append(l.in, line...), '\n')
		switch {
		case more:
		case granted == code, granted == code/10:
			return l.in, nil
		default:
			return nil, readRefusal(code, l.in)
		}
	}
	return nil, errAnswer
}

// line reads one line. Of one that is longer than the reader's memory the beginning is kept: the number stands there, and an
// answer must not put a mail in doubt because it is wordy.
func (l *link) line() ([]byte, error) {
	r := l.client.Text.R
	line, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return bytes.TrimRight(line, "\r\n"), err
	}
	kept := bytes.Clone(line[:512])
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.ReadSlice('\n')
	}
	return kept, err
}

// mostKept is the longest message whose memory a connection keeps for the next one.
const mostKept = 256 << 10

// finished writes a message as it crosses the wire: a dot before each line that begins with one, and the dot that ends it
// all (RFC 5321, 4.5.2). It refuses a message with a bare CR or LF, after which some relays take a dot for the end. The
// result is good until the next call.
func (l *link) finished(body []byte) ([]byte, bool) {
	if cap(l.out) > mostKept {
		l.out = nil
	}
	out := l.out[:0]
	if bytes.Count(body, []byte("\r")) != bytes.Count(body, []byte("\n")) {
		return nil, false
	}
	for rest := body; len(rest) > 0; {
		if rest[0] == '.' {
			out = append(out, '.')
		}
		end := bytes.IndexByte(rest, '\n')
		if end < 1 || rest[end-1] != '\r' { // the last line has its end too
			return nil, false
		}
		out = append(out, rest[:end+1]...)
		rest = rest[end+1:]
	}
	l.out = append(out, ".\r\n"...)
	return l.out, true
}
