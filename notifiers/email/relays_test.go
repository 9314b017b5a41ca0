package email_test

import (
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/notifiers"
	"tocsin/notifiers/email"
	"tocsin/notifiers/notifytest"
)

// fleet is some relays, each with an inbox of its own, and a clock that the test moves.
type fleet struct {
	*email.Relays
	boxes []*inbox.Inbox
	now   time.Time
}

func newFleet(t *testing.T, n int, perSecond float64) *fleet {
	t.Helper()
	f := &fleet{now: notifytest.Now()}
	var relays []email.Relay
	for range n {
		in := notifytest.StartInbox(t, inbox.Options{})
		f.boxes = append(f.boxes, in)
		relays = append(relays, email.Relay{Notifier: newSMTP(t, config(t, in.SMTPAddr())), PerSecond: perSecond})
	}
	var err error
	if f.Relays, err = email.NewRelays(func() time.Time { return f.now }, relays...); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fleet) send(t *testing.T, n int) error {
	t.Helper()
	w, err := f.Prepare(notifytest.Message(n, address(n)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Send(t.Context(), w)
	return err
}

func (f *fleet) counts() (list []int) {
	for _, in := range f.boxes {
		list = append(list, in.Count(inbox.Filter{}))
	}
	return list
}

func (f *fleet) faults(t *testing.T, relay int, faults ...inbox.Fault) {
	t.Helper()
	if err := f.boxes[relay].SetFaults(faults...); err != nil {
		t.Fatal(err)
	}
}

func TestRelaysSuite(t *testing.T) {
	notifytest.Run(t, notifytest.Case{
		New: func(t *testing.T, in *inbox.Inbox) notifiers.Notifier {
			one := email.Relay{Notifier: newSMTP(t, config(t, in.SMTPAddr()))}
			r, err := email.NewRelays(notifytest.Now, one)
			if err != nil {
				t.Fatal(err)
			}
			return r
		},
		Address: address,
		Unfit:   unfitAddresses,
		Cut:     breach.Temporary,
		Needles: func(m notifiers.Message) []string { return []string{m.Subject, m.Text} },
	})
}

func TestMailIsSpreadAndASecondAttemptGoesTheSameWay(t *testing.T) {
	f := newFleet(t, 3, 0)
	for range 2 {
		for n := range 60 {
			if err := f.send(t, n); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, n := range f.counts() {
		if n < 20 || n > 60 {
			t.Errorf("relay %d carried %d of 120 mails", i, n)
		}
		if c := f.boxes[i].Counts()[inbox.ChannelEmail]; c.Received != 2*c.Distinct {
			t.Errorf("relay %d: %d mails of %d deliveries: a second attempt went another way", i, c.Received, c.Distinct)
		}
	}
}

// Another relay is taken after a definite failure, and after nothing else.
func TestAnotherRelayIsTakenOnlyWhereTheFirstHasNotTakenTheMail(t *testing.T) {
	for rule, c := range map[string]struct {
		fault   inbox.Fault
		want    breach.Outcome
		through int // mails in the end, of 20
	}{
		"it does not let us in":         {inbox.Fault{Do: inbox.Defer, At: inbox.AtBanner}, breach.Accepted, 20},
		"it refuses our sender":         {inbox.Fault{Do: inbox.Refuse, At: inbox.AtMail}, breach.Accepted, 20},
		"it knows no such mailbox":      {inbox.Fault{Do: inbox.Refuse, At: inbox.AtRcpt}, breach.Permanent, -1},
		"it asks for later":             {inbox.Fault{Do: inbox.Defer, At: inbox.AtRcpt}, breach.Temporary, -1},
		"cut after the final dot":       {inbox.Fault{Do: inbox.Cut, At: inbox.AtDot}, breach.Unknown, -1},
		"taken, and the answer was cut": {inbox.Fault{Do: inbox.Drop}, breach.Unknown, 20},
	} {
		t.Run(rule, func(t *testing.T) {
			f := newFleet(t, 2, 0)
			c.fault.To = "*"
			f.faults(t, 0, c.fault)
			seen := map[breach.Outcome]int{}
			for n := range 20 {
				seen[notifiers.OutcomeOf(f.send(t, n))]++
			}
			if c.want == breach.Accepted && seen[breach.Accepted] != 20 {
				t.Errorf("outcomes %v: the other relay was not taken", seen)
			}
			if c.want != breach.Accepted && (seen[c.want] == 0 || seen[breach.Accepted]+seen[c.want] != 20 || seen[breach.Accepted] == 20) {
				t.Errorf("outcomes %v, want some %s", seen, c.want)
			}
			all := f.counts()
			if got := all[0] + all[1]; c.through > 0 && got != c.through || c.through < 0 && got != seen[breach.Accepted] {
				t.Errorf("%v mails arrived, outcomes %v", all, seen)
			}
		})
	}
}

func TestARelayThatFailsRestsAndComesBack(t *testing.T) {
	f := newFleet(t, 2, 0)
	f.faults(t, 0, inbox.Fault{To: "*", Do: inbox.Defer, At: inbox.AtBanner})
	for n := range 40 {
		if err := f.send(t, n); err != nil {
			t.Fatal(err)
		}
	}
	f.faults(t, 0) // it works again; nobody asks it before its time
	for n := range 40 {
		if err := f.send(t, n); err != nil {
			t.Fatal(err)
		}
	}
	if n := f.boxes[0].Count(inbox.Filter{}); n != 0 {
		t.Errorf("a relay that rests carried %d mails", n)
	}
	f.now = f.now.Add(time.Hour)
	for n := range 40 {
		if err := f.send(t, n); err != nil {
			t.Fatal(err)
		}
	}
	if n := f.boxes[0].Count(inbox.Filter{}); n == 0 {
		t.Error("a relay that works again is not asked")
	}
}

func TestEveryRelayDown(t *testing.T) {
	f := newFleet(t, 2, 0)
	for i := range 2 {
		f.faults(t, i, inbox.Fault{To: "*", Do: inbox.Defer, At: inbox.AtBanner})
	}
	for n := range 10 {
		if got := notifiers.OutcomeOf(f.send(t, n)); got != breach.Temporary {
			t.Fatalf("outcome %s", got)
		}
	}
}

func TestARelaysRateSendsTheRestElsewhere(t *testing.T) {
	slow, fast := notifytest.StartInbox(t, inbox.Options{}), notifytest.StartInbox(t, inbox.Options{})
	r, err := email.NewRelays(notifytest.Now,
		email.Relay{Notifier: newSMTP(t, config(t, slow.SMTPAddr())), PerSecond: 0.001}, email.Relay{Notifier: newSMTP(t, config(t, fast.SMTPAddr()))})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		w, err := r.Prepare(notifytest.Message(n, address(n)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Send(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := slow.Count(inbox.Filter{}), fast.Count(inbox.Filter{}); a != 1 || b != 19 {
		t.Errorf("the slow relay carried %d mails, the other %d", a, b)
	}
}

func TestRelaysThatCannotBe(t *testing.T) {
	if _, err := email.NewRelays(notifytest.Now); err == nil {
		t.Error("no relay was taken for one")
	}
}
