package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
	"tocsin/internal/seal"
)

// NewIncident is a suspicion on its way in, from an alert or a person.
type NewIncident struct {
	Fingerprint string // equal fingerprints join the open incident they belong to
	Source      string
	Title       string // may name people: sealed
	By          breach.Person
	Facts       breach.Facts
	Why         string        // of the first facts
	Alert       *breach.Alert // nil where a person reports
}

// Opened says what became of a suspicion. It is durable when returned.
type Opened struct {
	Incident breach.IncidentID `json:"incident"`
	Joined   bool              `json:"joined"` // an open incident had the fingerprint
	Alerts   int64             `json:"alerts"` // how many alerts the incident has counted
}

// OpenIncident starts an incident or joins the open one of the same fingerprint. The awareness time, where facts do not
// state one, is the moment of this call: the organisation has been told.
func (s *Store) OpenIncident(ctx context.Context, in NewIncident) (Opened, error) {
	var out Opened
	err := s.tx(ctx, "open incident", func(tx pgx.Tx) error {
		// One at a time for a fingerprint, so that a storm finds the incident that its first alert opened.
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended($1, 0))`, in.Fingerprint); err != nil {
			return err
		}
		var no int64
		err := tx.QueryRow(ctx, `select no, id from incident where fingerprint = $1 and closed_at is null`, in.Fingerprint).Scan(&no, &out.Incident)
		switch {
		case err == nil:
			out.Joined = true
		case errors.Is(err, pgx.ErrNoRows):
			if no, out.Incident, err = s.createIncident(ctx, tx, in); err != nil {
				return err
			}
		default:
			return err
		}
		if in.Alert == nil {
			return nil
		}
		out.Alerts, err = s.countAlert(ctx, tx, no, out.Incident, in)
		return err
	})
	return out, err
}

func (s *Store) createIncident(ctx context.Context, tx pgx.Tx, in NewIncident) (int64, breach.IncidentID, error) {
	var no int64
	var at time.Time
	if err := tx.QueryRow(ctx, `select nextval('incident_no'), date_trunc('second', now())`).Scan(&no, &at); err != nil {
		return 0, "", err
	}
	id := breach.NewIncidentID(at.UTC().Year(), no)
	keys, wrapped, err := seal.NewKeys(ctx, s.master, id)
	if err != nil {
		return 0, "", err
	}
	title, err := keys.Seal("incident", string(id), []byte(in.Title))
	if err != nil {
		return 0, "", err
	}
	if _, err := tx.Exec(ctx, `insert into incident (no, id, fingerprint, source, title_sealed, opened_by) values ($1, $2, $3, $4, $5, $6)`,
		no, id, in.Fingerprint, in.Source, title, in.By); err != nil {
		return 0, "", err
	}
	if _, err := tx.Exec(ctx, `insert into incident_key (incident_no, wrapped) values ($1, $2)`, no, wrapped); err != nil {
		return 0, "", err
	}
	facts := breach.Facts{"state": "suspected", "aware_at": at.UTC()}.Merge(in.Facts)
	if err := note(ctx, tx, no, in.By, "incident.open", string(id), Detail{"source": in.Source}); err != nil {
		return 0, "", err
	}
	if _, err := reviseFacts(ctx, tx, no, facts, facts.Names(), in.By, in.Why); err != nil {
		return 0, "", err
	}
	return no, id, post(ctx, tx, no, IncidentOpened, string(id), "", struct{}{})
}

func (s *Store) countAlert(ctx context.Context, tx pgx.Tx, no int64, id breach.IncidentID, in NewIncident) (int64, error) {
	keys, err := s.keysIn(ctx, tx, id)
	if err != nil {
		return 0, err
	}
	payload, err := keys.Seal("alert", string(id), in.Alert.Payload)
	if err != nil {
		return 0, err
	}
	var startsAt *time.Time
	if !in.Alert.StartsAt.IsZero() {
		startsAt = &in.Alert.StartsAt
	}
	if _, err := tx.Exec(ctx, `insert into alert (incident_no, source, fingerprint, resolved, starts_at, payload_sealed) values ($1, $2, $3, $4, $5, $6)`,
		no, in.Source, in.Fingerprint, in.Alert.Resolved, startsAt, payload); err != nil {
		return 0, err
	}
	var count int64
	if err := tx.QueryRow(ctx, `update incident set alert_count = alert_count + 1 where no = $1 returning alert_count`, no).Scan(&count); err != nil {
		return 0, err
	}
	if err := note(ctx, tx, no, in.By, "alert.count", string(id), Detail{"count": count, "resolved": in.Alert.Resolved}); err != nil {
		return 0, err
	}
	return count, post(ctx, tx, no, AlertCounted, string(id), "count", AlertCount{Count: count})
}

// keysIn reads an incident's keys within the transaction that may just have made them.
func (s *Store) keysIn(ctx context.Context, tx pgx.Tx, id breach.IncidentID) (*seal.Keys, error) {
	var wrapped []byte
	err := tx.QueryRow(ctx, `select k.wrapped from incident_key k join incident i on i.no = k.incident_no where i.id = $1`, id).Scan(&wrapped)
	if err != nil {
		return nil, err
	}
	if wrapped == nil {
		return nil, refused("erased", "the personal data of %s was erased: its key was destroyed", id)
	}
	return seal.OpenKeys(ctx, s.master, id, wrapped)
}

func (s *Store) wrappedKey(ctx context.Context, id breach.IncidentID) ([]byte, error) {
	var wrapped []byte
	err := s.pool.QueryRow(ctx, `select k.wrapped from incident_key k join incident i on i.no = k.incident_no where i.id = $1`, id).Scan(&wrapped)
	if err == nil && wrapped == nil {
		return nil, seal.ErrDestroyed
	}
	return wrapped, wrap("read incident key", err)
}

// Incident is an incident as its readers see it.
type Incident struct {
	ID          breach.IncidentID `json:"id" db:"id"`
	Title       string            `json:"title" db:"-"`
	Source      string            `json:"source" db:"source"`
	Phase       breach.Phase      `json:"phase" db:"phase"`
	Alerts      int64             `json:"alerts" db:"alert_count"`
	FactsRev    int               `json:"facts_rev" db:"facts_rev"`
	AssessedRev int               `json:"assessed_rev" db:"assessed_rev"`
	OpenedBy    breach.Person     `json:"opened_by" db:"opened_by"`
	OpenedAt    time.Time         `json:"opened_at" db:"opened_at"`
	ClosedAt    *time.Time        `json:"closed_at,omitempty" db:"closed_at"`

	No          int64  `json:"-" db:"no"`
	TitleSealed []byte `json:"-" db:"title_sealed"`
}

const incidentColumns = `no, id, source, phase, alert_count, facts_rev, assessed_rev, opened_by, opened_at, closed_at, title_sealed`

// Incident returns one incident.
func (s *Store) Incident(ctx context.Context, id breach.IncidentID) (Incident, error) {
	i, err := one[Incident](ctx, s.pool, `select `+incidentColumns+` from incident where id = $1`, id)
	if err != nil {
		return i, wrap("read incident", err)
	}
	return s.openTitle(ctx, i), nil
}

// Incidents returns the newest incidents, at most limit, older than before (0: from the newest).
func (s *Store) Incidents(ctx context.Context, before int64, limit int) ([]Incident, error) {
	incidents, err := list[Incident](ctx, s.pool, `
		select `+incidentColumns+` from incident where $1 = 0 or no < $1 order by no desc limit $2`, before, limit)
	for i := range incidents {
		incidents[i] = s.openTitle(ctx, incidents[i])
	}
	return incidents, wrap("list incidents", err)
}

// openTitle shows an erased incident without its title rather than not at all.
func (s *Store) openTitle(ctx context.Context, i Incident) Incident {
	keys, err := s.keys.Keys(ctx, i.ID)
	if err != nil {
		return i
	}
	if title, err := keys.Open("incident", string(i.ID), i.TitleSealed); err == nil {
		i.Title = string(title)
	}
	return i
}

// SetPhase records where an incident stands.
func (s *Store) SetPhase(ctx context.Context, id breach.IncidentID, phase breach.Phase) error {
	return s.tx(ctx, "set phase", func(tx pgx.Tx) error {
		var no int64
		err := tx.QueryRow(ctx, `update incident set phase = $2 where id = $1 and phase <> $2 and closed_at is null returning no`, id, phase).Scan(&no)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // already there
		}
		if err != nil {
			return err
		}
		return note(ctx, tx, no, breach.Tocsin, "incident.phase", string(id), Detail{"phase": phase})
	})
}

// CloseIncident ends an incident on an approved closure. Approval and what is open are looked at in the transaction that
// closes: where something has opened since two people agreed, their agreement is void, since it was about another state of
// things, and the open matters are returned. Closing a closed incident changes nothing.
func (s *Store) CloseIncident(ctx context.Context, id breach.IncidentID, closure breach.DocumentID) (open []Matter, err error) {
	err = s.tx(ctx, "close incident", func(tx pgx.Tx) error {
		var no int64
		var closedAt *time.Time
		if err := tx.QueryRow(ctx, `select no, closed_at from incident where id = $1 for no key update`, id).Scan(&no, &closedAt); err != nil || closedAt != nil {
			return err
		}
		if err := approved(ctx, tx, closure); err != nil {
			return err
		}
		if open, err = openMatters(ctx, tx, no); err != nil {
			return err
		}
		if len(open) > 0 {
			return voidDocument(ctx, tx, no, closure, "something has opened since it was prepared")
		}
		exempt, err := exemptUntold(ctx, tx, no)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update incident set phase = 'closed', closed_at = now() where no = $1`, no); err != nil {
			return err
		}
		return note(ctx, tx, no, breach.Tocsin, "incident.close", string(id), Detail{"people_exempt": exempt, "closure": closure})
	})
	return open, err
}

// exemptUntold counts the people whom nobody told as lawfully exempt, where no duty to tell them is owed; PIPL 57(2), for
// one, frees from it when harm was effectively avoided. The assessment that says so is part of the incident.
func exemptUntold(ctx context.Context, tx pgx.Tx, no int64) (int64, error) {
	owed, err := noticeOwed(ctx, tx, no)
	if err != nil || owed {
		return 0, err
	}
	t, err := countPeople(ctx, tx, no)
	if err != nil || t.Open+t.Missed == 0 {
		return 0, err
	}
	_, err = tx.Exec(ctx, `update incident set untold_exempt = true where no = $1`, no)
	return t.Open + t.Missed, err
}

// Repeat finds the answer to an earlier request with the same idempotency key of the same person. found is false for a
// new key; a key that was used for another request is refused.
func (s *Store) Repeat(ctx context.Context, person breach.Person, key string, request []byte) (response json.RawMessage, found bool, err error) {
	sum := sha256.Sum256(request)
	var hash []byte
	err = s.pool.QueryRow(ctx, `select request_hash, response from idempotency where person = $1 and key = $2`, person, key).Scan(&hash, &response)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, false, nil
	case err != nil:
		return nil, false, wrap("look up idempotency key", err)
	case !bytes.Equal(hash, sum[:]):
		return nil, false, refused("key_reused", "this Idempotency-Key was used for another request: use a new one")
	}
	return response, true, nil
}

// Remember keeps the answer to a request under its idempotency key.
func (s *Store) Remember(ctx context.Context, person breach.Person, key string, request []byte, response any) error {
	sum := sha256.Sum256(request)
	_, err := s.pool.Exec(ctx, `insert into idempotency (person, key, request_hash, response) values ($1, $2, $3, $4) on conflict do nothing`,
		person, key, sum[:], response)
	return wrap(fmt.Sprintf("keep idempotency key of %s", person), err)
}
