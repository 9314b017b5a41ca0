package workflows_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/workflows"
)

// newIncidentTrial runs an incident whose children only write down how they were started and what they hear. The tests
// speak in their place.
func newIncidentTrial(t *testing.T) *trial {
	t.Helper()
	e := newTrialOf(t, func(e *trial) {
		e.RegisterWorkflowWithOptions(workflows.Incident, workflow.RegisterOptions{Name: workflows.TypeIncident})
		stub(e, workflows.TypePlan, func(in workflows.PlanInput) string { return "plan " + in.Playbook })
		stub(e, workflows.TypeObligation, func(in workflows.ObligationState) string { return "duty " + in.Key + " " + span(in.Clock) })
		stub(e, workflows.TypeCampaign, func(in workflows.CampaignState) string { return fmt.Sprintf("notice %d", in.N) })
		stub(e, workflows.TypePublicNotice, func(in workflows.PublicNoticeState) string { return fmt.Sprintf("public notice %d", in.N) })
	})
	e.SetDetachedChildWait(false)
	return e
}

func span(c workflows.Clock) string {
	if c.Target() == nil {
		return "without a clock"
	}
	return fmt.Sprintf("%s to %s", since(*c.From), since(*c.Target()))
}

func stub[T any](e *trial, name string, words func(T) string) {
	e.RegisterWorkflowWithOptions(func(ctx workflow.Context, in T) error {
		e.did("start %s", words(in))
		id := workflow.GetInfo(ctx).WorkflowExecution.ID
		reassessed, met := workflow.GetSignalChannel(ctx, workflows.SignalReassess), workflow.GetSignalChannel(ctx, workflows.SignalMet)
		for {
			s := workflow.NewSelector(ctx)
			s.AddReceive(reassessed, func(c workflow.ReceiveChannel, _ bool) {
				var r workflows.Reassessed
				c.Receive(ctx, &r)
				e.did("%s hears %s %s", id, r.Owed, span(r.Clock))
			})
			s.AddReceive(met, func(c workflow.ReceiveChannel, _ bool) {
				var f workflows.Fulfilled
				c.Receive(ctx, &f)
				e.did("%s hears fulfilled by %s", id, f.By)
			})
			s.Select(ctx)
		}
	}, workflow.RegisterOptions{Name: name})
}

func incident() workflows.IncidentState {
	return workflows.IncidentState{ID: incidentID, Settings: workflows.Settings{
		Playbook: "a-plan", Ladder: ladder, ShardSize: 1000, ChunkSize: 100, ShardWindow: 2, Reminders: []float64{0.5}, PublicDays: 30,
	}}
}

// closure approves the closing of the incident.
var closure = decision("closure-1", approved)

// child is a report of a child.
func (e *trial) child(at time.Duration, s workflows.ChildStatus) {
	e.hear(at, workflows.SignalChild, s)
}

// owed is a duty as an assessment states it; due is counted from the awareness time, an hour before the incident was opened.
func owed(key string, kind breach.Duty, due time.Duration) activities.Duty {
	d := activities.Duty{Key: key, Title: "The duty " + key, Duty: kind, Owed: breach.IsOwed, Hard: true, ClockAt: after(-time.Hour)}
	if due > 0 {
		d.DueAt = after(due - time.Hour)
	}
	return d
}

// assessments answer revision by revision; the last one stays.
func (e *trial) assessments(list ...[]activities.Duty) {
	e.assessed = func(rev int) activities.Assessed {
		return activities.Assessed{Rev: rev, Levels: []activities.Level{{Scale: "CAC", Level: "major", Rank: 2}}, Duties: list[min(rev, len(list))-1]}
	}
}

func TestIncidentStartsPlanAndAssessmentAtOnce(t *testing.T) {
	e := newIncidentTrial(t)
	e.assessments([]activities.Duty{
		owed("police", breach.DutyFiling, 24*time.Hour),
		{Key: "possible", Title: "Possible, with a hard clock", Duty: breach.DutyFiling, Owed: breach.Possible, Hard: true, ClockAt: after(0), DueAt: after(time.Hour)},
		{Key: "vague", Title: "Possible, without one", Duty: breach.DutyFiling, Owed: breach.Possible},
		{Key: "covered", Title: "Covered", Duty: breach.DutyFiling, Owed: breach.IsOwed, Covered: true},
	})
	e.hear(time.Minute, workflows.SignalDecision, closure)
	e.run(workflows.TypeIncident, incident())
	e.expect(e.about("start", "assess", "phase"),
		"0:00 start plan a-plan", "0:00 assess 1", "0:00 start duty police -1:00 to 23:00", "0:00 start duty possible 0:00 to 1:00",
		"0:00 phase responding", "0:01 phase closing",
	)
}

// More people make a graver level, and that level's report was owed from the moment of awareness.
func TestIncidentStartsWhatMorePeopleBring(t *testing.T) {
	e := newIncidentTrial(t)
	police, cac := owed("police", breach.DutyFiling, 24*time.Hour), owed("cn-cac-major", breach.DutyFiling, 2*time.Hour)
	people := map[int]int{1: 900_000, 2: 1_200_000}
	e.assessed = func(rev int) activities.Assessed {
		a := activities.Assessed{Rev: rev, Levels: []activities.Level{{Scale: "CAC", Level: "relatively major", Rank: 2}}, Duties: []activities.Duty{police}}
		if people[rev] >= 1_000_000 {
			a.Levels[0], a.Duties = activities.Level{Scale: "CAC", Level: "major", Rank: 3}, []activities.Duty{police, cac}
		}
		return a
	}
	severities := e.column(workflows.KeySeverity)
	e.hear(30*time.Minute, workflows.SignalFacts, workflows.FactsAmended{Rev: 2})
	e.hear(31*time.Minute, workflows.SignalFacts, workflows.FactsAmended{Rev: 2}) // heard twice
	e.hear(time.Hour, workflows.SignalDecision, closure)
	e.run(workflows.TypeIncident, incident())
	e.expect(e.about("assess", "duty", "obligation/"),
		"0:00 assess 1", "0:00 start duty police -1:00 to 23:00",
		"0:30 assess 2", "0:30 obligation/INC-2026-0001/police hears owed -1:00 to 23:00", "0:30 start duty cn-cac-major -1:00 to 1:00",
	)
	e.expect(severities(), "CAC: relatively major", "CAC: major")
}

func TestIncidentTellsADutyThatItIsNotFoundAnyMore(t *testing.T) {
	e := newIncidentTrial(t)
	e.assessments([]activities.Duty{owed("police", breach.DutyFiling, 24*time.Hour)}, nil, []activities.Duty{owed("police", breach.DutyFiling, 10*time.Hour)})
	e.hear(time.Hour, workflows.SignalFacts, workflows.FactsAmended{Rev: 2})
	e.hear(2*time.Hour, workflows.SignalFacts, workflows.FactsAmended{Rev: 3})
	e.hear(3*time.Hour, workflows.SignalDecision, closure)
	e.run(workflows.TypeIncident, incident())
	e.expect(e.about("police"),
		"0:00 start duty police -1:00 to 23:00", "1:00 obligation/INC-2026-0001/police hears not_owed -1:00 to 23:00",
		"2:00 obligation/INC-2026-0001/police hears owed -1:00 to 9:00",
	)
}

func TestIncidentStormOfAlertsCostsNothing(t *testing.T) {
	e := newIncidentTrial(t)
	e.assessments([]activities.Duty{owed("police", breach.DutyFiling, 24*time.Hour)})
	lines := e.column(workflows.KeyStatusLine)
	var acts, upserts int
	e.RegisterDelayedCallback(func() { acts, upserts = len(e.about("")), len(lines()) }, time.Hour)
	for i := range 300 {
		e.hear(time.Hour+time.Duration(i)*time.Millisecond, workflows.SignalAlert, workflows.AlertCounted{Count: int64(i + 2)})
	}
	e.RegisterDelayedCallback(func() {
		if now := len(e.about("")); now != acts {
			t.Errorf("%d acts before the storm and %d after it", acts, now)
		}
		if now := len(lines()); now != upserts {
			t.Errorf("the list was written %d times before the storm and %d times after it", upserts, now)
		}
		if page := e.details(); !strings.Contains(page, "**Alerts** 301") {
			t.Errorf("the page does not count the alerts:\n%s", page)
		}
	}, 2*time.Hour)
	e.hear(3*time.Hour, workflows.SignalDecision, closure)
	e.run(workflows.TypeIncident, incident())
}

func TestIncidentNotices(t *testing.T) {
	const h = time.Hour
	tell := owed("cn-pipl-57", breach.DutyNotice, 0)
	imported := func(at time.Duration, n int) heard {
		return heard{at, workflows.SignalPeople, workflows.PeopleImported{Affected: 10, Import: n}}
	}
	notice := func(at time.Duration, n, status string, tally *breach.Tally) heard {
		return heard{at, workflows.SignalChild, workflows.ChildStatus{Kind: "notice", Key: n, Status: status, Done: status == "sent", Tally: tally}}
	}
	supplement := func(at time.Duration, ask int) heard {
		return heard{at, workflows.SignalSupplement, workflows.SupplementAsked{No: ask, Supplements: 1}}
	}
	public := func(at time.Duration, status string, tally *breach.Tally) heard {
		return heard{at, workflows.SignalChild, workflows.ChildStatus{Kind: "public", Key: "1", Status: status, Done: status == "published", Tally: tally}}
	}
	told := &breach.Tally{Affected: 10, Told: 10}
	tests := []struct {
		name   string
		duties [][]activities.Duty
		untold int64
		hear   []heard
		want   []string
	}{
		{
			"people without a duty to tell them are told nothing",
			[][]activities.Duty{{owed("police", breach.DutyFiling, 24*h)}},
			10,
			[]heard{imported(h, 1)},
			nil,
		},
		{
			"a duty without people waits for their file",
			[][]activities.Duty{{tell}},
			10,
			[]heard{imported(h, 1)},
			[]string{"1:00 count untold", "1:00 start notice 1"},
		},
		{
			"people without a duty wait for it",
			[][]activities.Duty{nil, {tell}},
			10,
			[]heard{imported(h, 1), {2 * h, workflows.SignalFacts, workflows.FactsAmended{Rev: 2}}},
			[]string{"2:00 count untold", "2:00 start notice 1"},
		},
		{
			"a file with nobody in it starts nothing",
			[][]activities.Duty{{tell}},
			0,
			[]heard{imported(h, 1), imported(h, 1)},
			[]string{"1:00 count untold"},
		},
		{
			"a second file before the audience is frozen belongs to the same notice",
			[][]activities.Duty{{tell}},
			10,
			[]heard{imported(h, 1), notice(2*h, "1", "awaits approval", nil), imported(3*h, 2), notice(4*h, "1", "sending", nil), notice(5*h, "1", "sent", told)},
			[]string{"1:00 count untold", "1:00 start notice 1", "5:00 obligation/INC-2026-0001/cn-pipl-57 hears fulfilled by notice"},
		},
		{
			"a second file after the audience was frozen makes a second notice",
			[][]activities.Duty{{tell}},
			10,
			[]heard{
				imported(h, 1), notice(2*h, "1", "sending", nil), imported(3*h, 2), notice(4*h, "1", "sent", told),
				notice(5*h, "2", "sending", nil), notice(6*h, "2", "sent", told),
			},
			[]string{
				"1:00 count untold", "1:00 start notice 1", "4:00 count untold", "4:00 start notice 2",
				"6:00 obligation/INC-2026-0001/cn-pipl-57 hears fulfilled by notice",
			},
		},
		{
			"whom no channel reached is told by a public notice, and the duty is met when it is published",
			[][]activities.Duty{{tell}},
			10,
			[]heard{
				imported(h, 1), notice(2*h, "1", "sent", &breach.Tally{Affected: 10, Told: 8, Missed: 2}),
				public(3*h, "awaits approval", nil), public(4*h, "published", &breach.Tally{Affected: 10, Told: 8, Public: 2}),
			},
			[]string{
				"1:00 count untold", "1:00 start notice 1", "2:00 start public notice 1", "4:00 obligation/INC-2026-0001/cn-pipl-57 hears fulfilled by notice",
			},
		},
		{
			"a law may ask for a public notice by itself",
			[][]activities.Duty{{owed("media", breach.DutyPublic, 0)}},
			0,
			[]heard{public(3*h, "published", nil)},
			[]string{"0:00 start public notice 1", "3:00 obligation/INC-2026-0001/media hears fulfilled by public notice"},
		},
		{
			"a supplement begins once for each time that it is asked for, and meets no duty",
			[][]activities.Duty{{tell}},
			10,
			[]heard{
				imported(h, 1), notice(2*h, "1", "sending", nil), supplement(3*h, 1), supplement(3*h, 1),
				notice(4*h, "1", "sent", told), notice(5*h, "2", "sent", told), supplement(6*h, 2),
			},
			[]string{
				"1:00 count untold", "1:00 start notice 1", "3:00 start notice 2", "4:00 obligation/INC-2026-0001/cn-pipl-57 hears fulfilled by notice",
				"6:00 start notice 3",
			},
		},
		{
			"people in a new file wait for no supplement",
			[][]activities.Duty{{tell}},
			10,
			[]heard{
				imported(h, 1), notice(2*h, "1", "sent", &breach.Tally{Affected: 10, Told: 9, Open: 1}), supplement(3*h, 1), imported(4*h, 2),
				notice(5*h, "3", "sent", told),
			},
			[]string{
				"1:00 count untold", "1:00 start notice 1", "3:00 start notice 2", "4:00 count untold", "4:00 start notice 3",
				"5:00 obligation/INC-2026-0001/cn-pipl-57 hears fulfilled by notice",
			},
		},
		{
			"a running notice hears of new facts, an ended one does not",
			[][]activities.Duty{{tell}},
			10,
			[]heard{
				imported(h, 1),
				{2 * h, workflows.SignalFacts, workflows.FactsAmended{Rev: 2}},
				notice(3*h, "1", "sent", told),
				{4 * h, workflows.SignalFacts, workflows.FactsAmended{Rev: 3}},
			},
			[]string{
				"1:00 count untold", "1:00 start notice 1", "2:00 obligation/INC-2026-0001/cn-pipl-57 hears owed without a clock",
				"2:00 notice/INC-2026-0001/1 hears  without a clock", "3:00 obligation/INC-2026-0001/cn-pipl-57 hears fulfilled by notice",
				"4:00 obligation/INC-2026-0001/cn-pipl-57 hears owed without a clock",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newIncidentTrial(t)
			e.assessments(tt.duties...)
			e.untold = tt.untold
			for _, s := range tt.hear {
				e.hear(s.at, s.name, s.payload)
			}
			e.hear(9*h, workflows.SignalDecision, closure)
			e.run(workflows.TypeIncident, incident())
			e.expect(e.about("untold", "notice", "hears"), tt.want...)
		})
	}
}

func TestIncidentClosesWithNothingOpen(t *testing.T) {
	e := newIncidentTrial(t)
	e.closes = []activities.CloseResult{{Open: []string{"task T-1", "obligation police"}}, {Closed: true}}
	lines := e.column(workflows.KeyStatusLine)
	e.hear(30*time.Minute, workflows.SignalDecision, decision("closure-1", refused)) // means nothing
	e.hear(time.Hour, workflows.SignalDecision, closure)
	e.RegisterDelayedCallback(func() {
		if page := e.details(); !strings.Contains(page, "2 things are open") {
			t.Errorf("the page does not say that something is open:\n%s", page)
		}
	}, 90*time.Minute)
	e.hear(2*time.Hour, workflows.SignalDecision, decision("closure-2", approved))
	e.run(workflows.TypeIncident, incident())
	e.expect(e.about("close", "phase"),
		"0:00 phase responding", "1:00 phase closing", "1:00 close by closure-1", "1:00 phase responding", "2:00 phase closing", "2:00 close by closure-2",
	)
	if all := lines(); all[len(all)-1] != "Closed" {
		t.Errorf("the list's last line is %q", all[len(all)-1])
	}
}

// What arrives in the task that ends a run must be acted on, or reach the next one.
func TestIncidentContinuesAsNew(t *testing.T) {
	duties := []activities.Duty{owed("cn-pipl-57", breach.DutyNotice, 0)}
	e := newIncidentTrial(t)
	e.assessments(duties)
	e.untold = 10
	e.closes = []activities.CloseResult{{Open: []string{"task T-1"}}}
	e.closing = func() { // heard while the last act is under way
		e.SignalWorkflowSkippingWorkflowTask(workflows.SignalAlert, workflows.AlertCounted{Count: 99})
		e.SignalWorkflowSkippingWorkflowTask(workflows.SignalFacts, workflows.FactsAmended{Rev: 4})
		e.SignalWorkflowSkippingWorkflowTask(workflows.SignalDecision, decision("closure-2", approved))
	}
	e.hear(time.Hour, workflows.SignalPeople, workflows.PeopleImported{Import: 1})
	e.child(2*time.Hour, workflows.ChildStatus{Kind: "plan", Status: "done", Done: true})
	e.RegisterDelayedCallback(func() {
		e.SignalWorkflowSkippingWorkflowTask(workflows.SignalAlert, workflows.AlertCounted{Count: 77})
		e.SignalWorkflowSkippingWorkflowTask(workflows.SignalFacts, workflows.FactsAmended{Rev: 2})
		e.SignalWorkflowSkippingWorkflowTask(workflows.SignalFacts, workflows.FactsAmended{Rev: 3})
		e.SignalWorkflowSkippingWorkflowTask(workflows.SignalPeople, workflows.PeopleImported{Import: 2})
		e.SignalWorkflowSkippingWorkflowTask(workflows.SignalDecision, closure)
		e.RegisterDelayedCallback(func() { e.SetContinueAsNewSuggested(true) }, 0)
		e.SignalWorkflow(workflows.SignalChild, workflows.ChildStatus{Kind: "obligation", Key: "cn-pipl-57", Status: "open", Late: true})
	}, 3*time.Hour)
	e.ExecuteWorkflow(workflows.TypeIncident, incident())
	got := continued[workflows.IncidentState](t, e)
	e.expect(e.about("assess", "close by"), "0:00 assess 1", "3:00 assess 3", "3:00 close by closure-1")
	want := []string{
		"alerts 99, facts 4 of which 3 assessed, files 2 of which 2 checked, phase notifying, plan done, 1 open",
		"closure by closure-2", "duty cn-pipl-57 started true late true", "notice 1",
	}
	e.expect([]string{
		fmt.Sprintf("alerts %d, facts %d of which %d assessed, files %d of which %d checked, phase %s, plan %s, %d open",
			got.Alerts, got.FactsRev, got.AssessedRev, got.Imports, got.Checked, got.Phase, got.Plan, len(got.Waits)),
		"closure by " + string(got.Closure.Document),
		fmt.Sprintf("duty %s started %t late %t", got.Duties[0].Key, got.Duties[0].Started, got.Duties[0].Late),
		"notice " + got.Campaigns[0].Key,
	}, want...)

	again := newIncidentTrial(t)
	again.assessments(duties)
	again.run(workflows.TypeIncident, got)
	again.expect(again.about("start", "assess", "close"), "0:00 assess 4", "0:00 close by closure-2")
	ended := signal{workflows.ObligationWorkflowID(incidentID, "cn-pipl-57"), workflows.SignalMet, closed}
	if !slices.Contains(again.sent, ended) {
		t.Errorf("the duty was not told of the close: %+v", again.sent)
	}
}

// column collects what the workflow writes into one column of the manager's list, change by change. It may be called for
// one column only.
func (e *trial) column(key temporal.SearchAttributeKey) func() []string {
	var values []string
	e.upserts(func(a temporal.SearchAttributes) {
		if v, ok := a.GetUntypedValues()[key]; ok && (len(values) == 0 || values[len(values)-1] != fmt.Sprint(v)) {
			values = append(values, fmt.Sprint(v))
		}
	})
	return func() []string { return values }
}

func (e *trial) upserts(heard func(temporal.SearchAttributes)) {
	e.OnUpsertTypedSearchAttributes(mock.Anything).Run(func(args mock.Arguments) {
		heard(args.Get(0).(temporal.SearchAttributes))
	}).Return(nil)
}
