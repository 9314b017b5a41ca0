package bounce_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"tocsin/internal/bounce"
	"tocsin/internal/breach"
)

const (
	goodToken = "00112233445566778899aabbccddeeff.abcdefghijklmnop"
	canary    = "wang.example@example.net" // who bounces, in the samples
)

// shelf keeps what came, or fails as told.
type shelf struct {
	mu   sync.Mutex
	fail error
	kept []bounce.Returned
}

// Take keeps a mail.
func (s *shelf) Take(_ context.Context, r bounce.Returned) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.kept = append(s.kept, r)
	return nil
}

func (s *shelf) all() []bounce.Returned {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept
}

type running struct {
	*shelf
	addr string
	logs *bytes.Buffer
	lmtp bool
}

func serve(t *testing.T, change func(*bounce.Options)) *running {
	t.Helper()
	address, err := bounce.ParseAddress("bounce+{id}@bounces.example.com")
	if err != nil {
		t.Fatal(err)
	}
	r := &running{shelf: &shelf{}, logs: &bytes.Buffer{}}
	o := bounce.Options{
		Protocol: bounce.SMTP, Hello: "bounces.example.com", Address: address, MaxBytes: 64 << 10, MaxConnections: 10, MaxPerAddress: 10,
		Check: func(token string) (breach.DeliveryID, bool) { return sampleID, token == goodToken },
		Sink:  r.shelf, Log: slog.New(slog.NewTextHandler(r.logs, nil)),
	}
	if change != nil {
		change(&o)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- bounce.NewServer(o).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if text := r.logs.String(); strings.Contains(text, canary) {
			t.Errorf("the log names a person: %s", text)
		}
	})
	r.addr, r.lmtp = l.Addr().String(), o.Protocol == bounce.LMTP
	return r
}

func (r *running) dial(t *testing.T) *smtp.Client {
	t.Helper()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	if r.lmtp {
		return smtp.NewClientLMTP(conn)
	}
	return smtp.NewClient(conn)
}

// send hands a mail over and returns the code of the first refusal, 250 for none.
func (r *running) send(t *testing.T, raw []byte, to ...string) int {
	t.Helper()
	c := r.dial(t)
	defer func() { _ = c.Close() }()
	return code(func() error {
		if err := c.Mail("", nil); err != nil {
			return err
		}
		for _, rcpt := range to {
			if err := c.Rcpt(rcpt, nil); err != nil {
				return err
			}
		}
		w, err := c.Data()
		if err != nil {
			return err
		}
		if _, err := w.Write(raw); err != nil {
			return err
		}
		return w.Close()
	}())
}

func code(err error) int {
	if err == nil {
		return 250
	}
	if e, ok := errors.AsType[*smtp.SMTPError](err); ok {
		return e.Code
	}
	if many, ok := errors.AsType[smtp.LMTPDataError](err); ok {
		for _, e := range many {
			return e.Code
		}
	}
	return 0
}

func TestWhatIsTakenAndWhatIsRefused(t *testing.T) {
	const plain, verp = "bounce@bounces.example.com", "bounce+" + goodToken + "@bounces.example.com"
	for _, protocol := range []bounce.Protocol{bounce.SMTP, bounce.LMTP} {
		for rule, c := range map[string]struct {
			to, sample string
			fail       error
			want       int
			how        string
		}{
			"by its address":                 {verp, "postfix_unknown_user", nil, 250, "address"},
			"in capitals":                    {strings.ToUpper(verp), "postfix_unknown_user", nil, 250, "address"},
			"a plain bounce by its address":  {verp, "plain_by_null_sender_without_code", nil, 250, "address"},
			"by the returned address":        {plain, "postfix_unknown_user", nil, 250, "returned address"},
			"by the Message-ID":              {plain, "message_id_only", nil, 250, "message id"},
			"nothing tells the delivery":     {plain, "no_returned_headers", nil, 550, ""},
			"forged":                         {"bounce+" + strings.Replace(goodToken, "0", "1", 1) + "@bounces.example.com", "postfix_unknown_user", nil, 550, ""},
			"an id without its MAC":          {"bounce+00112233445566778899aabbccddeeff@bounces.example.com", "postfix_unknown_user", nil, 550, ""},
			"unknown":                        {"postmaster@bounces.example.com", "postfix_unknown_user", nil, 550, ""},
			"another domain":                 {strings.Replace(verp, "bounces.", "other.", 1), "postfix_unknown_user", nil, 550, ""},
			"the delivery is gone":           {verp, "postfix_unknown_user", bounce.ErrNoDelivery, 550, ""},
			"it cannot be kept: later again": {verp, "postfix_unknown_user", errors.New("the database is away"), 451, ""},
		} {
			t.Run(string(protocol)+"/"+rule, func(t *testing.T) {
				s := serve(t, func(o *bounce.Options) { o.Protocol = protocol })
				s.fail = c.fail
				raw := sample(t, c.sample)
				if got := s.send(t, raw, c.to); got != c.want {
					t.Fatalf("the answer was %d, want %d", got, c.want)
				}
				kept := s.all()
				if (c.want == 250) != (len(kept) == 1) {
					t.Fatalf("%d mails were kept after %d", len(kept), c.want)
				}
				if c.want == 250 && (kept[0].Delivery != sampleID || kept[0].How != c.how || !bytes.Equal(bytes.TrimRight(kept[0].Raw, "\r\n"), bytes.TrimRight(raw, "\r\n"))) {
					t.Errorf("kept %s by %s, %d bytes", kept[0].Delivery, kept[0].How, len(kept[0].Raw))
				}
			})
		}
	}
}

func TestNothingIsSaidOfWhatAddressesThereAre(t *testing.T) {
	s := serve(t, nil)
	c := s.dial(t)
	defer func() { _ = c.Close() }()
	if err := c.Mail("", nil); err != nil {
		t.Fatal(err)
	}
	var answers []string
	for _, to := range []string{"nobody@bounces.example.com", "bounce+00112233445566778899aabbccddeeff.aaaaaaaaaaaaaaaa@bounces.example.com"} {
		answers = append(answers, c.Rcpt(to, nil).Error())
	}
	if answers[0] != answers[1] || !strings.Contains(answers[0], "no such address") {
		t.Errorf("the answers differ: %q", answers)
	}
}

func TestLimits(t *testing.T) {
	verp := "bounce+" + goodToken + "@bounces.example.com"
	t.Run("size", func(t *testing.T) {
		s := serve(t, func(o *bounce.Options) { o.MaxBytes = 4096 })
		if got := s.send(t, bytes.Repeat([]byte("0123456789\r\n"), 4096), verp); got != 552 {
			t.Errorf("the answer was %d", got)
		}
	})
	t.Run("rate", func(t *testing.T) {
		s := serve(t, func(o *bounce.Options) { o.PerSecond = 1e-3 })
		raw := sample(t, "postfix_unknown_user")
		if first, second := s.send(t, raw, verp), s.send(t, raw, verp); first != 250 || second != 451 {
			t.Errorf("the answers were %d and %d", first, second)
		}
	})
	t.Run("connections", func(t *testing.T) {
		s := serve(t, func(o *bounce.Options) { o.MaxPerAddress = 1 })
		first := s.dial(t)
		if err := first.Hello("a.example.net"); err != nil {
			t.Fatal(err)
		}
		second, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(second)
		if err != nil || !strings.HasPrefix(string(answer), "421 ") {
			t.Errorf("the second heard %q, %v", answer, err)
		}
		if err := first.Quit(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(10 * time.Second); ; { // the server frees the place when it has read the end
			if s.send(t, sample(t, "postfix_unknown_user"), verp) == 250 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the first connection's place was not freed")
			}
		}
	})
	t.Run("unknown addresses", func(t *testing.T) {
		s := serve(t, nil)
		c := s.dial(t)
		if err := c.Mail("", nil); err != nil {
			t.Fatal(err)
		}
		var last int
		for range 5 {
			last = code(c.Rcpt("nobody@bounces.example.com", nil))
		}
		if last != 421 {
			t.Errorf("the fifth answer was %d", last)
		}
	})
}

// blocked is a sink that waits.
type blocked struct{ entered, goOn chan struct{} }

// Take waits until it may go on.
func (b blocked) Take(context.Context, bounce.Returned) error {
	close(b.entered)
	<-b.goOn
	return nil
}

func TestNoYesBeforeItIsKept(t *testing.T) {
	sink := blocked{make(chan struct{}), make(chan struct{})}
	s := serve(t, func(o *bounce.Options) { o.Sink = sink })
	answered := make(chan int, 1)
	raw := sample(t, "postfix_unknown_user")
	go func() { answered <- s.send(t, raw, "bounce+"+goodToken+"@bounces.example.com") }()
	<-sink.entered
	select {
	case got := <-answered:
		t.Fatalf("%d came before the mail was kept", got)
	default:
	}
	close(sink.goOn)
	if got := <-answered; got != 250 {
		t.Errorf("the answer was %d", got)
	}
}

func TestParseAddress(t *testing.T) {
	for in, ok := range map[string]bool{
		"bounce+{id}@bounces.example.com": true, "b-{id}@example.com": true, "n.{id}.x@example.com": true,
		"bounce@example.com": false, "{id}@example.com": false, "bounce{id}@example.com": false, "bounce+{id}": false, "": false,
		"a.long.name.of.ours+{id}@example.com": false, "b+{id}{id}@example.com": false, "b +{id}@example.com": false, "b+{id}@": false,
	} {
		a, err := bounce.ParseAddress(in)
		if (err == nil) != ok {
			t.Errorf("%q: %v", in, err)
		}
		if err != nil {
			continue
		}
		if token, known := a.TokenOf("<" + strings.Replace(in, bounce.Mark, goodToken, 1) + ">"); !known || token != goodToken {
			t.Errorf("%q does not find its token again: %q", in, token)
		}
		if token, known := a.TokenOf(a.Plain()); !known || token != "" {
			t.Errorf("%q does not know its plain form", in)
		}
	}
}
