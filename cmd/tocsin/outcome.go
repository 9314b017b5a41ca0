package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
)

func peopleOutcomeCommand() *cobra.Command {
	var o viewOptions
	var in api.OutcomeIn
	cmd := &cobra.Command{
		Use:   "outcome INCIDENT --email ADDRESS|--phone NUMBER|--id ID --why REASON",
		Short: "Show how telling one person went, masked; every look is journalled",
		Long: `Show how telling one person went: each message, when it left, what came of it. It finds everybody behind the contact, and the
guardians of the same children. Names and contacts are masked. Leads and auditors may look; an auditor needs a lead's grant to look
at a child (tocsin people grant). Every look is journalled with its reason, also one that finds nobody.`,
		Example: `  tocsin people outcome INC-2026-0001 --email mother@example.com --why "she called and got nothing"
  tocsin people outcome INC-2026-0001 --phone 13800138000 --why "complaint 17"
  tocsin people outcome INC-2026-0001 --id U1000231 --why "asked by the authority" --output json`,
		Args: cobra.ExactArgs(1),
	}
	cmd.RunE = act(&o, func(breach.IncidentID, []string) (order, error) {
		if strings.TrimSpace(in.Why) == "" {
			return order{}, usage("say why you look: --why \"she called and got nothing\" (without naming anybody; it is kept for the record)")
		}
		given := slices.DeleteFunc([]string{in.Email, in.Phone, in.ID}, func(s string) bool { return strings.TrimSpace(s) == "" })
		if len(given) != 1 {
			return order{}, usage("say whom: one of --email, --phone and --id")
		}
		return order{http.MethodPost, "/people/outcome", in}, nil
	}, func(p *page, _ breach.IncidentID, l api.OutcomeList) { p.outcomes(l) })
	o.add(cmd)
	cmd.Flags().StringVar(&in.Email, "email", "", "mail address, as on file")
	cmd.Flags().StringVar(&in.Phone, "phone", "", "telephone number")
	cmd.Flags().StringVar(&in.ID, "id", "", "your own id of the account, as the file had it")
	cmd.Flags().StringVar(&in.Why, "why", "", "why you look; kept for the record")
	return cmd
}

func (p *page) outcomes(l api.OutcomeList) {
	if len(l.Outcomes) == 0 {
		p.line("%s", p.say("名册里没有这个人。查询已记录。", "Nobody on file has this. The look is journalled."))
		return
	}
	for _, x := range l.Outcomes {
		who := x.Name
		if x.Person != "" {
			who += p.say("（代 "+x.Person+"）", " (for "+x.Person+")")
		}
		p.line("%s", p.paint(text.Bold, fmt.Sprintf("#%d  %s, %s, %s", x.Recipient, who, p.audience(x.Audience), x.Law)))
		p.item(p.say("联系方式", "Contacts"), strings.Trim(x.Email+"  "+x.Phone, " "))
		state := p.recipientState(x.State)
		if x.ToldBy != nil {
			state += fmt.Sprintf(" (%s, %s)", *x.ToldBy, stamp(x.ToldAt))
		}
		p.item(p.say("收件人", "Recipient"), state)
		p.item(p.say("当事人", "The person"), p.recipientState(x.PersonIs))
		var rows []table.Row
		for _, t := range x.Tries {
			resent := ""
			if t.Resent {
				resent = p.say("重发过", "resent")
			}
			rows = append(rows, table.Row{t.Campaign, t.Channel, p.deliveryState(t.State), t.Tries, stamp(t.IntentAt), stamp(t.OutcomeAt), t.Code, resent})
		}
		if len(rows) > 0 {
			p.table(table.Row{p.say("告知", "Notice"), p.say("渠道", "Channel"), p.say("结果", "Outcome"), p.say("次数", "Tries"), p.say("发出", "Left"), p.say("结果时间", "Outcome at"), p.say("代码", "Code"), ""}, rows)
		}
	}
}

func (p *page) recipientState(s breach.RecipientState) string {
	switch s {
	case breach.RecipientTold:
		return p.say("已告知", "told")
	case breach.RecipientOpen:
		return p.say("进行中", "open")
	case breach.RecipientMissed:
		return p.say("各渠道均未送达", "missed by every channel")
	case breach.RecipientPublic:
		return p.say("公告告知", "told by public notice")
	case breach.RecipientExempt:
		return p.say("依法免除", "lawfully exempt")
	}
	return string(s)
}

// deliveryState says how far a message has come.
func (p *page) deliveryState(s breach.DeliveryState) string {
	switch s {
	case breach.DeliveryClaimed, breach.DeliveryIntent:
		return p.say("发送中", "being sent")
	case breach.DeliveryAccepted:
		return p.say("已接收", "accepted")
	case breach.DeliveryRejected:
		return p.say("拒收", "refused")
	case breach.DeliveryTemporary:
		return p.say("暂时拒收，将重试", "refused for now")
	case breach.DeliveryInDoubt:
		return p.say("存疑", "in doubt")
	case breach.DeliveryBounced:
		return p.say("退回", "bounced")
	}
	return string(s)
}

func peopleGrantCommand() *cobra.Command {
	var o viewOptions
	var in api.GrantIn
	var to string
	cmd := &cobra.Command{
		Use:     "grant INCIDENT --to PERSON --why REASON",
		Short:   "Let somebody look at how telling children went; leads only, never oneself",
		Example: `  tocsin people grant INC-2026-0001 --to audit.zhou --hours 8 --why "checks the complaint of a guardian"`,
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = act(&o, func(breach.IncidentID, []string) (order, error) {
		in.To = breach.Person(to)
		if to == "" || strings.TrimSpace(in.Why) == "" {
			return order{}, usage("say to whom and why: --to PERSON --why REASON")
		}
		return order{http.MethodPost, "/people/grants", in}, nil
	}, func(p *page, _ breach.IncidentID, done api.Granted) {
		p.line("%s", p.say(fmt.Sprintf("%s 可查看到 %s。", done.To, stamp(&done.UntilAt)), fmt.Sprintf("%s may look until %s.", done.To, stamp(&done.UntilAt))))
	})
	o.add(cmd)
	cmd.Flags().StringVar(&to, "to", "", "the person who may look")
	cmd.Flags().IntVar(&in.Hours, "hours", 24, "for how long")
	cmd.Flags().StringVar(&in.Why, "why", "", "why; kept for the record")
	return cmd
}
