package api_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

func (w *world) upload(id breach.IncidentID, file []byte) answer {
	return w.do(request{"POST", "/v1/incidents/" + string(id) + "/people", w.tokens[breach.RoleResponder], string(file), map[string]string{"Content-Type": "text/csv"}})
}

func TestImportPeople(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	const csv = "姓名,邮箱,手机号,出生日期,监护人姓名,监护人手机,工号备注\n" +
		"甲一,jia@example.com,13800138001,1990-01-02,,,x\n" +
		"乙二,not an address,13800138002,1991-02-03,,,x\n" +
		"丙三,,,2015-05-06,丙母,13800138003,x\n" +
		"丁四,ding@example.com,,,丁父,13800138004,x\n" +
		"多,了,一,格,,,,x,y\n"
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(csv)
	if err != nil {
		t.Fatal(err)
	}
	got := want[api.ImportAnswer](t, w.upload(id, []byte(gb)), http.StatusCreated)
	if got.Encoding != "GB18030" || got.RowsIn != 5 || got.PeopleNew != 4 || got.SetAside != 1 || got.No != 1 {
		t.Errorf("sums %+v", got.ImportResult)
	}
	if sum := sha256.Sum256([]byte(gb)); got.SHA256.String() != hex.EncodeToString(sum[:]) {
		t.Errorf("hash %s", got.SHA256)
	}
	if !slices.Equal(got.Ignored, []string{"工号备注"}) || !got.KnowsAges || len(got.Columns) != 6 {
		t.Errorf("columns %+v, ignored %v", got.Columns, got.Ignored)
	}
	if got.Tally.Affected != 4 || got.Tally.Minors != 1 || got.Tally.Under14 != 1 || !got.Tally.Reconciles() {
		t.Errorf("tally %+v", got.Tally)
	}
	reasons := map[string]int64{}
	for _, i := range got.Issues {
		reasons[i.Reason] = i.Line
		if i.Text == nil || i.Text.ZH == "" || i.Text.EN == "" {
			t.Errorf("issue without words: %+v", i)
		}
	}
	if reasons["email"] != 3 || reasons["column_count"] != 6 || reasons["no_age"] != 5 {
		t.Errorf("reasons %v", reasons)
	}
	page := want[api.IssueList](t, w.as(breach.RoleLead, "GET", "/v1/incidents/"+string(id)+"/people/issues?import=1&after=5", ""), 200)
	if len(page.Issues) != 1 || page.Issues[0].Line != 6 || !page.Issues[0].SetAside {
		t.Errorf("issues after line 5: %+v", page)
	}
	again := want[api.ImportAnswer](t, w.upload(id, []byte(csv)), http.StatusCreated)
	if again.PeopleNew != 0 || again.PeopleKnown != 4 || again.Encoding != "UTF-8" {
		t.Errorf("the same people in another encoding: %+v", again.ImportResult)
	}
	for _, canary := range []string{"甲一", "jia@example.com", "13800138001", "丙母"} {
		if strings.Contains(w.log.String(), canary) {
			t.Errorf("the log holds %s", canary)
		}
	}
	// Of unknown age, with a guardian: the guardian is told too.
	var guardians int
	if err := w.db(`select count(*) from recipient r join cohort c on c.incident_no = r.incident_no and c.no = r.cohort where c.role = 'guardian'`, &guardians); err != nil || guardians != 2 {
		t.Errorf("%d guardians to tell, %v", guardians, err)
	}
}

func TestPeopleFilesThatAreRefusedChangeNothing(t *testing.T) {
	w := newWorld(t, func(o *api.Options) { o.MaxUpload = 4 << 10 })
	id := w.openIncident()
	csv := map[string]string{"Content-Type": "text/csv"}
	path := "/v1/incidents/" + string(id) + "/people"
	lead := w.tokens[breach.RoleLead]
	refused(t, w.do(request{"POST", path, lead, "", csv}), 422, "file")
	refused(t, w.do(request{"POST", path, lead, "城市,颜色\n上海,红\n", csv}), 422, "file")
	refused(t, w.do(request{"POST", path, lead, "姓名,邮箱\n", map[string]string{"Content-Type": "application/json"}}), 415, "media_type")
	refused(t, w.do(request{"POST", "/v1/incidents/INC-2026-9999/people", lead, "姓名,邮箱\n甲,a@example.com\n", csv}), 404, "not_found")
	var n int
	if err := w.db(`select count(*) from people_import`, &n); err != nil || n != 0 {
		t.Errorf("%d imports begun, %v", n, err)
	}
	big := "姓名,邮箱\n" + strings.Repeat("甲,a@example.com\n", 1000)
	refused(t, w.do(request{"POST", path, lead, big, csv}), 413, "too_large")
}

// A connection that breaks off is no end of a file: what came stays, and sending it again completes it.
func TestAnUploadThatBreaksOff(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	file := []byte("姓名,邮箱\n" + strings.Repeat("甲,a@example.com\n", 100))
	req, err := http.NewRequestWithContext(t.Context(), "POST", w.url+"/v1/incidents/"+string(id)+"/people", bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = int64(len(file)) + 1000 // the rest never comes
	req.Header.Set("Authorization", "Bearer "+w.tokens[breach.RoleResponder])
	req.Header.Set("Content-Type", "text/csv")
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		if resp.StatusCode < 400 {
			t.Errorf("half a file was taken for a whole one: %d", resp.StatusCode)
		}
	}
	got := want[api.ImportAnswer](t, w.upload(id, file), http.StatusCreated)
	if got.Tally.Affected != 1 {
		t.Errorf("tally %+v", got.Tally)
	}
}

// document adds a draft as the engine does.
func (w *world) document(id breach.IncidentID, kind breach.DocumentKind, subject string, author breach.Person) store.Document {
	w.t.Helper()
	content, err := json.Marshal(breach.Content{Renditions: []breach.Rendition{{Language: breach.Chinese, Title: "报告", Text: "<正文> & …"}}})
	if err != nil {
		w.t.Fatal(err)
	}
	d, err := w.store.AddDocument(w.t.Context(), store.Document{IncidentID: id, Kind: kind, Subject: subject, Author: author, Content: content})
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func TestADecisionNamesTheHashOfWhatWasRead(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	d := w.document(id, breach.DocFiling, "rule/authority", person(breach.RoleLead))
	path := "/v1/documents/" + string(d.ID)

	read := w.as(breach.RoleApprover, "GET", path+"/content", "")
	sum := sha256.Sum256(read.body)
	hash := hex.EncodeToString(sum[:])
	if hash != d.SHA256.String() || read.header.Get("ETag") != `"`+hash+`"` {
		t.Fatalf("the bytes hash to %s, the document is %s", hash, d.SHA256)
	}
	v := want[api.DocumentView](t, w.as(breach.RoleManager, "GET", path, ""), 200)
	if v.Content.Renditions[0].Text != "<正文> & …" || v.Version != 1 {
		t.Errorf("document %+v", v)
	}

	decision := func(role breach.Role, sha, verdict, why string) answer {
		return w.as(role, "POST", path+"/decision", fmt.Sprintf(`{"sha256":%q,"verdict":%q,"why":%q}`, sha, verdict, why))
	}
	refused(t, decision(breach.RoleLead, hash, "approved", ""), 409, "same_person")
	refused(t, decision(breach.RoleApprover, "abcd", "approved", ""), 409, "stale_document")
	refused(t, decision(breach.RoleApprover, "xyz", "approved", ""), 400, "malformed")
	refused(t, decision(breach.RoleApprover, "", "approved", ""), 422, "sha256")
	refused(t, decision(breach.RoleApprover, hash, "yes", ""), 422, "verdict")
	refused(t, decision(breach.RoleApprover, hash, "refused", " "), 422, "why")
	done := want[store.Document](t, decision(breach.RoleApprover, hash, "approved", "reads well"), 200)
	if done.ApprovedBy == nil || *done.ApprovedBy != person(breach.RoleApprover) {
		t.Errorf("after the approval: %+v", done)
	}
	want[store.Document](t, decision(breach.RoleApprover, hash, "approved", ""), 200) // again changes nothing
	refused(t, decision(breach.RoleApprover, hash, "refused", "no"), 409, "already_decided")
	var refusals int
	if err := w.db(`select count(*) from journal where action = 'decision.refused'`, &refusals); err != nil || refusals != 3 {
		t.Errorf("%d refused attempts journalled, %v", refusals, err)
	}
	refused(t, w.as(breach.RoleApprover, "GET", "/v1/documents/nothing", ""), 404, "not_found")
}

func (w *world) addTask(id breach.IncidentID, ref string, owner breach.Role) store.Task {
	w.t.Helper()
	err := w.store.AddTask(w.t.Context(), store.Task{
		IncidentID: id, Kind: breach.TaskManualStep, Ref: ref, OwnerRole: owner,
		Title: breach.Text{ZH: "隔离主机", EN: "Isolate the host"}, Detail: breach.Text{ZH: "…", EN: "…"},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	tasks := want[api.TaskList](w.t, w.as(breach.RoleManager, "GET", "/v1/incidents/"+string(id)+"/tasks", ""), 200).Tasks
	i := slices.IndexFunc(tasks, func(t store.Task) bool { return t.Ref == ref })
	return tasks[i]
}

func TestTasks(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	mine, theirs := w.addTask(id, "step-1", breach.RoleResponder), w.addTask(id, "step-2", breach.RoleLead)
	end := func(role breach.Role, task store.Task, body string) answer {
		return w.as(role, "POST", "/v1/tasks/"+task.ID+"/end", body)
	}
	refused(t, end(breach.RoleResponder, theirs, `{"done":true}`), 403, "role")
	refused(t, end(breach.RoleResponder, mine, `{"done":false}`), 422, "note")
	done := want[store.Task](t, end(breach.RoleLead, mine, `{"done":true,"note":"host off"}`), 200) // a lead may do all
	if done.Outcome == nil || *done.Outcome != "done" {
		t.Errorf("task %+v", done)
	}
	want[store.Task](t, end(breach.RoleResponder, mine, `{"done":true}`), 200)
	refused(t, end(breach.RoleResponder, mine, `{"done":false,"note":"x"}`), 409, "already_ended")
	refused(t, end(breach.RoleLead, store.Task{ID: "nothing"}, `{"done":true}`), 404, "not_found")
	all := want[api.TaskList](t, w.as(breach.RoleAuditor, "GET", "/v1/incidents/"+string(id)+"/tasks?all=true", ""), 200).Tasks
	if len(all) != 2 || all[0].Ref != "step-2" {
		t.Errorf("tasks %+v", all)
	}
}

// assess gives the incident duties as an assessment of its newest facts would.
func (w *world) assess(id breach.IncidentID, obligations ...breach.Obligation) {
	w.t.Helper()
	facts, err := w.store.Facts(w.t.Context(), id, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	a := breach.Assessment{FactsRev: facts.Rev, AssessedAt: time.Now().UTC(), Obligations: obligations, Severities: []breach.Severity{{
		Scale: "cac-2025", ScaleName: breach.Text{ZH: "网信", EN: "CAC"}, Level: "major", LevelName: breach.Text{ZH: "重大", EN: "major"},
	}}}
	if err := w.store.SaveAssessment(w.t.Context(), id, a); err != nil {
		w.t.Fatal(err)
	}
}

func TestClosingNamesWhatIsOpenThenTakesTwoPeople(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	due := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	owed := breach.Obligation{
		Rule: "cn-cac-other", Authority: "cac", Owed: breach.IsOwed, Duty: breach.DutyFiling, DueAt: &due, Hard: true,
		Title: breach.Text{ZH: "向网信部门报告", EN: "Report to the CAC"}, ArticleIn: breach.Text{ZH: "第六条", EN: "art. 6"},
		Instrument: breach.Text{ZH: "国家网络安全事件报告管理办法", EN: "Measures on Reporting Cybersecurity Incidents"},
	}
	possible := breach.Obligation{
		Rule: "cn-police", Owed: breach.Possible, Duty: breach.DutyFiling, Depends: []breach.FactName{"crime.suspected"},
		Title: breach.Text{ZH: "向公安机关报告", EN: "Report to the police"},
	}
	w.assess(id, owed, possible)
	task := w.addTask(id, "step-1", breach.RoleResponder)
	path := "/v1/incidents/" + string(id)

	v := want[api.IncidentView](t, w.as(breach.RoleManager, "GET", path, ""), 200)
	if v.Next == nil || v.Next.Obligation != "cn-cac-other/cac" || !v.Next.Lawful || v.OpenTasks != 1 || !v.Assessed || len(v.Severities) != 1 {
		t.Errorf("view %+v", v)
	}
	list := want[api.IncidentList](t, w.as(breach.RoleManager, "GET", "/v1/incidents", ""), 200).Incidents
	if len(list) != 1 || list[0].NextDue == nil || !list[0].NextDue.Equal(due) || list[0].OpenTasks != 1 || list[0].Severities[0].Level != "major" {
		t.Errorf("list %+v", list)
	}
	filings := want[api.FilingList](t, w.as(breach.RoleManager, "GET", path+"/filings", ""), 200).Filings
	if len(filings) != 2 || filings[0].Document != nil {
		t.Errorf("filings %+v", filings)
	}

	refused(t, w.as(breach.RoleResponder, "POST", path+"/close", `{"why":"over"}`), 403, "role")
	p := refused(t, w.as(breach.RoleLead, "POST", path+"/close", `{"why":"over"}`), 409, "still_open")
	var kinds []string
	for _, o := range p.Open {
		kinds = append(kinds, o.Kind)
		if o.Next == "" || o.Text.ZH == "" || o.Text.EN == "" {
			t.Errorf("open item without words: %+v", o)
		}
	}
	if !slices.Equal(kinds, []string{"possible", "obligation", "task"}) || !strings.Contains(p.Open[0].Next, "crime.suspected=… --why …") {
		t.Errorf("open: %+v", p.Open)
	}

	if _, err := w.store.EndTask(t.Context(), store.TaskEnd{ID: task.ID, Done: false, Note: "no such host", By: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := w.store.SetObligation(t.Context(), id, owed.Key(), store.ObligationMet); err != nil {
		t.Fatal(err)
	}
	w.patch(id, `{"facts":{"people.total":0},"why":"nobody"}`)
	p = refused(t, w.as(breach.RoleLead, "POST", path+"/close", `{"why":"over"}`), 409, "still_open")
	if !slices.ContainsFunc(p.Open, func(o api.OpenItem) bool { return o.Kind == "facts" }) {
		t.Errorf("open: %+v", p.Open)
	}
	w.assess(id, owed) // the police is ruled out

	d := want[store.Document](t, w.as(breach.RoleLead, "POST", path+"/close", `{"why":"nothing left"}`), 201)
	again := want[store.Document](t, w.as(breach.RoleLead, "POST", path+"/close", `{"why":"still nothing left"}`), 200)
	if again.ID != d.ID || d.Author != person(breach.RoleLead) {
		t.Errorf("proposed %+v, then %+v", d, again)
	}
	text := want[api.DocumentView](t, w.as(breach.RoleApprover, "GET", "/v1/documents/"+string(d.ID), ""), 200).Content
	golden(t, "closure.txt", closureText(text, string(id)))
	decision := fmt.Sprintf(`{"sha256":%q,"verdict":"approved"}`, d.SHA256)
	refused(t, w.as(breach.RoleLead, "POST", "/v1/documents/"+string(d.ID)+"/decision", decision), 409, "same_person")
	want[store.Document](t, w.as(breach.RoleApprover, "POST", "/v1/documents/"+string(d.ID)+"/decision", decision), 200)
}

func (w *world) patch(id breach.IncidentID, body string) {
	w.t.Helper()
	want[store.FactRevision](w.t, w.as(breach.RoleLead, "PATCH", "/v1/incidents/"+string(id)+"/facts", body), 200)
}

// closureText is both languages with what differs from run to run taken out.
func closureText(c breach.Content, id string) string {
	var b strings.Builder
	for _, r := range c.Renditions {
		fmt.Fprintf(&b, "%s\n\n%s\n\n", strings.ReplaceAll(r.Title, id, "INC-2026-0001"), dates.ReplaceAllString(r.Text, "2026-11-22 06:00 UTC"))
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs; go test ./internal/api -update rewrites it. Got:\n%s", path, got)
	}
}

func TestHaltAndResume(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	if _, err := w.store.AddCampaign(t.Context(), id, 1, "7K3M-9Q2X-W4RT-8HD5-NJ6P", []breach.Channel{breach.Email}); err != nil {
		t.Fatal(err)
	}
	path := "/v1/incidents/" + string(id) + "/campaigns/"
	if c := want[store.Campaign](t, w.as(breach.RoleResponder, "POST", path+"1/halt", ""), 200); c.HaltedAt == nil {
		t.Error("the campaign runs on")
	}
	refused(t, w.as(breach.RoleResponder, "POST", path+"1/resume", ""), 403, "role")
	if c := want[store.Campaign](t, w.as(breach.RoleLead, "POST", path+"1/resume", ""), 200); c.HaltedAt != nil {
		t.Error("the campaign is still halted")
	}
	refused(t, w.as(breach.RoleLead, "POST", path+"2/halt", ""), 404, "not_found")
	refused(t, w.as(breach.RoleLead, "POST", path+"x/halt", ""), 404, "not_found")
	notices := want[api.NoticeList](t, w.as(breach.RoleManager, "GET", "/v1/incidents/"+string(id)+"/notices", ""), 200)
	if len(notices.Campaigns) != 1 || len(notices.Campaigns[0].Channels) != 1 {
		t.Errorf("notices %+v", notices)
	}
}

func TestJournalAndLedgerAreForAuditors(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	w.patch(id, `{"facts":{"people.total":3},"why":"counted"}`)
	page := want[api.JournalPage](t, w.as(breach.RoleAuditor, "GET", "/v1/incidents/"+string(id)+"/journal?after=1", ""), 200)
	if len(page.Entries) != 2 || page.Entries[0].Seq != 2 || page.After != 0 {
		t.Errorf("journal %+v", page)
	}
	want[api.DeliveryPage](t, w.as(breach.RoleAuditor, "GET", "/v1/incidents/"+string(id)+"/deliveries", ""), 200)
	refused(t, w.as(breach.RoleAuditor, "GET", "/v1/incidents/"+string(id)+"/journal?after=x", ""), 400, "malformed")
}

// BenchmarkImportPeople measures the whole way of a people file: socket, parsing, sealing, COPY, unstaging.
func BenchmarkImportPeople(b *testing.B) {
	w := newWorld(b)
	const rows = 50_000
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		id := w.openIncident()
		var file strings.Builder
		file.WriteString("姓名,邮箱,手机号,出生日期\n")
		for n := range rows {
			fmt.Fprintf(&file, "测试%d,p%d@example.com,138%08d,1990-01-02\n", n, n, n)
		}
		b.StartTimer()
		if got := want[api.ImportAnswer](b, w.upload(id, []byte(file.String())), http.StatusCreated); got.PeopleNew != rows {
			b.Fatalf("import %+v", got.ImportResult)
		}
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}
