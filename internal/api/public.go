package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"strings"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

//go:embed pages/*.html
var pageFiles embed.FS

// pages draws our own public pages; a public notice itself is served as the bytes that were approved. All work without
// scripts and load nothing.
type pages struct {
	set          *template.Template
	organisation breach.Text
	host         string
}

func newPages(organisation breach.Text, host string) *pages {
	return &pages{template.Must(template.ParseFS(pageFiles, "pages/*.html")), organisation, host}
}

// frame is what every page has.
type frame struct {
	Organisation breach.Text
	Host         string
	Data         any
}

func (p *pages) draw(c *call, status int, name string, data any) error {
	var b bytes.Buffer
	if err := p.set.ExecuteTemplate(&b, name, frame{p.organisation, p.host, data}); err != nil {
		return fmt.Errorf("draw page %s: %w", name, err)
	}
	return c.sendPage(status, b.Bytes())
}

// problem tells a person in a browser what went wrong.
func (p *pages) problem(c *call, refusal *Problem) {
	if err := p.draw(c, refusal.Status, "problem.html", refusal); err != nil {
		writeProblem(c.w, refusal)
	}
}

// sendPage sends HTML that may load nothing but the styles within it.
func (c *call) sendPage(status int, page []byte) error {
	h := c.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy(page))
	h.Set("Cache-Control", "no-cache") // a withdrawn or mended notice is seen at once
	c.w.WriteHeader(status)
	_, _ = c.w.Write(page) // the reader may be gone
	return nil
}

var styleElement = regexp.MustCompile(`(?is)<style[^>]*>(.*?)</style>`)

// pagePolicy allows the page's own styles, each by its hash, images written into it, and a form to ourselves.
func pagePolicy(page []byte) string {
	styles := "'none'"
	if found := styleElement.FindAllSubmatch(page, -1); len(found) > 0 {
		hashes := make([]string, len(found))
		for i, m := range found {
			sum := sha256.Sum256(m[1])
			hashes[i] = "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		}
		styles = strings.Join(hashes, " ")
	}
	return "default-src 'none'; style-src " + styles + "; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}

func wantsPage(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html")
}

func index(s *server, c *call) error {
	posted, err := s.store.PublicNotices(c.r.Context(), "")
	if err != nil {
		return err
	}
	return s.pages.draw(c, http.StatusOK, "index.html", posted)
}

func publicNotice(s *server, c *call) error {
	number, err := s.ParseNumber(c.r.PathValue("number"))
	if err != nil {
		return noSuchNotice()
	}
	n, err := s.store.PublicNoticeByNumber(c.r.Context(), number)
	if errors.Is(err, store.ErrNotFound) {
		return noSuchNotice()
	}
	if err != nil {
		return err
	}
	sum := sha256.Sum256(n.Page)
	if !bytes.Equal(sum[:], n.SHA256) {
		c.log.Error("a public notice is not the page that was published", "incident_id", n.IncidentID, "n", n.N)
		return problem(http.StatusServiceUnavailable, "tampered", "This notice is being checked and cannot be shown just now.", "Come back in a while, or call the hotline.")
	}
	tag := `"` + hex.EncodeToString(sum[:]) + `"`
	c.w.Header().Set("ETag", tag)
	if c.r.Header.Get("If-None-Match") == tag {
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return c.sendPage(http.StatusOK, n.Page)
}

func noSuchNotice() *Problem {
	return notFound("There is no such notice posted now.",
		"Compare the number with the notice that you have; the start page lists what is posted, and /check tells whether a number is genuine.")
}

// Checked is the answer to whether a notice number is genuine. It tells of notices, never of people.
type Checked struct {
	Number  string             `json:"number,omitempty"` // in its one form; empty where it cannot be one
	Genuine bool               `json:"genuine"`
	Posted  string             `json:"posted,omitempty"` // where the public notice of this number is shown
	Texts   []breach.Rendition `json:"texts,omitempty"`  // what the notice says to each audience, in its languages, without names
}

// checkView is what the page of the check shows: the form alone where nothing was asked.
type checkView struct {
	Asked bool
	Checked
}

// check tells whether a number is one of ours and shows the genuine text. It is the same for everybody: it asks nothing
// about who asks.
func check(s *server, c *call) error {
	typed := c.r.URL.Query().Get("number")
	if typed == "" {
		if !wantsPage(c.r) {
			return problem(http.StatusBadRequest, "malformed", "The parameter number is missing.", "Ask for /check?number= and the number as the notice has it.")
		}
		return s.pages.draw(c, http.StatusOK, "check.html", checkView{})
	}
	if !s.perIP.allow(s.ClientIP(c.r), s.Now()) {
		c.w.Header().Set("Retry-After", "30")
		return problem(http.StatusTooManyRequests, "too_many", "Too many numbers were checked from here.", "Wait half a minute and check again.")
	}
	result, err := s.checkNumber(c.r.Context(), typed)
	if err != nil {
		return err
	}
	status := map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[result.Genuine]
	if wantsPage(c.r) {
		return s.pages.draw(c, status, "check.html", checkView{Asked: true, Checked: result})
	}
	return c.reply(status, result)
}

func (s *server) checkNumber(ctx context.Context, typed string) (Checked, error) {
	number, err := s.ParseNumber(typed)
	if err != nil || len(number) > 64 {
		return Checked{}, nil
	}
	out := Checked{Number: number}
	switch _, err := s.store.PublicNoticeByNumber(ctx, number); {
	case err == nil:
		out.Genuine, out.Posted = true, "/notices/"+number
	case !errors.Is(err, store.ErrNotFound):
		return out, err
	}
	document, err := s.store.NoticeDocument(ctx, number)
	if errors.Is(err, store.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Genuine = true
	var content breach.Content
	if err := json.Unmarshal(document.Content, &content); err != nil {
		return out, errors.New("a notice's content cannot be read")
	}
	for _, r := range content.Renditions {
		r = s.Unnamed(r)
		out.Texts = append(out.Texts, breach.Rendition{Language: r.Language, Audience: r.Audience, Title: r.Title, Text: r.Text, SMS: r.SMS})
	}
	return out, nil
}

func healthz(_ *server, c *call) error {
	return c.reply(http.StatusOK, map[string]string{"status": "ok"})
}

func readyz(s *server, c *call) error {
	ctx, cancel := context.WithTimeout(c.r.Context(), 2*time.Second)
	defer cancel()
	if s.store.Ping(ctx) != nil {
		return problem(http.StatusServiceUnavailable, "database_away", "The database does not answer.", "See whether PostgreSQL runs and whether database.url fits.")
	}
	return c.reply(http.StatusOK, map[string]string{"status": "ready"})
}
