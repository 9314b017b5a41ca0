package api

import (
	"slices"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/intake"
	"tocsin/internal/store"
)

// Route is one row of the table: what may be asked, and who may ask it.
type Route struct {
	Method  string
	Pattern string        // as net/http's ServeMux writes it
	Roles   []breach.Role // who may; empty only where Public
	Public  bool          // anybody may, without a token
	Does    string        // in a few words, for the page of routes

	limit int64         // bytes of the body
	time  time.Duration // for the whole request; 0 where the handler sets deadlines itself
	do    handler
}

type handler func(s *server, c *call) error

// The groups that the table speaks of.
var (
	anybody   = []breach.Role(nil)
	readers   = []breach.Role{breach.RoleResponder, breach.RoleLead, breach.RoleApprover, breach.RoleManager, breach.RoleAuditor}
	workers   = []breach.Role{breach.RoleResponder, breach.RoleLead}
	handlers  = []breach.Role{breach.RoleResponder, breach.RoleLead, breach.RoleApprover}
	deciders  = []breach.Role{breach.RoleLead, breach.RoleApprover}
	leads     = []breach.Role{breach.RoleLead}
	auditors  = []breach.Role{breach.RoleAuditor}
	witnesses = []breach.Role{breach.RoleResponder, breach.RoleLead, breach.RoleApprover, breach.RoleAuditor}
	overseers = []breach.Role{breach.RoleLead, breach.RoleApprover, breach.RoleManager, breach.RoleAuditor}
	lookers   = []breach.Role{breach.RoleLead, breach.RoleAuditor}
	sources   = []breach.Role{breach.RoleSource}
	reporters = []breach.Role{breach.RoleResponder, breach.RoleLead, breach.RoleSource}
)

const (
	formLimit    = 64 << 10  // of a person's form
	answersLimit = 512 << 10 // of a report's answers, all at once
	quick        = 30 * time.Second
)

// table is the one list of what the API can do. A route that is not here does not exist.
func table(maxUpload int64) []Route {
	routes := []Route{
		{Method: "POST", Pattern: "/v1/incidents", Roles: reporters, limit: intake.MaxBytes, do: openIncident, Does: "report a suspicion"},
		{Method: "GET", Pattern: "/v1/incidents", Roles: readers, do: listIncidents, Does: "list incidents, newest first"},
		{Method: "GET", Pattern: "/v1/incidents/{id}", Roles: readers, do: showIncident, Does: "show where an incident stands"},
		{Method: "PATCH", Pattern: "/v1/incidents/{id}/facts", Roles: workers, limit: formLimit, do: amendFacts, Does: "state or correct facts"},
		{Method: "GET", Pattern: "/v1/incidents/{id}/facts", Roles: readers, do: factHistory, Does: "list what was known when"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/reassess", Roles: leads, limit: formLimit, do: reassess, Does: "ask the packs of law anew for the same facts"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/close", Roles: leads, limit: formLimit, do: proposeClosing, Does: "propose to close; another person decides"},

		{Method: "POST", Pattern: "/v1/incidents/{id}/people", Roles: workers, limit: maxUpload, time: -1, do: importPeople, Does: "import a file of affected people"},
		{Method: "GET", Pattern: "/v1/incidents/{id}/people/count", Roles: readers, do: countPeople, Does: "count affected people by where they stand"},
		{Method: "GET", Pattern: "/v1/incidents/{id}/people/segments", Roles: readers, do: peopleSegments, Does: "count who must be told, by the text they get"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/people/outcome", Roles: lookers, limit: formLimit, do: personOutcome, Does: "how telling one person went, masked; every look is journalled"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/people/grants", Roles: leads, limit: formLimit, do: grantChildren, Does: "let somebody look at how telling children went"},
		{Method: "GET", Pattern: "/v1/incidents/{id}/exemptions", Roles: readers, do: listExemptions, Does: "list whom the law frees us from telling, without who they are"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/exemptions", Roles: leads, limit: formLimit, do: askExemption, Does: "ask that one person be lawfully left untold; another person decides"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/exemptions/{no}/decision", Roles: deciders, limit: formLimit, do: decideExemption, Does: "approve or refuse an exemption; never one's own"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/exemptions/{no}/lift", Roles: leads, limit: formLimit, do: liftExemption, Does: "end an exemption: the person is told after all"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/reconcile", Roles: readers, limit: formLimit, time: 3 * time.Hour, do: reconcile, Does: "count everybody and every delivery anew, and compare"},
		{Method: "GET", Pattern: "/v1/incidents/{id}/people/issues", Roles: workers, do: importIssues, Does: "list rows that an import set aside or warned of"},

		{Method: "GET", Pattern: "/v1/incidents/{id}/tasks", Roles: readers, do: listTasks, Does: "list what people must do"},
		{Method: "GET", Pattern: "/v1/tasks/{id}", Roles: readers, do: showTask, Does: "show one task"},
		{Method: "POST", Pattern: "/v1/tasks/{id}/end", Roles: handlers, limit: formLimit, do: endTask, Does: "say that a task was done, or could not be"},

		{Method: "GET", Pattern: "/v1/incidents/{id}/filings", Roles: readers, do: listFilings, Does: "list reports to authorities with their documents and receipts"},
		{Method: "GET", Pattern: "/v1/incidents/{id}/notice-words", Roles: readers, do: showNoticeWords, Does: "show what our people wrote for the notices"},
		{Method: "PUT", Pattern: "/v1/incidents/{id}/notice-words", Roles: workers, limit: formLimit, do: writeNoticeWords, Does: "write the cause, the measures and the rest for the notices"},
		{Method: "GET", Pattern: "/v1/incidents/{id}/filing/form", Roles: readers, do: showForm, Does: "show what a duty's form asks for, and what is answered"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/filing/answers", Roles: workers, limit: answersLimit, do: setAnswers, Does: "answer items of a form; who answers cannot approve"},
		{Method: "GET", Pattern: "/v1/incidents/{id}/filing/versions", Roles: readers, do: listVersions, Does: "list every version of a report with its files and decisions"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/filing/receipt", Roles: handlers, limit: formLimit, do: addReceipt, Does: "record what an authority gave for a report"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/filing/withdraw", Roles: leads, limit: formLimit, do: withdraw, Does: "ask that a report be taken back; the withdrawal is approved and filed like a report"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/hold", Roles: leads, limit: formLimit, do: proposeHold, Does: "propose that a duty's clock rest; another person decides"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/hold/release", Roles: deciders, limit: formLimit, do: releaseHold, Does: "end a hold before its time"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/waiver", Roles: leads, limit: formLimit, do: proposeWaiver, Does: "propose to give a duty up; another person decides"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/followups", Roles: workers, limit: formLimit, do: addFollowUp, Does: "record what an authority asks for: a question, an interview, an order to rectify"},
		{Method: "GET", Pattern: "/v1/incidents/{id}/evidence", Roles: readers, do: listEvidence, Does: "list papers and pictures that prove something"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/evidence", Roles: handlers, limit: store.MaxEvidence, time: paperTime, do: addEvidence, Does: "keep a paper or a picture, sealed"},
		{Method: "GET", Pattern: "/v1/incidents/{id}/evidence/{item}", Roles: witnesses, time: paperTime, do: readEvidence, Does: "the bytes of a piece of evidence; every look is journalled"},
		{Method: "GET", Pattern: "/v1/register", Roles: overseers, time: time.Minute, do: showRegister, Does: "the register of incidents, those that nobody had to be told of too"},

		{Method: "GET", Pattern: "/v1/incidents/{id}/notices", Roles: readers, do: listNotices, Does: "list notices to people and to the public"},
		{Method: "GET", Pattern: "/v1/incidents/{id}/notices/versions", Roles: readers, do: listNoticeVersions, Does: "list every version of a notice with its decisions"},
		{Method: "GET", Pattern: "/v1/incidents/{id}/campaigns/{n}/progress", Roles: readers, do: campaignProgress, Does: "where a notice stands by channel and segment, its rate, and its clock"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/campaigns/{n}/test-send", Roles: handlers, limit: formLimit, do: testSend, Does: "mail a notice's text to one of our own people, marked as a test"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/campaigns/{n}/supplements", Roles: workers, limit: formLimit, do: askSupplement, Does: "prepare a notice that corrects an earlier one or adds to it, for those who had it"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/campaigns/{n}/halt", Roles: handlers, limit: formLimit, do: halt, Does: "stop a campaign's sending at once"},
		{Method: "POST", Pattern: "/v1/incidents/{id}/campaigns/{n}/resume", Roles: deciders, limit: formLimit, do: resume, Does: "let a halted campaign go on"},

		{Method: "GET", Pattern: "/v1/documents/{id}", Roles: readers, do: showDocument, Does: "show a version of a document"},
		{Method: "GET", Pattern: "/v1/documents/{id}/content", Roles: readers, do: documentContent, Does: "the bytes that a decision's hash is of"},
		{Method: "GET", Pattern: "/v1/documents/{document}/files/{name}", Roles: readers, do: documentFile, Does: "a finished rendering of a version: PDF, DOCX"},
		{Method: "POST", Pattern: "/v1/documents/{id}/decision", Roles: deciders, limit: formLimit, do: decide, Does: "approve or refuse a version; never one's own"},

		{Method: "GET", Pattern: "/v1/incidents/{id}/journal", Roles: auditors, do: journal, Does: "list the journal"},
		{Method: "GET", Pattern: "/v1/incidents/{id}/deliveries", Roles: auditors, do: deliveries, Does: "list the delivery ledger, without contacts"},

		{Method: "GET", Pattern: "/{$}", Public: true, Roles: anybody, do: index, Does: "the public notices posted now"},
		{Method: "GET", Pattern: "/notices/{number}", Public: true, Roles: anybody, do: publicNotice, Does: "a public notice as it was approved"},
		{Method: "GET", Pattern: "/check", Public: true, Roles: anybody, do: check, Does: "whether a notice number is genuine"},
		{Method: "GET", Pattern: "/healthz", Public: true, Roles: anybody, do: healthz, Does: "whether the process lives"},
		{Method: "GET", Pattern: "/readyz", Public: true, Roles: anybody, do: readyz, Does: "whether the database answers"},
	}
	for _, src := range intake.Sources() {
		routes = append(routes, Route{
			Method: "POST", Pattern: "/v1/alerts/" + src.Name, Roles: sources, limit: intake.MaxBytes,
			do: takeAlerts(src), Does: "alerts of " + src.Title,
		})
	}
	for i := range routes {
		if routes[i].time == 0 {
			routes[i].time = quick
		}
	}
	return routes
}

// Routes lists what the API can do.
func Routes() []Route { return slices.Clone(table(0)) }

// complete reports whether a row may become a route.
func (r Route) complete() bool {
	return r.Method != "" && r.Pattern != "" && r.Does != "" && r.do != nil && r.Public == (len(r.Roles) == 0)
}
