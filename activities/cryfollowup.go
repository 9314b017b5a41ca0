package activities

import (
	"context"
	"fmt"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// CryFollowUpInput is the input of CryFollowUp.
type CryFollowUpInput struct {
	Incident breach.IncidentID `json:"incident"`
	Task     string            `json:"task"`
	Kind     string            `json:"kind"` // reminder, escalation or missed
}

// CryFollowUp tells our people of the day by which an authority wants something: a reminder goes to the task's owner, the rest to
// everybody who answers for it.
func (a *Crier) CryFollowUp(ctx context.Context, in CryFollowUpInput) (CryResult, error) {
	defer beat(ctx, alive)()
	t, err := a.Store.Task(ctx, in.Task)
	if err != nil {
		return CryResult{}, final(err)
	}
	if t.Outcome != nil || t.DueAt == nil {
		return CryResult{}, nil
	}
	zone := ""
	if o, err := a.Store.Obligation(ctx, in.Incident, t.Subject); err == nil {
		zone = o.Result.Zone
	}
	// The words are those of a duty's deadline: what is to be done, by when, and what to type next.
	about := store.Obligation{Key: t.Subject, Status: store.ObligationOpen, DueAt: t.DueAt, Result: breach.Obligation{Title: t.Title, Zone: zone, DueAt: t.DueAt}}
	c := CryInput{Incident: in.Incident, Key: "task " + in.Task, Kind: in.Kind, At: *t.DueAt}
	return a.tellAll(ctx, c, about, a.listeners(in.Kind, t), fmt.Sprintf("tocsin task list %s", in.Incident))
}

// listeners are the task's owner for a reminder, where the contacts name them, and everybody for the rest.
func (a *Crier) listeners(kind string, t store.Task) []Contact {
	if kind == CryReminder && t.Owner != nil {
		var owner []Contact
		for _, c := range a.Contacts {
			if c.Name == string(*t.Owner) {
				owner = append(owner, c)
			}
		}
		if len(owner) > 0 {
			return owner
		}
	}
	return a.inRoles(rolesFor(kind, store.ObligationOpen))
}
