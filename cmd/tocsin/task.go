package main

import (
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/store"
)

func taskCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "task",
		Short: "See what people must do, and say what was done",
		Example: `  tocsin task list INC-2026-0001
  tocsin task complete 0193f2a4-… --note "host isolated at 03:40"
  tocsin task complete 0193f2a4-… --receipt 2026-0815   # a report handed over by hand
  tocsin task fail 0193f2a4-… --note "the console does not answer"`,
	}
	addAPIFlags(cmd)
	cmd.AddCommand(taskListCommand(), taskEndCommand(true), taskEndCommand(false))
	return cmd
}

func taskListCommand() *cobra.Command {
	var o viewOptions
	var all bool
	cmd := &cobra.Command{
		Use:     "list INCIDENT",
		Short:   "List what people must do, the most pressing first",
		Example: "  tocsin task list INC-2026-0001\n  tocsin task list INC-2026-0001 --all --output json",
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = query(&o, func(args []string) (string, error) {
		return incidentPath("/tasks" + map[bool]string{true: "?all=true"}[all])(args)
	}, (*page).tasks)
	o.add(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "also those that have ended")
	return cmd
}

func (p *page) tasks(l api.TaskList) {
	if len(l.Tasks) == 0 {
		p.line("%s", p.say("没有待办。", "Nothing waits for a person."))
		return
	}
	for _, t := range l.Tasks {
		state := string(t.OwnerRole)
		if t.DueAt != nil && t.Outcome == nil {
			state += "  " + p.left(t.DueAt.Sub(now()))
		}
		if t.Outcome != nil {
			state = p.say(map[string]string{"done": "已完成", "not_done": "未能完成"}[*t.Outcome], strings.ReplaceAll(*t.Outcome, "_", " ")) + ", " + *t.DoneBy + ", " + stamp(t.DoneAt)
		}
		p.line("%s  %s", t.ID, state)
		p.wrapped(2, t.Title.In(p.lang))
		if t.Outcome == nil {
			p.wrapped(4, t.Detail.In(p.lang))
		}
	}
}

func taskEndCommand(done bool) *cobra.Command {
	var o viewOptions
	var note, receipt string
	cmd := &cobra.Command{
		Use:     "complete TASK",
		Short:   "Say that a task was done",
		Example: "  tocsin task complete 0193f2a4-… --note \"host isolated at 03:40\"\n  tocsin task complete 0193f2a4-… --receipt 2026-0815",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			if !done && strings.TrimSpace(note) == "" {
				return usage("say why it could not be done: --note \"the console does not answer\"")
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var t store.Task
			if err := c.send(cmd.Context(), http.MethodPost, "/v1/tasks/"+escape(args[0])+"/end", api.TaskEnd{Done: done, Receipt: receipt, Note: note}, &t); err != nil {
				return err
			}
			return o.show(cmd, t, func(p *page) {
				p.line("%s", p.say("已记录：", "Recorded: ")+t.Title.In(p.lang))
			})
		},
	}
	if !done {
		cmd.Use, cmd.Short = "fail TASK", "Say that a task could not be done, and why; it is never counted as done"
		cmd.Example = "  tocsin task fail 0193f2a4-… --note \"the console does not answer\""
	} else {
		cmd.Flags().StringVar(&receipt, "receipt", "", "of a report handed over by hand: the receipt's number")
	}
	o.add(cmd)
	cmd.Flags().StringVar(&note, "note", "", "what was done, or why not; kept sealed")
	return cmd
}
