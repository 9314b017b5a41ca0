package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// Incidents records where an incident and its duties stand.
type Incidents struct {
	Store *store.Store
}

// RecordPhaseInput is the input of RecordPhase.
type RecordPhaseInput struct {
	Incident breach.IncidentID `json:"incident"`
	Phase    breach.Phase      `json:"phase"`
}

// RecordPhase records an incident's phase.
func (a *Incidents) RecordPhase(ctx context.Context, in RecordPhaseInput) error {
	return final(a.Store.SetPhase(ctx, in.Incident, in.Phase))
}

// RecordObligationInput is the input of RecordObligation.
type RecordObligationInput struct {
	Incident breach.IncidentID `json:"incident"`
	Key      string            `json:"key"`
	Status   string            `json:"status"` // store.ObligationStatus
}

// RecordObligation records where a duty stands. A duty that has ended leaves nothing for anybody to approve: no draft where it
// ended without a filing, no hold and no waiver that was only proposed.
func (a *Incidents) RecordObligation(ctx context.Context, in RecordObligationInput) error {
	status := store.ObligationStatus(in.Status)
	if err := a.Store.SetObligation(ctx, in.Incident, in.Key, status); err != nil {
		return final(err)
	}
	if !status.Ended() {
		return nil
	}
	kinds, why := []breach.DocumentKind{breach.DocHold, breach.DocWaiver}, "the duty has ended"
	switch status {
	case store.ObligationGone, store.ObligationCovered:
		kinds, why = append(kinds, breach.DocFiling), "the duty is not owed by itself any more"
	case store.ObligationWaived:
		kinds, why = append(kinds, breach.DocFiling), "the duty was waived"
	default:
	}
	drafts, err := a.Store.Documents(ctx, in.Incident, false, kinds...)
	if err != nil {
		return final(err)
	}
	for _, d := range drafts {
		if d.Subject != in.Key || d.Kind != breach.DocFiling && d.ApprovedAt != nil {
			continue
		}
		if err := a.Store.VoidDocument(ctx, d.ID, why); err != nil {
			return final(err)
		}
	}
	return nil
}

// CloseInput is the input of CloseIncident.
type CloseInput struct {
	Incident breach.IncidentID `json:"incident"`
	Document breach.DocumentID `json:"document"` // the approved closure
}

// CloseResult says whether it closed, and what is open where it did not.
type CloseResult struct {
	Closed bool     `json:"closed"`
	Open   []string `json:"open,omitempty"` // "obligation cn-cac-other/…", "task …": ids, no texts
}

// CloseIncident closes an incident with nothing open, on what two people agreed to.
func (a *Incidents) CloseIncident(ctx context.Context, in CloseInput) (CloseResult, error) {
	open, err := a.Store.CloseIncident(ctx, in.Incident, in.Document)
	if r, ok := errors.AsType[*store.Refused](err); ok {
		return CloseResult{Open: []string{"closure " + r.Code}}, nil // void in the meantime: a person proposes again
	}
	r := CloseResult{Closed: err == nil && len(open) == 0}
	for _, m := range open {
		r.Open = append(r.Open, m.Kind+" "+m.Key)
	}
	return r, final(err)
}

// AskRuledOutInput is the input of AskRuledOut.
type AskRuledOutInput struct {
	Incident breach.IncidentID `json:"incident"`
	Key      string            `json:"key"`
	FactsRev int               `json:"facts_rev"`
}

// AskRuledOut asks a person to confirm that a duty which was owed no longer is.
func (a *Incidents) AskRuledOut(ctx context.Context, in AskRuledOutInput) error {
	o, err := a.Store.Obligation(ctx, in.Incident, in.Key)
	if err != nil {
		return final(err)
	}
	t := o.Result.Title
	return final(a.Store.AddTask(ctx, store.Task{
		IncidentID: in.Incident, Kind: breach.TaskFinding, Ref: fmt.Sprintf("ruled out %s %d", in.Key, in.FactsRev), OwnerRole: breach.RoleLead,
		Title: breach.Text{ZH: "请确认：该项义务已不适用", EN: "Confirm: this duty is no longer owed"},
		Detail: breach.Text{
			ZH: fmt.Sprintf("按第 %d 版事实，“%s”不再适用。如事实有误，请更正事实；如无误，请结束本任务。", in.FactsRev, t.ZH),
			EN: fmt.Sprintf("Under facts revision %d, “%s” is no longer owed. If the facts are wrong, amend them; if they are right, end this task.", in.FactsRev, t.EN),
		},
	}))
}

// AskMeasureInput is the input of AskMeasure.
type AskMeasureInput struct {
	Incident breach.IncidentID `json:"incident"`
	Key      string            `json:"key"`
}

// AskMeasure asks a person to confirm that what the law wants us to do ourselves was done. The plan may have done it; that a
// person looked is what can be proved afterwards.
func (a *Incidents) AskMeasure(ctx context.Context, in AskMeasureInput) error {
	o, err := a.Store.Obligation(ctx, in.Incident, in.Key)
	if err != nil {
		return final(err)
	}
	r := o.Result
	return final(a.Store.AddTask(ctx, store.Task{
		IncidentID: in.Incident, Kind: breach.TaskMeasure, Ref: in.Key, OwnerRole: breach.RoleLead, DueAt: r.Target(),
		Title: breach.Text{ZH: "请确认已落实：" + r.Title.ZH, EN: "Confirm that it is done: " + r.Title.EN},
		Detail: breach.Text{
			ZH: fmt.Sprintf("依据：%s %s。请核实应急预案或人工措施已落实该项要求，并在结束任务时写明所做的工作。", r.Instrument.ZH, r.Article),
			EN: fmt.Sprintf("Source: %s, %s. Check that the emergency plan or people's work has done this, and say what was done when you end the task.", r.Instrument.EN, r.Article),
		},
	}))
}

// ReadClockInput is the input of ReadClock.
type ReadClockInput struct {
	Incident breach.IncidentID `json:"incident"`
	Key      string            `json:"key"`
}

// ClockState is a duty's deadline with what holds do to it.
type ClockState struct {
	Waits     bool       `json:"waits,omitempty"`
	From      *time.Time `json:"from,omitempty"`
	DueAt     *time.Time `json:"due_at,omitempty"`     // the law's, later by as long as holds let the clock rest
	PolicyAt  *time.Time `json:"policy_at,omitempty"`  // ours
	HeldUntil *time.Time `json:"held_until,omitempty"` // while a hold is in force
	Deadline  string     `json:"deadline,omitempty"`   // in words
}

// ReadClock reads a duty's deadline after a hold began or ended.
func (a *Incidents) ReadClock(ctx context.Context, in ReadClockInput) (ClockState, error) {
	o, err := a.Store.Obligation(ctx, in.Incident, in.Key)
	return clockOf(o), final(err)
}

func clockOf(o store.Obligation) ClockState {
	due := o.Due()
	c := ClockState{Waits: due.Waits, From: o.Result.ClockAt, DueAt: due.At, PolicyAt: due.PolicyAt, HeldUntil: due.HeldUntil, Deadline: o.Deadline.EN}
	switch {
	case due.Moved == nil:
	case c.DueAt != nil:
		c.DueAt = due.Moved
	case c.PolicyAt != nil:
		c.PolicyAt = due.Moved
	}
	return c
}

// AskLateReasonInput is the input of AskLateReason.
type AskLateReasonInput struct {
	Incident breach.IncidentID `json:"incident"`
	Key      string            `json:"key"`
}

// AskLateReason asks why a report is late: without the reason it can be neither approved nor filed.
func (a *Incidents) AskLateReason(ctx context.Context, in AskLateReasonInput) error {
	o, err := a.Store.Obligation(ctx, in.Incident, in.Key)
	if err != nil {
		return final(err)
	}
	t := o.Result.Title
	return final(a.Store.AddTask(ctx, store.Task{
		IncidentID: in.Incident, Kind: breach.TaskLateReason, Ref: in.Key, OwnerRole: breach.RoleLead,
		Title: breach.Text{ZH: "请说明迟延原因：" + t.ZH, EN: "Say why it is late: " + t.EN},
		Detail: breach.Text{
			ZH: fmt.Sprintf("时限 %s 已过。报告须写明迟延原因，方可批准和报送。请填报 %s 项：tocsin filing answer %s %s %[2]s.zh=… %[2]s.en=…。填报后本任务随之结束，并生成新版本待批准。", o.Deadline.ZH, store.DelayItem, in.Incident, in.Key),
			EN: fmt.Sprintf("The deadline, %s, has passed. The report must say why before it can be approved and filed. Answer the item %s: tocsin filing answer %s %s %[2]s.zh=… %[2]s.en=… . That ends this task, and a new version waits for approval.", o.Deadline.EN, store.DelayItem, in.Incident, in.Key),
		},
	}))
}

// AskWithdrawalInput is the input of AskWithdrawal.
type AskWithdrawalInput struct {
	Incident breach.IncidentID `json:"incident"`
	Key      string            `json:"key"`
	FactsRev int               `json:"facts_rev"`
}

// AskWithdrawal asks whether a report that was filed is to be taken back, because the duty is not owed any more.
func (a *Incidents) AskWithdrawal(ctx context.Context, in AskWithdrawalInput) error {
	o, err := a.Store.Obligation(ctx, in.Incident, in.Key)
	if err != nil {
		return final(err)
	}
	t := o.Result.Title
	return final(a.Store.AddTask(ctx, store.Task{
		IncidentID: in.Incident, Kind: breach.TaskFinding, Ref: fmt.Sprintf("filed and not owed %s %d", in.Key, in.FactsRev), OwnerRole: breach.RoleLead,
		Title: breach.Text{ZH: "已报送的事项不再适用", EN: "Filed, and not owed any more"},
		Detail: breach.Text{
			ZH: fmt.Sprintf("按第 %d 版事实，“%s”不再适用，而报告已经报送。需要撤回的：tocsin filing withdraw %s %s --why …；保留报告的，结束本任务。事实有误的，请更正事实。", in.FactsRev, t.ZH, in.Incident, in.Key),
			EN: fmt.Sprintf("Under facts revision %d, “%s” is no longer owed, and its report was filed. To take it back: tocsin filing withdraw %s %s --why … ; to let it stand, end this task. If the facts are wrong, amend them.", in.FactsRev, t.EN, in.Incident, in.Key),
		},
	}))
}

// AskMendInput is the input of AskMend.
type AskMendInput struct {
	Incident breach.IncidentID `json:"incident"`
	What     string            `json:"what"` // what cannot go on: an obligation's key, "notice/1", "public/1"
	Why      string            `json:"why"`  // an error's text: ids, codes and rules, never a value
}

// AskMend asks a person to mend what keeps the machine from going on. It tries again by itself meanwhile.
func (a *Incidents) AskMend(ctx context.Context, in AskMendInput) error {
	return final(a.Store.AddTask(ctx, store.Task{
		IncidentID: in.Incident, Kind: breach.TaskFinding, Ref: "mend " + in.What, OwnerRole: breach.RoleLead,
		Title: breach.Text{ZH: "需要人工处理：" + in.What, EN: "Needs a person: " + in.What},
		Detail: breach.Text{
			ZH: "系统无法继续，并会每隔几分钟重试。原因（系统原文）：" + in.Why + "。请更正事实、模板或配置；恢复后结束本任务。",
			EN: "The system cannot go on, and tries again every few minutes. Why: " + in.Why + ". Mend the facts, the text or the settings; end this task when it goes on.",
		},
	}))
}
