package workflows_test

import (
	"strings"
	"testing"
	"time"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/workflows"
)

var ladder = []breach.Channel{breach.Email, breach.SMS}

func campaign(window int) workflows.CampaignState {
	return workflows.CampaignState{Incident: incidentID, N: 1, FactsRev: 1, Settings: workflows.Settings{
		Ladder: ladder, ShardSize: 1000, ChunkSize: 100, ShardWindow: window,
	}}
}

func shards(n int) (list []activities.Shard) {
	for i := range n {
		list = append(list, activities.Shard{Shard: i, Lo: int64(i) * 1000, Hi: int64(i+1) * 1000})
	}
	return list
}

func TestNoticeIsApprovedFrozenAndSent(t *testing.T) {
	e := newTrial(t)
	e.shards, e.tally = shards(2), breach.Tally{Affected: 2000, Told: 1990, Missed: 10}
	e.hear(time.Hour, workflows.SignalDecision, decision("notice-1", approved))
	e.run(workflows.TypeCampaign, campaign(1))
	e.expect(e.about("notice", "freeze", "send", "count", "list"),
		"0:00 notice-1",
		"1:00 freeze for notice-1 in shards of 1000",
		"1:00 send email of shard 0", "1:00 send sms of shard 0", "1:00 count people",
		"1:00 send email of shard 1", "1:00 send sms of shard 1", // within the minute of the last count
		"1:00 list open shards", "1:00 finish the notice",
	)
	told := e.told()
	last := told[len(told)-1]
	if !last.Done || last.Status != "sent" || last.Tally == nil || *last.Tally != e.tally {
		t.Errorf("the incident heard %+v at the end", last)
	}
	if told[0].Awaits != breach.RoleApprover {
		t.Errorf("the incident was told to wait for %q, want the approver", told[0].Awaits)
	}
}

// A supplement is approved while the earlier notice is still being sent, and leaves when that has ended.
func TestSupplementWaitsForTheEarlierNotice(t *testing.T) {
	e := newTrial(t)
	e.shards, e.waits = shards(1), 7
	e.hear(time.Hour, workflows.SignalDecision, decision("notice-1", approved))
	in := campaign(1)
	in.N, in.Ask = 2, 1
	e.run(workflows.TypeCampaign, in)
	freeze := " freeze for notice-1 in shards of 1000"
	e.expect(e.about("notice", "freeze", "send"),
		"0:00 notice-1", "1:00"+freeze, "1:00"+freeze, "1:00"+freeze, "1:01"+freeze, "1:03"+freeze, "1:07"+freeze, "1:15"+freeze, "1:25"+freeze,
		"1:25 send email of shard 0", "1:25 send sms of shard 0", "1:25 finish the notice")
}

func TestNoticeIsSentAsApproved(t *testing.T) {
	tests := []struct {
		name string
		hear []heard
		want []string
	}{
		{
			"new facts make a new version; the approval of the old one counts for nothing",
			[]heard{
				{time.Hour, workflows.SignalReassess, workflows.Reassessed{FactsRev: 2}},
				{2 * time.Hour, workflows.SignalDecision, decision("notice-1", approved)},
				{3 * time.Hour, workflows.SignalDecision, decision("notice-2", approved)},
			},
			[]string{"0:00 notice-1", "1:00 notice-2", "3:00 freeze for notice-2 in shards of 1000"},
		},
		{
			"a refused version waits for new facts",
			[]heard{
				{time.Hour, workflows.SignalDecision, decision("notice-1", refused)},
				{2 * time.Hour, workflows.SignalReassess, workflows.Reassessed{FactsRev: 2}},
				{3 * time.Hour, workflows.SignalDecision, decision("notice-2", approved)},
			},
			[]string{"0:00 notice-1", "2:00 notice-2", "3:00 freeze for notice-2 in shards of 1000"},
		},
		{
			"facts that come after the approval was used change nothing",
			[]heard{
				{time.Hour, workflows.SignalDecision, decision("notice-1", approved)},
				{70 * time.Minute, workflows.SignalReassess, workflows.Reassessed{FactsRev: 2}},
			},
			[]string{"0:00 notice-1", "1:00 freeze for notice-1 in shards of 1000"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newTrial(t)
			e.shards = shards(1)
			waits := 2
			e.chunk = func(in activities.ChunkInput) activities.ChunkResult { // busy for an hour
				if in.Channel != breach.SMS || waits == 0 {
					return activities.ChunkResult{}
				}
				waits--
				at := e.Now().Add(30 * time.Minute)
				return activities.ChunkResult{Waiting: 1, NextAt: &at}
			}
			for _, s := range tt.hear {
				e.hear(s.at, s.name, s.payload)
			}
			e.run(workflows.TypeCampaign, campaign(1))
			e.expect(e.about("notice-", "freeze"), tt.want...)
		})
	}
}

func TestNoticeKeepsShardsWithinTheWindow(t *testing.T) {
	const window = 3
	e := newTrial(t)
	e.shards = shards(8)
	running, most := map[int]bool{}, 0
	passes := map[int]int{}
	e.chunk = func(in activities.ChunkInput) activities.ChunkResult {
		e.mu.Lock()
		defer e.mu.Unlock()
		if in.Channel != breach.SMS {
			running[in.Shard] = true
			most = max(most, len(running))
			return activities.ChunkResult{}
		}
		if passes[in.Shard]++; passes[in.Shard] == 2 {
			delete(running, in.Shard)
			return activities.ChunkResult{}
		}
		at := e.Now().Add(time.Duration(in.Shard+1) * time.Minute)
		return activities.ChunkResult{Waiting: 1, NextAt: &at}
	}
	e.hear(0, workflows.SignalDecision, decision("notice-1", approved))
	e.run(workflows.TypeCampaign, campaign(window))
	if most != window {
		t.Errorf("%d shards were under way at once, want %d", most, window)
	}
	if len(passes) != len(e.shards) {
		t.Errorf("%d of %d shards were sent", len(passes), len(e.shards))
	}
}

func TestNoticeGoesRoundUntilNobodyIsOpen(t *testing.T) {
	e := newTrial(t)
	e.shards, e.open = shards(3), []int{3, 1, 0}
	e.hear(0, workflows.SignalDecision, decision("notice-1", approved))
	e.run(workflows.TypeCampaign, campaign(1))
	if got := len(e.about("send email")); got != 3+3+1 { // all, all again, and the one that is open still
		t.Errorf("%d shards were sent, want 7", got)
	}
	if last := e.about("list open", "finish"); last[len(last)-1] != "0:00 finish the notice" {
		t.Errorf("acts: %q", last)
	}
}

// A bounce that takes an outcome back between the count and the end keeps the notice from ending.
func TestNoticeDoesNotEndOverABounce(t *testing.T) {
	e := newTrial(t)
	e.shards, e.open, e.again = shards(2), []int{0, 1, 0}, []bool{true, false}
	e.hear(0, workflows.SignalDecision, decision("notice-1", approved))
	e.run(workflows.TypeCampaign, campaign(1))
	e.expect(e.about("send email", "list", "finish"),
		"0:00 send email of shard 0", "0:00 send email of shard 1", "0:00 list open shards", "0:00 finish the notice",
		"0:00 list open shards", "0:00 send email of shard 0", "0:00 list open shards", "0:00 finish the notice",
	)
}

func reopening() workflows.ReopeningState {
	return workflows.ReopeningState{Incident: incidentID, N: 1, Settings: workflows.Settings{ShardWindow: 1, ChunkSize: 100, GatherBounces: time.Minute}}
}

// Bounces come after the notice has ended: those behind them go on, down the notice's own ladder.
func TestBouncesReopenANotice(t *testing.T) {
	e := newTrial(t)
	e.shards, e.tally = shards(1), breach.Tally{Affected: 10, Told: 10}
	e.reopened = []activities.Reopened{{Open: true, Ladder: ladder, Shards: shards(1)}, {Ended: true}}
	e.hear(0, workflows.SignalBounced, nil)
	e.hear(30*time.Second, workflows.SignalBounced, nil) // gathered with the first
	e.run(workflows.TypeReopening, reopening())
	e.expect(e.about("reopen", "send", "list", "finish"),
		"0:01 reopen the notice", "0:01 send email of shard 0", "0:01 send sms of shard 0", "0:01 list open shards", "0:01 finish the notice")
	told := e.told()
	if first, last := told[0], told[len(told)-1]; first.Done || !last.Done || last.Tally == nil || *last.Tally != e.tally {
		t.Errorf("the incident heard %+v", told)
	}
}

// What comes while the notice goes on again is not lost with the follow-up's end.
func TestBouncesDuringAFollowUp(t *testing.T) {
	e := newTrial(t)
	e.shards = shards(1)
	e.reopened = []activities.Reopened{{Open: true, Ladder: ladder, Shards: shards(1)}, {Ended: true}}
	waited := false
	e.chunk = func(in activities.ChunkInput) activities.ChunkResult {
		if in.Channel != breach.SMS || waited {
			return activities.ChunkResult{}
		}
		waited = true
		return activities.ChunkResult{Waiting: 1, NextAt: after(time.Hour)}
	}
	e.hear(0, workflows.SignalBounced, nil)
	e.hear(30*time.Minute, workflows.SignalBounced, nil)
	e.run(workflows.TypeReopening, reopening())
	e.expect(e.about("reopen", "finish", "count"), "0:01 reopen the notice", "1:00 count people", "1:00 finish the notice", "1:01 reopen the notice", "1:01 count people")
}

// The notice's own workflow is still at it, or its incident is closed: nothing is to be done.
func TestBouncesThatANoticeFindsByItself(t *testing.T) {
	e := newTrial(t)
	e.hear(0, workflows.SignalBounced, nil)
	e.run(workflows.TypeReopening, reopening())
	e.expect(e.about("reopen", "send", "count", "finish"), "0:01 reopen the notice")
}

func TestFirstWave(t *testing.T) {
	for rule, c := range map[string]struct {
		people int64
		want   []string
	}{
		"a large audience has one": {5001, []string{"0:00 send email of shard 0", "0:10 judge the first wave", "0:10 send email of shard 0", "0:10 send email of shard 1"}},
		"a small one has none":     {5000, []string{"0:00 send email of shard 0", "0:00 send email of shard 1"}},
	} {
		t.Run(rule, func(t *testing.T) {
			e := newTrial(t)
			e.shards, e.tally.Affected = shards(2), c.people
			in := campaign(1)
			in.Settings.FirstWave = workflows.FirstWave{Size: 100, Above: 5000, Wait: 10 * time.Minute}
			e.hear(0, workflows.SignalDecision, decision("notice-1", approved))
			e.run(workflows.TypeCampaign, in)
			e.expect(e.about("send email", "judge"), c.want...)
		})
	}
}

// A notice that cannot come to an end fails loudly instead of counting somebody as told.
func TestNoticeThatNeverEndsFails(t *testing.T) {
	e := newTrial(t)
	e.shards, e.open = shards(1), []int{1}
	e.hear(0, workflows.SignalDecision, decision("notice-1", approved))
	e.ExecuteWorkflow(workflows.TypeCampaign, campaign(1))
	if err := e.GetWorkflowError(); err == nil || !strings.Contains(err.Error(), "still open") {
		t.Errorf("the notice ended with %v", err)
	}
	if got := e.about("finish"); len(got) != 0 {
		t.Errorf("a notice with open recipients was finished: %q", got)
	}
}

func shard() workflows.ShardInput {
	return workflows.ShardInput{Incident: incidentID, Campaign: 1, Ladder: ladder, ChunkSize: 100}
}

func TestShard(t *testing.T) {
	later := func(d time.Duration) activities.ChunkResult {
		return activities.ChunkResult{Waiting: 3, NextAt: after(d)}
	}
	tests := []struct {
		name    string
		answers []activities.ChunkResult // in the order of asking; none means that all is done
		want    []string
	}{
		{
			"each channel in the ladder's order", nil,
			[]string{"0:00 send email of shard 0", "0:00 send sms of shard 0"},
		},
		{
			"chunk by chunk until there is no more",
			[]activities.ChunkResult{{More: true}, {More: true}},
			[]string{"0:00 send email of shard 0", "0:00 send email of shard 0", "0:00 send email of shard 0", "0:00 send sms of shard 0"},
		},
		{
			"what a server refused for now is tried again when it is due",
			[]activities.ChunkResult{{}, later(10 * time.Minute), {}, later(25 * time.Minute)},
			[]string{
				"0:00 send email of shard 0", "0:00 send sms of shard 0", "0:10 send email of shard 0", "0:10 send sms of shard 0",
				"0:25 send email of shard 0", "0:25 send sms of shard 0",
			},
		},
		{
			"a silent channel is left and tried when it may speak, or when a retry is due before",
			[]activities.ChunkResult{{QuietUntil: after(9 * time.Hour)}, later(time.Hour), {QuietUntil: after(9 * time.Hour)}, {}},
			[]string{
				"0:00 send email of shard 0", "0:00 send sms of shard 0", "1:00 send email of shard 0", "1:00 send sms of shard 0",
				"9:00 send email of shard 0", "9:00 send sms of shard 0",
			},
		},
		{
			"a halt stops the ladder, and is looked at again",
			[]activities.ChunkResult{{Halted: true}, {Halted: true}, {}},
			[]string{"0:00 send email of shard 0", "0:00 send email of shard 0", "0:01 send email of shard 0", "0:01 send sms of shard 0"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newTrial(t)
			e.chunk = func(activities.ChunkInput) (r activities.ChunkResult) {
				if len(tt.answers) > 0 {
					r, tt.answers = tt.answers[0], tt.answers[1:]
				}
				return r
			}
			e.run(workflows.TypeShard, shard())
			e.expect(e.about("send"), tt.want...)
		})
	}
}

// A shard that waits for long begins a new run before its history grows too long; the ledger knows where it was.
func TestShardContinuesAsNew(t *testing.T) {
	e := newTrial(t)
	e.SetContinueAsNewSuggested(true)
	e.chunk = func(activities.ChunkInput) activities.ChunkResult { return activities.ChunkResult{Halted: true} }
	e.ExecuteWorkflow(workflows.TypeShard, shard())
	got := continued[workflows.ShardInput](t, e)
	e.expect([]string{string(got.Incident), string(got.Ladder[1])}, string(incidentID), "sms")
}

func TestPublicNotice(t *testing.T) {
	e := newTrial(t)
	e.published = breach.Tally{Affected: 10, Told: 8, Public: 2}
	e.hear(time.Hour, workflows.SignalDecision, decision("public-1", refused))
	e.hear(2*time.Hour, workflows.SignalDecision, decision("public-2", approved))
	e.run(workflows.TypePublicNotice, workflows.PublicNoticeState{Incident: incidentID, N: 1, Days: 30, FactsRev: 1})
	e.expect(e.about("public", "publish"), "0:00 public-1", "1:00 public-2", "2:00 publish public-2 for 30 days")
	told := e.told()
	last := told[len(told)-1]
	if !last.Done || last.Tally == nil || *last.Tally != e.published {
		t.Errorf("the incident heard %+v at the end", last)
	}
	if end := since(e.Now()); end != "722:00" {
		t.Errorf("posted until %s, want 30 days after its publication", end)
	}
}
