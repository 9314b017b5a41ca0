package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"tocsin/activities"
	"tocsin/internal/breach"
)

// ShardInput names a range of recipients.
type ShardInput struct {
	Incident  breach.IncidentID `json:"incident"`
	Campaign  int               `json:"campaign"`
	Shard     int               `json:"shard"`
	Ladder    []breach.Channel  `json:"ladder"`
	ChunkSize int               `json:"chunk_size"`
}

// haltPoll is how often a halted shard looks whether it may go on.
const haltPoll = 30 * time.Second

// NoticeShard takes its recipients down the ladder: each channel in turn, chunk by chunk, then again for what a server
// refused for now, until nobody waits. Its history grows with chunks, not with people.
func NoticeShard(ctx workflow.Context, in ShardInput) error {
	for {
		again, err := in.pass(ctx)
		if err != nil || again == 0 {
			return err
		}
		timer := workflow.TimerOptions{Summary: "wait before trying again"}
		if err := workflow.NewTimerWithOptions(ctx, again, timer).Get(ctx, nil); err != nil {
			return err
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return workflow.NewContinueAsNewError(ctx, TypeShard, in)
		}
	}
}

// pass goes down the ladder once and returns how long to wait before the next pass; zero when nobody waits.
func (in ShardInput) pass(ctx workflow.Context) (time.Duration, error) {
	var last activities.ChunkResult
	var next *time.Time
	for _, channel := range in.Ladder {
		for more := true; more; {
			last = activities.ChunkResult{}
			err := workflow.ExecuteActivity(sending(ctx, fmt.Sprintf("%s, shard %d", channel, in.Shard)), sender.SendChunk, activities.ChunkInput{
				Incident: in.Incident, Campaign: in.Campaign, Shard: in.Shard, Channel: channel, Limit: in.ChunkSize,
			}).Get(ctx, &last)
			if err != nil {
				return 0, err
			}
			if last.Halted {
				return haltPoll, nil
			}
			more = last.More
			next = earlier(next, last.QuietUntil)
		}
	}
	if last.Waiting > 0 {
		next = earlier(next, last.NextAt)
	}
	if next == nil {
		return 0, nil
	}
	return max(next.Sub(workflow.Now(ctx)), time.Second), nil
}

// earlier returns the earlier of two instants, of which either may be missing.
func earlier(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.Before(*a) {
		return b
	}
	return a
}
