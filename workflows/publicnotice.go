package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"tocsin/activities"
	"tocsin/internal/breach"
)

// PublicNoticeState is what a public notice starts from.
type PublicNoticeState struct {
	Incident breach.IncidentID `json:"incident"`
	N        int               `json:"n"`
	Days     int               `json:"days"` // how long it is posted
	FactsRev int               `json:"facts_rev"`
}

type publicNotice struct {
	PublicNoticeState
	draft   activities.Draft
	decided decisions
}

// PublicNotice is the page for those whom no channel reached: drafted, approved by another person than its author,
// published, and posted for its time.
func PublicNotice(ctx workflow.Context, in PublicNoticeState) error {
	w := &publicNotice{PublicNoticeState: in}
	on(ctx, SignalDecision, w.decided.heard)
	if err := w.agree(ctx); err != nil {
		return err
	}
	var published activities.Published
	err := workflow.ExecuteActivity(database(ctx, "publish"), notices.PublishNotice, activities.PublishInput{
		Incident: in.Incident, N: in.N, Document: w.draft.Document, Days: in.Days,
	}).Get(ctx, &published)
	if err != nil {
		return err
	}
	w.report(ctx, "published", "", &published.Tally)
	return workflow.NewTimerWithOptions(ctx, time.Duration(max(in.Days, 1))*24*time.Hour, workflow.TimerOptions{Summary: "posted until its time is over"}).Get(ctx, nil)
}

// agree drafts from the facts as they are until a version is approved; a refused one is drafted anew.
func (w *publicNotice) agree(ctx workflow.Context) error {
	for {
		err := persist(ctx, w.Incident, "public/"+itoa(w.N), func() bool { return false }, func() error {
			return workflow.ExecuteActivity(database(ctx, "draft the public notice"), notices.DraftPublicNotice,
				activities.DraftPublicInput{Incident: w.Incident, N: w.N}).Get(ctx, &w.draft)
		})
		if err != nil || w.draft.Approved {
			return err
		}
		w.report(ctx, "awaits approval", breach.RoleApprover, nil)
		if err := workflow.Await(ctx, func() bool { return w.decided.of(w.draft.Document) != "" }); err != nil {
			return err
		}
		if w.decided.of(w.draft.Document) == breach.Approved {
			return nil
		}
	}
}

func (w *publicNotice) report(ctx workflow.Context, status string, awaits breach.Role, tally *breach.Tally) {
	signal(ctx, IncidentWorkflowID(w.Incident), SignalChild, ChildStatus{
		Kind: "public", Key: itoa(w.N), Status: status, Awaits: awaits, Done: status == "published", Tally: tally,
	})
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Public notice %d of %s: %s", w.N, w.Incident, status))
}
