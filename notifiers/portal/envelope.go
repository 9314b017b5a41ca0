package portal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/textproto"

	"tocsin/internal/breach"
	"tocsin/notifiers"
)

// envelope is what goes with the files. The whole of it is what was approved.
type envelope struct {
	ID       breach.DeliveryID `json:"id"`
	To       string            `json:"to"` // the authority's key in our settings
	Language breach.Language   `json:"language,omitempty"`
	Subject  string            `json:"subject"`
	Text     string            `json:"text"`
	HTML     string            `json:"html,omitempty"`
	Files    []file            `json:"files"`
}

type file struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Size    int    `json:"size"`
	SHA256  string `json:"sha256"`
	Content []byte `json:"content,omitempty"` // base64; in the format json alone
}

// Prepare makes the whole body: as multipart/form-data a part "envelope" and a part "file" for each, or one JSON object with
// the files in base64. m.To is the authority's key.
func (p *HTTP) Prepare(m notifiers.Message) (notifiers.Wire, error) {
	if code := notifiers.UnfitFiling(m); code != "" {
		return notifiers.Wire{}, p.client.Fail("prepare", code, breach.Permanent)
	}
	if notifiers.FilesSize(m) > p.cfg.MaxBytes { // before it is encoded
		return notifiers.Wire{}, p.client.Fail("prepare", notifiers.CodeTooLarge, breach.Permanent)
	}
	e := envelope{ID: m.ID, To: m.To, Language: m.Language, Subject: m.Subject, Text: m.Text, HTML: m.HTML, Files: []file{}}
	for _, a := range m.Attachments {
		sum := sha256.Sum256(a.Bytes)
		f := file{Name: a.Name, Type: a.Type, Size: len(a.Bytes), SHA256: hex.EncodeToString(sum[:])}
		if p.cfg.Format == formatJSON {
			f.Content = a.Bytes
		}
		e.Files = append(e.Files, f)
	}
	body, err := encode(e)
	if err == nil && p.cfg.Format == formatMultipart {
		body, err = parts(m, body)
	}
	if err != nil {
		return notifiers.Wire{}, p.client.Fail("prepare", "render", breach.Permanent)
	}
	if len(body) > p.cfg.MaxBytes {
		return notifiers.Wire{}, p.client.Fail("prepare", notifiers.CodeTooLarge, breach.Permanent)
	}
	return notifiers.Wire{ID: m.ID, To: m.To, Body: body}, nil
}

func encode(e envelope) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(e)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func parts(m notifiers.Message, head []byte) ([]byte, error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.SetBoundary(boundary(m.ID)); err != nil {
		return nil, err
	}
	put := func(disposition, kind string, content []byte) error {
		part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {disposition}, "Content-Type": {kind}})
		if err == nil {
			_, err = part.Write(content)
		}
		return err
	}
	if err := put(`form-data; name="envelope"`, "application/json; charset=utf-8", head); err != nil {
		return nil, err
	}
	for _, a := range m.Attachments {
		if err := put(fmt.Sprintf(`form-data; name="file"; filename="%s"`, a.Name), a.Type, a.Bytes); err != nil {
			return nil, err
		}
	}
	err := w.Close() // writes the last boundary
	return b.Bytes(), err
}

// boundary follows from the id, so that the same message gives the same bytes. Nobody who wrote a file knew it.
func boundary(id breach.DeliveryID) string {
	sum := sha256.Sum256([]byte("portal boundary " + id))
	return hex.EncodeToString(sum[:30])
}

func (p *HTTP) contentType(id breach.DeliveryID) string {
	if p.cfg.Format == formatJSON {
		return "application/json; charset=utf-8"
	}
	return "multipart/form-data; boundary=" + boundary(id)
}
