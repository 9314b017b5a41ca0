package activities_test

import (
	"strings"
	"testing"
	"time"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/internal/regulation"
	"tocsin/internal/store"
	"tocsin/templates"
)

// learn states facts and has them assessed, as the incident's workflow does.
func (h *house) learn(id breach.IncidentID, facts breach.Facts) {
	h.t.Helper()
	if facts != nil {
		if _, err := h.store.AmendFacts(h.t.Context(), id, facts, "zhao.min", "found out"); err != nil {
			h.t.Fatal(err)
		}
	}
	laws, err := regulation.Load()
	if err != nil {
		h.t.Fatal(err)
	}
	a := &activities.Assessor{Store: h.store, Laws: laws, Organisation: profile(), Now: time.Now}
	if _, err := run[activities.Assessed](h, a.Assess, activities.AssessInput{Incident: id}); err != nil {
		h.t.Fatal(err)
	}
}

// gaps are the open tasks that ask for a supplementary notice.
func (h *house) gaps(id breach.IncidentID) []store.Task {
	h.t.Helper()
	tasks, err := h.store.Tasks(h.t.Context(), id, false)
	if err != nil {
		h.t.Fatal(err)
	}
	var gaps []store.Task
	for _, t := range tasks {
		if strings.HasPrefix(t.Ref, "supplement of notice") {
			gaps = append(gaps, t)
		}
	}
	return gaps
}

// tell imports one person and tells them: notice 1 is drafted, approved, frozen and sent.
func (h *house) tell(id breach.IncidentID, n *activities.Notices) {
	h.t.Helper()
	ctx := h.t.Context()
	imp, err := h.store.BeginImport(ctx, id, "zhao.min")
	if err != nil {
		h.t.Fatal(err)
	}
	person := store.AffectedPerson{Identity: "甲", Name: "甲一", Age: "adult", Language: breach.Chinese, Region: "CN", Contacts: store.Contacts{Email: "jia@example.com"}}
	if err := imp.Add(ctx, person); err != nil {
		h.t.Fatal(err)
	}
	if _, err := imp.Finish(ctx, "UTF-8", [32]byte{1}); err != nil {
		h.t.Fatal(err)
	}
	h.learn(id, nil)
	d := h.draftNotice(n, activities.DraftNoticeInput{Incident: id, Campaign: 1, Ladder: []breach.Channel{breach.Email}})
	h.approve(d.Document, "wang.fang")
	frozen, err := run[activities.Frozen](h, n.FreezeAudience, activities.FreezeInput{Incident: id, Campaign: 1, Document: d.Document, ShardSize: 10})
	if err != nil || len(frozen.Shards) != 1 {
		h.t.Fatal(frozen, err)
	}
}

func (h *house) draftNotice(n *activities.Notices, in activities.DraftNoticeInput) activities.Draft {
	h.t.Helper()
	d, err := run[activities.Draft](h, n.DraftNotice, in)
	if err != nil {
		h.t.Fatal(err)
	}
	return d
}

// What comes to light after a notice was sent makes one task for the lead, which says what to type; the supplement that follows says
// it at its top, names the earlier notice, waits for its end, and ends the task.
func TestWhatComesToLightAfterANoticeAsksForASupplement(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	n := &activities.Notices{Store: h.store, Templates: templates.Default(), Organisation: speaker()}
	id := h.openIncident(breach.Facts{
		"kinds": []string{"leak"}, "data.personal": true, "people.total": int64(1), "harm.avoided": false, "state": "suspected", "data.categories": []string{"contact", "name"},
	})
	h.tell(id, n)
	h.learn(id, breach.Facts{"harm.avoided": true})
	if gaps := h.gaps(id); len(gaps) != 0 {
		t.Fatalf("a fact that no notice tells asks for a supplement: %+v", gaps)
	}

	h.learn(id, breach.Facts{"data.categories": []string{"contact", "id_number", "name"}, "state": "confirmed"})
	h.learn(id, nil)
	h.learn(id, breach.Facts{"harm.avoided": false})
	gaps := h.gaps(id)
	if len(gaps) != 1 {
		t.Fatalf("%d tasks ask for a supplement: %+v", len(gaps), gaps)
	}
	for _, says := range []string{"tocsin notice supplement " + string(id) + " --campaign 1", "added: ", "--changed-zh"} {
		if !strings.Contains(gaps[0].Detail.EN, says) {
			t.Errorf("the task does not say %q: %s", says, gaps[0].Detail.EN)
		}
	}
	if gaps[0].OwnerRole != breach.RoleLead || !strings.Contains(gaps[0].Title.ZH, "补充告知") || !strings.Contains(gaps[0].Detail.ZH, "新增：") {
		t.Errorf("%+v", gaps[0])
	}
	if _, err := h.store.EndTask(ctx, store.TaskEnd{ID: gaps[0].ID, Note: "no need", By: "lead.one"}); err != nil {
		t.Fatal(err)
	}
	h.learn(id, breach.Facts{"harm.avoided": true})
	if gaps := h.gaps(id); len(gaps) != 0 {
		t.Errorf("it asks again for what somebody has ended: %+v", gaps)
	}
	if _, err := h.store.WriteNoticeWords(ctx, id, breach.NoticeWords{Cause: breach.Text{ZH: "一台服务器设置有误。", EN: "One server was set wrongly."}}, "zhao.min", "forensics"); err != nil {
		t.Fatal(err)
	}
	h.learn(id, nil)
	first := h.gaps(id)
	h.learn(id, breach.Facts{"people.total": int64(40)})
	gaps = h.gaps(id)
	if len(first) != 1 || len(gaps) != 1 || first[0].ID == gaps[0].ID {
		t.Fatalf("a newer finding takes the place of the older: %+v, then %+v", first, gaps)
	}
	if d := gaps[0].Detail.EN; !strings.Contains(d, "the words of the notices") || !strings.Contains(d, "only 1 are on file") {
		t.Errorf("%s", d)
	}

	changed := breach.Text{ZH: "又查明涉及证件号码。", EN: "We have found that identity numbers are involved as well."}
	ask, err := h.store.AskSupplement(ctx, id, 1, changed, "qian.li", "forensics")
	if err != nil {
		t.Fatal(err)
	}
	in := activities.DraftNoticeInput{Incident: id, Campaign: 2, Ladder: []breach.Channel{breach.Email}, Ask: ask.No}
	d := h.draftNotice(n, in)
	if again := h.draftNotice(n, in); again != d {
		t.Errorf("drafted again from the same facts it is another: %+v, %+v", d, again)
	}
	base, err := h.store.Campaign(ctx, id, 1)
	if err != nil {
		t.Fatal(err)
	}
	content := h.content(d.Document)
	doc, err := h.store.Document(ctx, d.Document)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range content.Renditions {
		if r.HTML == "" || !strings.Contains(r.Text, base.Number) || !strings.Contains(r.Text, changed.In(r.Language)) || strings.Contains(r.Text, "If you have had an earlier notice") {
			t.Errorf("%s %s %s: %s", r.Law, r.Audience, r.Language, r.Text)
		}
		if r.Language == breach.English && r.Audience == breach.ToPerson && !strings.Contains(r.Text, "⟦only id_number⟧We now know") {
			t.Errorf("what is new is not said: %s", r.Text)
		}
	}
	// Whose words stand in it does not decide on it.
	if _, err := h.store.Decide(ctx, store.Decision{Document: d.Document, SHA256: doc.SHA256, Verdict: breach.Approved, Person: "qian.li", Role: breach.RoleApprover}); err == nil {
		t.Error("who asked for it approved it")
	}
	h.approve(d.Document, "wang.fang")
	freeze := activities.FreezeInput{Incident: id, Campaign: 2, Document: d.Document, ShardSize: 10}
	frozen, err := run[activities.Frozen](h, n.FreezeAudience, freeze)
	if err != nil || !frozen.Waits {
		t.Fatalf("it does not wait for the earlier notice: %+v, %v", frozen, err)
	}
	h.deliver(id, 1)
	if frozen, err = run[activities.Frozen](h, n.FreezeAudience, freeze); err != nil || frozen.Waits || frozen.People != 1 || len(frozen.Shards) != 1 {
		t.Fatalf("%+v, %v", frozen, err)
	}
	if gaps := h.gaps(id); len(gaps) != 0 {
		t.Errorf("the supplement goes out and is still asked for: %+v", gaps)
	}
	h.learn(id, breach.Facts{"harm.avoided": false})
	if gaps := h.gaps(id); len(gaps) != 0 {
		t.Errorf("what the supplement says is asked for: %+v", gaps)
	}
	h.learn(id, breach.Facts{"data.categories": []string{"contact", "health", "id_number", "name"}})
	if gaps := h.gaps(id); len(gaps) != 1 || !strings.Contains(gaps[0].Title.EN, "notice 2") || !strings.Contains(gaps[0].Detail.EN, "--campaign 1") {
		t.Errorf("%+v", gaps)
	}
}

// deliver has a campaign's one shard taken over by mail, and ends it.
func (h *house) deliver(id breach.IncidentID, campaign int) {
	h.t.Helper()
	ctx := h.t.Context()
	l, err := h.store.TakeShard(ctx, id, campaign, 0, time.Now(), "")
	if err != nil {
		h.t.Fatal(err)
	}
	work, _, err := h.store.Claim(ctx, l, breach.Email, 0, 10)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, w := range work {
		if err := h.store.Begin(ctx, l, breach.Email, []int64{w.Contact}); err != nil {
			h.t.Fatal(err)
		}
		if err := h.store.Commit(ctx, l, breach.Email, []store.Result{{Contact: w.Contact, State: breach.DeliveryAccepted, Code: "250"}}); err != nil {
			h.t.Fatal(err)
		}
	}
	if ended, err := h.store.FinishCampaign(ctx, id, campaign); err != nil || !ended {
		h.t.Fatal(ended, err)
	}
}
