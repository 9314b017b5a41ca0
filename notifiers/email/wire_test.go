package email_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/notifiers"
	"tocsin/notifiers/email"
	"tocsin/notifiers/notifytest"
)

func start(t *testing.T, faults ...inbox.Fault) *inbox.Inbox {
	t.Helper()
	in := notifytest.StartInbox(t, inbox.Options{})
	if err := in.SetFaults(faults...); err != nil {
		t.Fatal(err)
	}
	return in
}

func send(t *testing.T, s *email.SMTP, n int) error {
	t.Helper()
	w, err := s.Prepare(notifytest.Message(n, address(n)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Send(t.Context(), w)
	return err
}

// What is known of a mail depends on where the conversation broke off.
func TestOutcomeByPhase(t *testing.T) {
	for rule, c := range map[string]struct {
		fault  inbox.Fault
		want   breach.Outcome
		code   string
		stored int
	}{
		"cut at the greeting":       {inbox.Fault{Do: inbox.Cut, At: inbox.AtBanner}, breach.Temporary, "", 0},
		"greeted with 554":          {inbox.Fault{Do: inbox.Refuse, At: inbox.AtBanner}, breach.Temporary, "554", 0},
		"greeted with 421":          {inbox.Fault{Do: inbox.Defer, At: inbox.AtBanner}, breach.Temporary, "421", 0},
		"cut at MAIL":               {inbox.Fault{Do: inbox.Cut, At: inbox.AtMail}, breach.Temporary, "", 0},
		"our sender refused":        {inbox.Fault{Do: inbox.Refuse, At: inbox.AtMail}, breach.Temporary, "550", 0},
		"our sender deferred":       {inbox.Fault{Do: inbox.Defer, At: inbox.AtMail}, breach.Temporary, "451", 0},
		"cut at RCPT":               {inbox.Fault{Do: inbox.Cut, At: inbox.AtRcpt}, breach.Temporary, "", 0},
		"no such mailbox":           {inbox.Fault{Do: inbox.Refuse, At: inbox.AtRcpt}, breach.Permanent, "550", 0},
		"greylisted":                {inbox.Fault{Do: inbox.Defer, At: inbox.AtRcpt, Code: "450"}, breach.Temporary, "450", 0},
		"closing down at RCPT":      {inbox.Fault{Do: inbox.Defer, At: inbox.AtRcpt, Code: "421"}, breach.Temporary, "421", 0},
		"cut at DATA":               {inbox.Fault{Do: inbox.Cut, At: inbox.AtData}, breach.Temporary, "", 0},
		"text refused":              {inbox.Fault{Do: inbox.Refuse, At: inbox.AtDot, Code: "554"}, breach.Permanent, "554", 0},
		"text deferred":             {inbox.Fault{Do: inbox.Defer, At: inbox.AtDot}, breach.Temporary, "451", 0},
		"cut after the final dot":   {inbox.Fault{Do: inbox.Cut, At: inbox.AtDot}, breach.Unknown, "", 0},
		"taken, then cut":           {inbox.Fault{Do: inbox.Drop}, breach.Unknown, "", 1},
		"cut in the middle of text": {inbox.Fault{Do: inbox.Cut, At: inbox.AtBody}, breach.Unknown, "", 0},
	} {
		t.Run(rule, func(t *testing.T) {
			c.fault.To = "*"
			in := start(t, c.fault)
			err := send(t, newSMTP(t, config(t, in.SMTPAddr())), 1)
			if e, ok := errors.AsType[*notifiers.Error](err); !ok || e.Outcome != c.want || e.Code != c.code {
				t.Errorf("got %v, want %s with code %q", err, c.want, c.code)
			}
			if n := in.Count(inbox.Filter{}); n != c.stored {
				t.Errorf("%d mails arrived, want %d", n, c.stored)
			}
		})
	}
}

func TestDeadPooledConnectionIsReplacedBeforeTheMailBegan(t *testing.T) {
	for rule, f := range map[string]inbox.Fault{
		"closed without a word": {To: "*", Do: inbox.Cut, At: inbox.AtMail, Times: 1},
		"closed with 421":       {To: "*", Do: inbox.Defer, At: inbox.AtMail, Code: "421", Times: 1},
	} {
		t.Run(rule, func(t *testing.T) {
			in := start(t)
			s := newSMTP(t, config(t, in.SMTPAddr()))
			if err := send(t, s, 1); err != nil {
				t.Fatal(err)
			}
			if err := in.SetFaults(f); err != nil {
				t.Fatal(err)
			}
			if err := send(t, s, 2); err != nil {
				t.Errorf("on a connection that died while idle: %v", err)
			}
			if c := in.Counts()[inbox.ChannelEmail]; c.Distinct != 2 || c.Received != 2 {
				t.Errorf("arrived: %+v, want two mails", c)
			}
		})
	}
}

func TestIdleConnectionIsNotUsedForEver(t *testing.T) {
	in := start(t)
	now := notifytest.Now()
	s, err := email.NewSMTP(config(t, in.SMTPAddr()), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := send(t, s, 1); err != nil {
		t.Fatal(err)
	}
	now = now.Add(email.DefaultSMTP().IdleTimeout + time.Second)
	// A connection that dies at MAIL is replaced without a word only if it was idle before; a new one is not.
	if err := in.SetFaults(inbox.Fault{To: "*", Do: inbox.Cut, At: inbox.AtMail, Times: 1}); err != nil {
		t.Fatal(err)
	}
	if got := notifiers.OutcomeOf(send(t, s, 2)); got != breach.Temporary {
		t.Errorf("outcome %s: the idle connection was used again after its time", got)
	}
}

func TestRefusedRecipientsShareAConnection(t *testing.T) {
	in := start(t, inbox.Fault{To: "canary.person.1@*", Do: inbox.Refuse})
	s := newSMTP(t, config(t, in.SMTPAddr()))
	if got := notifiers.OutcomeOf(send(t, s, 1)); got != breach.Permanent {
		t.Fatalf("outcome %s", got)
	}
	if err := in.SetFaults(inbox.Fault{To: "*", Do: inbox.Refuse, At: inbox.AtBanner}); err != nil { // no new connection is let in
		t.Fatal(err)
	}
	if err := send(t, s, 2); err != nil {
		t.Errorf("after a refused recipient the connection was not used again: %v", err)
	}
}

func TestNoMoreThanTheConfiguredConnections(t *testing.T) {
	in := start(t, inbox.Fault{To: address(1), Do: inbox.Hold})
	cfg := config(t, in.SMTPAddr())
	cfg.Connections = 1
	s := newSMTP(t, cfg)
	first := make(chan error, 1)
	go func() { first <- send(t, s, 1) }()
	if err := in.AwaitHeld(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error, 1)
	w, err := s.Prepare(notifytest.Message(2, address(2)))
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, err := s.Send(ctx, w); second <- err }()
	cancel()
	if got := notifiers.OutcomeOf(<-second); got != breach.Temporary {
		t.Errorf("while the one connection is taken: %s, want temporary", got)
	}
	in.Release()
	if err := <-first; err != nil {
		t.Error(err)
	}
	if n := in.Count(inbox.Filter{}); n != 1 {
		t.Errorf("%d mails arrived, want 1", n)
	}
}

func TestNoAnswerInTimeIsInDoubt(t *testing.T) {
	in := start(t, inbox.Fault{To: "*", Do: inbox.Hold})
	cfg := config(t, in.SMTPAddr())
	cfg.FinalTimeout = time.Millisecond
	if got := notifiers.OutcomeOf(send(t, newSMTP(t, cfg), 1)); got != breach.Unknown {
		t.Errorf("outcome %s, want in doubt", got)
	}
	in.Release()
}

func TestWireIsCheckedAgain(t *testing.T) {
	in := start(t)
	s := newSMTP(t, config(t, in.SMTPAddr()))
	w, err := s.Prepare(notifytest.Message(1, address(1)))
	if err != nil {
		t.Fatal(err)
	}
	w.To = "a@example.net> NOTIFY=NEVER"
	if _, err := s.Send(t.Context(), w); notifiers.OutcomeOf(err) != breach.Permanent {
		t.Errorf("an address with a parameter in it: %v", err)
	}
	if c := in.Counts(); len(c) != 0 {
		t.Errorf("the relay saw it: %+v", c)
	}
}

func TestReturnAddressBearsTheToken(t *testing.T) {
	in := start(t)
	cfg := config(t, in.SMTPAddr())
	cfg.EnvelopeSender = "bounce+{id}@bounces.example.com"
	s := newSMTP(t, cfg)
	const token = "00112233445566778899aabbccddeeff.abcdefghijklmnop"
	for rule, c := range map[string]struct{ token, want string }{
		"a delivery's":                {token, "bounce+" + token + "@bounces.example.com"},
		"a mail that no ledger keeps": {"", "notice@example.com"},
	} {
		t.Run(rule, func(t *testing.T) {
			in.Clear()
			m := notifytest.Message(1, address(1))
			m.Return = c.token
			w, err := s.Prepare(m)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Send(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			if got := in.Messages(inbox.Filter{})[0]; got.From != c.want {
				t.Errorf("envelope sender %s, want %s", got.From, c.want)
			}
		})
	}
	w, err := s.Prepare(notifytest.Message(2, address(2)))
	if err != nil {
		t.Fatal(err)
	}
	w.Return = "x@example.com> SIZE=1"
	if _, err := s.Send(t.Context(), w); notifiers.OutcomeOf(err) != breach.Permanent {
		t.Errorf("a token with a parameter in it: %v", err)
	}
}
