package inbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Action is what a fault does.
type Action string

// The ways to misbehave.
const (
	Refuse Action = "refuse" // a permanent no: 5xx, a code that says the recipient is invalid
	Defer  Action = "defer"  // not now: 4xx, throttled
	Drop   Action = "drop"   // stored, then the connection is cut before the answer
	Hold   Action = "hold"   // stored, then the answer waits for [Inbox.Release]
	Cut    Action = "cut"    // the connection is cut and nothing is stored
)

// Phase is where in a conversation a fault strikes.
type Phase string

// The phases of SMTP. HTTP requests know only AtRequest.
const (
	AtBanner  Phase = "banner"
	AtMail    Phase = "mail"
	AtRcpt    Phase = "rcpt"
	AtData    Phase = "data" // instead of the 354; without TLS only
	AtBody    Phase = "body" // in the middle of the message
	AtDot     Phase = "dot"  // the whole message has come, the answer has not gone
	AtRequest Phase = "request"
)

// Fault is one rule. The first rule that matches and is not used up wins.
type Fault struct {
	Channel string `json:"channel,omitempty"` // empty for every channel
	To      string `json:"to"`                // an address, or a pattern in which * stands for anything: "*@example.com", "+86139*"
	Do      Action `json:"do"`
	At      Phase  `json:"at,omitempty"`    // for mail; by default dot to drop and hold, rcpt otherwise
	Times   int    `json:"times,omitempty"` // so many times, then no more; zero for ever
	Code    string `json:"code,omitempty"`  // the answer's code: "550", "isv.MOBILE_NUMBER_ILLEGAL", "10005", or an HTTP status
}

// Check says what is wrong with the rule.
func (f Fault) Check() error {
	var errs []error
	if f.Channel != "" && !slices.Contains(Channels(), f.Channel) {
		errs = append(errs, fmt.Errorf("channel %q: give one of %s, or leave it out", f.Channel, strings.Join(Channels(), ", ")))
	}
	if f.To == "" {
		errs = append(errs, errors.New(`to is empty: give an address, or "*" for everyone`))
	}
	if f.Times < 0 {
		errs = append(errs, fmt.Errorf("times is %d: give a count, or 0 for ever", f.Times))
	}
	allowed, ok := map[Action][]Phase{
		Refuse: {"", AtBanner, AtMail, AtRcpt, AtDot, AtRequest},
		Defer:  {"", AtBanner, AtMail, AtRcpt, AtDot, AtRequest},
		Drop:   {"", AtDot, AtRequest},
		Hold:   {"", AtDot, AtRequest},
		Cut:    {"", AtBanner, AtMail, AtRcpt, AtData, AtBody, AtDot, AtRequest},
	}[f.Do]
	if !ok {
		errs = append(errs, fmt.Errorf("do %q: give refuse, defer, drop, hold or cut", f.Do))
	} else if !slices.Contains(allowed, f.At) {
		errs = append(errs, fmt.Errorf("%s cannot happen at %q", f.Do, f.At))
	}
	if (f.At == AtBanner || f.At == AtMail) && f.To != "*" {
		errs = append(errs, fmt.Errorf(`at %s no recipient is known yet: "to" must be "*"`, f.At))
	}
	return errors.Join(errs...)
}

func (f Fault) phase(channel string) Phase {
	if channel != ChannelEmail {
		return AtRequest
	}
	if f.At != "" {
		return f.At
	}
	switch f.Do {
	case Drop, Hold:
		return AtDot
	default:
		return AtRcpt
	}
}

func (f Fault) matches(channel string, at Phase, to string) bool {
	return (f.Channel == "" || f.Channel == channel) && f.phase(channel) == at && glob(f.To, to)
}

// glob matches s against a pattern in which * stands for any run of characters. Letter case does not matter.
func glob(pattern, s string) bool {
	pattern, s = strings.ToLower(pattern), strings.ToLower(s)
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return strings.HasSuffix(s, parts[len(parts)-1])
}

// faults holds the rules and those who wait.
type faults struct {
	mu      sync.Mutex
	rules   []Fault
	used    []int
	held    int
	release chan struct{} // closed by Release
	changed chan struct{} // closed whenever held changes
}

func newFaults() *faults {
	return &faults{release: make(chan struct{}), changed: make(chan struct{})}
}

// SetFaults replaces every rule; without any, the inbox behaves. The error names each bad rule by its place, and then none
// is taken.
func (in *Inbox) SetFaults(rules ...Fault) error {
	var errs []error
	for i, r := range rules {
		if err := r.Check(); err != nil {
			errs = append(errs, fmt.Errorf("fault %d: %w", i+1, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	in.faults.mu.Lock()
	defer in.faults.mu.Unlock()
	in.faults.rules, in.faults.used = slices.Clone(rules), make([]int, len(rules))
	return nil
}

// Faults returns the rules in force.
func (in *Inbox) Faults() []Fault {
	in.faults.mu.Lock()
	defer in.faults.mu.Unlock()
	return slices.Clone(in.faults.rules)
}

// Release lets every held answer go.
func (in *Inbox) Release() {
	f := in.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.release)
	f.release = make(chan struct{})
}

// AwaitHeld returns when at least n answers are being held, or when ctx ends.
func (in *Inbox) AwaitHeld(ctx context.Context, n int) error {
	for {
		in.faults.mu.Lock()
		held, changed := in.faults.held, in.faults.changed
		in.faults.mu.Unlock()
		if held >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// take uses up one turn of the first rule that matches.
func (f *faults) take(channel string, at Phase, to string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, r := range f.rules {
		if r.Times > 0 && f.used[i] >= r.Times || !r.matches(channel, at, to) {
			continue
		}
		f.used[i]++
		return r, true
	}
	return Fault{}, false
}

// peek returns the rule that take would use up.
func (f *faults) peek(channel string, at Phase, to string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, r := range f.rules {
		if (r.Times == 0 || f.used[i] < r.Times) && r.matches(channel, at, to) {
			return r, true
		}
	}
	return Fault{}, false
}

// wait holds the caller until Release or until one of the contexts ends.
func (f *faults) wait(a, b context.Context) {
	f.mu.Lock()
	release := f.release
	f.shift(1)
	f.mu.Unlock()
	select {
	case <-release:
	case <-a.Done():
	case <-b.Done():
	}
	f.mu.Lock()
	f.shift(-1)
	f.mu.Unlock()
}

func (f *faults) shift(by int) {
	f.held += by
	close(f.changed)
	f.changed = make(chan struct{})
}

// note counts a refusal under its kind.
func (in *Inbox) note(channel string, do Action) {
	in.box.note(channel, func(c *Counts) {
		switch do {
		case Refuse:
			c.Refused++
		case Defer:
			c.Deferred++
		case Cut:
			c.Cut++
		case Drop, Hold: // the message itself is counted
		}
	})
}

// cut ends an HTTP connection without an answer.
func cut() { panic(http.ErrAbortHandler) }
