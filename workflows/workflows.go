// Package workflows says what happens next in an incident. The code is replayed, so it is deterministic: it reads no clock but
// the workflow's, ranges over slices, does no I/O, and takes configuration as input.
//
// One file a workflow, each a short entry and a struct with one method a beat. What happened is in PostgreSQL; here are only
// timers, waits and order. Payloads are ids, instants and counts.
package workflows

import (
	"errors"
	"strconv"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"tocsin/activities"
	"tocsin/internal/breach"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Register tells a worker, or a replayer, all workflow types.
func Register(w worker.WorkflowRegistry) {
	for _, x := range []struct {
		name string
		fn   any
	}{
		{TypeIncident, Incident},
		{TypePlan, EmergencyPlan},
		{TypeObligation, Obligation},
		{TypeCampaign, NoticeCampaign},
		{TypeShard, NoticeShard},
		{TypeReopening, NoticeReopening},
		{TypePublicNotice, PublicNotice},
		{TypeFollowUp, FollowUp},
	} {
		w.RegisterWorkflowWithOptions(x.fn, workflow.RegisterOptions{Name: x.name})
	}
}

// database are the options of an activity that only reads and writes PostgreSQL. It is retried until it succeeds: a duty does
// not lapse because the database was down.
func database(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           QueueIncident,
		StartToCloseTimeout: 30 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second},
		Summary:             summary,
	})
}

// overPeople are the options of an activity whose work grows with the number of people: at a hundred million an index takes
// minutes.
func overPeople(ctx workflow.Context, summary string) workflow.Context {
	o := workflow.GetActivityOptions(database(ctx, summary))
	o.StartToCloseTimeout, o.HeartbeatTimeout = 4*time.Hour, time.Minute
	return workflow.WithActivityOptions(ctx, o)
}

// outward are the options of an activity that speaks to somebody else's machine.
func outward(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           QueueIncident,
		StartToCloseTimeout: 15 * time.Minute, // an SMTP server may take ten minutes to answer the final dot
		HeartbeatTimeout:    time.Minute,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 2 * time.Second, BackoffCoefficient: 2, MaximumInterval: 5 * time.Minute},
		Summary:             summary,
	})
}

// sending are the options of an activity that sends a chunk of a notice.
func sending(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           QueueNotify,
		StartToCloseTimeout: 12 * time.Hour,
		HeartbeatTimeout:    15 * time.Second,
		WaitForCancellation: true,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute},
		Summary:             summary,
	})
}

// child are the options of a workflow that outlives its parent's runs: continue-as-new is a close, and would take it along.
func child(ctx workflow.Context, id, summary string, attributes temporal.SearchAttributes) workflow.Context {
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            id,
		TaskQueue:             QueueIncident,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:         summary,
		TypedSearchAttributes: attributes,
	})
}

// startChild starts a child once: a child that exists already, running or ended, is what was wanted.
func startChild(ctx workflow.Context, name string, input any) error {
	f := workflow.ExecuteChildWorkflow(ctx, name, input)
	err := f.GetChildWorkflowExecution().Get(ctx, nil)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return nil
	}
	return err
}

// signal tells another workflow something. A workflow that has ended needs to hear nothing.
func signal(ctx workflow.Context, id, name string, payload any) {
	if err := workflow.SignalExternalWorkflow(ctx, id, "", name, payload).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Info("signal not delivered", "to", id, "signal", name)
	}
}

// mendPause is how long to wait before trying again what a person may have mended.
const mendPause = 5 * time.Minute

// persist tries until it succeeds. A failure that no retry of the activity can help becomes a person's task, and it is tried
// again after a pause or as soon as there is news: a duty never ends because a text could not be made.
func persist(ctx workflow.Context, id breach.IncidentID, what string, news func() bool, try func() error) error {
	for {
		err := try()
		failure, ok := errors.AsType[*temporal.ApplicationError](err)
		if !ok {
			return err
		}
		ask := activities.AskMendInput{Incident: id, What: what, Why: failure.Message()}
		if err := workflow.ExecuteActivity(database(ctx, "ask a person to mend "+what), incidents.AskMend, ask).Get(ctx, nil); err != nil {
			return err
		}
		_, err = workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
			Timeout: mendPause, TimerOptions: workflow.TimerOptions{Summary: "before trying again: " + what},
		}, news)
		if err != nil {
			return err
		}
	}
}

// on hands every signal of a name to a handler, for as long as the workflow runs. It is for workflows that never continue as
// new: what a coroutine has been handed and not handled yet is not in the channel any more.
func on[T any](ctx workflow.Context, name string, handle func(T)) {
	ch := workflow.GetSignalChannel(ctx, name)
	workflow.Go(ctx, func(ctx workflow.Context) {
		for {
			var v T
			if !ch.Receive(ctx, &v) {
				return
			}
			handle(v)
		}
	})
}

// drain takes what has arrived.
func drain[T any](ctx workflow.Context, name string, handle func(T)) {
	ch := workflow.GetSignalChannel(ctx, name)
	for {
		var v T
		if !ch.ReceiveAsync(&v) {
			return
		}
		handle(v)
	}
}

// decisions are what people decided, by document. A decision may be heard before the draft it is about: the row was
// there for a person to read before the activity's answer was.
type decisions []DecisionMade

func (d *decisions) heard(s DecisionMade) { *d = append(*d, s) }

func (d decisions) of(id breach.DocumentID) breach.Verdict {
	for _, x := range d {
		if x.Document == id && id != "" {
			return x.Verdict
		}
	}
	return ""
}

// Methods are named through nil pointers; the worker holds the real ones.
var (
	incidents *activities.Incidents
	assessor  *activities.Assessor
	plans     *activities.Plans
	filings   *activities.Filings
	notices   *activities.Notices
	sender    *activities.Sender
	crier     *activities.Crier
)
