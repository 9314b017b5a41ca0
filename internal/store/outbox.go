package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// Event says what the engine must hear of.
type Event string

// The events. The dispatcher turns each into a start or a signal.
const (
	IncidentOpened Event = "incident_opened" // start the incident's workflow
	AlertCounted   Event = "alert_counted"   // one more alert joined; payload AlertCount
	FactsAmended   Event = "facts_amended"   // payload FactsRev
	Decided        Event = "decided"         // a document was approved or refused; payload DecisionMade
	TaskEnded      Event = "task_ended"      // payload TaskDone
	PeopleImported Event = "people_imported" // payload PeopleCount
	FilingSettled  Event = "filing_settled"  // a person settled a doubt, filed by hand, or has an acknowledgement; payload FilingDone
	AnswersSet     Event = "answers_set"     // a form's answers have a newer revision; payload AnswersRev
	HoldReleased   Event = "hold_released"   // payload HoldEnd
	FollowUpAdded  Event = "follow_up_added" // an authority asks for something; payload FollowUpTask
	Withdrawn      Event = "withdraw"        // a report is to be taken back; payload WithdrawalAsked
	Bounced        Event = "bounced"         // deliveries of a notice came back, and people are untold again; payload CampaignRef

	SupplementAsked Event = "supplement_asked" // a person asked for a supplementary notice; payload SupplementRef
)

// AlertCount is the payload of [AlertCounted].
type AlertCount struct {
	Count int64 `json:"count"`
}

// FactsRev is the payload of [FactsAmended].
type FactsRev struct {
	Rev int `json:"rev"`
}

// DecisionMade is the payload of [Decided].
type DecisionMade struct {
	Document breach.DocumentID   `json:"document"`
	Kind     breach.DocumentKind `json:"kind"`
	Subject  string              `json:"subject"`
	Version  int                 `json:"version"`
	Verdict  breach.Verdict      `json:"verdict"`
}

// TaskDone is the payload of [TaskEnded].
type TaskDone struct {
	Kind breach.TaskKind `json:"kind"`
	Ref  string          `json:"ref"`
	Done bool            `json:"done"` // false: the person says that it could not be done
}

// PeopleCount is the payload of [PeopleImported].
type PeopleCount struct {
	Affected int64 `json:"affected"`
	Import   int   `json:"import"`
}

// FilingDone is the payload of [FilingSettled].
type FilingDone struct {
	Obligation string `json:"obligation"`
	Filing     string `json:"filing"`
	Filed      bool   `json:"filed"` // false: it certainly never arrived, file again

	Acknowledged bool              `json:"acknowledged,omitempty"` // the authority has acknowledged it
	Document     breach.DocumentID `json:"document,omitempty"`     // what was filed
}

// AnswersRev is the payload of [AnswersSet].
type AnswersRev struct {
	Obligation string `json:"obligation"`
	Rev        int    `json:"rev"`
}

// HoldEnd is the payload of [HoldReleased].
type HoldEnd struct {
	Obligation string            `json:"obligation"`
	Document   breach.DocumentID `json:"document"`
}

// FollowUpTask is the payload of [FollowUpAdded].
type FollowUpTask struct {
	Task       string          `json:"task"`
	Kind       breach.TaskKind `json:"kind"`
	Obligation string          `json:"obligation,omitempty"`
	At         time.Time       `json:"at"` // when it was asked
	Due        time.Time       `json:"due"`
}

// WithdrawalAsked is the payload of [Withdrawn].
type WithdrawalAsked struct {
	Obligation string `json:"obligation"`
}

// CampaignRef is the payload of [Bounced].
type CampaignRef struct {
	Campaign int `json:"campaign"`
}

// SupplementRef is the payload of [SupplementAsked].
type SupplementRef struct {
	No          int `json:"no"`          // of what was asked for
	Supplements int `json:"supplements"` // the notice
}

// post queues an event for the engine. Events of a kind with the same dedup value that still wait fold into the newest; an
// empty dedup never folds.
func post(ctx context.Context, tx pgx.Tx, incidentNo int64, event Event, ref, dedup string, payload any) error {
	var key *string
	if dedup != "" {
		key = &dedup
	}
	_, err := tx.Exec(ctx, `
		insert into outbox (incident_no, kind, ref, payload, dedup) values ($1, $2, $3, $4, $5)
		on conflict (incident_no, kind, dedup) where done_at is null and dedup is not null
		do update set payload = excluded.payload, ref = excluded.ref`, incidentNo, event, ref, payload, key)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `select pg_notify('tocsin_outbox', '')`)
	return err
}

// Posted is one event on its way to the engine.
type Posted struct {
	ID         int64             `db:"id"`
	IncidentID breach.IncidentID `db:"incident_id"`
	Event      Event             `db:"kind"`
	Ref        string            `db:"ref"`
	Payload    json.RawMessage   `db:"payload"`
	Tries      int               `db:"tries"`
}

// CarryOver hands waiting events, oldest first and at most limit, to carry and marks each as done when carry returned no
// error; a failed one waits longer each time, for a minute at most. Several processes may call it: each event is held by
// one of them, and an event may be carried twice when a process dies in between, so the engine's handlers are idempotent.
// Later events of an incident wait for its earlier ones. It returns how many were carried.
func (s *Store) CarryOver(ctx context.Context, limit int, carry func(context.Context, Posted) error) (int, error) {
	carried := 0
	err := s.tx(ctx, "carry over the outbox", func(tx pgx.Tx) error {
		events, err := list[Posted](ctx, tx, `
			select o.id, i.id as incident_id, o.kind, o.ref, o.payload, o.tries
			from outbox o join incident i on i.no = o.incident_no
			where o.done_at is null and o.next_at <= now()
			  and not exists (select from outbox e where e.incident_no = o.incident_no and e.done_at is null and e.id < o.id and e.next_at > now())
			order by o.id limit $1 for update of o skip locked`, limit)
		if err != nil {
			return err
		}
		failed := map[breach.IncidentID]bool{}
		for _, e := range events {
			if failed[e.IncidentID] {
				continue
			}
			if err := carry(ctx, e); err != nil {
				failed[e.IncidentID] = true
				wait := min(time.Minute, time.Second<<min(e.Tries, 6))
				if _, err := tx.Exec(ctx, `update outbox set tries = tries + 1, next_at = now() + $2 where id = $1`, e.ID, wait); err != nil {
					return err
				}
				continue
			}
			carried++
			if _, err := tx.Exec(ctx, `update outbox set done_at = now() where id = $1`, e.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return carried, err
}

// Waiting counts the events that have not reached the engine and tells since when the oldest waits.
func (s *Store) Waiting(ctx context.Context) (n int64, oldest *time.Time, err error) {
	err = s.pool.QueryRow(ctx, `select count(*), min(created_at) from outbox where done_at is null`).Scan(&n, &oldest)
	return n, oldest, wrap("read the outbox", err)
}

// Listen waits until an event is posted, or ctx ends. It may return early; the caller looks and listens again.
func (s *Store) Listen(ctx context.Context) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return bare(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `listen tocsin_outbox`); err != nil {
		return bare(err)
	}
	_, err = conn.Conn().WaitForNotification(ctx)
	return bare(err)
}
