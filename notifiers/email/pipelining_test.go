package email_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"tocsin/internal/breach"
	"tocsin/notifiers"
	"tocsin/notifiers/notifytest"
)

// scripted is a relay that answers each verb as it is told, and remembers what it heard. A verb without an answer is
// granted; an empty answer closes the connection. What follows a 354 up to the lone dot is one entry, "message". An answer
// that ends in a line end leaves as it is; "drip" among the answers lets each byte of them leave by itself.
type scripted struct {
	net.Listener
	answers map[string]string

	most int // connections that it lets in at once; any number where zero, none where negative

	mu    sync.Mutex
	heard []string
	reads []int // how many commands each packet held
	calls int
	open  int
	over  int // connections that it turned away
}

func startScripted(t *testing.T, answers map[string]string) *scripted {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &scripted{Listener: l, answers: answers}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { r.serve(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close() })
	return r
}

func (r *scripted) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	_, drip := r.answers["drip"]
	say := func(s string) {
		if !strings.HasSuffix(s, "\n") {
			s += "\r\n"
		}
		for drip && len(s) > 1 {
			_, _ = io.WriteString(c, s[:1])
			s = s[1:]
		}
		_, _ = io.WriteString(c, s)
	}
	full := false
	r.note(func() {
		r.calls++
		r.open++
		if full = r.most != 0 && r.open > r.most; full {
			r.over++
		}
	})
	defer r.note(func() { r.open-- })
	if full {
		say("421 4.7.0 too many connections")
		return
	}
	if hello, ok := r.answers["greeting"]; ok {
		say(hello)
	} else {
		say("220 scripted")
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " ")
		r.note(func() {
			r.heard = append(r.heard, verb)
			if verb == "MAIL" {
				more, _ := in.Peek(in.Buffered())
				r.reads = append(r.reads, 1+strings.Count(string(more), "\n"))
			}
		})
		answer, ok := r.answers[verb]
		switch {
		case !ok && verb == "DATA":
			answer = "354 go on"
		case !ok:
			answer = "250 ok"
		case answer == "":
			return
		}
		say(answer)
		if verb == "DATA" && strings.HasPrefix(answer, "354") {
			for line != ".\r\n" {
				if line, err = in.ReadString('\n'); err != nil {
					return
				}
			}
			r.note(func() { r.heard = append(r.heard, "message") })
			answer, ok := r.answers["message"]
			if !ok {
				answer = "250 queued as 4ABC"
			}
			if answer == "" {
				return
			}
			say(answer)
		}
	}
}

func (r *scripted) note(what func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	what()
}

func (r *scripted) saw() (heard []string, reads []int, calls int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.heard), slices.Clone(r.reads), r.calls
}

const offered = "250-scripted\r\n250 PIPELINING"

// RFC 2920: where PIPELINING is offered the envelope goes out at once, elsewhere a command at a time, and each command's
// answer decides in either case.
func TestEnvelope(t *testing.T) {
	for rule, c := range map[string]struct {
		answers map[string]string
		want    breach.Outcome
		code    string
		doing   string
		after   string // what the relay heard after the first envelope, where it offers PIPELINING
	}{
		"taken":                             {map[string]string{}, breach.Accepted, "", "", "DATA message MAIL RCPT DATA message"},
		"answers of several lines":          {map[string]string{"MAIL": "250-one\r\n250 two", "RCPT": "251-a\r\n251 b", "message": "250-x\r\n250 y"}, breach.Accepted, "", "", "DATA message MAIL RCPT DATA message"},
		"nobody by that name":               {map[string]string{"RCPT": "550 no", "DATA": "554 no valid recipients"}, breach.Permanent, "550", "rcpt", "DATA RSET MAIL RCPT DATA RSET"},
		"recipient deferred":                {map[string]string{"RCPT": "451 later", "DATA": "503 need RCPT"}, breach.Temporary, "451", "rcpt", "DATA RSET MAIL RCPT DATA RSET"},
		"sender refused":                    {map[string]string{"MAIL": "550 who?", "RCPT": "503 need MAIL", "DATA": "503 need RCPT"}, breach.Temporary, "550", "mail", "DATA RSET MAIL RCPT DATA RSET"},
		"only DATA refused":                 {map[string]string{"DATA": "554 no"}, breach.Permanent, "554", "data", "DATA RSET MAIL RCPT DATA RSET"},
		"refused, then waits for a message": {map[string]string{"RCPT": "550 no", "DATA": "354 go on"}, breach.Permanent, "550", "rcpt", "DATA cut"},
		"refused, then gone":                {map[string]string{"RCPT": "550 no", "DATA": ""}, breach.Permanent, "550", "rcpt", "DATA cut"},
		"RSET fails after a refusal":        {map[string]string{"RCPT": "550 no", "DATA": "554 no", "RSET": ""}, breach.Permanent, "550", "rcpt", "DATA RSET cut"},
		"gone at RCPT":                      {map[string]string{"RCPT": ""}, breach.Temporary, "", "rcpt", "cut"},
		"no answer of SMTP's":               {map[string]string{"RCPT": "what?"}, breach.Temporary, "", "rcpt", "cut"},
		"message refused":                   {map[string]string{"message": "552 too big"}, breach.Permanent, "552", "send", "DATA message RSET MAIL RCPT DATA message RSET"},
		"gone at the message":               {map[string]string{"message": ""}, breach.Unknown, "", "send", "DATA message cut"},
		"nonsense at the message":           {map[string]string{"message": "ok"}, breach.Unknown, "", "send", "DATA message cut"},
	} {
		for _, pipelining := range []bool{true, false} {
			name, each := rule+", one by one", 1
			answers := map[string]string{}
			for verb, a := range c.answers {
				answers[verb] = a
			}
			if pipelining {
				name, each, answers["EHLO"] = rule+", at once", 3, offered
			}
			t.Run(name, func(t *testing.T) {
				relay := startScripted(t, answers)
				s := newSMTP(t, config(t, relay.Addr().String()))
				for n := range 2 {
					err := send(t, s, n)
					if e, ok := errors.AsType[*notifiers.Error](err); ok {
						if e.Outcome != c.want || e.Code != c.code || e.Doing != c.doing {
							t.Fatalf("mail %d: %v, want %s in %s with code %q", n, err, c.want, c.doing, c.code)
						}
					} else if c.want != breach.Accepted || err != nil {
						t.Fatalf("mail %d: %v, want %s", n, err, c.want)
					}
				}
				heard, reads, calls := relay.saw()
				if slices.ContainsFunc(reads, func(n int) bool { return n > each }) || pipelining && reads[0] != 3 {
					t.Errorf("commands in a packet: %d, want %d", reads, each)
				}
				if !pipelining {
					return
				}
				if cut := strings.HasSuffix(c.after, "cut"); cut != (calls == 2) {
					t.Errorf("%d connections", calls)
				}
				all := strings.Join(heard, " ")
				if want := "EHLO MAIL RCPT " + strings.TrimSuffix(c.after, "cut"); !strings.HasPrefix(all+" ", want) {
					t.Errorf("the relay heard %s, want it to begin with %s", all, want)
				}
				if !strings.Contains(c.after, "message") && strings.Contains(all, "message") {
					t.Errorf("the relay heard a message that it should not: %s", all)
				}
			})
		}
	}
}

// Some relays take a dot after a bare line end for the end of a message, and what follows for commands.
func TestBareLineEndsDoNotLeave(t *testing.T) {
	relay := startScripted(t, map[string]string{"EHLO": offered})
	s := newSMTP(t, config(t, relay.Addr().String()))
	w, err := s.Prepare(notifytest.Message(1, address(1)))
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{"a\n.\r\n", "a\r.\r\n", "a\r\n.\n", "a\n\r.\r\n", "a"} {
		bad := w
		bad.Body = append(slices.Clone(w.Body), end...)
		if _, err := s.Send(t.Context(), bad); notifiers.OutcomeOf(err) != breach.Permanent {
			t.Errorf("%q: %v", end, err)
		}
	}
	if _, err := s.Send(t.Context(), w); err != nil {
		t.Error(err)
	}
	if heard, _, calls := relay.saw(); calls != 1 || strings.Join(heard, " ") != "EHLO MAIL RCPT DATA message" {
		t.Errorf("over %d connections the relay heard %s", calls, heard)
	}
}
