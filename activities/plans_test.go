package activities_test

import (
	"net/http"
	"strings"
	"testing"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/internal/playbook"
	"tocsin/templates"
)

// httpStep finds the shipped plan's call to the containment gateway.
func httpStep(t *testing.T) (step string, command int) {
	t.Helper()
	b, err := templates.Default().Playbook("personal-data-leak")
	if err != nil {
		t.Fatal(err)
	}
	p, err := playbook.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range p.Steps {
		for i, c := range s.Commands {
			if c.Type == playbook.HTTPAPI {
				return s.ID, i
			}
		}
	}
	t.Fatal("the shipped plan calls nothing")
	return "", 0
}

func TestAStepThatCannotBeExecutedIsNeverDone(t *testing.T) {
	step, command := httpStep(t)
	for _, c := range []struct {
		name    string
		values  func(gateway string) playbook.Values
		allowed func(gateway string) []string
		fault   *inbox.Fault
		want    playbook.Outcome
		why     string
		calls   int
	}{
		{"allowed and answered", full, prefix, nil, playbook.Done, "", 1},
		{"no gateway configured", func(string) playbook.Values { return nil }, prefix, nil, playbook.NotExecuted, "no_value", 0},
		{"not on the list", full, func(string) []string { return nil }, nil, playbook.NotExecuted, "not_allowed", 0},
		{"a host that only begins like an allowed one", full, func(g string) []string { return []string{g[:len(g)-1]} }, nil, playbook.NotExecuted, "not_allowed", 0},
		{"refused", full, prefix, &inbox.Fault{Channel: inbox.ChannelTarget, To: "*", Do: inbox.Refuse, Code: "503"}, playbook.Failed, "status 503", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			if c.fault != nil {
				if err := h.inbox.SetFaults(*c.fault); err != nil {
					t.Fatal(err)
				}
			}
			gateway := h.inbox.TargetEndpoint("containment")
			p := &activities.Plans{Store: h.store, Templates: templates.Default(), Values: c.values(gateway), Allowed: c.allowed(gateway), Client: http.DefaultClient}
			got, err := run[activities.RunStepResult](h, p.RunStep, activities.RunStepInput{Incident: "INC-2026-0001", Playbook: "personal-data-leak", Step: step, Command: command})
			if err != nil || got.Outcome != c.want || got.Why != c.why {
				t.Errorf("%+v, %v; want %s %q", got, err, c.want, c.why)
			}
			if n := h.inbox.Count(inbox.Filter{Channel: inbox.ChannelTarget}); n != c.calls {
				t.Errorf("the gateway was called %d times, want %d", n, c.calls)
			}
		})
	}
}

func full(gateway string) playbook.Values {
	return playbook.Values{"__containment_gateway__": gateway, "__containment_token__": "t", "__service__": "s", "__hotline__": "400"}
}

func prefix(gateway string) []string { return []string{gateway + "/"} }

func TestAPersonIsAskedWithTheIncidentsNumberInTheText(t *testing.T) {
	h := newHouse(t)
	id := h.openIncident(leak())
	step, command := httpStep(t)
	p := &activities.Plans{Store: h.store, Templates: templates.Default()}
	in := activities.AskInput{Incident: id, Playbook: "personal-data-leak", Step: step, Command: command, Kind: breach.TaskNotExecuted, Ref: step, Outcome: "not_executed"}
	for range 2 { // the engine may run it twice
		if _, err := run[any](h, p.AskPerson, in); err != nil {
			t.Fatal(err)
		}
	}
	tasks, err := h.store.Tasks(t.Context(), id, false)
	if err != nil || len(tasks) != 1 {
		t.Fatalf("tasks: %v, %v", tasks, err)
	}
	if d := tasks[0].Detail; !strings.Contains(d.EN, "could not be executed") || !strings.Contains(d.ZH, "系统无法执行") {
		t.Errorf("the task says: %+v", d)
	}
}
