package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"tocsin/internal/breach"
	"tocsin/notifiers"
)

// Prepare renders the whole mail: text and HTML as alternatives, attachments for filings. It is UTF-8 with CRLF line ends,
// bears the delivery's id as its Message-ID and Auto-Submitted (RFC 3834), and neither a user agent nor List-Unsubscribe: a
// notice that the law demands is not a mailing one can leave.
func (s *SMTP) Prepare(m notifiers.Message) (notifiers.Wire, error) {
	to, err := CleanAddress(m.To)
	if err != nil {
		return notifiers.Wire{}, unfit("address")
	}
	if code := unfitText(m); code != "" {
		return notifiers.Wire{}, unfit(code)
	}
	if notifiers.FilesSize(m) > s.cfg.MaxBytes/4*3 { // before it is encoded
		return notifiers.Wire{}, unfit(notifiers.CodeTooLarge)
	}
	var body []byte
	if len(m.Attachments) == 0 {
		body = s.frames.fill(s, m, to)
	}
	if body == nil {
		if body, err = s.render(m, to); err != nil {
			return notifiers.Wire{}, unfit("render")
		}
	}
	if !bytes.HasSuffix(body, []byte("\r\n")) {
		body = append(body, "\r\n"...)
	}
	if len(body) > s.cfg.MaxBytes {
		return notifiers.Wire{}, unfit(notifiers.CodeTooLarge)
	}
	return notifiers.Wire{ID: m.ID, To: to, Return: m.Return, Body: body}, nil
}

// render makes the mail with go-mail. What it makes is the measure for frames, which are faster.
func (s *SMTP) render(m notifiers.Message, to string) ([]byte, error) {
	msg, err := s.compose(m, to)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return nil, err
	}
	return fixBoundaries(b.Bytes(), m.ID), nil
}

func unfit(code string) *notifiers.Error {
	return &notifiers.Error{Channel: breach.Email, Doing: "prepare", Outcome: breach.Permanent, Code: code}
}

// unfitText names what in a message cannot be written into a mail.
func unfitText(m notifiers.Message) string {
	switch {
	case !notifiers.ValidID(m.ID):
		return "id"
	case m.Subject == "" || hasControl(m.Subject) || !utf8.ValidString(m.Subject):
		return "subject"
	case m.Text == "" || strings.ContainsRune(m.Text, 0) || !utf8.ValidString(m.Text):
		return "text"
	case strings.ContainsRune(m.HTML, 0) || !utf8.ValidString(m.HTML):
		return "html"
	}
	for _, a := range m.Attachments {
		kind, _, err := mime.ParseMediaType(a.Type)
		if err != nil || !strings.Contains(kind, "/") || !fileName.MatchString(a.Name) {
			return "attachment"
		}
	}
	return ""
}

var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

func (s *SMTP) compose(m notifiers.Message, to string) (*gomail.Msg, error) {
	enc := gomail.EncodingQP
	if inBase64(m.Language) {
		enc = gomail.EncodingB64
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithCharset(gomail.CharsetUTF8), gomail.WithEncoding(enc))
	msg.FromMailAddress(s.from)
	if err := msg.To(to); err != nil {
		return nil, err
	}
	if s.replyTo != nil {
		msg.ReplyToMailAddress(s.replyTo)
	}
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(string(m.ID) + "@" + s.idDomain)
	msg.SetDateWithValue(s.dateOf(m))
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	if m.Language != "" {
		msg.SetGenHeader(gomail.HeaderContentLang, string(m.Language))
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	for _, a := range m.Attachments {
		if err := msg.AttachReader(a.Name, bytes.NewReader(a.Bytes), gomail.WithFileContentType(gomail.ContentType(a.Type))); err != nil {
			return nil, err
		}
	}
	return msg, nil
}

// inBase64 says how a text is encoded. In quoted-printable Chinese would be three times as long.
func inBase64(l breach.Language) bool { return l == breach.Chinese }

func (s *SMTP) dateOf(m notifiers.Message) time.Time {
	if m.Date.IsZero() {
		return s.now().UTC()
	}
	return m.Date.UTC()
}

// fixBoundaries puts boundaries that follow from the id in place of go-mail's random ones, so that the same message gives
// the same bytes. go-mail's own fixed boundary would be used for every level at once, which breaks nested parts. No text can
// be mistaken for one: both encodings leave no bare = within a line.
func fixBoundaries(raw []byte, id breach.DeliveryID) []byte {
	mark := []byte("\r\n boundary=")
	for level, at := 0, 0; ; level++ {
		i := bytes.Index(raw[at:], mark)
		if i < 0 {
			return raw
		}
		at += i + len(mark)
		random := bytes.Clone(raw[at : at+bytes.IndexByte(raw[at:], '\r')])
		raw = bytes.ReplaceAll(raw, random, appendBoundary(nil, level, id)[:len(random)])
	}
}

// appendBoundary appends the boundary of a level of parts: 64 characters, of which go-mail's length is used.
func appendBoundary(dst []byte, level int, id breach.DeliveryID) []byte {
	text := strconv.AppendInt(append(make([]byte, 0, 64), "boundary "...), int64(level), 10)
	sum := sha256.Sum256(append(append(text, ' '), id...))
	return hex.AppendEncode(dst, sum[:])
}
