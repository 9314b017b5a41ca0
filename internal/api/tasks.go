package api

import (
	"net/http"
	"strings"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/intake"
	"tocsin/internal/store"
)

// TaskList is what people must do, open tasks first.
type TaskList struct {
	Tasks []store.Task `json:"tasks"`
}

func listTasks(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	if _, err := s.store.Incident(c.r.Context(), id); err != nil {
		return err
	}
	tasks, err := s.store.Tasks(c.r.Context(), id, c.r.URL.Query().Get("all") == "true")
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, TaskList{Tasks: orEmpty(tasks)})
}

func showTask(s *server, c *call) error {
	task, err := s.store.Task(c.r.Context(), c.r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, task)
}

// TaskEnd is what a person says of a task: POST /v1/tasks/{id}/end.
type TaskEnd struct {
	Done    bool   `json:"done"`              // false: it could not be done
	Receipt string `json:"receipt,omitempty"` // of a filing handed over by hand: the receipt's number

	ReceivedAt time.Time `json:"received_at,omitzero"`  // with a receipt: when the authority took the report
	ReceivedBy string    `json:"received_by,omitempty"` // with a receipt: who took it; kept sealed
	Evidence   string    `json:"evidence,omitempty"`    // the id of a piece of evidence that proves it
	Note       string    `json:"note,omitempty"`        // kept sealed; required where it could not be done
}

func endTask(s *server, c *call) error {
	task, err := s.store.Task(c.r.Context(), c.r.PathValue("id"))
	if err != nil {
		return err
	}
	if !c.holder.Is(task.OwnerRole, breach.RoleLead) {
		return problem(http.StatusForbidden, "role", "This task is for the role "+string(task.OwnerRole)+".", "Ask somebody who has it.")
	}
	var in TaskEnd
	if err := c.decode(&in); err != nil {
		return err
	}
	in.Note, in.Receipt = strings.TrimSpace(in.Note), intake.Line(in.Receipt, 200)
	if !in.Done && in.Note == "" {
		return unprocessable("note", "The field note is empty.", "Say why it could not be done: somebody else must take it up from there.")
	}
	if in.Receipt != "" && in.Done {
		return s.endByReceipt(c, task, in)
	}
	task, err = s.store.EndTask(c.r.Context(), store.TaskEnd{ID: task.ID, Done: in.Done, Note: in.Note, Evidence: in.Evidence, By: c.holder.Person})
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, task)
}

// endByReceipt ends a task about a filing by what the authority gave for it.
func (s *server) endByReceipt(c *call, task store.Task, in TaskEnd) error {
	r := store.Receipt{Incident: task.IncidentID, Key: task.Ref, Number: in.Receipt, At: in.ReceivedAt, Who: intake.Line(in.ReceivedBy, 200), By: c.holder.Person}
	if in.Evidence != "" {
		r.Evidence = []string{in.Evidence}
	}
	if _, err := s.store.RecordReceipt(c.r.Context(), r); err != nil {
		return err
	}
	task, err := s.store.Task(c.r.Context(), task.ID)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, task)
}
