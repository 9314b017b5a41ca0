package email

import (
	"bytes"
	"encoding/base64"
	"mime/quotedprintable"
	"strings"
	"sync"
	"time"

	"tocsin/internal/breach"
	"tocsin/notifiers"
)

// A notice goes to millions, and between two of its mails only a few values differ. So go-mail makes the mail once with
// stand-ins for them, and a frame is what is left when they are cut out. Filling a frame gives the very bytes that go-mail
// would have made, at a tenth of the cost; a test compares the two.

// frames are the mails of this relay with places left open. The zero value is ready; it is safe for concurrent use.
type frames struct {
	mu   sync.RWMutex
	made map[frameKey]frame
}

// frameKey is what a frame does not leave open.
type frameKey struct {
	language breach.Language
	subject  string
	html     bool
}

// frame is a mail in pieces. Nil stands for one that cannot be cut up, which go-mail then makes whole each time.
type frame []piece

// piece is some fixed bytes and the place after them.
type piece struct {
	fixed []byte
	place place
}

type place int

const (
	end place = iota
	idPlace
	datePlace
	toPlace
	boundaryPlace
	textPlace
	htmlPlace
)

// mostFrames bounds the memory; a campaign has one for each audience and language.
const mostFrames = 64

// What stands in for the values while go-mail makes the mail.
const (
	standInID   = "0123456789abcdef0123456789abcdef"
	standInTo   = "stand.in@example.com"
	standInText = "the-text-stands-here"
	standInHTML = "the-html-stands-here"
	maxHeader   = 74 // go-mail's: longer lines are folded
	boundaryLen = 60 // of mime/multipart's
)

var standInDate = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// fill makes a mail without attachments out of its frame, or returns nil where it has none.
func (f *frames) fill(s *SMTP, m notifiers.Message, to string) []byte {
	key := frameKey{m.Language, m.Subject, m.HTML != ""}
	f.mu.RLock()
	pieces, ok := f.made[key]
	f.mu.RUnlock()
	if !ok {
		pieces = s.newFrame(key)
		f.mu.Lock()
		if f.made == nil || len(f.made) >= mostFrames {
			f.made = map[frameKey]frame{}
		}
		f.made[key] = pieces
		f.mu.Unlock()
	}
	if pieces == nil {
		return nil
	}
	return pieces.fill(m, to, s.dateOf(m))
}

// standIn is found so many times in a mail, or there is no frame.
type standIn struct {
	place place
	bytes []byte
	times int
}

func (s *SMTP) newFrame(key frameKey) frame {
	m := notifiers.Message{ID: standInID, Language: key.language, Subject: key.subject, Text: standInText, Date: standInDate}
	if key.html {
		m.HTML = standInHTML
	}
	raw, err := s.render(m, standInTo)
	if err != nil {
		return nil
	}
	wanted := []standIn{
		{idPlace, []byte(standInID), 1},
		{datePlace, standInDate.AppendFormat(nil, time.RFC1123Z), 1},
		{toPlace, appendTo(nil, standInTo), 1},
		{textPlace, appendBody(nil, standInText, key.language), 1},
	}
	if key.html {
		wanted = append(wanted, standIn{htmlPlace, appendBody(nil, standInHTML, key.language), 1},
			standIn{boundaryPlace, appendBoundary(nil, 0, standInID)[:boundaryLen], 4})
	}
	for _, w := range wanted {
		if bytes.Count(raw, w.bytes) != w.times {
			return nil
		}
	}
	var cut frame
	for len(raw) > 0 {
		at, next := len(raw), end
		var length int
		for _, w := range wanted {
			if i := bytes.Index(raw, w.bytes); i >= 0 && i < at {
				at, next, length = i, w.place, len(w.bytes)
			}
		}
		cut = append(cut, piece{bytes.Clone(raw[:at]), next})
		raw = raw[at+length:]
	}
	return cut
}

func (f frame) fill(m notifiers.Message, to string, date time.Time) []byte {
	body := make([]byte, 0, f.size(m))
	boundary := appendBoundary(make([]byte, 0, 64), 0, m.ID)[:boundaryLen]
	for _, p := range f {
		body = append(body, p.fixed...)
		switch p.place {
		case idPlace:
			body = append(body, m.ID...)
		case datePlace:
			body = date.AppendFormat(body, time.RFC1123Z)
		case toPlace:
			body = appendTo(body, to)
		case boundaryPlace:
			body = append(body, boundary...)
		case textPlace:
			body = appendBody(body, m.Text, m.Language)
		case htmlPlace:
			body = appendBody(body, m.HTML, m.Language)
		case end:
		}
	}
	return body
}

// size is enough for base64, and for quoted-printable unless much of the text is not ASCII.
func (f frame) size(m notifiers.Message) int {
	n := 512 + (len(m.Text)+len(m.HTML))*3/2
	for _, p := range f {
		n += len(p.fixed)
	}
	return n
}

// appendTo writes the header as go-mail does: one that is too long begins on a line of its own.
func appendTo(dst []byte, to string) []byte {
	dst = append(dst, "To:"...)
	if len("To: <>")+len(to) >= maxHeader-1 {
		dst = append(dst, '\r', '\n')
	}
	return append(append(append(dst, ' ', '<'), to...), '>', '\r', '\n')
}

func appendBody(dst []byte, text string, l breach.Language) []byte {
	if inBase64(l) {
		return appendBase64(dst, text)
	}
	out := sliceWriter{dst}
	w := quotedprintable.NewWriter(&out)
	_, _ = strings.NewReader(text).WriteTo(w) // a slice takes everything
	_ = w.Close()
	return out.b
}

// appendBase64 encodes text in lines of 76 characters, the last one ended too.
func appendBase64(dst []byte, text string) []byte {
	var line [57]byte
	for len(text) > 0 {
		n := copy(line[:], text)
		dst = append(base64.StdEncoding.AppendEncode(dst, line[:n]), '\r', '\n')
		text = text[n:]
	}
	return dst
}

type sliceWriter struct{ b []byte }

// Write appends.
func (w *sliceWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}
