package api

import (
	"net/http"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// Register is every incident of a time, also those that nobody had to be told of, oldest first.
type Register struct {
	From    time.Time             `json:"from"` // opened at or after
	To      time.Time             `json:"to"`   // opened before
	At      time.Time             `json:"at"`   // when it was drawn up
	Entries []store.RegisterEntry `json:"entries"`
}

// showRegister leaves titles out unless they are asked for by who may see them: a title may name people.
func showRegister(s *server, c *call) error {
	now := s.Now().UTC()
	out := Register{To: now.Add(time.Second), At: now}
	q := c.r.URL.Query()
	for name, into := range map[string]*time.Time{"from": &out.From, "to": &out.To} {
		text := q.Get(name)
		if text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return problem(http.StatusBadRequest, "malformed", "The parameter "+name+" must be an instant, such as 2026-01-01T00:00:00+08:00.", "")
		}
		*into = at.UTC()
	}
	if !out.From.Before(out.To) {
		return problem(http.StatusBadRequest, "malformed", "The parameter from must be earlier than to.", "")
	}
	titles := q.Get("titles") == "true"
	if titles && !c.holder.Is(breach.RoleLead, breach.RoleAuditor) {
		return problem(http.StatusForbidden, "role", "Titles need the role lead or auditor: they may name people.", "Ask without titles.")
	}
	entries, err := s.store.Register(c.r.Context(), out.From, out.To, titles)
	if err != nil {
		return err
	}
	if titles {
		if err := s.store.Note(c.r.Context(), "", c.holder.Person, "register.read", "titles", store.Detail{"incidents": len(entries)}); err != nil {
			return err
		}
	}
	out.Entries = orEmpty(entries)
	return c.reply(http.StatusOK, out)
}
