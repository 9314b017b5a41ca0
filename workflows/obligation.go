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
}

// obligation follows one duty from the draft to the receipt, with its clock running beside.
type obligation struct {
	ObligationState
	status  string
	awaits  breach.Role
	late    bool
	draft   activities.Draft // the current version; empty before the first
	drafted int              // facts revision of the draft
	decided decisions
	settled *FilingSettled
	met     bool
	closed  bool     // the incident was closed: nothing more happens
	undone  bool     // a person said that a measure is not done: ask again
	fired   []string // marks that have passed, "reminder 0.50 2026-…"
	wake    bool     // the clock changed
}

// Obligation tracks one duty until it is met, or an assessment rules it out. Filings are drafted, approved by another
// person than their author, handed over once, and end with a receipt; other duties wait until the incident says that they
// are fulfilled. Reminders, escalation and the miss follow the clock in every case.
func Obligation(ctx workflow.Context, in ObligationState) error {
	w := &obligation{ObligationState: in, status: "open"}
	on(ctx, SignalReassess, w.heardReassess)
	on(ctx, SignalDecision, w.decided.heard)
	on(ctx, SignalSettled, func(s FilingSettled) { w.settled, w.met = &s, w.met || s.Filed })
	on(ctx, SignalMet, func(s Fulfilled) { w.met, w.closed = w.met || s.By != ByClosed, w.closed || s.By == ByClosed })
	on(ctx, SignalTask, func(s TaskEnded) { w.met, w.undone = w.met || s.Done, !s.Done })
	w.show(ctx)
	workflow.Go(ctx, w.watchClock)
	err := w.run(ctx)
	w.closed, w.wake = true, true // ends the clock's coroutine
	return err
}

func (w *obligation) heardReassess(s Reassessed) {
	w.FactsRev = max(w.FactsRev, s.FactsRev)
	w.Owed, w.Covered, w.Clock, w.wake = s.Owed, s.Covered, s.Clock, true
}

// moved reports that the newest assessment does not ask for this duty by itself any more.
func (w *obligation) moved() bool { return w.Owed != breach.IsOwed || w.Covered }

// news returns a condition that holds once facts are newer than now, or nothing is to be done any more.
func (w *obligation) news() func() bool {
	rev := w.FactsRev
	return func() bool { return w.over() || w.moved() || w.FactsRev > rev }
}

// over reports that nothing more happens to this duty.
func (w *obligation) over() bool { return w.met || w.closed }

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
	if !w.met {
		return nil // the incident was closed, and this duty was not owed by itself
	}
	w.status, w.awaits = "met", ""
	w.report(ctx)
	return nil
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

// file goes once round: draft, approval, handing over. Facts that change before the approval is used make a new draft.
func (w *obligation) file(ctx workflow.Context) error {
	if w.drafted < w.FactsRev {
		if err := w.prepare(ctx); err != nil {
			return err
		}
	}
	was := w.verdict() // before anything that yields: a decision may come in the meantime
	switch was {
	case breach.Approved:
		return w.handOver(ctx)
	case breach.Refused:
		w.set(ctx, "refused", breach.RoleLead) // until new facts make a new version
	default:
		w.set(ctx, "awaits_approval", breach.RoleApprover)
	}
	return workflow.Await(ctx, func() bool {
		return w.over() || w.moved() || w.drafted < w.FactsRev || w.verdict() != was
	})
}

func (w *obligation) prepare(ctx workflow.Context) error {
	rev := w.FactsRev
	var d activities.Draft
	err := persist(ctx, w.Incident, w.Key, w.news(), func() error {
		rev = w.FactsRev
		return workflow.ExecuteActivity(database(ctx, fmt.Sprintf("draft from facts revision %d", rev)), filings.DraftFiling,
			activities.DraftFilingInput{Incident: w.Incident, Key: w.Key}).Get(ctx, &d)
	})
	if err != nil {
		return err
	}
	w.draft, w.drafted = d, rev // a new version has a new id: what was decided on the old one is void
	return nil
}

// handOver files the approved document. Trying again is for temporary refusals only; every unclear or final outcome waits
// for a person, because a filing is never sent twice by a machine.
func (w *obligation) handOver(ctx workflow.Context) error {
	w.set(ctx, "filing", "")
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
		w.met = true
		return nil
	case activities.FiledLater:
		_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
			Timeout: max(r.After, time.Second), TimerOptions: workflow.TimerOptions{Summary: "refused for now: wait, then file again"},
		}, func() bool { return w.over() || w.moved() || w.drafted < w.FactsRev })
		return err
	case activities.FiledVoid: // the approval was voided between the decision and the filing
		w.draft, w.drafted = activities.Draft{}, 0
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

// tell reports to the incident, and to whoever opens this workflow's page.
func (w *obligation) tell(ctx workflow.Context) {
	signal(ctx, IncidentWorkflowID(w.Incident), SignalChild, ChildStatus{
		Kind: "obligation", Key: w.Key, Status: w.status, Awaits: w.awaits, Late: w.late, Done: slices.Contains([]string{"met", "not_owed", "covered"}, w.status),
	})
	w.show(ctx)
}

// show is what a manager sees of the duty, in the list and on its page.
func (w *obligation) show(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("### %s\n\n%s · due %s · waits for %s%s", w.Title, strings.ReplaceAll(w.status, "_", " "), due(w.Clock),
		orNone(string(w.awaits)), map[bool]string{true: " · **LATE**"}[w.late]))
	next := KeyNextDeadline.ValueUnset()
	if t := w.Clock.Target(); t != nil && !w.over() && w.status != "not_owed" && w.status != "covered" {
		next = KeyNextDeadline.ValueSet(*t)
	}
	err := workflow.UpsertTypedSearchAttributes(ctx, KeyPhase.ValueSet(strings.ReplaceAll(w.status, "_", " ")), KeyAwaits.ValueSet(orNone(string(w.awaits))),
		KeyStatusLine.ValueSet(clip(w.Title)), KeyOverdue.ValueSet(w.late), next)
	if err != nil {
		workflow.GetLogger(ctx).Error("search attributes not written", "obligation", w.Key)
	}
}

// mark is an instant on the way to the deadline.
type mark struct {
	kind string // activities.CryReminder, CryEscalation, CryMissed
	name string // what makes it one of a kind: kind, fraction, target
	at   time.Time
}

// marks are the instants of the clock that have not passed yet as far as this duty has acted on them, by time.
func (w *obligation) marks() []mark {
	target := w.Clock.Target()
	if target == nil || w.Clock.Waits || w.Covered || w.Owed == breach.NotOwed {
		return nil
	}
	stamp := target.UTC().Format(time.RFC3339)
	var list []mark
	add := func(kind, name string, at time.Time) {
		if m := (mark{kind, kind + " " + name + " " + stamp, at}); !slices.Contains(w.fired, m.name) {
			list = append(list, m)
		}
	}
	if from := w.Clock.From; from != nil {
		for _, f := range w.Reminders {
			add(activities.CryReminder, fmt.Sprintf("%.2f", f), from.Add(time.Duration(f*float64(target.Sub(*from)))))
		}
	}
	if w.EscalateBefore > 0 && w.Clock.DueAt != nil {
		add(activities.CryEscalation, "before", target.Add(-w.EscalateBefore))
	}
	if w.Clock.DueAt != nil {
		add(activities.CryMissed, "", *target)
	} else {
		add(activities.CryEscalation, "policy", *target)
	}
	slices.SortStableFunc(list, func(a, b mark) int { return a.at.Compare(b.at) })
	return list
}

// watchClock keeps one timer, for the nearest mark. Marks that have passed together are cried out once, as the gravest.
func (w *obligation) watchClock(ctx workflow.Context) {
	for !w.over() && ctx.Err() == nil {
		if w.wake {
			w.wake = false
			w.show(ctx) // the list shows a deadline too
		}
		list := w.marks()
		if len(list) == 0 {
			if workflow.Await(ctx, func() bool { return w.wake || w.over() }) != nil {
				return
			}
			continue
		}
		if wait := list[0].at.Sub(workflow.Now(ctx)); wait > 0 {
			_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
				Timeout: wait, TimerOptions: workflow.TimerOptions{Summary: fmt.Sprintf("%s: %s at %s", w.Key, list[0].kind, list[0].at.UTC().Format(time.RFC3339))},
			}, func() bool { return w.wake || w.over() })
			if err != nil {
				return
			}
			continue // look again: the clock may have moved while waiting
		}
		w.cry(ctx, list)
	}
}

// gravity orders the kinds of marks: an escalation outweighs a reminder that was due after it.
var gravity = []string{activities.CryReminder, activities.CryEscalation, activities.CryMissed}

// cry calls people beside the clock, which goes on: while no mail gets out, the next mark must still be cried and the miss
// recorded.
func (w *obligation) cry(ctx workflow.Context, list []mark) {
	now, gravest := workflow.Now(ctx), list[0]
	for _, m := range list {
		if m.at.After(now) {
			break
		}
		w.fired = append(w.fired, m.name)
		if slices.Index(gravity, m.kind) > slices.Index(gravity, gravest.kind) {
			gravest = m
		}
	}
	in := activities.CryInput{Incident: w.Incident, Key: w.Key, Kind: gravest.kind, At: *w.Clock.Target()}
	workflow.Go(ctx, func(ctx workflow.Context) {
		if err := workflow.ExecuteActivity(crying(ctx, in.Kind, in.Kind+": "+w.Title), crier.Cry, in).Get(ctx, nil); err != nil {
			w.askForHelp(ctx, in.Kind)
		}
	})
	if gravest.kind == activities.CryMissed && !w.met {
		w.late = true
		w.tell(ctx)
	}
}

// crying bounds how long a cry is tried. The miss is recorded before anything is sent, and is tried for a day.
func crying(ctx workflow.Context, kind, summary string) workflow.Context {
	o := workflow.GetActivityOptions(outward(ctx, summary))
	o.ScheduleToCloseTimeout = 20 * time.Minute
	if kind == activities.CryMissed {
		o.ScheduleToCloseTimeout = 24 * time.Hour
	}
	return workflow.WithActivityOptions(ctx, o)
}

// askForHelp makes a task of a cry that reached nobody: escalated means that a person knows.
func (w *obligation) askForHelp(ctx workflow.Context, kind string) {
	err := workflow.ExecuteActivity(database(ctx, "nobody could be told"), incidents.AskMend, activities.AskMendInput{
		Incident: w.Incident, What: w.Key, Why: "no contact could be told of the " + kind,
	}).Get(ctx, nil)
	if err != nil {
		workflow.GetLogger(ctx).Error("nobody could be told", "obligation", w.Key, "kind", kind)
	}
}
