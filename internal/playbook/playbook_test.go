package playbook_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/internal/breach"
	"tocsin/internal/playbook"
)

const shipped = "../../templates/playbooks"

func shippedPlan(t *testing.T) *playbook.Plan {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(shipped, "personal-data-leak.json"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := playbook.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Every plan that ships is valid, small, bilingual, and tells its people what to do.
func TestShippedPlaybooks(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shipped, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no playbook in %s (%v)", shipped, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p, err := playbook.Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			size, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d steps, %d bytes", len(p.Steps), len(size))
			for _, s := range p.Steps {
				checkShippedStep(t, s)
			}
		})
	}
}

func checkShippedStep(t *testing.T, s playbook.Step) {
	t.Helper()
	if s.Type != playbook.StepAction {
		return
	}
	if !chinese(s.Name.ZH) || s.Name.EN == "" {
		t.Errorf("%s: the name must be in both languages", s.ID)
	}
	if s.TimeoutSeconds == 0 {
		t.Errorf("%s: no timeout; a step nobody does would hold up the rest for ever", s.ID)
	}
	if s.Owner != breach.RoleResponder && s.Owner != breach.RoleLead {
		t.Errorf("%s: owner %s does not work plans", s.ID, s.Owner)
	}
	for _, c := range s.Commands {
		if c.Type == playbook.Manual && (!chinese(c.Text.ZH) || len(c.Text.EN) < 80) {
			t.Errorf("%s: instructions must be exact, and in both languages", s.ID)
		}
	}
}

func chinese(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= 0x4e00 && r <= 0x9fff })
}
