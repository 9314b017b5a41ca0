package api

import (
	"net/http"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// FactsPatch lays facts over what is known: PATCH /v1/incidents/{id}/facts. Null makes a fact unknown again.
type FactsPatch struct {
	Facts breach.Facts `json:"facts"`
	Why   string       `json:"why"`
}

func amendFacts(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	var in FactsPatch
	if err := c.decode(&in); err != nil {
		return err
	}
	if len(in.Facts) == 0 {
		return unprocessable("no_facts", "The field facts is empty.", `State at least one, such as {"facts": {"people.total": 1200}, "why": "counted in the export"}.`)
	}
	if in.Why, err = why(in.Why, true); err != nil {
		return err
	}
	rev, err := s.store.AmendFacts(c.r.Context(), id, in.Facts, c.holder.Person, in.Why)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, rev)
}

// Reassessment asks the packs of law anew for the same facts: POST /v1/incidents/{id}/reassess.
type Reassessment struct {
	Why string `json:"why"`
}

func reassess(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	var in Reassessment
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.Why, err = why(in.Why, true); err != nil {
		return err
	}
	rev, err := s.store.Reassess(c.r.Context(), id, c.holder.Person, in.Why)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, rev)
}

// FactHistory is what was known when, oldest first.
type FactHistory struct {
	Revisions []store.FactRevision `json:"revisions"`
}

func factHistory(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	revisions, err := s.store.FactHistory(c.r.Context(), id)
	if err != nil {
		return err
	}
	if len(revisions) == 0 {
		return store.ErrNotFound
	}
	return c.reply(http.StatusOK, FactHistory{Revisions: revisions})
}
