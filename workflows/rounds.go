package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"tocsin/activities"
	"tocsin/internal/breach"
)

const (
	mostRounds = 100              // a bound on what can only be an error
	roundPause = 5 * time.Second  // before the third round; doubles
	roundMost  = 10 * time.Minute // the longest
)

// rounds works through shards, then through those in which somebody waits again: their next channel opened after their
// shard had passed it, or a bounce took an outcome back. It ends when the campaign has ended.
func (w *campaign) rounds(ctx workflow.Context, shards []activities.Shard) error {
	pause := roundPause
	for n := range mostRounds {
		if n > 1 { // bounces trickle in: gather some
			timer := workflow.TimerOptions{Summary: "before the next round for those who wait again"}
			if err := workflow.NewTimerWithOptions(ctx, pause, timer).Get(ctx, nil); err != nil {
				return err
			}
			pause = min(2*pause, roundMost)
		}
		if err := w.round(ctx, shards); err != nil {
			return err
		}
		if err := workflow.ExecuteActivity(overPeople(ctx, "list the shards in which somebody waits"), notices.OpenShards,
			activities.OpenShardsInput{Incident: w.Incident, Campaign: w.N}).Get(ctx, &shards); err != nil {
			return err
		}
		if len(shards) > 0 {
			continue
		}
		ended, err := w.finish(ctx)
		if err != nil || ended {
			return err
		}
	}
	return fmt.Errorf("recipients are still open after %d rounds", mostRounds)
}

// finish ends the campaign; false where a bounce came in between.
func (w *campaign) finish(ctx workflow.Context) (bool, error) {
	var r activities.Finished
	err := workflow.ExecuteActivity(overPeople(ctx, "finish the notice"), notices.FinishCampaign,
		activities.FinishCampaignInput{Incident: w.Incident, Campaign: w.N}).Get(ctx, &r)
	if err != nil {
		return false, err
	}
	w.tally = r.Tally
	if r.Again {
		return false, nil
	}
	w.status = "sent"
	w.report(ctx, "")
	return true, nil
}

// firstWave sends to a few and waits for what comes back, before an error in our mail reaches everybody. Where too few were
// taken over or too many came back, the campaign is halted and a person asked; it goes on when they resume it.
func (w *campaign) firstWave(ctx workflow.Context, frozen activities.Frozen) error {
	c := w.Settings.FirstWave
	if c.Size == 0 || frozen.People <= c.Above || len(frozen.Shards) == 0 || len(w.Settings.Ladder) == 0 {
		return nil
	}
	err := workflow.ExecuteActivity(sending(ctx, fmt.Sprintf("first wave: %d contacts", c.Size)), sender.SendChunk, activities.ChunkInput{
		Incident: w.Incident, Campaign: w.N, Shard: frozen.Shards[0].Shard, Channel: w.Settings.Ladder[0], Limit: c.Size,
	}).Get(ctx, nil)
	if err != nil {
		return err
	}
	timer := workflow.TimerOptions{Summary: "for bounces of the first wave"}
	if err := workflow.NewTimerWithOptions(ctx, c.Wait, timer).Get(ctx, nil); err != nil {
		return err
	}
	return workflow.ExecuteActivity(overPeople(ctx, "judge the first wave"), notices.JudgeFirstWave, activities.JudgeInput{
		Incident: w.Incident, Campaign: w.N, Channel: w.Settings.Ladder[0],
	}).Get(ctx, nil)
}

// ReopeningState is what a reopening starts from.
type ReopeningState struct {
	Incident breach.IncidentID `json:"incident"`
	N        int               `json:"n"`
	Settings Settings          `json:"settings"`
}

// NoticeReopening lets a campaign that had ended go on for those whose mail came back. It gathers bounces for a while, goes
// round, ends the campaign again, and looks whether more came meanwhile. It is started by the signal that tells of bounces.
func NoticeReopening(ctx workflow.Context, in ReopeningState) error {
	news := workflow.GetSignalChannel(ctx, SignalBounced)
	for {
		timer := workflow.TimerOptions{Summary: "for more bounces"}
		if err := workflow.NewTimerWithOptions(ctx, in.Settings.GatherBounces, timer).Get(ctx, nil); err != nil {
			return err
		}
		for news.ReceiveAsync(nil) { // all of them are in the ledger, which is what counts
		}
		if err := in.goOn(ctx); err != nil {
			return err
		}
		if news.Len() == 0 {
			return nil
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return workflow.NewContinueAsNewError(ctx, TypeReopening, in)
		}
	}
}

func (in ReopeningState) goOn(ctx workflow.Context) error {
	var r activities.Reopened
	err := workflow.ExecuteActivity(overPeople(ctx, "reopen the notice"), notices.ReopenCampaign,
		activities.ReopenInput{Incident: in.Incident, Campaign: in.N}).Get(ctx, &r)
	if err != nil {
		return err
	}
	w := &campaign{CampaignState: CampaignState{Incident: in.Incident, N: in.N, Settings: in.Settings}}
	w.Settings.Ladder = r.Ladder
	if !r.Open {
		if r.Ended { // everybody who came back has no channel left: the public notice is theirs
			w.status = "sent"
			w.count(ctx)
		}
		return nil
	}
	w.set(ctx, "sending", "")
	return w.rounds(ctx, r.Shards)
}
