package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// NoticeWordsRevision is what our people wrote for an incident's notices, and when.
type NoticeWordsRevision struct {
	Rev    int                `json:"rev" db:"rev"` // 0: nobody wrote anything yet
	Words  breach.NoticeWords `json:"words" db:"content"`
	Author breach.Person      `json:"author,omitempty" db:"author"`
	Why    string             `json:"why,omitempty" db:"why"`
	At     *time.Time         `json:"at,omitempty" db:"at"`
}

const newestWords = `select w.rev, w.content, w.author, w.why, w.at from notice_words w join incident i on i.no = w.incident_no
	where i.id = $1 order by w.rev desc limit 1`

// NoticeWords returns the newest words for an incident's notices; a zero revision where there are none.
func (s *Store) NoticeWords(ctx context.Context, id breach.IncidentID) (NoticeWordsRevision, error) {
	if _, err := incidentNumber(ctx, s.pool, id); err != nil {
		return NoticeWordsRevision{}, wrap("read notice words", err)
	}
	w, err := one[NoticeWordsRevision](ctx, s.pool, newestWords, id)
	if errors.Is(err, ErrNotFound) || errors.Is(err, pgx.ErrNoRows) {
		return NoticeWordsRevision{}, nil
	}
	return w, wrap("read notice words", err)
}

// NoticeWordsSince returns the words as they were when a revision of the facts was made, and the newest; each has a zero
// revision where there were none.
func (s *Store) NoticeWordsSince(ctx context.Context, id breach.IncidentID, factsRev int) (then, now NoticeWordsRevision, err error) {
	if now, err = s.NoticeWords(ctx, id); err != nil || now.Rev == 0 {
		return then, now, err
	}
	then, err = one[NoticeWordsRevision](ctx, s.pool, `
		select w.rev, w.content, w.author, w.why, w.at from notice_words w join incident i on i.no = w.incident_no
		join fact_revision f on f.incident_no = i.no and f.rev = $2 and w.at <= f.at where i.id = $1 order by w.rev desc limit 1`, id, factsRev)
	if errors.Is(err, ErrNotFound) || errors.Is(err, pgx.ErrNoRows) {
		return NoticeWordsRevision{}, now, nil
	}
	return then, now, wrap("read notice words", err)
}

// WriteNoticeWords keeps new words. A notice that nobody sent yet is drafted anew from them: they make a revision of the
// facts whose author is who wrote them, so that another person approves.
func (s *Store) WriteNoticeWords(ctx context.Context, id breach.IncidentID, words breach.NoticeWords, by breach.Person, why string) (NoticeWordsRevision, error) {
	out := NoticeWordsRevision{Words: words, Author: by, Why: why}
	err := s.tx(ctx, "write notice words", func(tx pgx.Tx) error {
		no, err := lockIncident(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `
			insert into notice_words (incident_no, rev, content, author, why)
			select $1, coalesce(max(rev), 0) + 1, $2, $3, $4 from notice_words where incident_no = $1 returning rev, at`, no, words, by, why).Scan(&out.Rev, &out.At); err != nil {
			return err
		}
		if err := note(ctx, tx, no, by, "notice.words", "", Detail{"rev": out.Rev}); err != nil {
			return err
		}
		var facts breach.Facts
		if err := tx.QueryRow(ctx, `select facts from fact_revision where incident_no = $1 order by rev desc limit 1`, no).Scan(&facts); err != nil {
			return err
		}
		rev, err := reviseFacts(ctx, tx, no, facts, nil, by, why)
		if err != nil {
			return err
		}
		return post(ctx, tx, no, FactsAmended, "", "rev", FactsRev{Rev: rev.Rev})
	})
	return out, err
}
