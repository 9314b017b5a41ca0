package activities

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/notifiers"
	"tocsin/templates"
)

// Crier wakes our own people: reminders, escalations, and the miss.
type Crier struct {
	Store     *store.Store
	Templates *templates.Set
	Email     notifiers.Notifier
	Chat      notifiers.Notifier // a room of ours; nil where there is none
	Contacts  []Contact
	Ladder    []Rung // the steps of the escalation, in the order of the settings
	Now       func() time.Time
}

// Contact is one of our own people, as configured.
type Contact struct {
	Name     string
	Role     breach.Role
	Email    string
	Language breach.Language
}

// Rung is one step of the escalation: whom it wakes. Roles and names add up; with neither it wakes everybody.
type Rung struct {
	Roles []breach.Role
	Names []string
}

// The kinds of cries.
const (
	CryReminder   = "reminder"
	CryEscalation = "escalation"
	CryStep       = "step" // a step of the settings' escalation
	CryMissed     = "missed"
	CryGuarded    = "guarded" // the guard approved the preliminary report
	CryVoided     = "voided"  // an approval became void before the report was filed
)

// CryInput is the input of Cry.
type CryInput struct {
	Incident breach.IncidentID `json:"incident"`
	Key      string            `json:"key"`
	Kind     string            `json:"kind"`
	Step     int               `json:"step,omitempty"` // of a step: its position in the settings, from 0
	At       time.Time         `json:"at"`             // the instant that it is about
}

// CryResult counts who was told.
type CryResult struct {
	Told int `json:"told"`
}

// Cry tells the people who must act on a duty's clock. A reminder goes to the role whose move it is, a step of the escalation
// to those whom the settings name, the rest to everybody who answers for it. A miss is recorded for good and becomes a task
// first, so that it is loud even when no mail gets out; it fails, and is tried again, until somebody has been told.
func (a *Crier) Cry(ctx context.Context, in CryInput) (CryResult, error) {
	defer beat(ctx, alive)()
	o, err := a.Store.Obligation(ctx, in.Incident, in.Key)
	if err != nil {
		return CryResult{}, final(err)
	}
	if o.Status.Ended() && in.Kind != CryGuarded {
		return CryResult{}, nil
	}
	if in.Kind == CryMissed {
		if err := a.recordMiss(ctx, in, o); err != nil {
			return CryResult{}, final(err)
		}
	}
	command := "tocsin incident show " + string(in.Incident)
	if o.Status == store.ObligationDrafted || in.Kind == CryGuarded || in.Kind == CryVoided {
		command = "tocsin filing list " + string(in.Incident)
	}
	return a.tellAll(ctx, in, o, a.wake(in, o.Status), command)
}

// wake is whom a cry goes to.
func (a *Crier) wake(in CryInput, status store.ObligationStatus) []Contact {
	if in.Kind != CryStep || in.Step >= len(a.Ladder) { // a ladder that has become shorter wakes everybody
		return a.inRoles(rolesFor(in.Kind, status))
	}
	rung := a.Ladder[in.Step]
	if len(rung.Roles)+len(rung.Names) == 0 {
		return a.inRoles(rolesFor(in.Kind, status))
	}
	var list []Contact
	for _, c := range a.Contacts {
		if slices.Contains(rung.Roles, c.Role) || slices.Contains(rung.Names, c.Name) {
			list = append(list, c)
		}
	}
	return list
}

func (a *Crier) inRoles(roles []breach.Role) []Contact {
	var list []Contact
	for _, c := range a.Contacts {
		if slices.Contains(roles, c.Role) {
			list = append(list, c)
		}
	}
	return list
}

// tellAll sends to each, and to the chat room where it is more than a reminder. Where there is nobody to send to, that is a
// person's task.
func (a *Crier) tellAll(ctx context.Context, in CryInput, o store.Obligation, listeners []Contact, command string) (CryResult, error) {
	var r CryResult
	var failure error
	try := func(n notifiers.Notifier, c Contact) {
		if err := a.send(ctx, n, in, o, c, command); err != nil {
			failure = err
			return
		}
		r.Told++
	}
	for _, c := range listeners {
		if c.Email != "" {
			try(a.Email, c)
		}
	}
	if a.Chat != nil && in.Kind != CryReminder {
		try(a.Chat, Contact{Language: breach.Chinese})
	}
	if r.Told == 0 {
		if failure != nil {
			return r, failure
		}
		return r, final(a.noContact(ctx, in))
	}
	return r, final(a.Store.Note(ctx, in.Incident, breach.Tocsin, "cry."+in.Kind, in.Key, store.Detail{"told": r.Told, "at": in.At, "step": in.Step}))
}

func (a *Crier) recordMiss(ctx context.Context, in CryInput, o store.Obligation) error {
	if err := a.Store.MarkOverdue(ctx, in.Incident, in.Key); err != nil {
		return err
	}
	t := o.Result.Title
	return a.Store.AddTask(ctx, store.Task{
		IncidentID: in.Incident, Kind: breach.TaskOverdue, Ref: in.Key, OwnerRole: breach.RoleLead,
		Title: breach.Text{ZH: "已逾期：" + t.ZH, EN: "Overdue: " + t.EN},
		Detail: breach.Text{
			ZH: "法定时限已过。请立即完成该项义务；报告须写明迟延原因（填报项 delay），否则不能批准和报送。完成后结束本任务。",
			EN: "The law's time has passed. Meet the duty now; a report must say why it is late (the item delay) before it can be approved and filed. End this task when it is done.",
		},
	})
}

// noContact makes a person's task of a cry that nobody is configured to hear.
func (a *Crier) noContact(ctx context.Context, in CryInput) error {
	return a.Store.AddTask(ctx, store.Task{
		IncidentID: in.Incident, Kind: breach.TaskFinding, Ref: "nobody to tell", OwnerRole: breach.RoleLead,
		Title: breach.Text{ZH: "提醒无人可送", EN: "A reminder reached nobody"},
		Detail: breach.Text{
			ZH: fmt.Sprintf("配置的 contacts 中没有可接收“%s”的邮箱（%s）。请补充后结束本任务，并查看该事件的各项时限。", in.Kind, in.Key),
			EN: fmt.Sprintf("The configuration's contacts hold no address for the %s of %s. Add one, end this task, and look at the incident's clocks.", in.Kind, in.Key),
		},
	})
}

func rolesFor(kind string, status store.ObligationStatus) []breach.Role {
	if kind != CryReminder {
		return []breach.Role{breach.RoleLead, breach.RoleApprover, breach.RoleResponder, breach.RoleManager}
	}
	if status == store.ObligationDrafted || status == store.ObligationSupplement || status == store.ObligationWithdrawing {
		return []breach.Role{breach.RoleApprover, breach.RoleLead}
	}
	return []breach.Role{breach.RoleLead, breach.RoleResponder}
}

// send sends one message. It carries an id of its own, so that a second try is recognisably the same.
func (a *Crier) send(ctx context.Context, n notifiers.Notifier, in CryInput, o store.Obligation, c Contact, command string) error {
	m, err := a.words(in, o, c.Language, command)
	if err != nil {
		return faulty(err)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "cry|%s|%s|%s|%s|%d|%s|%s", n.Channel(), in.Incident, in.Key, in.Kind, in.Step, in.At.UTC().Format(time.RFC3339), c.Email))
	wire, err := n.Prepare(notifiers.Message{
		ID: breach.DeliveryID(fmt.Sprintf("%x", sum[:16])), To: c.Email, Language: c.Language, Subject: m.Subject, Text: m.Text,
	})
	if err != nil {
		return err
	}
	_, err = n.Send(ctx, wire)
	return err
}

// words writes the message in the reader's language, with the command to type next.
func (a *Crier) words(in CryInput, o store.Obligation, l breach.Language, command string) (templates.Message, error) {
	v := templates.CryView{
		Incident: in.Incident, Duty: o.Result.Title, Addressee: o.Result.Addressee, DueAt: in.At, Zone: o.Result.Zone,
		Hard: o.DueAt != nil, Now: a.Now(), Command: command,
	}
	if o.Status == store.ObligationDrafted {
		v.Awaits = breach.Text{ZH: "批准报告", EN: "approval of the report"}
	}
	if l != breach.English {
		l = breach.Chinese
	}
	switch {
	case in.Kind == CryReminder:
		return a.Templates.Reminder(v, l)
	case in.Kind == CryGuarded:
		return a.Templates.Guarded(v, l)
	case in.Kind == CryVoided:
		return a.Templates.Voided(v, l)
	case in.Kind == CryMissed || in.Kind == CryStep && !v.Now.Before(in.At):
		return a.Templates.Missed(v, l)
	default:
		return a.Templates.Escalation(v, l)
	}
}
