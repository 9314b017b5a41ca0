package main

import (
	"context"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
)

func filingCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "filing",
		Short: "Read, approve and refuse reports to authorities",
		Example: `  tocsin filing list INC-2026-0001
  tocsin filing show INC-2026-0001 cn-cac-other/cn-cac-provincial
  tocsin filing approve INC-2026-0001 cn-cac-other/cn-cac-provincial`,
	}
	addAPIFlags(cmd)
	list := filingListCommand()
	cmd.AddCommand(list)
	cmd.AddCommand(documentCommands(documentNoun{
		what: "a report to an authority", kinds: []breach.DocumentKind{breach.DocFiling}, second: "DUTY",
		example: "INC-2026-0001 cn-cac-other/cn-cac-provincial", find: findFiling,
	})...)
	return cmd
}

func filingListCommand() *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:     "list INCIDENT",
		Short:   "List duties to report with their deadlines, documents and receipts",
		Example: "  tocsin filing list INC-2026-0001\n  tocsin filing list INC-2026-0001 --output json",
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = query(&o, incidentPath("/filings"), (*page).filings)
	o.add(cmd)
	return cmd
}

func (p *page) filings(l api.FilingList) {
	if len(l.Filings) == 0 {
		p.line("%s", p.say("目前没有报告义务。", "There is nothing to report to anybody yet."))
		return
	}
	var rows []table.Row
	for _, v := range l.Filings {
		left := "–"
		if at := target(v.Obligation); at != nil {
			left = stamp(at)
			if !v.Obligation.Status.Ended() {
				left = p.left(at.Sub(now()))
			}
		}
		rows = append(rows, p.filingRow(v, left))
	}
	p.table(table.Row{p.say("期限", "Due"), p.say("义务", "Duty"), p.say("状态", "Status"), p.say("文书", "Document"), p.say("回执", "Receipt")}, rows, 1, 2, 3, 4)
}

// findFiling finds the current version for a duty.
func findFiling(ctx context.Context, c *client, id breach.IncidentID, key string) (breach.DocumentID, error) {
	var l api.FilingList
	if err := c.get(ctx, "/v1/incidents/"+string(id)+"/filings", &l); err != nil {
		return "", err
	}
	for _, v := range l.Filings {
		if v.Obligation.Key != key {
			continue
		}
		if v.Document == nil {
			return "", fmt.Errorf("there is no draft for %s yet", key)
		}
		return v.Document.ID, nil
	}
	return "", fmt.Errorf("%s has no duty %s to report: tocsin filing list %[1]s shows them", id, key)
}
