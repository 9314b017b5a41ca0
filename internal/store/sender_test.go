package store_test

import (
	"testing"
	"time"
)

func TestSendersCountThoseWhoWereSeen(t *testing.T) {
	s, ctx := open(t), t.Context()
	count := func(id string, within time.Duration, want int) {
		t.Helper()
		if n, err := s.Senders(ctx, id, within); err != nil || n != want {
			t.Errorf("%s counts %d senders, %v; want %d", id, n, err, want)
		}
	}
	count("a", time.Hour, 1)
	count("b", time.Hour, 2)
	count("a", time.Hour, 2)
	count("a", time.Nanosecond, 1) // b was not seen lately
	if err := s.RemoveSender(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	count("a", time.Hour, 1)
}
