package main

import (
	"context"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

func journalCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "journal",
		Short: "Show and verify an incident's journal, directly in the database",
		Example: `  tocsin journal show INC-2026-0001
  tocsin journal verify INC-2026-0001`,
	}
	cmd.AddCommand(journalShowCommand(), journalVerifyCommand())
	return cmd
}

func journalShowCommand() *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:     "show INCIDENT",
		Short:   "Show who did what when, oldest first",
		Example: "  tocsin journal show INC-2026-0001\n  tocsin journal show INC-2026-0001 --output json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := incidentArg(args)
			if err != nil {
				return err
			}
			if err := o.check(); err != nil {
				return err
			}
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				entries, err := wholeJournal(ctx, s, id)
				if err != nil {
					return err
				}
				return o.show(cmd, entries, func(p *page) { p.journal(entries) })
			})
		},
	}
	o.add(cmd)
	return cmd
}

// wholeJournal reads an incident's journal page by page.
func wholeJournal(ctx context.Context, s *store.Store, id breach.IncidentID) ([]store.JournalEntry, error) {
	const size = 1000
	all := []store.JournalEntry{}
	for {
		after := int64(0)
		if len(all) > 0 {
			after = all[len(all)-1].Seq
		}
		entries, err := s.Journal(ctx, id, after, size)
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
		if len(entries) < size {
			return all, nil
		}
	}
}

func (p *page) journal(entries []store.JournalEntry) {
	rows := make([]table.Row, len(entries))
	for i, e := range entries {
		rows[i] = table.Row{e.Seq, stamp(&e.At), e.Actor, e.Action, e.Subject}
	}
	p.table(table.Row{"#", p.say("时间", "At"), p.say("操作人", "Who"), p.say("动作", "What"), p.say("对象", "Of what")}, rows)
}

func journalVerifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify INCIDENT",
		Short: "Recompute the chain of hashes and name the first entry that does not fit",
		Long: `Recompute the chain of hashes from the first entry to the last and compare it with its head. An entry that was changed, left
out, moved or cut off is named, and the exit code is 1. Whoever can rewrite the whole database can also rewrite the chain: keep
copies of the head elsewhere.`,
		Example: "  tocsin journal verify INC-2026-0001",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := incidentArg(args)
			if err != nil {
				return err
			}
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				entries, err := s.VerifyJournal(ctx, id)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %d entries, the chain holds from the first to the last.\n", id, entries)
				return nil
			})
		},
	}
}
