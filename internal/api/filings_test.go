package api_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

const cacDuty = "cn-cac-other/cn-cac-provincial"

// forms is a form that asks for two items and one fact.
func forms(o *api.Options) {
	o.Forms = api.Forms{
		Items: func(breach.Obligation) (string, []api.FormItem, error) {
			return "cn-cac/initial", []api.FormItem{
				{Label: breach.Text{ZH: "原因", EN: "Cause"}, Answers: []api.FormPrompt{{Key: "cause", Name: breach.Text{ZH: "原因", EN: "Cause"}}}},
				{Label: breach.Text{ZH: "人数", EN: "People"}, Facts: []breach.FactName{"people.total"}, Answers: []api.FormPrompt{{Key: "people_estimate"}}},
			}, nil
		},
		Check: func(item string, text, na breach.Text) error {
			if text != (breach.Text{}) && na != (breach.Text{}) {
				return errors.New(item + " has an answer and a reason why it does not apply; give one of the two")
			}
			return nil
		},
		Other: []api.FormPrompt{{Key: "delay"}},
	}
}

// filed is an incident with one duty to report, due in some time, and its draft.
func (w *world) filed(due time.Duration) breach.IncidentID {
	w.t.Helper()
	id := w.openIncident()
	at := time.Now().Add(due)
	w.assess(id, breach.Obligation{
		Rule: "cn-cac-other", Authority: "cn-cac-provincial", Owed: breach.IsOwed, Duty: breach.DutyFiling, Stage: breach.StageInitial, DueAt: &at, Hard: true, Zone: "Asia/Shanghai",
		Title: breach.Text{ZH: "报告", EN: "Report"}, Addressee: breach.Text{ZH: "省级网信部门", EN: "provincial CAC"}, Instrument: breach.Text{ZH: "办法", EN: "Measures"},
	})
	return id
}

func (w *world) post(role breach.Role, id breach.IncidentID, what, body string) answer {
	return w.as(role, "POST", "/v1/incidents/"+string(id)+"/"+what, body)
}

func TestAnswersToAForm(t *testing.T) {
	w := newWorld(t, forms)
	id := w.filed(time.Hour)
	form := "/v1/incidents/" + string(id) + "/filing/form?duty=" + url.QueryEscape(cacDuty)
	v := want[api.FormView](t, w.as(breach.RoleManager, "GET", form, ""), 200)
	if v.Form != "cn-cac/initial" || len(v.Items) != 2 || v.Rev != 0 || len(v.Answers) != 0 {
		t.Errorf("form %+v", v)
	}
	saved := want[api.AnswersSaved](t, w.post(breach.RoleLead, id, "filing/answers",
		`{"duty":"`+cacDuty+`","rev":0,"answers":[{"item":"cause","text":{"zh":"口令泄露","en":"a leaked password"}},{"item":"people.total","not_applicable":{"zh":"无","en":"none"}}]}`), 200)
	if saved.Rev != 1 {
		t.Errorf("revision %d", saved.Rev)
	}
	v = want[api.FormView](t, w.as(breach.RoleResponder, "GET", form, ""), 200)
	if len(v.Answers) != 2 || v.Answers[0].Text.ZH != "口令泄露" || v.Answers[0].By != person(breach.RoleLead) {
		t.Errorf("answers %+v", v.Answers)
	}
	for rule, c := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"an item the form does not ask for": {`{"duty":"` + cacDuty + `","answers":[{"item":"colour","text":{"zh":"红"}}]}`, 422, "item"},
		"both an answer and a reason":       {`{"duty":"` + cacDuty + `","answers":[{"item":"cause","text":{"zh":"a"},"not_applicable":{"zh":"b"}}]}`, 422, "answer"},
		"the same item twice":               {`{"duty":"` + cacDuty + `","answers":[{"item":"cause","text":{"zh":"a"}},{"item":"cause"}]}`, 422, "item"},
		"somebody was faster":               {`{"duty":"` + cacDuty + `","rev":0,"answers":[{"item":"cause","text":{"zh":"b"}}]}`, 409, "stale_answers"},
		"no such duty":                      {`{"duty":"x/y","answers":[{"item":"cause","text":{"zh":"b"}}]}`, 404, "not_found"},
		"no duty":                           {`{"answers":[{"item":"cause","text":{"zh":"b"}}]}`, 400, "duty"},
		"nothing answered":                  {`{"duty":"` + cacDuty + `","answers":[]}`, 422, "answers"},
		"an answer like a book":             {`{"duty":"` + cacDuty + `","answers":[{"item":"cause","text":{"zh":"` + strings.Repeat("a", 70<<10) + `"}}]}`, 409, "too_large"},
		"a library":                         {`{"duty":"` + cacDuty + `","answers":[{"item":"cause","text":{"zh":"` + strings.Repeat("a", 600<<10) + `"}}]}`, 413, "too_large"},
		"a field nobody knows":              {`{"duty":"` + cacDuty + `","answer":[]}`, 400, "malformed"},
	} {
		t.Run(rule, func(t *testing.T) {
			refused(t, w.post(breach.RoleLead, id, "filing/answers", c.body), c.status, c.code)
		})
	}
	refused(t, w.post(breach.RoleApprover, id, "filing/answers", `{}`), 403, "role")
	if strings.Contains(w.log.String(), "口令泄露") {
		t.Error("the log holds an answer")
	}
}

func TestWhoseWordsStandInAReportMayNotApproveIt(t *testing.T) {
	w := newWorld(t, forms)
	id := w.filed(time.Hour)
	both := w.token("zhao.min", breach.RoleLead, breach.RoleApprover)
	if a := w.do(request{"POST", "/v1/incidents/" + string(id) + "/filing/answers", both, `{"duty":"` + cacDuty + `","answers":[{"item":"cause","text":{"zh":"甲","en":"A"}}]}`, nil}); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	d, err := w.store.AddDocument(t.Context(), store.Document{IncidentID: id, Kind: breach.DocFiling, Subject: cacDuty, Author: "the.lead", Contributors: []breach.Person{"zhao.min"}, AnswersRev: 1, FactsRev: 1, Content: []byte(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	p := refused(t, w.do(request{"POST", "/v1/documents/" + string(d.ID) + "/decision", both, fmt.Sprintf(`{"sha256":"%s","verdict":"approved"}`, d.SHA256), nil}), 409, "same_person")
	if !strings.Contains(p.Detail, "another person") {
		t.Errorf("%+v", p)
	}
}

func TestVersionsWithFilesAndProgressOfApprovals(t *testing.T) {
	w := newWorld(t, forms)
	w.store.RequireApprovals(map[breach.DocumentKind]int{breach.DocFiling: 2})
	id := w.filed(time.Hour)
	first := w.document(id, breach.DocFiling, cacDuty, "the.engine")
	d, err := w.store.AddDocument(t.Context(), store.Document{
		IncidentID: id, Kind: breach.DocFiling, Subject: cacDuty, Author: "the.engine", FactsRev: 1, Content: []byte(`{"renditions":[{"language":"en","title":"T","text":"two"}]}`),
		Files: []breach.File{{Name: "report-en.pdf", Type: "application/pdf", Bytes: []byte("%PDF-1.7 two")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	approve := func(token string) answer {
		return w.do(request{"POST", "/v1/documents/" + string(d.ID) + "/decision", token, fmt.Sprintf(`{"sha256":"%s","verdict":"approved"}`, d.SHA256), nil})
	}
	one := want[store.Document](t, approve(w.tokens[breach.RoleApprover]), 200)
	if one.Approvals != 2 || len(one.Approvers) != 1 || one.ApprovedAt != nil {
		t.Errorf("after one of two approvals: %+v", one)
	}
	path := "/v1/incidents/" + string(id) + "/filing/versions?duty=" + url.QueryEscape(cacDuty)
	list := want[api.VersionList](t, w.as(breach.RoleAuditor, "GET", path, ""), 200)
	if len(list.Versions) != 2 || list.Versions[1].ID != first.ID || list.Versions[1].VoidedAt == nil || len(list.Versions[0].Decisions) != 1 || len(list.Versions[0].Files) != 1 {
		t.Fatalf("versions %+v", list.Versions)
	}
	two := want[store.Document](t, approve(w.tokens[breach.RoleLead]), 200)
	if two.ApprovedAt == nil || !slices.Equal(two.Approvers, []breach.Person{person(breach.RoleApprover), person(breach.RoleLead)}) {
		t.Errorf("after two: %+v", two)
	}
	file := w.as(breach.RoleAuditor, "GET", "/v1/documents/"+string(d.ID)+"/files/report-en.pdf", "")
	if file.status != 200 || string(file.body) != "%PDF-1.7 two" || file.header.Get("Content-Type") != "application/pdf" || file.header.Get("Content-Disposition") != "attachment" {
		t.Errorf("%d %v %s", file.status, file.header, file.body)
	}
	refused(t, w.as(breach.RoleAuditor, "GET", "/v1/documents/"+string(d.ID)+"/files/other.pdf", ""), 404, "not_found")
}

func (w *world) evidence(role breach.Role, id breach.IncidentID, query, name, kind string, body []byte) answer {
	w.t.Helper()
	return w.do(request{
		"POST", "/v1/incidents/" + string(id) + "/evidence?" + query, w.tokens[role], string(body),
		map[string]string{"Content-Type": kind, "Content-Disposition": "attachment; filename*=UTF-8''" + url.PathEscape(name)},
	})
}

func TestEvidenceIsKeptSealedAndEveryLookIsJournalled(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	photo := []byte("\x89PNG synthetic photo")
	e := want[store.Evidence](t, w.evidence(breach.RoleResponder, id, "kind=receipt", "回执 王小燕.png", "image/png", photo), 201)
	if e.Name != "回执 王小燕.png" || e.Size != int64(len(photo)) || len(e.SHA256) != 32 {
		t.Errorf("kept %+v", e)
	}
	list := want[api.EvidenceList](t, w.as(breach.RoleAuditor, "GET", "/v1/incidents/"+string(id)+"/evidence", ""), 200)
	if len(list.Evidence) != 1 || list.Evidence[0].ID != e.ID {
		t.Fatalf("list %+v", list)
	}
	got := w.as(breach.RoleAuditor, "GET", "/v1/incidents/"+string(id)+"/evidence/"+e.ID, "")
	if got.status != 200 || !bytes.Equal(got.body, photo) || got.header.Get("Content-Disposition") != "attachment" {
		t.Errorf("%d %v", got.status, got.header)
	}
	if log := w.as(breach.RoleAuditor, "GET", "/v1/incidents/"+string(id)+"/journal", ""); !strings.Contains(string(log.body), "evidence.read") {
		t.Errorf("the journal does not tell of the look: %s", log.body)
	}
	refused(t, w.as(breach.RoleManager, "GET", "/v1/incidents/"+string(id)+"/evidence/"+e.ID, ""), 403, "role")
	refused(t, w.evidence(breach.RoleResponder, id, "kind=selfie", "a.png", "image/png", photo), 409, "evidence")
	refused(t, w.evidence(breach.RoleResponder, id, "kind=receipt", "a.html", "text/html", photo), 415, "media_type")
	refused(t, w.evidence(breach.RoleResponder, id, "kind=receipt", "..", "image/png", photo), 400, "name")
	refused(t, w.evidence(breach.RoleResponder, id, "kind=receipt", "a.png", "image/png", nil), 409, "evidence")
	refused(t, w.evidence(breach.RoleResponder, id, "kind=receipt&duty=x", "a.png", "image/png", photo), 404, "not_found")
	p := refused(t, w.evidence(breach.RoleResponder, id, "kind=receipt", "a.png", "image/png", make([]byte, store.MaxEvidence+1)), 413, "too_large")
	if !strings.Contains(p.Detail, "20 MiB") {
		t.Errorf("%+v", p)
	}
	if strings.Contains(w.log.String(), "王小燕") {
		t.Error("the log holds a file's name")
	}
}

func TestReceiptOfAReportHandedOverByHand(t *testing.T) {
	w := newWorld(t)
	id := w.filed(time.Hour)
	at := time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
	body := func(number, when, who string) string {
		return fmt.Sprintf(`{"duty":"%s","number":"%s","received_at":"%s","who":"%s"}`, cacDuty, number, when, who)
	}
	refused(t, w.post(breach.RoleResponder, id, "filing/receipt", body("R-1", at, "desk 3")), 409, "not_approved")
	d := w.document(id, breach.DocFiling, cacDuty, "the.engine")
	want[store.Document](t, w.as(breach.RoleApprover, "POST", "/v1/documents/"+string(d.ID)+"/decision", fmt.Sprintf(`{"sha256":"%s","verdict":"approved"}`, d.SHA256)), 200)
	refused(t, w.post(breach.RoleResponder, id, "filing/receipt", body("", at, "desk 3")), 409, "receipt_proof")
	refused(t, w.post(breach.RoleResponder, id, "filing/receipt", body("R-1", at, "")), 409, "receipt_who")
	refused(t, w.post(breach.RoleResponder, id, "filing/receipt", body("R-1", time.Now().Add(time.Hour).UTC().Format(time.RFC3339), "desk 3")), 409, "receipt_time")
	refused(t, w.post(breach.RoleResponder, id, "filing/receipt", body("R-1", "yesterday", "desk 3")), 400, "malformed")
	r := want[store.Receipt](t, w.post(breach.RoleResponder, id, "filing/receipt", body("R-1", at, "desk 3")), 201)
	if r.Number != "R-1" || r.By != person(breach.RoleResponder) {
		t.Errorf("receipt %+v", r)
	}
	list := want[api.FilingList](t, w.as(breach.RoleAuditor, "GET", "/v1/incidents/"+string(id)+"/filings", ""), 200)
	if f := list.Filings[0]; f.Filing == nil || f.Filing.Channel != store.ByHand || f.Filing.Reference != "R-1" || len(f.Receipts) != 1 || f.Receipts[0].Who != "desk 3" {
		t.Errorf("filing %+v", f)
	}
}

func TestHoldWaiverAndWithdrawalTakeAReasonAndASecondPerson(t *testing.T) {
	w := newWorld(t)
	id := w.filed(time.Hour)
	until := time.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339)
	hold := func(paper string) string {
		return fmt.Sprintf(`{"duty":"%s","until":"%s","asked_by":"police, desk 2","reason":"an arrest is near","evidence":"%s"}`, cacDuty, until, paper)
	}
	refused(t, w.post(breach.RoleLead, id, "hold", hold("")), 409, "needs_paper")
	refused(t, w.post(breach.RoleLead, id, "hold", hold("nothing")), 409, "no_evidence")
	refused(t, w.post(breach.RoleResponder, id, "hold", hold("")), 403, "role")
	paper := want[store.Evidence](t, w.evidence(breach.RoleLead, id, "kind=hold", "letter.pdf", "application/pdf", []byte("%PDF")), 201)
	d := want[store.Document](t, w.post(breach.RoleLead, id, "hold", hold(paper.ID)), 201)
	decision := fmt.Sprintf(`{"sha256":"%s","verdict":"approved"}`, d.SHA256)
	refused(t, w.as(breach.RoleLead, "POST", "/v1/documents/"+string(d.ID)+"/decision", decision), 409, "same_person")
	refused(t, w.post(breach.RoleLead, id, "hold/release", `{"duty":"`+cacDuty+`"}`), 409, "no_hold")
	want[store.Document](t, w.as(breach.RoleApprover, "POST", "/v1/documents/"+string(d.ID)+"/decision", decision), 200)
	released := want[store.Obligation](t, w.post(breach.RoleApprover, id, "hold/release", `{"duty":"`+cacDuty+`"}`), 200)
	if released.HeldUntil != nil {
		t.Errorf("still held: %+v", released)
	}
	refused(t, w.post(breach.RoleLead, id, "waiver", `{"duty":"`+cacDuty+`","reason":" "}`), 409, "needs_reason")
	if d := want[store.Document](t, w.post(breach.RoleLead, id, "waiver", `{"duty":"`+cacDuty+`","reason":"the duty is another company's"}`), 201); d.Kind != breach.DocWaiver {
		t.Errorf("waiver %+v", d)
	}
	refused(t, w.post(breach.RoleLead, id, "filing/withdraw", `{"duty":"`+cacDuty+`","why":"nothing was leaked"}`), 409, "not_filed")
	refused(t, w.post(breach.RoleLead, id, "filing/withdraw", `{"duty":"`+cacDuty+`","why":""}`), 409, "needs_reason")
}

func TestFollowUpsEndWithAProof(t *testing.T) {
	w := newWorld(t)
	id := w.filed(time.Hour)
	due := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	ask := func(kind, owner, text string) answer {
		return w.post(breach.RoleResponder, id, "followups", fmt.Sprintf(`{"kind":"%s","duty":"%s","owner":"%s","due":"%s","text":"%s"}`, kind, cacDuty, owner, due, text))
	}
	refused(t, ask("chat", "zhao.min", "x"), 409, "kind")
	refused(t, ask("question", "", "x"), 409, "needs_owner")
	refused(t, ask("question", "zhao.min", " "), 409, "needs_text")
	task := want[store.Task](t, ask("rectification", "zhao.min", "close the port"), 201)
	if task.Owner == nil || *task.Owner != "zhao.min" || task.Text != "close the port" {
		t.Errorf("task %+v", task)
	}
	end := func(body string) answer { return w.as(breach.RoleLead, "POST", "/v1/tasks/"+task.ID+"/end", body) }
	refused(t, end(`{"done":true,"note":"closed"}`), 409, "needs_proof")
	refused(t, end(`{"done":false,"note":"too busy"}`), 409, "needs_proof")
	proof := want[store.Evidence](t, w.evidence(breach.RoleResponder, id, "kind=proof", "scan.txt", "text/plain", []byte("closed")), 201)
	if done := want[store.Task](t, end(`{"done":true,"note":"closed","evidence":"`+proof.ID+`"}`), 200); done.Proof == nil || *done.Proof != proof.ID {
		t.Errorf("ended %+v", done)
	}
}

func TestRegister(t *testing.T) {
	w := newWorld(t)
	id := w.filed(time.Hour)
	r := want[api.Register](t, w.as(breach.RoleManager, "GET", "/v1/register", ""), 200)
	if len(r.Entries) != 1 || r.Entries[0].Incident != id || r.Entries[0].Decision != store.RegisterOpen || r.Entries[0].Title != "" || len(r.Entries[0].Duties) != 1 {
		t.Errorf("register %+v", r)
	}
	if r := want[api.Register](t, w.as(breach.RoleAuditor, "GET", "/v1/register?titles=true", ""), 200); r.Entries[0].Title != "synthetic leak" {
		t.Errorf("with titles: %+v", r.Entries[0])
	}
	if r := want[api.Register](t, w.as(breach.RoleLead, "GET", "/v1/register?to=2020-01-01T00:00:00Z", ""), 200); len(r.Entries) != 0 {
		t.Errorf("before 2020: %+v", r)
	}
	refused(t, w.as(breach.RoleManager, "GET", "/v1/register?titles=true", ""), 403, "role")
	refused(t, w.as(breach.RoleResponder, "GET", "/v1/register", ""), http.StatusForbidden, "role")
	refused(t, w.as(breach.RoleLead, "GET", "/v1/register?from=yesterday", ""), 400, "malformed")
	refused(t, w.as(breach.RoleLead, "GET", "/v1/register?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", ""), 400, "malformed")
}
