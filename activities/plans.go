package activities

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"tocsin/internal/breach"
	"tocsin/internal/playbook"
	"tocsin/internal/store"
	"tocsin/templates"
)

// Plans runs the steps of an emergency plan.
type Plans struct {
	Store     *store.Store
	Templates *templates.Set
	Values    playbook.Values // the operator's values for the plan's variables; may be secret
	Allowed   []string        // prefixes of addresses that a plan may call; without one, nothing is called
	Client    *http.Client
}

// LoadPlanInput is the input of LoadPlan.
type LoadPlanInput struct {
	Playbook string `json:"playbook"`
}

// LoadPlan reads a plan. What it returns becomes history: a plan that is changed later does not change this incident's.
func (a *Plans) LoadPlan(_ context.Context, in LoadPlanInput) (*playbook.Plan, error) {
	b, err := a.Templates.Playbook(in.Playbook)
	if err != nil {
		return nil, temporal.NewNonRetryableApplicationError("no emergency plan named "+in.Playbook, ErrTypeNotFound, nil)
	}
	p, err := playbook.Parse(b)
	if err != nil {
		return nil, temporal.NewNonRetryableApplicationError("the emergency plan is faulty: "+err.Error(), ErrTypeTexts, nil)
	}
	return p, nil
}

// values are the operator's, and the incident's number.
func (a *Plans) values(id breach.IncidentID) playbook.Values {
	v := maps.Clone(a.Values)
	if v == nil {
		v = playbook.Values{}
	}
	v["__incident_id__"] = string(id)
	return v
}

func (a *Plans) command(ctx context.Context, name, step string, i int) (*playbook.Plan, playbook.Step, playbook.Command, error) {
	p, err := a.LoadPlan(ctx, LoadPlanInput{Playbook: name})
	if err != nil {
		return nil, playbook.Step{}, playbook.Command{}, err
	}
	s, ok := p.Step(step)
	if !ok || i >= len(s.Commands) {
		return nil, s, playbook.Command{}, temporal.NewNonRetryableApplicationError("the plan has no such step any more: "+step, ErrTypeNotFound, nil)
	}
	return p, s, s.Commands[i], nil
}

// AskInput is the input of AskPerson.
type AskInput struct {
	Incident breach.IncidentID `json:"incident"`
	Playbook string            `json:"playbook"`
	Step     string            `json:"step"`
	Command  int               `json:"command"`
	Kind     breach.TaskKind   `json:"kind"`
	Ref      string            `json:"ref"`
	Outcome  string            `json:"outcome,omitempty"` // why a person is needed
	DueAt    *time.Time        `json:"due_at,omitempty"`
}

// AskPerson makes a task of a manual step, or of one that the machine could not do.
func (a *Plans) AskPerson(ctx context.Context, in AskInput) error {
	p, s, c, err := a.command(ctx, in.Playbook, in.Step, in.Command)
	if err != nil {
		return err
	}
	t := store.Task{IncidentID: in.Incident, Kind: in.Kind, Ref: in.Ref, Title: s.Name, Detail: p.ManualText(c, a.values(in.Incident)), OwnerRole: s.Owner, DueAt: in.DueAt}
	if t.OwnerRole == "" {
		t.OwnerRole = breach.RoleResponder
	}
	if in.Kind == breach.TaskNotExecuted {
		t.Detail = unexecuted(s, in.Outcome)
	}
	return final(a.Store.AddTask(ctx, t))
}

func unexecuted(s playbook.Step, outcome string) breach.Text {
	zh := map[string]string{"failed": "已尝试但未成功", "timed_out": "超过规定时间未完成", "not_executed": "系统无法执行"}[outcome]
	en := map[string]string{"failed": "was tried and did not work", "timed_out": "was not ended in its time", "not_executed": "could not be executed by the system"}[outcome]
	return breach.Text{
		ZH: "预案步骤“" + s.Name.ZH + "”" + zh + "。请人工完成，或确认无需完成，然后结束本任务。" + s.Description.ZH,
		EN: "The plan's step “" + s.Name.EN + "” " + en + ". Do it by hand, or make sure that it is not needed, then end this task. " + s.Description.EN,
	}
}

// RunStepInput is the input of RunStep.
type RunStepInput struct {
	Incident breach.IncidentID `json:"incident"`
	Playbook string            `json:"playbook"`
	Step     string            `json:"step"`
	Command  int               `json:"command"`
}

// RunStepResult says how the command ended, and why where it was not done.
type RunStepResult struct {
	Outcome playbook.Outcome `json:"outcome"`
	Why     string           `json:"why,omitempty"` // a code: "no_value", "not_allowed", "status 503", "unreachable"
}

// RunStep makes an http-api command's requests. The incident and step are carried as an idempotency key, since a request
// may be made twice.
func (a *Plans) RunStep(ctx context.Context, in RunStepInput) (RunStepResult, error) {
	defer beat(ctx, alive)()
	p, _, c, err := a.command(ctx, in.Playbook, in.Step, in.Command)
	if err != nil {
		return RunStepResult{}, err
	}
	requests, err := p.Requests(c, a.values(in.Incident))
	if _, missing := errors.AsType[*playbook.MissingValue](err); missing {
		return RunStepResult{playbook.NotExecuted, "no_value"}, nil
	}
	if err != nil || len(requests) == 0 {
		return RunStepResult{playbook.NotExecuted, "no_request"}, nil
	}
	for _, r := range requests {
		if !a.allowed(r.URL) {
			return RunStepResult{playbook.NotExecuted, "not_allowed"}, nil
		}
	}
	for _, r := range requests {
		if why, err := a.call(ctx, in, r); why != "" || err != nil {
			return RunStepResult{playbook.Failed, why}, err
		}
	}
	return RunStepResult{Outcome: playbook.Done}, nil
}

func (a *Plans) allowed(url string) bool {
	for _, prefix := range a.Allowed {
		if rest, ok := strings.CutPrefix(url, prefix); ok && (rest == "" || strings.HasSuffix(prefix, "/") || rest[0] == '/' || rest[0] == '?') {
			return true
		}
	}
	return false
}

func (a *Plans) call(ctx context.Context, in RunStepInput, r playbook.Request) (why string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return "bad_request", nil
	}
	req.Header = r.Header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("Idempotency-Key", string(in.Incident)+"/"+in.Step)
	resp, err := a.Client.Do(req)
	if err != nil {
		return "unreachable", nil
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	if resp.StatusCode/100 != 2 {
		return "status " + resp.Status[:3], nil
	}
	return "", nil
}
