package inbox

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

const maxReport = 64 << 20

// portalReport is a report as a portal reads it.
type portalReport struct {
	ID       string `json:"id"`
	To       string `json:"to"`
	Subject  string `json:"subject"`
	Text     string `json:"text"`
	HTML     string `json:"html"`
	Language string `json:"language"`
	Files    []struct {
		Name    string `json:"name"`
		Type    string `json:"type"`
		Size    int    `json:"size"`
		SHA256  string `json:"sha256"`
		Content []byte `json:"content"`
	} `json:"files"`
}

// servePortal takes a report as a portal with rules of its own does: it wants an Idempotency-Key and answers a known one with
// the number it gave before, checks Content-Digest and each file's hash, and gives a receipt's number in the body
// (receipt.number) and in X-Receipt-Number.
func (in *Inbox) servePortal(w http.ResponseWriter, r *http.Request) {
	if want := in.opts.Credentials.PortalToken; want != "" {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+want)) != 1 {
			writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "the token is not known here"})
			return
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReport))
	if err != nil {
		writeJSON(w, http.StatusRequestEntityTooLarge, map[string]string{"error": "the report is too large"})
		return
	}
	raw := append([]byte("Content-Type: "+r.Header.Get("Content-Type")+"\r\n\r\n"), body...)
	m := Message{Channel: ChannelPortal, ID: r.Header.Get("Idempotency-Key"), Raw: raw}
	report, _, err := readReport(raw)
	if err == nil {
		err = checkReport(r, body, report)
	}
	if err != nil {
		in.note(ChannelPortal, Refuse)
		writeJSON(w, http.StatusUnprocessableEntity, map[string]string{"error": err.Error()})
		return
	}
	m.To, m.Subject = report.To, report.Subject
	in.takeReport(w, r, m)
}

func checkReport(r *http.Request, body []byte, report portalReport) error {
	digest := sha256.Sum256(body)
	switch {
	case r.Header.Get("Idempotency-Key") == "" || r.Header.Get("Idempotency-Key") != report.ID:
		return errors.New("Idempotency-Key is missing or is not the report's id")
	case r.Header.Get("Content-Digest") != "sha-256=:"+base64.StdEncoding.EncodeToString(digest[:])+":":
		return errors.New("Content-Digest is not the body's")
	}
	for _, f := range report.Files {
		sum := sha256.Sum256(f.Content)
		if f.SHA256 != hex.EncodeToString(sum[:]) || f.Size != len(f.Content) {
			return fmt.Errorf("the file %s is not what its hash says", f.Name)
		}
	}
	return nil
}

func (in *Inbox) takeReport(w http.ResponseWriter, r *http.Request, m Message) {
	f, struck := in.faults.take(ChannelPortal, AtRequest, m.To)
	if struck {
		switch f.Do {
		case Cut:
			in.note(ChannelPortal, f.Do)
			cut()
		case Refuse, Defer:
			in.note(ChannelPortal, f.Do)
			writeJSON(w, f.number(map[Action]int{Refuse: http.StatusUnprocessableEntity, Defer: http.StatusServiceUnavailable}[f.Do]),
				map[string]string{"error": "answered by a fault rule of the local inbox"})
			return
		default:
		}
	}
	if known, _ := in.box.find(Filter{Channel: ChannelPortal, ID: m.ID, Limit: 1, Heads: true}); len(known) == 1 {
		in.box.note(ChannelPortal, func(c *Counts) { c.Repeated++ })
		giveReceipt(w, http.StatusOK, known[0].Seq)
		return
	}
	seq := in.box.put(m)
	in.afterStored(r, f, struck)
	in.box.accept(seq)
	giveReceipt(w, http.StatusCreated, seq)
}

func giveReceipt(w http.ResponseWriter, status int, seq int64) {
	number := fmt.Sprintf("LOCAL-%06d", seq)
	w.Header().Set("X-Receipt-Number", number)
	writeJSON(w, status, map[string]any{"receipt": map[string]any{"number": number, "note": "local stand-in: no authority has received this"}})
}

// readReport takes a report apart, multipart or JSON, with the part envelope as it came.
func readReport(raw []byte) (report portalReport, envelope []byte, err error) {
	head, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	kind, params, err := mime.ParseMediaType(strings.TrimPrefix(string(head), "Content-Type: "))
	if err != nil {
		return report, nil, errors.New("the content type cannot be read")
	}
	if kind == "application/json" {
		return report, body, json.Unmarshal(body, &report)
	}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for i := -1; ; i++ { // the part envelope, then one part for each file that it names
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) && i == len(report.Files) {
			return report, envelope, nil
		}
		if err != nil {
			return report, nil, errors.New("the body is neither JSON nor whole multipart with an envelope and its files")
		}
		content, err := io.ReadAll(p)
		switch {
		case err != nil:
			return report, nil, errors.New("a part is cut short")
		case i < 0:
			if err := json.Unmarshal(content, &report); err != nil || p.FormName() != "envelope" {
				return report, nil, errors.New("the first part is not an envelope in JSON")
			}
			envelope = content
		case i >= len(report.Files) || p.FormName() != "file" || p.FileName() != report.Files[i].Name:
			return report, nil, errors.New("the files are not those of the envelope, in its order")
		default:
			report.Files[i].Content = content
		}
	}
}

func readPortal(m *Message) {
	report, _, err := readReport(m.Raw)
	if err != nil {
		m.Text = string(m.Raw)
		return
	}
	m.Text, m.HTML = report.Text, report.HTML
	for _, f := range report.Files {
		m.Attachments = append(m.Attachments, Attachment{Name: f.Name, Type: f.Type, Size: len(f.Content), Bytes: f.Content})
	}
}
