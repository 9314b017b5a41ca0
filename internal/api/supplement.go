package api

import (
	"net/http"
	"strings"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// SupplementIn asks for a notice to those who had an earlier one: POST /v1/incidents/{id}/campaigns/{n}/supplements. While one
// that was asked for was not sent yet, this writes it anew.
type SupplementIn struct {
	Changed breach.Text `json:"changed"` // what its readers are told has changed, or was wrong
	Why     string      `json:"why"`
}

// SupplementAsked is what was asked for, and how many had the earlier notice by now.
type SupplementAsked struct {
	store.Supplement
	Told int64 `json:"told"` // recipients; who is in doubt gets the new one too, who was exempted since does not
}

func askSupplement(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	n, err := parseN(c.r.PathValue("n"))
	if err != nil {
		return err
	}
	var in SupplementIn
	if err := c.decode(&in); err != nil {
		return err
	}
	in.Changed.ZH, in.Changed.EN = strings.TrimSpace(in.Changed.ZH), strings.TrimSpace(in.Changed.EN)
	faults := breach.NoticeWords{Correction: in.Changed}.Faults()
	if in.Changed == (breach.Text{}) || len(faults) > 0 {
		return unprocessable("changed", "Say what has changed since the earlier notice, in Chinese (changed.zh) and in English (changed.en), each in at most 600 characters.",
			"Readers find it at the top of the new notice; name nobody.")
	}
	if err := s.publishable(breach.NoticeWords{Correction: in.Changed}); err != nil {
		return err
	}
	if in.Why, err = why(in.Why, true); err != nil {
		return err
	}
	asked, err := s.store.AskSupplement(c.r.Context(), id, n, in.Changed, c.holder.Person, in.Why)
	if err != nil {
		return err
	}
	p, err := s.store.Progress(c.r.Context(), id, n)
	if err != nil {
		return err
	}
	return c.reply(http.StatusAccepted, SupplementAsked{asked, p.Told})
}
