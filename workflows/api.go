package workflows

import (
	"path"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"tocsin/internal/breach"
)

// Task queues. One worker process may serve both.
const (
	QueueIncident = "incident" // workflows, and activities that touch the database and authorities
	QueueNotify   = "notify"   // activities that send to people
)

// Workflow types.
const (
	TypeIncident     = "Incident"
	TypePlan         = "EmergencyPlan"
	TypeObligation   = "Obligation"
	TypeCampaign     = "NoticeCampaign"
	TypeShard        = "NoticeShard"
	TypeReopening    = "NoticeReopening"
	TypePublicNotice = "PublicNotice"
	TypeFollowUp     = "FollowUp"
)

// Signals. A person's act is a committed row before its signal exists, so a signal may arrive twice, late, or when the
// matter is settled: every handler reads it as news, never as an order.
const (
	SignalAlert    = "alert"           // AlertCounted, to the incident
	SignalFacts    = "facts-amended"   // FactsAmended, to the incident
	SignalPeople   = "people-imported" // PeopleImported, to the incident
	SignalDecision = "decision"        // DecisionMade, to whoever waits for it
	SignalTask     = "task-ended"      // TaskEnded, to the plan, or to the duty that asked for a confirmation
	SignalSettled  = "filing-settled"  // FilingSettled, to the obligation
	SignalChild    = "child-status"    // ChildStatus, from children to the incident
	SignalReassess = "reassessed"      // Reassessed, from the incident to obligations and campaigns
	SignalBounced  = "bounced"         // nothing, to a notice's reopening: the ledger says the rest
	SignalMet      = "fulfilled"       // Fulfilled, from the incident to obligations that something else meets
	SignalAnswers  = "answers-set"     // AnswersSet, to the obligation
	SignalRelease  = "hold-released"   // HoldReleased, to the obligation
	SignalWithdraw = "withdraw"        // WithdrawalAsked, to the obligation

	SignalSupplement = "supplement-asked" // SupplementAsked, to the incident
)

// IncidentWorkflowID is the workflow of an incident.
func IncidentWorkflowID(id breach.IncidentID) string { return "incident/" + string(id) }

// PlanWorkflowID is the workflow of an incident's emergency plan.
func PlanWorkflowID(id breach.IncidentID) string { return "plan/" + string(id) + "/1" }

// ObligationWorkflowID is the workflow of one duty; key is rule, or rule/authority.
func ObligationWorkflowID(id breach.IncidentID, key string) string {
	return "obligation/" + string(id) + "/" + key
}

// CampaignWorkflowID is the workflow of the n-th notice to people.
func CampaignWorkflowID(id breach.IncidentID, n int) string {
	return "notice/" + string(id) + "/" + itoa(n)
}

// ShardWorkflowID is the workflow of one shard of a campaign.
func ShardWorkflowID(id breach.IncidentID, n, shard int) string {
	return CampaignWorkflowID(id, n) + "/shard/" + itoa(shard)
}

// ReopeningWorkflowID is the workflow that goes on with a notice when bounces come after its end.
func ReopeningWorkflowID(id breach.IncidentID, n int) string {
	return CampaignWorkflowID(id, n) + "/reopened"
}

// PublicNoticeWorkflowID is the workflow of the n-th public notice.
func PublicNoticeWorkflowID(id breach.IncidentID, n int) string {
	return "public-notice/" + string(id) + "/" + itoa(n)
}

// FollowUpWorkflowID is the workflow of what an authority asks for: one task.
func FollowUpWorkflowID(id breach.IncidentID, task string) string {
	return "follow-up/" + string(id) + "/" + task
}

// OwnerOf returns the workflow that waits for a decision on a document: subject is the obligation's key, "notice/1",
// "public/1" or "closure/1".
func OwnerOf(id breach.IncidentID, kind breach.DocumentKind, subject string) string {
	_, n, _ := strings.Cut(subject, "/")
	switch kind {
	case breach.DocFiling, breach.DocHold, breach.DocWaiver:
		return ObligationWorkflowID(id, subject)
	case breach.DocNotice:
		return "notice/" + string(id) + "/" + n
	case breach.DocPublicNotice:
		return "public-notice/" + string(id) + "/" + n
	case breach.DocClosure:
	}
	return IncidentWorkflowID(id)
}

// AlertCounted tells how many alerts an incident has.
type AlertCounted struct {
	Count int64 `json:"count"`
}

// FactsAmended tells that facts have a newer revision.
type FactsAmended struct {
	Rev int `json:"rev"`
}

// PeopleImported tells that a file of people was loaded.
type PeopleImported struct {
	Affected int64 `json:"affected"`
	Import   int   `json:"import"`
}

// DecisionMade tells what a person decided about a version of a document.
type DecisionMade struct {
	Document breach.DocumentID   `json:"document"`
	Kind     breach.DocumentKind `json:"kind,omitempty"` // a hold and a waiver go to the duty that they are about
	Version  int                 `json:"version"`
	Verdict  breach.Verdict      `json:"verdict"`
}

// AnswersSet tells that an obligation's form has newer answers.
type AnswersSet struct {
	Rev int `json:"rev"`
}

// HoldReleased tells that a hold ended before its time.
type HoldReleased struct {
	Document breach.DocumentID `json:"document"`
}

// WithdrawalAsked tells that a report is to be taken back.
type WithdrawalAsked struct{}

// SupplementAsked tells that a person asked for a notice to those who had an earlier one.
type SupplementAsked struct {
	No          int `json:"no"`          // of what was asked for
	Supplements int `json:"supplements"` // the earlier notice
}

// TaskEnded tells that a person ended a task of the plan.
type TaskEnded struct {
	Kind breach.TaskKind `json:"kind"`
	Ref  string          `json:"ref"`
	Done bool            `json:"done"`
}

// FilingSettled tells what a person found out about a filing.
type FilingSettled struct {
	Filed        bool              `json:"filed"`
	Acknowledged bool              `json:"acknowledged,omitempty"`
	Document     breach.DocumentID `json:"document,omitempty"` // what was filed
}

// Reassessed tells a child what a newer assessment says of it.
type Reassessed struct {
	FactsRev int         `json:"facts_rev"`
	Owed     breach.Owed `json:"owed"`
	Covered  bool        `json:"covered,omitempty"` // another filing to the same addressee meets it too
	Clock    Clock       `json:"clock"`
}

// Fulfilled tells an obligation that what it waits for has happened.
type Fulfilled struct {
	By string `json:"by"` // "notice", "public notice", "closed"
}

// ByClosed says that the incident was closed: nothing more happens to the duty.
const ByClosed = "closed"

// Clock is an obligation's deadline. All instants are UTC and were computed by an activity.
type Clock struct {
	Waits     bool       `json:"waits,omitempty"` // the clock has not started
	From      *time.Time `json:"from,omitempty"`
	DueAt     *time.Time `json:"due_at,omitempty"`     // the law's, later by as long as holds let the clock rest
	PolicyAt  *time.Time `json:"policy_at,omitempty"`  // ours, where the law gives no number
	HeldUntil *time.Time `json:"held_until,omitempty"` // while a hold is in force
	Deadline  string     `json:"deadline,omitempty"`   // in words, as every surface writes it: see breach.Due
}

// Target is the instant to work towards; nil where there is none yet.
func (c Clock) Target() *time.Time {
	if c.DueAt != nil {
		return c.DueAt
	}
	return c.PolicyAt
}

// ChildStatus is what a child tells the incident.
type ChildStatus struct {
	Kind   string        `json:"kind"` // "plan", "obligation", "notice", "public"
	Key    string        `json:"key"`  // the obligation's key, the number of the notice
	Status string        `json:"status"`
	Awaits breach.Role   `json:"awaits,omitempty"` // whose move it is
	Done   bool          `json:"done,omitempty"`
	Late   bool          `json:"late,omitempty"`
	Clock  *Clock        `json:"clock,omitempty"` // where a hold has moved it
	Tally  *breach.Tally `json:"tally,omitempty"`
}

// Settings are the operator's, fixed when the incident starts: configuration enters as input, so that a replay takes the
// same way.
type Settings struct {
	Playbook       string           `json:"playbook"`
	Ladder         []breach.Channel `json:"ladder"`
	ShardSize      int              `json:"shard_size"`   // recipients in a shard
	ChunkSize      int              `json:"chunk_size"`   // contacts an activity sends
	ShardWindow    int              `json:"shard_window"` // shards at once
	Reminders      []float64        `json:"reminders"`    // fractions of the time
	EscalateBefore time.Duration    `json:"escalate_before"`
	PublicDays     int              `json:"public_days"` // how long a public notice is posted
	FirstWave      FirstWave        `json:"first_wave"`
	GatherBounces  time.Duration    `json:"gather_bounces"` // how long bounces gather before a notice that had ended goes on
	Escalation     []Step           `json:"escalation,omitempty"`
	Guard          Guard            `json:"guard,omitzero"`
}

// FirstWave is a small part of an audience that is told before the rest.
type FirstWave struct {
	Size  int           `json:"size,omitempty"`  // contacts; 0 for none
	Above int64         `json:"above,omitempty"` // an audience of more people has one
	Wait  time.Duration `json:"wait,omitempty"`  // for bounces
}

// Step is one step of the escalation; exactly one of its instants is set. Whom it wakes is the crier's to know, by the step's
// position: names stay out of histories.
type Step struct {
	At     float64        `json:"at,omitempty"`     // a part of the time to the deadline
	Before time.Duration  `json:"before,omitempty"` // before the deadline
	After  *time.Duration `json:"after,omitempty"`  // after it, 0 at the deadline itself
}

// Guard files a preliminary report where nobody has approved one shortly before a deadline of the law.
type Guard struct {
	Enabled bool          `json:"enabled,omitempty"`
	Before  time.Duration `json:"before,omitempty"` // before the deadline
	Rules   []string      `json:"rules,omitempty"`  // patterns of rules, such as cn-cac-*; none is all
}

// stands reports whether the guard stands in for a rule.
func (g Guard) stands(rule breach.RuleID) bool {
	if !g.Enabled || g.Before <= 0 {
		return false
	}
	if len(g.Rules) == 0 {
		return true
	}
	return slices.ContainsFunc(g.Rules, func(pattern string) bool {
		ok, err := path.Match(pattern, string(rule))
		return ok && err == nil
	})
}

// Search attributes: what a manager's list shows. They are stored in clear, so they hold phases, levels, counts and
// instants, never a title or a name.
var (
	KeyIncident     = temporal.NewSearchAttributeKeyKeyword("BreachIncident")
	KeyKind         = temporal.NewSearchAttributeKeyKeyword("BreachKind")
	KeyPhase        = temporal.NewSearchAttributeKeyKeyword("BreachPhase")
	KeySeverity     = temporal.NewSearchAttributeKeyKeyword("BreachSeverity")
	KeyAwaits       = temporal.NewSearchAttributeKeyKeyword("BreachAwaits")
	KeyStatusLine   = temporal.NewSearchAttributeKeyKeyword("BreachStatusLine")
	KeyTotal        = temporal.NewSearchAttributeKeyInt64("BreachTotal")
	KeyTold         = temporal.NewSearchAttributeKeyInt64("BreachTold")
	KeyUnreached    = temporal.NewSearchAttributeKeyInt64("BreachUnreached")
	KeyNextDeadline = temporal.NewSearchAttributeKeyTime("BreachNextDeadline")
	KeyOverdue      = temporal.NewSearchAttributeKeyBool("BreachOverdue")
	KeyDuties       = temporal.NewSearchAttributeKeyKeywordList("BreachDuties")
)

// SearchAttributes lists what must be registered with the engine's namespace: name and type.
func SearchAttributes() []temporal.SearchAttributeKey {
	return []temporal.SearchAttributeKey{
		KeyIncident, KeyKind, KeyPhase, KeySeverity, KeyAwaits, KeyStatusLine,
		KeyTotal, KeyTold, KeyUnreached, KeyNextDeadline, KeyOverdue, KeyDuties,
	}
}
