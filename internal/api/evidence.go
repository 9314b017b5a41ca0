package api

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"tocsin/internal/intake"
	"tocsin/internal/store"
)

// paperTime is how long a piece of evidence may take to come: 20 MiB from a telephone.
const paperTime = 4 * time.Minute

// EvidenceList is an incident's papers and pictures, oldest first, without their bytes.
type EvidenceList struct {
	Evidence []store.Evidence `json:"evidence"`
}

func listEvidence(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	if _, err := s.store.Incident(c.r.Context(), id); err != nil {
		return err
	}
	items, err := s.store.EvidenceItems(c.r.Context(), id)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, EvidenceList{Evidence: orEmpty(items)})
}

// evidenceTypes are what a photo, a scan or a letter may be. Nothing here runs when it is opened.
var evidenceTypes = map[string]bool{
	"application/pdf": true, "image/jpeg": true, "image/png": true, "image/webp": true, "image/heic": true, "image/tiff": true,
	"text/plain": true, "message/rfc822": true, "application/zip": true, "application/octet-stream": true,
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document": true,
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":       true,
}

// addEvidence keeps the body as a piece of evidence. Its name stands in Content-Disposition: it may name people, and addresses
// are kept in too many places.
func addEvidence(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || !evidenceTypes[kind] {
		return problem(http.StatusUnsupportedMediaType, "media_type", "Evidence is a PDF, a picture, a text, a mail, a document or an archive.", "Send it with its media type, such as Content-Type: application/pdf.")
	}
	_, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Disposition"))
	name := intake.Line(path.Base(strings.ReplaceAll(params["filename"], `\`, "/")), 200)
	if err != nil || strings.Trim(name, "./") == "" {
		return problem(http.StatusBadRequest, "name", "The file has no name.", `Send it with the header Content-Disposition: attachment; filename="receipt.pdf".`)
	}
	q := c.r.URL.Query()
	if duty := q.Get("duty"); duty != "" {
		if _, _, err := s.duty(c, duty); err != nil {
			return err
		}
	}
	select {
	case s.papers <- struct{}{}: // each is held in memory
		defer func() { <-s.papers }()
	default:
		c.w.Header().Set("Retry-After", "10")
		return problem(http.StatusTooManyRequests, "too_many", "Other files are being read just now.", "Send it again in ten seconds.")
	}
	c.extend(s.Now().Add(paperTime))
	body, err := io.ReadAll(c.r.Body)
	if err != nil {
		if _, tooBig := errors.AsType[*http.MaxBytesError](err); tooBig {
			return problem(http.StatusRequestEntityTooLarge, "too_large", "The file is larger than 20 MiB, which is the most that is kept.", "Make the picture smaller, or split the file.")
		}
		return problem(http.StatusBadRequest, "cut_off", "The file broke off before its end.", "Send it again; nothing was kept.")
	}
	e, err := s.store.AddEvidence(c.r.Context(), store.Evidence{
		IncidentID: id, Kind: store.EvidenceKind(q.Get("kind")), Ref: q.Get("duty"), Name: name, Type: kind, Bytes: body, By: c.holder.Person,
	})
	if err != nil {
		return err
	}
	return c.reply(http.StatusCreated, e)
}

// readEvidence sends a piece of evidence. Who looked stands in the journal, before the first byte leaves.
func readEvidence(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	e, err := s.store.EvidenceItem(c.r.Context(), id, c.r.PathValue("item"))
	if err != nil {
		return err
	}
	if err := s.store.Note(c.r.Context(), id, c.holder.Person, "evidence.read", e.ID, store.Detail{"kind": e.Kind}); err != nil {
		return err
	}
	c.w.Header().Set("X-Evidence-Name", mime.FormatMediaType("attachment", map[string]string{"filename": e.Name}))
	c.download(e.Type, e.SHA256.String(), e.Bytes)
	return nil
}
