package workflows_test

import (
	"errors"
	"testing"
	"time"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/workflows"
)

const dutyKey = "cn-cac-report/cn-cac-province"

// duty is a report to an authority, owed, due four hours after awareness, which was when the test begins.
func duty() workflows.ObligationState {
	return workflows.ObligationState{
		Incident: incidentID, Key: dutyKey, Title: "Report to the province's cyberspace administration (art. 9)", Duty: breach.DutyFiling,
		Owed: breach.IsOwed, FactsRev: 1, Clock: clock(4 * time.Hour),
		Reminders: []float64{0.5, 0.8}, EscalateBefore: 30 * time.Minute,
	}
}

func clock(due time.Duration) workflows.Clock {
	return workflows.Clock{From: after(0), DueAt: after(due)}
}

// news is what an assessment of a newer revision says of a duty that stays owed.
func news(rev int) workflows.Reassessed {
	return workflows.Reassessed{FactsRev: rev, Owed: breach.IsOwed, Clock: clock(4 * time.Hour)}
}

var (
	closed   = workflows.Fulfilled{By: workflows.ByClosed}
	approved = breach.Approved
	refused  = breach.Refused
)

// heard is a signal at an instant.
type heard struct {
	at      time.Duration
	name    string
	payload any
}

func TestObligation(t *testing.T) {
	const h, m = time.Hour, time.Minute
	tests := []struct {
		name  string
		in    func(*workflows.ObligationState)
		filed []activities.Filed
		hear  []heard
		want  []string
	}{
		{
			"draft, approval, filed, met",
			nil, nil,
			[]heard{{h, workflows.SignalDecision, decision("draft-1", approved)}},
			[]string{"0:00 draft-1", "0:00 status awaits_approval", "1:00 status filing", "1:00 file draft-1", "1:00 status met"},
		},
		{
			"a refusal for now is tried again later",
			nil,
			[]activities.Filed{{State: activities.FiledLater, After: 10 * m}, {State: activities.FiledAccepted}},
			[]heard{{h, workflows.SignalDecision, decision("draft-1", approved)}},
			[]string{"0:00 draft-1", "0:00 status awaits_approval", "1:00 status filing", "1:00 file draft-1", "1:10 file draft-1", "1:10 status met"},
		},
		{
			"in doubt waits for a person, and is filed once where it had arrived",
			nil,
			[]activities.Filed{{State: activities.FiledInDoubt}},
			[]heard{
				{h, workflows.SignalDecision, decision("draft-1", approved)},
				{90 * m, workflows.SignalDecision, decision("draft-1", approved)}, // heard twice
				{100 * m, workflows.SignalReassess, news(2)},
				{110 * m, workflows.SignalSettled, workflows.FilingSettled{Filed: true}},
			},
			[]string{
				"0:00 draft-1", "0:00 status awaits_approval", "1:00 status filing", "1:00 file draft-1", "1:00 status in_doubt", "1:50 status met",
				"1:50 draft-2", "1:50 draft-2 is a supplement", "1:50 status supplement_awaits_approval", // of the facts that changed meanwhile
			},
		},
		{
			"in doubt is filed again only when a person says that it did not arrive",
			nil,
			[]activities.Filed{{State: activities.FiledInDoubt}, {State: activities.FiledAccepted}},
			[]heard{
				{h, workflows.SignalDecision, decision("draft-1", approved)},
				{2 * h, workflows.SignalSettled, workflows.FilingSettled{Filed: false}},
			},
			[]string{
				"0:00 draft-1", "0:00 status awaits_approval", "1:00 status filing", "1:00 file draft-1", "1:00 status in_doubt",
				"2:00 status filing", "2:00 file draft-1", "2:00 status met",
			},
		},
		{
			"a person finds that it arrived while the newest facts rule it out",
			nil,
			[]activities.Filed{{State: activities.FiledInDoubt}},
			[]heard{
				{h, workflows.SignalDecision, decision("draft-1", approved)},
				{70 * m, workflows.SignalReassess, workflows.Reassessed{FactsRev: 2, Owed: breach.NotOwed}},
				{80 * m, workflows.SignalSettled, workflows.FilingSettled{Filed: true}},
			},
			[]string{
				"0:00 draft-1", "0:00 status awaits_approval", "1:00 status filing", "1:00 file draft-1", "1:00 status in_doubt",
				"1:10 ask whether " + dutyKey + " is ruled out by revision 2", "1:10 status not_owed", "1:20 status met",
				"1:20 ask whether to take it back by revision 2",
			},
		},
		{
			"no address: a person files by hand",
			nil,
			[]activities.Filed{{State: activities.FiledBlocked}},
			[]heard{
				{h, workflows.SignalDecision, decision("draft-1", approved)},
				{2 * h, workflows.SignalSettled, workflows.FilingSettled{Filed: true}},
			},
			[]string{
				"0:00 draft-1", "0:00 status awaits_approval", "1:00 status filing", "1:00 file draft-1", "1:00 status needs_person", "2:00 status met",
			},
		},
		{
			"an approval that was voided makes a new draft",
			nil,
			[]activities.Filed{{State: activities.FiledVoid}, {State: activities.FiledAccepted}},
			[]heard{
				{h, workflows.SignalDecision, decision("draft-1", approved)},
				{2 * h, workflows.SignalDecision, decision("draft-2", approved)},
			},
			[]string{
				"0:00 draft-1", "0:00 status awaits_approval", "1:00 status filing", "1:00 file draft-1",
				"1:00 draft-2", "1:00 status awaits_approval", "2:00 status filing", "2:00 file draft-2", "2:00 status met",
			},
		},
		{
			"a refused version waits for new facts",
			nil, nil,
			[]heard{
				{h, workflows.SignalDecision, decision("draft-1", refused)},
				{2 * h, workflows.SignalReassess, news(2)},
				{3 * h, workflows.SignalDecision, decision("draft-2", approved)},
			},
			[]string{
				"0:00 draft-1", "0:00 status awaits_approval", "1:00 status refused", "2:00 draft-2", "2:00 status awaits_approval",
				"3:00 status filing", "3:00 file draft-2", "3:00 status met",
			},
		},
		{
			"new facts make a new draft, and the approval of the old one counts for nothing",
			nil, nil,
			[]heard{
				{h, workflows.SignalReassess, news(2)},
				{90 * m, workflows.SignalDecision, decision("draft-1", approved)},
				{2 * h, workflows.SignalDecision, decision("draft-2", approved)},
			},
			[]string{
				"0:00 draft-1", "0:00 status awaits_approval", "1:00 draft-2", "2:00 status filing", "2:00 file draft-2", "2:00 status met",
			},
		},
		{
			"a possible duty is drafted only once it is owed",
			func(s *workflows.ObligationState) { s.Owed = breach.Possible }, nil,
			[]heard{
				{h, workflows.SignalReassess, news(2)},
				{2 * h, workflows.SignalDecision, decision("draft-1", approved)},
			},
			[]string{"0:00 status possible", "1:00 draft-1", "1:00 status awaits_approval", "2:00 status filing", "2:00 file draft-1", "2:00 status met"},
		},
		{
			"not owed asks a person, and wakes when it is owed again",
			nil, nil,
			[]heard{
				{h, workflows.SignalReassess, workflows.Reassessed{FactsRev: 2, Owed: breach.NotOwed}},
				{2 * h, workflows.SignalReassess, news(3)},
				{3 * h, workflows.SignalDecision, decision("draft-2", approved)},
			},
			[]string{
				"0:00 draft-1", "0:00 status awaits_approval", "1:00 ask whether " + dutyKey + " is ruled out by revision 2", "1:00 status not_owed",
				"2:00 draft-2", "2:00 status awaits_approval", "3:00 status filing", "3:00 file draft-2", "3:00 status met",
			},
		},
		{
			"covered by another filing to the same addressee",
			nil, nil,
			[]heard{
				{h, workflows.SignalReassess, workflows.Reassessed{FactsRev: 2, Owed: breach.IsOwed, Covered: true, Clock: clock(4 * h)}},
				{9 * h, workflows.SignalMet, closed},
			},
			[]string{"0:00 draft-1", "0:00 status awaits_approval", "1:00 status covered"},
		},
		{
			"no draft before the clock has started",
			func(s *workflows.ObligationState) { s.Clock = workflows.Clock{Waits: true} }, nil,
			[]heard{
				{h, workflows.SignalReassess, news(2)},
				{2 * h, workflows.SignalDecision, decision("draft-1", approved)},
			},
			[]string{
				"0:00 status clock_not_started", "1:00 draft-1", "1:00 status awaits_approval", "2:00 status filing", "2:00 file draft-1", "2:00 status met",
			},
		},
		{
			"a measure is asked for, and asked for again when it is not done",
			func(s *workflows.ObligationState) { s.Duty = breach.DutyMeasure }, nil,
			[]heard{
				{h, workflows.SignalTask, workflows.TaskEnded{Kind: breach.TaskMeasure, Ref: dutyKey}},
				{2 * h, workflows.SignalTask, workflows.TaskEnded{Kind: breach.TaskMeasure, Ref: dutyKey, Done: true}},
			},
			[]string{"0:00 status open", "0:00 ask for the measure " + dutyKey, "1:00 ask for the measure " + dutyKey, "2:00 status met"},
		},
		{
			"a duty to tell people is met by their notice",
			func(s *workflows.ObligationState) { s.Duty = breach.DutyNotice }, nil,
			[]heard{{3 * h, workflows.SignalMet, workflows.Fulfilled{By: "notice"}}},
			[]string{"3:00 status met"},
		},
		{
			"the incident's close ends it",
			func(s *workflows.ObligationState) { s.Owed = breach.Possible }, nil,
			[]heard{{h, workflows.SignalMet, closed}},
			[]string{"0:00 status possible"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, in := newTrial(t), duty()
			if tt.in != nil {
				tt.in(&in)
			}
			if tt.filed != nil {
				e.filed = tt.filed
			}
			for _, s := range tt.hear {
				e.hear(s.at, s.name, s.payload)
			}
			e.hear(96*h, workflows.SignalMet, closed) // a report's chain ends with the incident
			e.run(workflows.TypeObligation, in)
			e.expect(e.about("draft", "status", "file", "ask"), tt.want...)
		})
	}
}

// The row is there for a person to read before the workflow has heard of it.
func TestObligationHearsADecisionBeforeTheDraft(t *testing.T) {
	e := newTrial(t)
	e.drafted = func(_ string, d activities.Draft) {
		e.SignalWorkflow(workflows.SignalDecision, decision(d.Document, approved))
	}
	e.hear(time.Hour, workflows.SignalMet, closed)
	e.run(workflows.TypeObligation, duty())
	e.expect(e.about("draft", "status"), "0:00 draft-1", "0:00 status filing", "0:00 file draft-1", "0:00 status met")
}

// Where both were heard before the workflow could act, what was approved is out of date.
func TestObligationDraftsAnewWhenFactsAndApprovalComeTogether(t *testing.T) {
	e := newTrial(t)
	e.RegisterDelayedCallback(func() {
		e.SignalWorkflowSkippingWorkflowTask(workflows.SignalDecision, decision("draft-1", approved))
		e.SignalWorkflow(workflows.SignalReassess, news(2))
	}, time.Hour)
	e.hear(2*time.Hour, workflows.SignalDecision, decision("draft-2", approved))
	e.hear(3*time.Hour, workflows.SignalMet, closed)
	e.run(workflows.TypeObligation, duty())
	e.expect(e.about("draft", "file"), "0:00 draft-1", "1:00 draft-2", "2:00 file draft-2")
}

func TestObligationHearsThatAMeasureIsNotDoneBeforeItHasAsked(t *testing.T) {
	e, in := newTrial(t), duty()
	in.Duty = breach.DutyMeasure
	answers := []bool{false, true}
	e.measured = func() {
		e.SignalWorkflow(workflows.SignalTask, workflows.TaskEnded{Kind: breach.TaskMeasure, Ref: dutyKey, Done: answers[0]})
		answers = answers[1:]
	}
	e.run(workflows.TypeObligation, in)
	e.expect(e.about("ask", "met"), "0:00 ask for the measure "+dutyKey, "0:00 ask for the measure "+dutyKey, "0:00 status met")
}

func TestObligationClock(t *testing.T) {
	const h, m = time.Hour, time.Minute
	end := heard{48 * h, workflows.SignalMet, closed}
	tests := []struct {
		name string
		in   func(*workflows.ObligationState)
		hear []heard
		want []string
	}{
		{
			"reminders, the escalation, the miss",
			nil,
			[]heard{end},
			[]string{"2:00 cry reminder, due 4:00", "3:12 cry reminder, due 4:00", "3:30 cry escalation, due 4:00", "4:00 cry missed, due 4:00"},
		},
		{
			"nothing after it is met",
			nil,
			[]heard{{150 * m, workflows.SignalDecision, decision("draft-1", approved)}, end},
			[]string{"2:00 cry reminder, due 4:00"},
		},
		{
			"a deadline that moves takes its marks along",
			nil,
			[]heard{{150 * m, workflows.SignalReassess, workflows.Reassessed{FactsRev: 2, Owed: breach.IsOwed, Clock: clock(10 * h)}}, end},
			[]string{
				"2:00 cry reminder, due 4:00", "5:00 cry reminder, due 10:00", "8:00 cry reminder, due 10:00", "9:30 cry escalation, due 10:00",
				"10:00 cry missed, due 10:00",
			},
		},
		{
			"the same assessment again repeats no mark",
			nil,
			[]heard{{150 * m, workflows.SignalReassess, news(2)}, {240*m + 1, workflows.SignalReassess, news(3)}, end},
			[]string{"2:00 cry reminder, due 4:00", "3:12 cry reminder, due 4:00", "3:30 cry escalation, due 4:00", "4:00 cry missed, due 4:00"},
		},
		{
			"marks that passed together are one cry, the gravest",
			func(s *workflows.ObligationState) {
				s.Clock = workflows.Clock{From: after(-50 * m), DueAt: after(10 * m)} // both reminders and the escalation are past
			},
			[]heard{end},
			[]string{"0:00 cry escalation, due 0:10", "0:10 cry missed, due 0:10"},
		},
		{
			"a deadline that had passed before anybody knew is a miss at once",
			func(s *workflows.ObligationState) {
				s.Clock = workflows.Clock{From: after(-9 * h), DueAt: after(-5 * h)}
			},
			[]heard{end},
			[]string{"0:00 cry missed, due -5:00"},
		},
		{
			"where only our policy gives a number, its end is an escalation and no miss",
			func(s *workflows.ObligationState) { s.Clock = workflows.Clock{From: after(0), PolicyAt: after(10 * h)} },
			[]heard{end},
			[]string{"5:00 cry reminder, due 10:00", "8:00 cry reminder, due 10:00", "10:00 cry escalation, due 10:00"},
		},
		{
			"a possible duty is watched too",
			func(s *workflows.ObligationState) { s.Owed = breach.Possible },
			[]heard{end},
			[]string{"2:00 cry reminder, due 4:00", "3:12 cry reminder, due 4:00", "3:30 cry escalation, due 4:00", "4:00 cry missed, due 4:00"},
		},
		{
			"silence while it is not owed",
			nil,
			[]heard{{h, workflows.SignalReassess, workflows.Reassessed{FactsRev: 2, Owed: breach.NotOwed, Clock: clock(4 * h)}}, end},
			nil,
		},
		{
			"silence before the clock starts",
			func(s *workflows.ObligationState) { s.Clock = workflows.Clock{Waits: true} },
			[]heard{end},
			nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, in := newTrial(t), duty()
			if tt.in != nil {
				tt.in(&in)
			}
			for _, s := range tt.hear {
				e.hear(s.at, s.name, s.payload)
			}
			e.run(workflows.TypeObligation, in)
			e.expect(e.about("cry"), tt.want...)
		})
	}
}

func TestObligationReportsAMissOnceAndStaysLate(t *testing.T) {
	e := newTrial(t)
	e.draft = func(_ breach.Stage, d *activities.Draft) { d.Explained = true }
	e.hear(5*time.Hour, workflows.SignalDecision, decision("draft-1", approved))
	e.hear(6*time.Hour, workflows.SignalMet, closed)
	e.run(workflows.TypeObligation, duty())
	e.expect(e.about("missed"), "4:00 cry missed, due 4:00")
	var late []string
	for _, s := range e.told() {
		if s.Late {
			late = append(late, s.Status)
		}
	}
	e.expect(late, "awaits_approval", "filing", "met")
}

// A mail server that is down must not keep the deadline's miss from being recorded.
func TestObligationMissIsRecordedWhileAnEscalationReachesNobody(t *testing.T) {
	e, in := newTrial(t), duty()
	in.Reminders = nil
	e.unheard = func(kind string) error {
		if kind == activities.CryEscalation {
			return errors.New("no mail gets out")
		}
		return nil
	}
	e.hear(5*time.Hour, workflows.SignalMet, closed)
	e.run(workflows.TypeObligation, in)
	e.expect(e.about("missed"), "4:00 cry missed, due 4:00")
	if tries := len(e.about("escalation")); tries < 2 {
		t.Errorf("the escalation was tried %d times; it must be tried until it is heard", tries)
	}
}
