package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime"
	"regexp"
	"strings"
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
	msg, err := s.compose(m, to)
	if err != nil {
		return notifiers.Wire{}, unfit("render")
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return notifiers.Wire{}, unfit("render")
	}
	body := fixBoundaries(b.Bytes(), m.ID)
	if !bytes.HasSuffix(body, []byte("\r\n")) {
		body = append(body, "\r\n"...)
	}
	if len(body) > s.cfg.MaxBytes {
		return notifiers.Wire{}, unfit(notifiers.CodeTooLarge)
	}
	return notifiers.Wire{ID: m.ID, To: to, Body: body}, nil
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
	if m.Language == breach.Chinese { // quoted-printable would triple it
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
	date := m.Date
	if date.IsZero() {
		date = s.now()
	}
	msg.SetDateWithValue(date.UTC())
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
		sum := sha256.Sum256(fmt.Appendf(nil, "boundary %d %s", level, id))
		raw = bytes.ReplaceAll(raw, random, []byte(hex.EncodeToString(sum[:])[:len(random)]))
	}
}
