package playbook

import "fmt"

// Outcome is how a step ended.
type Outcome string

// The outcomes. Only a person or a machine that did the step may say Done.
const (
	Done        Outcome = "done"
	Failed      Outcome = "failed"       // tried, and it did not work
	TimedOut    Outcome = "timed_out"    // not ended within its timeout
	NotExecuted Outcome = "not_executed" // nobody and nothing could try it
	NotNeeded   Outcome = "not_needed"   // the walk took another way; given by the walk alone
)

// NeedsPerson reports whether a person must be given a task because of the outcome. See [Walk.Finish].
func (o Outcome) NeedsPerson() bool { return o == Failed || o == TimedOut || o == NotExecuted }

// Walk is where a plan's execution stands. Its JSON survives a workflow's continue-as-new. It is not safe for concurrent
// use.
type Walk struct {
	Plan     *Plan      `json:"plan"`
	Position []Position `json:"position"` // one for each step, in the plan's order
}

// Position is where one step stands.
type Position struct {
	State   State   `json:"state"`
	Outcome Outcome `json:"outcome,omitempty"` // once ended
	Branch  int     `json:"branch"`            // index of the parallel step that waits for this step's branch; -1 for none
	Open    int     `json:"open,omitempty"`    // of a parallel step: branches not yet ended
	Settled bool    `json:"settled,omitempty"` // a person took care of what the outcome left undone
}

// State says how far a step has come.
type State string

// The states of a step, in order.
const (
	Waiting State = "waiting" // its turn has not come
	Ready   State = "ready"
	Running State = "running"
	Ended   State = "ended"
)

// StepReport is what became of one step.
type StepReport struct {
	ID      string  `json:"id"`
	State   State   `json:"state"`
	Outcome Outcome `json:"outcome,omitempty"`
	Settled bool    `json:"settled,omitempty"`
}

// NewWalk begins a walk at the plan's start.
func NewWalk(p *Plan) *Walk {
	w := &Walk{Plan: p, Position: make([]Position, len(p.Steps))}
	for i := range w.Position {
		w.Position[i] = Position{State: Waiting, Branch: -1}
	}
	w.enter(p.Start, -1)
	w.close()
	return w
}

// Ready returns the ids of the action steps to begin now, in the plan's order. A step's delay is for the caller to wait.
func (w *Walk) Ready() []string { return w.in(Ready) }

// Running returns the ids of the action steps that have begun and not ended, in the plan's order.
func (w *Walk) Running() []string { return w.in(Running) }

func (w *Walk) in(state State) []string {
	var ids []string
	for i, s := range w.Plan.Steps {
		if s.Type == StepAction && w.Position[i].State == state {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// Start notes that a ready step has begun.
func (w *Walk) Start(id string) error {
	i, err := w.find(id)
	if err != nil {
		return err
	}
	if w.Position[i].State != Ready {
		return fmt.Errorf("start step %s: it is %s, not ready", id, w.Position[i].State)
	}
	w.Position[i].State = Running
	return nil
}

// Finish notes how a running step ended and goes on.
//
// After Done the walk takes on_success, else on_completion. After Failed, TimedOut and NotExecuted it takes on_failure
// where the plan has one, else on_completion, else on_success: what stands behind a step that failed (calling people,
// keeping the logs) is no less urgent because of the failure. The walk may go on only because a person is given a task for
// such a step, which is the caller's part ([Outcome.NeedsPerson]); the step itself stays as it ended and is never reported
// as done.
func (w *Walk) Finish(id string, o Outcome) error {
	i, err := w.find(id)
	if err != nil {
		return err
	}
	if w.Position[i].State != Running {
		return fmt.Errorf("finish step %s: it is %s, not running", id, w.Position[i].State)
	}
	switch o {
	case Done, Failed, TimedOut, NotExecuted:
	case NotNeeded:
		return fmt.Errorf("finish step %s: only the walk itself finds a step not needed", id)
	default:
		return fmt.Errorf("finish step %s: %q is not an outcome", id, o)
	}
	w.end(i, o)
	w.close()
	return nil
}

// Settle notes that a person took care of what a failed, timed out or not executed step left undone. The outcome stays.
func (w *Walk) Settle(id string) error {
	i, err := w.find(id)
	if err != nil {
		return err
	}
	if !w.Position[i].Outcome.NeedsPerson() {
		return fmt.Errorf("settle step %s: nothing was left undone", id)
	}
	w.Position[i].Settled = true
	return nil
}

// Done reports whether every branch has ended.
func (w *Walk) Done() bool {
	for _, p := range w.Position {
		if p.State != Ended {
			return false
		}
	}
	return true
}

// Report says what became of each step, one line for each, in the plan's order.
func (w *Walk) Report() []StepReport {
	out := make([]StepReport, len(w.Plan.Steps))
	for i, s := range w.Plan.Steps {
		p := w.Position[i]
		out[i] = StepReport{ID: s.ID, State: p.State, Outcome: p.Outcome, Settled: p.Settled}
	}
	return out
}

// Unsettled returns the ids of the steps that still need a person, in the plan's order.
func (w *Walk) Unsettled() []string {
	var ids []string
	for i, s := range w.Plan.Steps {
		if p := w.Position[i]; p.Outcome.NeedsPerson() && !p.Settled && s.Type == StepAction {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

func (w *Walk) find(id string) (int, error) {
	for i, s := range w.Plan.Steps {
		if s.ID == id {
			return i, nil
		}
	}
	return 0, fmt.Errorf("the plan has no step %s", id)
}

// enter brings the walk to a step. Start, end and parallel steps are passed at once.
func (w *Walk) enter(id string, branch int) {
	i, err := w.find(id)
	if err != nil { // Parse has checked every pointer; a plan from elsewhere ends its branch here
		w.leave(branch)
		return
	}
	p := &w.Position[i]
	if p.State != Waiting { // only an end step can be met again; it ends this way too
		if w.Plan.Steps[i].Type == StepEnd {
			w.leave(branch)
		}
		return
	}
	p.Branch = branch
	switch s := w.Plan.Steps[i]; s.Type {
	case StepAction:
		p.State = Ready
	case StepParallel:
		p.State, p.Open = Running, len(s.Next)
		for _, next := range s.Next {
			w.enter(next, i)
		}
	case StepStart:
		w.end(i, Done)
	case StepEnd:
		p.State, p.Outcome = Ended, Done
		w.leave(branch)
	}
}

// end closes a step and enters the one that follows.
func (w *Walk) end(i int, o Outcome) {
	p, s := &w.Position[i], w.Plan.Steps[i]
	p.State, p.Outcome = Ended, o
	next := firstOf(s.OnSuccess, s.OnCompletion)
	if o != Done {
		next = firstOf(s.OnFailure, s.OnCompletion, s.OnSuccess)
	}
	w.enter(next, p.Branch)
}

// leave ends a branch. The parallel step that waits for it goes on when it was the last.
func (w *Walk) leave(branch int) {
	if branch < 0 {
		return
	}
	p := &w.Position[branch]
	if p.Open--; p.Open > 0 {
		return
	}
	w.end(branch, w.branchOutcome(branch))
}

// branchOutcome is Failed where a step inside a parallel step, at any depth, did not end well and had no on_failure to
// answer it.
func (w *Walk) branchOutcome(parallel int) Outcome {
	for i, s := range w.Plan.Steps {
		p := w.Position[i]
		if p.Branch == parallel && p.State == Ended && p.Outcome != Done && p.Outcome != NotNeeded && s.OnFailure == "" {
			return Failed
		}
	}
	return Done
}

// close marks what was never reached once nothing is left to do.
func (w *Walk) close() {
	for _, p := range w.Position {
		if p.State == Ready || p.State == Running {
			return
		}
	}
	for i := range w.Position {
		if p := &w.Position[i]; p.State == Waiting {
			p.State, p.Outcome = Ended, NotNeeded
		}
	}
}

func firstOf(ids ...string) string {
	for _, id := range ids {
		if id != "" {
			return id
		}
	}
	return ""
}
