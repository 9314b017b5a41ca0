package activities_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/internal/regulation"
	"tocsin/internal/store"
)

// amend states facts and assesses them.
func (h *house) amend(id breach.IncidentID, by breach.Person, facts breach.Facts) {
	h.t.Helper()
	rev, err := h.store.AmendFacts(h.t.Context(), id, facts, by, "test")
	if err != nil {
		h.t.Fatal(err)
	}
	laws, err := regulation.Load()
	if err != nil {
		h.t.Fatal(err)
	}
	a := &activities.Assessor{Store: h.store, Laws: laws, Organisation: profile(), Now: time.Now}
	if _, err := run[activities.Assessed](h, a.Assess, activities.AssessInput{Incident: id, Rev: rev.Rev}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) draft(f *activities.Filings, id breach.IncidentID, stage breach.Stage) activities.Draft {
	h.t.Helper()
	d, err := run[activities.Draft](h, f.DraftFiling, activities.DraftFilingInput{Incident: id, Key: cacDuty, Stage: stage})
	if err != nil {
		h.t.Fatal(err)
	}
	return d
}

func (h *house) file(f *activities.Filings, id breach.IncidentID, document breach.DocumentID) activities.FilingState {
	h.t.Helper()
	got, err := run[activities.Filed](h, f.FileReport, activities.FileReportInput{Incident: id, Key: cacDuty, Document: document})
	if err != nil {
		h.t.Fatal(err)
	}
	return got.State
}

func (h *house) text(id breach.DocumentID) string {
	h.t.Helper()
	d, err := h.store.Document(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	var c breach.Content
	if err := json.Unmarshal(d.Content, &c); err != nil {
		h.t.Fatal(err)
	}
	return c.Renditions[0].Title + "\n" + c.Renditions[0].Text
}

// carries reports whether a mail has a file, byte for byte.
func carries(m inbox.Message, name string, want []byte) bool {
	return slices.ContainsFunc(m.Attachments, func(a inbox.Attachment) bool { return a.Name == name && bytes.Equal(a.Bytes, want) })
}

func TestTheReportThatLeavesIsTheFilesThatWereApproved(t *testing.T) {
	h := newHouse(t)
	f := h.filings("cac@authority.example")
	id, document := drafted(h, f)
	doc, err := h.store.Document(t.Context(), document)
	if err != nil || len(doc.Files) != 4 {
		t.Fatalf("files %+v, %v", doc.Files, err)
	}
	if got := h.file(f, id, document); got != activities.FiledAccepted {
		t.Fatal(got)
	}
	mail := h.inbox.Messages(inbox.Filter{Channel: inbox.ChannelEmail})
	if len(mail) != 1 {
		t.Fatalf("%d mails", len(mail))
	}
	for _, file := range doc.Files {
		stored, err := h.store.DocumentFile(t.Context(), document, file.Name)
		if err != nil {
			t.Fatal(err)
		}
		if !carries(mail[0], file.Name, stored.Bytes) {
			t.Errorf("%s is not attached as it was approved", file.Name)
		}
	}
}

func TestAnApprovalStaysWhereFactsChangeNothingThatTheReportSays(t *testing.T) {
	h := newHouse(t)
	f := h.filings("cac@authority.example")
	id, document := drafted(h, f)
	h.amend(id, "zhao.min", breach.Facts{"delay.law_enforcement_until": time.Now().Add(time.Hour).UTC().Truncate(time.Second)}) // the Chinese form does not ask for it
	d := h.draft(f, id, "")
	if d.Document != document || !d.Approved || d.Voided {
		t.Fatalf("after a fact that the form does not say: %+v", d)
	}
	if got := h.file(f, id, document); got != activities.FiledAccepted {
		t.Errorf("filing it: %s", got)
	}
}

func TestWhatPeopleAnswerStandsInTheReportAndTheyMayNotApproveIt(t *testing.T) {
	h := newHouse(t)
	f := h.filings("cac@authority.example")
	id, old := drafted(h, f)
	cause := store.Answer{Item: "cause", Text: breach.Text{ZH: "接口未鉴权", EN: "an interface without authentication"}}
	if err := activities.CheckAnswer(cause); err != nil {
		t.Fatal(err)
	}
	if _, err := h.store.SetAnswers(t.Context(), id, cacDuty, "li.wei", []store.Answer{cause}); err != nil {
		t.Fatal(err)
	}
	if got := h.file(f, id, old); got != activities.FiledVoid {
		t.Errorf("filing what was approved before the answer: %s", got)
	}
	d := h.draft(f, id, "")
	if d.Document == old || !d.Voided || d.AnswersRev != 1 || !strings.Contains(h.text(d.Document), "接口未鉴权") {
		t.Fatalf("%+v\n%s", d, h.text(d.Document))
	}
	doc, err := h.store.Document(t.Context(), d.Document)
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.store.Decide(t.Context(), store.Decision{Document: doc.ID, SHA256: doc.SHA256, Verdict: breach.Approved, Person: "li.wei", Role: breach.RoleApprover})
	if r, ok := err.(*store.Refused); !ok || r.Code != "same_person" {
		t.Errorf("who answered approves: %v", err)
	}
}

func TestAChainFromTheFirstReportToItsWithdrawal(t *testing.T) {
	h := newHouse(t)
	f := h.filings("cac@authority.example")
	id, first := drafted(h, f)
	if d := h.draft(f, id, breach.StageSupplement); !d.Nothing {
		t.Fatalf("a supplement before the first report: %+v", d)
	}
	if got := h.file(f, id, first); got != activities.FiledAccepted {
		t.Fatal(got)
	}
	if d := h.draft(f, id, breach.StageSupplement); !d.Nothing {
		t.Fatalf("a supplement of nothing new: %+v", d)
	}
	h.amend(id, "zhao.min", breach.Facts{"people.total": int64(2_500_000)})
	d := h.draft(f, id, breach.StageSupplement)
	if d.Nothing || d.Voided || d.Approved {
		t.Fatalf("the supplement: %+v", d)
	}
	doc, err := h.store.Document(t.Context(), d.Document)
	if err != nil || doc.Stage != breach.StageSupplement || doc.Number != 2 || !strings.Contains(h.text(d.Document), "2,500,000") {
		t.Fatalf("%+v, %v\n%s", doc, err, h.text(d.Document))
	}
	if old, err := h.store.Document(t.Context(), first); err != nil || !strings.Contains(*old.VoidReason, "it was filed") {
		t.Errorf("the first report: %v, %v", *old.VoidReason, err)
	}
	h.approve(d.Document, "wang.fang")
	if got := h.file(f, id, d.Document); got != activities.FiledAccepted {
		t.Fatal(got)
	}
	w := h.draft(f, id, breach.StageWithdrawal)
	h.approve(w.Document, "wang.fang")
	if got := h.file(f, id, w.Document); got != activities.FiledAccepted {
		t.Fatal(got)
	}
	filings, err := h.store.Filings(t.Context(), id)
	if err != nil || len(filings) != 3 {
		t.Fatalf("%+v, %v", filings, err)
	}
	for i, stage := range []breach.Stage{breach.StageInitial, breach.StageSupplement, breach.StageWithdrawal} {
		if f := filings[i]; f.Stage != stage || f.Number != i+1 || f.Chain != filings[0].Chain || f.Chain == "" || f.Channel != "email" {
			t.Errorf("%d: %+v", i+1, f)
		}
	}
	h.amend(id, "zhao.min", breach.Facts{"people.total": int64(3_000_000)})
	if d := h.draft(f, id, breach.StageSupplement); !d.Nothing {
		t.Errorf("a supplement after the withdrawal: %+v", d)
	}
}

func TestByHandGetsTheTextReadyToPaste(t *testing.T) {
	h := newHouse(t)
	f := h.filings("")
	to := f.Authorities["cn-cac-provincial"]
	to.Hotline, to.Portal = "12387", "https://12387.authority.example"
	f.Authorities["cn-cac-provincial"] = to
	id, document := drafted(h, f)
	if got := h.file(f, id, document); got != activities.FiledBlocked {
		t.Fatal(got)
	}
	tasks, err := h.store.Tasks(t.Context(), id, false)
	if err != nil || len(tasks) != 1 || tasks[0].Text == "" || !strings.Contains(h.text(document), tasks[0].Text) {
		t.Fatalf("%+v, %v", tasks, err)
	}
	for _, say := range []string{"12387", "https://12387.authority.example", "tocsin filing receipt " + string(id)} {
		if !strings.Contains(tasks[0].Detail.EN, say) || !strings.Contains(tasks[0].Detail.ZH, say) {
			t.Errorf("the task does not say %q: %s", say, tasks[0].Detail.EN)
		}
	}
}

func TestTheGuardApprovesInItsOwnNameAndNeverWhatAPersonRefused(t *testing.T) {
	h := newHouse(t)
	f := h.filings("cac@authority.example")
	h.store.RequireApprovals(map[breach.DocumentKind]int{breach.DocFiling: 2})
	id := h.openIncident(leak())
	d := h.draft(f, id, "")
	guard := activities.GuardInput{Incident: id, Key: cacDuty, Document: d.Document, Before: 10 * time.Minute}
	if got, err := run[activities.Guarded](h, f.GuardFiling, guard); err != nil || !got.Approved {
		t.Fatal(got, err)
	}
	doc, err := h.store.Document(t.Context(), d.Document)
	if err != nil || !doc.Valid() || *doc.ApprovedBy != breach.Guard {
		t.Fatalf("%+v, %v", doc, err)
	}
	decisions, err := h.store.Decisions(t.Context(), d.Document)
	if err != nil || len(decisions) != 1 || decisions[0].Role != breach.RoleGuard || !strings.Contains(decisions[0].Why, "policy.guard") {
		t.Errorf("%+v, %v", decisions, err)
	}
	if got := h.file(f, id, d.Document); got != activities.FiledAccepted {
		t.Errorf("filing it: %s", got)
	}
	rows, err := h.store.Register(t.Context(), time.Now().Add(-time.Hour), time.Now().Add(time.Hour), false)
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	guarded := false
	for _, duty := range rows[0].Duties {
		guarded = guarded || duty.Key == cacDuty && duty.Guarded
	}
	if !guarded {
		t.Error("the register does not say that the guard filed")
	}

	h.amend(id, "zhao.min", breach.Facts{"people.total": int64(2_500_000)})
	next := h.draft(f, id, breach.StageSupplement)
	doc, err = h.store.Document(t.Context(), next.Document)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.store.Decide(t.Context(), store.Decision{Document: doc.ID, SHA256: doc.SHA256, Verdict: breach.Refused, Person: "wang.fang", Role: breach.RoleApprover, Why: "wrong"}); err != nil {
		t.Fatal(err)
	}
	guard.Document = next.Document
	if got, err := run[activities.Guarded](h, f.GuardFiling, guard); err != nil || got.Approved || got.Code != "void" {
		t.Errorf("what a person refused: %+v, %v", got, err)
	}
}

func TestALateReportIsFiledOnlyWithItsReason(t *testing.T) {
	h := newHouse(t)
	f := h.filings("cac@authority.example")
	facts := leak()
	facts["aware_at"] = time.Now().Add(-9 * time.Hour).UTC().Truncate(time.Second)
	id := h.openIncident(facts)
	d := h.draft(f, id, "")
	doc, err := h.store.Document(t.Context(), d.Document)
	if err != nil || d.Explained {
		t.Fatalf("%+v, %v", d, err)
	}
	_, err = h.store.Decide(t.Context(), store.Decision{Document: doc.ID, SHA256: doc.SHA256, Verdict: breach.Approved, Person: "wang.fang", Role: breach.RoleApprover})
	if r, ok := err.(*store.Refused); !ok || r.Code != "late_reason" || !strings.Contains(r.Text, "delay") {
		t.Fatalf("approving it without a reason: %v", err)
	}
	why := store.Answer{Item: store.DelayItem, Text: breach.Text{ZH: "夜间告警未送达值班人员", EN: "the alarm did not reach the on-call at night"}}
	if _, err := h.store.SetAnswers(t.Context(), id, cacDuty, "li.wei", []store.Answer{why}); err != nil {
		t.Fatal(err)
	}
	d = h.draft(f, id, "")
	if !d.Explained || !strings.Contains(h.text(d.Document), "夜间告警未送达值班人员") {
		t.Fatalf("%+v\n%s", d, h.text(d.Document))
	}
	h.approve(d.Document, "wang.fang")
	if got := h.file(f, id, d.Document); got != activities.FiledAccepted {
		t.Errorf("filing it: %s", got)
	}
}
