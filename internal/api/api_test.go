package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/devstack/pgtest"
	"tocsin/internal/seal"
	"tocsin/internal/store"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// world is an API on a real socket and a real database, with one token for each role.
type world struct {
	t        testing.TB
	store    *store.Store
	url      string
	tokens   map[breach.Role]string
	log      *bytes.Buffer
	database string
	metrics  *prometheus.Registry
}

func newWorld(t testing.TB, change ...func(*api.Options)) *world {
	t.Helper()
	w := &world{t: t, tokens: map[breach.Role]string{}, log: &bytes.Buffer{}, metrics: prometheus.NewRegistry()}
	w.database = pgtest.New(t, store.Migrate)
	w.store = openStore(t, w.database)
	for _, role := range breach.Roles() {
		w.tokens[role] = w.token(person(role), role)
	}
	o := api.Options{
		Store: w.store, Now: time.Now, Log: slog.New(slog.NewJSONHandler(&locked{w: w.log}, nil)),
		PublicURL: "https://notice.example.cn", Organisation: breach.Text{ZH: "示例公司", EN: "Example Ltd"}, Metrics: w.metrics,
	}
	for _, f := range change {
		f(&o)
	}
	server := httptest.NewUnstartedServer(nil)
	server.Config = api.Server("", api.New(o), o.Log)
	server.Start()
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func openStore(t testing.TB, url string) *store.Store {
	t.Helper()
	key := filepath.Join(t.TempDir(), "master.key")
	if err := seal.CreateMasterFile(key); err != nil {
		t.Fatal(err)
	}
	master, err := seal.OpenMasterFile(key)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), url, master, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func person(r breach.Role) breach.Person { return breach.Person(string(r) + ".person") }

func (w *world) token(who breach.Person, roles ...breach.Role) string {
	w.t.Helper()
	token, err := w.store.AddToken(context.Background(), store.Holder{Token: string(who), Person: who, Roles: roles}, 0, "test")
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// request is one call of the API in a test.
type request struct {
	method, path string
	token        string
	body         string
	header       map[string]string
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (w *world) do(r request) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), r.method, w.url+r.path, strings.NewReader(r.body))
	if err != nil {
		w.t.Fatal(err)
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	if r.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, b}
}

// as calls with the token of a role.
func (w *world) as(role breach.Role, method, path, body string) answer {
	w.t.Helper()
	return w.do(request{method: method, path: path, token: w.tokens[role], body: body})
}

// want decodes an answer of a status.
func want[T any](t testing.TB, a answer, status int) T {
	t.Helper()
	var v T
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return v
}

// refused checks that an answer is a problem document of a status and a code.
func refused(t testing.TB, a answer, status int, code string) api.Problem {
	t.Helper()
	p := want[api.Problem](t, a, status)
	if p.Code != code || p.Detail == "" || p.RequestID == "" || p.Type != "urn:tocsin:problem:"+code || p.Status != status || p.Title == "" {
		t.Errorf("problem %+v, want code %s", p, code)
	}
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q", got)
	}
	return p
}

func (w *world) openIncident() breach.IncidentID {
	w.t.Helper()
	a := w.as(breach.RoleResponder, "POST", "/v1/incidents", `{"title":"synthetic leak","facts":{"kinds":["leak"]}}`)
	return want[store.Opened](w.t, a, http.StatusCreated).Incident
}

// locked lets handlers log at once.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

// Write appends a line.
func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// db reads one value from the world's database, for what the API does not show.
func (w *world) db(sql string, into any) error {
	conn, err := pgx.Connect(context.Background(), w.database)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	return conn.QueryRow(context.Background(), sql).Scan(into)
}
