package store

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// Task is something that a person must do.
type Task struct {
	ID         string            `json:"id" db:"id"`
	IncidentID breach.IncidentID `json:"incident" db:"incident_id"`
	Kind       breach.TaskKind   `json:"kind" db:"kind"`
	Ref        string            `json:"ref" db:"ref"`
	Title      breach.Text       `json:"title" db:"title"`
	Detail     breach.Text       `json:"detail" db:"detail"`
	OwnerRole  breach.Role       `json:"owner_role" db:"owner_role"`
	DueAt      *time.Time        `json:"due_at,omitempty" db:"due_at"`
	CreatedAt  time.Time         `json:"created_at" db:"created_at"`
	Outcome    *string           `json:"outcome,omitempty" db:"outcome"` // "done", "not_done"; nil while open
	DoneBy     *string           `json:"done_by,omitempty" db:"done_by"`
	DoneAt     *time.Time        `json:"done_at,omitempty" db:"done_at"`
}

const taskColumns = `t.id, i.id as incident_id, t.kind, t.ref, t.title, t.detail, t.owner_role, t.due_at, t.created_at, t.outcome, t.done_by, t.done_at`

// AddTask asks a person to act. One task exists for each kind and ref; asking again while it is open changes nothing,
// and asking again after it ended opens it anew.
func (s *Store) AddTask(ctx context.Context, in Task) error {
	return s.tx(ctx, "add task", func(tx pgx.Tx) error {
		no, err := incidentNumber(ctx, tx, in.IncidentID)
		if err != nil {
			return err
		}
		var id string
		err = tx.QueryRow(ctx, `
			insert into task (id, incident_no, kind, ref, title, detail, owner_role, due_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
			on conflict (incident_no, kind, ref) do update set
				outcome = null, note_sealed = null, done_by = null, done_at = null, detail = excluded.detail, due_at = excluded.due_at
				where task.outcome is not null and excluded.kind <> 'manual_step'
			returning id`,
			uuid.Must(uuid.NewV7()).String(), no, in.Kind, in.Ref, in.Title, in.Detail, in.OwnerRole, in.DueAt).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // there already
		}
		if err != nil {
			return err
		}
		return note(ctx, tx, no, breach.Tocsin, "task.add", id, Detail{"kind": in.Kind, "ref": in.Ref, "owner": in.OwnerRole})
	})
}

// TaskEnd is what a person says of a task.
type TaskEnd struct {
	ID      string
	Done    bool   // false: it could not be done
	Receipt string // for filings: the receipt's number
	Note    string // may name people: sealed
	By      breach.Person
}

// EndTask records what a person did. A task that asks about a filing settles the filing in the same step. Ending an ended
// task the same way changes nothing.
func (s *Store) EndTask(ctx context.Context, in TaskEnd) (Task, error) {
	var t Task
	err := s.tx(ctx, "end task", func(tx pgx.Tx) error {
		var no int64
		if err := tx.QueryRow(ctx, `select incident_no from task where id = $1 for update`, in.ID).Scan(&no); err != nil {
			return err
		}
		var err error
		if t, err = one[Task](ctx, tx, `select `+taskColumns+` from task t join incident i on i.no = t.incident_no where t.id = $1`, in.ID); err != nil {
			return err
		}
		outcome := map[bool]string{true: "done", false: "not_done"}[in.Done]
		if t.Outcome != nil {
			if *t.Outcome == outcome {
				return nil
			}
			return refused("already_ended", "the task was ended as %s by %s", *t.Outcome, *t.DoneBy)
		}
		return s.endTask(ctx, tx, no, &t, in, outcome)
	})
	return t, err
}

func (s *Store) endTask(ctx context.Context, tx pgx.Tx, no int64, t *Task, in TaskEnd, outcome string) error {
	keys, err := s.keysIn(ctx, tx, t.IncidentID)
	if err != nil {
		return err
	}
	sealed, err := keys.Seal("task", t.ID, []byte(in.Note))
	if err != nil {
		return err
	}
	by := string(in.By)
	err = tx.QueryRow(ctx, `update task set outcome = $2, note_sealed = $3, done_by = $4, done_at = now() where id = $1 returning done_at`,
		t.ID, outcome, sealed, by).Scan(&t.DoneAt)
	if err != nil {
		return err
	}
	t.Outcome, t.DoneBy = &outcome, &by
	if err := note(ctx, tx, no, in.By, "task."+outcome, t.ID, Detail{"kind": t.Kind, "ref": t.Ref}); err != nil {
		return err
	}
	switch t.Kind {
	case breach.TaskAddressee, breach.TaskInDoubt, breach.TaskRefused:
		if err := settleFiling(ctx, tx, no, t.Ref, in.Done, in.Receipt, in.By); err != nil {
			return err
		}
		return post(ctx, tx, no, FilingSettled, t.Ref, "", FilingDone{Obligation: t.Ref, Filed: in.Done})
	default:
	}
	return post(ctx, tx, no, TaskEnded, t.Ref, "", TaskDone{Kind: t.Kind, Ref: t.Ref, Done: in.Done})
}

// Tasks lists an incident's tasks, open ones first; only those where all is not set.
func (s *Store) Tasks(ctx context.Context, id breach.IncidentID, all bool) ([]Task, error) {
	tasks, err := list[Task](ctx, s.pool, `
		select `+taskColumns+` from task t join incident i on i.no = t.incident_no
		where i.id = $1 and ($2 or t.outcome is null) order by t.outcome is not null, t.due_at nulls last, t.created_at, t.id`, id, all)
	return tasks, wrap("list tasks", err)
}
