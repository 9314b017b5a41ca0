package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/audit"
	"tocsin/internal/breach"
)

// Detail is what a journal entry tells beside actor, action and subject: ids, counts and hashes, never personal data.
type Detail map[string]any

// note appends to an incident's chain (0: the house's own) within the transaction of the change.
func note(ctx context.Context, tx pgx.Tx, incidentNo int64, actor breach.Person, action, subject string, detail Detail) error {
	if _, err := tx.Exec(ctx, `insert into journal_head (incident_no, seq, hash) values ($1, 0, '') on conflict do nothing`, incidentNo); err != nil {
		return err
	}
	var (
		prev []byte
		e    = audit.Entry{Actor: string(actor), Action: action, Incident: incidentNo, Subject: subject}
		err  error
	)
	if e.Detail, err = json.Marshal(detail); err != nil {
		return err
	}
	err = tx.QueryRow(ctx, `select seq + 1, hash, date_trunc('milliseconds', clock_timestamp()) from journal_head where incident_no = $1 for update`, incidentNo).
		Scan(&e.Seq, &prev, &e.At)
	if err != nil {
		return err
	}
	hash := audit.Next(prev, e)
	if _, err = tx.Exec(ctx, `insert into journal (incident_no, seq, at, actor, action, subject, detail, hash) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		incidentNo, e.Seq, e.At, e.Actor, e.Action, e.Subject, e.Detail, hash); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update journal_head set seq = $2, hash = $3 where incident_no = $1`, incidentNo, e.Seq, hash)
	return err
}

// Note appends an entry that tells of no change: a refused attempt, a look at personal data.
func (s *Store) Note(ctx context.Context, id breach.IncidentID, actor breach.Person, action, subject string, detail Detail) error {
	return s.tx(ctx, "write journal", func(tx pgx.Tx) error {
		no := int64(0)
		if id != "" {
			var err error
			if no, err = incidentNumber(ctx, tx, id); err != nil {
				return err
			}
		}
		return note(ctx, tx, no, actor, action, subject, detail)
	})
}

// JournalEntry is one line of the journal.
type JournalEntry struct {
	Seq     int64           `json:"seq"`
	At      time.Time       `json:"at"`
	Actor   string          `json:"actor"`
	Action  string          `json:"action"`
	Subject string          `json:"subject"`
	Detail  json.RawMessage `json:"detail"`
}

// Journal returns an incident's entries after seq, oldest first, at most limit.
func (s *Store) Journal(ctx context.Context, id breach.IncidentID, after int64, limit int) ([]JournalEntry, error) {
	entries, err := list[JournalEntry](ctx, s.pool, `
		select j.seq, j.at, j.actor, j.action, j.subject, j.detail
		from journal j join incident i on i.no = j.incident_no
		where i.id = $1 and j.seq > $2 order by j.seq limit $3`, id, after, limit)
	return entries, wrap("read journal", err)
}

// VerifyJournal recomputes an incident's chain and compares it with its head. The error names the first entry that does
// not fit.
func (s *Store) VerifyJournal(ctx context.Context, id breach.IncidentID) (entries int64, err error) {
	no, err := incidentNumber(ctx, s.pool, id)
	if err != nil {
		return 0, wrap("verify journal", err)
	}
	var head audit.Head
	if err := s.pool.QueryRow(ctx, `select seq, hash from journal_head where incident_no = $1`, no).Scan(&head.Seq, &head.Hash); err != nil {
		return 0, wrap("verify journal", err)
	}
	rows, err := s.pool.Query(ctx, `select seq, at, actor, action, subject, detail, hash from journal where incident_no = $1 order by seq`, no)
	if err != nil {
		return 0, wrap("verify journal", err)
	}
	defer rows.Close()
	var readErr error
	err = audit.Verify(head, func(yield func(audit.Entry, []byte) bool) {
		for rows.Next() {
			e, hash := audit.Entry{Incident: no}, []byte(nil)
			if readErr = rows.Scan(&e.Seq, &e.At, &e.Actor, &e.Action, &e.Subject, &e.Detail, &hash); readErr != nil {
				return
			}
			if !yield(e, hash) {
				return
			}
		}
		readErr = rows.Err()
	})
	return head.Seq, errors.Join(wrap("verify journal", readErr), err)
}
