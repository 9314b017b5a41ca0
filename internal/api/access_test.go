package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"tocsin/internal/api"
	"tocsin/internal/breach"
)

// The whole matrix: every route, with every role, without a token, with a wrong one.
func TestWhoMayDoWhat(t *testing.T) {
	w := newWorld(t)
	fill := strings.NewReplacer("{$}", "", "{id}", "INC-2026-0001", "{n}", "1", "{number}", "7K3M-9Q2X-W4RT-8HD5-NJ6P")
	cells := 0
	for _, route := range api.Routes() {
		path := fill.Replace(route.Pattern)
		for name, token := range map[string]string{
			"no token": "", "not a token": "x", "a wrong token": "toc_" + strings.Repeat("A", 43), "half a token": w.tokens[breach.RoleLead][:20],
		} {
			cells++
			a := w.do(request{method: route.Method, path: path, token: token})
			if route.Public {
				if a.status == http.StatusUnauthorized {
					t.Errorf("%s %s is public and refuses %s", route.Method, route.Pattern, name)
				}
				continue
			}
			if a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s with %s: %d", route.Method, route.Pattern, name, a.status)
			}
		}
		for _, role := range breach.Roles() {
			cells++
			a := w.as(role, route.Method, path, "")
			may := route.Public || slices.Contains(route.Roles, role)
			if denied := a.status == http.StatusForbidden; denied == may {
				t.Errorf("%s %s as %s: %d", route.Method, route.Pattern, role, a.status)
			}
			if a.status >= 500 {
				t.Errorf("%s %s as %s: %d %s", route.Method, route.Pattern, role, a.status, a.body)
			}
			checkHeaders(t, route, a)
		}
	}
	t.Logf("%d cells", cells)
}

func checkHeaders(t *testing.T, route api.Route, a answer) {
	t.Helper()
	for _, name := range []string{"X-Request-Id", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Content-Security-Policy", "Cache-Control"} {
		if a.header.Get(name) == "" {
			t.Errorf("%s %s: no %s", route.Method, route.Pattern, name)
		}
	}
	if !strings.HasPrefix(a.header.Get("Content-Security-Policy"), "default-src 'none';") {
		t.Errorf("%s %s: policy %q", route.Method, route.Pattern, a.header.Get("Content-Security-Policy"))
	}
}

func TestWhatIsNotInTheTableDoesNotExist(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/v1", 404},
		{"GET", "/v1/incidents/", 404},
		{"GET", "/v1/alerts/alertmanager", 405},
		{"DELETE", "/v1/incidents", 405},
		{"PUT", "/v1/incidents/INC-2026-0001/facts", 405},
		{"POST", "/", 405},
		{"OPTIONS", "/v1/incidents", 405},
		{"TRACE", "/healthz", 405},
		{"GET", "/v1/alerts/prometheus", 404},
		{"GET", "/metrics", 404},
		{"GET", "/debug/pprof/", 404},
		{"GET", "/notices/", 404},
		{"GET", "/v1/incidents/%2e%2e/x", 404},
	} {
		for _, role := range []breach.Role{breach.RoleLead, ""} {
			a := w.do(request{method: c.method, path: c.path, token: w.tokens[role]})
			if a.status != c.status {
				t.Errorf("%s %s: %d, want %d: %s", c.method, c.path, a.status, c.status, a.body)
			}
		}
	}
}

func TestAnAttemptWithoutTheRoleIsJournalled(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	refused(t, w.as(breach.RoleManager, "PATCH", "/v1/incidents/"+string(id)+"/facts", `{"facts":{"people.total":1},"why":"x"}`), 403, "role")
	var n int
	if err := w.db(`select count(*) from journal where action = 'request.denied' and actor = 'manager.person'`, &n); err != nil || n != 1 {
		t.Errorf("%d entries, %v", n, err)
	}
}

func TestARevokedTokenIsRefusedAtOnce(t *testing.T) {
	w := newWorld(t)
	if err := w.store.RevokeToken(t.Context(), "lead.person", "test"); err != nil {
		t.Fatal(err)
	}
	refused(t, w.as(breach.RoleLead, "GET", "/v1/incidents", ""), 401, "bad_token")
}
