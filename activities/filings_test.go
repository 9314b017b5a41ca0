package activities_test

import (
	"strings"
	"testing"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/internal/store"
)

const cacDuty = "cn-cac-other/cn-cac-provincial"

// drafted opens an incident with the CAC's duty and returns its approved report.
func drafted(h *house, f *activities.Filings) (breach.IncidentID, breach.DocumentID) {
	h.t.Helper()
	id := h.openIncident(leak())
	d, err := run[activities.Draft](h, f.DraftFiling, activities.DraftFilingInput{Incident: id, Key: cacDuty})
	if err != nil {
		h.t.Fatal(err)
	}
	h.approve(d.Document, "wang.fang")
	return id, d.Document
}

func TestAFilingIsHandedOverOnceWhateverTheMailServerDoes(t *testing.T) {
	for _, c := range []struct {
		name     string
		address  string
		fault    *inbox.Fault
		want     []activities.FilingState // of each call in turn
		received int
		tasks    string
	}{
		{"accepted", "cac@authority.example", nil, []activities.FilingState{activities.FiledAccepted, activities.FiledAccepted}, 1, "[]"},
		{"refused", "cac@authority.example", &inbox.Fault{To: "cac@authority.example", Do: inbox.Refuse}, []activities.FilingState{activities.FiledBlocked}, 0, "[filing_failed]"},
		{"refused, as it is us", "cac@authority.example", &inbox.Fault{To: "cac@authority.example", Do: inbox.Refuse, Code: "530"}, []activities.FilingState{activities.FiledBlocked}, 0, "[filing_failed]"},
		{"our sender refused", "cac@authority.example", &inbox.Fault{To: "*", Do: inbox.Refuse, At: inbox.AtMail, Times: 2}, []activities.FilingState{activities.FiledLater, activities.FiledLater, activities.FiledAccepted}, 1, "[finding]"},
		{"refused for now", "cac@authority.example", &inbox.Fault{To: "cac@authority.example", Do: inbox.Defer, Times: 1}, []activities.FilingState{activities.FiledLater, activities.FiledAccepted}, 1, "[]"},
		{"cut after the message", "cac@authority.example", &inbox.Fault{To: "cac@authority.example", Do: inbox.Drop}, []activities.FilingState{activities.FiledInDoubt, activities.FiledInDoubt}, 1, "[filing_doubt]"},
		{"no address", "", nil, []activities.FilingState{activities.FiledBlocked}, 0, "[addressee]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			if c.fault != nil {
				if err := h.inbox.SetFaults(*c.fault); err != nil {
					t.Fatal(err)
				}
			}
			f := h.filings(c.address)
			id, document := drafted(h, f)
			for i, want := range c.want {
				got, err := run[activities.Filed](h, f.FileReport, activities.FileReportInput{Incident: id, Key: cacDuty, Document: document})
				if err != nil || got.State != want {
					t.Fatalf("call %d: %+v, %v; want %s", i+1, got, err, want)
				}
			}
			if n := h.inbox.Count(inbox.Filter{Channel: inbox.ChannelEmail}); n != c.received {
				t.Errorf("the authority received %d reports, want %d", n, c.received)
			}
			if got := h.taskKinds(id); got != c.tasks {
				t.Errorf("tasks %s, want %s", got, c.tasks)
			}
		})
	}
}

// The worker dies after the server took the report and before the record was written: nobody files it again but a person.
func TestAFilingWhoseWorkerDiedIsInDoubtUntilAPersonSettlesIt(t *testing.T) {
	h := newHouse(t)
	f := h.filings("cac@authority.example")
	id, document := drafted(h, f)
	in := activities.FileReportInput{Incident: id, Key: cacDuty, Document: document}
	if _, err := h.store.BeginFiling(t.Context(), store.Filing{ID: breach.DeliveryID(strings.Repeat("0", 32)), IncidentID: id, Obligation: cacDuty, Document: document, Channel: "email"}, []byte{1}); err != nil {
		t.Fatal(err)
	}
	if got, err := run[activities.Filed](h, f.FileReport, in); err != nil || got.State != activities.FiledInDoubt {
		t.Fatalf("after the crash: %+v, %v", got, err)
	}
	if n := h.inbox.Count(inbox.Filter{}); n != 0 {
		t.Fatalf("%d messages left the house in doubt", n)
	}
	tasks, err := h.store.Tasks(t.Context(), id, false)
	if err != nil || len(tasks) != 1 {
		t.Fatalf("tasks: %v, %v", tasks, err)
	}
	if _, err := h.store.EndTask(t.Context(), store.TaskEnd{ID: tasks[0].ID, Done: false, Note: "they have nothing", By: "li.wei"}); err != nil {
		t.Fatal(err)
	}
	if got, err := run[activities.Filed](h, f.FileReport, in); err != nil || got.State != activities.FiledAccepted {
		t.Fatalf("after a person said that it never arrived: %+v, %v", got, err)
	}
}

func TestFactsThatChangeMakeANewVersionAndTheOldApprovalVoid(t *testing.T) {
	h := newHouse(t)
	f := h.filings("cac@authority.example")
	id, old := drafted(h, f)
	if _, err := h.store.AmendFacts(t.Context(), id, breach.Facts{"people.total": int64(1_500_000)}, "zhao.min", "recounted"); err != nil {
		t.Fatal(err)
	}
	d, err := run[activities.Draft](h, f.DraftFiling, activities.DraftFilingInput{Incident: id, Key: cacDuty})
	if err != nil || d.Document == old || d.Version != 2 || d.Approved {
		t.Fatalf("new draft %+v, %v", d, err)
	}
	got, err := run[activities.Filed](h, f.FileReport, activities.FileReportInput{Incident: id, Key: cacDuty, Document: old})
	if err != nil || got.State != activities.FiledVoid {
		t.Fatalf("filing the old version: %+v, %v", got, err)
	}
	if n := h.inbox.Count(inbox.Filter{}); n != 0 {
		t.Errorf("%d reports left on a void approval", n)
	}
}

func TestTheAuthorOfTheFactsCannotApproveTheReport(t *testing.T) {
	h := newHouse(t)
	id := h.openIncident(leak())
	d, err := run[activities.Draft](h, h.filings("cac@authority.example").DraftFiling, activities.DraftFilingInput{Incident: id, Key: cacDuty})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := h.store.Document(t.Context(), d.Document)
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.store.Decide(t.Context(), store.Decision{Document: d.Document, SHA256: doc.SHA256, Verdict: breach.Approved, Person: "zhao.min", Role: breach.RoleApprover})
	if r, ok := err.(*store.Refused); !ok || r.Code != "same_person" {
		t.Fatalf("the author's approval: %v", err)
	}
}
