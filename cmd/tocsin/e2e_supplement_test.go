package main

import (
	"net/http"
	"strings"
	"testing"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/config"
	"tocsin/internal/devstack/inbox"
	"tocsin/internal/store"
)

// What comes to light after a notice was sent asks for a supplement. It goes through the engine like every notice, once to each
// who had the first, by the channel that reached them; nobody counts twice, and everything adds up.
func TestASupplementReachesThoseWhoHadTheNotice(t *testing.T) {
	t.Parallel()
	b := startBench(t, false, func(cfg *config.Config) { cfg.Policy.ShardSize, cfg.Policy.ChunkSize = 10, 10 })
	refuse := inbox.Fault{Channel: inbox.ChannelEmail, To: "*@" + goneDomain, Do: inbox.Refuse, Code: "550"}
	if err := b.local.stack.Inbox.SetFaults(refuse); err != nil {
		t.Fatal(err)
	}
	b.serve(true)
	b.open()
	b.until("the first assessment", func(v api.IncidentView) bool { return v.Assessed })
	if err := b.learn(b.ctx); err != nil {
		t.Fatal(err)
	}
	people := crowd{taking: 12, gone: 6, goneAlone: 2}
	var a api.ImportAnswer
	if err := b.as[breach.RoleLead].do(b.ctx, http.MethodPost, b.path("/people"), strings.NewReader(people.file()), "text/csv", nil, &a); err != nil {
		t.Fatal(err)
	}
	sent := func(n int) func(api.IncidentView) bool {
		return func(v api.IncidentView) bool {
			return len(v.Campaigns) == n && v.Campaigns[n-1].FinishedAt != nil && v.Tally.Open == 0 && v.Tally.Missed == 0
		}
	}
	v := b.until("everybody to be told", sent(1))
	b.checkCopies(people)
	first, before := v.Campaigns[0], v.Tally

	b.amend(breach.Facts{"data.categories": []string{"contact", "id_number", "name", "religion"}})
	var tasks api.TaskList
	b.eventually("the task", func() bool {
		if err := b.as[breach.RoleManager].get(b.ctx, b.path("/tasks"), &tasks); err != nil {
			t.Fatal(err)
		}
		for _, x := range tasks.Tasks {
			if strings.Contains(x.Detail.EN, "tocsin notice supplement "+string(b.incident)+" --campaign 1") {
				return true
			}
		}
		return false
	})
	changed := breach.Text{ZH: "又查明涉及宗教信仰。", EN: "We have found that religious belief is involved as well."}
	var asked store.Supplement
	if err := b.as[breach.RoleLead].send(b.ctx, http.MethodPost, b.path("/campaigns/1/supplements"), api.SupplementIn{Changed: changed, Why: "second report"}, &asked); err != nil {
		t.Fatal(err)
	}
	v = b.until("the supplement to be sent", sent(2))
	if v.Tally != before {
		t.Errorf("people count as %+v, before as %+v", v.Tally, before)
	}
	if c := v.Campaigns[1]; c.Supplements == nil || *c.Supplements != 1 || c.Audience != int64(people.taking+people.gone) {
		t.Errorf("%+v", c.Campaign)
	}
	mails, texts := 0, 0
	for _, m := range b.local.stack.Inbox.Messages(inbox.Filter{}) {
		switch {
		case !strings.Contains(m.Text, v.Campaigns[1].Number):
		case m.Channel == inbox.ChannelSMS:
			texts++
		case m.Channel == inbox.ChannelEmail && strings.HasPrefix(m.To, "shili."):
			mails++
			if !strings.Contains(m.Text, first.Number) || !strings.Contains(m.Text, changed.ZH) {
				t.Errorf("to %s: %s", m.To, m.Text)
			}
		}
	}
	if mails != people.taking || texts != people.gone {
		t.Errorf("%d mails and %d SMS arrived, want %d and %d", mails, texts, people.taking, people.gone)
	}
	var r api.Reconciled
	if err := b.as[breach.RoleAuditor].do(b.ctx, http.MethodPost, b.path("/reconcile"), nil, "", nil, &r); err != nil || !r.Holds {
		t.Errorf("%+v, %v", r, err)
	}
}
