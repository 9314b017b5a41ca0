package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"tocsin/activities"
	"tocsin/internal/breach"
)

// CampaignState is what one notice to people starts from.
type CampaignState struct {
	Incident breach.IncidentID `json:"incident"`
	N        int               `json:"n"`
	FactsRev int               `json:"facts_rev"`
	Settings Settings          `json:"settings"`
	Ask      int               `json:"ask,omitempty"` // of a supplementary notice: what a person asked for
}

type campaign struct {
	CampaignState
	status  string
	draft   activities.Draft
	drafted int
	decided decisions
	tally   breach.Tally
	counted time.Time // when people were last counted
}

// NoticeCampaign is one notice to one frozen audience: drafted, approved by another person than its author, sent in
// shards until every recipient has one outcome. Bounces that come after its end are [NoticeReopening]'s.
func NoticeCampaign(ctx workflow.Context, in CampaignState) error {
	w := &campaign{CampaignState: in}
	on(ctx, SignalReassess, func(s Reassessed) { w.FactsRev = max(w.FactsRev, s.FactsRev) })
	on(ctx, SignalDecision, w.decided.heard)
	for _, part := range []func(workflow.Context) error{w.agree, w.send} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// agree drafts until a version is approved. New facts make a new version, and void an approval that was not used yet.
func (w *campaign) agree(ctx workflow.Context) error {
	for {
		if w.drafted < w.FactsRev {
			if err := w.prepare(ctx); err != nil {
				return err
			}
			continue
		}
		was := w.verdict()
		switch was {
		case breach.Approved:
			return nil
		case breach.Refused:
			w.set(ctx, "refused", breach.RoleLead)
		default:
			w.set(ctx, "awaits approval", breach.RoleApprover)
		}
		if err := workflow.Await(ctx, func() bool { return w.verdict() != was || w.drafted < w.FactsRev }); err != nil {
			return err
		}
	}
}

func (w *campaign) verdict() breach.Verdict {
	if w.draft.Approved {
		return breach.Approved
	}
	return w.decided.of(w.draft.Document)
}

func (w *campaign) prepare(ctx workflow.Context) error {
	rev := w.FactsRev
	var d activities.Draft
	err := persist(ctx, w.Incident, "notice/"+itoa(w.N), func() bool { return w.FactsRev > rev }, func() error {
		rev = w.FactsRev
		return workflow.ExecuteActivity(database(ctx, fmt.Sprintf("draft the notice from facts revision %d", rev)), notices.DraftNotice,
			activities.DraftNoticeInput{Incident: w.Incident, Campaign: w.N, Ladder: w.Settings.Ladder, Ask: w.Ask}).Get(ctx, &d)
	})
	if err != nil {
		return err
	}
	w.draft, w.drafted = d, rev
	return nil
}

// send freezes the audience, sends a first wave where there is to be one, and goes round its shards until nobody waits.
func (w *campaign) send(ctx workflow.Context) error {
	w.set(ctx, "sending", "")
	sent := false
	defer func() { sent = true }()
	workflow.Go(ctx, func(ctx workflow.Context) { w.showProgress(ctx, &sent) })
	frozen, err := w.freeze(ctx)
	if err != nil {
		return err
	}
	if err := w.firstWave(ctx, frozen); err != nil {
		return err
	}
	return w.rounds(ctx, frozen.Shards)
}

// freezeMost is how often at least a supplement looks whether the notice that it supplements has ended.
const freezeMost = 10 * time.Minute

// freeze fixes the audience. That of a supplement is known when the earlier notice has ended.
func (w *campaign) freeze(ctx workflow.Context) (frozen activities.Frozen, err error) {
	for wait := 15 * time.Second; ; wait = min(2*wait, freezeMost) {
		frozen = activities.Frozen{}
		err = workflow.ExecuteActivity(overPeople(ctx, "freeze the audience"), notices.FreezeAudience, activities.FreezeInput{
			Incident: w.Incident, Campaign: w.N, Document: w.draft.Document, ShardSize: w.Settings.ShardSize,
		}).Get(ctx, &frozen)
		if err != nil || !frozen.Waits {
			return frozen, err
		}
		timer := workflow.TimerOptions{Summary: "until the notice that this one supplements has ended"}
		if err := workflow.NewTimerWithOptions(ctx, wait, timer).Get(ctx, nil); err != nil {
			return frozen, err
		}
	}
}

// showProgress counts now and then while shards are under way: after a minute, then twice as long each time, so that a
// campaign of days adds some hundred events a day and not thousands.
func (w *campaign) showProgress(ctx workflow.Context, sent *bool) {
	for wait := time.Minute; ; wait = min(2*wait, time.Hour) {
		done, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
			Timeout: wait, TimerOptions: workflow.TimerOptions{Summary: "until the next count of people"},
		}, func() bool { return *sent })
		if done || err != nil {
			return
		}
		w.count(ctx)
	}
}

func (w *campaign) round(ctx workflow.Context, shards []activities.Shard) error {
	window := workflow.NewSemaphore(ctx, int64(max(1, w.Settings.ShardWindow)))
	wait := workflow.NewWaitGroup(ctx)
	var failure error
	for _, sh := range shards {
		if err := window.Acquire(ctx, 1); err != nil {
			return err
		}
		wait.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer wait.Done()
			defer window.Release(1)
			cctx := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
				WorkflowID: ShardWorkflowID(w.Incident, w.N, sh.Shard), TaskQueue: QueueIncident,
				StaticSummary:         fmt.Sprintf("recipients %d to %d", sh.Lo, sh.Hi-1),
				TypedSearchAttributes: childAttributes(w.Incident, "shard"),
			})
			err := workflow.ExecuteChildWorkflow(cctx, TypeShard, ShardInput{
				Incident: w.Incident, Campaign: w.N, Shard: sh.Shard, Ladder: w.Settings.Ladder, ChunkSize: w.Settings.ChunkSize,
			}).Get(ctx, nil)
			if err != nil {
				failure = err
			}
			w.countAgain(ctx)
		})
	}
	wait.Wait(ctx)
	return failure
}

// countAgain counts where the last count is a minute old: shards end together, and one count tells of them all.
func (w *campaign) countAgain(ctx workflow.Context) {
	each := workflow.GetVersion(ctx, "count-when-shards-end", workflow.DefaultVersion, 1) == workflow.DefaultVersion
	if each || workflow.Now(ctx).Sub(w.counted) >= time.Minute {
		w.count(ctx)
	}
}

// count brings the people's states into line with the ledger and shows the sums.
func (w *campaign) count(ctx workflow.Context) {
	w.counted = workflow.Now(ctx)
	if err := workflow.ExecuteActivity(overPeople(ctx, "count people"), notices.CountPeople,
		activities.CountPeopleInput{Incident: w.Incident}).Get(ctx, &w.tally); err != nil {
		workflow.GetLogger(ctx).Error("people not counted")
		return
	}
	w.report(ctx, "")
}

func (w *campaign) set(ctx workflow.Context, status string, awaits breach.Role) {
	if w.status != status {
		w.status = status
		w.report(ctx, awaits)
	}
}

func (w *campaign) report(ctx workflow.Context, awaits breach.Role) {
	s := ChildStatus{Kind: "notice", Key: itoa(w.N), Status: w.status, Awaits: awaits, Done: w.status == "sent"}
	if w.tally.Affected > 0 {
		s.Tally = &w.tally
	}
	signal(ctx, IncidentWorkflowID(w.Incident), SignalChild, s)
	t := w.tally
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Notice %d of %s: %s\n\naffected %d · told %d · open %d · unreached %d",
		w.N, w.Incident, w.status, t.Affected, t.Told, t.Open, t.Missed))
	err := workflow.UpsertTypedSearchAttributes(ctx, KeyPhase.ValueSet(w.status), KeyAwaits.ValueSet(orNone(string(awaits))),
		KeyTotal.ValueSet(t.Affected), KeyTold.ValueSet(t.Told+t.Public), KeyUnreached.ValueSet(t.Missed))
	if err != nil {
		workflow.GetLogger(ctx).Error("search attributes not written")
	}
}
