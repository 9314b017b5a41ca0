package activities_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/internal/devstack/pgtest"
	"tocsin/internal/regulation"
	"tocsin/internal/seal"
	"tocsin/internal/store"
	"tocsin/notifiers"
	"tocsin/notifiers/all"
	"tocsin/templates"
)

func TestMain(m *testing.M) {
	if order := os.Getenv(dyingOrder); order != "" {
		os.Exit(fileAndDie(order))
	}
	os.Exit(pgtest.Main(m))
}

// house is a database, an inbox and what activities need of the world.
type house struct {
	t     *testing.T
	store *store.Store
	inbox *inbox.Inbox
	email notifiers.Notifier
	url   string // of the database
	key   string // the master key's file
}

func newHouse(t *testing.T) *house {
	t.Helper()
	key := filepath.Join(t.TempDir(), "master.key")
	if err := seal.CreateMasterFile(key); err != nil {
		t.Fatal(err)
	}
	master, err := seal.OpenMasterFile(key)
	if err != nil {
		t.Fatal(err)
	}
	url := pgtest.New(t, store.Migrate)
	s, err := store.Open(t.Context(), url, master, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	in, err := inbox.Start(context.Background(), inbox.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close() })
	email, err := mailTo(in.SMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = email.Close() })
	return &house{t, s, in, email, url, key}
}

func mailTo(address string) (notifiers.Notifier, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	return all.Build(breach.Email, "smtp", map[string]any{"host": host, "port": n, "tls": "none", "from": "notice@example.com"}, time.Now)
}

// run executes an activity as the engine would.
func run[T any](h *house, fn any, in any) (T, error) {
	h.t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(fn)
	var out T
	v, err := env.ExecuteActivity(fn, in)
	if err == nil && v.HasValue() {
		err = v.Get(&out)
	}
	return out, err
}

func (h *house) openIncident(facts breach.Facts) breach.IncidentID {
	h.t.Helper()
	o, err := h.store.OpenIncident(h.t.Context(), store.NewIncident{
		Fingerprint: "test", Source: "person", Title: "synthetic leak", By: "zhao.min", Why: "test", Facts: facts,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	laws, err := regulation.Load()
	if err != nil {
		h.t.Fatal(err)
	}
	a := &activities.Assessor{Store: h.store, Laws: laws, Organisation: profile(), Now: time.Now}
	if _, err := run[activities.Assessed](h, a.Assess, activities.AssessInput{Incident: o.Incident, Rev: 1}); err != nil {
		h.t.Fatal(err)
	}
	return o.Incident
}

func profile() breach.Facts {
	return breach.Facts{
		"org.jurisdictions": []string{"CN"}, "org.role": "controller", "org.network_operator": true, "org.cii_involved": false, "org.central_organ": false,
	}
}

func leak() breach.Facts {
	return breach.Facts{"kinds": []string{"leak"}, "data.personal": true, "people.total": int64(1_200_000), "harm.avoided": false}
}

func speaker() templates.Organisation {
	return templates.Organisation{
		Name: breach.Text{ZH: "示例有限公司", EN: "Example Ltd"}, Short: breach.Text{ZH: "示例", EN: "Example"},
		HomePage: "https://www.example.com", Hotline: "400-000-0000", Email: "privacy@example.com",
	}
}

func (h *house) filings(address string) *activities.Filings {
	return &activities.Filings{
		Store: h.store, Templates: templates.Default(), Organisation: speaker(), Profile: profile(),
		Signer:      templates.Signer{Name: "李示例", Phone: "010-00000000"},
		Authorities: map[string]activities.Addressee{"cn-cac-provincial": {Name: "CAC", Way: "email", To: address, Via: h.email}},
	}
}

func (h *house) approve(id breach.DocumentID, by breach.Person) {
	h.t.Helper()
	d, err := h.store.Document(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.store.Decide(h.t.Context(), store.Decision{Document: id, SHA256: d.SHA256, Verdict: breach.Approved, Person: by, Role: breach.RoleApprover}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) taskKinds(id breach.IncidentID) string {
	h.t.Helper()
	tasks, err := h.store.Tasks(h.t.Context(), id, false)
	if err != nil {
		h.t.Fatal(err)
	}
	kinds := []breach.TaskKind{}
	for _, t := range tasks {
		kinds = append(kinds, t.Kind)
	}
	return fmt.Sprint(kinds)
}
