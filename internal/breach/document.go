package breach

import (
	"slices"
	"strings"
	"time"
)

// DocumentKind says what a document is for.
type DocumentKind string

// The kinds of documents that a second person approves.
const (
	DocFiling       DocumentKind = "filing"
	DocNotice       DocumentKind = "notice"
	DocPublicNotice DocumentKind = "public_notice"
	DocClosure      DocumentKind = "closure"
	DocHold         DocumentKind = "hold"   // the clock of a duty rests until an instant, on an authority's paper
	DocWaiver       DocumentKind = "waiver" // a duty is given up, with a reason
)

// DocumentKinds lists every kind.
func DocumentKinds() []DocumentKind {
	return []DocumentKind{DocFiling, DocNotice, DocPublicNotice, DocClosure, DocHold, DocWaiver}
}

// DocumentID is a version of a document.
type DocumentID string

// Verdict is what a person decided about a document.
type Verdict string

// The verdicts.
const (
	Approved Verdict = "approved"
	Refused  Verdict = "refused"
)

// TaskKind says why a person is asked to act.
type TaskKind string

// The kinds of tasks.
const (
	TaskManualStep  TaskKind = "manual_step"   // a step of the plan that a person does
	TaskNotExecuted TaskKind = "not_executed"  // a step that the machine could not do
	TaskAddressee   TaskKind = "addressee"     // a filing without an address in the configuration
	TaskInDoubt     TaskKind = "filing_doubt"  // a filing that may have gone out: find out, then say so
	TaskRefused     TaskKind = "filing_failed" // a filing that was refused
	TaskMeasure     TaskKind = "measure"       // a duty to act ourselves: confirm that it was done
	TaskOverdue     TaskKind = "overdue"       // a deadline has passed
	TaskFinding     TaskKind = "finding"       // something a person must look at
	TaskLateReason  TaskKind = "late_reason"   // a report is late: say why, so that it can be filed

	// What an authority asks after a report; each ends with a proof.
	TaskQuestion      TaskKind = "question"      // answer it
	TaskInterview     TaskKind = "interview"     // 约谈: attend it
	TaskRectification TaskKind = "rectification" // 整改: carry the order out, and prove it
)

// FollowUpKinds lists what an authority may ask for after a report.
func FollowUpKinds() []TaskKind { return []TaskKind{TaskQuestion, TaskInterview, TaskRectification} }

// IsFollowUp reports whether an authority asked for it.
func (k TaskKind) IsFollowUp() bool {
	return k == TaskQuestion || k == TaskInterview || k == TaskRectification
}

// Content is what a document says, in every language and for every audience it has. Its JSON is what is hashed, approved
// and sent; nothing is rendered anew after an approval.
type Content struct {
	Renditions []Rendition `json:"renditions"`
	IssuedAt   *time.Time  `json:"issued_at,omitempty"` // of a notice: its date
	Reason     string      `json:"reason,omitempty"`    // of a closing, a hold, a waiver: the reason as its author gave it
}

// Rendition is one text of a document.
type Rendition struct {
	Language Language `json:"language"`
	Audience Audience `json:"audience,omitempty"` // for notices to people
	Title    string   `json:"title"`              // a filing's title, a notice's subject line
	Text     string   `json:"text"`
	HTML     string   `json:"html,omitempty"`
	Blocks   []Block  `json:"blocks,omitempty"` // the same text piece by piece, for other layouts: PDF, DOCX
	SMS      string   `json:"sms,omitempty"`
	Push     string   `json:"push,omitempty"`       // a push message's body
	PushHead string   `json:"push_title,omitempty"` // and its title

	Variables map[string]string `json:"variables,omitempty"` // of a provider's approved SMS template
	Marks     *Marks            `json:"marks,omitempty"`     // of a notice: the words around names that are merged later

	Law        string   `json:"law,omitempty"`        // of a notice: whose demands it meets, "cn-pipl"
	Regions    []string `json:"regions,omitempty"`    // of a notice: where its readers live, ISO 3166; empty for everybody else
	Categories []string `json:"categories,omitempty"` // of a notice: the data it speaks of; each reader gets the lines that are theirs
}

// BlockKind says what a piece of a text is.
type BlockKind string

// The kinds of blocks.
const (
	BlockHeading   BlockKind = "heading"
	BlockParagraph BlockKind = "paragraph"
	BlockItem      BlockKind = "item" // of a list without numbers
	BlockRow       BlockKind = "row"  // of a form: a label and what it says
)

// ItemState says what is known of a form's row.
type ItemState string

// The states of a row. A required row is in one of them, and never blank.
const (
	ItemGiven         ItemState = "given"
	ItemUnknown       ItemState = "unknown"        // to be supplemented
	ItemNotApplicable ItemState = "not_applicable" // with the reason
)

// Block is one piece of a text, in reading order. Neighbouring items are one list, neighbouring rows one table.
type Block struct {
	Kind  BlockKind `json:"kind"`
	Label string    `json:"label,omitempty"` // of a row
	Text  string    `json:"text"`
	State ItemState `json:"state,omitempty"` // of a row
}

// File is a finished rendering of a document, made when the document was: what was approved is what is sent.
type File struct {
	Name   string `json:"name"`   // report-zh-CN.pdf; never holds personal data
	Type   string `json:"type"`   // media type
	SHA256 string `json:"sha256"` // hexadecimal
	Bytes  []byte `json:"-"`
}

// Marks are the words around the names that are merged into a notice for each reader, in the notice's language.
type Marks struct {
	Greeting        string `json:"greeting"`
	GreetingUnnamed string `json:"greeting_unnamed"`
	PeopleUnnamed   string `json:"people_unnamed"`
	PersonHidden    string `json:"person_hidden"`
	PeopleHidden    string `json:"people_hidden,omitempty"`
	PeopleCounted   string `json:"people_counted,omitempty"`
}

// Rendition returns the text for a language and audience, else the first for the audience in any language.
func (c Content) Rendition(l Language, a Audience) (Rendition, bool) { return c.Notice("", l, a) }

// Notice returns the notice for a reader who lives in a region: the text made for that region, else for its country, else
// the text for everybody else, else the first, which is the text of home; and of these the one in the reader's language, else in any. It is false only
// where nothing speaks to the audience.
func (c Content) Notice(region string, l Language, a Audience) (Rendition, bool) {
	found, best := -1, 0
	for i, r := range c.Renditions {
		if r.Audience != a {
			continue
		}
		fit := 2 * r.fits(region)
		if r.Language == l {
			fit++
		}
		if found < 0 || fit > best {
			found, best = i, fit
		}
	}
	if found < 0 {
		return Rendition{}, false
	}
	return c.Renditions[found], true
}

// fits says how well a text fits a region: 3 for the region itself, 2 for its country, 1 for a text that is for everybody
// else, 0 for a text of another place.
func (r Rendition) fits(region string) int {
	country, _, _ := strings.Cut(region, "-")
	switch {
	case region == "":
		return 0
	case slices.Contains(r.Regions, region):
		return 3
	case slices.Contains(r.Regions, country):
		return 2
	case len(r.Regions) == 0:
		return 1
	}
	return 0
}
