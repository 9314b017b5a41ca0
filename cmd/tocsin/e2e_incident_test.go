package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/devstack"
	"tocsin/internal/store"
	"tocsin/workflows"
)

// CAC measures of 2025, annex: from 1,000,000 people on an incident is relatively major, and is then reported to the
// provincial office within four hours of becoming aware.
func TestMorePeopleRaiseTheLevelAndBringItsDuty(t *testing.T) {
	t.Parallel()
	const scale, duty = "cac-2025", "cn-cac-other"
	b := startBench(t, true, nil)
	b.serve(true)
	aware := time.Now().UTC().Add(-25 * time.Minute).Truncate(time.Second)
	b.open()
	b.amend(breach.Facts{
		"aware_at": aware, "state": "confirmed", "data.personal": true, "data.categories": []string{"contact", "name"}, "data.class": "general",
		"people.total": int64(900_000), "crime.suspected": false, "loss.direct_cny": int64(0),
	})
	v := b.view()
	if level := levelOf(v, scale); level != "general" {
		t.Errorf("with 900,000 people the level is %q", level)
	}
	if o := obligationOf(v, duty); o != nil && o.Owed == breach.IsOwed {
		t.Errorf("with 900,000 people %s is owed", o.Key)
	}

	b.amend(breach.Facts{"people.total": int64(1_200_000)})
	v = b.view()
	if level := levelOf(v, scale); level != "relatively_major" {
		t.Errorf("with 1,200,000 people the level is %q", level)
	}
	o := obligationOf(v, duty)
	if o == nil || o.Owed != breach.IsOwed || o.DueAt == nil || !o.DueAt.Equal(aware.Add(4*time.Hour)) {
		t.Fatalf("with 1,200,000 people %s is %+v; it must be due at %s", duty, o, aware.Add(4*time.Hour))
	}
	engine := b.local.stack.Temporal.Client()
	b.eventually("the duty's workflow", func() bool {
		d, err := engine.DescribeWorkflowExecution(b.ctx, workflows.ObligationWorkflowID(b.incident, o.Key), "")
		if err != nil {
			return false
		}
		return d.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	})
}

// open starts an incident by hand.
func (b *bench) open() {
	b.Helper()
	if err := b.alert(b.ctx); err != nil {
		b.Fatal(err)
	}
}

// amend states facts and returns when the law has answered them.
func (b *bench) amend(facts breach.Facts) {
	b.Helper()
	var rev store.FactRevision
	if err := b.as[breach.RoleResponder].send(b.ctx, http.MethodPatch, b.path("/facts"), api.FactsPatch{Facts: facts, Why: "found in the test"}, &rev); err != nil {
		b.Fatal(err)
	}
	b.eventually("the assessment", func() bool { return b.view().AssessedRev >= rev.Rev })
}

func levelOf(v api.IncidentView, scale string) string {
	for _, s := range v.Severities {
		if s.Scale == scale {
			return s.Level
		}
	}
	return "no such scale: " + fmt.Sprint(v.Severities)
}

func obligationOf(v api.IncidentView, rule breach.RuleID) *store.Obligation {
	for _, o := range v.Obligations {
		if o.Result.Rule == rule {
			return &o
		}
	}
	return nil
}

const stormAlert = `{"version":"4","groupKey":"{}:%[2]s","status":"firing","receiver":"tocsin","groupLabels":{"alertname":%[1]q},
"commonLabels":{"alertname":%[1]q},"commonAnnotations":{},"externalURL":"http://127.0.0.1:9093","alerts":[{"status":"firing",
"labels":{"alertname":%[1]q,"service":"student-records","tocsin_kinds":"leak"},"annotations":{"summary":"unusual export"},
"startsAt":"2026-11-22T01:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://127.0.0.1:9090/graph","fingerprint":"%[2]s"}]}`

// post hands one alert over and returns the incident that took it.
func (b *bench) post(name, fingerprint string) (breach.IncidentID, error) {
	body := fmt.Appendf(nil, stormAlert, name, fingerprint)
	var taken api.AlertsTaken
	if err := b.as[breach.RoleSource].do(b.ctx, http.MethodPost, "/v1/alerts/alertmanager", bytes.NewReader(body), "application/json", nil, &taken); err != nil {
		return "", err
	}
	if len(taken.Incidents) != 1 {
		return "", fmt.Errorf("one alert, %d incidents", len(taken.Incidents))
	}
	return taken.Incidents[0].Incident, nil
}

// storm posts the same alert from 20 clients at once and returns the incidents that took it. halfway is called once, by the
// client whose alert is the middle one.
func (b *bench) storm(alerts int, halfway func()) map[breach.IncidentID]int {
	b.Helper()
	var left, taken atomic.Int64
	left.Store(int64(alerts))
	var mu sync.Mutex
	into := map[breach.IncidentID]int{}
	var clients sync.WaitGroup
	for range 20 {
		clients.Go(func() {
			for left.Add(-1) >= 0 {
				id, err := b.post("DatabaseExport", "5ca1ab1e0ddba11d")
				if err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				into[id]++
				mu.Unlock()
				if taken.Add(1) == int64(alerts/2) && halfway != nil {
					halfway()
				}
			}
		})
	}
	clients.Wait()
	return into
}

func TestAStormOfOneAlertIsOneIncident(t *testing.T) {
	t.Parallel()
	b := startBench(t, true, nil)
	b.serve(true)
	into := b.storm(1000, nil)
	if len(into) != 1 {
		t.Fatalf("the storm became %d incidents: %v", len(into), into)
	}
	for b.incident = range into {
	}
	if v := b.view(); v.Alerts != 1000 || into[b.incident] != 1000 {
		t.Errorf("%s counts %d alerts, %d were taken", b.incident, v.Alerts, into[b.incident])
	}
	b.eventually("one incident's workflow", func() bool { return b.executions() == 1 })

	other, err := b.post("AdminLogin", "0ddba11dabcdef00")
	if err != nil || other == b.incident {
		t.Fatalf("another alert: %s, %v", other, err)
	}
	b.eventually("two incidents' workflows", func() bool { return b.executions() == 2 })
	var list api.IncidentList
	if err := b.as[breach.RoleManager].get(b.ctx, "/v1/incidents", &list); err != nil || len(list.Incidents) != 2 {
		t.Errorf("%d incidents, %v", len(list.Incidents), err)
	}
}

// The engine dies in the middle of the storm and comes back with what it had stored: accepted means that it starts.
func TestAStormWhileTheEngineIsAwayLosesNothing(t *testing.T) {
	t.Parallel()
	b := startBench(t, false, nil)
	b.serve(true)
	into := b.storm(1000, b.local.stack.Temporal.Kill)
	if len(into) != 1 {
		t.Fatalf("the storm became %d incidents: %v", len(into), into)
	}
	for b.incident = range into {
	}
	other, err := b.post("AdminLogin", "0ddba11dabcdef00") // accepted with no engine at all
	if err != nil || other == b.incident {
		t.Fatalf("another alert: %s, %v", other, err)
	}
	b.restartTemporal()
	for _, id := range []breach.IncidentID{b.incident, other} {
		b.eventually("the workflow of "+string(id), func() bool { return b.started(id) })
	}
	b.eventually("two workflows", func() bool { return b.executions() == 2 })
	if v := b.view(); v.Alerts != 1000 {
		t.Errorf("%s counts %d alerts", b.incident, v.Alerts)
	}
	b.eventually("the assessment of both", func() bool { // the worker works on
		first := b.view()
		var second api.IncidentView
		err := b.as[breach.RoleManager].get(b.ctx, "/v1/incidents/"+string(other), &second)
		return err == nil && first.Assessed && second.Assessed
	})
	b.eventually("the count to reach the workflow", func() bool { return b.heard(b.incident, 1000) })
}

// restartTemporal starts the engine again after a kill, at the same address with the same file.
func (b *bench) restartTemporal() {
	b.Helper()
	old := b.local.stack.Temporal
	_, number, err := net.SplitHostPort(old.Address())
	if err != nil {
		b.Fatal(err)
	}
	port, err := strconv.Atoi(number)
	if err != nil {
		b.Fatal(err)
	}
	if err := old.Close(); err != nil {
		b.Logf("the killed engine's end: %v", err)
	}
	dir := filepath.Join(b.local.cfg.DataDir, "temporal")
	again, err := devstack.StartTemporal(b.ctx, devstack.TemporalOptions{
		Dir: dir, DBFile: filepath.Join(dir, "temporal.db"), Namespace: old.Namespace(), Port: port, SearchAttributes: workflows.SearchAttributes(),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.local.stack.Temporal = again
	b.Cleanup(func() { _ = again.Close() })
}

func (b *bench) started(id breach.IncidentID) bool {
	_, err := b.local.stack.Temporal.Client().DescribeWorkflowExecution(b.ctx, workflows.IncidentWorkflowID(id), "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); err != nil && !missing {
		b.Logf("describe %s: %v", id, err)
	}
	return err == nil
}

// executions counts the incidents' workflow executions, all runs.
func (b *bench) executions() int64 {
	r, err := b.local.stack.Temporal.Client().CountWorkflow(b.ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Query: fmt.Sprintf("WorkflowType = %q", workflows.TypeIncident),
	})
	if err != nil {
		return -1
	}
	return r.GetCount()
}

// heard reports whether the incident's workflow was signalled that count of alerts.
func (b *bench) heard(id breach.IncidentID, count int64) bool {
	history := b.local.stack.Temporal.Client().GetWorkflowHistory(b.ctx, workflows.IncidentWorkflowID(id), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		e, err := history.Next()
		if err != nil {
			return false
		}
		s := e.GetWorkflowExecutionSignaledEventAttributes()
		if s.GetSignalName() != workflows.SignalAlert {
			continue
		}
		var a workflows.AlertCounted
		if json.Unmarshal(s.GetInput().GetPayloads()[0].GetData(), &a) == nil && a.Count == count {
			return true
		}
	}
	return false
}
