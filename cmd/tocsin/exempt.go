package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

func peopleExemptCommand() *cobra.Command {
	var o viewOptions
	var in api.ExemptionIn
	var reason string
	cmd := &cobra.Command{
		Use:   "exempt INCIDENT",
		Short: "List whom the law frees us from telling, or ask for one person; another person approves",
		Long: `Without flags it lists the exemptions. With a person and a reason it asks for one; another person decides (tocsin people
exempt-decide). The reasons are deceased, law_enforcement, harm_avoided and court_order; there are no others. Each names its article;
all but a death name the paper they stand on, and a death says who is told instead. Who is exempt counts so, and no message names
them any more.`,
		Example: `  tocsin people exempt INC-2026-0001
  tocsin people exempt INC-2026-0001 --id U1000231 --reason deceased --article "45 CFR 164.404(d)(1)(ii)" --next-of-kin "daughter, told by letter" --why "relatives called"
  tocsin people exempt INC-2026-0001 --email a@example.com --reason law_enforcement --article "45 CFR 164.412" --paper EV-0007 --why "written request of the police"`,
		Args: cobra.ExactArgs(1),
	}
	ask := act(&o, func(breach.IncidentID, []string) (order, error) {
		in.Reason = breach.ExemptReason(reason)
		if err := in.Reason.Check(in.Article, in.Paper, in.NextOfKin); err != nil {
			return order{}, usage("%v", err)
		}
		if strings.TrimSpace(in.Why) == "" {
			return order{}, usage("say how it is known: --why \"relatives called\"")
		}
		return order{http.MethodPost, "/exemptions", in}, nil
	}, func(p *page, id breach.IncidentID, e store.Exemption) {
		p.line("%s", p.say(fmt.Sprintf("已提请第 %d 号免除，须由另一人决定：tocsin people exempt-decide %s %d --approve", e.No, id, e.No),
			fmt.Sprintf("Asked for exemption %d; another person decides: tocsin people exempt-decide %s %d --approve", e.No, id, e.No)))
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if reason == "" && in.Email+in.Phone+in.ID == "" {
			return query(&o, incidentPath("/exemptions"), (*page).exemptions)(cmd, args)
		}
		return ask(cmd, args)
	}
	o.add(cmd)
	f := cmd.Flags()
	f.StringVar(&in.Email, "email", "", "the person's mail address")
	f.StringVar(&in.Phone, "phone", "", "the person's telephone number")
	f.StringVar(&in.ID, "id", "", "your own id of the person's account")
	f.StringVar(&reason, "reason", "", "deceased, law_enforcement, harm_avoided or court_order")
	f.StringVar(&in.Article, "article", "", "where the law frees us, such as PIPL 57(2)")
	f.StringVar(&in.Paper, "paper", "", "the paper it stands on: evidence id or file number; sealed")
	f.StringVar(&in.NextOfKin, "next-of-kin", "", "for the deceased: who is told instead, or why nobody; sealed")
	f.StringVar(&in.Why, "why", "", "how it is known; sealed")
	return cmd
}

func (p *page) exemptions(l api.ExemptionList) {
	if len(l.Exemptions) == 0 {
		p.line("%s", p.say("没有免除告知的人。", "Nobody is exempt."))
		return
	}
	var rows []table.Row
	for _, e := range l.Exemptions {
		state := p.say("待决定", "awaits a decision")
		switch {
		case e.LiftedAt != nil:
			state = p.say("已解除", "lifted") + ", " + stamp(e.LiftedAt)
		case e.ApprovedAt != nil:
			state = string(*e.ApprovedBy) + ", " + stamp(e.ApprovedAt)
		case e.RefusedAt != nil:
			state = p.say("已拒绝", "refused") + ", " + stamp(e.RefusedAt)
		}
		rows = append(rows, table.Row{e.No, e.Reason, e.Article, string(e.AskedBy) + ", " + stamp(&e.AskedAt), state})
	}
	p.table(table.Row{p.say("编号", "No."), p.say("理由", "Reason"), p.say("依据", "Article"), p.say("提请", "Asked by"), p.say("决定", "Decision")}, rows)
}

func peopleExemptDecideCommand() *cobra.Command {
	var o viewOptions
	var approve, refuse bool
	var lift string
	cmd := &cobra.Command{
		Use:   "exempt-decide INCIDENT NUMBER --approve|--refuse|--lift REASON",
		Short: "Decide on an exemption that another person asked for, or lift one",
		Example: `  tocsin people exempt-decide INC-2026-0001 1 --approve
  tocsin people exempt-decide INC-2026-0001 1 --lift "the police released it on 3 December"`,
		Args: cobra.ExactArgs(2),
	}
	cmd.RunE = act(&o, func(id breach.IncidentID, args []string) (order, error) {
		n, err := strconv.Atoi(args[1])
		if err != nil || n < 1 {
			return order{}, usage("NUMBER is an exemption's number; tocsin people exempt %s lists them", id)
		}
		given := 0
		for _, b := range []bool{approve, refuse, lift != ""} {
			if b {
				given++
			}
		}
		if given != 1 {
			return order{}, usage("give one of --approve, --refuse and --lift REASON")
		}
		path := fmt.Sprintf("/exemptions/%d/decision", n)
		switch {
		case refuse:
			return order{http.MethodPost, path, api.ExemptionDecision{Verdict: breach.Refused}}, nil
		case lift != "":
			return order{http.MethodPost, fmt.Sprintf("/exemptions/%d/lift", n), api.Reassessment{Why: lift}}, nil
		}
		return order{http.MethodPost, path, api.ExemptionDecision{Verdict: breach.Approved}}, nil
	}, func(p *page, _ breach.IncidentID, e store.Exemption) {
		p.exemptions(api.ExemptionList{Exemptions: []store.Exemption{e}})
	})
	o.add(cmd)
	cmd.Flags().BoolVar(&approve, "approve", false, "the law frees us from telling them")
	cmd.Flags().BoolVar(&refuse, "refuse", false, "they must be told")
	cmd.Flags().StringVar(&lift, "lift", "", "end an exemption in force, with the reason: the person is open again")
	return cmd
}
