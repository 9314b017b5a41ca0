package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"tocsin/internal/store"
)

// Reconciled is every sum that must hold, with both its sides.
type Reconciled struct {
	Holds      bool             `json:"holds"`
	Campaign   int              `json:"campaign,omitempty"` // the one that was counted; 0: the whole incident
	Identities []store.Identity `json:"identities"`
}

// Counting is one line of the answer to a reconciliation that was asked for as application/x-ndjson: what is being read, and
// at the end the result or what went wrong. Exactly one field is set.
type Counting struct {
	Reading *store.ReconcileStep `json:"reading,omitempty"`
	Result  *Reconciled          `json:"result,omitempty"`
	Problem *Problem             `json:"problem,omitempty"`
}

const linesOfJSON = "application/x-ndjson"

// reconcile counts anew: POST /v1/incidents/{id}/reconcile?campaign=N. Everybody is read, which takes minutes for a hundred million, so
// a caller may ask for lines and see how far it is.
func reconcile(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	n, err := c.number("campaign", 0, 1<<30)
	if err != nil {
		return err
	}
	if until, ok := c.r.Context().Deadline(); ok {
		c.extend(until)
	}
	if !strings.Contains(c.r.Header.Get("Accept"), linesOfJSON) {
		identities, err := s.store.Reconcile(c.r.Context(), id, int(n), nil)
		if err != nil {
			return err
		}
		return c.reply(http.StatusOK, reconciled(int(n), identities))
	}
	began := false
	line := func(l Counting) {
		if !began {
			c.w.Header().Set("Content-Type", linesOfJSON)
			c.w.WriteHeader(http.StatusOK)
		}
		began = true
		_ = json.NewEncoder(c.w).Encode(l) // the caller may be gone; its context then ends the count
		_ = http.NewResponseController(c.w).Flush()
	}
	identities, err := s.store.Reconcile(c.r.Context(), id, int(n), func(x store.ReconcileStep) { line(Counting{Reading: &x}) })
	if err != nil && !began {
		return err
	}
	if err != nil {
		p, cause := s.asProblem(err)
		if cause != nil {
			c.log.Error("request failed", "error", cause)
		}
		p.RequestID = c.id
		line(Counting{Problem: p})
		return nil
	}
	r := reconciled(int(n), identities)
	line(Counting{Result: &r})
	return nil
}

func reconciled(n int, identities []store.Identity) Reconciled {
	return Reconciled{
		Holds:      !slices.ContainsFunc(identities, func(i store.Identity) bool { return !i.Holds() }),
		Campaign:   n,
		Identities: identities,
	}
}
