package activities

import (
	"context"
	"slices"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/regulation"
	"tocsin/internal/store"
)

// Assessor asks the law packs. Laws run here and never in a workflow: a corrected pack then cannot change how last month's
// incident replays.
type Assessor struct {
	Store        *store.Store
	Laws         *regulation.Engine
	Organisation breach.Facts // the profile, org.* facts
	Now          func() time.Time
}

// AssessInput is the input of Assess.
type AssessInput struct {
	Incident breach.IncidentID `json:"incident"`
	Rev      int               `json:"rev"` // at least this revision of the facts
}

// Assessed is what the workflow needs to know of an assessment; the whole of it is in the database.
type Assessed struct {
	Rev    int     `json:"rev"`
	Levels []Level `json:"levels"`
	Duties []Duty  `json:"duties"`
}

// Level is a severity on one scale, in English for the engine's pages.
type Level struct {
	Scale string `json:"scale"`
	Level string `json:"level"` // empty where the scale gives none
	Rank  int    `json:"rank"`
}

// Duty is an obligation as the workflow tracks it.
type Duty struct {
	Key        string      `json:"key"`
	Title      string      `json:"title"` // English, with the article
	Duty       breach.Duty `json:"duty"`
	Owed       breach.Owed `json:"owed"`
	Hard       bool        `json:"hard"`
	Covered    bool        `json:"covered,omitempty"`
	ClockWaits bool        `json:"clock_waits,omitempty"`
	ClockAt    *time.Time  `json:"clock_at,omitempty"`
	DueAt      *time.Time  `json:"due_at,omitempty"`
	PolicyAt   *time.Time  `json:"policy_at,omitempty"`
	HeldUntil  *time.Time  `json:"held_until,omitempty"` // while a hold is in force
	Deadline   string      `json:"deadline,omitempty"`   // in words, English, in the authority's zone: see breach.Due
}

// Assess answers the newest facts and keeps the answer.
func (a *Assessor) Assess(ctx context.Context, in AssessInput) (Assessed, error) {
	facts, err := a.Store.Facts(ctx, in.Incident, 0)
	if err != nil {
		return Assessed{}, final(err)
	}
	result, err := a.Laws.Assess(a.Organisation, facts.Facts, a.Now())
	if err != nil {
		return Assessed{}, err
	}
	result.FactsRev = facts.Rev
	if err := a.Store.SaveAssessment(ctx, in.Incident, result); err != nil {
		return Assessed{}, final(err)
	}
	if err := lookForGaps(ctx, a.Store, in.Incident); err != nil {
		return Assessed{}, final(err)
	}
	obligations, err := a.Store.Obligations(ctx, in.Incident)
	if err != nil {
		return Assessed{}, final(err)
	}
	return summary(result, obligations), nil
}

func summary(a breach.Assessment, stored []store.Obligation) Assessed {
	out := Assessed{Rev: a.FactsRev}
	for _, s := range a.Severities {
		out.Levels = append(out.Levels, Level{Scale: s.ScaleName.EN, Level: s.LevelName.EN, Rank: s.Rank})
	}
	for _, o := range a.Obligations {
		if o.Owed == breach.NotOwed {
			continue
		}
		d := Duty{
			Key: o.Key(), Title: o.Title.EN, Duty: o.Duty, Owed: o.Owed, Hard: o.Hard, Covered: o.CoveredBy != "",
			ClockWaits: o.Clock != "" && o.ClockAt == nil, ClockAt: o.ClockAt, DueAt: o.DueAt, PolicyAt: o.PolicyAt,
		}
		if i := slices.IndexFunc(stored, func(x store.Obligation) bool { return x.Key == d.Key }); i >= 0 {
			c := clockOf(stored[i])
			d.DueAt, d.PolicyAt, d.HeldUntil, d.Deadline = c.DueAt, c.PolicyAt, c.HeldUntil, c.Deadline
		}
		out.Duties = append(out.Duties, d)
	}
	return out
}
