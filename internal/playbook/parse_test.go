package playbook_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tocsin/internal/playbook"
)

const (
	startID  = "start--00000000-0000-4000-8000-000000000001"
	callID   = "action--00000000-0000-4000-8000-000000000002"
	tellID   = "action--00000000-0000-4000-8000-000000000003"
	endID    = "end--00000000-0000-4000-8000-000000000004"
	agentID  = "group--00000000-0000-4000-8000-000000000005"
	targetID = "http-api--00000000-0000-4000-8000-000000000006"
)

// small is a sound playbook: an HTTP call, then a manual step.
const small = `{
  "type": "playbook", "spec_version": "cacao-2.0",
  "id": "playbook--00000000-0000-4000-8000-000000000000", "name": "Small",
  "created_by": "identity--00000000-0000-4000-8000-000000000009",
  "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
  "playbook_variables": {
    "__gateway__": {"type": "uri", "external": true},
    "__token__": {"type": "string", "external": true},
    "__note__": {"type": "string", "value": "none"},
    "__fixed__": {"type": "string", "value": "always", "constant": true}
  },
  "workflow_start": "` + startID + `",
  "workflow": {
    "` + startID + `": {"type": "start", "on_completion": "` + callID + `"},
    "` + callID + `": {"type": "action", "name": "Call", "on_success": "` + tellID + `", "on_failure": "` + tellID + `",
      "timeout": 1500, "delay": 1, "agent": "` + agentID + `", "targets": ["` + targetID + `"],
      "commands": [{"type": "http-api", "command": "POST /v1/stop?why=__note__:value HTTP/1.1",
        "headers": {"content-type": ["application/json"], "Authorization": ["Bearer __token__:value"]},
        "content": "{\"note\":\"__note__:value\",\"fixed\":\"__fixed__:value\"}"}]},
    "` + tellID + `": {"type": "action", "name": "Tell", "on_completion": "` + endID + `", "agent": "` + agentID + `",
      "commands": [{"type": "manual", "command": "Tell __note__:value through __gateway__:value with __token__:value."}]},
    "` + endID + `": {"type": "end"}
  },
  "agent_definitions": {"` + agentID + `": {"type": "group", "name": "Team"}},
  "target_definitions": {"` + targetID + `": {"type": "http-api", "name": "Gateway", "address": {"url": ["__gateway__:value"]}}}
}`

func smallPlan(t *testing.T) *playbook.Plan {
	t.Helper()
	p, err := playbook.Parse([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParseSmall(t *testing.T) {
	p := smallPlan(t)
	if len(p.Steps) != 4 || p.Steps[1].TimeoutSeconds != 2 || p.Steps[1].DelaySeconds != 1 {
		t.Errorf("milliseconds must be rounded up to seconds: %+v", p.Steps[1])
	}
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var again playbook.Plan
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	if b2, _ := json.Marshal(&again); string(b2) != string(b) {
		t.Error("the plan changes when it is stored and read again")
	}
}

// Each mistake is found at its place.
func TestParseFaults(t *testing.T) {
	cases := []struct{ name, old, new, path, says string }{
		{"unknown property", `"name": "Small",`, `"name": "Small", "title": "x",`, "/", "title"},
		{"name in capitals", `"name": "Small",`, `"NAME": "Small",`, "/", "missing here: name"},
		{"other standard", `cacao-2.0`, `cacao-1.0`, "/spec_version", "cacao-2.0"},
		{"id without uuid", `"` + endID + `": {"type": "end"}`, `"end--1": {"type": "end"}`, "/workflow", "end--1"},
		{"unknown property of a step", `"name": "Tell",`, `"name": "Tell", "on_complete": "x",`, "/workflow/" + tellID + "/on_complete", "correct its spelling"},
		{"reference to nowhere", `"on_completion": "` + endID + `"`, `"on_completion": "end--00000000-0000-4000-8000-0000000000ff"`, "/workflow/" + tellID + "/on_completion", "no step with this id"},
		{"start is not there", `"workflow_start": "` + startID, `"workflow_start": "` + endID, "/workflow_start", "start step"},
		{"back to the start", `"on_completion": "` + endID + `"`, `"on_completion": "` + startID + `"`, "/workflow/" + tellID + "/on_completion", "back to the start"},
		{"circle", `"on_completion": "` + endID + `"`, `"on_completion": "` + callID + `"`, "/workflow/" + endID, "no way leads"},
		{"leads nowhere", `"on_completion": "` + endID + `", "agent"`, `"agent"`, "/workflow/" + tellID, "leads nowhere"},
		{"both ways", `"on_completion": "` + endID + `", "agent"`, `"on_completion": "` + endID + `", "on_success": "` + endID + `", "agent"`, "/workflow/" + tellID, "one or the others"},
		{"unreachable", `"on_completion": "` + callID + `"`, `"on_completion": "` + tellID + `"`, "/workflow/" + callID, "no way leads"},
		{"bash", `{"type": "manual", "command": "Tell __note__:value through __gateway__:value with __token__:value."}`, `{"type": "bash", "command": "rm -rf /"}`, "/workflow/" + tellID + "/commands/0/type", "manual or http-api"},
		{"empty manual command", `"Tell __note__:value through __gateway__:value with __token__:value."`, `""`, "/workflow/" + tellID + "/commands/0/command", "empty"},
		{"start line", `POST /v1/stop?why=__note__:value HTTP/1.1`, `POST v1/stop`, "/workflow/" + callID + "/commands/0/command", "start line"},
		{"method", `POST /v1/stop?why=__note__:value HTTP/1.1`, `BREW / HTTP/1.1`, "/workflow/" + callID + "/commands/0/command", "method"},
		{"undeclared variable", `Tell __note__:value`, `Tell __other__:value`, "/workflow/" + tellID + "/commands/0/command", "__other__"},
		{"credential in clear", `Bearer __token__:value`, `Bearer hunter2`, "/workflow/" + callID + "/commands/0/headers/Authorization", "credential"},
		{"credential as default", `"__token__": {"type": "string", "external": true}`, `"__token__": {"type": "string", "value": "hunter2"}`, "/playbook_variables/__token__/value", "configuration"},
		{"target without address", `"address": {"url": ["__gateway__:value"]}`, `"address": {"ipv4": ["192.0.2.1"]}`, "/workflow/" + callID + "/commands/0", "address.url"},
		{"agent not defined", `"agent": "` + agentID + `", "targets"`, `"agent": "group--00000000-0000-4000-8000-0000000000ff", "targets"`, "/workflow/" + callID + "/agent", "no agent"},
		{"target not defined", `"targets": ["` + targetID + `"]`, `"targets": ["http-api--00000000-0000-4000-8000-0000000000ff"]`, "/workflow/" + callID + "/targets/0", "no target"},
		{"key twice", `"type": "playbook",`, `"type": "playbook", "type": "playbook",`, "/type", "twice"},
		{"exception handler", `"workflow_start"`, `"workflow_exception": "` + endID + `", "workflow_start"`, "/workflow_exception", "on_failure"},
		{"step variables", `"name": "Tell",`, `"name": "Tell", "step_variables": {"__x__": {"type": "string"}},`, "/workflow/" + tellID + "/step_variables", "playbook_variables"},
		{"our extension with a strange property", `"name": "Tell",`, `"name": "Tell", "step_extensions": {"` + playbook.ExtensionID + `": {"owner": "x"}},`, "/workflow/" + tellID + "/step_extensions/" + playbook.ExtensionID, "owner_role"},
		{"owner who is no role", `"name": "Tell",`, `"name": "Tell", "step_extensions": {"` + playbook.ExtensionID + `": {"owner_role": "cook"}},`, "/workflow/" + tellID + "/step_extensions/" + playbook.ExtensionID, "responder"},
		{"negative timeout", `"timeout": 1500`, `"timeout": -1`, "/workflow/" + callID + "/timeout", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			broken := strings.Replace(small, c.old, c.new, 1)
			if broken == small {
				t.Fatal("the case changes nothing")
			}
			checkFault(t, broken, c.path, c.says)
		})
	}
}

func checkFault(t *testing.T, file, path, says string) {
	t.Helper()
	_, err := playbook.Parse([]byte(file))
	if err == nil {
		t.Fatal("accepted")
	}
	for _, f := range flatten(err) {
		if f.Path == path && strings.Contains(f.Says, says) {
			return
		}
	}
	t.Errorf("no fault at %s that says %q:\n%v", path, says, err)
}

func flatten(err error) []*playbook.Fault {
	var out []*playbook.Fault
	many, ok := err.(interface{ Unwrap() []error })
	if !ok {
		if f, ok := errors.AsType[*playbook.Fault](err); ok {
			out = append(out, f)
		}
		return out
	}
	for _, e := range many.Unwrap() {
		out = append(out, flatten(e)...)
	}
	return out
}

// The four step types of CACAO that are not walked yet are refused by name.
func TestLaterStepTypes(t *testing.T) {
	for _, typ := range []string{"playbook-action", "if-condition", "while-condition", "switch-condition"} {
		t.Run(typ, func(t *testing.T) {
			id := typ + "--00000000-0000-4000-8000-00000000000a"
			file := strings.Replace(small, `"`+endID+`": {"type": "end"}`,
				fmt.Sprintf(`"%s": {"type": "end"}, "%s": {"type": "%s", "condition": "x", "on_true": "y", "on_completion": "%s"}`, endID, id, typ, endID), 1)
			checkFault(t, file, "/workflow/"+id+"/type", "the step type "+typ)
		})
	}
}

func TestParallelFaults(t *testing.T) {
	par := func(a, b, after string) string {
		s := `"parallel--00000000-0000-4000-8000-00000000000b": {"type": "parallel", "next_steps": ["` + a + `", "` + b + `"], "on_completion": "` + after + `"}, "` + startID + `"`
		file := strings.Replace(small, `"`+startID+`": {"type"`, s+`: {"type"`, 1)
		return strings.Replace(file, `"on_completion": "`+callID+`"`, `"on_completion": "parallel--00000000-0000-4000-8000-00000000000b"`, 1)
	}
	t.Run("branches that meet", func(t *testing.T) {
		checkFault(t, par(callID, tellID, endID), "/workflow/parallel--00000000-0000-4000-8000-00000000000b/next_steps/1", "another way")
	})
	t.Run("branch that runs into the rest", func(t *testing.T) {
		checkFault(t, par(callID, endID, tellID), "/workflow/"+tellID, "two branches")
	})
}

func TestParseCircle(t *testing.T) {
	file := strings.Replace(small, `"on_failure": "`+tellID+`"`, `"on_failure": "`+endID+`"`, 1)
	file = strings.Replace(file, `"on_completion": "`+endID+`"`, `"on_completion": "`+callID+`"`, 1)
	checkFault(t, file, "/workflow/"+callID, "runs in a circle")
}

// What is no playbook at all gets one clear sentence.
func TestParseNotAPlaybook(t *testing.T) {
	cases := map[string]string{
		"empty":         "",
		"cut off":       small[:200],
		"two documents": small + small,
		"not JSON":      "type: playbook",
		"a list":        "[]",
		"deep":          strings.Repeat("[", 40) + strings.Repeat("]", 40),
		"huge":          strings.Repeat(" ", 1<<20) + small,
	}
	for name, file := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := playbook.Parse([]byte(file))
			if err == nil {
				t.Fatal("accepted")
			}
			t.Log(err)
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := playbook.Parse(b)
		if err != nil {
			return
		}
		walkToEnd(t, p, func(string) playbook.Outcome { return playbook.Failed })
	})
}
