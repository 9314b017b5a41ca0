package breach

// DocumentKind says what a document is for.
type DocumentKind string

// The kinds of documents that a second person approves.
const (
	DocFiling       DocumentKind = "filing"
	DocNotice       DocumentKind = "notice"
	DocPublicNotice DocumentKind = "public_notice"
	DocClosure      DocumentKind = "closure"
)

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
	TaskOverdue     TaskKind = "overdue"       // a deadline has passed
	TaskFinding     TaskKind = "finding"       // something a person must look at
)
