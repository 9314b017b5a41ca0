package activities

import (
	"context"
	"crypto/sha256"
	"fmt"
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
	Now       func() time.Time
}

// Contact is one of our own people, as configured.
type Contact struct {
	Role     breach.Role
	Email    string
	Language breach.Language
}

// The kinds of cries.
const (
	CryReminder   = "reminder"
	CryEscalation = "escalation"
	CryMissed     = "missed"
)

// CryInput is the input of Cry.
type CryInput struct {
	Incident breach.IncidentID `json:"incident"`
	Key      string            `json:"key"`
	Kind     string            `json:"kind"`
	At       time.Time         `json:"at"` // the instant that it is about
}

// CryResult counts who was told.
type CryResult struct {
	Told int `json:"told"`
}

// Cry tells the people who must act on a duty's clock. A reminder goes to the role whose move it is, an escalation and a
// miss to everybody who answers for it. A miss is recorded for good and becomes a task first, so that it is loud even when
// no mail gets out; it fails, and is tried again, until somebody has been told.
func (a *Crier) Cry(ctx context.Context, in CryInput) (CryResult, error) {
	defer beat(ctx, alive)()
	o, err := a.Store.Obligation(ctx, in.Incident, in.Key)
	if err != nil {
		return CryResult{}, final(err)
	}
	if o.Status.Ended() {
		return CryResult{}, nil
	}
	if in.Kind == CryMissed {
		if err := a.recordMiss(ctx, in, o); err != nil {
			return CryResult{}, final(err)
		}
	}
	roles := rolesFor(in.Kind, o.Status)
	var r CryResult
	var failure error
	for _, c := range a.Contacts {
		if !has(roles, c.Role) || c.Email == "" {
			continue
		}
		if err := a.tell(ctx, in, o, c); err != nil {
			failure = err
			continue
		}
		r.Told++
	}
	if a.Chat != nil && in.Kind != CryReminder {
		if err := a.send(ctx, a.Chat, in, o, Contact{Language: breach.Chinese}); err != nil {
			failure = err
		} else {
			r.Told++
		}
	}
	if r.Told == 0 {
		if failure != nil {
			return r, failure
		}
		return r, final(a.noContact(ctx, in, roles))
	}
	return r, final(a.Store.Note(ctx, in.Incident, breach.Tocsin, "cry."+in.Kind, in.Key, store.Detail{"told": r.Told, "at": in.At}))
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
			ZH: "法定时限已过。请立即完成该项义务，并在结束本任务时写明迟延原因；原因将随事件留存。",
			EN: "The law's time has passed. Meet the duty now, and say why it is late when you end this task; the reason is kept with the incident.",
		},
	})
}

// noContact makes a person's task of a cry that nobody is configured to hear.
func (a *Crier) noContact(ctx context.Context, in CryInput, roles []breach.Role) error {
	return a.Store.AddTask(ctx, store.Task{
		IncidentID: in.Incident, Kind: breach.TaskFinding, Ref: "nobody to tell", OwnerRole: breach.RoleLead,
		Title: breach.Text{ZH: "提醒无人可送", EN: "A reminder reached nobody"},
		Detail: breach.Text{
			ZH: fmt.Sprintf("配置的 contacts 中没有角色 %v 的邮箱。请补充后结束本任务，并查看该事件的各项时限。", roles),
			EN: fmt.Sprintf("The configuration's contacts hold no address for the roles %v. Add one, end this task, and look at the incident's clocks.", roles),
		},
	})
}

func rolesFor(kind string, status store.ObligationStatus) []breach.Role {
	if kind != CryReminder {
		return []breach.Role{breach.RoleLead, breach.RoleApprover, breach.RoleResponder, breach.RoleManager}
	}
	if status == store.ObligationDrafted {
		return []breach.Role{breach.RoleApprover, breach.RoleLead}
	}
	return []breach.Role{breach.RoleLead, breach.RoleResponder}
}

func has(roles []breach.Role, r breach.Role) bool {
	for _, x := range roles {
		if x == r {
			return true
		}
	}
	return false
}

// tell sends one mail. It carries an id of its own, so that a second try is recognisably the same mail.
func (a *Crier) tell(ctx context.Context, in CryInput, o store.Obligation, c Contact) error {
	return a.send(ctx, a.Email, in, o, c)
}

func (a *Crier) send(ctx context.Context, n notifiers.Notifier, in CryInput, o store.Obligation, c Contact) error {
	m, err := a.words(in, o, c.Language)
	if err != nil {
		return faulty(err)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "cry|%s|%s|%s|%s|%s|%s", n.Channel(), in.Incident, in.Key, in.Kind, in.At.UTC().Format(time.RFC3339), c.Email))
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
func (a *Crier) words(in CryInput, o store.Obligation, l breach.Language) (templates.Message, error) {
	v := templates.CryView{
		Incident: in.Incident, Duty: o.Result.Title, Addressee: o.Result.Addressee, DueAt: in.At, Zone: o.Result.Zone,
		Hard: o.DueAt != nil, Now: a.Now(), Command: "tocsin incident show " + string(in.Incident),
	}
	if o.Status == store.ObligationDrafted {
		v.Awaits = breach.Text{ZH: "批准报告", EN: "approval of the report"}
		v.Command = "tocsin filing list " + string(in.Incident)
	}
	if l != breach.English {
		l = breach.Chinese
	}
	switch in.Kind {
	case CryReminder:
		return a.Templates.Reminder(v, l)
	case CryEscalation:
		return a.Templates.Escalation(v, l)
	default:
		return a.Templates.Missed(v, l)
	}
}
