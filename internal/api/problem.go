package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/intake"
	"tocsin/internal/store"
)

// Problem is a refusal as it crosses the wire, application/problem+json of RFC 9457. It repeats nothing of the request.
type Problem struct {
	Type      string     `json:"type"` // "urn:tocsin:problem:" and the code
	Title     string     `json:"title"`
	Status    int        `json:"status"`
	Code      string     `json:"code"`           // stable, for machines: "same_person", "closed"
	Detail    string     `json:"detail"`         // one sentence: what is wrong
	Next      string     `json:"next,omitempty"` // what to do
	RequestID string     `json:"request_id"`     // names the request in our log
	Open      []OpenItem `json:"open,omitempty"` // what keeps an incident from being closed
}

// OpenItem is one thing that keeps an incident from being closed.
type OpenItem struct {
	Kind string      `json:"kind"` // "possible" for duties that hang on facts, else as store.Matter has it
	Ref  string      `json:"ref"`
	Text breach.Text `json:"text"`
	Next string      `json:"next"` // what to type
}

// Error is the sentence, and what to do.
func (p *Problem) Error() string {
	if p.Next == "" {
		return p.Detail
	}
	return p.Detail + " " + p.Next
}

func problem(status int, code, detail, next string) *Problem {
	return &Problem{Status: status, Code: code, Detail: detail, Next: next}
}

// asProblem finds the answer to an error. cause is what the log should keep: nil for what the caller did wrong.
func (s *server) asProblem(err error) (p *Problem, cause error) {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p, nil
	}
	if r, ok := errors.AsType[*store.Refused](err); ok {
		return problem(http.StatusConflict, r.Code, sentence(r.Text), ""), nil
	}
	if f, ok := errors.AsType[*intake.Fault](err); ok {
		return problem(http.StatusBadRequest, "malformed", sentence(f.Error()), "Mend it and send it again; nothing was changed."), nil
	}
	if tooBig, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem(http.StatusRequestEntityTooLarge, "too_large",
			fmt.Sprintf("The body is larger than %d bytes, which is the most this address takes.", tooBig.Limit), "Send it in parts."), nil
	}
	if errors.Is(err, store.ErrNotFound) {
		return notFound("It does not exist.", "Check the number or id; tocsin incident list shows the incidents, and tocsin notice list INCIDENT the notices of one."), nil
	}
	if errors.Is(err, context.Canceled) {
		return problem(499, "gone", "The caller went away.", ""), nil
	}
	return s.ourFault(err), err
}

// ourFault tells a database that does not answer from a mistake of ours.
func (s *server) ourFault(err error) *Problem {
	if _, answered := errors.AsType[*store.Failure](err); !answered {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if errors.Is(err, context.DeadlineExceeded) || s.store.Ping(ctx) != nil {
			return problem(http.StatusServiceUnavailable, "database_away", "The database does not answer just now.",
				"Send it again in a moment; with the same Idempotency-Key nothing happens twice.")
		}
	}
	return problem(http.StatusInternalServerError, "our_fault", "Something failed on our side.",
		"Send it again; if it fails again, give the request_id to whoever runs Tocsin.")
}

func notFound(detail, next string) *Problem {
	return problem(http.StatusNotFound, "not_found", detail, next)
}

func unprocessable(code, detail, next string) *Problem {
	return problem(http.StatusUnprocessableEntity, code, detail, next)
}

// sentence begins with a capital letter and ends with a full stop, as a problem's detail does.
func sentence(s string) string {
	if s == "" {
		return s
	}
	if c := s[0]; c >= 'a' && c <= 'z' && (len(s) < 2 || s[1] == ' ' || s[1] >= 'a' && s[1] <= 'z') && !startsWithName(s) {
		s = string(c-'a'+'A') + s[1:]
	}
	switch s[len(s)-1] {
	case '.', '?', '!':
		return s
	}
	return s + "."
}

// startsWithName reports whether a text begins with the name of a field, a fact or a duty, whose case matters.
func startsWithName(s string) bool {
	for _, r := range s {
		switch r {
		case ' ':
			return false
		case '.', '[', ':', '_', '/', '-':
			return true
		}
	}
	return false
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller may be gone
}
