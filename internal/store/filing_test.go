package store_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

const duty = "cn-cac-other/cn-cac-provincial"

// carry looks at what the engine is to hear.
func carry(look func(store.Posted)) func(context.Context, store.Posted) error {
	return func(_ context.Context, e store.Posted) error {
		look(e)
		return nil
	}
}

// reported opens an incident with one report owed, due after a time from now.
func reported(t *testing.T, s *store.Store, due time.Duration) breach.IncidentID {
	t.Helper()
	id := openIncident(t, s)
	assess(t, s, id, obligation(due))
	return id
}

func obligation(due time.Duration) breach.Obligation {
	at := time.Now().Add(due).UTC().Truncate(time.Second)
	rule, authority := breach.SplitObligationKey(duty)
	return breach.Obligation{
		Rule: rule, Authority: authority, Duty: breach.DutyFiling, Owed: breach.IsOwed, Stage: breach.StageInitial, Zone: "Asia/Shanghai", Hard: true, DueAt: &at,
		Title: breach.Text{ZH: "报告", EN: "Report"}, Instrument: breach.Text{ZH: "办法", EN: "Measures"}, Addressee: breach.Text{ZH: "省级网信部门", EN: "CAC"},
	}
}

func assess(t *testing.T, s *store.Store, id breach.IncidentID, duties ...breach.Obligation) {
	t.Helper()
	facts, err := s.Facts(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SaveAssessment(t.Context(), id, breach.Assessment{FactsRev: facts.Rev, Obligations: duties}); err != nil {
		t.Fatal(err)
	}
}

// report drafts a report from the newest facts and answers.
func report(t *testing.T, s *store.Store, id breach.IncidentID, text string, contributors ...breach.Person) store.Document {
	t.Helper()
	facts, err := s.Facts(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, rev, err := s.Answers(t.Context(), id, duty, 0)
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.AddDocument(t.Context(), store.Document{
		IncidentID: id, Kind: breach.DocFiling, Subject: duty, Author: "zhao.min", Contributors: contributors, FactsRev: facts.Rev, AnswersRev: rev,
		Stage: breach.StageInitial, Content: []byte(text), Files: []breach.File{{Name: "report-zh-CN.pdf", Type: "application/pdf", Bytes: []byte("%PDF " + text)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func approve(t *testing.T, s *store.Store, d store.Document, who breach.Person) error {
	t.Helper()
	_, err := s.Decide(t.Context(), store.Decision{Document: d.ID, SHA256: d.SHA256, Verdict: breach.Approved, Person: who, Role: breach.RoleApprover})
	return err
}

// code is a refusal's code, "" for success; every other error ends the test.
func code(t *testing.T, err error) string {
	t.Helper()
	if r, ok := errors.AsType[*store.Refused](err); ok {
		return r.Code
	}
	if err != nil {
		t.Fatal(err)
	}
	return ""
}

func want(t *testing.T, what string, err error, code_ string) {
	t.Helper()
	if got := code(t, err); got != code_ {
		t.Errorf("%s: %q (%v), want %q", what, got, err, code_)
	}
}

func TestWhoeverAnsweredDoesNotApprove(t *testing.T) {
	s := open(t)
	id := reported(t, s, 4*time.Hour)
	cause := store.Answer{Item: "cause", Text: breach.Text{ZH: "弱口令", EN: "a weak password"}}
	rev, err := s.SetAnswers(t.Context(), id, duty, "li.wei", []store.Answer{cause})
	if err != nil || rev != 1 {
		t.Fatal(rev, err)
	}
	if rev, err := s.SetAnswers(t.Context(), id, duty, "li.wei", []store.Answer{cause}); err != nil || rev != 1 {
		t.Errorf("the same answer again made revision %d, %v", rev, err)
	}
	d := report(t, s, id, "v1", "li.wei")
	want(t, "the author of the facts", approve(t, s, d, "zhao.min"), "same_person")
	want(t, "who answered", approve(t, s, d, "li.wei"), "same_person")
	want(t, "another person", approve(t, s, d, "wang.fang"), "")

	if _, err := s.SetAnswers(t.Context(), id, duty, "li.wei", []store.Answer{{Item: "cause", Text: breach.Text{ZH: "钓鱼邮件"}}}); err != nil {
		t.Fatal(err)
	}
	_, err = s.BeginFiling(t.Context(), store.Filing{ID: "f1", Document: d.ID, Channel: "email"}, []byte{1})
	want(t, "filing what was drafted from older answers", err, "not_approved")
	old, _, err := s.Answers(t.Context(), id, duty, 1)
	if err != nil || len(old) != 1 || old[0].Text.EN != "a weak password" || old[0].By != "li.wei" {
		t.Errorf("answers as of revision 1: %+v, %v", old, err)
	}
	if _, err := s.SetAnswers(t.Context(), id, duty, "li.wei", []store.Answer{{Item: "cause"}}); err != nil {
		t.Fatal(err)
	}
	if left, rev, err := s.Answers(t.Context(), id, duty, 0); err != nil || len(left) != 0 || rev != 3 {
		t.Errorf("after taking it back: %+v at %d, %v", left, rev, err)
	}
}

func TestTwoApproversRacing(t *testing.T) {
	s := open(t)
	s.RequireApprovals(map[breach.DocumentKind]int{breach.DocFiling: 2})
	id := reported(t, s, 4*time.Hour)
	d := report(t, s, id, "v1")
	want(t, "one of two", approve(t, s, d, "wang.fang"), "")
	want(t, "the same person again", approve(t, s, d, "wang.fang"), "")
	if half, err := s.Document(t.Context(), d.ID); err != nil || half.ApprovedAt != nil || half.Progress() != "1 of 2 (wang.fang)" {
		t.Fatalf("after one: %+v, %v", half, err)
	}
	_, err := s.BeginFiling(t.Context(), store.Filing{ID: "f1", Document: d.ID, Channel: "email"}, []byte{1})
	want(t, "filing on half the approvals", err, "not_approved")

	d = report(t, s, id, "v2")
	var wg sync.WaitGroup
	results := make([]error, 3)
	for i, who := range []breach.Person{"wang.fang", "sun.li", "zhou.jie"} {
		wg.Go(func() { results[i] = approve(t, s, d, who) })
	}
	wg.Wait()
	refusals := 0
	for _, err := range results {
		if code(t, err) == "already_decided" {
			refusals++
		}
	}
	done, err := s.Document(t.Context(), d.ID)
	if err != nil || !done.Valid() || len(done.Approvers) != 2 || refusals != 1 {
		t.Fatalf("after three at once for two: %+v, refusals %d, %v", done.Approvers, refusals, err)
	}
	told := 0
	if _, err := s.CarryOver(t.Context(), 100, carry(func(e store.Posted) {
		if e.Event == store.Decided {
			told++
		}
	})); err != nil || told != 1 {
		t.Errorf("the engine heard of %d decisions, %v; want the one that completed it", told, err)
	}
	if _, err := s.VerifyJournal(t.Context(), id); err != nil {
		t.Error(err)
	}
}

func TestAnApprovalThatFactsOvertakeIsVoidAndSaysSo(t *testing.T) {
	s := open(t)
	id := reported(t, s, 4*time.Hour)
	d := report(t, s, id, "v1")
	want(t, "approve", approve(t, s, d, "wang.fang"), "")
	if _, err := s.AmendFacts(t.Context(), id, breach.Facts{"people.total": int64(9)}, "zhao.min", "recounted"); err != nil {
		t.Fatal(err)
	}
	_, err := s.BeginFiling(t.Context(), store.Filing{ID: "f1", Document: d.ID, Channel: "email"}, []byte{1})
	want(t, "filing before the new draft", err, "not_approved")
	next := report(t, s, id, "v2")
	old, err := s.Document(t.Context(), d.ID)
	if err != nil || old.VoidedAt == nil || old.Valid() || old.ApprovedBy == nil {
		t.Fatalf("the old version: %+v, %v", old, err)
	}
	if !strings.Contains(*old.VoidReason, "facts changed with revision 2") || !strings.Contains(*old.VoidReason, "approval given to it is void") {
		t.Errorf("void because %q", *old.VoidReason)
	}
	if !next.Voided || string(old.Content) != "v1" {
		t.Errorf("the new version says %v, the old reads %q", next.Voided, old.Content)
	}
	if err := s.KeepDocument(t.Context(), next.ID, 7, 0); err != nil {
		t.Fatal(err)
	}
	if kept, err := s.Document(t.Context(), next.ID); err != nil || kept.FactsRev != 7 || kept.VoidedAt != nil {
		t.Errorf("kept: %+v, %v", kept, err)
	}
}

func TestFilesAreKeptSealedWithTheDocument(t *testing.T) {
	s := open(t)
	d := report(t, s, reported(t, s, time.Hour), "v1")
	files, err := s.DocumentFiles(t.Context(), d.ID)
	if err != nil || len(files) != 1 || files[0].SHA256 != d.Files[0].SHA256 || len(files[0].SHA256) != 64 {
		t.Fatalf("%+v, %v", files, err)
	}
	f, err := s.DocumentFile(t.Context(), d.ID, "report-zh-CN.pdf")
	if err != nil || string(f.Bytes) != "%PDF v1" || f.Type != "application/pdf" {
		t.Errorf("%+v %q, %v", f, f.Bytes, err)
	}
	if _, err := s.DocumentFile(t.Context(), d.ID, "other.pdf"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestALateReportMustSayWhy(t *testing.T) {
	s := open(t)
	id := reported(t, s, -time.Hour)
	d := report(t, s, id, "v1")
	want(t, "approving a late report without a reason", approve(t, s, d, "wang.fang"), "late_reason")
	if _, err := s.SetAnswers(t.Context(), id, duty, "li.wei", []store.Answer{{Item: store.DelayItem, Text: breach.Text{ZH: "夜间无人值守", EN: "nobody was on duty at night"}}}); err != nil {
		t.Fatal(err)
	}
	want(t, "the version that does not say it yet", approve(t, s, d, "wang.fang"), "late_reason")
	d = report(t, s, id, "v2", "li.wei")
	want(t, "the version that says it", approve(t, s, d, "wang.fang"), "")
	f, err := s.BeginFiling(t.Context(), store.Filing{ID: "f1", Document: d.ID, Channel: "email", Chain: "c"}, []byte{1})
	if err != nil || !f.Late {
		t.Fatalf("%+v, %v", f, err)
	}
	if err := s.FinishFiling(t.Context(), "f1", breach.Accepted, "250", breach.Receipt{Reference: "Q1"}); err != nil {
		t.Fatal(err)
	}
	rows, err := s.Register(t.Context(), time.Now().Add(-time.Hour), time.Now().Add(time.Hour), false)
	if err != nil || len(rows) != 1 || len(rows[0].Duties) != 1 {
		t.Fatalf("%+v, %v", rows, err)
	}
	got := rows[0].Duties[0]
	if !got.Late || got.Reason != "夜间无人值守 / nobody was on duty at night" || rows[0].Title != "" || rows[0].Decision != store.RegisterFiled {
		t.Errorf("register: %+v of %+v", got, rows[0])
	}
	if len(got.Filings) != 1 || got.Filings[0].Number != 1 || got.Filings[0].Receipt != "Q1" || len(got.Approvers) != 1 || got.Approvers[0] != "wang.fang" || len(got.Authors) != 2 {
		t.Errorf("register: %+v", got)
	}
}

func TestAFilingByHandEndsWithAReceipt(t *testing.T) {
	s := open(t)
	id := reported(t, s, time.Hour)
	now := time.Now()
	good := store.Receipt{Incident: id, Key: duty, Number: "2026-0815", At: now, Who: "值班员（合成）", By: "li.wei"}
	record := func(change func(*store.Receipt)) error {
		r := good
		change(&r)
		_, err := s.RecordReceipt(t.Context(), r)
		return err
	}
	want(t, "before anything was approved", record(func(*store.Receipt) {}), "not_approved")
	d := report(t, s, id, "v1")
	want(t, "approve", approve(t, s, d, "wang.fang"), "")
	if err := s.AddTask(t.Context(), store.Task{IncidentID: id, Kind: breach.TaskAddressee, Ref: duty, OwnerRole: breach.RoleLead, Text: "the report, ready to paste"}); err != nil {
		t.Fatal(err)
	}
	tasks, err := s.Tasks(t.Context(), id, false)
	if err != nil || len(tasks) != 1 || tasks[0].Text != "the report, ready to paste" {
		t.Fatalf("%+v, %v", tasks, err)
	}
	_, err = s.EndTask(t.Context(), store.TaskEnd{ID: tasks[0].ID, Done: true, Note: "handed over", By: "li.wei"})
	want(t, "ending the task without a receipt", err, "needs_receipt")
	want(t, "no time", record(func(r *store.Receipt) { r.At = time.Time{} }), "receipt_time")
	want(t, "a time in the future", record(func(r *store.Receipt) { r.At = now.Add(time.Hour) }), "receipt_time")
	want(t, "nobody took it", record(func(r *store.Receipt) { r.Who = " " }), "receipt_who")
	want(t, "neither number nor evidence", record(func(r *store.Receipt) { r.Number = "" }), "receipt_proof")
	want(t, "evidence that is not there", record(func(r *store.Receipt) { r.Evidence = []string{"x"} }), "no_evidence")

	photo, err := s.AddEvidence(t.Context(), store.Evidence{IncidentID: id, Kind: store.EvidenceReceipt, Ref: duty, Name: "张三的回执.jpg", Type: "image/jpeg", Bytes: []byte("jpeg"), By: "li.wei"})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "a photo in place of a number", record(func(r *store.Receipt) { r.Number, r.Evidence = "", []string{photo.ID} }), "")
	if open, err := s.Tasks(t.Context(), id, false); err != nil || len(open) != 0 {
		t.Errorf("tasks after the receipt: %+v, %v", open, err)
	}
	want(t, "the acknowledgement later", record(func(r *store.Receipt) { r.Acknowledged = true }), "")
	filings, err := s.Filings(t.Context(), id)
	if err != nil || len(filings) != 1 || filings[0].State != "accepted" || filings[0].Channel != store.ByHand || filings[0].Number != 1 || filings[0].Reference != "2026-0815" {
		t.Errorf("filings: %+v, %v", filings, err)
	}
	receipts, err := s.Receipts(t.Context(), id)
	if err != nil || len(receipts) != 2 || receipts[0].Who != "值班员（合成）" || receipts[0].Evidence[0] != photo.ID || !receipts[1].Acknowledged {
		t.Errorf("receipts: %+v, %v", receipts, err)
	}
	var acked []bool
	if _, err := s.CarryOver(t.Context(), 100, carry(func(e store.Posted) {
		if e.Event == store.FilingSettled {
			acked = append(acked, strings.Contains(string(e.Payload), `"acknowledged": true`))
		}
	})); err != nil || len(acked) != 2 || acked[0] || !acked[1] {
		t.Errorf("the engine heard %v, %v", acked, err)
	}
}

func TestAReceiptSettlesADoubt(t *testing.T) {
	s := open(t)
	id := reported(t, s, time.Hour)
	d := report(t, s, id, "v1")
	want(t, "approve", approve(t, s, d, "wang.fang"), "")
	begin := func() (store.Filing, error) {
		return s.BeginFiling(t.Context(), store.Filing{ID: "f1", Document: d.ID, Channel: "http"}, []byte{1})
	}
	if f, err := begin(); err != nil || f.State != "intent" || f.Obligation != duty {
		t.Fatal(f, err)
	}
	r := store.Receipt{Incident: id, Key: duty, Number: "N1", At: time.Now(), Who: "portal", By: "li.wei"}
	_, err := s.RecordReceipt(t.Context(), r)
	want(t, "while it is being sent", err, "under_way")
	if f, err := begin(); err != nil || f.State != "in_doubt" { // the worker that wrote the intent has died
		t.Fatal(f, err)
	}
	if r, err = s.RecordReceipt(t.Context(), r); err != nil || r.Filing != "f1" {
		t.Fatal(r, err)
	}
	if f, err := begin(); err != nil || f.State != "accepted" || f.Reference != "N1" {
		t.Errorf("after the receipt: %+v, %v", f, err)
	}
}

func TestEvidenceHasALimitAndIsSealed(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	e := store.Evidence{IncidentID: id, Kind: store.EvidenceLetter, Name: "函.pdf", Type: "application/pdf", Bytes: []byte("letter"), By: "li.wei"}
	kept, err := s.AddEvidence(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.EvidenceItem(t.Context(), id, kept.ID)
	if err != nil || got.Name != "函.pdf" || !bytes.Equal(got.Bytes, e.Bytes) || got.Size != 6 {
		t.Errorf("%+v, %v", got, err)
	}
	if items, err := s.EvidenceItems(t.Context(), id); err != nil || len(items) != 1 || items[0].Name != "函.pdf" || items[0].Bytes != nil {
		t.Errorf("%+v, %v", items, err)
	}
	if _, err := s.EvidenceItem(t.Context(), "INC-2026-9999", kept.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another incident's: %v", err)
	}
	e.Bytes = make([]byte, store.MaxEvidence+1)
	_, err = s.AddEvidence(t.Context(), e)
	want(t, "one byte too many", err, "too_large")
	e.Bytes = nil
	_, err = s.AddEvidence(t.Context(), e)
	want(t, "an empty file", err, "evidence")
}

func TestAHoldLetsTheClockRestAndItsPaperStays(t *testing.T) {
	s := open(t)
	id := reported(t, s, time.Hour)
	law, err := s.Obligation(t.Context(), id, duty)
	if err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Second)
	hold := store.Hold{Incident: id, Key: duty, Until: until, AskedBy: "示例市公安局", Reason: "正在侦查", By: "li.wei"}
	_, err = s.ProposeHold(t.Context(), hold)
	want(t, "a hold without its paper", err, "needs_paper")
	hold.Evidence = "nothing"
	_, err = s.ProposeHold(t.Context(), hold)
	want(t, "a paper that is not there", err, "no_evidence")
	paper, err := s.AddEvidence(t.Context(), store.Evidence{IncidentID: id, Kind: store.EvidenceHold, Name: "函.pdf", Type: "application/pdf", Bytes: []byte("x"), By: "li.wei"})
	if err != nil {
		t.Fatal(err)
	}
	hold.Evidence = paper.ID
	d, err := s.ProposeHold(t.Context(), hold)
	if err != nil {
		t.Fatal(err)
	}
	if o, err := s.Obligation(t.Context(), id, duty); err != nil || o.HeldUntil != nil || o.Due().Moved != nil {
		t.Errorf("held before anybody agreed: %+v, %v", o.Due(), err)
	}
	want(t, "the one who asked", approve(t, s, d, "li.wei"), "same_person")
	want(t, "another person", approve(t, s, d, "wang.fang"), "")
	o, err := s.Obligation(t.Context(), id, duty)
	if err != nil || o.HeldUntil == nil || !o.HeldUntil.Equal(until) || o.HeldBy == nil || *o.HeldBy != paper.ID {
		t.Fatalf("%+v, %v", o, err)
	}
	moved := o.Due().Target().Sub(*law.DueAt)
	if moved < 47*time.Hour || moved > 48*time.Hour {
		t.Errorf("the clock rests for %s", moved)
	}
	for _, say := range []string{"held until " + breach.Instant(until, "Asia/Shanghai", breach.English), paper.ID, breach.Instant(*law.DueAt, "Asia/Shanghai", breach.English)} {
		if !strings.Contains(o.Deadline.EN, say) {
			t.Errorf("the deadline reads %q and does not say %q", o.Deadline.EN, say)
		}
	}
	filing := report(t, s, id, "v1")
	want(t, "approving meanwhile", approve(t, s, filing, "wang.fang"), "")
	_, err = s.BeginFiling(t.Context(), store.Filing{ID: "f1", Document: filing.ID, Channel: "email"}, []byte{1})
	want(t, "filing while held", err, "held")
	hold.Until = until.Add(time.Hour)
	longer, err := s.ProposeHold(t.Context(), hold)
	if err != nil {
		t.Fatal(err)
	}
	if o, err := s.Obligation(t.Context(), id, duty); err != nil || o.HeldUntil == nil || !o.HeldUntil.Equal(until) {
		t.Errorf("a longer hold that nobody agreed to: %v, %v", o.HeldUntil, err)
	}
	want(t, "the longer hold", approve(t, s, longer, "wang.fang"), "")
	if o, err := s.Obligation(t.Context(), id, duty); err != nil || !o.HeldUntil.Equal(hold.Until) || o.Due().Target().Sub(*law.DueAt) > 49*time.Hour {
		t.Errorf("the longer hold: %v, moved by %s, %v", o.HeldUntil, o.Due().Target().Sub(*law.DueAt), err)
	}
	if err := s.ReleaseHold(t.Context(), id, duty, "li.wei"); err != nil {
		t.Fatal(err)
	}
	if o, err := s.Obligation(t.Context(), id, duty); err != nil || o.HeldUntil != nil || o.Due().Target().Sub(*law.DueAt) > time.Minute {
		t.Errorf("released: %+v, %v", o.Due(), err)
	}
	want(t, "releasing twice", s.ReleaseHold(t.Context(), id, duty, "li.wei"), "no_hold")
	if _, err := s.BeginFiling(t.Context(), store.Filing{ID: "f1", Document: filing.ID, Channel: "email"}, []byte{1}); err != nil {
		t.Errorf("filing after the release: %v", err)
	}
}

func TestNoticesAreDelayedByLawAlone(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	assess(t, s, id, breach.Obligation{Rule: "cn-pipl-individual-notice", Duty: breach.DutyNotice, Owed: breach.IsOwed})
	_, err := s.ProposeHold(t.Context(), store.Hold{Incident: id, Key: "cn-pipl-individual-notice", Until: time.Now().Add(time.Hour), AskedBy: "x", Reason: "x", Evidence: "x", By: "li.wei"})
	want(t, "holding a notice", err, "law_only")
	_, err = s.ProposeWaiver(t.Context(), store.Waiver{Incident: id, Key: "cn-pipl-individual-notice", Reason: "x", By: "li.wei"})
	want(t, "waiving a notice", err, "law_only")
}

func TestWhatIsNotOwedYetIsNeitherHeldNorWaived(t *testing.T) {
	s := open(t)
	id := openIncident(t, s)
	o := obligation(time.Hour)
	o.Owed, o.Hard, o.DueAt = breach.Possible, false, nil
	assess(t, s, id, o)
	_, err := s.ProposeWaiver(t.Context(), store.Waiver{Incident: id, Key: duty, Reason: "x", By: "li.wei"})
	want(t, "waiving what hangs on unknown facts", err, "not_owed")
}

func TestAWaiverStandsInTheRegisterWithItsReasonAndBothPeople(t *testing.T) {
	s := open(t)
	id := reported(t, s, time.Hour)
	_, err := s.ProposeWaiver(t.Context(), store.Waiver{Incident: id, Key: duty, By: "li.wei"})
	want(t, "a waiver without a reason", err, "needs_reason")
	d, err := s.ProposeWaiver(t.Context(), store.Waiver{Incident: id, Key: duty, Reason: "主管部门书面免除", By: "li.wei"})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "who asked", approve(t, s, d, "li.wei"), "same_person")
	want(t, "a second person", approve(t, s, d, "wang.fang"), "")
	if err := s.SetObligation(t.Context(), id, duty, store.ObligationWaived); err != nil {
		t.Fatal(err)
	}
	closure := agreed(t, s, id, breach.DocClosure, "closure/1")
	if open, err := s.CloseIncident(t.Context(), id, closure); err != nil || len(open) != 0 {
		t.Fatal(open, err)
	}
	rows, err := s.Register(t.Context(), time.Now().Add(-time.Hour), time.Now().Add(time.Hour), true)
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	got := rows[0].Duties[0]
	if got.Status != store.ObligationWaived || got.Reason != "主管部门书面免除" || got.Authors[0] != "li.wei" || got.Approvers[0] != "wang.fang" {
		t.Errorf("%+v", got)
	}
	if rows[0].Decision != store.RegisterNothing || rows[0].Title != "synthetic leak" || rows[0].Author != "zhao.min" || rows[0].Approvers[0] != "wang.fang" {
		t.Errorf("%+v", rows[0])
	}
}

func TestWhatAnAuthorityAsksForEndsWithAProof(t *testing.T) {
	s := open(t)
	id := reported(t, s, time.Hour)
	ask := store.FollowUp{Incident: id, Key: duty, Kind: breach.TaskRectification, Owner: "sun.li", Due: time.Now().Add(time.Hour), Text: "关闭旧系统", By: "li.wei"}
	for field, change := range map[string]func(*store.FollowUp){
		"kind": func(f *store.FollowUp) { f.Kind = breach.TaskMeasure }, "needs_owner": func(f *store.FollowUp) { f.Owner = "" },
		"needs_due": func(f *store.FollowUp) { f.Due = time.Time{} }, "needs_text": func(f *store.FollowUp) { f.Text = "" },
		"obligation": func(f *store.FollowUp) { f.Key = "no/such" }, "no_evidence": func(f *store.FollowUp) { f.Evidence = "x" },
	} {
		bad := ask
		change(&bad)
		_, err := s.AddFollowUp(t.Context(), bad)
		want(t, field, err, field)
	}
	task, err := s.AddFollowUp(t.Context(), ask)
	if err != nil || task.Text != "关闭旧系统" || task.Owner == nil || *task.Owner != "sun.li" || task.Subject != duty {
		t.Fatalf("%+v, %v", task, err)
	}
	matters, err := s.OpenMatters(t.Context(), id)
	if err != nil || len(matters) != 2 { // the report, and the order
		t.Errorf("%+v, %v", matters, err)
	}
	end := store.TaskEnd{ID: task.ID, Done: true, Note: "旧系统已下线", By: "sun.li"}
	for what, change := range map[string]func(*store.TaskEnd){
		"not done": func(e *store.TaskEnd) { e.Done = false }, "no note": func(e *store.TaskEnd) { e.Note = "" }, "no evidence": func(*store.TaskEnd) {},
	} {
		bad := end
		change(&bad)
		_, err := s.EndTask(t.Context(), bad)
		want(t, what, err, "needs_proof")
	}
	proof, err := s.AddEvidence(t.Context(), store.Evidence{IncidentID: id, Kind: store.EvidenceProof, Ref: task.ID, Name: "proof.pdf", Type: "application/pdf", Bytes: []byte("x"), By: "sun.li"})
	if err != nil {
		t.Fatal(err)
	}
	end.Evidence = proof.ID
	if task, err = s.EndTask(t.Context(), end); err != nil || task.Proof == nil || *task.Proof != proof.ID {
		t.Errorf("%+v, %v", task, err)
	}
}

func TestAReportIsTakenBackOnlyWhereTheDutyIsFoundNotOwed(t *testing.T) {
	s := open(t)
	id := reported(t, s, time.Hour)
	withdraw := func(why string) error { return s.Withdraw(t.Context(), id, duty, why, "li.wei") }
	want(t, "without a reason", withdraw(" "), "needs_reason")
	want(t, "before it was filed", withdraw("误报"), "not_filed")
	d := report(t, s, id, "v1")
	want(t, "approve", approve(t, s, d, "wang.fang"), "")
	if _, err := s.BeginFiling(t.Context(), store.Filing{ID: "f1", Document: d.ID, Channel: "email"}, []byte{1}); err != nil {
		t.Fatal(err)
	}
	if err := s.FinishFiling(t.Context(), "f1", breach.Accepted, "", breach.Receipt{}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetObligation(t.Context(), id, duty, store.ObligationMet); err != nil {
		t.Fatal(err)
	}
	want(t, "while it is owed", withdraw("误报"), "still_owed")
	if _, err := s.AmendFacts(t.Context(), id, breach.Facts{"people.total": int64(9)}, "zhao.min", "recounted"); err != nil {
		t.Fatal(err)
	}
	assess(t, s, id) // finds nothing owed any more
	if o, err := s.Obligation(t.Context(), id, duty); err != nil || o.Owed != breach.NotOwed || o.Status != store.ObligationMet {
		t.Errorf("what was met and is not owed any more: %+v, %v", o, err)
	}
	want(t, "once it is not owed", withdraw("误报"), "")
	answers, _, err := s.Answers(t.Context(), id, duty, 0)
	if err != nil || len(answers) != 1 || answers[0].Item != store.WithdrawalItem {
		t.Errorf("%+v, %v", answers, err)
	}
}
