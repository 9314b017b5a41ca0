package workflows_test

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"google.golang.org/protobuf/encoding/protojson"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/internal/devstack"
	"tocsin/internal/playbook"
	"tocsin/workflows"
)

var update = flag.Bool("update", false, "record the histories in testdata/histories anew, against a real Temporal dev server")

// histories is where recorded histories are, a folder for each workflow type. A file whose name begins with "bad-" must
// fail to replay: it was made from a good one by giving an activity another name.
const histories = "testdata/histories"

// TestRecord records real histories: go test ./workflows -run TestRecord -update. Add a case when a workflow learns a new
// way to go, and keep the old files while incidents that took the old way may still be open.
func TestRecord(t *testing.T) {
	if !*update {
		return
	}
	server, err := devstack.StartTemporal(t.Context(), devstack.TemporalOptions{Dir: t.TempDir(), SearchAttributes: workflows.SearchAttributes()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	c, err := client.Dial(client.Options{HostPort: server.Address(), Identity: "recorder", Logger: quiet()}) // no machine's name in a history
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	for _, tt := range []struct {
		name string
		play func(*recording)
	}{
		{"a whole incident", wholeIncident},
		{"a duty that is missed and in doubt", missedDuty},
		{"a duty that comes and goes", movingDuty},
		{"a long chain", longChain},
		{"a duty that the guard files, and one that is waived", guardedAndWaived},
		{"what an authority asks for", lateFollowUp},
		{"shards of one and of many chunks", chunkedShards},
		{"bounces after the end", lateBounces},
		{"a supplement", supplemented},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.play(newRecording(t, c)) })
	}
}

func quiet() log.Logger {
	return log.NewStructuredLogger(slog.New(slog.DiscardHandler))
}

// recording is a run on the real server, in real time, with a house in place of the world.
type recording struct {
	*house
	t      *testing.T
	client client.Client
	began  time.Time
}

func newRecording(t *testing.T, c client.Client) *recording {
	r := &recording{house: newHouse(), t: t, client: c, began: time.Now().UTC().Truncate(time.Second)}
	r.house.heard = sync.NewCond(&r.mu)
	for _, queue := range []string{workflows.QueueIncident, workflows.QueueNotify} {
		w := worker.New(c, queue, worker.Options{Identity: "recorder"})
		workflows.Register(w)
		r.register(w)
		if err := w.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.Stop)
	}
	return r
}

func (r *recording) at(d time.Duration) *time.Time {
	t := r.began.Add(d)
	return &t
}

// await returns once an act has been done n times.
func (r *recording) await(n int, act string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		found := 0
		for _, a := range r.acts {
			if strings.Contains(a, act) {
				found++
			}
		}
		if found >= n {
			return
		}
		r.house.heard.Wait()
	}
}

func (r *recording) start(id, workflow string, input any) client.WorkflowRun {
	r.t.Helper()
	run, err := r.client.ExecuteWorkflow(r.t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: workflows.QueueIncident}, workflow, input)
	if err != nil {
		r.t.Fatal(err)
	}
	return run
}

func (r *recording) end(run client.WorkflowRun) {
	r.t.Helper()
	if err := run.Get(r.t.Context(), nil); err != nil {
		r.t.Fatal(err)
	}
}

func (r *recording) tell(id, signal string, payload any) {
	if err := r.client.SignalWorkflow(context.Background(), id, "", signal, payload); err != nil {
		r.t.Errorf("signal %s to %s: %v", signal, id, err)
	}
}

// save writes a workflow's history as it stands.
func (r *recording) save(id, workflow, name string) {
	r.t.Helper()
	var h historypb.History
	for i := r.client.GetWorkflowHistory(r.t.Context(), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); i.HasNext(); {
		event, err := i.Next()
		if err != nil {
			r.t.Fatal(err)
		}
		if q := event.GetWorkflowTaskScheduledEventAttributes().GetTaskQueue(); q.GetKind() == enumspb.TASK_QUEUE_KIND_STICKY {
			q.Name = "sticky" // the engine's own name for it holds the machine's
		}
		if a := event.GetWorkflowTaskStartedEventAttributes(); a != nil {
			a.RequestId = ""
		}
		h.Events = append(h.Events, event)
	}
	b, err := protojson.Marshal(&h)
	if err != nil {
		r.t.Fatal(err)
	}
	file := filepath.Join(histories, workflow, name+".json")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// wholeIncident plays one incident with every kind of child: new facts bring a duty, a campaign leaves two people whom
// only a public notice tells, the first attempt to close finds something open.
func wholeIncident(r *recording) {
	police := activities.Duty{Key: "police/local", Title: "Report to the police", Duty: breach.DutyFiling, Owed: breach.IsOwed, Hard: true, ClockAt: r.at(0), DueAt: r.at(24 * time.Hour)}
	cac := activities.Duty{Key: "cac/province", Title: "Report to the province", Duty: breach.DutyFiling, Owed: breach.IsOwed, Hard: true, ClockAt: r.at(0), DueAt: r.at(2 * time.Hour)}
	people := activities.Duty{Key: "people", Title: "Tell the people", Duty: breach.DutyNotice, Owed: breach.IsOwed}
	measure := activities.Duty{Key: "measure", Title: "Take remedial measures", Duty: breach.DutyMeasure, Owed: breach.IsOwed}
	r.assessed = func(rev int) activities.Assessed {
		a := activities.Assessed{Rev: rev, Levels: []activities.Level{{Scale: "CAC", Level: "major", Rank: 3}}, Duties: []activities.Duty{police, people, measure}}
		if rev > 1 {
			a.Duties = append(a.Duties, cac)
		}
		return a
	}
	r.plan = steps(
		playbook.Step{ID: "both", Type: playbook.StepParallel, Next: []string{"a", "b"}, OnCompletion: "c"},
		action("a", playbook.Manual, "end a"), ends("end a"), action("b", playbook.HTTPAPI, "end b"), ends("end b"),
		func() playbook.Step {
			s := action("c", playbook.HTTPAPI, "end")
			s.TimeoutSeconds, s.DelaySeconds = 60, 1
			return s
		}(), ends("end"),
	)
	r.ran = func(in activities.RunStepInput) (playbook.Outcome, error) {
		if in.Step == "b" {
			return playbook.NotExecuted, nil
		}
		return playbook.Done, nil
	}
	r.asked = func(in activities.AskInput) {
		r.tell(workflows.PlanWorkflowID(incidentID), workflows.SignalTask, workflows.TaskEnded{Kind: in.Kind, Ref: in.Ref, Done: true})
	}
	r.drafted = func(key string, d activities.Draft) {
		r.tell(workflows.ObligationWorkflowID(incidentID, key), workflows.SignalDecision, decision(d.Document, approved))
	}
	r.draft = func(stage breach.Stage, d *activities.Draft) { d.Nothing = stage == breach.StageSupplement }
	r.measured = func() {
		r.tell(workflows.ObligationWorkflowID(incidentID, "measure"), workflows.SignalTask, workflows.TaskEnded{Kind: breach.TaskMeasure, Ref: "measure", Done: true})
	}
	r.noticed = func(kind breach.DocumentKind, d activities.Draft) {
		id := workflows.CampaignWorkflowID(incidentID, 1)
		if kind == breach.DocPublicNotice {
			id = workflows.PublicNoticeWorkflowID(incidentID, 1)
		}
		r.tell(id, workflows.SignalDecision, decision(d.Document, approved))
	}
	r.untold, r.shards = 10, shards(2)
	r.tally = breach.Tally{Affected: 10, Told: 8, Missed: 2}
	r.published = breach.Tally{Affected: 10, Told: 8, Public: 2}
	r.closes = []activities.CloseResult{{Open: []string{"task T-1"}}, {Closed: true}}

	id := workflows.IncidentWorkflowID(incidentID)
	run := r.start(id, workflows.TypeIncident, incident())
	r.tell(id, workflows.SignalAlert, workflows.AlertCounted{Count: 2})
	r.await(1, "phase responding")
	r.tell(id, workflows.SignalFacts, workflows.FactsAmended{Rev: 2})
	r.tell(id, workflows.SignalPeople, workflows.PeopleImported{Affected: 10, Import: 1})
	r.await(4, "status met")
	r.tell(id, workflows.SignalDecision, closure)
	r.await(1, "close by")
	r.tell(id, workflows.SignalDecision, decision("closure-2", approved))
	r.end(run)
	for _, key := range []string{police.Key, cac.Key} { // a report's chain ends with the incident
		r.end(r.client.GetWorkflow(r.t.Context(), workflows.ObligationWorkflowID(incidentID, key), ""))
	}
	for _, child := range []struct{ id, workflow, name string }{
		{id, workflows.TypeIncident, "whole"},
		{workflows.PlanWorkflowID(incidentID), workflows.TypePlan, "branches"},
		{workflows.ObligationWorkflowID(incidentID, police.Key), workflows.TypeObligation, "filed"},
		{workflows.ObligationWorkflowID(incidentID, cac.Key), workflows.TypeObligation, "filed-after-new-facts"},
		{workflows.ObligationWorkflowID(incidentID, people.Key), workflows.TypeObligation, "met-by-the-notice"},
		{workflows.ObligationWorkflowID(incidentID, measure.Key), workflows.TypeObligation, "measure"},
		{workflows.CampaignWorkflowID(incidentID, 1), workflows.TypeCampaign, "two-shards"},
		{workflows.ShardWorkflowID(incidentID, 1, 0), workflows.TypeShard, "nobody-waits"},
		{workflows.PublicNoticeWorkflowID(incidentID, 1), workflows.TypePublicNotice, "posted"},
	} {
		r.save(child.id, child.workflow, child.name)
	}
}

// missedDuty lets every mark of a clock pass, then files in doubt until a person knows.
func missedDuty(r *recording) {
	in := duty()
	in.Clock, in.EscalateBefore = workflows.Clock{From: r.at(-2 * time.Second), DueAt: r.at(4 * time.Second)}, time.Second
	id := workflows.ObligationWorkflowID(incidentID, "missed")
	r.filed = []activities.Filed{{State: activities.FiledInDoubt}}
	r.draft = func(_ breach.Stage, d *activities.Draft) { d.Explained, d.AnswersRev = d.Version > 1, d.Version-1 }
	run := r.start(id, workflows.TypeObligation, in)
	r.await(1, "cry missed")
	r.await(1, "needs_late_reason")
	r.tell(id, workflows.SignalAnswers, workflows.AnswersSet{Rev: 1})
	r.await(1, "draft-2")
	r.tell(id, workflows.SignalDecision, decision("draft-2", approved))
	r.await(1, "in_doubt")
	r.tell(id, workflows.SignalSettled, workflows.FilingSettled{Filed: true, Document: "draft-2"})
	r.await(1, "status met")
	r.tell(id, workflows.SignalMet, closed) // the incident does not exist: its answer is not waited for
	r.end(run)
	r.save(id, workflows.TypeObligation, "missed-and-in-doubt")
}

// movingDuty is refused, ruled out, owed again with another deadline, and refused for now before it is taken over.
func movingDuty(r *recording) {
	in := duty()
	in.Clock = workflows.Clock{From: r.at(0), DueAt: r.at(4 * time.Hour)}
	id := workflows.ObligationWorkflowID(incidentID, "moving")
	r.filed = []activities.Filed{{State: activities.FiledLater, After: time.Second}, {State: activities.FiledAccepted}}
	run := r.start(id, workflows.TypeObligation, in)
	r.await(1, "awaits_approval")
	r.tell(id, workflows.SignalDecision, decision("draft-1", refused))
	r.await(1, "status refused")
	r.tell(id, workflows.SignalReassess, workflows.Reassessed{FactsRev: 2, Owed: breach.NotOwed})
	r.await(1, "status not_owed")
	r.tell(id, workflows.SignalReassess, workflows.Reassessed{FactsRev: 3, Owed: breach.IsOwed, Clock: workflows.Clock{From: r.at(0), DueAt: r.at(2 * time.Hour)}})
	r.await(2, "awaits_approval")
	r.tell(id, workflows.SignalDecision, decision("draft-2", approved))
	r.await(1, "status met")
	r.tell(id, workflows.SignalMet, closed)
	r.end(run)
	r.save(id, workflows.TypeObligation, "moved")
}

// longChain is held, filed when the hold is released, supplemented, acknowledged, and taken back.
func longChain(r *recording) {
	in := duty()
	in.Clock = workflows.Clock{From: r.at(0), DueAt: r.at(4 * time.Hour)}
	in.Escalation = []workflows.Step{{At: 0.5}, {Before: time.Hour}}
	id := workflows.ObligationWorkflowID(incidentID, "chain")
	r.clocks = []activities.ClockState{{From: r.at(0), DueAt: r.at(28 * time.Hour), HeldUntil: r.at(24 * time.Hour)}, {From: r.at(0), DueAt: r.at(5 * time.Hour)}}
	run := r.start(id, workflows.TypeObligation, in)
	r.await(1, "awaits_approval")
	r.tell(id, workflows.SignalDecision, hold(approved))
	r.await(1, "read the clock")
	r.tell(id, workflows.SignalDecision, decision("draft-1", approved))
	r.await(1, "status held")
	r.tell(id, workflows.SignalRelease, workflows.HoldReleased{Document: "hold-1"})
	r.await(1, "status met")
	r.tell(id, workflows.SignalReassess, workflows.Reassessed{FactsRev: 2, Owed: breach.IsOwed, Clock: in.Clock})
	r.await(1, "supplement_awaits_approval")
	r.tell(id, workflows.SignalDecision, decision("draft-2", approved))
	r.await(2, "status met")
	r.tell(id, workflows.SignalSettled, workflows.FilingSettled{Filed: true, Acknowledged: true, Document: "draft-2"})
	r.await(1, "status acknowledged")
	r.tell(id, workflows.SignalReassess, workflows.Reassessed{FactsRev: 3, Owed: breach.NotOwed, Clock: in.Clock})
	r.await(1, "take it back")
	r.tell(id, workflows.SignalWithdraw, workflows.WithdrawalAsked{})
	r.await(1, "withdrawal_awaits_approval")
	r.tell(id, workflows.SignalDecision, decision("draft-3", approved))
	r.await(1, "status withdrawn")
	r.tell(id, workflows.SignalMet, closed)
	r.end(run)
	r.save(id, workflows.TypeObligation, "chain")
}

// guardedAndWaived is a duty that the guard files, and one that two people give up.
func guardedAndWaived(r *recording) {
	in := duty()
	in.Clock = workflows.Clock{From: r.at(0), DueAt: r.at(4 * time.Second)}
	in.Reminders, in.EscalateBefore, in.Guard = nil, 0, workflows.Guard{Enabled: true, Before: 2 * time.Second}
	id := workflows.ObligationWorkflowID(incidentID, "guarded")
	run := r.start(id, workflows.TypeObligation, in)
	r.await(1, "cry guarded")
	r.await(1, "status met")
	r.tell(id, workflows.SignalMet, closed)
	r.end(run)
	r.save(id, workflows.TypeObligation, "guarded")

	in = duty()
	in.Clock = workflows.Clock{From: r.at(0), DueAt: r.at(4 * time.Hour)}
	id = workflows.ObligationWorkflowID(incidentID, "waived")
	run = r.start(id, workflows.TypeObligation, in)
	r.await(2, "awaits_approval")
	r.tell(id, workflows.SignalDecision, workflows.DecisionMade{Document: "waiver-1", Kind: breach.DocWaiver, Verdict: approved})
	r.end(run)
	r.save(id, workflows.TypeObligation, "waived")
}

// lateFollowUp is an order of an authority that is done after its day.
func lateFollowUp(r *recording) {
	id := workflows.FollowUpWorkflowID(incidentID, "T-1")
	run := r.start(id, workflows.TypeFollowUp, workflows.FollowUpState{
		Incident: incidentID, Task: "T-1", Kind: breach.TaskRectification, AskedAt: *r.at(0), Due: *r.at(3 * time.Second), Reminders: []float64{0.5}, EscalateBefore: time.Second,
	})
	r.await(1, "cry missed of T-1")
	r.tell(id, workflows.SignalTask, workflows.TaskEnded{Kind: breach.TaskRectification, Ref: "T-1", Done: true})
	r.end(run)
	r.save(id, workflows.TypeFollowUp, "late")
}

// chunkedShards measures what a chunk and a pass cost.
func chunkedShards(r *recording) {
	chunks := map[int]int{1: fewChunks, 2: manyChunks}
	waited := false
	r.chunk = func(in activities.ChunkInput) activities.ChunkResult {
		r.mu.Lock()
		defer r.mu.Unlock()
		if in.Shard == 3 && !waited && in.Channel == breach.SMS {
			waited = true
			at := time.Now().Add(time.Second)
			return activities.ChunkResult{Waiting: 2, NextAt: &at}
		}
		chunks[in.Shard]--
		return activities.ChunkResult{More: chunks[in.Shard] > 0}
	}
	for n, name := range []string{1: "few-chunks", 2: "many-chunks", 3: "waited"} {
		if name == "" {
			continue
		}
		in := shard()
		in.Shard = n
		if n < 3 {
			in.Ladder = in.Ladder[:1]
		}
		id := workflows.ShardWorkflowID(incidentID, 9, n)
		r.end(r.start(id, workflows.TypeShard, in))
		r.save(id, workflows.TypeShard, name)
	}
}

// lateBounces plays a reopening that hears of more bounces while it goes round, and a notice that sends a first wave.
func lateBounces(r *recording) {
	r.shards, r.open = []activities.Shard{{Shard: 0, Lo: 0, Hi: 1000}}, []int{0}
	r.reopened = []activities.Reopened{{Open: true, Ladder: ladder, Shards: r.shards}, {Ended: true}}
	r.tally = breach.Tally{Affected: 1000, Told: 1000}
	id := workflows.ReopeningWorkflowID(incidentID, 7)
	in := reopening()
	in.N, in.Settings.GatherBounces = 7, 2*time.Second
	run := r.start(id, workflows.TypeReopening, in)
	r.tell(id, workflows.SignalBounced, nil)
	r.await(1, "send email")
	r.tell(id, workflows.SignalBounced, nil)
	r.end(run)
	r.save(id, workflows.TypeReopening, "bounces-twice")

	state := campaign(1)
	state.N, state.Settings.FirstWave = 8, workflows.FirstWave{Size: 10, Wait: time.Second}
	id = workflows.CampaignWorkflowID(incidentID, 8)
	run = r.start(id, workflows.TypeCampaign, state)
	r.await(1, "notice-1")
	r.tell(id, workflows.SignalDecision, decision("notice-1", approved))
	r.end(run)
	r.save(id, workflows.TypeCampaign, "first-wave")
}

// supplemented plays an incident whose notice is supplemented while it is still being sent.
func supplemented(r *recording) {
	people := activities.Duty{Key: "people", Title: "Tell the people", Duty: breach.DutyNotice, Owed: breach.IsOwed}
	r.assessed = func(rev int) activities.Assessed {
		return activities.Assessed{Rev: rev, Duties: []activities.Duty{people}}
	}
	r.untold, r.shards, r.tally = 10, shards(1), breach.Tally{Affected: 10, Told: 10}
	r.closes = []activities.CloseResult{{Closed: true}}
	id, first, second := workflows.IncidentWorkflowID(incidentID), workflows.CampaignWorkflowID(incidentID, 1), workflows.CampaignWorkflowID(incidentID, 2)
	run := r.start(id, workflows.TypeIncident, incident())
	r.tell(id, workflows.SignalPeople, workflows.PeopleImported{Affected: 10, Import: 1})
	r.await(1, "notice-1")
	r.tell(first, workflows.SignalDecision, decision("notice-1", approved))
	r.await(1, "finish the notice")
	r.mu.Lock()
	r.waits = 1
	r.mu.Unlock()
	r.tell(id, workflows.SignalSupplement, workflows.SupplementAsked{No: 1, Supplements: 1})
	r.await(1, "notice-2")
	r.tell(second, workflows.SignalDecision, decision("notice-2", approved))
	r.await(2, "finish the notice")
	r.end(r.client.GetWorkflow(r.t.Context(), second, ""))
	r.tell(id, workflows.SignalDecision, closure)
	r.end(run)
	r.save(id, workflows.TypeIncident, "supplemented")
	r.save(second, workflows.TypeCampaign, "supplement-that-waits")
}
