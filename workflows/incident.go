package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tocsin/activities"
	"tocsin/internal/breach"
)

// IncidentState is all that an incident carries from run to run.
type IncidentState struct {
	ID       breach.IncidentID `json:"id"`
	Settings Settings          `json:"settings"`

	Alerts      int64              `json:"alerts"`
	FactsRev    int                `json:"facts_rev"`    // newest heard of
	AssessedRev int                `json:"assessed_rev"` // newest answered
	Phase       breach.Phase       `json:"phase"`
	Levels      []activities.Level `json:"levels,omitempty"`
	Duties      []Tracked          `json:"duties,omitempty"`
	Plan        string             `json:"plan,omitempty"` // its status; empty before it has begun
	PlanAwaits  breach.Role        `json:"plan_awaits,omitempty"`
	Imports     int                `json:"imports"` // newest people file heard of
	Checked     int                `json:"checked"` // newest people file acted on
	Campaigns   []Tracked          `json:"campaigns,omitempty"`
	Public      []Tracked          `json:"public,omitempty"`
	Tally       breach.Tally       `json:"tally"`
	Closure     *DecisionMade      `json:"closure,omitempty"` // approved and not yet acted on
	Waits       []string           `json:"waits,omitempty"`   // what kept the incident from closing

	Asked []SupplementAsked `json:"asked,omitempty"` // supplementary notices that have not begun
}

// Tracked is a duty or a notice as the incident sees it.
type Tracked struct {
	Key     string      `json:"key"`
	Title   string      `json:"title,omitempty"`
	Duty    breach.Duty `json:"duty,omitempty"`
	Owed    breach.Owed `json:"owed,omitempty"`
	Hard    bool        `json:"hard,omitempty"`
	Covered bool        `json:"covered,omitempty"`
	Clock   Clock       `json:"clock"`
	Status  string      `json:"status"`
	Awaits  breach.Role `json:"awaits,omitempty"`
	Started bool        `json:"started,omitempty"`
	Done    bool        `json:"done,omitempty"`
	Late    bool        `json:"late,omitempty"`

	Supplements int `json:"supplements,omitempty"` // of a supplementary notice: the earlier one
	Ask         int `json:"ask,omitempty"`         // and what a person asked for
}

// lives reports that the duty's workflow runs: a report's chain goes on after it was filed, other duties end when they are met.
func (t Tracked) lives() bool {
	return t.Started && t.Status != "waived" && (t.Duty == breach.DutyFiling || t.Status != "met")
}

// incident is one run of the workflow.
type incident struct {
	IncidentState
	changed bool // something was heard that the loop has not looked at
	shown   view
}

// Incident is the case itself, one workflow an incident. It starts at once, waits for nobody, and ends when two people have
// closed it with nothing open.
func Incident(ctx workflow.Context, in IncidentState) error {
	w := &incident{IncidentState: in, changed: true}
	if w.Phase == "" {
		w.Phase = breach.PhaseOpened
		w.FactsRev = max(w.FactsRev, 1)
	}
	return w.run(ctx)
}

func (w *incident) heardAlert(s AlertCounted) { w.Alerts, w.changed = max(w.Alerts, s.Count), true }
func (w *incident) heardFacts(s FactsAmended) { w.FactsRev, w.changed = max(w.FactsRev, s.Rev), true }

// heardPeople counts people as soon as they are on file; who of them was told is known once a notice reports.
func (w *incident) heardPeople(s PeopleImported) {
	w.Imports, w.changed = max(w.Imports, s.Import), true
	if more := s.Affected - w.Tally.Affected; more > 0 {
		w.Tally.Affected, w.Tally.Open = w.Tally.Affected+more, w.Tally.Open+more
	}
}

func (w *incident) heardSupplement(s SupplementAsked) {
	w.Asked, w.changed = append(w.Asked, s), true
}

func (w *incident) heardDecision(s DecisionMade) {
	if s.Verdict == breach.Approved {
		w.Closure, w.changed = &s, true
	}
}

func (w *incident) heardChild(s ChildStatus) {
	w.changed = true
	if s.Tally != nil {
		w.Tally = *s.Tally
	}
	update := func(list []Tracked) {
		for i := range list {
			if list[i].Key == s.Key {
				list[i].Status, list[i].Awaits, list[i].Done, list[i].Late = s.Status, s.Awaits, s.Done, list[i].Late || s.Late
				if s.Clock != nil {
					list[i].Clock = *s.Clock
				}
			}
		}
	}
	switch s.Kind {
	case "plan":
		w.Plan, w.PlanAwaits = s.Status, s.Awaits
	case "obligation":
		update(w.Duties)
	case "notice":
		update(w.Campaigns)
	case "public":
		update(w.Public)
	}
}

// pending reports that signals have arrived and were not listened to.
func (w *incident) pending(ctx workflow.Context) bool {
	return slices.ContainsFunc([]string{SignalAlert, SignalFacts, SignalPeople, SignalDecision, SignalChild, SignalSupplement}, func(name string) bool {
		return workflow.GetSignalChannel(ctx, name).Len() > 0
	})
}

// listen takes what has arrived. The loop itself does it, and no coroutine of its own: a signal that was handed to a
// coroutine which has not run yet would be lost with it at continue-as-new.
func (w *incident) listen(ctx workflow.Context) {
	drain(ctx, SignalAlert, w.heardAlert)
	drain(ctx, SignalFacts, w.heardFacts)
	drain(ctx, SignalPeople, w.heardPeople)
	drain(ctx, SignalDecision, w.heardDecision)
	drain(ctx, SignalChild, w.heardChild)
	drain(ctx, SignalSupplement, w.heardSupplement)
}

func (w *incident) run(ctx workflow.Context) error {
	for {
		err := workflow.Await(ctx, func() bool {
			return w.changed || w.pending(ctx) || workflow.GetInfo(ctx).GetContinueAsNewSuggested()
		})
		if err != nil {
			return err
		}
		w.listen(ctx)
		w.changed = false
		closed, err := w.beat(ctx)
		if err != nil {
			return err
		}
		if closed {
			return nil
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			w.listen(ctx)
			return workflow.NewContinueAsNewError(ctx, TypeIncident, w.IncidentState)
		}
	}
}

// beat looks at everything once and does what is due. Every part is idempotent, so that looking twice costs nothing.
func (w *incident) beat(ctx workflow.Context) (closed bool, err error) {
	for _, part := range []func(workflow.Context) error{
		w.startPlan, w.assess, w.startObligations, w.startCampaign, w.startSupplements, w.startPublicNotice, w.fulfil, w.setPhase,
	} {
		if err := part(ctx); err != nil {
			return false, err
		}
	}
	if closed, err = w.close(ctx); err != nil {
		return false, err
	}
	return closed, w.show(ctx)
}

// startPlan comes first: containment does not wait for an assessment.
func (w *incident) startPlan(ctx workflow.Context) error {
	if w.Plan != "" {
		return nil
	}
	w.Plan = "running"
	cctx := child(ctx, PlanWorkflowID(w.ID), "Emergency plan of "+string(w.ID), childAttributes(w.ID, "plan"))
	return startChild(cctx, TypePlan, PlanInput{Incident: w.ID, Playbook: w.Settings.Playbook})
}

// assess asks the law packs whenever the facts have moved on, and tells the children what is new.
func (w *incident) assess(ctx workflow.Context) error {
	for w.FactsRev > w.AssessedRev {
		var a activities.Assessed
		err := workflow.ExecuteActivity(database(ctx, fmt.Sprintf("assess facts revision %d", w.FactsRev)), assessor.Assess,
			activities.AssessInput{Incident: w.ID, Rev: w.FactsRev}).Get(ctx, &a)
		if err != nil {
			return err
		}
		w.AssessedRev, w.FactsRev, w.Levels = a.Rev, max(w.FactsRev, a.Rev), a.Levels
		w.takeOver(ctx, a)
	}
	return nil
}

// takeOver lays a new assessment over the duties known: new ones appear, others move, and those it no longer finds end.
func (w *incident) takeOver(ctx workflow.Context, a activities.Assessed) {
	duties := make([]Tracked, 0, len(a.Duties))
	for _, d := range a.Duties {
		t := Tracked{
			Key: d.Key, Title: d.Title, Duty: d.Duty, Owed: d.Owed, Hard: d.Hard, Covered: d.Covered, Status: "open",
			Clock: Clock{Waits: d.ClockWaits, From: d.ClockAt, DueAt: d.DueAt, PolicyAt: d.PolicyAt, HeldUntil: d.HeldUntil, Deadline: d.Deadline},
		}
		if i := slices.IndexFunc(w.Duties, func(x Tracked) bool { return x.Key == d.Key }); i >= 0 {
			old := w.Duties[i]
			t.Status, t.Awaits, t.Started, t.Done, t.Late = old.Status, old.Awaits, old.Started, old.Done, old.Late
		}
		duties = append(duties, t)
	}
	for _, old := range w.Duties {
		if old.Started && !slices.ContainsFunc(duties, func(x Tracked) bool { return x.Key == old.Key }) {
			old.Owed, old.Covered = breach.NotOwed, false
			duties = append(duties, old)
		}
	}
	w.Duties = duties
	for _, d := range w.Duties {
		if d.lives() {
			signal(ctx, ObligationWorkflowID(w.ID, d.Key), SignalReassess, Reassessed{FactsRev: w.AssessedRev, Owed: d.Owed, Covered: d.Covered, Clock: d.Clock})
		}
	}
	for _, c := range w.Campaigns {
		if !c.Done {
			signal(ctx, CampaignWorkflowID(w.ID, number(c)), SignalReassess, Reassessed{FactsRev: w.AssessedRev})
		}
	}
}

// startObligations begins to track what is owed, and what may be owed while a hard clock runs already.
func (w *incident) startObligations(ctx workflow.Context) error {
	for i := range w.Duties {
		d := &w.Duties[i]
		tracked := d.Owed == breach.IsOwed || d.Owed == breach.Possible && d.Hard && d.Clock.DueAt != nil
		if d.Started || d.Covered || !tracked {
			continue
		}
		d.Started = true
		cctx := child(ctx, ObligationWorkflowID(w.ID, d.Key), d.Title, childAttributes(w.ID, "obligation"))
		err := startChild(cctx, TypeObligation, ObligationState{
			Incident: w.ID, Key: d.Key, Title: d.Title, Duty: d.Duty, Owed: d.Owed, Clock: d.Clock, FactsRev: w.AssessedRev,
			Reminders: w.Settings.Reminders, EscalateBefore: w.Settings.EscalateBefore, Escalation: w.Settings.Escalation, Guard: w.Settings.Guard,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// startCampaign begins a notice to people once the law asks for one and there are people whom no campaign has taken. A new
// file after the last audience was frozen makes the next campaign.
func (w *incident) startCampaign(ctx workflow.Context) error {
	owed := slices.ContainsFunc(w.Duties, func(d Tracked) bool { return d.Duty == breach.DutyNotice && d.Owed == breach.IsOwed })
	if !owed || w.Imports <= w.Checked {
		return nil
	}
	if first := w.firstNotices(); len(first) > 0 && !first[len(first)-1].Done {
		if first[len(first)-1].Status != "sending" {
			w.Checked = w.Imports // its audience is not frozen yet and will hold these people too
		}
		return nil // looked at again when the running campaign has ended
	}
	w.Checked = w.Imports
	n := len(w.Campaigns) + 1
	var untold int64
	err := workflow.ExecuteActivity(database(ctx, "count people without a notice"), notices.CountUntold,
		activities.CountUntoldInput{Incident: w.ID}).Get(ctx, &untold)
	if err != nil || untold == 0 {
		return err
	}
	w.Campaigns = append(w.Campaigns, Tracked{Key: itoa(n), Title: "Notice to affected people", Status: "drafting"})
	cctx := child(ctx, CampaignWorkflowID(w.ID, n), fmt.Sprintf("Notice %d to affected people", n), childAttributes(w.ID, "notice"))
	return startChild(cctx, TypeCampaign, CampaignState{Incident: w.ID, N: n, FactsRev: w.AssessedRev, Settings: w.Settings})
}

// firstNotices are those that tell people for the first time. What supplements them meets no duty and takes nobody.
func (w *incident) firstNotices() (first []Tracked) {
	for _, c := range w.Campaigns {
		if c.Supplements == 0 {
			first = append(first, c)
		}
	}
	return first
}

// startSupplements begins the supplementary notices that people asked for, each once.
func (w *incident) startSupplements(ctx workflow.Context) error {
	for len(w.Asked) > 0 {
		ask := w.Asked[0]
		w.Asked = w.Asked[1:]
		if slices.ContainsFunc(w.Campaigns, func(c Tracked) bool { return c.Ask == ask.No }) {
			continue
		}
		n := len(w.Campaigns) + 1
		title := "Supplementary notice"
		w.Campaigns = append(w.Campaigns, Tracked{Key: itoa(n), Title: title, Status: "drafting", Supplements: ask.Supplements, Ask: ask.No})
		cctx := child(ctx, CampaignWorkflowID(w.ID, n), fmt.Sprintf("Notice %d: supplement to notice %d", n, ask.Supplements), childAttributes(w.ID, "notice"))
		if err := startChild(cctx, TypeCampaign, CampaignState{Incident: w.ID, N: n, FactsRev: w.AssessedRev, Settings: w.Settings, Ask: ask.No}); err != nil {
			return err
		}
	}
	return nil
}

// startPublicNotice begins one when a campaign has left people whom no channel reached, or when the law asks for one by
// itself. One public notice at a time; it counts for everyone missed when it is published.
func (w *incident) startPublicNotice(ctx workflow.Context) error {
	first := w.firstNotices()
	sent := len(first) > 0 && !slices.ContainsFunc(first, func(c Tracked) bool { return !c.Done })
	demanded := slices.ContainsFunc(w.Duties, func(d Tracked) bool {
		return d.Duty == breach.DutyPublic && d.Owed == breach.IsOwed && !d.Done
	})
	pending := slices.ContainsFunc(w.Public, func(p Tracked) bool { return !p.Done })
	published := len(w.Public) > 0 && !pending
	needed := sent && w.Tally.Missed > 0 || demanded && !published
	if !needed || pending {
		return nil
	}
	n := len(w.Public) + 1
	w.Public = append(w.Public, Tracked{Key: itoa(n), Title: "Public notice", Status: "drafting"})
	cctx := child(ctx, PublicNoticeWorkflowID(w.ID, n), fmt.Sprintf("Public notice %d", n), childAttributes(w.ID, "public notice"))
	return startChild(cctx, TypePublicNotice, PublicNoticeState{Incident: w.ID, N: n, Days: w.Settings.PublicDays, FactsRev: w.AssessedRev})
}

// fulfil tells duties to inform people that it has happened.
func (w *incident) fulfil(ctx workflow.Context) error {
	first := w.firstNotices()
	sent := len(first) > 0 && !slices.ContainsFunc(first, func(c Tracked) bool { return !c.Done }) &&
		w.Imports <= w.Checked && w.Tally.Open == 0 && w.Tally.Missed == 0
	public := slices.ContainsFunc(w.Public, func(p Tracked) bool { return p.Done })
	for i := range w.Duties {
		d := &w.Duties[i]
		if !d.Started || d.Done || d.Owed != breach.IsOwed {
			continue
		}
		by := ""
		switch {
		case d.Duty == breach.DutyNotice && sent:
			by = "notice"
		case d.Duty == breach.DutyPublic && public:
			by = "public notice"
		}
		if by != "" && d.Status != "fulfilled" {
			d.Status = "fulfilled" // its workflow confirms
			signal(ctx, ObligationWorkflowID(w.ID, d.Key), SignalMet, Fulfilled{By: by})
		}
	}
	return nil
}

func (w *incident) setPhase(ctx workflow.Context) error {
	phase := breach.PhaseResponding
	if len(w.Campaigns)+len(w.Public) > 0 {
		phase = breach.PhaseNotifying
	}
	if w.Closure != nil {
		phase = breach.PhaseClosing
	}
	if w.Phase == phase {
		return nil
	}
	w.Phase = phase
	return workflow.ExecuteActivity(database(ctx, "phase: "+string(phase)), incidents.RecordPhase,
		activities.RecordPhaseInput{Incident: w.ID, Phase: phase}).Get(ctx, nil)
}

// close ends the incident once a second person has agreed and nothing is open. Where something is, the approval is spent:
// a person must look again.
func (w *incident) close(ctx workflow.Context) (bool, error) {
	if w.Closure == nil {
		return false, nil
	}
	var r activities.CloseResult
	err := workflow.ExecuteActivity(database(ctx, "close"), incidents.CloseIncident,
		activities.CloseInput{Incident: w.ID, Document: w.Closure.Document}).Get(ctx, &r)
	if err != nil {
		return false, err
	}
	w.Closure, w.Waits = nil, r.Open
	if !r.Closed {
		return false, w.setPhase(ctx)
	}
	w.Phase = breach.PhaseClosed
	for _, d := range w.Duties {
		if d.lives() {
			signal(ctx, ObligationWorkflowID(w.ID, d.Key), SignalMet, Fulfilled{By: ByClosed})
		}
	}
	return true, nil
}

func number(t Tracked) int {
	n := 0
	for _, c := range t.Key {
		n = n*10 + int(c-'0')
	}
	return n
}

func childAttributes(id breach.IncidentID, kind string) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(KeyIncident.ValueSet(string(id)), KeyKind.ValueSet(kind))
}

// nextDeadline is the nearest instant that an owed or possible duty works towards, and its deadline and title in words.
func (w *incident) nextDeadline() (next *time.Time, title string) {
	for _, d := range w.Duties {
		t := d.Clock.Target()
		if d.Done || d.Covered || d.Owed == breach.NotOwed || t == nil || !d.Started {
			continue
		}
		if next == nil || t.Before(*next) {
			next, title = t, due(d.Clock)+": "+d.Title
		}
	}
	return next, title
}
