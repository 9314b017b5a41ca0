package activities

import (
	"fmt"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/notifiers"
)

// troubled plays a channel attempt by attempt.
type troubled struct {
	*trouble
	now time.Time
	n   int
}

func newTroubled() *troubled {
	return &troubled{trouble: newTrouble(), now: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)}
}

// attempts makes so many at different deliveries, some time apart, and returns the first finding and at which it came.
func (p *troubled) attempts(times int, apart time.Duration, err error) (finding, int) {
	for i := range times {
		p.n++
		if found := p.heard(breach.DeliveryID(fmt.Sprintf("%032x", p.n)), err, p.now); found != fine {
			return found, i + 1
		}
		p.now = p.now.Add(apart)
	}
	return fine, 0
}

func mailError(doing, code string, o breach.Outcome, against notifiers.Against) error {
	return &notifiers.Error{Channel: breach.Email, Doing: doing, Outcome: o, Code: code, Against: against}
}

func TestWhenAPersonIsAsked(t *testing.T) {
	var (
		password = mailError("authenticate", "535", breach.Temporary, notifiers.Us)
		relaying = mailError("rcpt", "554", breach.Temporary, notifiers.Us)
		spam     = mailError("send", "554", breach.Temporary, notifiers.Policy)
		unknown  = mailError("rcpt", "550", breach.Permanent, "")
		later    = mailError("rcpt", "451", breach.Temporary, "")
		nobody   = mailError("connect", "nobody-listens", breach.Temporary, "")
		doubt    = mailError("send", "", breach.Unknown, "")
	)
	for rule, c := range map[string]struct {
		before error // of one attempt before; nil for a message that was taken
		first  bool  // the channel has taken none before
		err    error
		times  int
		apart  time.Duration
		want   finding
		at     int
	}{
		"a wrong password, for half a minute":       {first: true, err: password, times: 100, apart: time.Second, want: refusesUs, at: 31},
		"one person only, tried again":              {first: true, err: relaying, times: 3, apart: time.Minute, want: refusesUs, at: 2},
		"a moment's trouble of eight lanes":         {err: password, times: 8, apart: time.Second},
		"the first twenty unknown":                  {first: true, err: unknown, times: 100, apart: time.Millisecond, want: refusesAll, at: 20},
		"a hundred unknown later":                   {err: unknown, times: 200, apart: time.Millisecond, want: refusesAll, at: 100},
		"a bad stretch of the list":                 {err: unknown, times: 99, apart: time.Hour},
		"spam from the first, few people":           {first: true, err: spam, times: 5, apart: 20 * time.Second, want: byPolicy, at: 3},
		"spam for the last few of many":             {err: spam, times: 15, apart: time.Minute},
		"spam all of a sudden":                      {err: spam, times: 100, apart: time.Millisecond, want: byPolicy, at: 20},
		"unknown among spam is not about us":        {first: true, before: unknown, err: spam, times: 18, apart: time.Minute},
		"later, to everybody, for half an hour":     {err: later, times: 1000, apart: time.Minute, want: stalled, at: 31},
		"later, to many at once":                    {err: later, times: 1000, apart: time.Second},
		"doubts, one after the other":               {err: doubt, times: 1000, apart: 10 * time.Second, want: noAnswers, at: 8},
		"a flood of doubts":                         {err: doubt, times: 1000, apart: time.Millisecond, want: noAnswers, at: 50},
		"a relay that dies with all its lanes":      {err: doubt, times: 30, apart: time.Millisecond},
		"nobody listens for five minutes":           {err: nobody, times: 100, apart: time.Minute, want: unreachable, at: 6},
		"nobody listens for a moment":               {err: nobody, times: 100, apart: time.Second},
		"an answer between ends the silence before": {before: later, err: nobody, times: 5, apart: time.Minute},
	} {
		t.Run(rule, func(t *testing.T) {
			p := newTroubled()
			if !c.first || c.before != nil {
				p.attempts(1, 0, c.before)
			}
			if found, at := p.attempts(c.times, c.apart, c.err); found != c.want || at != c.at {
				t.Errorf("finding %d at attempt %d, want %d at %d", found, at, c.want, c.at)
			}
		})
	}
}

func TestAMessageThatIsTakenEndsTheTrouble(t *testing.T) {
	p := newTroubled()
	for range 50 {
		for _, err := range []error{mailError("rcpt", "550", breach.Permanent, ""), mailError("mail", "550", breach.Temporary, notifiers.Us)} {
			if found, _ := p.attempts(10, time.Second, err); found != fine {
				t.Fatalf("finding %d although messages are taken between", found)
			}
		}
		p.attempts(1, time.Minute, nil)
	}
	if e := (&notifiers.Error{Doing: "connect", Against: notifiers.Us}); p.againstUs(e) {
		t.Error("what was mended is still held against the channel")
	}
}

// A list that is as bad as that halts once; whoever lets it go on has seen it. What is against us halts until it is mended.
func TestWhoLetsItGoOnIsNotAskedAtOnceAgain(t *testing.T) {
	p := newTroubled()
	unknown := mailError("rcpt", "550", breach.Permanent, "")
	if found, at := p.attempts(1000, 0, unknown); found != refusesAll || at != 20 {
		t.Fatalf("finding %d at %d", found, at)
	}
	if found, at := p.attempts(1000, 0, unknown); found != refusesAll || at != 100 {
		t.Errorf("again at %d with finding %d, want at 100", at, found)
	}
	password := mailError("authenticate", "535", breach.Temporary, notifiers.Us)
	p.attempts(100, time.Second, password)
	for range 2 * usBelieved {
		p.halted(refusesUs)
		if found, at := p.attempts(1, 0, password); found != refusesUs || at != 1 {
			t.Fatal("a password that was not mended is tried on and on")
		}
	}
	// Where a relay passes on what a few recipients' own servers say, nothing can be mended; who says so three times is believed.
	relaying := mailError("rcpt", "550", breach.Temporary, notifiers.Us)
	if found, _ := p.attempts(1, 0, relaying); found != fine || p.againstUs(&notifiers.Error{Doing: "rcpt", Against: notifiers.Us}) {
		t.Error("the last few recipients of a campaign keep it from ending")
	}
}

// Nobody is given up because of what is wrong with us, or because nobody answers.
func TestOurFaultsExhaustNobody(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	s := sendingAt(&now)
	w := store.Work{To: "a@example.net", Tries: 5, ClaimedAt: now}
	relaying := mailError("rcpt", "554", breach.Temporary, notifiers.Us)
	if !s.exhausted(w, relaying) {
		t.Error("one message among others that are taken is tried for ever")
	}
	for range 2 {
		s.troubleOf(breach.Email).heard("x", relaying, now)
	}
	nobody := mailError("connect", "", breach.Temporary, "")
	if s.exhausted(w, relaying) || s.exhausted(w, nobody) {
		t.Error("a small audience is given up after a few tries")
	}
	now = now.Add(48 * time.Hour)
	if s.exhausted(w, relaying) {
		t.Error("what is wrong with us is held against a person")
	}
	if !s.exhausted(w, nobody) {
		t.Error("where nobody answers for longer than the window, people never go on to their next channel")
	}
}
