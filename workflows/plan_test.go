package workflows_test

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/internal/playbook"
	"tocsin/workflows"
)

var planInput = workflows.PlanInput{Incident: incidentID, Playbook: "a-plan"}

// action is a step of a small plan with one command.
func action(id string, kind playbook.CommandType, next string) playbook.Step {
	return playbook.Step{ID: id, Type: playbook.StepAction, Name: breach.Text{EN: id}, OnCompletion: next, Commands: []playbook.Command{{Type: kind}}}
}

func ends(id string) playbook.Step { return playbook.Step{ID: id, Type: playbook.StepEnd} }

// steps makes a small plan that starts at its first step.
func steps(list ...playbook.Step) *playbook.Plan {
	start := playbook.Step{ID: "start", Type: playbook.StepStart, OnCompletion: list[0].ID}
	return &playbook.Plan{ID: "playbook--1", Name: breach.Text{EN: "A plan"}, Start: "start", Steps: append([]playbook.Step{start}, list...)}
}

// answer ends a task some time after it was asked for.
func (e *trial) answer(in activities.AskInput, later time.Duration, done bool) {
	e.RegisterDelayedCallback(func() {
		e.did("answered %s %s %t", in.Kind, in.Ref, done)
		e.SignalWorkflow(workflows.SignalTask, workflows.TaskEnded{Kind: in.Kind, Ref: in.Ref, Done: done})
	}, later)
}

func TestPlan(t *testing.T) {
	const m = time.Minute
	done := func(activities.RunStepInput) (playbook.Outcome, error) { return playbook.Done, nil }
	never := func(activities.RunStepInput) (playbook.Outcome, error) {
		return playbook.NotExecuted, nil
	}
	timed := func(s playbook.Step, seconds int64) playbook.Step { s.TimeoutSeconds = seconds; return s }
	tests := []struct {
		name   string
		plan   *playbook.Plan
		ran    func(activities.RunStepInput) (playbook.Outcome, error)
		answer map[string]time.Duration // by task's ref; a negative one answers "not done"
		want   []string
	}{
		{
			"people do one step after the other",
			steps(action("a", playbook.Manual, "b"), action("b", playbook.Manual, "end"), ends("end")), done,
			map[string]time.Duration{"a#0": 10 * m, "b#0": 20 * m},
			[]string{"0:00 ask manual_step a#0", "0:10 answered manual_step a#0 true", "0:10 ask manual_step b#0", "0:30 answered manual_step b#0 true"},
		},
		{
			"a machine does it",
			steps(action("a", playbook.HTTPAPI, "end"), ends("end")), done, nil,
			[]string{"0:00 run a"},
		},
		{
			"what no machine could do is a person's task, and the plan goes on beside it",
			steps(action("a", playbook.HTTPAPI, "b"), action("b", playbook.Manual, "end"), ends("end")), never,
			map[string]time.Duration{"a": 60 * m, "b#0": 10 * m},
			[]string{
				"0:00 run a", "0:00 ask manual_step b#0", "0:00 ask not_executed a not_executed", "0:10 answered manual_step b#0 true",
				"1:00 answered not_executed a true",
			},
		},
		{
			"an error that no retry helps is a failure",
			steps(action("a", playbook.HTTPAPI, "end"), ends("end")),
			func(activities.RunStepInput) (playbook.Outcome, error) {
				return "", temporal.NewNonRetryableApplicationError("the plan has no such step any more", activities.ErrTypeNotFound, nil)
			},
			map[string]time.Duration{"a": 5 * m},
			[]string{"0:00 run a", "0:00 ask not_executed a failed", "0:05 answered not_executed a true"},
		},
		{
			"nobody answers in time",
			steps(timed(action("a", playbook.Manual, "end"), 1800), ends("end")), done,
			map[string]time.Duration{"a": 60 * m},
			[]string{"0:00 ask manual_step a#0", "0:30 ask not_executed a timed_out", "1:30 answered not_executed a true"},
		},
		{
			"a person says that it was not done",
			steps(action("a", playbook.Manual, "end"), ends("end")), done,
			map[string]time.Duration{"a#0": -10 * m, "a": 20 * m},
			[]string{
				"0:00 ask manual_step a#0", "0:10 answered manual_step a#0 false", "0:10 ask not_executed a not_executed", "0:30 answered not_executed a true",
			},
		},
		{
			"a failure takes its own way",
			steps(func() playbook.Step {
				s := action("cut off", playbook.HTTPAPI, "end")
				s.OnFailure = "by hand"
				return s
			}(), action("by hand", playbook.Manual, "end"), ends("end")), never,
			map[string]time.Duration{"cut off": m, "by hand#0": 2 * m},
			[]string{
				"0:00 run cut off", "0:00 ask manual_step by hand#0", "0:00 ask not_executed cut off not_executed", "0:01 answered not_executed cut off true",
				"0:02 answered manual_step by hand#0 true",
			},
		},
		{
			"a delay is waited for",
			steps(func() playbook.Step {
				s := action("a", playbook.HTTPAPI, "end")
				s.DelaySeconds = 600
				return s
			}(), ends("end")), done, nil,
			[]string{"0:10 run a"},
		},
		{
			"branches go side by side, and what follows waits for all",
			steps(
				playbook.Step{ID: "both", Type: playbook.StepParallel, Next: []string{"a", "b"}, OnCompletion: "c"},
				action("a", playbook.Manual, "end a"), ends("end a"), action("b", playbook.Manual, "end b"), ends("end b"),
				action("c", playbook.HTTPAPI, "end"), ends("end"),
			), done,
			map[string]time.Duration{"a#0": 30 * m, "b#0": 10 * m},
			[]string{"0:00 ask manual_step a#0", "0:00 ask manual_step b#0", "0:10 answered manual_step b#0 true", "0:30 answered manual_step a#0 true", "0:30 run c"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newTrial(t)
			e.plan, e.ran = tt.plan, tt.ran
			e.asked = func(in activities.AskInput) {
				if later := tt.answer[in.Ref]; later != 0 {
					e.answer(in, max(later, -later), later > 0)
				}
			}
			e.run(workflows.TypePlan, planInput)
			// Branches ask at the same time, in no order; the minutes say what came after what.
			e.expect(slices.Sorted(slices.Values(e.about("ask", "answered", "run"))), slices.Sorted(slices.Values(tt.want))...)
			if told := e.told(); !told[len(told)-1].Done {
				t.Errorf("the incident was not told that the plan is done: %+v", told)
			}
		})
	}
}

// The fallback behind a machine's step must not wait for a worker that fails, or is gone, for longer than the step allows.
func TestPlanStepEndsInItsTimeWhateverBecomesOfTheWorker(t *testing.T) {
	for outcome, err := range map[string]error{
		"failed":    errors.New("the worker stopped"),
		"timed_out": temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, nil),
	} {
		t.Run(outcome, func(t *testing.T) {
			e := newTrial(t)
			step := action("cut off", playbook.HTTPAPI, "end")
			step.TimeoutSeconds, step.OnFailure = 120, "by hand"
			e.plan = steps(step, action("by hand", playbook.Manual, "end"), ends("end"))
			e.ran = func(activities.RunStepInput) (playbook.Outcome, error) { return "", err }
			e.asked = func(in activities.AskInput) { e.answer(in, time.Hour, true) }
			e.run(workflows.TypePlan, planInput)
			for _, want := range []string{"ask manual_step by hand#0", "ask not_executed cut off " + outcome} {
				if len(e.about(want)) != 1 {
					t.Errorf("%q was not asked once; acts: %q", want, e.about("ask"))
				}
			}
		})
	}
}

// The plan that we ship runs to its end: every manual step is a task, and its two requests are made by nobody where the
// operator has given no address.
func TestShippedPlan(t *testing.T) {
	file, err := os.ReadFile("../templates/playbooks/personal-data-leak.json")
	if err != nil {
		t.Fatal(err)
	}
	p, err := playbook.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	e := newTrial(t)
	e.plan = p
	e.ran = func(activities.RunStepInput) (playbook.Outcome, error) { return playbook.NotExecuted, nil }
	asked := map[string]int{}
	e.asked = func(in activities.AskInput) {
		e.mu.Lock()
		asked[in.Step+" "+string(in.Kind)]++
		e.mu.Unlock()
		e.answer(in, 5*time.Minute, true)
	}
	var details string
	e.RegisterDelayedCallback(func() { details = e.details() }, time.Minute)
	e.run(workflows.TypePlan, planInput)
	for _, s := range p.Steps {
		if s.Type != playbook.StepAction {
			continue
		}
		kind := breach.TaskManualStep
		if s.Commands[0].Type == playbook.HTTPAPI {
			kind = breach.TaskNotExecuted
		}
		if n := asked[s.ID+" "+string(kind)]; n != 1 {
			t.Errorf("%s: asked %d times for a %s, want once", s.Name.EN, n, kind)
		}
	}
	for what, text := range map[string]string{"under way": details, "at the end": e.details()} {
		if len(text) == 0 || len(text) > 4000 {
			t.Errorf("the plan's page %s has %d bytes", what, len(text))
		}
	}
}
