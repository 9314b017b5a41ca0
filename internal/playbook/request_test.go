package playbook_test

import (
	"errors"
	"strings"
	"testing"

	"tocsin/internal/playbook"
)

var gateway = playbook.Values{
	"__gateway__": "https://gateway.example.internal/base/",
	"__token__":   "s3cret",
	"__note__":    `a "quoted" word/b`,
	"__fixed__":   "ignored, it is constant",
}

func callOf(t *testing.T, p *playbook.Plan) playbook.Command {
	t.Helper()
	s, ok := p.Step(callID)
	if !ok {
		t.Fatal("no step")
	}
	return s.Commands[0]
}

func TestRequests(t *testing.T) {
	p := smallPlan(t)
	got, err := p.Requests(callOf(t, p), gateway)
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	r := got[0]
	if r.Method != "POST" || r.URL != "https://gateway.example.internal/base/v1/stop?why=a%20%22quoted%22%20word%2Fb" {
		t.Errorf("%s %s", r.Method, r.URL)
	}
	if string(r.Body) != `{"note":"a \"quoted\" word/b","fixed":"always"}` {
		t.Errorf("body: %s", r.Body)
	}
	if r.Header.Get("Authorization") != "Bearer s3cret" || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("headers: %v", r.Header)
	}
}

// A step whose variable has no value cannot be executed; the error names the variable.
func TestRequestsMissingValue(t *testing.T) {
	p := smallPlan(t)
	_, err := p.Requests(callOf(t, p), playbook.Values{"__token__": "s3cret"})
	missing, ok := errors.AsType[*playbook.MissingValue](err)
	if !ok || !strings.Contains(err.Error(), "__gateway__") || missing.Name != "__gateway__" {
		t.Fatal(err)
	}
}

func TestRequestsRefuseHostileValues(t *testing.T) {
	p := smallPlan(t)
	for name, bad := range map[string]playbook.Values{
		"line break in a header": {"__token__": "s3cret\r\nX-Admin: 1"},
		"not http":               {"__gateway__": "file:///etc"},
		"credential in the URL":  {"__gateway__": "https://user:s3cret@gateway.example.internal"},
		"no host":                {"__gateway__": "https:///v1"},
		"query in the address":   {"__gateway__": "https://gateway.example.internal?x="},
	} {
		t.Run(name, func(t *testing.T) {
			values := playbook.Values{"__gateway__": gateway["__gateway__"], "__token__": "ok"}
			for k, v := range bad {
				values[k] = v
			}
			_, err := p.Requests(callOf(t, p), values)
			if err == nil {
				t.Fatal("accepted")
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error repeats a secret: %v", err)
			}
		})
	}
}

func TestManualText(t *testing.T) {
	p := smallPlan(t)
	s, _ := p.Step(tellID)
	got := p.ManualText(s.Commands[0], playbook.Values{"__token__": "s3cret"})
	if want := "Tell none through [gateway: not configured] with [token: secret, not shown]."; got.EN != want {
		t.Errorf("got %q, want %q", got.EN, want)
	}
}

func TestCheckValues(t *testing.T) {
	p := smallPlan(t)
	err := p.CheckValues(playbook.Values{"__fixed__": "x", "__typo__": "y", "__note__": "z"})
	if err == nil || !strings.Contains(err.Error(), "__typo__") || !strings.Contains(err.Error(), "__fixed__") || strings.Contains(err.Error(), "__note__") {
		t.Error(err)
	}
}

// What a history may show holds no value that an operator set.
func TestPlanHoldsNoSecret(t *testing.T) {
	p := smallPlan(t)
	for _, v := range p.Variables {
		if v.Name == "__token__" && (!v.Secret || v.Value != "") {
			t.Errorf("%+v", v)
		}
	}
}
