package activities_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/internal/store"
	"tocsin/templates"
)

func (h *house) crier() *activities.Crier {
	return &activities.Crier{
		Store: h.store, Templates: templates.Default(), Email: h.email, Now: time.Now,
		Contacts: []activities.Contact{
			{Name: "Zhao", Role: breach.RoleResponder, Email: "zhao@example.com", Language: breach.English},
			{Name: "Li", Role: breach.RoleLead, Email: "li@example.com", Language: breach.English},
			{Name: "Wang", Role: breach.RoleApprover, Email: "wang@example.com", Language: breach.Chinese},
			{Name: "Sun", Role: breach.RoleManager, Email: "sun@example.com", Language: breach.English},
		},
		Ladder: []activities.Rung{{Names: []string{"Sun"}}, {Roles: []breach.Role{breach.RoleLead}, Names: []string{"Wang"}}, {}},
	}
}

// woken are the addresses that got mail.
func (h *house) woken() []string {
	var to []string
	for _, m := range h.inbox.Messages(inbox.Filter{Channel: inbox.ChannelEmail, Heads: true}) {
		to = append(to, strings.TrimSuffix(m.To, "@example.com"))
	}
	slices.Sort(to)
	return to
}

func TestWhomACryWakes(t *testing.T) {
	for _, c := range []struct {
		name string
		in   activities.CryInput
		want string
	}{
		{"a reminder: whose move it is", activities.CryInput{Kind: activities.CryReminder}, "li zhao"},
		{"a step to a named person", activities.CryInput{Kind: activities.CryStep, Step: 0}, "sun"},
		{"a step to a role and a named person", activities.CryInput{Kind: activities.CryStep, Step: 1}, "li wang"},
		{"a step to everybody", activities.CryInput{Kind: activities.CryStep, Step: 2}, "li sun wang zhao"},
		{"a step that the settings do not have any more", activities.CryInput{Kind: activities.CryStep, Step: 7}, "li sun wang zhao"},
		{"the guard", activities.CryInput{Kind: activities.CryGuarded}, "li sun wang zhao"},
		{"a void approval", activities.CryInput{Kind: activities.CryVoided}, "li sun wang zhao"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			c.in.Incident, c.in.Key, c.in.At = h.openIncident(leak()), cacDuty, time.Now().Add(time.Hour)
			if _, err := run[activities.CryResult](h, h.crier().Cry, c.in); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(h.woken(), " "); got != c.want {
				t.Errorf("woken: %s, want %s", got, c.want)
			}
		})
	}
}

func TestAStepThatNobodyHearsIsATask(t *testing.T) {
	h := newHouse(t)
	a := h.crier()
	a.Ladder = []activities.Rung{{Names: []string{"Nobody"}}}
	in := activities.CryInput{Incident: h.openIncident(leak()), Key: cacDuty, Kind: activities.CryStep, At: time.Now()}
	if _, err := run[activities.CryResult](h, a.Cry, in); err != nil {
		t.Fatal(err)
	}
	if got := h.taskKinds(in.Incident); got != "[finding]" {
		t.Errorf("tasks %s", got)
	}
}

func TestAnAuthoritysRequestWakesItsOwnerFirst(t *testing.T) {
	h := newHouse(t)
	id := h.openIncident(leak())
	task, err := h.store.AddFollowUp(t.Context(), store.FollowUp{
		Incident: id, Key: cacDuty, Kind: breach.TaskQuestion, Owner: "Zhao", Due: time.Now().Add(time.Hour), Text: "请说明数据流向", By: "li.wei",
	})
	if err != nil {
		t.Fatal(err)
	}
	cry := func(kind string) {
		t.Helper()
		if _, err := run[activities.CryResult](h, h.crier().CryFollowUp, activities.CryFollowUpInput{Incident: id, Task: task.ID, Kind: kind}); err != nil {
			t.Fatal(err)
		}
	}
	cry(activities.CryReminder)
	if got := strings.Join(h.woken(), " "); got != "zhao" {
		t.Errorf("the reminder woke %s", got)
	}
	cry(activities.CryMissed)
	if got := strings.Join(h.woken(), " "); got != "li sun wang zhao zhao" {
		t.Errorf("the miss woke %s", got)
	}
	for _, m := range h.inbox.Messages(inbox.Filter{Channel: inbox.ChannelEmail}) {
		if strings.Contains(m.Text, "数据流向") {
			t.Error("what the authority wrote is in a mail")
		}
	}
	if _, err := h.store.EndTask(t.Context(), store.TaskEnd{ID: task.ID, Done: true, Note: "answered by letter", By: "Zhao"}); err != nil {
		t.Fatal(err)
	}
	cry(activities.CryMissed)
	if got := len(h.woken()); got != 5 {
		t.Errorf("%d mails after it was answered", got)
	}
}
