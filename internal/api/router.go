package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/intake"
	"tocsin/internal/store"
)

// call is one request on its way through.
type call struct {
	w      *response
	r      *http.Request
	route  Route
	id     string // the request's
	holder store.Holder
	log    *slog.Logger
}

// response remembers the status for log and metrics.
type response struct {
	http.ResponseWriter
	status int
}

// WriteHeader remembers the first status.
func (w *response) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body.
func (w *response) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap gives [http.ResponseController] the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (s *server) router() http.Handler {
	mux := http.NewServeMux()
	for _, route := range table(s.MaxUpload) {
		if !route.complete() {
			panic("api: the row of " + route.Method + " " + route.Pattern + " is not complete: who may use it, and what does it do?")
		}
		mux.HandleFunc(route.Method+" "+route.Pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, route) })
	}
	nowhere := Route{Pattern: "(none)", Public: true, time: quick, do: func(_ *server, c *call) error { return elsewhere(mux, c.r) }}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, nowhere) })
	return mux
}

// elsewhere tells an address that does not exist from a method that the address does not have.
func elsewhere(mux *http.ServeMux, r *http.Request) error {
	var allowed []string
	for _, method := range []string{"GET", "POST", "PATCH"} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return notFound("There is nothing at this address.", "Compare it with the list of routes; tocsin --help shows what the command line can do.")
	}
	return problem(http.StatusMethodNotAllowed, "method", "This address does not take that method.", "It takes "+strings.Join(allowed, " and ")+".")
}

// serve is the one way through which every request goes.
func (s *server) serve(w http.ResponseWriter, r *http.Request, route Route) {
	began := s.Now()
	c := &call{w: &response{ResponseWriter: w}, r: r, route: route, id: newRequestID()}
	c.log = s.Log.With("request_id", c.id, "route", route.Method+" "+route.Pattern)
	s.secureHeaders(c.w.Header(), c.id)
	if route.time > 0 {
		ctx, cancel := context.WithTimeoutCause(r.Context(), route.time, errors.New("the request's time is over"))
		defer cancel()
		c.r = r.WithContext(ctx)
	}
	c.r.Body = http.MaxBytesReader(w, c.r.Body, route.limit)
	s.answer(c)
	took := s.Now().Sub(began)
	s.count.request(route, c.w.status, took)
	c.log.Info("request", "status", c.w.status, "ms", took.Milliseconds(), "token", c.holder.Token)
}

// answer runs the handler and turns what went wrong, a panic too, into a problem.
func (s *server) answer(c *call) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p)
		}
		// The panic's text may quote a value; its type and the stack do not.
		c.log.Error("panic", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
		s.refuse(c, problem(http.StatusInternalServerError, "our_fault", "Something failed on our side.",
			"Send it again; if it fails again, give the request_id to whoever runs Tocsin."))
	}()
	err := s.admit(c)
	if err == nil {
		err = c.route.do(s, c)
	}
	if err == nil {
		return
	}
	p, cause := s.asProblem(err)
	if cause != nil {
		c.log.Error("request failed", "error", cause)
	}
	s.refuse(c, p)
}

func (s *server) refuse(c *call, p *Problem) {
	if c.w.status != 0 {
		return // the answer has begun
	}
	p.RequestID, p.Type, p.Title = c.id, "urn:tocsin:problem:"+p.Code, http.StatusText(p.Status)
	if p.Title == "" {
		p.Title = "Client Closed Request" // 499, which no caller sees
	}
	if c.route.Public && wantsPage(c.r) {
		s.pages.problem(c, p)
		return
	}
	writeProblem(c.w, p)
}

// admit finds who asks and whether they may.
func (s *server) admit(c *call) error {
	if c.route.Public {
		return nil
	}
	token, ok := bearer(c.r)
	if !ok {
		c.w.Header().Set("WWW-Authenticate", `Bearer realm="tocsin"`)
		return problem(http.StatusUnauthorized, "no_token", "There is no bearer token in the request.",
			"Send the header Authorization: Bearer with a token; tocsin token add makes one.")
	}
	var err error
	if c.holder, err = s.store.Authenticate(c.r.Context(), token); err != nil {
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		c.w.Header().Set("WWW-Authenticate", `Bearer realm="tocsin", error="invalid_token"`)
		return problem(http.StatusUnauthorized, "bad_token", "The token is unknown, expired or revoked.",
			"tocsin token list shows the tokens and when they end; tocsin token add makes one.")
	}
	if !s.perPerson.allow(c.holder.Token, s.Now()) {
		c.w.Header().Set("Retry-After", "1")
		return problem(http.StatusTooManyRequests, "too_many", "This token sends more requests than are taken.", "Wait a second and go on more slowly.")
	}
	if c.holder.Is(c.route.Roles...) {
		return nil
	}
	return s.deny(c)
}

// deny refuses a holder without the role. An attempt to change something is journalled: it is evidence.
func (s *server) deny(c *call) error {
	roles := make([]string, len(c.route.Roles))
	for i, r := range c.route.Roles {
		roles[i] = string(r)
	}
	refusal := problem(http.StatusForbidden, "role", "This needs the role "+strings.Join(roles, " or ")+", which the token does not have.",
		"Ask somebody who has it, or have a token made with that role.")
	if c.r.Method == http.MethodGet {
		return refusal
	}
	if err := s.store.Note(c.r.Context(), "", c.holder.Person, "request.denied", c.route.Method+" "+c.route.Pattern, store.Detail{"token": c.holder.Token}); err != nil {
		return err
	}
	return refusal
}

func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != ""
}

func newRequestID() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}

func (s *server) secureHeaders(h http.Header, id string) {
	if strings.HasPrefix(s.PublicURL, "https://") {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	h.Set("X-Request-Id", id)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Cache-Control", "no-store")
}

// body reads a JSON body to its end.
func (c *call) body() ([]byte, error) {
	if kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, problem(http.StatusUnsupportedMediaType, "media_type", "The body must be JSON.", "Send it with the header Content-Type: application/json.")
	}
	b, err := io.ReadAll(c.r.Body)
	if err != nil {
		if _, tooBig := errors.AsType[*http.MaxBytesError](err); tooBig {
			return nil, err
		}
		return nil, problem(http.StatusBadRequest, "cut_off", "The body broke off before its end.", "Send it again; nothing was changed.")
	}
	return b, nil
}

// decode reads a JSON body strictly.
func (c *call) decode(into any) error {
	b, err := c.body()
	if err != nil {
		return err
	}
	return intake.Decode(b, into)
}

// reply sends a JSON answer.
func (c *call) reply(status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(append(b, '\n')) // the caller may be gone; what was done is done
	return nil
}

func (c *call) incident() (breach.IncidentID, error) {
	id, err := breach.ParseIncidentID(c.r.PathValue("id"))
	if err != nil {
		return "", notFound("This is not an incident number; it looks like INC-2026-0001.", "tocsin incident list shows the incidents.")
	}
	return id, nil
}

// number reads a whole number of the query, at most limit; fallback where it is absent.
func (c *call) number(name string, fallback, limit int64) (int64, error) {
	text := c.r.URL.Query().Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > limit {
		return 0, problem(http.StatusBadRequest, "malformed", fmt.Sprintf("The parameter %s must be a whole number from 0 to %d.", name, limit), "")
	}
	return n, nil
}

// why reads the reason that a person gives, which is kept in clear.
func why(text string, required bool) (string, error) {
	text = intake.Line(text, 1000)
	if text == "" && required {
		return "", unprocessable("why", "The field why is empty.", "Say in a sentence why, without naming affected people: it is kept for the record.")
	}
	return text, nil
}

// extend moves the request's deadline; handlers that stream do it as data comes in.
func (c *call) extend(at time.Time) {
	rc := http.NewResponseController(c.w)
	_ = rc.SetReadDeadline(at) // not every connection has one; then the server's own limit holds
	_ = rc.SetWriteDeadline(at.Add(quick))
}
