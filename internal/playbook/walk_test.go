package playbook_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"tocsin/internal/playbook"
)

// walkToEnd drives a walk and checks what must hold for each: it ends, no step begins twice, each step has one report.
func walkToEnd(t *testing.T, p *playbook.Plan, outcome func(id string) playbook.Outcome) *playbook.Walk {
	t.Helper()
	w := playbook.NewWalk(p)
	begun := map[string]bool{}
	for rounds := 0; !w.Done(); rounds++ {
		if rounds > len(p.Steps) {
			t.Fatalf("the walk does not end; running %v", w.Running())
		}
		ready := w.Ready()
		if len(ready) == 0 {
			t.Fatal("nothing is ready, nothing is running, and the walk is not done")
		}
		for _, id := range ready {
			if begun[id] {
				t.Fatalf("%s begins twice", id)
			}
			begun[id] = true
			must(t, w.Start(id))
		}
		for _, id := range w.Running() {
			must(t, w.Finish(id, outcome(id)))
		}
	}
	checkReport(t, p, w, begun)
	return w
}

func checkReport(t *testing.T, p *playbook.Plan, w *playbook.Walk, begun map[string]bool) {
	t.Helper()
	report := w.Report()
	if len(report) != len(p.Steps) {
		t.Fatalf("%d reports for %d steps", len(report), len(p.Steps))
	}
	for i, r := range report {
		if r.ID != p.Steps[i].ID || r.State != playbook.Ended || r.Outcome == "" {
			t.Errorf("report %d: %+v", i, r)
		}
		if p.Steps[i].Type == playbook.StepAction && begun[r.ID] == (r.Outcome == playbook.NotNeeded) {
			t.Errorf("%s: begun %v, reported %s", r.ID, begun[r.ID], r.Outcome)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever happens, the shipped plan comes to its lessons.
func TestShippedPlanAlwaysReachesTheEnd(t *testing.T) {
	p := shippedPlan(t)
	for _, o := range []playbook.Outcome{playbook.Done, playbook.Failed, playbook.TimedOut, playbook.NotExecuted} {
		w := walkToEnd(t, p, func(string) playbook.Outcome { return o })
		for i, r := range w.Report() {
			s := p.Steps[i]
			if s.Name.EN == "Learn, and write it down" && r.Outcome != o {
				t.Errorf("%s: the last step ended %s", o, r.Outcome)
			}
			if s.Name.EN == "Cut the service off by hand" && (r.Outcome == playbook.NotNeeded) != (o == playbook.Done) {
				t.Errorf("%s: the step by hand ended %s", o, r.Outcome)
			}
		}
	}
}

// The first steps are all urgent, so they begin together.
func TestShippedPlanBeginsAtOnce(t *testing.T) {
	p := shippedPlan(t)
	var names []string
	for _, id := range playbook.NewWalk(p).Ready() {
		s, _ := p.Step(id)
		names = append(names, s.Name.EN)
	}
	want := []string{"Cut the leaking service off", "Stop deletion and keep the logs", "Call the response lead, legal and press", "Count the people, and the minors among them"}
	if !slices.Equal(names, want) {
		t.Errorf("ready: %q", names)
	}
}

func TestFollow(t *testing.T) {
	cases := []struct {
		name                     string
		completion, ok, bad      bool // which pointers the step has
		outcome                  playbook.Outcome
		wantFailureBranch, tasks bool
	}{
		{"done takes on_success", false, true, true, playbook.Done, false, false},
		{"failed takes on_failure", false, true, true, playbook.Failed, true, true},
		{"timed out takes on_failure", false, true, true, playbook.TimedOut, true, true},
		{"not executed takes on_failure", false, true, true, playbook.NotExecuted, true, true},
		{"not executed goes on where there is no on_failure", false, true, false, playbook.NotExecuted, false, true},
		{"failed takes on_completion", true, false, false, playbook.Failed, false, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			step := playbook.Step{ID: "a", Type: playbook.StepAction}
			if c.completion {
				step.OnCompletion = "good"
			}
			if c.ok {
				step.OnSuccess = "good"
			}
			if c.bad {
				step.OnFailure = "bad"
			}
			action := func(id string) playbook.Step {
				return playbook.Step{ID: id, Type: playbook.StepAction, OnCompletion: "e"}
			}
			w := playbook.NewWalk(&playbook.Plan{Start: "s", Steps: []playbook.Step{
				{ID: "s", Type: playbook.StepStart, OnCompletion: "a"}, step, action("good"), action("bad"), {ID: "e", Type: playbook.StepEnd},
			}})
			must(t, w.Start("a"))
			must(t, w.Finish("a", c.outcome))
			if got := slices.Equal(w.Ready(), []string{"bad"}); got != c.wantFailureBranch {
				t.Errorf("ready: %v", w.Ready())
			}
			if got := slices.Equal(w.Unsettled(), []string{"a"}); got != c.tasks {
				t.Errorf("unsettled: %v", w.Unsettled())
			}
		})
	}
}

// A parallel step waits for its last branch, and its own on_failure answers a failure inside.
func TestParallel(t *testing.T) {
	plan := &playbook.Plan{Start: "s", Steps: []playbook.Step{
		{ID: "s", Type: playbook.StepStart, OnCompletion: "p"},
		{ID: "p", Type: playbook.StepParallel, Next: []string{"a", "b"}, OnSuccess: "good", OnFailure: "bad"},
		{ID: "a", Type: playbook.StepAction, OnCompletion: "ea"},
		{ID: "ea", Type: playbook.StepEnd},
		{ID: "b", Type: playbook.StepAction, OnCompletion: "eb"},
		{ID: "eb", Type: playbook.StepEnd},
		{ID: "good", Type: playbook.StepAction, OnCompletion: "e"},
		{ID: "bad", Type: playbook.StepAction, OnCompletion: "e"},
		{ID: "e", Type: playbook.StepEnd},
	}}
	for _, c := range []struct {
		b    playbook.Outcome
		next string
	}{{playbook.Done, "good"}, {playbook.NotExecuted, "bad"}} {
		w := playbook.NewWalk(plan)
		must(t, w.Start("a"))
		must(t, w.Start("b"))
		must(t, w.Finish("a", playbook.Done))
		if len(w.Ready()) != 0 {
			t.Fatalf("went on before the last branch: %v", w.Ready())
		}
		must(t, w.Finish("b", c.b))
		if !slices.Equal(w.Ready(), []string{c.next}) {
			t.Errorf("after %s: %v", c.b, w.Ready())
		}
	}
}

func TestWalkRefuses(t *testing.T) {
	w := playbook.NewWalk(smallPlan(t))
	for name, err := range map[string]error{
		"finish before start":          w.Finish(callID, playbook.Done),
		"start of a waiting step":      w.Start(tellID),
		"step that is not in the plan": w.Start("action--x"),
		"settle what is not undone":    w.Settle(callID),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	must(t, w.Start(callID))
	if w.Start(callID) == nil || w.Finish(callID, "splendid") == nil || w.Finish(callID, playbook.NotNeeded) == nil {
		t.Error("accepted a second start or a strange outcome")
	}
	must(t, w.Finish(callID, playbook.NotExecuted))
	if w.Finish(callID, playbook.Done) == nil {
		t.Error("a step that was not executed became done")
	}
	must(t, w.Settle(callID))
	if r := w.Report()[1]; r.Outcome != playbook.NotExecuted || !r.Settled {
		t.Errorf("%+v", r)
	}
}

// Random plans: every walk ends, each step has exactly one report, and a walk that is stored and read again at any moment
// goes on as if nothing had been.
func TestWalkProperties(t *testing.T) {
	for seed := range uint64(500) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 7))
			p := randomPlan(random)
			outcomes := []playbook.Outcome{playbook.Done, playbook.Failed, playbook.TimedOut, playbook.NotExecuted}
			fate := map[string]playbook.Outcome{}
			for _, s := range p.Steps {
				fate[s.ID] = outcomes[random.IntN(len(outcomes))]
			}
			w := walkToEnd(t, p, func(id string) playbook.Outcome { return fate[id] })
			if again := shuffledWalk(t, random, p, fate); !reflect.DeepEqual(again.Report(), w.Report()) {
				t.Errorf("the order in which branches end changes the report:\n%v\n%v", again.Report(), w.Report())
			}
		})
	}
}

// shuffledWalk ends running steps in a random order and stores the walk in between.
func shuffledWalk(t *testing.T, random *rand.Rand, p *playbook.Plan, fate map[string]playbook.Outcome) *playbook.Walk {
	t.Helper()
	w := playbook.NewWalk(p)
	for !w.Done() {
		for _, id := range w.Ready() {
			must(t, w.Start(id))
		}
		running := w.Running()
		id := running[random.IntN(len(running))]
		must(t, w.Finish(id, fate[id]))
		b, err := json.Marshal(w)
		must(t, err)
		w = new(playbook.Walk)
		must(t, json.Unmarshal(b, w))
	}
	return w
}

// randomPlan makes a plan that Parse would accept: forward pointers only, branches with steps and ends of their own.
func randomPlan(random *rand.Rand) *playbook.Plan {
	p := &playbook.Plan{Start: "start"}
	n := 0
	id := func(kind string) string { n++; return fmt.Sprintf("%s-%d", kind, n) }
	var region func(depth int) string
	region = func(depth int) string {
		end := playbook.Step{ID: id("end"), Type: playbook.StepEnd}
		later := []string{end.ID}
		steps := []playbook.Step{end}
		for range 1 + random.IntN(4) {
			s := playbook.Step{ID: id("action"), Type: playbook.StepAction}
			if depth < 3 && random.IntN(4) == 0 {
				s = playbook.Step{ID: id("parallel"), Type: playbook.StepParallel, Next: []string{region(depth + 1), region(depth + 1)}}
			}
			pick := func() string { return later[random.IntN(len(later))] }
			switch random.IntN(3) {
			case 0:
				s.OnCompletion = pick()
			case 1:
				s.OnSuccess = pick()
			default:
				s.OnSuccess, s.OnFailure = pick(), pick()
			}
			later = append(later, s.ID)
			steps = append(steps, s)
		}
		slices.Reverse(steps)
		p.Steps = append(p.Steps, steps...)
		return later[len(later)-1]
	}
	first := region(0)
	p.Steps = append([]playbook.Step{{ID: "start", Type: playbook.StepStart, OnCompletion: first}}, p.Steps...)
	return p
}
