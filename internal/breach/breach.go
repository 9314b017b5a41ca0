// Package breach holds the words of the trade, one type per thing, and nothing that acts: an [Alert] becomes an
// [Incident]; its [Facts] are assessed into [Severity] levels and [Obligation]s; an obligation is met by a [Filing] to an
// authority or by a [Notice] to affected people; what was handed over leaves a [Receipt].
//
// The package is pure. It imports nothing of ours, reads no clock, and knows no database, no engine and no law.
package breach

import (
	"fmt"
	"regexp"
	"strconv"
)

// IncidentID is the public number of an incident, "INC-2026-0001". It carries no meaning beyond year and order, because
// identifiers are the one thing that every system shows in clear.
type IncidentID string

var incidentIDPattern = regexp.MustCompile(`^INC-(\d{4})-(\d{4,9})$`)

// NewIncidentID returns the identifier of the n-th incident of a year. n counts from 1.
func NewIncidentID(year int, n int64) IncidentID {
	return IncidentID(fmt.Sprintf("INC-%04d-%04d", year, n))
}

// ParseIncidentID reads an identifier as a person types it.
func ParseIncidentID(s string) (IncidentID, error) {
	m := incidentIDPattern.FindStringSubmatch(s)
	if m == nil {
		return "", fmt.Errorf("%q is not an incident number; it looks like INC-2026-0001 (tocsin incident list shows them)", s)
	}
	if n, err := strconv.ParseInt(m[2], 10, 64); err != nil || n < 1 {
		return "", fmt.Errorf("%q is not an incident number: the count starts at 0001", s)
	}
	return IncidentID(s), nil
}

// Person names who acted: the name of the API token's holder, or one of the machine's own names below. It is an operator's
// account name, never an affected person.
type Person string

// The machine's own names.
const (
	Tocsin Person = "tocsin"       // the author of what the machine did by itself
	Guard  Person = "tocsin-guard" // who approves a preliminary report shortly before its deadline, where the settings allow it
)

// Role is what a token's holder may do.
type Role string

// The roles, from the design's section 8.
const (
	RoleResponder Role = "responder" // opens incidents, works the plan, amends facts, imports people
	RoleLead      Role = "lead"      // data protection lead: all of responder, prepares filings and notices, proposes closing
	RoleApprover  Role = "approver"  // approves what another prepared
	RoleManager   Role = "manager"   // reads
	RoleAuditor   Role = "auditor"   // reads, the journal too
	RoleSource    Role = "source"    // a machine that posts alerts, and nothing else
)

// RoleGuard stands beside the guard's approvals. No token has it.
const RoleGuard Role = "guard"

// Roles lists every role that a token may have.
func Roles() []Role {
	return []Role{RoleResponder, RoleLead, RoleApprover, RoleManager, RoleAuditor, RoleSource}
}

// Text is one sentence in the two languages every user-facing word comes in.
type Text struct {
	ZH string `json:"zh" yaml:"zh"`
	EN string `json:"en" yaml:"en"`
}

// In returns the text in a language, English where the language is not Chinese.
func (t Text) In(l Language) string {
	if l == Chinese {
		return t.ZH
	}
	return t.EN
}

// Language is a BCP 47 tag that we write in.
type Language string

// The languages of every text that leaves the house.
const (
	Chinese Language = "zh-CN"
	English Language = "en"
)

// Phase is where an incident stands, as managers read it.
type Phase string

// The phases, in order. Containing and notifying overlap; the phase names the furthest.
const (
	PhaseOpened     Phase = "opened"
	PhaseResponding Phase = "responding" // plan running, duties known
	PhaseNotifying  Phase = "notifying"  // people are being told
	PhaseClosing    Phase = "closing"    // a first person asked to close
	PhaseClosed     Phase = "closed"
)
