package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// lawsFor stands in for the set of texts.
func lawsFor(region string, rules []string) []string {
	switch {
	case strings.HasPrefix(region, "US-CA") && slices.Contains(rules, "us-ca-people"):
		return []string{"us-california", "us-hipaa"}
	case region == "CN":
		return []string{"cn-pipl"}
	}
	return nil
}

func withTexts(o *api.Options) {
	o.LawsFor, o.HomeLaw, o.GeneralLaw = lawsFor, "cn-pipl", "general"
}

const mixedFile = "用户ID,姓名,邮箱,手机号,出生日期,监护人姓名,监护人邮箱,地区,信息类别\n" +
	"U1,甲一,jia@example.com,13800138001,1990-01-02,,,CN,联系方式\n" +
	"U2,乙二,yi@example.com,,1991-02-03,,,US-CA,证件号\n" +
	"U3,丙三,bing@example.com,,1992-02-03,,,FR,联系方式\n" +
	"U4,丁小四,,,2017-05-06,丁母,mother@example.com,CN,教育\n"

func TestSegmentsBeforeAnythingIsSent(t *testing.T) {
	w := newWorld(t, withTexts)
	id := w.openIncident()
	w.assess(id,
		breach.Obligation{Rule: "cn-pipl-individual-notice", Owed: breach.IsOwed, Duty: breach.DutyNotice, Title: breach.Text{ZH: "告知", EN: "tell"}},
		breach.Obligation{Rule: "us-ca-people", Owed: breach.IsOwed, Duty: breach.DutyNotice, Title: breach.Text{ZH: "告知", EN: "tell"}})
	if a := want[api.ImportAnswer](t, w.upload(id, []byte(mixedFile)), http.StatusCreated); a.PeopleNew != 4 {
		t.Fatalf("%+v", a)
	}
	got := want[api.SegmentList](t, w.as(breach.RoleManager, "GET", "/v1/incidents/"+string(id)+"/people/segments", ""), 200)
	laws := map[string]int64{}
	people := int64(0)
	for _, s := range got.Segments {
		laws[s.Law+" "+string(s.Audience)] += s.Recipients
		people += s.People
		if s.Open != s.Recipients {
			t.Errorf("nothing was sent, and yet: %+v", s)
		}
		if s.Law == "us-california" && !slices.Equal(s.Also, []string{"us-hipaa"}) {
			t.Errorf("%+v", s)
		}
	}
	if laws["cn-pipl person"] != 1 || laws["us-california person"] != 1 || laws["general person"] != 1 || laws["cn-pipl guardian"] != 1 || people != 4 {
		t.Errorf("%v, %d people", laws, people)
	}
	if len(got.Findings) != 1 || got.Findings[0].Code != "no_law" || got.Findings[0].People != 1 || !strings.Contains(got.Findings[0].Text.EN, "FR") {
		t.Errorf("findings %+v", got.Findings)
	}

	content, err := json.Marshal(breach.Content{Renditions: []breach.Rendition{
		{Language: "zh-CN", Audience: breach.ToPerson, Law: "cn-pipl", Regions: []string{"CN"}, Categories: []string{"contact"}},
		{Language: "zh-CN", Audience: breach.ToGuardian, Law: "cn-pipl", Regions: []string{"CN"}, Categories: []string{"contact"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.AddDocument(t.Context(), store.Document{IncidentID: id, Kind: breach.DocNotice, Subject: "notice/1", Author: "on.call", Content: content}); err != nil {
		t.Fatal(err)
	}
	got = want[api.SegmentList](t, w.as(breach.RoleManager, "GET", "/v1/incidents/"+string(id)+"/people/segments", ""), 200)
	codes := map[string]int64{}
	for _, f := range got.Findings {
		codes[f.Code] = f.People
	}
	if codes["no_text"] != 2 || codes["not_in_text"] != 1 {
		t.Errorf("what an old text lacks is not said: %v", codes)
	}
}

func TestNoticeStatus(t *testing.T) {
	w := newWorld(t, withTexts)
	id := w.openIncident()
	due := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	w.assess(id, breach.Obligation{Rule: "cn-pipl-individual-notice", Owed: breach.IsOwed, Duty: breach.DutyNotice, Title: breach.Text{ZH: "告知", EN: "tell"}, DueAt: &due})
	want[api.ImportAnswer](t, w.upload(id, []byte(mixedFile)), http.StatusCreated)
	if _, err := w.store.AddCampaign(t.Context(), id, 1, "N-1", []breach.Channel{breach.Email, breach.SMS}); err != nil {
		t.Fatal(err)
	}
	path := "/v1/incidents/" + string(id) + "/campaigns/1/progress"
	got := want[api.NoticeStatus](t, w.as(breach.RoleManager, "GET", path, ""), 200)
	if got.FrozenAt != nil || got.Clock == nil || !got.Clock.DueAt.Equal(due) || !got.Clock.Hard || got.Clock.WillMeet != nil {
		t.Errorf("before the freeze: %+v, clock %+v", got.Progress, got.Clock)
	}
	w.sendAll(id)
	got = want[api.NoticeStatus](t, w.as(breach.RoleManager, "GET", path, ""), 200)
	if got.Recipients != 4 || got.Told != 4 || got.Open != 0 || got.PerMinute <= 0 || got.Clock.WillMeet == nil || !*got.Clock.WillMeet {
		t.Errorf("%+v, clock %+v", got.Progress, got.Clock)
	}
	if len(got.Channels) != 2 || got.Channels[0].Accepted != 4 || got.People.Affected != 4 {
		t.Errorf("%+v %+v", got.Channels, got.People)
	}
	if p := refused(t, w.as(breach.RoleManager, "GET", strings.Replace(path, "/1/", "/9/", 1), ""), 404, "not_found"); !strings.Contains(p.Detail, "no notice 9") {
		t.Errorf("%+v", p)
	}
	r := want[api.Reconciled](t, w.as(breach.RoleAuditor, "POST", "/v1/incidents/"+string(id)+"/reconcile", ""), 200)
	if !r.Holds || len(r.Identities) < 15 {
		t.Errorf("%+v", r)
	}
	refused(t, w.as(breach.RoleAuditor, "POST", "/v1/incidents/"+string(id)+"/reconcile?campaign=9", ""), 404, "not_found")
	lines := strings.Split(strings.TrimSpace(string(w.do(request{method: "POST", path: "/v1/incidents/" + string(id) + "/reconcile?campaign=1", token: w.tokens[breach.RoleAuditor], header: map[string]string{"Accept": "application/x-ndjson"}}).body)), "\n")
	var last api.Counting
	for i, l := range lines {
		last = api.Counting{}
		if err := json.Unmarshal([]byte(l), &last); err != nil {
			t.Fatal(err)
		}
		if i < len(lines)-1 && (last.Reading == nil || last.Reading.Step != i+1 || last.Reading.Of != len(lines)-1) {
			t.Errorf("line %d: %s", i+1, l)
		}
	}
	if len(lines) < 5 || last.Result == nil || !last.Result.Holds || last.Result.Campaign != 1 {
		t.Errorf("%q", lines)
	}
}

// sendAll tells everybody by mail.
func (w *world) sendAll(id breach.IncidentID) {
	w.t.Helper()
	ctx := w.t.Context()
	doc := w.document(id, breach.DocNotice, "notice/1", "on.call")
	if _, err := w.store.Decide(ctx, store.Decision{Document: doc.ID, SHA256: doc.SHA256, Verdict: breach.Approved, Person: "other.person", Role: breach.RoleApprover}); err != nil {
		w.t.Fatal(err)
	}
	_, shards, err := w.store.Freeze(ctx, id, 1, doc.ID, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, sh := range shards {
		l, err := w.store.TakeShard(ctx, id, 1, sh.Shard, time.Now(), "")
		if err != nil {
			w.t.Fatal(err)
		}
		work, _, err := w.store.Claim(ctx, l, breach.Email, 0, 100)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, x := range work {
			if err := w.store.Begin(ctx, l, breach.Email, []int64{x.Contact}); err != nil {
				w.t.Fatal(err)
			}
			if err := w.store.Commit(ctx, l, breach.Email, []store.Result{{Contact: x.Contact, State: breach.DeliveryAccepted, Code: "250"}}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// Looking at a person needs a reason and a role, a child needs a grant; what is shown is masked, and every look is journalled.
func TestPersonOutcome(t *testing.T) {
	w := newWorld(t, withTexts)
	id := w.openIncident()
	want[api.ImportAnswer](t, w.upload(id, []byte(mixedFile)), http.StatusCreated)
	if _, err := w.store.AddCampaign(t.Context(), id, 1, "N-1", []breach.Channel{breach.Email, breach.SMS}); err != nil {
		t.Fatal(err)
	}
	w.sendAll(id)
	path := "/v1/incidents/" + string(id) + "/people/outcome"
	for _, who := range []string{`"email":"jia@Example.com"`, `"phone":"138 0013 8001"`, `"id":"U1"`} {
		a := w.as(breach.RoleAuditor, "POST", path, `{`+who+`,"why":"complaint 17"}`)
		got := want[api.OutcomeList](t, a, 200)
		if len(got.Outcomes) != 1 {
			t.Fatalf("%s finds %d", who, len(got.Outcomes))
		}
		o := got.Outcomes[0]
		if o.Name != "甲**" || o.Email != "j***@e***.com" || o.Phone != "+86*********01" || o.State != breach.RecipientTold || o.Law != "cn-pipl" || len(o.Tries) != 1 || o.Tries[0].Code != "250" {
			t.Errorf("%+v", o)
		}
		if strings.Contains(string(a.body), "jia@") || strings.Contains(string(a.body), "13800138001") || strings.Contains(string(a.body), "甲一") {
			t.Errorf("not masked: %s", a.body)
		}
	}
	child := `{"email":"mother@example.com","why":"complaint 18"}`
	refused(t, w.as(breach.RoleAuditor, "POST", path, child), 403, "needs_grant")
	if got := want[api.OutcomeList](t, w.as(breach.RoleLead, "POST", path, child), 200); len(got.Outcomes) != 1 || got.Outcomes[0].Person != "丁**" || got.Outcomes[0].Audience != breach.ToGuardian {
		t.Errorf("%+v", got)
	}
	grants := strings.Replace(path, "outcome", "grants", 1)
	refused(t, w.as(breach.RoleLead, "POST", grants, `{"to":"lead.person","why":"x"}`), 409, "same_person")
	refused(t, w.as(breach.RoleLead, "POST", grants, `{"to":"auditor.person","why":"x","hours":999}`), 422, "grant")
	refused(t, w.as(breach.RoleAuditor, "POST", grants, `{"to":"auditor.person","why":"x"}`), 403, "role")
	want[api.Granted](t, w.as(breach.RoleLead, "POST", grants, `{"to":"auditor.person","why":"guardian complained"}`), 200)
	want[api.OutcomeList](t, w.as(breach.RoleAuditor, "POST", path, child), 200)

	refused(t, w.as(breach.RoleResponder, "POST", path, child), 403, "role")
	refused(t, w.as(breach.RoleLead, "POST", path, `{"email":"jia@example.com"}`), 422, "why")
	refused(t, w.as(breach.RoleLead, "POST", path, `{"why":"x"}`), 422, "whom")
	refused(t, w.as(breach.RoleLead, "POST", path, `{"email":"jia@example.com","id":"U1","why":"x"}`), 422, "whom")
	refused(t, w.as(breach.RoleLead, "POST", path, `{"phone":"12","why":"x"}`), 422, "phone")
	if got := want[api.OutcomeList](t, w.as(breach.RoleLead, "POST", path, `{"email":"nobody@example.com","why":"x"}`), 200); len(got.Outcomes) != 0 {
		t.Errorf("%+v", got)
	}
	entries, err := w.store.Journal(t.Context(), id, 0, 200)
	if err != nil {
		t.Fatal(err)
	}
	looks := 0
	for _, e := range entries {
		if e.Action == "people.look" {
			looks++
		}
		if strings.Contains(string(e.Detail), "example.com") || strings.Contains(string(e.Detail), "138001") {
			t.Errorf("the journal names a contact: %s", e.Detail)
		}
	}
	if looks != 7 {
		t.Errorf("%d looks are journalled, want 7", looks)
	}
	if strings.Contains(w.log.String(), "example.com") {
		t.Error("the log names a contact")
	}
}

// Only the law frees us from telling somebody, and never on one person's word.
func TestExemptions(t *testing.T) {
	w := newWorld(t, withTexts)
	id := w.openIncident()
	want[api.ImportAnswer](t, w.upload(id, []byte(mixedFile)), http.StatusCreated)
	path := "/v1/incidents/" + string(id) + "/exemptions"
	body := `{"id":"U1","reason":"law_enforcement","article":"45 CFR 164.412","paper":"EV-7","why":"the police asked"}`
	refused(t, w.as(breach.RoleLead, "POST", path, strings.Replace(body, "law_enforcement", "too_dear", 1)), 422, "exemption")
	refused(t, w.as(breach.RoleLead, "POST", path, strings.Replace(body, "EV-7", "", 1)), 422, "exemption")
	refused(t, w.as(breach.RoleLead, "POST", path, strings.Replace(body, "U1", "U99", 1)), 404, "not_found")
	refused(t, w.as(breach.RoleResponder, "POST", path, body), 403, "role")
	want[store.Exemption](t, w.as(breach.RoleLead, "POST", path, body), 201)
	refused(t, w.as(breach.RoleLead, "POST", path+"/1/decision", `{"verdict":"approved"}`), 409, "same_person")
	refused(t, w.as(breach.RoleApprover, "POST", path+"/7/decision", `{"verdict":"approved"}`), 404, "not_found")
	refused(t, w.as(breach.RoleApprover, "POST", path+"/1/decision", `{"verdict":"perhaps"}`), 422, "verdict")
	if e := want[store.Exemption](t, w.as(breach.RoleApprover, "POST", path+"/1/decision", `{"verdict":"approved"}`), 200); e.ApprovedBy == nil || *e.ApprovedBy != person(breach.RoleApprover) {
		t.Errorf("%+v", e)
	}
	if got := want[breach.Tally](t, w.as(breach.RoleManager, "GET", "/v1/incidents/"+string(id)+"/people/count", ""), 200); got.Exempt != 1 || !got.Reconciles() {
		t.Errorf("%+v", got)
	}
	a := w.as(breach.RoleManager, "GET", path, "")
	if got := want[api.ExemptionList](t, a, 200); len(got.Exemptions) != 1 || strings.Contains(string(a.body), "EV-7") || strings.Contains(string(a.body), "police asked") {
		t.Errorf("%s", a.body)
	}
	want[store.Exemption](t, w.as(breach.RoleLead, "POST", path+"/1/lift", `{"why":"released"}`), 200)
	if got := want[breach.Tally](t, w.as(breach.RoleManager, "GET", "/v1/incidents/"+string(id)+"/people/count", ""), 200); got.Exempt != 0 || got.Open != 4 {
		t.Errorf("%+v", got)
	}
}

// A supplement is asked for by those who work on the incident, for a notice that people had; a campaign shows what it supplements.
func TestAskingForASupplement(t *testing.T) {
	w := newWorld(t, withTexts)
	id := w.openIncident()
	want[api.ImportAnswer](t, w.upload(id, []byte(mixedFile)), http.StatusCreated)
	if _, err := w.store.AddCampaign(t.Context(), id, 1, "N-1", []breach.Channel{breach.Email}); err != nil {
		t.Fatal(err)
	}
	path := "/v1/incidents/" + string(id) + "/campaigns/1/supplements"
	body := `{"changed":{"zh":"又查明涉及证件号码。","en":"Identity numbers are involved as well."},"why":"forensics"}`
	refused(t, w.as(breach.RoleLead, "POST", path, body), 409, "not_sent")
	w.sendAll(id)
	refused(t, w.as(breach.RoleApprover, "POST", path, body), 403, "role")
	refused(t, w.as(breach.RoleLead, "POST", strings.Replace(path, "/1/", "/9/", 1), body), 404, "not_found")
	refused(t, w.as(breach.RoleLead, "POST", path, `{"changed":{"zh":"","en":"  "},"why":"x"}`), 422, "changed")
	refused(t, w.as(breach.RoleLead, "POST", path, `{"changed":{"zh":"又查明","en":""},"why":"x"}`), 422, "changed")
	refused(t, w.as(breach.RoleLead, "POST", path, strings.Replace(body, "forensics", "", 1)), 422, "why")
	a := want[api.SupplementAsked](t, w.as(breach.RoleLead, "POST", path, body), 202)
	if again := want[api.SupplementAsked](t, w.as(breach.RoleResponder, "POST", path, body), 202); again.No != a.No || a.Supplements != 1 || a.Told != 4 {
		t.Errorf("%+v, then %+v", a, again)
	}
	if _, err := w.store.AddSupplement(t.Context(), id, 2, "N-2", []breach.Channel{breach.Email}, a.No); err != nil {
		t.Fatal(err)
	}
	refused(t, w.as(breach.RoleLead, "POST", strings.Replace(path, "/1/", "/2/", 1), body), 409, "supplement")
	l := want[api.NoticeList](t, w.as(breach.RoleManager, "GET", "/v1/incidents/"+string(id)+"/notices", ""), 200)
	if len(l.Campaigns) != 2 || l.Campaigns[0].Supplements != nil || l.Campaigns[1].Supplements == nil || *l.Campaigns[1].Supplements != 1 {
		t.Errorf("%+v", l.Campaigns)
	}
}
