package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"tocsin/activities"
	"tocsin/internal/breach"
)

// ObligationState is all that one duty carries.
type ObligationState struct {
	Incident       breach.IncidentID `json:"incident"`
	Key            string            `json:"key"`
	Title          string            `json:"title"`
	Duty           breach.Duty       `json:"duty"`
	Owed           breach.Owed       `json:"owed"`
	Covered        bool              `json:"covered,omitempty"`
	Clock          Clock             `json:"clock"`
	FactsRev       int               `json:"facts_rev"`
	Reminders      []float64         `json:"reminders,omitempty"` // fractions of the time, ascending
	EscalateBefore time.Duration     `json:"escalate_before,omitempty"`
	Escalation     []Step            `json:"escalation,omitempty"`
	Guard          Guard             `json:"guard,omitzero"`
}

// obligation follows one duty from the draft to the receipt, with its clock running beside.
type obligation struct {
	ObligationState
	status  string
	awaits  breach.Role
	late    bool
	missed  string           // the deadline that was missed last
	draft   activities.Draft // the current version; empty before the first
	drafted revisions        // what the draft was written from
	answers int              // newest revision of the answers heard of
	decided decisions
	settled *FilingSettled
	met     bool
	waived  bool
	closed  bool     // the incident was closed: nothing more happens
	undone  bool     // a person said that a measure is not done: ask again
	fired   []string // marks that have passed, "reminder 0.50 2026-…"
	wake    bool     // the clock changed
	guarded string   // the deadline for which the guard's moment has come
	holds   bool     // a hold was heard of: what an assessment says of the clock may be older
	reclock int      // clocks to be read anew

	following bool             // the first report is filed: see follow
	acked     bool             // the authority has acknowledged it
	withdraw  bool             // a person asked to take it back
	filed     activities.Draft // the version that was filed last
}

// revisions are what a version was written from.
type revisions struct{ facts, answers int }

// Obligation tracks one duty until it is met, or an assessment rules it out. Filings are drafted, approved by other people than
// their authors, handed over once, and end with a receipt; then their chain goes on with supplements, an acknowledgement or a
// withdrawal until the incident closes. Other duties wait until the incident says that they are fulfilled. Reminders, escalation,
// the guard and the miss follow the clock in every case.
func Obligation(ctx workflow.Context, in ObligationState) error {
	w := &obligation{ObligationState: in, status: "open"}
	on(ctx, SignalReassess, w.heardReassess)
	on(ctx, SignalDecision, w.heardDecision)
	on(ctx, SignalSettled, w.heardSettled)
	on(ctx, SignalMet, func(s Fulfilled) { w.met, w.closed = w.met || s.By != ByClosed, w.closed || s.By == ByClosed })
	on(ctx, SignalTask, func(s TaskEnded) { w.met, w.undone = w.met || s.Done, !s.Done })
	on(ctx, SignalAnswers, func(s AnswersSet) { w.answers = max(w.answers, s.Rev) })
	on(ctx, SignalRelease, func(HoldReleased) { w.reclock++ })
	on(ctx, SignalWithdraw, func(WithdrawalAsked) { w.withdraw = true })
	w.show(ctx)
	workflow.Go(ctx, w.watchClock)
	workflow.Go(ctx, w.watchHolds)
	err := w.run(ctx)
	if err == nil && w.met && w.Duty == breach.DutyFiling {
		err = w.follow(ctx)
	}
	w.closed, w.wake = true, true // ends the coroutines beside
	return err
}

func (w *obligation) heardReassess(s Reassessed) {
	w.FactsRev = max(w.FactsRev, s.FactsRev)
	w.Owed, w.Covered, w.Clock, w.wake = s.Owed, s.Covered, s.Clock, true
	if w.holds {
		w.reclock++ // the assessment may be older than the hold
	}
}

func (w *obligation) heardDecision(s DecisionMade) {
	switch s.Kind {
	case breach.DocHold:
		w.holds, w.reclock = true, w.reclock+1
	case breach.DocWaiver:
		w.waived = w.waived || s.Verdict == breach.Approved
	default:
		w.decided.heard(s)
	}
}

// heardSettled takes a receipt, or a person's word that a report did not arrive. The receipt of a report that was filed before is
// no news of the one under way.
func (w *obligation) heardSettled(s FilingSettled) {
	w.acked = w.acked || s.Acknowledged
	if s.Filed && w.following && s.Document != w.draft.Document {
		return
	}
	w.settled = &s
	w.met = w.met || s.Filed
}

// moved reports that the newest assessment does not ask for this duty by itself any more.
func (w *obligation) moved() bool { return !w.following && (w.Owed != breach.IsOwed || w.Covered) }

// stale reports that facts or answers are newer than what the draft was written from.
func (w *obligation) stale() bool {
	return w.drafted.facts < w.FactsRev || w.drafted.answers < w.answers
}

// news returns a condition that holds once facts or answers are newer than now, or nothing is to be done any more.
func (w *obligation) news() func() bool {
	was := revisions{w.FactsRev, w.answers}
	return func() bool { return w.over() || w.moved() || was != revisions{w.FactsRev, w.answers} }
}

// over reports that nothing more happens to this duty, or, before its first report was filed, that none is needed.
func (w *obligation) over() bool { return w.closed || !w.following && (w.met || w.waived) }

// verdict is what was decided about the current draft; empty while nobody has.
func (w *obligation) verdict() breach.Verdict {
	if w.draft.Approved {
		return breach.Approved
	}
	return w.decided.of(w.draft.Document)
}

func (w *obligation) run(ctx workflow.Context) error {
	for !w.over() {
		switch {
		case w.Covered:
			w.set(ctx, "covered", "")
			if err := workflow.Await(ctx, func() bool { return w.over() || !w.Covered }); err != nil {
				return err
			}
		case w.Owed == breach.NotOwed:
			if err := w.rest(ctx); err != nil {
				return err
			}
		case w.Owed == breach.Possible:
			w.set(ctx, "possible", breach.RoleResponder)
			if err := workflow.Await(ctx, func() bool { return w.over() || w.Owed != breach.Possible }); err != nil {
				return err
			}
		case w.Duty != breach.DutyFiling:
			w.undone = false // before asking: the answer may come before the activity's
			if err := w.askMeasure(ctx); err != nil {
				return err
			}
			if err := workflow.Await(ctx, func() bool { return w.over() || w.undone || w.moved() }); err != nil {
				return err
			}
		case w.Clock.Waits:
			w.set(ctx, "clock_not_started", "")
			if err := workflow.Await(ctx, func() bool { return w.over() || w.moved() || !w.Clock.Waits }); err != nil {
				return err
			}
		default:
			if err := w.file(ctx); err != nil {
				return err
			}
		}
	}
	switch {
	case w.met:
		w.filed, w.status, w.awaits = w.draft, "met", ""
		w.report(ctx)
	case w.waived:
		w.set(ctx, "waived", "")
	}
	return nil // else the incident was closed, and this duty was not owed by itself
}

// askMeasure gives a duty to act ourselves to a person to confirm; notices are met by their campaigns.
func (w *obligation) askMeasure(ctx workflow.Context) error {
	if w.Duty != breach.DutyMeasure {
		w.set(ctx, "open", "")
		return nil
	}
	w.set(ctx, "open", breach.RoleLead)
	return workflow.ExecuteActivity(database(ctx, "ask a person to confirm"), incidents.AskMeasure,
		activities.AskMeasureInput{Incident: w.Incident, Key: w.Key}).Get(ctx, nil)
}

// rest waits while the newest facts rule the duty out. They may change again, so the workflow ends only with the incident. A
// person is asked to confirm where the duty had been owed.
func (w *obligation) rest(ctx workflow.Context) error {
	if w.status != "open" && w.status != "possible" && w.status != "covered" {
		err := workflow.ExecuteActivity(database(ctx, "ask whether it is really not owed"), incidents.AskRuledOut,
			activities.AskRuledOutInput{Incident: w.Incident, Key: w.Key, FactsRev: w.FactsRev}).Get(ctx, nil)
		if err != nil {
			return err
		}
	}
	w.set(ctx, "not_owed", "")
	return workflow.Await(ctx, func() bool { return w.over() || w.Owed != breach.NotOwed })
}

// file goes once round: draft, approval, handing over. Facts and answers that change before the approval is used make a new
// draft. Once the law's instant has passed, the report must say why before anybody can approve it.
func (w *obligation) file(ctx workflow.Context) error {
	if w.stale() {
		if err := w.prepare(ctx, ""); err != nil {
			return err
		}
		if w.over() || w.moved() || w.stale() {
			return nil
		}
	}
	was, late, guarded := w.verdict(), w.unexplained(), w.guardsNow() // before anything that yields: a decision may come in the meantime
	switch {
	case was == breach.Approved && w.heldNow(ctx):
		return w.hold(ctx)
	case was == breach.Approved && !late:
		return w.handOver(ctx)
	case was == breach.Refused:
		w.set(ctx, "refused", breach.RoleLead) // until new facts or answers make a new version
	case late:
		if err := w.askWhyLate(ctx); err != nil {
			return err
		}
	case guarded:
		return w.standIn(ctx)
	default:
		w.set(ctx, "awaits_approval", breach.RoleApprover)
	}
	return workflow.Await(ctx, func() bool {
		return w.over() || w.moved() || w.stale() || w.verdict() != was || w.unexplained() != late || w.guardsNow() != guarded
	})
}

// unexplained reports that the draft is late and does not say why.
func (w *obligation) unexplained() bool {
	return !w.following && !w.draft.Explained && w.missed != "" && w.missed == w.stamp()
}

// stamp names the present deadline; empty without one.
func (w *obligation) stamp() string {
	if t := w.Clock.Target(); t != nil {
		return t.UTC().Format(time.RFC3339)
	}
	return ""
}

func (w *obligation) askWhyLate(ctx workflow.Context) error {
	if w.status != "needs_late_reason" {
		err := workflow.ExecuteActivity(database(ctx, "ask why it is late"), incidents.AskLateReason,
			activities.AskLateReasonInput{Incident: w.Incident, Key: w.Key}).Get(ctx, nil)
		if err != nil {
			return err
		}
	}
	w.set(ctx, "needs_late_reason", breach.RoleLead)
	return nil
}

// heldNow reports that a hold is in force.
func (w *obligation) heldNow(ctx workflow.Context) bool {
	return w.Clock.HeldUntil != nil && workflow.Now(ctx).Before(*w.Clock.HeldUntil)
}

// hold waits with an approved report until the hold ends, is released, or the report is out of date.
func (w *obligation) hold(ctx workflow.Context) error {
	until := *w.Clock.HeldUntil // before anything that yields: it may be released in the meantime
	w.set(ctx, "held", "")
	_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout: until.Sub(workflow.Now(ctx)) + time.Second, TimerOptions: workflow.TimerOptions{Summary: "held: then file"},
	}, func() bool {
		return w.over() || w.moved() || w.stale() || w.Clock.HeldUntil == nil || !w.Clock.HeldUntil.Equal(until)
	})
	return err
}

// prepare writes the next version: of the report itself, or of a later one of its chain.
func (w *obligation) prepare(ctx workflow.Context, stage breach.Stage) error {
	var rev revisions
	var d activities.Draft
	err := persist(ctx, w.Incident, w.Key, w.news(), func() error {
		rev = revisions{w.FactsRev, w.answers}
		return workflow.ExecuteActivity(database(ctx, strings.TrimSpace(fmt.Sprintf("draft %s from facts revision %d", stage, rev.facts))), filings.DraftFiling,
			activities.DraftFilingInput{Incident: w.Incident, Key: w.Key, Stage: stage}).Get(ctx, &d)
	})
	if err != nil {
		return err
	}
	rev.answers = max(rev.answers, d.AnswersRev)
	w.draft, w.drafted = d, rev // a new version has a new id: what was decided on the old one is void
	if d.Voided {
		w.cryBeside(ctx, activities.CryVoided)
	}
	return nil
}

// handOver files the approved document. Trying again is for temporary refusals only; every unclear or final outcome waits
// for a person, because a filing is never sent twice by a machine.
func (w *obligation) handOver(ctx workflow.Context) error {
	w.set(ctx, w.name("filing"), "")
	w.settled = nil
	var r activities.Filed
	err := persist(ctx, w.Incident, w.Key, w.news(), func() error {
		return workflow.ExecuteActivity(outward(ctx, "file with the authority"), filings.FileReport,
			activities.FileReportInput{Incident: w.Incident, Key: w.Key, Document: w.draft.Document}).Get(ctx, &r)
	})
	if err != nil {
		return err
	}
	switch r.State {
	case activities.FiledAccepted:
		w.met, w.settled = true, &FilingSettled{Filed: true, Document: w.draft.Document}
		return nil
	case activities.FiledLater:
		_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
			Timeout: max(r.After, time.Second), TimerOptions: workflow.TimerOptions{Summary: "refused for now: wait, then file again"},
		}, func() bool { return w.over() || w.moved() || w.stale() })
		return err
	case activities.FiledVoid: // facts or answers changed between the decision and the filing
		w.draft, w.drafted = activities.Draft{}, revisions{}
		return nil
	case activities.FiledHeld: // the database knows of a hold that was not heard of yet
		w.holds, w.reclock = true, w.reclock+1
		return workflow.Await(ctx, func() bool { return w.over() || w.moved() || w.reclock == 0 })
	case activities.FiledUnsaid: // its instant passed before it left
		w.late, w.missed, w.draft.Explained = true, w.stamp(), false
		return nil
	case activities.FiledInDoubt, activities.FiledBlocked: // a person's move
	}
	w.set(ctx, string(r.State), breach.RoleLead)
	return workflow.Await(ctx, func() bool { return w.over() || w.moved() || w.settled != nil })
}

// set records a status in the database, tells the incident, and shows it.
func (w *obligation) set(ctx workflow.Context, status string, awaits breach.Role) {
	if w.status == status && w.awaits == awaits {
		return
	}
	w.status, w.awaits = status, awaits
	w.report(ctx)
}

func (w *obligation) report(ctx workflow.Context) {
	err := workflow.ExecuteActivity(database(ctx, "status: "+w.status), incidents.RecordObligation,
		activities.RecordObligationInput{Incident: w.Incident, Key: w.Key, Status: w.status}).Get(ctx, nil)
	if err != nil {
		workflow.GetLogger(ctx).Error("status not recorded", "obligation", w.Key)
	}
	w.tell(ctx)
}

// endedStatus are the statuses after which nobody has a move.
var endedStatus = []string{"met", "not_owed", "covered", "waived", "acknowledged", "withdrawn"}

// tell reports to the incident, and to whoever opens this workflow's page.
func (w *obligation) tell(ctx workflow.Context) {
	s := ChildStatus{Kind: "obligation", Key: w.Key, Status: w.status, Awaits: w.awaits, Late: w.late, Done: slices.Contains(endedStatus, w.status)}
	if w.holds {
		clock := w.Clock
		s.Clock = &clock
	}
	signal(ctx, IncidentWorkflowID(w.Incident), SignalChild, s)
	w.show(ctx)
}

// show is what a manager sees of the duty, in the list and on its page. The deadline reads as on every other surface.
func (w *obligation) show(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("### %s\n\n%s · due %s · waits for %s%s", w.Title, strings.ReplaceAll(w.status, "_", " "), due(w.Clock),
		orNone(string(w.awaits)), map[bool]string{true: " · **LATE**"}[w.late]))
	next := KeyNextDeadline.ValueUnset()
	if t := w.Clock.Target(); t != nil && !w.closed && !slices.Contains(endedStatus, w.status) && !w.following {
		next = KeyNextDeadline.ValueSet(*t)
	}
	err := workflow.UpsertTypedSearchAttributes(ctx, KeyPhase.ValueSet(strings.ReplaceAll(w.status, "_", " ")), KeyAwaits.ValueSet(orNone(string(w.awaits))),
		KeyStatusLine.ValueSet(clip("due "+due(w.Clock)+" · "+w.Title)), KeyOverdue.ValueSet(w.late), next)
	if err != nil {
		workflow.GetLogger(ctx).Error("search attributes not written", "obligation", w.Key)
	}
}
