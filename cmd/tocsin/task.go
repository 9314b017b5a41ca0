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
  tocsin task complete 0193f2a4-… --receipt 2026-0815 --at now --who "duty desk"   # a report handed over by hand
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
		if t.Owner != nil {
			p.wrapped(4, p.say("负责人：", "Owner: ")+string(*t.Owner))
		}
		if t.Outcome == nil {
			if t.Kind.IsFollowUp() && t.Text != "" {
				p.wrapped(4, p.say("要求：", "Asked for: ")+t.Text)
			}
			p.wrapped(4, t.Detail.In(p.lang))
		}
	}
}

func taskEndCommand(done bool) *cobra.Command {
	var o viewOptions
	var in api.TaskEnd
	var at, proof string
	in.Done = done
	cmd := &cobra.Command{
		Use:   "complete TASK",
		Short: "Say that a task was done",
		Long: `Say that a task was done. What an authority asked for ends with a note of what was done, an order to rectify also with --proof.
A report handed over by hand ends with its receipt: the number, when and by whom it was taken.`,
		Example: `  tocsin task complete 0193f2a4-… --note "host isolated at 03:40"
  tocsin task complete 0193f2a4-… --receipt 2026-0815 --at 2026-11-22T03:40+08:00 --who "duty desk 12387"
  tocsin task complete 0193f2a4-… --note "port closed, scan attached" --proof scan.pdf`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			if !done && strings.TrimSpace(in.Note) == "" {
				return usage("say why it could not be done: --note \"the console does not answer\"")
			}
			if (in.Receipt != "") != (at != "" || in.ReceivedBy != "") {
				return usage("a receipt needs --receipt, --at and --who together")
			}
			if at != "" {
				when, err := instant("at", at)
				if err != nil {
					return err
				}
				in.ReceivedAt = when
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var t store.Task
			if proof != "" {
				if err := c.get(cmd.Context(), "/v1/tasks/"+escape(args[0]), &t); err != nil {
					return err
				}
				kind := store.EvidenceProof
				if in.Receipt != "" {
					kind = store.EvidenceReceipt
				}
				e, err := c.keep(cmd.Context(), t.IncidentID, kind, t.Subject, proof)
				if err != nil {
					return err
				}
				in.Evidence = e.ID
			}
			if err := c.send(cmd.Context(), http.MethodPost, "/v1/tasks/"+escape(args[0])+"/end", in, &t); err != nil {
				return err
			}
			return o.show(cmd, t, func(p *page) {
				p.line("%s", p.say("已记录：", "Recorded: ")+t.Title.In(p.lang))
			})
		},
	}
	if !done {
		cmd.Long = ""
		cmd.Use, cmd.Short = "fail TASK", "Say that a task could not be done, and why; it is never counted as done"
		cmd.Example = "  tocsin task fail 0193f2a4-… --note \"the console does not answer\""
	} else {
		cmd.Flags().StringVar(&in.Receipt, "receipt", "", "of a report handed over by hand: the receipt's number")
		cmd.Flags().StringVar(&at, "at", "", "with a receipt: when the authority took the report, an instant with its zone, or now")
		cmd.Flags().StringVar(&in.ReceivedBy, "who", "", "with a receipt: who took it; kept sealed")
		cmd.Flags().StringVar(&proof, "proof", "", "a file that proves it, kept as evidence")
	}
	o.add(cmd)
	cmd.Flags().StringVar(&in.Note, "note", "", "what was done, or why not; kept sealed")
	return cmd
}
