package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/mock"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/internal/playbook"
	"tocsin/workflows"
)

const incidentID = breach.IncidentID("INC-2026-0001")

// t0 is when every test begins.
var t0 = time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)

// after is an instant of a test, as a pointer, since clocks hold pointers.
func after(d time.Duration) *time.Time {
	t := t0.Add(d)
	return &t
}

// house stands in for all that activities touch. It writes down what it is asked, one line an act, in the order of
// asking; what it answers is set by the test.
type house struct {
	mu    sync.Mutex
	now   func() time.Time
	acts  []string
	heard *sync.Cond // on mu; nil where nobody waits for acts
	sent  []signal

	// What is answered. Lists are used up in order, and their last entry stays.
	closes      []activities.CloseResult
	closing     func() // called before the answer
	assessed    func(rev int) activities.Assessed
	plan        *playbook.Plan
	asked       func(activities.AskInput) // called once the task is a row
	measured    func()                    // the same, for a measure
	ran         func(activities.RunStepInput) (playbook.Outcome, error)
	drafted     func(key string, d activities.Draft)          // called once the draft is a row, before the workflow has the answer
	noticed     func(breach.DocumentKind, activities.Draft)   // the same, for notices
	draft       func(stage breach.Stage, d *activities.Draft) // changes what is answered
	filed       []activities.Filed
	guard       activities.Guarded
	clocks      []activities.ClockState
	waits       int // how often the audience cannot be fixed yet
	untold      int64
	shards      []activities.Shard
	open        []int                 // how many shards are open, each time it is asked
	again       []bool                // whether a bounce comes before the end
	reopened    []activities.Reopened // what bounces after the end ask for
	tally       breach.Tally
	published   breach.Tally
	chunk       func(activities.ChunkInput) activities.ChunkResult
	unheard     func(kind string) error // why a cry reaches nobody
	drafts      int                     // reports drafted
	noticeDraft int                     // notices drafted, public ones too
}

// signal is one that left the workflow under test.
type signal struct {
	To, Name string
	Payload  any
}

// did writes an act down, with the minutes that have gone by.
func (h *house) did(format string, a ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acts = append(h.acts, since(h.now())+" "+fmt.Sprintf(format, a...))
	if h.heard != nil {
		h.heard.Broadcast()
	}
}

func since(t time.Time) string {
	d := t.Sub(t0).Truncate(time.Minute)
	return fmt.Sprintf("%d:%02d", d/time.Hour, d%time.Hour/time.Minute)
}

// about returns the acts that contain one of the words.
func (h *house) about(words ...string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []string
	for _, a := range h.acts {
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(a, w) }) {
			list = append(list, a)
		}
	}
	return list
}

// told are the reports that the workflow sent to its incident.
func (h *house) told() []workflows.ChildStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []workflows.ChildStatus
	for _, s := range h.sent {
		if s.Name == workflows.SignalChild {
			list = append(list, s.Payload.(workflows.ChildStatus))
		}
	}
	return list
}

func next[T any](list *[]T) T {
	if len(*list) == 0 {
		var zero T
		return zero
	}
	v := (*list)[0]
	if len(*list) > 1 {
		*list = (*list)[1:]
	}
	return v
}

// version numbers a draft; reports are drafted side by side.
func (h *house) version(name string, n *int) activities.Draft {
	h.mu.Lock()
	defer h.mu.Unlock()
	*n++
	return activities.Draft{Document: breach.DocumentID(fmt.Sprintf("%s%d", name, *n)), Version: *n}
}

// Each of the following replaces the struct of activities whose methods it has.
type incidentActs struct{ *house }

func (a incidentActs) RecordPhase(_ context.Context, in activities.RecordPhaseInput) error {
	a.did("phase %s", in.Phase)
	return nil
}

func (a incidentActs) RecordObligation(_ context.Context, in activities.RecordObligationInput) error {
	a.did("status %s", in.Status)
	return nil
}

func (a incidentActs) AskRuledOut(_ context.Context, in activities.AskRuledOutInput) error {
	a.did("ask whether %s is ruled out by revision %d", in.Key, in.FactsRev)
	return nil
}

func (a incidentActs) AskMeasure(_ context.Context, in activities.AskMeasureInput) error {
	a.did("ask for the measure %s", in.Key)
	if a.measured != nil {
		a.measured()
	}
	return nil
}

func (a incidentActs) AskLateReason(context.Context, activities.AskLateReasonInput) error {
	a.did("ask why it is late")
	return nil
}

func (a incidentActs) AskWithdrawal(_ context.Context, in activities.AskWithdrawalInput) error {
	a.did("ask whether to take it back by revision %d", in.FactsRev)
	return nil
}

func (a incidentActs) AskMend(_ context.Context, in activities.AskMendInput) error {
	a.did("ask to mend %s: %s", in.What, in.Why)
	return nil
}

func (a incidentActs) ReadClock(context.Context, activities.ReadClockInput) (activities.ClockState, error) {
	a.did("read the clock")
	return next(&a.clocks), nil
}

func (a incidentActs) CloseIncident(_ context.Context, in activities.CloseInput) (activities.CloseResult, error) {
	a.did("close by %s", in.Document)
	if a.closing != nil {
		a.closing()
	}
	return next(&a.closes), nil
}

type assessorActs struct{ *house }

func (a assessorActs) Assess(_ context.Context, in activities.AssessInput) (activities.Assessed, error) {
	a.did("assess %d", in.Rev)
	return a.assessed(in.Rev), nil
}

type planActs struct{ *house }

func (a planActs) LoadPlan(_ context.Context, in activities.LoadPlanInput) (*playbook.Plan, error) {
	a.did("load %s", in.Playbook)
	return a.plan, nil
}

func (a planActs) AskPerson(_ context.Context, in activities.AskInput) error {
	a.did("%s", strings.TrimSpace(fmt.Sprintf("ask %s %s %s", in.Kind, in.Ref, in.Outcome)))
	if a.asked != nil {
		a.asked(in)
	}
	return nil
}

func (a planActs) RunStep(_ context.Context, in activities.RunStepInput) (activities.RunStepResult, error) {
	a.did("run %s", in.Step)
	o, err := a.ran(in)
	return activities.RunStepResult{Outcome: o}, err
}

type filingActs struct{ *house }

func (a filingActs) DraftFiling(_ context.Context, in activities.DraftFilingInput) (activities.Draft, error) {
	d := a.version("draft-", &a.drafts)
	a.did("%s", d.Document)
	if in.Stage != "" {
		a.did("%s is a %s", d.Document, in.Stage)
	}
	if a.draft != nil {
		a.draft(in.Stage, &d)
	}
	if a.drafted != nil {
		a.drafted(in.Key, d)
	}
	return d, nil
}

func (a filingActs) GuardFiling(_ context.Context, in activities.GuardInput) (activities.Guarded, error) {
	a.did("guard %s", in.Document)
	return a.house.guard, nil
}

func (a filingActs) FileReport(_ context.Context, in activities.FileReportInput) (activities.Filed, error) {
	a.did("file %s", in.Document)
	return next(&a.filed), nil
}

type noticeActs struct{ *house }

func (a noticeActs) CountUntold(context.Context, activities.CountUntoldInput) (int64, error) {
	a.did("count untold")
	return a.untold, nil
}

func (a noticeActs) DraftNotice(_ context.Context, in activities.DraftNoticeInput) (activities.Draft, error) {
	d := a.version("notice-", &a.noticeDraft)
	a.did("%s", d.Document)
	if a.noticed != nil {
		a.noticed(breach.DocNotice, d)
	}
	return d, nil
}

func (a noticeActs) DraftPublicNotice(_ context.Context, in activities.DraftPublicInput) (activities.Draft, error) {
	d := a.version("public-", &a.noticeDraft)
	a.did("%s", d.Document)
	if a.noticed != nil {
		a.noticed(breach.DocPublicNotice, d)
	}
	return d, nil
}

func (a noticeActs) PublishNotice(_ context.Context, in activities.PublishInput) (activities.Published, error) {
	a.did("publish %s for %d days", in.Document, in.Days)
	return activities.Published{Number: "GG-1", Tally: a.published}, nil
}

func (a noticeActs) FreezeAudience(_ context.Context, in activities.FreezeInput) (activities.Frozen, error) {
	a.did("freeze for %s in shards of %d", in.Document, in.ShardSize)
	if a.waits > 0 {
		a.waits--
		return activities.Frozen{Waits: true}, nil
	}
	return activities.Frozen{People: a.tally.Affected, Shards: a.shards}, nil
}

func (a noticeActs) OpenShards(context.Context, activities.OpenShardsInput) ([]activities.Shard, error) {
	a.did("list open shards")
	return a.shards[:next(&a.open)], nil
}

func (a noticeActs) ReopenCampaign(context.Context, activities.ReopenInput) (activities.Reopened, error) {
	a.did("reopen the notice")
	return next(&a.reopened), nil
}

func (a noticeActs) JudgeFirstWave(context.Context, activities.JudgeInput) error {
	a.did("judge the first wave")
	return nil
}

func (a noticeActs) CountPeople(context.Context, activities.CountPeopleInput) (breach.Tally, error) {
	a.did("count people")
	return a.tally, nil
}

func (a noticeActs) FinishCampaign(context.Context, activities.FinishCampaignInput) (activities.Finished, error) {
	a.did("finish the notice")
	return activities.Finished{Tally: a.tally, Again: next(&a.again)}, nil
}

type senderActs struct{ *house }

func (a senderActs) SendChunk(_ context.Context, in activities.ChunkInput) (activities.ChunkResult, error) {
	a.did("send %s of shard %d", in.Channel, in.Shard)
	return a.chunk(in), nil
}

type crierActs struct{ *house }

func (a crierActs) Cry(_ context.Context, in activities.CryInput) (activities.CryResult, error) {
	if in.Kind == activities.CryStep {
		a.did("cry %s %d, due %s", in.Kind, in.Step, since(in.At))
	} else {
		a.did("cry %s, due %s", in.Kind, since(in.At))
	}
	if a.unheard != nil {
		if err := a.unheard(in.Kind); err != nil {
			return activities.CryResult{}, err
		}
	}
	return activities.CryResult{Told: 1}, nil
}

func (a crierActs) CryFollowUp(_ context.Context, in activities.CryFollowUpInput) (activities.CryResult, error) {
	a.did("cry %s of %s", in.Kind, in.Task)
	return activities.CryResult{Told: 1}, nil
}

// newHouse answers everything in the friendliest way.
func newHouse() *house {
	h := &house{now: func() time.Time { return t0 }}
	h.closes = []activities.CloseResult{{Closed: true}}
	h.assessed = func(rev int) activities.Assessed { return activities.Assessed{Rev: rev} }
	h.ran = func(activities.RunStepInput) (playbook.Outcome, error) { return playbook.Done, nil }
	h.filed = []activities.Filed{{State: activities.FiledAccepted}}
	h.guard = activities.Guarded{Approved: true}
	h.chunk = func(activities.ChunkInput) activities.ChunkResult { return activities.ChunkResult{} }
	return h
}

// registry is what an environment, a worker and a house have in common.
type registry interface {
	RegisterActivity(a any)
}

func (h *house) register(r registry) {
	for _, acts := range []any{
		&incidentActs{h}, &assessorActs{h}, &planActs{h}, &filingActs{h}, &noticeActs{h}, &senderActs{h}, &crierActs{h},
	} {
		r.RegisterActivity(acts)
	}
}

// trial is one workflow run with skipped time.
type trial struct {
	*testsuite.TestWorkflowEnvironment
	*house
	t *testing.T
}

// newTrial runs a workflow with its real children.
func newTrial(t *testing.T) *trial {
	t.Helper()
	return newTrialOf(t, func(e *trial) { workflows.Register(e) })
}

// newTrialOf knows the workflows that it is given; after the first mock the environment takes no more.
func newTrialOf(t *testing.T, register func(*trial)) *trial {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet())
	e := &trial{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), house: newHouse(), t: t}
	e.now = e.Now
	e.SetStartTime(t0)
	e.SetTestTimeout(20 * time.Second)
	e.register(e)
	register(e)
	e.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything).
		Return(func(_, to, _, name string, payload any) error {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.sent = append(e.sent, signal{to, name, payload})
			return nil
		}).Maybe()
	return e
}

// hear signals the workflow under test at an instant.
func (e *trial) hear(at time.Duration, name string, payload any) {
	e.RegisterDelayedCallback(func() { e.SignalWorkflow(name, payload) }, at)
}

// run runs a workflow to its end, which must be a good one.
func (e *trial) run(workflow string, input any) {
	e.t.Helper()
	e.ExecuteWorkflow(workflow, input)
	if !e.IsWorkflowCompleted() {
		e.t.Fatal("the workflow did not end")
	}
	if err := e.GetWorkflowError(); err != nil {
		e.t.Fatalf("the workflow failed: %v", err)
	}
}

// expect compares acts with what was wanted, a line each.
func (e *trial) expect(got []string, want ...string) {
	e.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		e.t.Errorf("acts (-want +got):\n%s", diff)
	}
}

func decision(document breach.DocumentID, v breach.Verdict) workflows.DecisionMade {
	return workflows.DecisionMade{Document: document, Verdict: v}
}

// details is the page that a manager would see of the workflow under test.
func (e *trial) details() string {
	e.t.Helper()
	v, err := e.QueryWorkflow("__temporal_workflow_metadata")
	if err != nil {
		e.t.Fatalf("read the current details: %v", err)
	}
	var m sdkpb.WorkflowMetadata
	if err := v.Get(&m); err != nil {
		e.t.Fatalf("read the current details: %v", err)
	}
	return m.CurrentDetails
}

// continued is what a workflow under test handed to its next run.
func continued[T any](t *testing.T, e *trial) T {
	t.Helper()
	var v T
	next, ok := errors.AsType[*workflow.ContinueAsNewError](e.GetWorkflowError())
	if !ok {
		t.Fatalf("the workflow ended with %v, want another run", e.GetWorkflowError())
	}
	if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
