package inbox

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
)

// part is what a message and a part of one have in common.
type part interface{ Get(string) string }

func decodeWords(s string) string {
	d := mime.WordDecoder{}
	out, err := d.DecodeHeader(s)
	if err != nil {
		return s
	}
	return out
}

// readMail fills the texts and attachments of an email. A message that cannot be parsed is shown as it came.
func readMail(m *Message) {
	msg, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		m.Text = string(m.Raw)
		return
	}
	readPart(m, textproto.MIMEHeader(msg.Header), msg.Body, 0)
}

func readPart(m *Message, h part, body io.Reader, depth int) {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		kind = "text/plain"
	}
	if strings.HasPrefix(kind, "multipart/") && depth < 5 {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			p, err := parts.NextRawPart()
			if err != nil {
				return
			}
			readPart(m, p.Header, p, depth+1)
		}
	}
	content, _ := io.ReadAll(decoded(h, body))
	disposition, dp, _ := mime.ParseMediaType(h.Get("Content-Disposition"))
	switch {
	case disposition == "attachment":
		m.Attachments = append(m.Attachments, Attachment{Name: decodeWords(dp["filename"]), Type: kind, Size: len(content), Bytes: content})
	case kind == "text/html":
		m.HTML = string(content)
	case kind == "text/plain":
		m.Text = strings.ReplaceAll(string(content), "\r\n", "\n")
	}
}

func decoded(h part, r io.Reader) io.Reader {
	switch strings.ToLower(h.Get("Content-Transfer-Encoding")) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, r) // skips line ends
	case "quoted-printable":
		return quotedprintable.NewReader(r)
	}
	return r
}
