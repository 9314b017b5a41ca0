// Package drop puts reports where an authority collects them: a folder, or a folder on an SFTP server. One report is one ZIP
// file, named by the authority and our id, with message.txt, the approved files, and manifest.json with each file's SHA-256
// inside; beside it stands a .sha256 file of the ZIP's own, as sha256sum -c reads it.
//
// The ZIP appears under its name in one step, after everything else, so whoever collects never sees half a report. Nothing
// that is there is overwritten: the same report again is the report that was handed over, anything else is refused.
//
// An authority may take a file away as soon as it appears. So a report that cannot be found is not proof that it never
// arrived; only its unfinished file is.
package drop

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tocsin/internal/breach"
	"tocsin/notifiers"
)

// names are what a report's files are called. The unfinished one is this attempt's own: two attempts at once must not write
// into each other's file, since one of them may just be getting its name.
type names struct{ final, part, sum string }

func namesOf(w notifiers.Wire) names {
	final := w.To + "-" + string(w.ID) + ".zip"
	return names{final: final, part: "." + final + "." + rand.Text()[:8] + partEnd, sum: final + ".sha256"}
}

const partEnd = ".part"

// unfinished reports whether a file is some attempt's at this report.
func (n names) unfinished(file string) bool {
	return strings.HasPrefix(file, "."+n.final+".") && strings.HasSuffix(file, partEnd)
}

// sumFile is what stands beside a report.
func sumFile(w notifiers.Wire) []byte {
	sum := w.SHA256()
	return fmt.Appendf(nil, "%x  %s\n", sum[:], namesOf(w).final)
}

type manifest struct {
	ID       breach.DeliveryID `json:"id"`
	To       string            `json:"to"`
	Language breach.Language   `json:"language,omitempty"`
	Subject  string            `json:"subject"`
	Files    []manifestFile    `json:"files"`
}

type manifestFile struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Size   int    `json:"size"`
	SHA256 string `json:"sha256"`
}

const (
	messageName  = "message.txt"
	manifestName = "manifest.json"
)

func fail(doing, code string, o breach.Outcome) *notifiers.Error {
	return &notifiers.Error{Channel: breach.Drop, Doing: doing, Outcome: o, Code: code}
}

// bundle makes the ZIP. Its entries bear the message's date, or none, so that the same message gives the same bytes.
func bundle(m notifiers.Message, most int) (notifiers.Wire, error) {
	code := notifiers.UnfitFiling(m)
	for _, a := range m.Attachments {
		if n := strings.ToLower(a.Name); n == messageName || n == manifestName {
			code = "attachment"
		}
	}
	if code != "" {
		return notifiers.Wire{}, fail("prepare", code, breach.Permanent)
	}
	if notifiers.FilesSize(m) > most {
		return notifiers.Wire{}, fail("prepare", notifiers.CodeTooLarge, breach.Permanent)
	}
	body, err := pack(m)
	if err != nil {
		return notifiers.Wire{}, fail("prepare", "render", breach.Permanent)
	}
	if len(body) > most {
		return notifiers.Wire{}, fail("prepare", notifiers.CodeTooLarge, breach.Permanent)
	}
	return notifiers.Wire{ID: m.ID, To: m.To, Body: body}, nil
}

func pack(m notifiers.Message) ([]byte, error) {
	text := notifiers.Attachment{Name: messageName, Type: "text/plain; charset=utf-8", Bytes: []byte(m.Subject + "\n\n" + m.Text + "\n")}
	files := append([]notifiers.Attachment{text}, m.Attachments...)
	head := manifest{ID: m.ID, To: m.To, Language: m.Language, Subject: m.Subject}
	for _, f := range files {
		sum := sha256.Sum256(f.Bytes)
		head.Files = append(head.Files, manifestFile{Name: f.Name, Type: f.Type, Size: len(f.Bytes), SHA256: hex.EncodeToString(sum[:])})
	}
	list, err := json.MarshalIndent(head, "", "  ")
	if err != nil {
		return nil, err
	}
	files = append(files, notifiers.Attachment{Name: manifestName, Bytes: append(list, '\n')})
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		if err := put(z, f, m.Date); err != nil {
			return nil, err
		}
	}
	err = z.Close() // writes the directory
	return b.Bytes(), err
}

func put(z *zip.Writer, f notifiers.Attachment, date time.Time) error {
	h := &zip.FileHeader{Name: f.Name, Method: zip.Store} // PDF and DOCX are compressed already
	if !date.IsZero() {
		h.Modified = date.UTC()
	}
	w, err := z.CreateHeader(h)
	if err == nil {
		_, err = w.Write(f.Bytes)
	}
	return err
}

// known checks what goes into a file's name once more.
func known(w notifiers.Wire) bool {
	return notifiers.ValidID(w.ID) && notifiers.UnfitFiling(notifiers.Message{ID: w.ID, To: w.To, Subject: "-", Text: "-"}) == ""
}

func receipt(w notifiers.Wire, now func() time.Time) breach.Receipt {
	return breach.Receipt{Reference: namesOf(w).final, Code: 200, At: now().UTC()}
}
