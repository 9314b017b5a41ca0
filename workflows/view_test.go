package workflows_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/workflows"
)

// The list's columns and the page are stored in clear and carried in addresses: they stay short, and hold nothing that a
// person has typed.
func TestWhatManagersSeeIsShortAndImpersonal(t *testing.T) {
	const typed = "Zhang San 13800138000" // where people's words come near: what is open, a document's name
	e := newIncidentTrial(t)
	var duties []activities.Duty
	for i := range 60 {
		d := owed(fmt.Sprintf("rule-%d/an-authority-of-a-province", i), breach.DutyFiling, time.Duration(i+2)*time.Hour)
		d.Title = fmt.Sprintf("Report %d: %s", i, strings.Repeat("to an authority with a long name ", 8))
		duties = append(duties, d)
	}
	e.assessments(append(duties, owed("cn-pipl-57", breach.DutyNotice, 0)))
	e.untold = 10
	e.closes = []activities.CloseResult{{Open: []string{"task " + typed}}, {Closed: true}}
	check := func(name, s string, most int) {
		if len(s) >= most {
			t.Errorf("%s has %d bytes, fewer than %d fit: %s", name, len(s), most, s)
		}
		if strings.Contains(s, typed) {
			t.Errorf("%s holds what a person typed: %s", name, s)
		}
	}
	written := 0
	e.upserts(func(a temporal.SearchAttributes) {
		written++
		for key, v := range a.GetUntypedValues() {
			switch v := v.(type) {
			case string:
				check(key.GetName(), v, 200)
			case []string:
				for _, s := range v {
					check(key.GetName(), s, 200)
				}
			}
		}
	})
	e.hear(time.Hour, workflows.SignalPeople, workflows.PeopleImported{Affected: 1_234_567, Import: 1})
	for i := range duties {
		e.child(time.Hour, workflows.ChildStatus{Kind: "obligation", Key: duties[i].Key, Status: "awaits_approval", Awaits: breach.RoleApprover, Late: true})
	}
	e.child(2*time.Hour, workflows.ChildStatus{Kind: "notice", Key: "1", Status: "sent", Done: true, Tally: &breach.Tally{Affected: 1_234_567, Told: 1_000_000, Missed: 234_567}})
	for _, at := range []time.Duration{30 * time.Minute, 90 * time.Minute, 150 * time.Minute, 4 * time.Hour} {
		e.RegisterDelayedCallback(func() { check("the page", e.details(), 4000) }, at)
	}
	e.hear(3*time.Hour, workflows.SignalDecision, decision(typed, approved))
	e.hear(5*time.Hour, workflows.SignalDecision, closure)
	e.run(workflows.TypeIncident, incident())
	if written < 3 {
		t.Errorf("the list was written %d times", written)
	}
}

// Read from a recorded incident, since the test environment does not show what was taken out of the list.
func TestListForgetsDutiesThatAreMet(t *testing.T) {
	var last string
	written := 0
	for _, event := range history(t, histories+"/Incident/whole.json").Events {
		fields := event.GetUpsertWorkflowSearchAttributesEventAttributes().GetSearchAttributes().GetIndexedFields()
		if p, ok := fields[workflows.KeyDuties.GetName()]; ok {
			written++
			last = string(p.GetMetadata()["encoding"])
		}
	}
	if written < 2 || last != "binary/null" {
		t.Errorf("duties were written %d times; the last value is of encoding %q, want null", written, last)
	}
}

func TestListShowsWhatIsOverdueAndWhoseMoveItIs(t *testing.T) {
	tests := []struct {
		name string
		key  temporal.SearchAttributeKey
		want []string
	}{
		{"overdue from the miss on", workflows.KeyOverdue, []string{"false", "true"}},
		{"the approver first", workflows.KeyAwaits, []string{"none", "responder", "approver"}},
		{
			"the nearest deadline", workflows.KeyNextDeadline,
			[]string{"2026-11-22 03:00:00 +0000 UTC", "2026-11-23 00:00:00 +0000 UTC"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newIncidentTrial(t)
			e.assessments([]activities.Duty{owed("police", breach.DutyFiling, 24*time.Hour), owed("cac", breach.DutyFiling, 3*time.Hour)})
			values := e.column(tt.key)
			e.child(time.Hour, workflows.ChildStatus{Kind: "plan", Status: "running", Awaits: breach.RoleResponder})
			e.child(2*time.Hour, workflows.ChildStatus{Kind: "obligation", Key: "police", Status: "awaits_approval", Awaits: breach.RoleApprover})
			e.child(3*time.Hour, workflows.ChildStatus{Kind: "obligation", Key: "cac", Status: "met", Done: true, Late: true})
			e.hear(4*time.Hour, workflows.SignalDecision, closure)
			e.run(workflows.TypeIncident, incident())
			e.expect(values(), tt.want...)
		})
	}
}
