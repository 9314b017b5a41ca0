package api_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

func alert(fingerprint, status, labels string) string {
	return fmt.Sprintf(`{"version":"4","status":"firing","receiver":"tocsin","alerts":[{"status":%q,"labels":{"alertname":"BulkExport"%s},
		"annotations":{"summary":"bulk export"},"startsAt":"2026-11-21T03:10:12Z","fingerprint":%q}]}`, status, labels, fingerprint)
}

const (
	fp1 = "00000000000000a1"
	fp2 = "00000000000000a2"
)

// A storm: the same alert a thousand times from twenty clients at once, and another one among it.
func TestAStormIsOneIncident(t *testing.T) {
	w := newWorld(t)
	const clients, each = 20, 50
	var wg sync.WaitGroup
	seen := make([]map[breach.IncidentID]bool, clients)
	for i := range clients {
		seen[i] = map[breach.IncidentID]bool{}
		wg.Go(func() {
			for range each {
				a := w.as(breach.RoleSource, "POST", "/v1/alerts/alertmanager", alert(fp1, "firing", ""))
				if a.status != http.StatusAccepted {
					t.Errorf("status %d: %s", a.status, a.body)
					return
				}
				for _, o := range want[api.AlertsTaken](t, a, http.StatusAccepted).Incidents {
					seen[i][o.Incident] = true
				}
			}
		})
	}
	wg.Go(func() { w.as(breach.RoleSource, "POST", "/v1/alerts/alertmanager", alert(fp2, "firing", "")) })
	wg.Wait()

	all := want[api.IncidentList](t, w.as(breach.RoleManager, "GET", "/v1/incidents", ""), 200).Incidents
	if len(all) != 2 || all[0].Alerts+all[1].Alerts != clients*each+1 || max(all[0].Alerts, all[1].Alerts) != clients*each {
		t.Fatalf("incidents: %+v", all)
	}
	for i := range seen {
		if len(seen[i]) != 1 {
			t.Errorf("client %d was told of %d incidents", i, len(seen[i]))
		}
	}
	// Durable, and one start for each incident however hard the storm.
	var started int
	if err := w.db(`select count(*) from outbox where kind = 'incident_opened'`, &started); err != nil || started != 2 {
		t.Errorf("%d incidents queued to start, %v", started, err)
	}
}

func TestCapturedAlertmanagerPayload(t *testing.T) {
	w := newWorld(t)
	body, err := os.ReadFile("../intake/testdata/alertmanager/firing-and-resolved.json")
	if err != nil {
		t.Fatal(err)
	}
	got := want[api.AlertsTaken](t, w.as(breach.RoleSource, "POST", "/v1/alerts/alertmanager", string(body)), http.StatusAccepted)
	if len(got.Incidents) != 1 || got.Incidents[0].Joined || got.Incidents[0].Alerts != 1 || got.Over != 1 || got.Warnings != nil {
		t.Fatalf("answer %+v", got)
	}
	v := want[api.IncidentView](t, w.as(breach.RoleManager, "GET", "/v1/incidents/"+string(got.Incidents[0].Incident), ""), 200)
	if n, _ := v.Facts.Int("people.total"); n != 1200 || v.Title != "客户表被批量导出 (bulk export of the customer table)" || v.Source != "alertmanager" {
		t.Errorf("incident %+v", v.Incident)
	}
	if _, known := v.Facts.Time("aware_at"); !known {
		t.Error("nobody noted when the organisation became aware")
	}
}

func TestAResolvedAlertJoinsButNeverOpens(t *testing.T) {
	w := newWorld(t)
	post := func(body string) api.AlertsTaken {
		t.Helper()
		return want[api.AlertsTaken](t, w.as(breach.RoleSource, "POST", "/v1/alerts/alertmanager", body), http.StatusAccepted)
	}
	if got := post(alert(fp1, "resolved", "")); got.Over != 1 || len(got.Incidents) != 0 {
		t.Fatalf("a resolved alert alone: %+v", got)
	}
	opened := post(alert(fp1, "firing", "")).Incidents[0]
	got := post(alert(fp1, "resolved", ""))
	if got.Over != 0 || got.Incidents[0].Incident != opened.Incident || got.Incidents[0].Alerts != 2 {
		t.Fatalf("a resolved alert of an open incident: %+v", got)
	}
}

func TestAJoiningAlertFillsWhatNobodySaid(t *testing.T) {
	w := newWorld(t)
	post := func(labels string) breach.IncidentID {
		t.Helper()
		return want[api.AlertsTaken](t, w.as(breach.RoleSource, "POST", "/v1/alerts/alertmanager", alert(fp1, "firing", labels)), http.StatusAccepted).Incidents[0].Incident
	}
	id := post("")
	want[store.FactRevision](t, w.as(breach.RoleResponder, "PATCH", "/v1/incidents/"+string(id)+"/facts", `{"facts":{"people.total":7},"why":"counted"}`), 200)
	post(`,"tocsin_people_total":"9000","tocsin_data_personal":"yes"`)
	post(`,"tocsin_people_total":"9000","tocsin_data_personal":"yes"`)
	h := want[api.FactHistory](t, w.as(breach.RoleAuditor, "GET", "/v1/incidents/"+string(id)+"/facts", ""), 200)
	newest := h.Revisions[len(h.Revisions)-1]
	n, _ := newest.Facts.Int("people.total")
	personal, _ := newest.Facts.Bool("data.personal")
	if n != 7 || !personal || len(h.Revisions) != 3 {
		t.Errorf("newest of %d revisions: %+v", len(h.Revisions), newest)
	}
}

func TestTwoPeoplesReportsAreTwoIncidents(t *testing.T) {
	w := newWorld(t)
	if a, b := w.openIncident(), w.openIncident(); a == b {
		t.Error("two reports became one incident")
	}
	stated := `{"title":"scanner finding","fingerprint":"scan-77","facts":{"people.total":3}}`
	first := want[store.Opened](t, w.as(breach.RoleSource, "POST", "/v1/incidents", stated), 201)
	second := want[store.Opened](t, w.as(breach.RoleSource, "POST", "/v1/incidents", stated), 200)
	if first.Incident != second.Incident || !second.Joined {
		t.Errorf("the same fingerprint: %+v, %+v", first, second)
	}
}

func TestTheSameKeyIsTheSameIncident(t *testing.T) {
	w := newWorld(t)
	post := func(token, key, body string) answer {
		return w.do(request{"POST", "/v1/incidents", token, body, map[string]string{"Idempotency-Key": key}})
	}
	responder, lead := w.tokens[breach.RoleResponder], w.tokens[breach.RoleLead]
	const body = `{"title":"laptop lost"}`
	var wg sync.WaitGroup
	answers := make([]answer, 8)
	for i := range answers {
		wg.Go(func() { answers[i] = post(responder, "k1", body) })
	}
	wg.Wait()
	id := ""
	for _, a := range answers {
		if a.status != 200 && a.status != 201 {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
		loc := a.header.Get("Location")
		if id != "" && loc != id {
			t.Errorf("one key, two incidents: %s, %s", id, loc)
		}
		id = loc
	}
	refused(t, post(responder, "k1", `{"title":"another laptop lost"}`), 409, "key_reused")
	if other := post(lead, "k1", body); other.header.Get("Location") == id {
		t.Error("another person's key found this incident")
	}
	refused(t, post(responder, strings.Repeat("k", 201), body), 400, "malformed")
}

// Each bad body gets one clear sentence that repeats nothing, and changes nothing.
func TestBadBodies(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	const secret = "张三13800000000"
	facts := "/v1/incidents/" + string(id) + "/facts"
	var before int
	count := `select count(*)::int from journal`
	if err := w.db(count, &before); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		say                string
	}{
		"malformed":            {"POST", "/v1/incidents", `{"title":"` + secret, 400, "ends in the middle"},
		"empty object":         {"POST", "/v1/incidents", `{}`, 422, "title is empty"},
		"blank title":          {"POST", "/v1/incidents", `{"title":" \u200b "}`, 422, "title is empty"},
		"unknown field":        {"POST", "/v1/incidents", `{"title":"x","severity":"` + secret + `"}`, 400, "severity: there is no such field"},
		"other case":           {"POST", "/v1/incidents", `{"TITLE":"` + secret + `"}`, 400, "TITLE: there is no such field"},
		"title twice":          {"POST", "/v1/incidents", `{"title":"x","title":"` + secret + `"}`, 400, "title: the field appears twice"},
		"unknown fact":         {"POST", "/v1/incidents", `{"title":"x","facts":{"people.totl":1}}`, 400, "did you mean people.total?"},
		"fact of a wrong type": {"POST", "/v1/incidents", `{"title":"x","facts":{"people.total":"` + secret + `"}}`, 400, "people.total must be a whole number"},
		"list":                 {"POST", "/v1/incidents", `["` + secret + `"]`, 400, "must be an object"},
		"no facts":             {"PATCH", facts, `{"why":"x"}`, 422, "facts is empty"},
		"no reason":            {"PATCH", facts, `{"facts":{"people.total":1}}`, 422, "why is empty"},
		"negative":             {"PATCH", facts, `{"facts":{"people.total":-1},"why":"x"}`, 400, "not negative"},
		"time without zone":    {"PATCH", facts, `{"facts":{"aware_at":"2026-11-21T03:10:00"},"why":"x"}`, 400, "a time with its zone"},
		"unknown incident":     {"PATCH", "/v1/incidents/INC-2026-9999/facts", `{"facts":{"people.total":1},"why":"x"}`, 404, "does not exist"},
		"not an incident":      {"PATCH", "/v1/incidents/x/facts", `{"facts":{"people.total":1},"why":"x"}`, 404, "looks like INC-2026-0001"},
		"large":                {"PATCH", facts, `{"why":"` + strings.Repeat("x", 70<<10) + `"}`, 413, "larger than 65536 bytes"},
		"deep":                 {"PATCH", facts, strings.Repeat("[", 40), 400, "nested deeper"},
	} {
		t.Run(name, func(t *testing.T) {
			a := w.do(request{c.method, c.path, w.tokens[breach.RoleLead], c.body, nil})
			p := want[api.Problem](t, a, c.status)
			if !strings.Contains(p.Detail, c.say) {
				t.Errorf("detail %q does not say %q", p.Detail, c.say)
			}
			if strings.Contains(string(a.body), secret) {
				t.Errorf("the answer repeats what was sent: %s", a.body)
			}
		})
	}
	refused(t, w.do(request{"POST", "/v1/incidents", w.tokens[breach.RoleLead], "", map[string]string{"Content-Type": "application/json"}}), 400, "malformed")
	refused(t, w.do(request{"POST", "/v1/incidents", w.tokens[breach.RoleLead], "title=x", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}), 415, "media_type")
	var after int
	if err := w.db(count, &after); err != nil || after != before {
		t.Errorf("the journal grew from %d to %d entries (%v)", before, after, err)
	}
	if strings.Contains(w.log.String(), "张三") {
		t.Error("the log repeats what was sent")
	}
}
