package activities

import (
	"context"

	"tocsin/internal/breach"
)

// OpenShardsInput is the input of OpenShards.
type OpenShardsInput struct {
	Incident breach.IncidentID `json:"incident"`
	Campaign int               `json:"campaign"`
}

// OpenShards lists the shards in which somebody still waits: for a channel that opened late, or because a bounce took an
// outcome back.
func (a *Notices) OpenShards(ctx context.Context, in OpenShardsInput) ([]Shard, error) {
	shards, err := a.Store.OpenShards(ctx, in.Incident, in.Campaign)
	var open []Shard
	for _, x := range shards {
		open = append(open, Shard(x))
	}
	return open, final(err)
}

// ReopenInput is the input of ReopenCampaign.
type ReopenInput struct {
	Incident breach.IncidentID `json:"incident"`
	Campaign int               `json:"campaign"`
}

// Reopened says whether a campaign goes on, and by which channels.
type Reopened struct {
	Open   bool             `json:"open"`            // somebody waits again
	Ended  bool             `json:"ended,omitempty"` // the campaign has ended and stays so
	Ladder []breach.Channel `json:"ladder,omitempty"`
	Shards []Shard          `json:"shards,omitempty"` // in which somebody waits
}

// ReopenCampaign lets a finished campaign go on for those whose outcome a bounce took back.
func (a *Notices) ReopenCampaign(ctx context.Context, in ReopenInput) (Reopened, error) {
	r, err := a.Store.ReopenCampaign(ctx, in.Incident, in.Campaign)
	if err != nil || !r.Open {
		return Reopened{Ended: r.Ended}, final(err)
	}
	shards, err := a.OpenShards(ctx, OpenShardsInput(in))
	return Reopened{Open: true, Ladder: r.Ladder, Shards: shards}, err
}
