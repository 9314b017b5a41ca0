package api_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var dates = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d UTC`)

const number = "7K3M-9Q2X-W4RT-8HD5-NJ6P"

func (w *world) page(path string) answer {
	w.t.Helper()
	return w.do(request{"GET", path, "", "", map[string]string{"Accept": "text/html,application/xhtml+xml"}})
}

func posting(id breach.IncidentID, d store.Document, page []byte) store.NewPublicNotice {
	sum := sha256.Sum256(page)
	return store.NewPublicNotice{IncidentID: id, N: 1, Document: d.ID, DocumentSHA256: d.SHA256, Number: number, Page: page, PageSHA256: sum[:], Keep: time.Hour}
}

func TestPublicPages(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	if a := w.page("/"); a.status != 200 || !strings.Contains(string(a.body), "目前没有公示中的公告") {
		t.Errorf("index without notices: %d %s", a.status, a.body)
	}
	d := w.document(id, breach.DocPublicNotice, "public/1", "author")
	if _, err := w.store.Publish(t.Context(), posting(id, d, []byte("x"))); err == nil {
		t.Fatal("an unapproved page was published")
	}
	want[any](t, w.as(breach.RoleApprover, "POST", "/v1/documents/"+string(d.ID)+"/decision", `{"sha256":"`+d.SHA256.String()+`","verdict":"approved"}`), 200)
	const approved = "<!doctype html><style>p { color: red }</style><p>公告全文</p>"
	if _, err := w.store.Publish(t.Context(), posting(id, d, []byte(approved))); err != nil {
		t.Fatal(err)
	}
	a := w.page("/notices/" + number)
	if a.status != 200 || string(a.body) != approved {
		t.Errorf("the notice: %d %s", a.status, a.body)
	}
	if policy := a.header.Get("Content-Security-Policy"); !strings.Contains(policy, "style-src 'sha256-") || !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("policy %q", policy)
	}
	if again := w.do(request{"GET", "/notices/" + number, "", "", map[string]string{"If-None-Match": a.header.Get("ETag")}}); again.status != 304 {
		t.Errorf("the same notice again: %d", again.status)
	}
	if a := w.page("/"); !strings.Contains(string(a.body), number) || !strings.Contains(string(a.body), "notice.example.cn") {
		t.Errorf("index: %s", a.body)
	}
	if got := want[api.Checked](t, w.do(request{method: "GET", path: "/check?number=" + strings.ToLower(number)}), 200); !got.Genuine || got.Posted != "/notices/"+number {
		t.Errorf("check: %+v", got)
	}
	var n int
	if err := w.db(`with u as (update public_notice set page = page || 'x'::bytea returning 1) select count(*) from u`, &n); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if a := w.page("/notices/" + number); a.status != 503 || strings.Contains(string(a.body), "公告全文") {
		t.Errorf("a page that was tampered with: %d %s", a.status, a.body)
	}
	if a := w.page("/notices/0000-0000-0000-0000-0000"); a.status != 404 || !strings.Contains(string(a.body), "没有找到") {
		t.Errorf("an unknown notice: %d %s", a.status, a.body)
	}
}

func TestCheckShowsTheGenuineTextOfANoticeToPeople(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	if _, err := w.store.AddCampaign(t.Context(), id, 1, number, []breach.Channel{breach.Email}); err != nil {
		t.Fatal(err)
	}
	if got := want[api.Checked](t, w.do(request{method: "GET", path: "/check?number=" + number}), 404); got.Genuine {
		t.Error("a notice that nobody has approved is called genuine")
	}
	d := w.document(id, breach.DocNotice, "notice/1", "author")
	want[any](t, w.as(breach.RoleApprover, "POST", "/v1/documents/"+string(d.ID)+"/decision", `{"sha256":"`+d.SHA256.String()+`","verdict":"approved"}`), 200)
	if _, _, err := w.store.Freeze(t.Context(), id, 1, d.ID, 100); err != nil {
		t.Fatal(err)
	}
	a := w.page("/check?number=" + number)
	if a.status != 200 || !strings.Contains(string(a.body), "编号属实") || !strings.Contains(string(a.body), "&lt;正文&gt; &amp; …") {
		t.Errorf("check: %d %s", a.status, a.body)
	}
	if a := w.page("/check"); a.status != 200 || !strings.Contains(string(a.body), `<form action="/check"`) {
		t.Errorf("the form: %d %s", a.status, a.body)
	}
	hostile := w.page("/check?number=%3Cscript%3Ealert(1)%3C/script%3E")
	if hostile.status != 404 || strings.Contains(string(hostile.body), "alert(1)") {
		t.Errorf("a hostile number: %d %s", hostile.status, hostile.body)
	}
	refused(t, w.do(request{method: "GET", path: "/check"}), 400, "malformed")
}

func TestTheRoutesAreWrittenDown(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Routes\n\nWritten by `go test ./internal/api -update` from the table that the router is built from.\n\n| route | who | what |\n| --- | --- | --- |\n")
	for _, r := range api.Routes() {
		who := "anybody"
		if !r.Public {
			roles := make([]string, len(r.Roles))
			for i, role := range r.Roles {
				roles[i] = string(role)
			}
			who = strings.Join(roles, ", ")
		}
		fmt.Fprintf(&b, "| `%s %s` | %s | %s |\n", r.Method, r.Pattern, who, r.Does)
	}
	golden(t, "../routes.md", b.String())
}

func TestTheCheckIsRateLimited(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	w := newWorld(t, func(o *api.Options) { o.Now = func() time.Time { return now } })
	taken := 0
	for range 30 {
		a := w.do(request{method: "GET", path: "/check?number=X"})
		if a.status == 404 {
			taken++
			continue
		}
		refused(t, a, 429, "too_many")
	}
	if taken != 20 {
		t.Errorf("%d checks were answered", taken)
	}
	now = now.Add(time.Minute)
	if a := w.do(request{method: "GET", path: "/check?number=X"}); a.status != 404 {
		t.Errorf("a minute later: %d", a.status)
	}
}

func TestHealthAndReadiness(t *testing.T) {
	w := newWorld(t)
	if a := w.do(request{method: "GET", path: "/healthz"}); a.status != 200 {
		t.Errorf("healthz %d", a.status)
	}
	if a := w.do(request{method: "GET", path: "/readyz"}); a.status != 200 {
		t.Errorf("readyz %d", a.status)
	}
	w.store.Close() // as good as a database that is away
	if a := w.do(request{method: "GET", path: "/healthz"}); a.status != 200 {
		t.Errorf("healthz without a database: %d", a.status)
	}
	refused(t, w.do(request{method: "GET", path: "/readyz"}), 503, "database_away")
	refused(t, w.as(breach.RoleLead, "GET", "/v1/incidents", ""), 503, "database_away")
	refused(t, w.as(breach.RoleLead, "POST", "/v1/incidents", `{"title":"x"}`), 503, "database_away")
}

func TestMetricsAreCountsOnly(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	w.as(breach.RoleSource, "POST", "/v1/alerts/alertmanager", alert(fp1, "firing", ""))
	rec := httptest.NewRecorder()
	api.Metrics(w.store, w.metrics, time.Now).ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	text := rec.Body.String()
	for _, line := range []string{
		`tocsin_alerts_total{became="opened",source="alertmanager"} 1`,
		`tocsin_api_requests_total{route="POST /v1/incidents",status="201"} 1`,
		`tocsin_incidents_open 2`, `tocsin_outbox_waiting`, `tocsin_database_up 1`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %s in:\n%s", line, text)
		}
	}
	if strings.Contains(text, string(id)) || strings.Contains(text, "responder.person") {
		t.Error("the metrics name an incident or a person")
	}
}

// A caller who sends a header byte by byte is cut off, and what net/http says about it quotes nothing.
func TestHalfARequestHoldsNobodyUp(t *testing.T) {
	w := newWorld(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /v1/incidents HTTP/1.1\r\nHost: 张三\x00\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 400") {
		t.Errorf("answer %q, %v", b, err)
	}
	if s := api.Server("", nil, slog.New(slog.DiscardHandler)); s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.WriteTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 {
		t.Errorf("a limit is missing: %+v", s)
	}
	if strings.Contains(w.log.String(), "张三") {
		t.Error("the log quotes the request")
	}
}
