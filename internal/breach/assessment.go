package breach

import (
	"strings"
	"time"
)

// Severity is a level on one named scale. It is never a risk ("high risk" is a law's threshold of harm) and levels of
// different scales do not compare.
type Severity struct {
	Scale     string   `json:"scale"`      // the pack's key, "cac-2025"
	ScaleName Text     `json:"scale_name"` // as managers read it
	Level     string   `json:"level"`      // the pack's key, "relatively_major"; empty where the scale gives none
	LevelName Text     `json:"level_name"`
	Rank      int      `json:"rank"`             // 0 where there is no level; the gravest is highest
	Possible  string   `json:"possible"`         // the gravest level that unknown facts may still bring; Level where nothing is open
	Why       []Reason `json:"why,omitempty"`    // each line that gives the level
	Source    string   `json:"source,omitempty"` // instrument and article
	Verify    *Text    `json:"verify,omitempty"` // verify with counsel: the doubt about the lines that give the level
}

// Reason says why in words a counsel can check: the condition, and the facts that made it true.
type Reason struct {
	Text  Text       `json:"text"`
	Facts []FactName `json:"facts,omitempty"`
}

// Owed says whether a duty exists. Facts that nobody knows yet make it possible, and a possible duty with a running hard
// clock is tracked like an owed one until a fact rules it out.
type Owed string

// The three values.
const (
	IsOwed   Owed = "owed"
	Possible Owed = "possible"
	NotOwed  Owed = "not_owed"
)

// Duty says what fulfils an obligation.
type Duty string

// The kinds of duties.
const (
	DutyFiling  Duty = "filing"  // a report to an authority, another company or a body
	DutyNotice  Duty = "notice"  // each affected person, or guardian, is told
	DutyPublic  Duty = "public"  // the public is told
	DutyMeasure Duty = "measure" // something we do ourselves: remedy, start the plan, keep the logs
)

// Stage is where a filing stands in its chain.
type Stage string

// The stages of a chain of filings.
const (
	StageSingle     Stage = "single"
	StageInitial    Stage = "initial"
	StageSupplement Stage = "supplement"
	StageFinal      Stage = "final"
	StageWithdrawal Stage = "withdrawal" // a report is taken back, because there was nothing to report
)

// RuleID is a rule's row in the reference, "cn-cac-other".
type RuleID string

// Obligation is one duty found by an assessment: to whom, by when, under which source, and why.
type Obligation struct {
	Rule        RuleID `json:"rule"`
	Pack        string `json:"pack"`
	PackVersion string `json:"pack_version"`
	Owed        Owed   `json:"owed"`
	Duty        Duty   `json:"duty"`
	Stage       Stage  `json:"stage"`

	Title      Text   `json:"title"`      // what is to be done, in a line
	Instrument Text   `json:"instrument"` // official name
	Article    string `json:"article"`    // "art. 57", "第57条": in the instrument's own manner, in numerals
	ArticleIn  Text   `json:"article_in"` // the same in both languages
	Authority  string `json:"authority"`  // the addressee's key in the configuration, "cn-cac-provincial"; empty for measures and notices
	Addressee  Text   `json:"addressee"`

	Clock     FactName   `json:"clock,omitempty"`      // the fact the deadline runs from
	ClockAt   *time.Time `json:"clock_at,omitempty"`   // that fact's value; nil while the clock has not started
	DueAt     *time.Time `json:"due_at,omitempty"`     // UTC; nil where the law gives no number or the clock has not started
	Hard      bool       `json:"hard"`                 // the law gives a number
	PolicyAt  *time.Time `json:"policy_at,omitempty"`  // where it does not: when our policy escalates. Policy, not law
	Deadline  Text       `json:"deadline"`             // the rule in words: "4 hours from awareness"
	Zone      string     `json:"zone,omitempty"`       // IANA zone of the authority, for display
	CoveredBy RuleID     `json:"covered_by,omitempty"` // another filing to the same addressee that fulfils this duty as well

	Content  []Text     `json:"content,omitempty"` // what the law asks to be in it
	Channels []string   `json:"channels,omitempty"`
	Why      []Reason   `json:"why,omitempty"`
	Depends  []FactName `json:"depends,omitempty"` // unknown facts that would settle it; for possible duties
	Source   string     `json:"source"`            // where the rule was read, with its mark of confidence
	Verify   *Text      `json:"verify,omitempty"`  // verify with counsel: the doubt's text
	Problem  *Text      `json:"problem,omitempty"` // why DueAt could not be counted, though the law gives a number
	Waits    *Text      `json:"waits,omitempty"`   // the lawful delay that moved DueAt
}

// Key identifies an obligation within an incident: rule and authority.
func (o Obligation) Key() string {
	if o.Authority == "" {
		return string(o.Rule)
	}
	return string(o.Rule) + "/" + o.Authority
}

// Chain names the chain of filings that an obligation's belong to: all that one authority gets under one instrument, from the
// first report to the last or to its withdrawal. It is empty for what is not filed with anybody.
func (o Obligation) Chain() string {
	if o.Authority == "" {
		return ""
	}
	return o.Authority + " | " + o.Instrument.EN
}

// SplitObligationKey is the inverse of [Obligation.Key].
func SplitObligationKey(key string) (rule RuleID, authority string) {
	r, a, _ := strings.Cut(key, "/")
	return RuleID(r), a
}

// Target is the instant that reminders and escalation work towards: the law's where it gives one, else the policy's. It is
// nil while the clock has not started.
func (o Obligation) Target() *time.Time {
	if o.DueAt != nil {
		return o.DueAt
	}
	return o.PolicyAt
}

// Question is a fact worth finding out next.
type Question struct {
	Fact     FactName   `json:"fact"`
	Text     Text       `json:"text"`
	Decides  []string   `json:"decides"`            // keys of obligations, names of scales
	Earliest *time.Time `json:"earliest,omitempty"` // the nearest deadline that hangs on it
}

// PackRef names one version of a pack of law.
type PackRef struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

// Assessment is the answer of the law packs to one revision of the facts.
type Assessment struct {
	FactsRev    int          `json:"facts_rev"`
	AssessedAt  time.Time    `json:"assessed_at"`
	Packs       []PackRef    `json:"packs"`
	Severities  []Severity   `json:"severities"`
	Obligations []Obligation `json:"obligations"` // owed and possible ones, by deadline; those not owed are left out unless asked for
	Questions   []Question   `json:"questions,omitempty"`
	Assumed     []Reason     `json:"assumed,omitempty"` // what our policy took for granted about the organisation, because its profile does not say
}
