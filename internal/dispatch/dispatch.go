// Package dispatch carries committed facts to the engine: each row of the outbox becomes a start or a signal. It is the only
// place that starts and signals workflows from outside, so that "accepted" always means "committed first".
package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/workflows"
)

// Dispatcher carries events over. Several may run at once.
type Dispatcher struct {
	Store    *store.Store
	Engine   client.Client
	Settings workflows.Settings // of incidents that it starts
	Log      *slog.Logger
}

const (
	batch    = 20               // events carried in one transaction
	lookTime = 15 * time.Second // how often to look without being told
)

// Run carries events until ctx ends.
func (d *Dispatcher) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		n, err := d.Store.CarryOver(ctx, batch, d.carry)
		if err != nil && ctx.Err() == nil {
			d.Log.Error("carry over the outbox", "error", err)
		}
		if n > 0 {
			continue
		}
		d.listen(ctx)
	}
	return nil
}

// listen waits for news, but not long: an event that failed before has its time too.
func (d *Dispatcher) listen(ctx context.Context) {
	waiting, _, err := d.Store.Waiting(ctx)
	wait := lookTime
	if err != nil || waiting > 0 {
		wait = time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if err := d.Store.Listen(ctx); err != nil && ctx.Err() == nil {
		<-ctx.Done() // the database is away: look again when the time is over
	}
}

func (d *Dispatcher) carry(ctx context.Context, e store.Posted) error {
	err := d.deliver(ctx, e)
	if err == nil {
		return nil
	}
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone || temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		d.Log.Info("an event found its workflow ended", "incident_id", e.IncidentID, "event", e.Event, "ref", e.Ref)
		return nil
	}
	d.Log.Warn("an event waits for the engine", "incident_id", e.IncidentID, "event", e.Event, "tries", e.Tries+1)
	return err
}

func (d *Dispatcher) deliver(ctx context.Context, e store.Posted) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	switch e.Event {
	case store.IncidentOpened:
		_, err := d.Engine.ExecuteWorkflow(ctx, d.options(e.IncidentID), workflows.TypeIncident, d.state(e.IncidentID))
		return err
	case store.AlertCounted:
		return relay[store.AlertCount](ctx, d, e, workflows.SignalAlert, func(p store.AlertCount) any { return workflows.AlertCounted{Count: p.Count} })
	case store.FactsAmended:
		return relay[store.FactsRev](ctx, d, e, workflows.SignalFacts, func(p store.FactsRev) any { return workflows.FactsAmended{Rev: p.Rev} })
	case store.PeopleImported:
		return relay[store.PeopleCount](ctx, d, e, workflows.SignalPeople, func(p store.PeopleCount) any {
			return workflows.PeopleImported{Affected: p.Affected, Import: p.Import}
		})
	case store.Decided:
		p, err := read[store.DecisionMade](e)
		if err != nil {
			return err
		}
		return d.signal(ctx, e.IncidentID, workflows.OwnerOf(e.IncidentID, p.Kind, p.Subject), workflows.SignalDecision,
			workflows.DecisionMade{Document: p.Document, Kind: p.Kind, Version: p.Version, Verdict: p.Verdict})
	case store.TaskEnded:
		p, err := read[store.TaskDone](e)
		if err != nil {
			return err
		}
		owner := workflows.PlanWorkflowID(e.IncidentID)
		switch {
		case p.Kind == breach.TaskMeasure:
			owner = workflows.ObligationWorkflowID(e.IncidentID, p.Ref)
		case p.Kind.IsFollowUp():
			owner = workflows.FollowUpWorkflowID(e.IncidentID, p.Ref)
		}
		return d.signal(ctx, e.IncidentID, owner, workflows.SignalTask, workflows.TaskEnded{Kind: p.Kind, Ref: p.Ref, Done: p.Done})
	case store.Bounced:
		p, err := read[store.CampaignRef](e)
		if err != nil {
			return err
		}
		return d.reopen(ctx, e.IncidentID, p.Campaign)
	case store.FilingSettled:
		p, err := read[store.FilingDone](e)
		if err != nil {
			return err
		}
		return d.signal(ctx, e.IncidentID, workflows.ObligationWorkflowID(e.IncidentID, p.Obligation), workflows.SignalSettled,
			workflows.FilingSettled{Filed: p.Filed, Acknowledged: p.Acknowledged, Document: p.Document})
	case store.AnswersSet:
		return toObligation[store.AnswersRev](ctx, d, e, workflows.SignalAnswers, func(p store.AnswersRev) any { return workflows.AnswersSet{Rev: p.Rev} })
	case store.HoldReleased:
		return toObligation[store.HoldEnd](ctx, d, e, workflows.SignalRelease, func(p store.HoldEnd) any { return workflows.HoldReleased{Document: p.Document} })
	case store.Withdrawn:
		return toObligation[store.WithdrawalAsked](ctx, d, e, workflows.SignalWithdraw, func(store.WithdrawalAsked) any { return workflows.WithdrawalAsked{} })
	case store.SupplementAsked:
		return relay[store.SupplementRef](ctx, d, e, workflows.SignalSupplement, func(p store.SupplementRef) any {
			return workflows.SupplementAsked{No: p.No, Supplements: p.Supplements}
		})
	case store.FollowUpAdded:
		return d.followUp(ctx, e)
	}
	return fmt.Errorf("an event of unknown kind %q", e.Event)
}

func read[T any](e store.Posted) (T, error) {
	var p T
	if err := json.Unmarshal(e.Payload, &p); err != nil {
		return p, fmt.Errorf("event %d cannot be read", e.ID)
	}
	return p, nil
}

// toObligation tells the workflow of the duty that the event is about.
func toObligation[T any](ctx context.Context, d *Dispatcher, e store.Posted, signal string, payload func(T) any) error {
	p, err := read[T](e)
	if err != nil {
		return err
	}
	return d.signal(ctx, e.IncidentID, workflows.ObligationWorkflowID(e.IncidentID, e.Ref), signal, payload(p))
}

// followUp starts to watch what an authority asks for.
func (d *Dispatcher) followUp(ctx context.Context, e store.Posted) error {
	p, err := read[store.FollowUpTask](e)
	if err != nil {
		return err
	}
	_, err = d.Engine.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: workflows.FollowUpWorkflowID(e.IncidentID, p.Task), TaskQueue: workflows.QueueIncident,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            fmt.Sprintf("What an authority asks for (%s), due %s UTC", p.Kind, p.Due.UTC().Format("2006-01-02 15:04")),
		TypedSearchAttributes:    temporal.NewSearchAttributes(workflows.KeyIncident.ValueSet(string(e.IncidentID)), workflows.KeyKind.ValueSet("follow-up")),
	}, workflows.TypeFollowUp, workflows.FollowUpState{
		Incident: e.IncidentID, Task: p.Task, Kind: p.Kind, AskedAt: p.At, Due: p.Due, Reminders: d.Settings.Reminders, EscalateBefore: d.Settings.EscalateBefore,
	})
	return err
}

// relay tells the incident itself.
func relay[T any](ctx context.Context, d *Dispatcher, e store.Posted, signal string, payload func(T) any) error {
	p, err := read[T](e)
	if err != nil {
		return err
	}
	return d.signal(ctx, e.IncidentID, workflows.IncidentWorkflowID(e.IncidentID), signal, payload(p))
}

// signal tells a workflow. The incident's own is started where it is missing, so that no event depends on the order of
// events; a signal is kept by the engine even with no worker up.
func (d *Dispatcher) signal(ctx context.Context, id breach.IncidentID, workflow, signal string, payload any) error {
	if workflow != workflows.IncidentWorkflowID(id) {
		return d.Engine.SignalWorkflow(ctx, workflow, "", signal, payload)
	}
	_, err := d.Engine.SignalWithStartWorkflow(ctx, workflow, signal, payload, d.options(id), workflows.TypeIncident, d.state(id))
	return err
}

func (d *Dispatcher) options(id breach.IncidentID) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       workflows.IncidentWorkflowID(id),
		TaskQueue:                workflows.QueueIncident,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            "Incident " + string(id),
		TypedSearchAttributes: temporal.NewSearchAttributes(
			workflows.KeyIncident.ValueSet(string(id)), workflows.KeyKind.ValueSet("incident"), workflows.KeyPhase.ValueSet(string(breach.PhaseOpened))),
	}
}

func (d *Dispatcher) state(id breach.IncidentID) workflows.IncidentState {
	return workflows.IncidentState{ID: id, Settings: d.Settings}
}
