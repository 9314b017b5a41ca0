package config

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Escalation is one step of the ladder that wakes people about a deadline. Exactly one of At, Before and After says when.
type Escalation struct {
	At     float64        `mapstructure:"at"`     // the part of the time to the deadline that has gone
	Before time.Duration  `mapstructure:"before"` // before the deadline
	After  *time.Duration `mapstructure:"after"`  // after the deadline, 0s at it
	Roles  []string       `mapstructure:"roles"`  // contacts with these roles
	Names  []string       `mapstructure:"names"`  // and these contacts; with neither, everybody
}

// Guard files a preliminary report where nobody has approved one shortly before a deadline of the law.
type Guard struct {
	Enabled bool          `mapstructure:"enabled"`
	Before  time.Duration `mapstructure:"before"` // before the deadline
	Rules   []string      `mapstructure:"rules"`  // patterns of rules; none is all
}

// Approvals says how many people must approve a document of each kind, beside its authors.
type Approvals struct {
	Filing       int `mapstructure:"filing"`
	Notice       int `mapstructure:"notice"`
	PublicNotice int `mapstructure:"public_notice"`
	Closure      int `mapstructure:"closure"`
	Hold         int `mapstructure:"hold"`
	Waiver       int `mapstructure:"waiver"`
}

// people that a step may name.
var wakeable = []string{"responder", "lead", "approver", "manager", "auditor"}

func (c Config) checkEscalation(r *report) {
	for i, s := range c.Policy.Escalation {
		key := fmt.Sprintf("policy.escalation[%d]", i+1)
		said := 0
		if s.At != 0 {
			said++
			if s.At < 0 || s.At >= 1 {
				r.fault(key+".at", "must lie between 0 and 1: the part of the time that has gone, such as 0.5")
			}
		}
		if s.Before != 0 {
			said++
			r.positive(key+".before", s.Before)
		}
		if s.After != nil {
			said++
			if *s.After < 0 {
				r.fault(key+".after", "must not be negative; 0s is at the deadline itself, and before: says how long before it")
			}
		}
		if said != 1 {
			r.fault(key, "must say once when: at: 0.5, before: 2h, or after: 0s")
		}
		for _, role := range s.Roles {
			r.oneOf(key+".roles", role, wakeable...)
		}
		if len(c.listeners(s)) == 0 {
			r.warn(key, "wakes nobody: no entry of contacts has %s", strings.Join(append(slices.Clone(s.Roles), s.Names...), " or "))
		}
		for _, name := range s.Names {
			if !slices.ContainsFunc(c.Contacts, func(p Contact) bool { return p.Name == name }) {
				r.fault(key+".names", "%q is no name in contacts", name)
			}
		}
	}
}

// listeners are the contacts that a step wakes.
func (c Config) listeners(s Escalation) []Contact {
	if len(s.Roles)+len(s.Names) == 0 {
		return c.Contacts
	}
	return slices.DeleteFunc(slices.Clone(c.Contacts), func(p Contact) bool {
		return !slices.Contains(s.Roles, p.Role) && !slices.Contains(s.Names, p.Name)
	})
}

func (p Policy) checkFilings(r *report) {
	if p.Guard.Enabled {
		r.positive("policy.guard.before", p.Guard.Before)
		if p.EscalateBefore <= p.Guard.Before {
			r.warn("policy.guard.before", "is not shorter than policy.escalate_before: the guard files before people are called")
		}
	}
	for i, pattern := range p.Guard.Rules {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			r.fault(fmt.Sprintf("policy.guard.rules[%d]", i+1), "is no pattern of rules, such as cn-cac-* or cn-cac-other")
		}
	}
	const most = 5
	for _, a := range []struct {
		kind string
		n    int
	}{
		{"filing", p.Approvals.Filing},
		{"notice", p.Approvals.Notice},
		{"public_notice", p.Approvals.PublicNotice},
		{"closure", p.Approvals.Closure},
		{"hold", p.Approvals.Hold},
		{"waiver", p.Approvals.Waiver},
	} {
		if a.n < 1 || a.n > most {
			r.fault("policy.approvals."+a.kind, "must be from 1 to %d: how many people approve, beside the authors", most)
		}
	}
}
