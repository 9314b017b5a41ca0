package activities

import (
	"context"
	"time"

	"tocsin/internal/breach"
)

// Quiet keeps a channel silent between two times of day.
type Quiet struct {
	Channel  breach.Channel
	From, To time.Duration // since midnight; a From after To runs over midnight
	Zone     *time.Location
	// OverrideBefore lets the channel speak all the same when the law's time to tell people ends within so long; zero never.
	OverrideBefore time.Duration
}

// until returns when the silence that holds at now ends; false where none holds.
func (q Quiet) until(now time.Time) (time.Time, bool) {
	local := now.In(q.Zone)
	for _, day := range []int{-1, 0} { // the silence may have begun yesterday
		begin := clock(local, day, q.From)
		end := clock(local, day, q.To)
		if !begin.Before(end) {
			end = clock(local, day+1, q.To)
		}
		if !now.Before(begin) && now.Before(end) {
			return end.UTC(), true
		}
	}
	return time.Time{}, false
}

// clock is a time of day, days after a day, by the clock on the wall.
func clock(day time.Time, days int, at time.Duration) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day()+days, int(at/time.Hour), int(at%time.Hour/time.Minute), 0, 0, day.Location())
}

// silent reports until when the channel may not speak; nil where it may.
func (s *sending) silent(ctx context.Context) (*time.Time, error) {
	now := s.Now()
	for _, q := range s.Quiet {
		end, quiet := q.until(now)
		if q.Channel != s.channel || !quiet {
			continue
		}
		if q.OverrideBefore > 0 {
			due, err := s.Store.NoticeDue(ctx, s.lease.Incident)
			if err != nil {
				return nil, err
			}
			if due != nil && due.Sub(now) <= q.OverrideBefore {
				continue
			}
		}
		return &end, nil
	}
	return nil, nil
}

// keepSilent notes until when somebody waits for the channel; true says that it may not speak now.
func (s *sending) keepSilent(ctx context.Context) (bool, error) {
	until, err := s.silent(ctx)
	if err != nil || until == nil {
		return false, err
	}
	wanted, err := s.Store.Wanted(ctx, s.lease, s.channel)
	if err == nil && wanted {
		s.result.QuietUntil = until
	}
	return true, err
}
