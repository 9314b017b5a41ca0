package email_test

import (
	"errors"
	"net"
	"strings"
	"testing"

	"tocsin/internal/breach"
	"tocsin/notifiers"
	"tocsin/notifiers/email"
	"tocsin/notifiers/notifytest"
)

// What relays answer when they will not. Whether it is the recipient, us, or our standing decides whether somebody goes on to
// their next channel, a person is asked, or it is tried again. The words are those of real servers, the names invented.
func TestWhomARefusalIsAbout(t *testing.T) {
	const rcpt, dot = "RCPT", "message"
	for rule, c := range map[string]struct {
		at, answer string
		want       breach.Outcome
		against    notifiers.Against
	}{
		// It is the recipient.
		"Postfix, no such mailbox":             {rcpt, "550 5.1.1 <x@example.net>: Recipient address rejected: User unknown in local recipient table", breach.Permanent, ""},
		"no enhanced code":                     {rcpt, "550 no such user here", breach.Permanent, ""},
		"a number alone":                       {rcpt, "550", breach.Permanent, ""},
		"Exchange Online's edge blocking":      {rcpt, "550 5.4.1 Recipient address rejected: Access denied.", breach.Permanent, ""},
		"Outlook.com's 5.5.0":                  {rcpt, "550 5.5.0 Requested action not taken: mailbox unavailable", breach.Permanent, ""},
		"unknown, said as policy":              {rcpt, "550 5.7.1 No such user!", breach.Permanent, ""},
		"account disabled":                     {rcpt, "550 5.7.13 User account disabled", breach.Permanent, ""},
		"a domain that takes no mail":          {rcpt, "556 5.1.10 Recipient address has null MX", breach.Permanent, ""},
		"the wrong class in the enhanced code": {rcpt, "550 2.1.1 no", breach.Permanent, ""},
		"too large for them":                   {dot, "552 5.3.4 Message size exceeds fixed limit", breach.Permanent, ""},
		"unknown, after the message":           {dot, "550 5.1.1 user unknown", breach.Permanent, ""},

		// It is the moment.
		"mailbox full":                 {rcpt, "552 5.2.2 Mailbox full", breach.Temporary, ""},
		"552, as RFC 5321 reads it":    {rcpt, "552 Too many recipients", breach.Temporary, ""},
		"full, after the message":      {dot, "552 5.2.2 user over quota", breach.Temporary, ""},
		"greylisted":                   {rcpt, "450 4.2.0 <x@example.net>: Recipient address rejected: Greylisted", breach.Temporary, ""},
		"too many recipients":          {rcpt, "452 4.5.3 Too many recipients", breach.Temporary, ""},
		"rate limit":                   {rcpt, "451 4.7.1 Rate limit exceeded, try again later", breach.Temporary, ""},
		"closing after the message":    {dot, "421 4.3.2 shutting down", breach.Temporary, ""},
		"content scanner not up":       {dot, "451 4.7.1 Service unavailable - try again later", breach.Temporary, ""},
		"421 in answer to the message": {dot, "421-busy\r\n421 later", breach.Temporary, ""},

		// It is us.
		"Postfix does not relay":           {rcpt, "554 5.7.1 <x@example.net>: Relay access denied", breach.Temporary, notifiers.Us},
		"Postfix does not relay, deferred": {rcpt, "454 4.7.1 <x@example.net>: Relay access denied", breach.Temporary, notifiers.Us},
		"Exim does not relay":              {rcpt, "550 relay not permitted", breach.Temporary, notifiers.Us},
		"sendmail does not relay":          {rcpt, "550 5.7.1 <x@example.net>... Relaying denied", breach.Temporary, notifiers.Us},
		"qmail does not relay":             {rcpt, "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", breach.Temporary, notifiers.Us},
		"Exchange does not relay":          {rcpt, "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", breach.Temporary, notifiers.Us},
		"Postfix does not take our sender": {rcpt, "553 5.7.1 <notice@example.com>: Sender address rejected: not owned by user tocsin", breach.Temporary, notifiers.Us},
		"our sender's domain is unknown":   {rcpt, "450 4.1.8 <notice@example.com>: Sender address rejected: Domain not found", breach.Temporary, notifiers.Us},
		"sender does not verify":           {rcpt, "550 5.1.7 <notice@example.com>: Sender address rejected: undeliverable address: User unknown", breach.Temporary, notifiers.Us},
		"our address is not let in":        {rcpt, "554 5.7.1 <gone.example[192.0.2.1]>: Client host rejected: Access denied", breach.Temporary, notifiers.Us},
		"sign in first":                    {rcpt, "530 5.7.0 Authentication required", breach.Temporary, notifiers.Us},
		"encrypt first":                    {rcpt, "530 5.7.0 Must issue a STARTTLS command first", breach.Temporary, notifiers.Us},
		"may not send as this sender":      {dot, "550 5.7.60 SMTP; Client does not have permissions to send as this sender", breach.Temporary, notifiers.Us},
		"SendAsDenied":                     {dot, "554 5.2.252 SendAsDenied; tocsin@example.com not allowed to send as notice@example.com", breach.Temporary, notifiers.Us},
		"the cloud's trial account":        {dot, "554 Message rejected: Email address is not verified. The following identities failed the check", breach.Temporary, notifiers.Us},
		"sender identity":                  {dot, "550 The from address does not match a verified Sender Identity.", breach.Temporary, notifiers.Us},
		"credits":                          {rcpt, "451 Authentication failed: Maximum credits exceeded", breach.Temporary, notifiers.Us},
		"a command out of order":           {rcpt, "503 5.5.1 Error: need MAIL command", breach.Temporary, notifiers.Us},

		// It is our standing, or our words.
		"policy at RCPT":                      {rcpt, "550 5.7.1 Service unavailable; client host blocked using a list", breach.Temporary, notifiers.Policy},
		"spam, after it":                      {dot, "554 5.7.1 Message rejected as spam", breach.Temporary, notifiers.Policy},
		"spam, without a code":                {dot, "554 Reject by behaviour spam at Rcpt State", breach.Temporary, notifiers.Policy},
		"QQ's rate":                           {dot, "550 Ip frequency limited", breach.Temporary, notifiers.Policy},
		"Gmail, of our SPF and DKIM":          {dot, "550-5.7.26 Your email has been blocked because the sender is unauthenticated.\r\n550-5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM.\r\n550 5.7.26 x - gsmtp", breach.Temporary, notifiers.Policy},
		"a provider that knows its customers": {dot, "550 Unauthenticated senders not allowed", breach.Temporary, notifiers.Us},
		"DMARC":                               {dot, "550 5.7.509 Access denied, sending domain does not pass DMARC verification", breach.Temporary, notifiers.Policy},
	} {
		t.Run(rule, func(t *testing.T) {
			relay := startScripted(t, map[string]string{c.at: c.answer, "DATA": "354 go on"})
			err := send(t, newSMTP(t, config(t, relay.Addr().String())), 1)
			e, ok := errors.AsType[*notifiers.Error](err)
			if !ok || e.Outcome != c.want || e.Against != c.against || e.Code != c.answer[:3] {
				t.Errorf("%#v; want %s, against %q, with code %s", err, c.want, c.against, c.answer[:3])
			}
		})
	}
}

// What a relay has against us before it hears of anybody, and what is missing for a conversation at all.
func TestWhatIsWrongWithUs(t *testing.T) {
	for rule, c := range map[string]struct {
		answers map[string]string
		change  func(*email.SMTPConfig)
		doing   string
		code    string
		against notifiers.Against
	}{
		"greeted with 554":               {map[string]string{"greeting": "554 5.7.1 no SMTP service here"}, nil, "connect", "554", notifiers.Us},
		"greeted with 421":               {map[string]string{"greeting": "421 4.3.2 too many connections"}, nil, "connect", "421", ""},
		"sender refused":                 {map[string]string{"MAIL": "550 5.7.1 who are you"}, nil, "mail", "550", notifiers.Us},
		"sender deferred":                {map[string]string{"MAIL": "451 4.3.0 later"}, nil, "mail", "451", ""},
		"authentication asked for":       {map[string]string{"MAIL": "530 5.7.0 authentication required"}, nil, "authenticate", "530", notifiers.Us},
		"as the Chinese providers say":   {map[string]string{"MAIL": "553 authentication is required"}, nil, "mail", "553", notifiers.Us},
		"closing for a while":            {map[string]string{"MAIL": "421 4.7.0 too many messages"}, nil, "mail", "421", ""},
		"STARTTLS stripped":              {map[string]string{}, func(c *email.SMTPConfig) { c.TLS = "mandatory" }, "connect", "no-starttls", notifiers.Us},
		"STARTTLS refused":               {map[string]string{"EHLO": "250-x\r\n250 STARTTLS", "STARTTLS": "454 4.7.0 TLS not available"}, func(c *email.SMTPConfig) { c.TLS = "mandatory" }, "authenticate", "454", ""},
		"no handshake behind STARTTLS":   {map[string]string{"EHLO": "250-x\r\n250 STARTTLS", "STARTTLS": "220 go"}, func(c *email.SMTPConfig) { c.TLS = "mandatory" }, "connect", "tls", notifiers.Us},
		"only HELO, but TLS is a must":   {map[string]string{"EHLO": "502 unknown"}, func(c *email.SMTPConfig) { c.TLS = "mandatory" }, "connect", "no-starttls", notifiers.Us},
		"nothing to sign in with":        {map[string]string{}, signIn(t), "connect", "no-auth", notifiers.Us},
		"a mechanism that we do not use": {map[string]string{"EHLO": "250-x\r\n250 AUTH XOAUTH2"}, signIn(t), "connect", "no-auth", notifiers.Us},
	} {
		t.Run(rule, func(t *testing.T) {
			relay := startScripted(t, c.answers)
			cfg := config(t, relay.Addr().String())
			if c.change != nil {
				c.change(&cfg)
			}
			err := send(t, newSMTP(t, cfg), 1)
			e, ok := errors.AsType[*notifiers.Error](err)
			if !ok || e.Outcome != breach.Temporary || e.Doing != c.doing || e.Code != c.code || e.Against != c.against {
				t.Errorf("%#v; want temporary in %s with code %q, against %q", err, c.doing, c.code, c.against)
			}
		})
	}
}

func signIn(t *testing.T) func(*email.SMTPConfig) {
	return func(c *email.SMTPConfig) { c.Username, c.PasswordFile = "tocsin", notifytest.File(t, "open sesame") }
}

// However a relay spells its yes, the mail was taken: a doubt would send it twice.
func TestOddSpellingsOfYes(t *testing.T) {
	for rule, answers := range map[string]map[string]string{
		"a line of 8 kB":             {"message": "250 2.0.0 Ok: queued as 4ABC " + strings.Repeat("x", 8<<10)},
		"a line of 8 kB in several":  {"message": "250-" + strings.Repeat("x", 8<<10) + "\r\n250 ok"},
		"bare line feeds":            {"MAIL": "250 ok\n", "RCPT": "250-a\n250 b\n", "DATA": "354 go\n", "message": "250 ok\n"},
		"byte after byte":            {"drip": "", "message": "250-one\r\n250 queued as 4ABC"},
		"a number and no more":       {"MAIL": "250", "RCPT": "250", "DATA": "354", "message": "250"},
		"with a contradicting code":  {"message": "250 5.1.1 queued"},
		"with different numbers":     {"message": "251-x\r\n250 queued"},
		"HELO alone is understood":   {"EHLO": "502 5.5.1 unknown command"},
		"no line between two spaces": {"RCPT": "250  ok", "message": "250\tok"},
	} {
		t.Run(rule, func(t *testing.T) {
			relay := startScripted(t, answers)
			s := newSMTP(t, config(t, relay.Addr().String()))
			for n := range 2 {
				if err := send(t, s, n); err != nil {
					t.Fatalf("mail %d: %v", n, err)
				}
			}
			if _, _, calls := relay.saw(); calls != 1 {
				t.Errorf("%d connections for two mails", calls)
			}
		})
	}
}

// A relay that says yes before it has the mail has said nothing: the answer after it would be taken for the next mail's.
func TestAYesBeforeTheMessageIsNone(t *testing.T) {
	for _, offer := range []string{"250 x", offered} {
		relay := startScripted(t, map[string]string{"EHLO": offer, "DATA": "354 go on\r\n250 queued as 4ABC\r\n", "message": "554 5.1.1 no"})
		err := send(t, newSMTP(t, config(t, relay.Addr().String())), 1)
		if notifiers.OutcomeOf(err) != breach.Temporary {
			t.Errorf("got %v, want temporary", err)
		}
		if heard, _, _ := relay.saw(); strings.Contains(strings.Join(heard, " "), "message") {
			t.Errorf("the message left: %s", heard)
		}
	}
}

// A relay that refuses us, not the recipient, has certainly not taken the mail; another one may.
func TestAnotherRelayTakesWhatOneDoesNotRelay(t *testing.T) {
	closed := startScripted(t, map[string]string{"RCPT": "554 5.7.1 <x>: Relay access denied"})
	open := startScripted(t, map[string]string{})
	var relays []email.Relay
	for _, l := range []net.Listener{closed, open} {
		relays = append(relays, email.Relay{Notifier: newSMTP(t, config(t, l.Addr().String()))})
	}
	all, err := email.NewRelays(notifytest.Now, relays...)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 8 {
		w, err := all.Prepare(notifytest.Message(n, address(n)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := all.Send(t.Context(), w); err != nil {
			t.Errorf("mail %d: %v", n, err)
		}
	}
}
