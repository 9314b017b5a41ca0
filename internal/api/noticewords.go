package api

import (
	"net/http"
	"strings"

	"tocsin/internal/breach"
)

// NoticeWordsIn are words for an incident's notices: PUT /v1/incidents/{id}/notice-words. They take the place of all that
// was written before.
type NoticeWordsIn struct {
	Words breach.NoticeWords `json:"words"`
	Why   string             `json:"why"`
}

func showNoticeWords(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	w, err := s.store.NoticeWords(c.r.Context(), id)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, w)
}

func writeNoticeWords(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	var in NoticeWordsIn
	if err := c.decode(&in); err != nil {
		return err
	}
	if faults := in.Words.Faults(); len(faults) > 0 {
		return unprocessable("words", sentence(strings.Join(faults, "; ")), "Mend it and send it again; nothing was changed.")
	}
	if err := s.publishable(in.Words); err != nil {
		return err
	}
	if in.Why, err = why(in.Why, true); err != nil {
		return err
	}
	w, err := s.store.WriteNoticeWords(c.r.Context(), id, in.Words, c.holder.Person, in.Why)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, w)
}

// publishable refuses words with which no notice would be made.
func (s *server) publishable(w breach.NoticeWords) error {
	if s.CheckWords == nil {
		return nil
	}
	if faults := s.CheckWords(w); len(faults) > 0 {
		return unprocessable("words", strings.Join(faults, "; ")+".", "Write it without that and send it again; nothing was changed.")
	}
	return nil
}
