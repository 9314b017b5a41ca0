package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"tocsin/activities"
	"tocsin/internal/breach"
)

// FollowUpState is one thing that an authority asks for.
type FollowUpState struct {
	Incident       breach.IncidentID `json:"incident"`
	Task           string            `json:"task"`
	Kind           breach.TaskKind   `json:"kind"`
	AskedAt        time.Time         `json:"asked_at"`
	Due            time.Time         `json:"due"`
	Reminders      []float64         `json:"reminders,omitempty"`
	EscalateBefore time.Duration     `json:"escalate_before,omitempty"`
}

// FollowUp watches a question, an interview or an order of an authority until a person ends its task with a proof: it reminds,
// escalates, and cries out when the day has passed.
func FollowUp(ctx workflow.Context, in FollowUpState) error {
	ended := false
	on(ctx, SignalTask, func(TaskEnded) { ended = true })
	over := func() bool { return ended }
	for _, m := range in.marks() {
		if wait := m.at.Sub(workflow.Now(ctx)); wait > 0 {
			ok, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
				Timeout: wait, TimerOptions: workflow.TimerOptions{Summary: fmt.Sprintf("%s: %s", in.Kind, m.kind)},
			}, over)
			if err != nil {
				return err
			}
			if ok {
				return nil
			}
		} else if in.passed(ctx, m) {
			continue // a graver mark has passed too
		}
		cry := activities.CryFollowUpInput{Incident: in.Incident, Task: in.Task, Kind: m.kind}
		workflow.Go(ctx, func(ctx workflow.Context) {
			if err := workflow.ExecuteActivity(crying(ctx, m.kind, m.kind+" of a "+string(in.Kind)), crier.CryFollowUp, cry).Get(ctx, nil); err != nil {
				workflow.GetLogger(ctx).Error("nobody could be told", "task", in.Task, "kind", m.kind)
			}
		})
	}
	return workflow.Await(ctx, over)
}

// marks are reminders, the escalation and the day itself, by time.
func (in FollowUpState) marks() []mark {
	var list []mark
	for _, f := range in.Reminders {
		list = append(list, mark{kind: activities.CryReminder, at: in.AskedAt.Add(time.Duration(f * float64(in.Due.Sub(in.AskedAt))))})
	}
	if in.EscalateBefore > 0 {
		list = append(list, mark{kind: activities.CryEscalation, at: in.Due.Add(-in.EscalateBefore)})
	}
	list = append(list, mark{kind: activities.CryMissed, at: in.Due})
	slices.SortStableFunc(list, func(a, b mark) int { return a.at.Compare(b.at) })
	return list
}

// passed reports that a mark after m has passed already, so that m needs no cry of its own.
func (in FollowUpState) passed(ctx workflow.Context, m mark) bool {
	list := in.marks()
	i := slices.IndexFunc(list, func(x mark) bool { return x.kind == m.kind && x.at.Equal(m.at) })
	return i+1 < len(list) && !list[i+1].at.After(workflow.Now(ctx))
}
