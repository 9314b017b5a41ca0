package workflows

import (
	"go.temporal.io/sdk/workflow"

	"tocsin/activities"
	"tocsin/internal/breach"
)

// follow goes on with the chain of a report that was filed, until the incident closes: facts and answers that change what it says
// make a supplement, with an approval of its own and no hard clock; a person may have it taken back once the duty is not owed; an
// acknowledgement is recorded when it comes.
func (w *obligation) follow(ctx workflow.Context) error {
	w.following, w.settled = true, nil
	w.filed = w.draft
	asked := 0 // the revision for which a person was asked whether to take the report back
	for !w.closed {
		var err error
		switch {
		case w.withdraw && w.status != "withdrawn":
			err = w.later(ctx, breach.StageWithdrawal)
		case w.status == "withdrawn":
			err = workflow.Await(ctx, func() bool { return w.closed })
		case w.Owed == breach.NotOwed && asked < w.FactsRev:
			asked = w.FactsRev
			err = workflow.ExecuteActivity(database(ctx, "ask whether to take the report back"), incidents.AskWithdrawal,
				activities.AskWithdrawalInput{Incident: w.Incident, Key: w.Key, FactsRev: w.FactsRev}).Get(ctx, nil)
		case w.Owed == breach.IsOwed && w.stale():
			err = w.later(ctx, breach.StageSupplement)
		default:
			acked := w.acked // before anything that yields: it may come in the meantime
			w.settle(ctx)
			err = workflow.Await(ctx, func() bool {
				return w.closed || w.withdraw || w.acked != acked || w.Owed == breach.IsOwed && w.stale() || w.Owed == breach.NotOwed && asked < w.FactsRev
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// settle shows that nothing waits: met, or acknowledged.
func (w *obligation) settle(ctx workflow.Context) {
	status := "met"
	if w.acked {
		status = "acknowledged"
	}
	w.set(ctx, status, "")
}

// name is a status in the words of the chain's later reports.
func (w *obligation) name(status string) string {
	switch {
	case !w.following:
		return status
	case w.withdraw:
		return "withdrawal_" + status
	default:
		return "supplement_" + status
	}
}

// later goes once round with a supplement or a withdrawal. A refused one is given up until there is something new to say.
func (w *obligation) later(ctx workflow.Context, stage breach.Stage) error {
	if w.stale() || w.draft.Document == w.filed.Document {
		if err := w.prepare(ctx, stage); err != nil {
			return err
		}
	}
	for !w.closed {
		switch {
		case w.draft.Nothing:
			w.draft = w.filed
			return nil
		case w.stale() || stage == breach.StageSupplement && (w.withdraw || w.Owed == breach.NotOwed):
			return nil // look again: what is to be said has changed
		}
		was := w.verdict()
		switch was {
		case breach.Refused:
			w.withdraw, w.draft = false, w.filed
			return nil
		case breach.Approved:
			if err := w.handOver(ctx); err != nil {
				return err
			}
			if w.settled != nil && w.settled.Filed {
				w.filed, w.settled = w.draft, nil
				if stage == breach.StageWithdrawal {
					w.set(ctx, "withdrawn", "")
				}
				return nil
			}
			if w.draft.Document == "" { // void in the meantime
				return nil
			}
			continue
		default:
			w.set(ctx, w.name("awaits_approval"), breach.RoleApprover)
		}
		err := workflow.Await(ctx, func() bool {
			return w.closed || w.stale() || w.verdict() != was || stage == breach.StageSupplement && (w.withdraw || w.Owed == breach.NotOwed)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
