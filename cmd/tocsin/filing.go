package main

import (
	"context"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

func filingCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "filing",
		Short: "Reports to authorities, from the form's answers over approval to the receipt and what follows",
		Example: `  tocsin filing list INC-2026-0001
  tocsin filing edit INC-2026-0001 cn-cac-other/cn-cac-provincial
  tocsin filing diff INC-2026-0001 cn-cac-other/cn-cac-provincial
  tocsin filing approve INC-2026-0001 cn-cac-other/cn-cac-provincial
  tocsin filing receipt INC-2026-0001 cn-cac-other/cn-cac-provincial --number 2026-0815 --at now --who "duty desk 12387"`,
	}
	addAPIFlags(cmd)
	list := filingListCommand()
	cmd.AddCommand(list)
	cmd.AddCommand(documentCommands(documentNoun{
		what: "a report to an authority", kinds: []breach.DocumentKind{breach.DocFiling}, second: "DUTY",
		example: "INC-2026-0001 cn-cac-other/cn-cac-provincial", find: findFiling,
	})...)
	cmd.AddCommand(filingFormCommand(), filingAnswerCommand(), filingEditCommand(), filingVersionsCommand(), filingDiffCommand(), filingExportCommand(), filingPasteCommand())
	cmd.AddCommand(filingReceiptCommand(), filingHoldCommand(), filingReleaseCommand(), filingWaiveCommand(), filingWithdrawCommand())
	cmd.AddCommand(followUpCommands()...)
	return cmd
}

func filingListCommand() *cobra.Command {
	var o viewOptions
	var all bool
	cmd := &cobra.Command{
		Use:     "list INCIDENT",
		Short:   "List duties to report with their deadlines, documents and receipts",
		Example: "  tocsin filing list INC-2026-0001\n  tocsin filing list INC-2026-0001 --all --output json",
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = query(&o, incidentPath("/filings"), func(p *page, l api.FilingList) { p.filings(l, all) })
	o.add(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "also those that another report covers, or that are no longer owed")
	return cmd
}

// filings lists each duty with its key on a line of its own, since that is what is typed next.
func (p *page) filings(l api.FilingList, all bool) {
	left := 0
	for _, v := range l.Filings {
		o := v.Obligation
		if !all && (o.Status == store.ObligationCovered || o.Status == store.ObligationGone) {
			left++
			continue
		}
		p.line("%s  %s  %s", p.paint(text.Bold, o.Key), p.status(o), p.dueIn(o))
		p.wrapped(2, o.Result.Title.In(p.lang)+" → "+o.Result.Addressee.In(p.lang))
		if target(o) != nil {
			p.wrapped(2, p.say("时限：", "Due: ")+o.Due().In(p.lang))
		}
		if s := p.drafted(v); s != "" {
			p.line("  %s", s)
		}
	}
	switch {
	case len(l.Filings) == 0:
		p.line("%s", p.say("目前没有报告义务。", "There is nothing to report to anybody yet."))
	case left > 0:
		p.line("%s", p.say(fmt.Sprintf("另有 %d 项由以上报告一并履行或不再适用（--all 可见）。", left), fmt.Sprintf("%d more are covered by these, or no longer owed (--all shows them).", left)))
	}
}

// dueIn is the time left to a duty's instant, or the instant itself where nothing counts any more.
func (p *page) dueIn(o store.Obligation) string {
	at := target(o)
	switch {
	case at == nil:
		return o.Result.Deadline.In(p.lang)
	case o.Status.Ended():
		return breach.Instant(*at, o.Result.Zone, p.lang)
	}
	return p.left(at.Sub(now()))
}

// drafted tells of a report's document and receipt.
func (p *page) drafted(v api.FilingView) string {
	if v.Document == nil {
		return ""
	}
	s := p.say(fmt.Sprintf("第 %d 版，起草 %s，", v.Document.Version, v.Document.Author), fmt.Sprintf("version %d, prepared by %s, ", v.Document.Version, v.Document.Author))
	if v.Document.ApprovedAt != nil {
		s += p.say("批准 ", "approved by ")
	}
	s += p.approval(*v.Document)
	if f := v.Filing; f != nil {
		s += p.say("；报送：", "; filing ") + f.State
		if f.Reference != "" {
			s += p.say("，回执 ", ", receipt ") + f.Reference
		}
	}
	for _, r := range v.Receipts {
		if r.Acknowledged {
			s += p.say("；对方确认 ", "; acknowledged ") + stamp(&r.At)
		}
	}
	return s
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
