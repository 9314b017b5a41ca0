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

	Owner    *breach.Person `json:"owner,omitempty" db:"owner"`          // a person, where one was named
	Subject  string         `json:"obligation,omitempty" db:"subject"`   // of what an authority asks: the duty
	Text     string         `json:"text,omitempty" db:"-"`               // what an authority wants, or a report ready to paste; sealed
	Evidence *string        `json:"evidence,omitempty" db:"evidence_id"` // the letter that asks
	Proof    *string        `json:"proof,omitempty" db:"proof_id"`       // what proves that it was done

	TextSealed []byte `json:"-" db:"text_sealed"`
}

const taskColumns = `t.id, i.id as incident_id, t.kind, t.ref, t.title, t.detail, t.owner_role, t.due_at, t.created_at, t.outcome, t.done_by, t.done_at,
	t.owner, t.subject, t.text_sealed, t.evidence_id, t.proof_id`

// AddTask asks a person to act. One task exists for each kind and ref; asking again while it is open changes nothing,
// and asking again after it ended opens it anew.
func (s *Store) AddTask(ctx context.Context, in Task) error {
	return s.tx(ctx, "add task", func(tx pgx.Tx) error {
		no, err := incidentNumber(ctx, tx, in.IncidentID)
		if err != nil {
			return err
		}
		return s.addTask(ctx, tx, no, in)
	})
}

func (s *Store) addTask(ctx context.Context, tx pgx.Tx, no int64, in Task) error {
	id := uuid.Must(uuid.NewV7()).String()
	sealed, err := s.sealTaskText(ctx, tx, in)
	if err != nil {
		return err
	}
	err = tx.QueryRow(ctx, `
		insert into task (id, incident_no, kind, ref, title, detail, owner_role, due_at, text_sealed) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (incident_no, kind, ref) do update set
			outcome = null, note_sealed = null, done_by = null, done_at = null, detail = excluded.detail, due_at = excluded.due_at, text_sealed = excluded.text_sealed
			where task.outcome is not null and excluded.kind <> 'manual_step'
		returning id`,
		id, no, in.Kind, in.Ref, in.Title, in.Detail, in.OwnerRole, in.DueAt, sealed).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // there already
	}
	if err != nil {
		return err
	}
	return note(ctx, tx, no, breach.Tocsin, "task.add", id, Detail{"kind": in.Kind, "ref": in.Ref, "owner": in.OwnerRole})
}

// TaskEnd is what a person says of a task.
type TaskEnd struct {
	ID       string
	Done     bool   // false: it could not be done
	Note     string // may name people: sealed
	Evidence string // what proves it: the id of a piece of evidence
	By       breach.Person
}

// EndTask records what a person did. What an authority asked for ends only with a proof: a note, and for an order to rectify a
// piece of evidence. A task about a filing is ended as done by the filing's receipt ([Store.RecordReceipt]); ended as not done, it
// says that the report certainly did not arrive, and it is filed again. Ending an ended task the same way changes nothing.
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
		if err := mustProve(t, in); err != nil {
			return err
		}
		if in.Done && asksForReceipt(t.Kind) {
			return refused("needs_receipt", "this ends with the receipt: record its number, the time and who took it (tocsin filing receipt %s %s)", t.IncidentID, t.Ref)
		}
		if in.Done && t.Kind == breach.TaskLateReason {
			return refused("needs_answer", "this ends with the answer %s of %s: say why the report is late", DelayItem, t.Ref)
		}
		if in.Evidence != "" {
			if err := haveEvidence(ctx, tx, no, in.Evidence); err != nil {
				return err
			}
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
	err = tx.QueryRow(ctx, `update task set outcome = $2, note_sealed = $3, done_by = $4, done_at = now(), proof_id = nullif($5, '') where id = $1 returning done_at, proof_id`,
		t.ID, outcome, sealed, by, in.Evidence).Scan(&t.DoneAt, &t.Proof)
	if err != nil {
		return err
	}
	t.Outcome, t.DoneBy = &outcome, &by
	detail := Detail{"kind": t.Kind, "ref": t.Ref}
	if in.Evidence != "" {
		detail["evidence"] = in.Evidence
	}
	if err := note(ctx, tx, no, in.By, "task."+outcome, t.ID, detail); err != nil {
		return err
	}
	if asksForReceipt(t.Kind) {
		if err := notFiled(ctx, tx, no, t.Ref, in.By); err != nil {
			return err
		}
		return post(ctx, tx, no, FilingSettled, t.Ref, "", FilingDone{Obligation: t.Ref})
	}
	return post(ctx, tx, no, TaskEnded, t.Ref, "", TaskDone{Kind: t.Kind, Ref: t.Ref, Done: in.Done})
}

// Tasks lists an incident's tasks, open ones first; only those where all is not set.
func (s *Store) Tasks(ctx context.Context, id breach.IncidentID, all bool) ([]Task, error) {
	tasks, err := list[Task](ctx, s.pool, `
		select `+taskColumns+` from task t join incident i on i.no = t.incident_no
		where i.id = $1 and ($2 or t.outcome is null) order by t.outcome is not null, t.due_at nulls last, t.created_at, t.id`, id, all)
	if err != nil {
		return nil, wrap("list tasks", err)
	}
	for i := range tasks {
		if err := s.openTaskText(ctx, &tasks[i]); err != nil {
			return nil, err
		}
	}
	return tasks, nil
}

// asksForReceipt reports whether a task is about a filing that a person must see to.
func asksForReceipt(k breach.TaskKind) bool {
	return k == breach.TaskAddressee || k == breach.TaskInDoubt || k == breach.TaskRefused
}

// sealTaskText binds a task's text to its kind and ref, which stay when a task is asked for again.
func (s *Store) sealTaskText(ctx context.Context, tx pgx.Tx, in Task) ([]byte, error) {
	if in.Text == "" {
		return nil, nil
	}
	keys, err := s.keysIn(ctx, tx, in.IncidentID)
	if err != nil {
		return nil, err
	}
	return keys.Seal("task_text", taskTextRow(in), []byte(in.Text))
}

func taskTextRow(t Task) string { return string(t.Kind) + "/" + t.Ref }

// openTaskText shows an erased incident's task without its text rather than not at all.
func (s *Store) openTaskText(ctx context.Context, t *Task) error {
	if t.TextSealed == nil {
		return nil
	}
	keys, err := s.keys.Keys(ctx, t.IncidentID)
	if erased(err) {
		return nil
	}
	if err != nil {
		return err
	}
	text, err := keys.Open("task_text", taskTextRow(*t), t.TextSealed)
	t.Text = string(text)
	return err
}
