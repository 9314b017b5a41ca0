package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

func noticeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notice",
		Short: "Write, preview, approve and refuse notices to people; follow, halt and prove their sending",
		Example: `  tocsin notice list INC-2026-0001
  tocsin notice show INC-2026-0001 notice/1
  tocsin notice preview INC-2026-0001 1 --audience guardian
  tocsin notice diff INC-2026-0001 notice/1
  tocsin notice approve INC-2026-0001 notice/1
  tocsin notice status INC-2026-0001 --watch
  tocsin notice halt INC-2026-0001 1`,
	}
	addAPIFlags(cmd)
	cmd.AddCommand(noticeListCommand())
	cmd.AddCommand(documentCommands(documentNoun{
		what: "a notice", kinds: []breach.DocumentKind{breach.DocNotice, breach.DocPublicNotice}, second: "NOTICE",
		example: "INC-2026-0001 notice/1", find: findNotice,
	})...)
	cmd.AddCommand(haltCommand(true), haltCommand(false))
	cmd.AddCommand(noticeStatusCommand(), noticeReconcileCommand(), noticeSupplementCommand(), noticeWordsCommand(), noticePreviewCommand(), noticeTestSendCommand(), noticeVersionsCommand(), noticeDiffCommand())
	return cmd
}

func noticeListCommand() *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:     "list INCIDENT",
		Short:   "List notices to people and to the public with their state",
		Example: "  tocsin notice list INC-2026-0001\n  tocsin notice list INC-2026-0001 --output json",
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = query(&o, incidentPath("/notices"), (*page).notices)
	o.add(cmd)
	return cmd
}

func (p *page) notices(l api.NoticeList) {
	if len(l.Documents)+len(l.Campaigns)+len(l.Published) == 0 {
		p.line("%s", p.say("目前没有告知。", "There are no notices yet."))
		return
	}
	var rows []table.Row
	for _, d := range l.Documents {
		rows = append(rows, table.Row{d.Subject, p.kind(d.Kind), d.Version, d.Author, p.approval(d), d.ID})
	}
	if len(rows) > 0 {
		p.table(table.Row{p.say("告知", "Notice"), p.say("种类", "Kind"), p.say("版", "Version"), p.say("起草", "Prepared by"), p.say("审批", "Approval"), p.say("文书", "Document")}, rows, 4)
	}
	for _, c := range l.Campaigns {
		p.campaign(c)
	}
	for _, n := range l.Published {
		p.line("  %s", p.say(fmt.Sprintf("公告 %s，%s 发布，公示至 %s", n.Number, stamp(&n.PublishedAt), stamp(&n.UntilAt)),
			fmt.Sprintf("public notice %s, published %s, posted until %s", n.Number, stamp(&n.PublishedAt), stamp(&n.UntilAt))))
	}
}

// approval tells how far the approvals of a version have come: several people may be needed.
func (p *page) approval(d store.Document) string {
	switch {
	case d.ApprovedAt == nil && d.Approvals > 1:
		given := fmt.Sprintf("%d/%d", len(d.Approvers), d.Approvals)
		if len(d.Approvers) > 0 {
			given += p.say("：", ": ") + joined(d.Approvers)
		}
		return p.say("待审批（"+given+"）", "awaits approval ("+given+")")
	case d.ApprovedAt == nil:
		return p.say("待审批", "awaits approval")
	}
	return joined(d.Approvers) + ", " + stamp(d.ApprovedAt)
}

// findNotice finds the current version of a notice by its subject, "notice/1" or "public/1".
func findNotice(ctx context.Context, c *client, id breach.IncidentID, subject string) (breach.DocumentID, error) {
	var l api.NoticeList
	if err := c.get(ctx, "/v1/incidents/"+string(id)+"/notices", &l); err != nil {
		return "", err
	}
	for _, d := range l.Documents {
		if d.Subject == subject {
			return d.ID, nil
		}
	}
	return "", fmt.Errorf("%s has no notice %s: tocsin notice list %[1]s shows them", id, subject)
}

func haltCommand(halted bool) *cobra.Command {
	var o viewOptions
	act, short := "resume", "Let a halted campaign go on"
	if halted {
		act, short = "halt", "Stop a campaign's sending at once; what was sent stays sent"
	}
	cmd := &cobra.Command{
		Use:     act + " INCIDENT [NUMBER]",
		Short:   short,
		Example: "  tocsin notice " + act + " INC-2026-0001\n  tocsin notice " + act + " INC-2026-0001 2",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			id, err := incidentArg(args)
			if err != nil {
				return err
			}
			n := 1
			if len(args) == 2 {
				if n, err = strconv.Atoi(args[1]); err != nil || n < 1 {
					return usage("NUMBER is a campaign's number, 1 or higher")
				}
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var campaign store.Campaign
			if err := c.send(cmd.Context(), http.MethodPost, fmt.Sprintf("/v1/incidents/%s/campaigns/%d/%s", id, n, act), nil, &campaign); err != nil {
				return err
			}
			return o.show(cmd, campaign, func(p *page) {
				if campaign.HaltedAt != nil {
					p.line("%s", p.say("已暂停发送。", "The sending is halted."))
				} else {
					p.line("%s", p.say("已恢复发送。", "The sending goes on."))
				}
			})
		},
	}
	o.add(cmd)
	return cmd
}
