package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/internal/playbook"
)

// PlanInput names the plan to run.
type PlanInput struct {
	Incident breach.IncidentID `json:"incident"`
	Playbook string            `json:"playbook"`
}

// plan is the emergency plan of one incident, walked step by step. It ends when every branch has ended and a person has
// taken care of each step that could not be done.
type plan struct {
	PlanInput
	walk   *playbook.Walk
	ended  map[string]bool // tasks that people ended, by ref; true: done
	ctx    workflow.Context
	asking int // people asked and not answered
}

// EmergencyPlan runs a CACAO playbook. A step that cannot be executed is reported as not executed and becomes a person's
// task, never a success.
func EmergencyPlan(ctx workflow.Context, in PlanInput) error {
	p := &plan{PlanInput: in, ended: map[string]bool{}, ctx: ctx}
	on(ctx, SignalTask, func(s TaskEnded) { p.ended[string(s.Kind)+" "+s.Ref] = s.Done })
	var loaded playbook.Plan
	err := workflow.ExecuteActivity(database(ctx, "load plan "+in.Playbook), plans.LoadPlan, activities.LoadPlanInput{Playbook: in.Playbook}).Get(ctx, &loaded)
	if err != nil {
		return err
	}
	p.walk = playbook.NewWalk(&loaded)
	for !p.walk.Done() {
		for _, id := range p.walk.Ready() {
			if err := p.walk.Start(id); err != nil {
				return err
			}
			workflow.Go(ctx, func(ctx workflow.Context) { p.step(ctx, id) })
		}
		p.show(ctx, "running")
		if err := workflow.Await(ctx, func() bool { return len(p.walk.Ready()) > 0 || p.walk.Done() }); err != nil {
			return err
		}
	}
	p.show(ctx, "unsettled steps")
	p.tell(ctx, "waits for people")
	if err := workflow.Await(ctx, func() bool { return len(p.walk.Unsettled()) == 0 }); err != nil {
		return err
	}
	p.show(ctx, "done")
	p.tell(ctx, "done")
	return nil
}

// step does one action and finishes it. What a failure leaves undone goes to a person, beside the walk, which goes on.
func (p *plan) step(ctx workflow.Context, id string) {
	step, ok := p.walk.Plan.Step(id)
	if !ok {
		return
	}
	if step.DelaySeconds > 0 {
		_ = workflow.NewTimerWithOptions(ctx, time.Duration(step.DelaySeconds)*time.Second, workflow.TimerOptions{Summary: "delay before " + step.Name.EN}).Get(ctx, nil)
	}
	outcome := p.commands(ctx, step)
	if err := p.walk.Finish(id, outcome); err != nil {
		workflow.GetLogger(ctx).Error("step cannot be finished", "step", id, "outcome", string(outcome))
		return
	}
	if !outcome.NeedsPerson() {
		return
	}
	p.ask(ctx, step, activities.AskInput{Kind: breach.TaskNotExecuted, Ref: id, Outcome: string(outcome)})
	key := string(breach.TaskNotExecuted) + " " + id
	if err := workflow.Await(ctx, func() bool { _, ended := p.ended[key]; return ended }); err != nil {
		return
	}
	if err := p.walk.Settle(id); err != nil {
		workflow.GetLogger(ctx).Error("step cannot be settled", "step", id)
	}
	p.asking--
}

// commands does a step's commands in order; the first that does not end well ends the step.
func (p *plan) commands(ctx workflow.Context, step playbook.Step) playbook.Outcome {
	var deadline time.Time
	if step.TimeoutSeconds > 0 {
		deadline = workflow.Now(ctx).Add(time.Duration(step.TimeoutSeconds) * time.Second)
	}
	for i, c := range step.Commands {
		outcome := playbook.NotExecuted
		switch c.Type {
		case playbook.Manual:
			outcome = p.manual(ctx, step, i, deadline)
		case playbook.HTTPAPI:
			outcome = p.http(ctx, step, i, deadline)
		}
		if outcome != playbook.Done {
			return outcome
		}
	}
	return playbook.Done
}

// manual asks a person and waits for the answer, for as long as the step allows.
func (p *plan) manual(ctx workflow.Context, step playbook.Step, command int, deadline time.Time) playbook.Outcome {
	ref := fmt.Sprintf("%s#%d", step.ID, command)
	p.ask(ctx, step, activities.AskInput{Kind: breach.TaskManualStep, Ref: ref, Command: command, DueAt: optional(deadline)})
	defer func() { p.asking-- }()
	key := string(breach.TaskManualStep) + " " + ref
	answered := func() bool { _, ended := p.ended[key]; return ended }
	if deadline.IsZero() {
		if err := workflow.Await(ctx, answered); err != nil {
			return playbook.NotExecuted
		}
	} else {
		ok, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
			Timeout:      max(deadline.Sub(workflow.Now(ctx)), time.Second),
			TimerOptions: workflow.TimerOptions{Summary: "time for " + step.Name.EN},
		}, answered)
		if err != nil || !ok {
			return playbook.TimedOut
		}
	}
	if p.ended[key] {
		return playbook.Done
	}
	return playbook.NotExecuted
}

func (p *plan) ask(ctx workflow.Context, step playbook.Step, in activities.AskInput) {
	in.Incident, in.Playbook, in.Step = p.Incident, p.Playbook, step.ID
	p.asking++
	if err := workflow.ExecuteActivity(database(ctx, "ask a person: "+step.Name.EN), plans.AskPerson, in).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Error("cannot ask a person", "step", step.ID)
	}
	p.tell(ctx, "running")
}

// http has the machine do it, in the time that the step allows: what stands behind a failure must not wait for a worker
// that is gone.
func (p *plan) http(ctx workflow.Context, step playbook.Step, command int, deadline time.Time) playbook.Outcome {
	ctx = outward(ctx, step.Name.EN)
	if !deadline.IsZero() {
		ctx = workflow.WithScheduleToCloseTimeout(ctx, max(deadline.Sub(workflow.Now(ctx)), time.Second))
	}
	var r activities.RunStepResult
	err := workflow.ExecuteActivity(ctx, plans.RunStep,
		activities.RunStepInput{Incident: p.Incident, Playbook: p.Playbook, Step: step.ID, Command: command}).Get(ctx, &r)
	if _, late := errors.AsType[*temporal.TimeoutError](err); late {
		return playbook.TimedOut
	}
	if err != nil {
		return playbook.Failed
	}
	return r.Outcome
}

// tell reports to the incident.
func (p *plan) tell(ctx workflow.Context, status string) {
	s := ChildStatus{Kind: "plan", Status: status, Done: status == "done"}
	if p.asking > 0 || len(p.walk.Unsettled()) > 0 {
		s.Awaits = breach.RoleResponder
	}
	signal(ctx, IncidentWorkflowID(p.Incident), SignalChild, s)
}

// show writes the plan as a table.
func (p *plan) show(ctx workflow.Context, status string) {
	text := fmt.Sprintf("### %s: %s\n\n| step | state |\n|---|---|\n", p.walk.Plan.Name.EN, status)
	for _, r := range p.walk.Report() {
		step, _ := p.walk.Plan.Step(r.ID)
		if step.Type != playbook.StepAction {
			continue
		}
		state := string(r.State)
		if r.Outcome != "" {
			state = string(r.Outcome)
		}
		if r.Settled {
			state += ", taken care of by a person"
		}
		text += fmt.Sprintf("| %s | %s |\n", step.Name.EN, state)
	}
	workflow.SetCurrentDetails(ctx, text)
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
