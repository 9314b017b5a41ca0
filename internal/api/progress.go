package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// NoticeStatus is where a campaign stands, and whether it will be in time.
type NoticeStatus struct {
	store.Progress
	People breach.Tally `json:"people"` // of the whole incident
	Clock  *NoticeClock `json:"clock,omitempty"`
}

// NoticeClock sets the nearest deadline for telling people against the rate.
type NoticeClock struct {
	Key      string      `json:"key"` // the obligation's
	Title    breach.Text `json:"title"`
	DueAt    time.Time   `json:"due_at"`
	Hard     bool        `json:"hard"`              // the law gives the number; else it is our own policy
	DoneAt   *time.Time  `json:"done_at,omitempty"` // when the last recipient is told at the rate of now; nil where nothing moves
	WillMeet *bool       `json:"will_meet,omitempty"`
}

func campaignProgress(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	n, err := parseN(c.r.PathValue("n"))
	if err != nil {
		return err
	}
	ctx := c.r.Context()
	var out NoticeStatus
	if out.Progress, err = s.store.Progress(ctx, id, n); errors.Is(err, store.ErrNotFound) {
		return s.noSuchNotice(ctx, id, n)
	}
	if err != nil {
		return err
	}
	if out.People, err = s.tallies.of(ctx, id); err != nil {
		return err
	}
	if out.Supplements == nil { // a supplement meets no duty
		if out.Clock, err = s.noticeClock(ctx, id, out.Progress); err != nil {
			return err
		}
	}
	return c.reply(http.StatusOK, out)
}

// noSuchNotice says why there is no n-th notice: most often it is too early for one.
func (s *server) noSuchNotice(ctx context.Context, id breach.IncidentID, n int) error {
	if _, err := s.store.Incident(ctx, id); err != nil {
		return err
	}
	notices, err := s.store.Campaigns(ctx, id)
	switch {
	case err != nil:
		return err
	case len(notices) == 0:
		return notFound(fmt.Sprintf("%s has no notice to people yet.", id),
			fmt.Sprintf("One is drafted by itself once the law asks for it (tocsin obligations %[1]s) and a file of people is read (tocsin people import %[1]s FILE).", id))
	default:
		return notFound(fmt.Sprintf("%s has no notice %d.", id, n), fmt.Sprintf("tocsin notice list %s shows its notices.", id))
	}
}

// noticeClock finds the duty to tell people that is due first and still open.
func (s *server) noticeClock(ctx context.Context, id breach.IncidentID, p store.Progress) (*NoticeClock, error) {
	obligations, err := s.store.Obligations(ctx, id)
	if err != nil {
		return nil, err
	}
	var clock *NoticeClock
	for _, o := range obligations {
		if o.Duty != breach.DutyNotice || o.Owed == breach.NotOwed || o.MetAt != nil {
			continue
		}
		for _, due := range []struct {
			at   *time.Time
			hard bool
		}{{o.DueAt, true}, {o.PolicyAt, false}} {
			if due.at != nil && (clock == nil || due.hard && !clock.Hard || due.hard == clock.Hard && due.at.Before(clock.DueAt)) {
				clock = &NoticeClock{Key: o.Key, Title: o.Result.Title, DueAt: *due.at, Hard: due.hard}
			}
		}
	}
	if clock == nil || p.FrozenAt == nil {
		return clock, nil
	}
	done := p.Now
	switch {
	case p.Open > 0 && p.PerMinute <= 0:
		return clock, nil
	case p.Open > 0:
		done = p.Now.Add(time.Duration(float64(p.Open) / p.PerMinute * float64(time.Minute)))
	case p.FinishedAt != nil:
		done = *p.FinishedAt
	}
	meets := !done.After(clock.DueAt)
	clock.DoneAt, clock.WillMeet = &done, &meets
	return clock, nil
}
