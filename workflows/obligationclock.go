package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"tocsin/activities"
	"tocsin/internal/breach"
)

// mark is an instant on the way to the deadline.
type mark struct {
	kind string // activities.CryReminder, CryStep, CryEscalation, CryMissed, or guardMark
	name string // what makes it one of a kind: kind, fraction, target
	at   time.Time
	step int // of a step: its position in the settings
}

// guardMark is the moment at which the guard stands in.
const guardMark = "guard"

// marks are the instants of the clock that have not passed yet as far as this duty has acted on them, by time.
func (w *obligation) marks() []mark {
	target := w.Clock.Target()
	if target == nil || w.Clock.Waits || w.Covered || w.Owed == breach.NotOwed || w.following {
		return nil
	}
	stamp := w.stamp()
	var list []mark
	add := func(kind, name string, at time.Time) {
		if m := (mark{kind: kind, name: kind + " " + name + " " + stamp, at: at}); !slices.Contains(w.fired, m.name) {
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
	for i, s := range w.Escalation {
		if at, ok := s.instant(w.Clock.From, *target); ok {
			if m := (mark{activities.CryStep, fmt.Sprintf("step %d %s", i, stamp), at, i}); !slices.Contains(w.fired, m.name) {
				list = append(list, m)
			}
		}
	}
	if rule, _ := breach.SplitObligationKey(w.Key); w.Duty == breach.DutyFiling && w.Clock.DueAt != nil && w.Guard.stands(rule) {
		add(guardMark, "", target.Add(-w.Guard.Before))
	}
	slices.SortStableFunc(list, func(a, b mark) int { return a.at.Compare(b.at) })
	return list
}

// instant is when a step is due; not ok where it counts a part of a time whose beginning is not known.
func (s Step) instant(from *time.Time, target time.Time) (time.Time, bool) {
	switch {
	case s.After != nil:
		return target.Add(*s.After), true
	case s.Before > 0:
		return target.Add(-s.Before), true
	case from == nil:
		return time.Time{}, false
	}
	return from.Add(time.Duration(s.At * float64(target.Sub(*from)))), true
}

// guardsNow reports that the guard's moment for the present deadline has come and the deadline has not.
func (w *obligation) guardsNow() bool {
	return w.guarded != "" && w.guarded == w.stamp() && w.missed != w.guarded
}

// standIn lets the guard approve the preliminary report with the facts known, and tells everybody. What a person refused it never
// touches: that version is void.
func (w *obligation) standIn(ctx workflow.Context) error {
	in := activities.GuardInput{Incident: w.Incident, Key: w.Key, Document: w.draft.Document, Before: w.Guard.Before}
	var r activities.Guarded
	if err := workflow.ExecuteActivity(database(ctx, "the guard approves the preliminary report"), filings.GuardFiling, in).Get(ctx, &r); err != nil {
		return err
	}
	w.guarded = "" // once a deadline
	if r.Approved && in.Document == w.draft.Document {
		w.draft.Approved = true
		w.cryBeside(ctx, activities.CryGuarded)
	}
	return nil
}

// watchHolds reads the deadline anew whenever a hold began or ended, and when it runs out by itself.
func (w *obligation) watchHolds(ctx workflow.Context) {
	for !w.closed && ctx.Err() == nil {
		if w.reclock == 0 {
			if workflow.Await(ctx, func() bool { return w.closed || w.reclock > 0 }) != nil {
				return
			}
			continue
		}
		asked := w.reclock
		var c activities.ClockState
		err := workflow.ExecuteActivity(database(ctx, "read the deadline with its holds"), incidents.ReadClock,
			activities.ReadClockInput{Incident: w.Incident, Key: w.Key}).Get(ctx, &c)
		if err != nil {
			return
		}
		w.Clock = Clock(c)
		w.reclock -= asked
		w.wake = true
		w.tell(ctx)
	}
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
				Timeout: wait, TimerOptions: workflow.TimerOptions{Summary: fmt.Sprintf("%s: %s; due %s", w.Key, list[0].kind, due(w.Clock))},
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
// recorded. Of the settings' steps that have passed together the last is cried, as it is the gravest.
func (w *obligation) cry(ctx workflow.Context, list []mark) {
	now := workflow.Now(ctx)
	var gravest, step *mark
	for i, m := range list {
		if m.at.After(now) {
			break
		}
		w.fired = append(w.fired, m.name)
		switch {
		case m.kind == guardMark:
			if now.Before(*w.Clock.Target()) {
				w.guarded = w.stamp()
			}
		case m.kind == activities.CryStep:
			step = &list[i]
		case gravest == nil || slices.Index(gravity, m.kind) > slices.Index(gravity, gravest.kind):
			gravest = &list[i]
		}
	}
	if gravest != nil {
		w.cryBeside(ctx, gravest.kind)
		if gravest.kind == activities.CryMissed && !w.met && !w.waived {
			w.late, w.missed = true, w.stamp()
			w.tell(ctx)
		}
	}
	if step != nil {
		w.shout(ctx, activities.CryInput{Incident: w.Incident, Key: w.Key, Kind: step.kind, Step: step.step, At: *w.Clock.Target()})
	}
}

// cryBeside tells people of something about the deadline, or about the moment where there is none.
func (w *obligation) cryBeside(ctx workflow.Context, kind string) {
	in := activities.CryInput{Incident: w.Incident, Key: w.Key, Kind: kind, At: workflow.Now(ctx)}
	if t := w.Clock.Target(); t != nil {
		in.At = *t
	}
	w.shout(ctx, in)
}

func (w *obligation) shout(ctx workflow.Context, in activities.CryInput) {
	workflow.Go(ctx, func(ctx workflow.Context) {
		if err := workflow.ExecuteActivity(crying(ctx, in.Kind, in.Kind+": "+w.Title), crier.Cry, in).Get(ctx, nil); err != nil {
			w.askForHelp(ctx, in.Kind)
		}
	})
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
