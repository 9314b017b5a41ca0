package templates

import (
	"errors"
	"fmt"
	"time"

	"tocsin/internal/breach"
)

// CryView is what a message about a deadline says to our own people. It holds no personal data: it travels through mail
// and chat.
type CryView struct {
	Incident  breach.IncidentID
	Duty      breach.Text // the obligation's title
	Addressee breach.Text // empty for what we do ourselves
	DueAt     time.Time
	Zone      string      // IANA zone of the authority; empty is Asia/Shanghai
	Hard      bool        // the law gives the number; otherwise the instant is our own policy
	Now       time.Time   // from which what is left is counted
	Awaits    breach.Text // whom or what it waits for; may be empty
	Command   string      // the exact command to type next; may be empty
}

// Message is a short text to our own people.
type Message struct {
	Subject string
	Text    string
}

var messageGrammar = grammar{
	head:    []string{"subject"},
	scalars: []string{"incident", "duty", "addressee", "due_at", "nature", "left", "awaits", "command"},
}

// Reminder says that a deadline comes near.
func (s *Set) Reminder(v CryView, l breach.Language) (Message, error) {
	return s.message("reminder", v, l)
}

// Escalation says that a deadline is about to be missed. It goes to more people than the reminder.
func (s *Set) Escalation(v CryView, l breach.Language) (Message, error) {
	return s.message("escalation", v, l)
}

// Missed says that a deadline has passed.
func (s *Set) Missed(v CryView, l breach.Language) (Message, error) {
	return s.message("missed", v, l)
}

// Guarded says that the guard approved a preliminary report, because nobody had shortly before the deadline.
func (s *Set) Guarded(v CryView, l breach.Language) (Message, error) {
	return s.message("guarded", v, l)
}

// Voided says that an approval is void, because what the report says has changed before it was filed.
func (s *Set) Voided(v CryView, l breach.Language) (Message, error) {
	return s.message("voided", v, l)
}

func (s *Set) message(name string, v CryView, l breach.Language) (Message, error) {
	src, ok := s.messages[name+"."+string(l)]
	if !ok {
		return Message{}, fmt.Errorf("there is no message %q in the language %q", name, l)
	}
	if v.Incident == "" || v.Duty == (breach.Text{}) || v.DueAt.IsZero() || v.Now.IsZero() {
		return Message{}, errors.New("a message about a deadline needs the incident, the duty, the deadline and the time")
	}
	loc, err := zone(v.Zone)
	if err != nil {
		return Message{}, fmt.Errorf("the zone %q is not an IANA zone", v.Zone)
	}
	nature := breach.Text{ZH: "内部要求的时限，法律没有规定具体数字", EN: "our own policy; the law gives no number"}
	if v.Hard {
		nature = breach.Text{ZH: "法定时限", EN: "fixed by law"}
	}
	left := v.DueAt.Sub(v.Now)
	if left < 0 {
		left = -left
	}
	values := plainValues{scalars: map[string]string{
		"incident": clean(string(v.Incident)), "duty": clean(v.Duty.In(l)), "addressee": clean(v.Addressee.In(l)),
		"due_at": instant(v.DueAt, loc, l), "nature": nature.In(l), "left": span(left, l),
		"awaits": clean(v.Awaits.In(l)), "command": clean(v.Command),
	}}
	return Message{Subject: join(src.head["subject"], values), Text: plainText(src.expand(values), colon(l))}, nil
}
