package main

import (
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"tocsin/internal/breach"
)

func peopleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "people",
		Short: "Import and count affected people",
		Example: `  tocsin people import INC-2026-0001 people.csv
  tocsin people issues INC-2026-0001 --import 1
  tocsin people count INC-2026-0001
  tocsin people fields`,
	}
	addAPIFlags(cmd)
	cmd.AddCommand(peopleImportCommand(), peopleIssuesCommand(), peopleCountCommand(), peopleSegmentsCommand(), peopleOutcomeCommand(), peopleGrantCommand(), peopleExemptCommand(), peopleExemptDecideCommand(), peopleFieldsCommand())
	return cmd
}

func peopleCountCommand() *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:     "count INCIDENT",
		Short:   "Count affected people by where they stand; the parts always add up",
		Example: "  tocsin people count INC-2026-0001\n  tocsin people count INC-2026-0001 --output json",
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = query(&o, incidentPath("/people/count"), func(p *page, t breach.Tally) {
		row := func(zh, en string, n int64) table.Row { return table.Row{p.say(zh, en), n} }
		p.table(table.Row{p.say("受影响的人", "Affected people"), p.say("人数", "Number")}, []table.Row{
			row("受影响", "affected", t.Affected), row("　其中未成年人", "  of them minors", t.Minors), row("　其中不满十四周岁", "  of them under 14", t.Under14),
			row("已逐一告知", "told", t.Told), row("公告告知", "told by public notice", t.Public), row("依法免除告知", "lawfully exempt", t.Exempt),
			row("进行中", "still open", t.Open), row("无法送达", "missed by every channel", t.Missed),
		})
		if !t.Reconciles() {
			p.line("%s", p.say("各项之和与总数不符，请通知系统管理员。", "The parts do not add up: tell whoever runs Tocsin."))
		}
	})
	o.add(cmd)
	return cmd
}
