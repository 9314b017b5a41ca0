package config_test

import (
	"strings"
	"testing"
	"time"

	"tocsin/internal/config"
)

func TestEscalationGuardAndApprovalsAreRead(t *testing.T) {
	c := load(t, `
contacts:
  - {role: lead, name: On-call lead, email: lead@example.com}
policy:
  escalation:
    - {at: 0.5, roles: [lead]}
    - {before: 2h, names: [On-call lead]}
    - {after: 0s}
  guard: {enabled: true, before: 10m, rules: [cn-cac-*]}
  approvals: {filing: 2}
`)
	if err := c.Validate(config.ForDev); err != nil {
		t.Fatal(err)
	}
	steps := c.Policy.Escalation
	if len(steps) != 3 || steps[0].At != 0.5 || steps[0].After != nil || steps[1].Before != 2*time.Hour || steps[2].After == nil || *steps[2].After != 0 {
		t.Errorf("escalation: %+v", steps)
	}
	if g := c.Policy.Guard; !g.Enabled || g.Before != 10*time.Minute || len(g.Rules) != 1 {
		t.Errorf("guard: %+v", g)
	}
	if a := c.Policy.Approvals; a.Filing != 2 || a.Closure != 1 {
		t.Errorf("approvals: %+v", a)
	}
}

func TestFaultsOfEscalationGuardAndApprovalsAreNamed(t *testing.T) {
	c := load(t, `
policy:
  escalation:
    - {roles: [lead]}
    - {at: 0.5, before: 2h}
    - {at: 1.5}
    - {after: -1m}
    - {before: 1h, roles: [boss]}
    - {before: 1h, names: [Nobody]}
  guard: {enabled: true, before: 0s, rules: ["cn-[cac"]}
  approvals: {filing: 0, waiver: 9}
`)
	err := c.Validate(config.ForDev)
	if err == nil {
		t.Fatal("no fault was found")
	}
	for _, want := range []string{
		"policy.escalation[1]: must say once when", "policy.escalation[2]: must say once when", "policy.escalation[3].at:", "policy.escalation[4].after:",
		"policy.escalation[5].roles:", `policy.escalation[6].names: "Nobody" is no name in contacts`, "policy.guard.before:", "policy.guard.rules[1]:",
		"policy.approvals.filing:", "policy.approvals.waiver:",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
}
