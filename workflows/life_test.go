package workflows_test

import (
	"strings"
	"testing"
	"time"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/workflows"
)

const h, m = time.Hour, time.Minute

func hold(v breach.Verdict) workflows.DecisionMade {
	return workflows.DecisionMade{Document: "hold-1", Kind: breach.DocHold, Verdict: v}
}

// life plays a duty to the end of its incident and compares what was done.
func life(t *testing.T, prepare func(*trial, *workflows.ObligationState), about []string, hear []heard, want ...string) *trial {
	t.Helper()
	e, in := newTrial(t), duty()
	in.Reminders, in.EscalateBefore = nil, 0
	if prepare != nil {
		prepare(e, &in)
	}
	for _, s := range hear {
		e.hear(s.at, s.name, s.payload)
	}
	e.hear(100*h, workflows.SignalMet, closed)
	e.run(workflows.TypeObligation, in)
	e.expect(e.about(about...), want...)
	return e
}

func TestTheLadderWakesOneStepAfterTheOther(t *testing.T) {
	now, later := time.Duration(0), 90*m
	life(t, func(_ *trial, s *workflows.ObligationState) {
		s.Escalation = []workflows.Step{{At: 0.25}, {Before: h}, {After: &now}, {After: &later}}
	}, []string{"cry step"}, nil,
		"1:00 cry step 0, due 4:00", "3:00 cry step 1, due 4:00", "4:00 cry step 2, due 4:00", "5:30 cry step 3, due 4:00")
}

func TestStepsThatPassedTogetherAreTheLastOne(t *testing.T) {
	life(t, func(_ *trial, s *workflows.ObligationState) {
		s.Clock = workflows.Clock{From: after(-9 * h), DueAt: after(h)}
		s.Escalation = []workflows.Step{{At: 0.25}, {At: 0.5}, {Before: 30 * m}}
	}, []string{"cry step"}, nil, "0:00 cry step 1, due 1:00", "0:30 cry step 2, due 1:00")
}

func TestTheGuardFilesWhatNobodyApproved(t *testing.T) {
	guard := workflows.Guard{Enabled: true, Before: 10 * m, Rules: []string{"cn-cac-*"}}
	about := []string{"draft", "status", "file", "missed"}
	on := func(_ *trial, s *workflows.ObligationState) { s.Guard = guard }
	t.Run("shortly before the deadline", func(t *testing.T) {
		e := life(t, on, about, nil, "0:00 draft-1", "0:00 status awaits_approval", "3:50 guard draft-1",
			"3:50 status filing", "3:50 file draft-1", "3:50 status met")
		e.expect(e.about("cry"), "3:50 cry guarded, due 4:00")
	})
	t.Run("not where a person approved", func(t *testing.T) {
		life(t, on, about, []heard{{h, workflows.SignalDecision, decision("draft-1", approved)}},
			"0:00 draft-1", "0:00 status awaits_approval", "1:00 status filing", "1:00 file draft-1", "1:00 status met")
	})
	t.Run("never what a person refused: that is a loud miss", func(t *testing.T) {
		life(t, on, append(about, "ask"), []heard{{h, workflows.SignalDecision, decision("draft-1", refused)}},
			"0:00 draft-1", "0:00 status awaits_approval", "1:00 status refused", "4:00 cry missed, due 4:00")
	})
	t.Run("not for rules that the settings leave out", func(t *testing.T) {
		life(t, func(_ *trial, s *workflows.ObligationState) {
			s.Guard = workflows.Guard{Enabled: true, Before: 10 * m, Rules: []string{"us-*"}}
		}, []string{"guard", "missed"}, nil, "4:00 cry missed, due 4:00")
	})
	t.Run("not where only our own policy gives a number", func(t *testing.T) {
		life(t, func(_ *trial, s *workflows.ObligationState) {
			s.Guard, s.Clock = guard, workflows.Clock{From: after(0), PolicyAt: after(4 * h)}
		}, []string{"guard"}, nil)
	})
	t.Run("not once the deadline has passed", func(t *testing.T) {
		life(t, func(_ *trial, s *workflows.ObligationState) {
			s.Guard, s.Clock = guard, workflows.Clock{From: after(-9 * h), DueAt: after(-5 * h)}
		}, []string{"guard", "missed"}, nil, "0:00 cry missed, due -5:00")
	})
	t.Run("where the store does not let it, a person is still asked", func(t *testing.T) {
		life(t, func(e *trial, s *workflows.ObligationState) {
			s.Guard, e.guard = guard, activities.Guarded{Code: "void"}
		}, []string{"guard", "file", "missed"}, nil, "3:50 guard draft-1", "4:00 cry missed, due 4:00")
	})
}

func TestALateReportWaitsForItsReason(t *testing.T) {
	life(t, func(e *trial, _ *workflows.ObligationState) {
		e.draft = func(_ breach.Stage, d *activities.Draft) { d.Explained, d.AnswersRev = d.Version > 1, d.Version-1 }
	}, []string{"draft", "status", "file", "ask"},
		[]heard{
			{5 * h, workflows.SignalAnswers, workflows.AnswersSet{Rev: 1}},
			{6 * h, workflows.SignalDecision, decision("draft-2", approved)},
		},
		"0:00 draft-1", "0:00 status awaits_approval", "4:00 ask why it is late", "4:00 status needs_late_reason",
		"5:00 draft-2", "5:00 status awaits_approval", "6:00 status filing", "6:00 file draft-2", "6:00 status met")
}

func TestAnApprovalThatWasNotUsedInTimeNeedsTheReasonToo(t *testing.T) {
	life(t, func(e *trial, _ *workflows.ObligationState) {
		e.filed = []activities.Filed{{State: activities.FiledUnsaid}, {State: activities.FiledAccepted}}
		e.draft = func(_ breach.Stage, d *activities.Draft) { d.Explained = d.Version > 1 }
	}, []string{"draft", "status", "file", "ask"},
		[]heard{
			{h, workflows.SignalDecision, decision("draft-1", approved)},
			{2 * h, workflows.SignalAnswers, workflows.AnswersSet{Rev: 1}},
			{3 * h, workflows.SignalDecision, decision("draft-2", approved)},
		},
		"0:00 draft-1", "0:00 status awaits_approval", "1:00 status filing", "1:00 file draft-1", "1:00 ask why it is late", "1:00 status needs_late_reason",
		"2:00 draft-2", "2:00 status awaits_approval", "3:00 status filing", "3:00 file draft-2", "3:00 status met")
}

func TestAHoldLetsTheClockRestAndTheReportWaits(t *testing.T) {
	held := activities.ClockState{From: after(0), DueAt: after(27 * h), HeldUntil: after(24 * h), Deadline: "held until tomorrow by paper P-1"}
	about := []string{"clock", "status", "file", "missed", "draft"}
	t.Run("to its end", func(t *testing.T) {
		e := life(t, func(e *trial, _ *workflows.ObligationState) { e.clocks = []activities.ClockState{held} }, about,
			[]heard{{h, workflows.SignalDecision, hold(approved)}, {2 * h, workflows.SignalDecision, decision("draft-1", approved)}},
			"0:00 draft-1", "0:00 status awaits_approval", "1:00 read the clock", "2:00 status held", "24:00 status filing", "24:00 file draft-1", "24:00 status met")
		var told bool
		for _, s := range e.told() {
			told = told || s.Clock != nil && s.Clock.Deadline == held.Deadline
		}
		if !told || !strings.Contains(e.details(), held.Deadline) {
			t.Errorf("the incident was told of the held deadline: %v; the page reads %q", told, e.details())
		}
	})
	t.Run("released before its time", func(t *testing.T) {
		life(t, func(e *trial, _ *workflows.ObligationState) {
			e.clocks = []activities.ClockState{held, {From: after(0), DueAt: after(9 * h)}}
		}, about,
			[]heard{
				{h, workflows.SignalDecision, hold(approved)},
				{2 * h, workflows.SignalDecision, decision("draft-1", approved)},
				{6 * h, workflows.SignalRelease, workflows.HoldReleased{Document: "hold-1"}},
			},
			"0:00 draft-1", "0:00 status awaits_approval", "1:00 read the clock", "2:00 status held", "6:00 read the clock",
			"6:00 status filing", "6:00 file draft-1", "6:00 status met")
	})
	t.Run("the rest of the time runs afterwards, and its end is a miss", func(t *testing.T) {
		life(t, func(e *trial, _ *workflows.ObligationState) { e.clocks = []activities.ClockState{held} },
			[]string{"missed"}, []heard{{h, workflows.SignalDecision, hold(approved)}}, "27:00 cry missed, due 27:00")
	})
	t.Run("a new assessment does not forget it", func(t *testing.T) {
		life(t, func(e *trial, _ *workflows.ObligationState) { e.clocks = []activities.ClockState{held} },
			[]string{"clock", "missed"}, []heard{{h, workflows.SignalDecision, hold(approved)}, {2 * h, workflows.SignalReassess, news(2)}},
			"1:00 read the clock", "2:00 read the clock", "27:00 cry missed, due 27:00")
	})
	t.Run("the database knows of it first", func(t *testing.T) {
		life(t, func(e *trial, _ *workflows.ObligationState) {
			e.clocks = []activities.ClockState{held}
			e.filed = []activities.Filed{{State: activities.FiledHeld}, {State: activities.FiledAccepted}}
		}, []string{"clock", "file", "held", "met"}, []heard{{h, workflows.SignalDecision, decision("draft-1", approved)}},
			"1:00 file draft-1", "1:00 read the clock", "1:00 status held", "24:00 file draft-1", "24:00 status met")
	})
}

func TestAWaiverEndsTheDuty(t *testing.T) {
	life(t, nil, []string{"draft", "status", "missed"},
		[]heard{
			{h, workflows.SignalDecision, workflows.DecisionMade{Document: "waiver-1", Kind: breach.DocWaiver, Verdict: refused}},
			{2 * h, workflows.SignalDecision, workflows.DecisionMade{Document: "waiver-2", Kind: breach.DocWaiver, Verdict: approved}},
		},
		"0:00 draft-1", "0:00 status awaits_approval", "2:00 status waived")
}

func TestAnApprovalThatBecomesVoidIsCried(t *testing.T) {
	e := life(t, func(e *trial, _ *workflows.ObligationState) {
		e.filed = []activities.Filed{{State: activities.FiledVoid}, {State: activities.FiledAccepted}}
		e.draft = func(_ breach.Stage, d *activities.Draft) { d.Voided = d.Version == 2 }
	}, []string{"draft", "status", "file"},
		[]heard{{h, workflows.SignalDecision, decision("draft-1", approved)}, {2 * h, workflows.SignalDecision, decision("draft-2", approved)}},
		"0:00 draft-1", "0:00 status awaits_approval", "1:00 status filing", "1:00 file draft-1", "1:00 draft-2", "1:00 status awaits_approval",
		"2:00 status filing", "2:00 file draft-2", "2:00 status met")
	e.expect(e.about("cry"), "1:00 cry voided, due 4:00")
}

func TestTheChainGoesOnAfterTheFirstReport(t *testing.T) {
	first := heard{h, workflows.SignalDecision, decision("draft-1", approved)}
	about := []string{"draft", "status", "file", "ask"}
	begin := []string{"0:00 draft-1", "0:00 status awaits_approval", "1:00 status filing", "1:00 file draft-1", "1:00 status met"}
	t.Run("facts that change the report make a supplement", func(t *testing.T) {
		life(t, nil, about, []heard{first, {2 * h, workflows.SignalReassess, news(2)}, {3 * h, workflows.SignalDecision, decision("draft-2", approved)}},
			append(begin, "2:00 draft-2", "2:00 draft-2 is a supplement", "2:00 status supplement_awaits_approval", "3:00 status supplement_filing", "3:00 file draft-2", "3:00 status met")...)
	})
	t.Run("facts that do not, make none", func(t *testing.T) {
		life(t, func(e *trial, _ *workflows.ObligationState) {
			e.draft = func(stage breach.Stage, d *activities.Draft) { d.Nothing = stage == breach.StageSupplement }
		}, about, []heard{first, {2 * h, workflows.SignalReassess, news(2)}}, append(begin, "2:00 draft-2", "2:00 draft-2 is a supplement")...)
	})
	t.Run("newer facts replace a supplement that waits", func(t *testing.T) {
		life(t, nil, about, []heard{
			first,
			{2 * h, workflows.SignalReassess, news(2)},
			{3 * h, workflows.SignalAnswers, workflows.AnswersSet{Rev: 1}},
			{4 * h, workflows.SignalDecision, decision("draft-2", approved)},
			{5 * h, workflows.SignalDecision, decision("draft-3", approved)},
		}, append(begin, "2:00 draft-2", "2:00 draft-2 is a supplement", "2:00 status supplement_awaits_approval",
			"3:00 draft-3", "3:00 draft-3 is a supplement", "5:00 status supplement_filing", "5:00 file draft-3", "5:00 status met")...)
	})
	t.Run("a refused supplement is given up", func(t *testing.T) {
		life(t, nil, about, []heard{first, {2 * h, workflows.SignalReassess, news(2)}, {3 * h, workflows.SignalDecision, decision("draft-2", refused)}},
			append(begin, "2:00 draft-2", "2:00 draft-2 is a supplement", "2:00 status supplement_awaits_approval", "3:00 status met")...)
	})
	t.Run("a supplement in doubt waits for its own receipt", func(t *testing.T) {
		life(t, func(e *trial, _ *workflows.ObligationState) {
			e.filed = []activities.Filed{{State: activities.FiledAccepted}, {State: activities.FiledInDoubt}}
		}, about, []heard{
			first,
			{2 * h, workflows.SignalReassess, news(2)},
			{3 * h, workflows.SignalDecision, decision("draft-2", approved)},
			{4 * h, workflows.SignalSettled, workflows.FilingSettled{Filed: true, Acknowledged: true, Document: "draft-1"}},
			{5 * h, workflows.SignalSettled, workflows.FilingSettled{Filed: true, Document: "draft-2"}},
		}, append(begin, "2:00 draft-2", "2:00 draft-2 is a supplement", "2:00 status supplement_awaits_approval", "3:00 status supplement_filing", "3:00 file draft-2",
			"3:00 status in_doubt", "5:00 status acknowledged")...)
	})
	t.Run("an acknowledgement", func(t *testing.T) {
		life(t, nil, about, []heard{first, {2 * h, workflows.SignalSettled, workflows.FilingSettled{Filed: true, Acknowledged: true, Document: "draft-1"}}},
			append(begin, "2:00 status acknowledged")...)
	})
	t.Run("found not owed, and taken back", func(t *testing.T) {
		life(t, nil, about, []heard{
			first,
			{2 * h, workflows.SignalReassess, workflows.Reassessed{FactsRev: 2, Owed: breach.NotOwed, Clock: clock(4 * h)}},
			{3 * h, workflows.SignalWithdraw, workflows.WithdrawalAsked{}},
			{4 * h, workflows.SignalDecision, decision("draft-2", approved)},
		}, append(begin, "2:00 ask whether to take it back by revision 2", "3:00 draft-2", "3:00 draft-2 is a withdrawal", "3:00 status withdrawal_awaits_approval",
			"4:00 status withdrawal_filing", "4:00 file draft-2", "4:00 status withdrawn")...)
	})
	t.Run("a refused withdrawal leaves the report standing", func(t *testing.T) {
		life(t, nil, about, []heard{
			first,
			{2 * h, workflows.SignalReassess, workflows.Reassessed{FactsRev: 2, Owed: breach.NotOwed, Clock: clock(4 * h)}},
			{3 * h, workflows.SignalWithdraw, workflows.WithdrawalAsked{}},
			{4 * h, workflows.SignalDecision, decision("draft-2", refused)},
		}, append(begin, "2:00 ask whether to take it back by revision 2", "3:00 draft-2", "3:00 draft-2 is a withdrawal", "3:00 status withdrawal_awaits_approval",
			"4:00 status met")...)
	})
}

func TestWhatAnAuthorityAsksForIsWatchedUntilItsProof(t *testing.T) {
	ask := workflows.FollowUpState{
		Incident: incidentID, Task: "T-1", Kind: breach.TaskInterview, AskedAt: t0, Due: t0.Add(48 * h), Reminders: []float64{0.5}, EscalateBefore: 6 * h,
	}
	ended := workflows.TaskEnded{Kind: breach.TaskInterview, Ref: "T-1", Done: true}
	for _, tt := range []struct {
		name string
		in   func(*workflows.FollowUpState)
		at   time.Duration
		want []string
	}{
		{"in time", func(*workflows.FollowUpState) {}, 30 * h, []string{"24:00 cry reminder of T-1"}},
		{"too late", func(*workflows.FollowUpState) {}, 72 * h, []string{"24:00 cry reminder of T-1", "42:00 cry escalation of T-1", "48:00 cry missed of T-1"}},
		{"late when it was written down", func(s *workflows.FollowUpState) { s.AskedAt, s.Due = t0.Add(-9*h), t0.Add(-h) }, 2 * h, []string{"0:00 cry missed of T-1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, in := newTrial(t), ask
			tt.in(&in)
			e.hear(tt.at, workflows.SignalTask, ended)
			e.run(workflows.TypeFollowUp, in)
			e.expect(e.about("cry"), tt.want...)
		})
	}
}
