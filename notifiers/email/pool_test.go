package email_test

import (
	"errors"
	"sync"
	"testing"

	"tocsin/notifiers"
	"tocsin/notifiers/notifytest"
)

// A relay lets in fewer connections than we would like: mails wait for one of those that are open, and hardly any is tried in
// vain.
func TestARelayThatLetsInFewConnections(t *testing.T) {
	const lanes, each, most = 8, 25, 3
	relay := startScripted(t, map[string]string{"EHLO": offered})
	relay.note(func() { relay.most = most })
	s := newSMTP(t, config(t, relay.Addr().String()))
	var all sync.WaitGroup
	for lane := range lanes {
		all.Go(func() {
			for i := range each {
				if err := send(t, s, lane*each+i); err != nil {
					t.Errorf("mail %d: %v", lane*each+i, err)
				}
			}
		})
	}
	all.Wait()
	relay.note(func() {
		messages := 0
		for _, verb := range relay.heard {
			if verb == "message" {
				messages++
			}
		}
		if messages != lanes*each || relay.over > lanes {
			t.Errorf("%d messages of %d, and %d connections were turned away", messages, lanes*each, relay.over)
		}
	})
}

func TestARelayThatLetsNobodyIn(t *testing.T) {
	const lanes = 8
	relay := startScripted(t, nil)
	relay.note(func() { relay.most = -1 })
	s := newSMTP(t, config(t, relay.Addr().String()))
	var all sync.WaitGroup
	for lane := range lanes {
		all.Go(func() {
			for range 5 {
				w, err := s.Prepare(notifytest.Message(lane, address(lane)))
				if err == nil {
					_, err = s.Send(t.Context(), w)
				}
				if e, ok := errors.AsType[*notifiers.Error](err); !ok || e.Doing != "connect" || e.Code != "421" {
					t.Errorf("got %v, want 421 in connect", err)
				}
			}
		})
	}
	all.Wait()
}

// Connections that are cut while others wait for them make room for new ones.
func TestConnectionsThatEndMakeRoom(t *testing.T) {
	const lanes = 6
	relay := startScripted(t, map[string]string{"message": ""})
	relay.note(func() { relay.most = 2 })
	s := newSMTP(t, config(t, relay.Addr().String()))
	var all sync.WaitGroup
	for lane := range lanes {
		all.Go(func() {
			for n := range 5 {
				if err := send(t, s, lane*10+n); err == nil {
					t.Error("a cut connection counts as acceptance")
				}
			}
		})
	}
	all.Wait()
}
