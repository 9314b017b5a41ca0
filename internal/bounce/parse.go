package bounce

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // what Chinese servers write is no UTF-8

	"tocsin/internal/breach"
)

// Parse reads a returned mail. from is the sender of its envelope, empty for the null sender that RFC 5321, 4.5.5, asks of
// reports. It never fails: what cannot be read is [breach.ReturnUnclear].
func Parse(raw []byte, from string) Report {
	e := read(raw)
	if e == nil {
		e = read(mended(raw))
	}
	if e == nil {
		return Report{Kind: breach.ReturnUnclear}
	}
	s := &scan{}
	s.entity(e, 0)
	r := s.judge(letter{header: e.Header, null: from == "" || from == "<>"})
	r.Tokens, r.IDs = s.tokens, s.ids
	return r
}

// read opens a mail; nil where its header cannot be read.
func read(raw []byte) *message.Entity {
	e, err := message.ReadWithOptions(bytes.NewReader(raw), &message.ReadOptions{MaxHeaderBytes: maxHeader})
	if err != nil && !tolerable(err) {
		return nil
	}
	return e
}

// mended is a mail without the lines of its header that are no fields, such as the first one of a mailbox file.
func mended(raw []byte) []byte {
	var head []byte
	for rest := raw; len(rest) > 0 && len(head) < maxHeader; {
		end := bytes.IndexByte(rest, '\n') + 1
		if end == 0 {
			end = len(rest)
		}
		line := rest[:end]
		name, _, field := bytes.Cut(line, []byte(":"))
		switch {
		case len(bytes.TrimSpace(line)) == 0:
			return append(head, rest...)
		case field && len(name) > 0 && !bytes.ContainsAny(name, " \t"), len(head) > 0 && (line[0] == ' ' || line[0] == '\t'):
			head = append(head, line...)
		}
		rest = rest[end:]
	}
	return head
}

// tolerable reports faults after which a part can still be read, as bytes.
func tolerable(err error) bool {
	return message.IsUnknownCharset(err) || message.IsUnknownEncoding(err)
}

// scan is what one walk through the parts has found.
type scan struct {
	parts     int
	groups    []fields // of message/delivery-status: one for the message, one for each recipient
	feedback  fields   // of message/feedback-report
	receipt   bool     // a reader's receipt (RFC 8098)
	text      []byte   // the first words for people
	tokens    []string
	ids       []breach.DeliveryID
	headSeen  bool // a returned header was found as a part of its own
	truncated bool
}

func (s *scan) entity(e *message.Entity, depth int) {
	if s.parts++; s.parts > maxParts || depth > maxDepth {
		s.truncated = true
		return
	}
	if mr := e.MultipartReader(); mr != nil {
		for s.parts <= maxParts {
			part, err := mr.NextPart()
			if err != nil && !tolerable(err) || part == nil {
				return // the end, or a border that cannot be found: what was read counts
			}
			s.entity(part, depth+1)
		}
		return
	}
	kind, _, err := e.Header.ContentType()
	if err != nil && kind == "" {
		kind = "text/plain"
	}
	s.leaf(strings.ToLower(kind), e.Body, depth)
}

// isReport reports the header of a report on a delivery, which no notice of ours has.
func isReport(h message.Header) bool {
	kind, args, _ := h.ContentType()
	return strings.EqualFold(kind, "multipart/report") && strings.EqualFold(args["report-type"], "delivery-status")
}

func (s *scan) leaf(kind string, body io.Reader, depth int) {
	text, err := io.ReadAll(io.LimitReader(body, maxText))
	if err != nil && len(text) == 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
		return
	}
	switch kind {
	case "message/delivery-status", "message/global-delivery-status":
		s.groups = append(s.groups, readGroups(text)...)
	case "message/feedback-report":
		if groups := readGroups(text); len(groups) > 0 {
			s.feedback = groups[0]
			s.token(s.feedback.get("original-mail-from"))
		}
	case "message/disposition-notification", "message/global-disposition-notification":
		s.receipt = true
	case "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "text/rfc822":
		if inner := read(text); inner != nil && depth < maxDepth && isReport(inner.Header) { // somebody passed a report on
			s.entity(inner, depth+1)
			return
		}
		s.headSeen = true
		s.returned(text)
	case "text/plain", "text/html", "":
		text = legible(text)
		if s.text == nil {
			s.text = text
		} else if len(s.text) < maxText {
			s.text = append(append(s.text, '\n'), text...)
		}
	}
}

// returned finds our marks in the header of the mail that came back.
func (s *scan) returned(text []byte) {
	groups := readGroups(text)
	if len(groups) == 0 {
		return
	}
	head := groups[0]
	for _, name := range []string{"return-path", "x-original-return-path", "x-envelope-from", "x-mail-from"} {
		s.token(head.get(name))
	}
	for _, name := range []string{"message-id", "x-original-message-id", "x-notify-message-id"} {
		s.id(head.get(name))
	}
}

// likeToken and likeID are the forms of our own marks; whether they are ours the house's key says.
var (
	likeToken   = regexp.MustCompile(`(?i)[+.=-]([0-9a-f]{32}\.[a-z2-7]{16})@`)
	likeID      = regexp.MustCompile(`(?i)^\s*<?\s*([0-9a-f]{32})@[^\s<>@]{1,255}>?\s*$`)
	messageLine = regexp.MustCompile(`(?im)^[\s>|]*Message-ID:\s*<?([0-9a-f]{32})@`)
)

func (s *scan) token(value string) {
	if m := likeToken.FindStringSubmatch(value); m != nil && len(s.tokens) < 8 {
		s.tokens = append(s.tokens, strings.ToLower(m[1]))
	}
}

func (s *scan) id(value string) {
	if m := likeID.FindStringSubmatch(value); m != nil && len(s.ids) < 8 {
		s.ids = append(s.ids, breach.DeliveryID(strings.ToLower(m[1])))
	}
}

// letter is the report's own envelope and header.
type letter struct {
	header message.Header
	null   bool // it came from the null sender, as reports do
}

// judge says what the parts amount to: the machine's words before the ones for people.
func (s *scan) judge(l letter) Report {
	if s.feedback != nil {
		return s.complaint()
	}
	if r, ok := s.status(); ok {
		return r
	}
	if s.receipt {
		return Report{Kind: breach.ReturnAutoReply}
	}
	return s.plain(l)
}

// complaint reads a feedback report. RFC 5965, 7.3: what is "not-spam" takes one back, "auth-failure" is about our signatures.
func (s *scan) complaint() Report {
	kind := strings.ToLower(s.feedback.get("feedback-type"))
	switch kind {
	case "not-spam", "auth-failure", "":
		return Report{Kind: breach.ReturnUnclear, Status: word(kind)}
	}
	return Report{Kind: breach.ReturnComplaint, Status: word(kind)}
}

// word lets a token of RFC 2045 pass, and nothing that could be an address.
func word(s string) string {
	if len(s) > 32 || strings.ContainsFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && r != '-' }) {
		return ""
	}
	return s
}
