package activities

import (
	"reflect"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/notifiers"
)

func sendingAt(now *time.Time) *sending {
	s := &Sender{
		Now: func() time.Time { return *now }, Channels: map[breach.Channel]Outlet{breach.Email: {}},
		Policy: SendPolicy{MaxTries: 3, RetryWindow: time.Hour},
	}
	return &sending{Sender: s, channel: breach.Email, held: map[string]time.Time{"held.example": now.Add(30 * time.Minute)}}
}

func TestWhoMayNotBeWrittenToNow(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	s := sendingAt(&now)
	for rule, c := range map[string]struct {
		w    store.Work
		want *store.Result
	}{
		"a held domain":             {store.Work{Contact: 1, To: "a@Held.example", State: breach.DeliveryClaimed}, &store.Result{Contact: 1, State: breach.DeliveryTemporary, Code: "held", Again: 30 * time.Minute}},
		"a doubt there stays one":   {store.Work{Contact: 2, To: "b@held.example", State: breach.DeliveryInDoubt}, &store.Result{Contact: 2, State: breach.DeliveryInDoubt, Code: "held", Again: 30 * time.Minute}},
		"another domain":            {store.Work{Contact: 3, To: "c@example.net", State: breach.DeliveryClaimed}, nil},
		"a domain with a like name": {store.Work{Contact: 4, To: "d@not.held.example", State: breach.DeliveryClaimed}, nil},
	} {
		t.Run(rule, func(t *testing.T) {
			got := s.putOff(c.w)
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
	now = now.Add(time.Hour)
	if off := s.putOff(store.Work{To: "a@held.example"}); off != nil {
		t.Errorf("after its time: %+v", off)
	}
}

// What a storm refuses does not use up a message's tries, for as long as the window is.
func TestAStormExhaustsNobody(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	s := sendingAt(&now)
	later := &notifiers.Error{Channel: breach.Email, Doing: "rcpt", Outcome: breach.Temporary, Code: "451"}
	w := store.Work{To: "a@example.net", Tries: 5, ClaimedAt: now}
	if !s.exhausted(w, later) {
		t.Error("in quiet times a message is tried for ever")
	}
	for range 5 {
		s.learn(w, later)
	}
	if s.exhausted(w, later) {
		t.Error("a storm used up its tries")
	}
	if other := (store.Work{To: "b@example.org", Tries: 5, ClaimedAt: now}); !s.exhausted(other, later) {
		t.Error("another domain's storm keeps a message")
	}
	now = now.Add(2 * time.Hour)
	for range 5 {
		s.learn(w, later)
	}
	if !s.exhausted(w, later) {
		t.Error("the window has no end")
	}
}

func TestAnAnswerThatDidNotComeSlowsNothing(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	s := sendingAt(&now)
	w := store.Work{To: "a@example.net", State: breach.DeliveryClaimed}
	for range 20 {
		s.learn(w, &notifiers.Error{Channel: breach.Email, Doing: "send", Outcome: breach.Unknown})
	}
	if off := s.putOff(w); off != nil {
		t.Errorf("put off: %+v", off)
	}
	for range 20 {
		s.learn(w, &notifiers.Error{Channel: breach.Email, Doing: "connect", Outcome: breach.Temporary})
	}
	if off := s.putOff(store.Work{To: "b@example.org", State: breach.DeliveryClaimed}); off == nil || off.Code != "paced" {
		t.Errorf("a relay that lets nobody in is not slowed: %+v", off)
	}
}
