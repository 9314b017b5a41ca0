package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

func filingReceiptCommand() *cobra.Command {
	var o viewOptions
	var number, at, who string
	var files []string
	var acknowledged bool
	cmd := &cobra.Command{
		Use:   "receipt",
		Short: "Record what an authority gave for a report: its number, when and by whom it was taken",
		Long: `Record what an authority gave for a report: the receipt's number, when it was taken and by whom, with a photo or a PDF as
evidence. A number or a file is required. It closes a report that was handed over by hand, settles one in doubt, and adds to
one that left by itself. With --acknowledged the authority has confirmed it in substance, and the duty rests.`,
		Example: `  tocsin filing receipt ` + dutyExample + ` --number 2026-0815 --at 2026-11-22T03:40+08:00 --who "duty desk 12387"
  tocsin filing receipt ` + dutyExample + ` --at now --who "counter 3, officer Li" --file receipt.jpg
  tocsin filing receipt ` + dutyExample + ` --number 2026-0815 --at now --who "case handler" --acknowledged`,
	}
	f := cmd.Flags()
	f.StringVar(&number, "number", "", "the authority's number")
	f.StringVar(&at, "at", "", "when the authority took it: an instant with its zone, or now; required")
	f.StringVar(&who, "who", "", "who took it there: a name, a post, a desk, a portal; required, kept sealed")
	f.StringArrayVar(&files, "file", nil, "a photo or PDF of the receipt, kept as evidence; may be repeated")
	f.BoolVar(&acknowledged, "acknowledged", false, "the authority has confirmed the report")
	return onDuty(&o, cmd, func(cmd *cobra.Command, c *client, id breach.IncidentID, key string) error {
		switch {
		case at == "":
			return usage("say when the authority took it: --at 2026-11-22T03:40+08:00")
		case strings.TrimSpace(who) == "":
			return usage("say who took it: --who \"duty desk 12387\"")
		case strings.TrimSpace(number) == "" && len(files) == 0:
			return usage("a receipt needs its --number, or a --file with a photo or PDF of it")
		}
		when, err := instant("at", at)
		if err != nil {
			return err
		}
		ids, err := c.keepAll(cmd.Context(), id, store.EvidenceReceipt, key, files)
		if err != nil {
			return err
		}
		var r store.Receipt
		in := api.ReceiptIn{Duty: key, Number: number, At: when, Who: who, Acknowledged: acknowledged, Evidence: ids}
		if err := c.send(cmd.Context(), http.MethodPost, "/v1/incidents/"+string(id)+"/filing/receipt", in, &r); err != nil {
			return err
		}
		return o.show(cmd, r, func(p *page) {
			p.line("%s", p.say("已记录回执：", "Receipt recorded: ")+key+" "+r.Number)
		})
	})
}

func filingHoldCommand() *cobra.Command {
	var o viewOptions
	var until, asked, why, file string
	cmd := &cobra.Command{
		Use:   "hold",
		Short: "Propose that a duty's clock rest, because an authority asks for it in writing; another person decides",
		Long: `Propose that a duty's clock rest until an instant, because an authority, such as the police, asks for it. A hold rests on the
authority's paper, which is kept as evidence, and is in force once another person has approved it. It never hides the law's own
instant. Telling people is delayed by the facts that the law names, not by a hold.`,
		Example: `  tocsin filing hold ` + dutyExample + ` --until 2026-12-01T00:00+08:00 --asked-by "city police, case desk" --why "an arrest is near" --file letter.pdf`,
	}
	f := cmd.Flags()
	f.StringVar(&until, "until", "", "when it ends: an instant with its zone; required")
	f.StringVar(&asked, "asked-by", "", "which authority asks, and who there; required, kept sealed")
	f.StringVar(&why, "why", "", "the reason; required, kept sealed")
	f.StringVar(&file, "file", "", "the authority's paper; required")
	return onDuty(&o, cmd, func(cmd *cobra.Command, c *client, id breach.IncidentID, key string) error {
		if until == "" || strings.TrimSpace(asked) == "" || strings.TrimSpace(why) == "" || file == "" {
			return usage("a hold needs --until, --asked-by, --why and --file with the authority's paper")
		}
		end, err := instant("until", until)
		if err != nil {
			return err
		}
		paper, err := c.keep(cmd.Context(), id, store.EvidenceHold, key, file)
		if err != nil {
			return err
		}
		var d store.Document
		in := api.HoldIn{Duty: key, Until: end, AskedBy: asked, Reason: why, Evidence: paper.ID}
		if err := c.send(cmd.Context(), http.MethodPost, "/v1/incidents/"+string(id)+"/hold", in, &d); err != nil {
			return err
		}
		return o.show(cmd, d, func(p *page) { p.proposed(d, p.say("暂缓", "hold")) })
	})
}

// proposed says who decides next, and what they type.
func (p *page) proposed(d store.Document, what string) {
	p.line("%s", p.say(
		fmt.Sprintf("已提出%s，须由他人审批：tocsin document approve %s", what, d.ID),
		fmt.Sprintf("The %s is proposed; another person decides on it: tocsin document approve %s", what, d.ID)))
}

func filingReleaseCommand() *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:     "release",
		Short:   "End a hold before its time; the duty's clock goes on",
		Example: "  tocsin filing release " + dutyExample,
	}
	return onDuty(&o, cmd, func(cmd *cobra.Command, c *client, id breach.IncidentID, key string) error {
		var ob store.Obligation
		if err := c.send(cmd.Context(), http.MethodPost, "/v1/incidents/"+string(id)+"/hold/release", api.ReleaseIn{Duty: key}, &ob); err != nil {
			return err
		}
		return o.show(cmd, ob, func(p *page) {
			p.line("%s", p.say("暂缓已解除，时限：", "The hold has ended; due ")+ob.Due().In(p.lang))
		})
	})
}

func filingWaiveCommand() *cobra.Command {
	var o viewOptions
	var why, file string
	cmd := &cobra.Command{
		Use:     "waive",
		Short:   "Propose to give a duty up, with the reason; another person decides",
		Example: "  tocsin filing waive " + dutyExample + " --why \"the group company reports for all, agreed with the authority\" --file letter.pdf",
	}
	cmd.Flags().StringVar(&why, "why", "", "the reason; required; kept sealed, and stands in the register")
	cmd.Flags().StringVar(&file, "file", "", "a paper that supports it")
	return onDuty(&o, cmd, func(cmd *cobra.Command, c *client, id breach.IncidentID, key string) error {
		if strings.TrimSpace(why) == "" {
			return usage("say why the duty is given up: --why \"…\"")
		}
		in := api.WaiverIn{Duty: key, Reason: why}
		if file != "" {
			paper, err := c.keep(cmd.Context(), id, store.EvidenceLetter, key, file)
			if err != nil {
				return err
			}
			in.Evidence = paper.ID
		}
		var d store.Document
		if err := c.send(cmd.Context(), http.MethodPost, "/v1/incidents/"+string(id)+"/waiver", in, &d); err != nil {
			return err
		}
		return o.show(cmd, d, func(p *page) { p.proposed(d, p.say("放弃履行", "waiver")) })
	})
}

func filingWithdrawCommand() *cobra.Command {
	var o viewOptions
	var why string
	cmd := &cobra.Command{
		Use:   "withdraw",
		Short: "Take a report back that was filed, because there was nothing to report",
		Long: `Take a report back that was filed, because newer facts show that there was nothing to report: amend the facts first, so that the
assessment no longer finds the duty. The withdrawal is drafted, approved by another person and filed like every report.`,
		Example: "  tocsin filing withdraw " + dutyExample + " --why \"the forensic report shows that no data left\"",
	}
	cmd.Flags().StringVar(&why, "why", "", "the reason, which the withdrawal gives to the authority; required")
	return onDuty(&o, cmd, func(cmd *cobra.Command, c *client, id breach.IncidentID, key string) error {
		if strings.TrimSpace(why) == "" {
			return usage("say why it is taken back: --why \"…\"; the authority reads it")
		}
		if err := c.send(cmd.Context(), http.MethodPost, "/v1/incidents/"+string(id)+"/filing/withdraw", api.WithdrawIn{Duty: key, Why: why}, nil); err != nil {
			return err
		}
		return o.show(cmd, map[string]string{"duty": key}, func(p *page) {
			p.line("%s", p.say("已要求撤回；撤回报告起草后由他人审批。", "The withdrawal is asked for; it is drafted next, for another person to approve."))
		})
	})
}

// followUpCommands are question, interview and rectification: what an authority asks for after a report.
func followUpCommands() []*cobra.Command {
	var all []*cobra.Command
	for _, k := range []struct {
		kind    breach.TaskKind
		short   string
		example string
	}{
		{breach.TaskQuestion, "Record a question of an authority, as a task with owner and due date", "which versions of the app were affected?"},
		{breach.TaskInterview, "Record an interview (约谈) that an authority asks for, as a task with owner and due date", "interview at the office, bring the log summary"},
		{breach.TaskRectification, "Record an order to rectify (整改), as a task that ends only with a proof", "close the exposed interface within 15 days"},
	} {
		all = append(all, followUpCommand(k.kind, k.short, k.example))
	}
	return all
}

func followUpCommand(kind breach.TaskKind, short, example string) *cobra.Command {
	var o viewOptions
	var owner, due, words, file string
	cmd := &cobra.Command{
		Use:   string(kind),
		Short: short,
		Long: short + `.

The incident cannot close while it is open. It is reminded of and escalated like a duty, and ends with tocsin task complete and
what was done; an order to rectify also needs --proof with a file.`,
		Example: fmt.Sprintf("  tocsin filing %s %s --owner zhao.min --due 2026-12-01T10:00+08:00 --text %q\n  tocsin filing %[1]s %[2]s --owner zhao.min --due 2026-12-01T10:00+08:00 --text \"see the letter\" --file letter.pdf",
			kind, dutyExample, example),
	}
	f := cmd.Flags()
	f.StringVar(&owner, "owner", "", "who sees to it: a person's name as on their token; required")
	f.StringVar(&due, "due", "", "by when: an instant with its zone; required; where the authority gave none, set one")
	f.StringVar(&words, "text", "", "what the authority wants; required, kept sealed")
	f.StringVar(&file, "file", "", "the authority's letter, kept as evidence")
	return onDuty(&o, cmd, func(cmd *cobra.Command, c *client, id breach.IncidentID, key string) error {
		if strings.TrimSpace(owner) == "" || due == "" || strings.TrimSpace(words) == "" {
			return usage("a %s needs --owner, --due and --text", kind)
		}
		at, err := instant("due", due)
		if err != nil {
			return err
		}
		in := api.FollowUpIn{Kind: kind, Duty: key, Owner: breach.Person(owner), Due: at, Text: words}
		if file != "" {
			letter, err := c.keep(cmd.Context(), id, store.EvidenceLetter, key, file)
			if err != nil {
				return err
			}
			in.Evidence = letter.ID
		}
		var t store.Task
		if err := c.send(cmd.Context(), http.MethodPost, "/v1/incidents/"+string(id)+"/followups", in, &t); err != nil {
			return err
		}
		return o.show(cmd, t, func(p *page) {
			p.line("%s", p.say("已建立任务：", "Task made: ")+t.ID+"  "+t.Title.In(p.lang))
			p.line("%s", p.say("完成后：", "When it is done: ")+"tocsin task complete "+t.ID+" --note \"…\""+map[bool]string{true: " --proof FILE"}[kind == breach.TaskRectification])
		})
	})
}
