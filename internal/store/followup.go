package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// FollowUp is what an authority asks for after a report: a question, an interview (约谈), an order to rectify (整改).
type FollowUp struct {
	Incident breach.IncidentID
	Key      string          // the duty whose authority asks; empty where none was reported to
	Kind     breach.TaskKind // see breach.FollowUpKinds
	Owner    breach.Person   // who sees to it
	Due      time.Time
	Text     string // what the authority wants; sealed
	Evidence string // the letter's id; may be empty for a call
	By       breach.Person
}

// AddFollowUp makes a task of it. The incident does not close while it is open, it is reminded of and escalated, and it ends only
// with a proof, see [Store.EndTask].
func (s *Store) AddFollowUp(ctx context.Context, in FollowUp) (Task, error) {
	switch {
	case !in.Kind.IsFollowUp():
		return Task{}, refused("kind", "%q is nothing that an authority asks for; there are question, interview and rectification", in.Kind)
	case strings.TrimSpace(string(in.Owner)) == "":
		return Task{}, refused("needs_owner", "say who sees to it: a person's name as on their token")
	case in.Due.IsZero():
		return Task{}, refused("needs_due", "say by when, such as 2026-12-01T10:00:00+08:00; where the authority gave no date, set one")
	case strings.TrimSpace(in.Text) == "":
		return Task{}, refused("needs_text", "say what the authority wants")
	}
	id := uuid.Must(uuid.NewV7()).String()
	err := s.tx(ctx, "add follow-up", func(tx pgx.Tx) error {
		no, err := lockIncident(ctx, tx, in.Incident)
		if err != nil {
			return err
		}
		addressee := breach.Text{ZH: "主管部门", EN: "the authority"}
		if in.Key != "" {
			var o breach.Obligation
			err := tx.QueryRow(ctx, `select result from obligation where incident_no = $1 and key = $2`, no, in.Key).Scan(&o)
			if errors.Is(err, pgx.ErrNoRows) {
				return refused("obligation", "the incident has no duty %s", in.Key)
			}
			if err != nil {
				return err
			}
			if o.Addressee != (breach.Text{}) {
				addressee = o.Addressee
			}
		}
		if in.Evidence != "" {
			if err := haveEvidence(ctx, tx, no, in.Evidence); err != nil {
				return err
			}
		}
		return s.insertFollowUp(ctx, tx, no, id, in, addressee)
	})
	if err != nil {
		return Task{}, err
	}
	return s.Task(ctx, id)
}

func (s *Store) insertFollowUp(ctx context.Context, tx pgx.Tx, no int64, id string, in FollowUp, addressee breach.Text) error {
	keys, err := s.keysIn(ctx, tx, in.Incident)
	if err != nil {
		return err
	}
	sealed, err := keys.Seal("task_text", taskTextRow(Task{Kind: in.Kind, Ref: id}), []byte(in.Text))
	if err != nil {
		return err
	}
	title, detail := followUpWords(in.Kind, addressee)
	var at time.Time
	if err := tx.QueryRow(ctx, `
		insert into task (id, incident_no, kind, ref, title, detail, owner_role, due_at, owner, text_sealed, evidence_id, subject)
		values ($1, $2, $3, $1, $4, $5, $6, $7, $8, $9, nullif($10, ''), $11) returning created_at`,
		id, no, in.Kind, title, detail, breach.RoleResponder, in.Due, in.Owner, sealed, in.Evidence, in.Key).Scan(&at); err != nil {
		return err
	}
	if err := note(ctx, tx, no, in.By, "task.add", id, Detail{"kind": in.Kind, "ref": in.Key, "owner": in.Owner, "due": in.Due}); err != nil {
		return err
	}
	return post(ctx, tx, no, FollowUpAdded, id, "", FollowUpTask{Task: id, Kind: in.Kind, Obligation: in.Key, At: at, Due: in.Due})
}

func followUpWords(kind breach.TaskKind, addressee breach.Text) (title, detail breach.Text) {
	switch kind {
	case breach.TaskInterview:
		return breach.Text{ZH: "约谈：" + addressee.ZH, EN: "Interview: " + addressee.EN},
			breach.Text{ZH: "请按时参加约谈。结束本任务时写明参加人、谈话要点和后续要求，可附纪要作为证据。", EN: "Attend it in time. When you end this task, say who attended, what was said and what follows; minutes may be added as evidence."}
	case breach.TaskRectification:
		return breach.Text{ZH: "责令整改：" + addressee.ZH, EN: "Order to rectify: " + addressee.EN},
			breach.Text{ZH: "请完成整改。结束本任务时须写明整改情况，并附整改证明材料。", EN: "Carry the order out. Ending this task needs a note of what was done and a proof as evidence."}
	default:
		return breach.Text{ZH: "答复询问：" + addressee.ZH, EN: "Answer a question: " + addressee.EN},
			breach.Text{ZH: "请答复对方的询问。结束本任务时写明何时、以何种方式、如何答复，可附复函作为证据。", EN: "Answer it. When you end this task, say when, how and what was answered; the letter may be added as evidence."}
	}
}

// mustProve refuses to end what an authority asked for without a proof.
func mustProve(t Task, in TaskEnd) error {
	switch {
	case !t.Kind.IsFollowUp():
		return nil
	case !in.Done:
		return refused("needs_proof", "an authority asked for this, so it ends only when it is done: say in the note what was done, or how the authority withdrew it")
	case strings.TrimSpace(in.Note) == "":
		return refused("needs_proof", "say in the note what was done, when and by whom")
	case t.Kind == breach.TaskRectification && in.Evidence == "":
		return refused("needs_proof", "an order to rectify ends with a proof: add the file as evidence of kind proof, then name its id")
	}
	return nil
}

// endTasks ends the open tasks of some kinds about a duty, because what they asked for is there.
func endTasks(ctx context.Context, tx pgx.Tx, no int64, by breach.Person, ref string, kinds ...breach.TaskKind) error {
	type row struct {
		ID   string          `db:"id"`
		Kind breach.TaskKind `db:"kind"`
	}
	ended, err := list[row](ctx, tx, `update task set outcome = 'done', done_by = $3, done_at = now() where incident_no = $1 and ref = $2 and kind = any($4) and outcome is null returning id, kind`,
		no, ref, by, kinds)
	if err != nil {
		return err
	}
	for _, t := range ended {
		if err := note(ctx, tx, no, by, "task.done", t.ID, Detail{"kind": t.Kind, "ref": ref}); err != nil {
			return fmt.Errorf("end tasks: %w", err)
		}
	}
	return nil
}
