package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"tocsin/internal/breach"
	"tocsin/internal/regulation"
)

func regulationCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "regulation",
		Short: "Look into the law packs, and check packs of your own",
		Example: `  tocsin regulation list
  tocsin regulation show cn-cac-other --lang zh-CN
  tocsin regulation show cn-cac
  tocsin regulation check ./our-packs`,
	}
	cmd.AddCommand(regulationListCommand(), regulationShowCommand(), regulationCheckCommand())
	return cmd
}

func regulationListCommand() *cobra.Command {
	var o lawOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the packs with their rules, articles and deadlines",
		Example: `  tocsin regulation list --lang zh-CN
  tocsin regulation list --output json`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			engine, lang, err := o.begin()
			if err != nil {
				return err
			}
			packs := engine.Describe()
			if o.output == "json" {
				return writeJSON(cmd.OutOrStdout(), packs)
			}
			p := newPage(cmd.OutOrStdout(), lang)
			for _, pack := range packs {
				p.pack(pack)
			}
			return p.flush()
		},
	}
	o.add(cmd)
	return cmd
}

func (p *page) pack(pack regulation.PackInfo) {
	p.heading(pack.Title.ZH+"  "+pack.Name+" "+pack.Version, pack.Title.EN+"  "+pack.Name+" "+pack.Version)
	var rows []table.Row
	for _, r := range pack.Rules {
		rows = append(rows, table.Row{
			string(r.ID), r.Title.In(p.lang), r.Instrument + " " + r.Articles[len(r.Articles)-1].Text.In(p.lang), p.sayText(r.Deadline),
		})
	}
	p.table(table.Row{p.say("规则", "Rule"), p.say("事项", "What"), p.say("条文", "Article"), p.say("时限", "Time")}, rows, 1, 3)
}

func (p *page) sayText(t breach.Text) string { return t.In(p.lang) }

func regulationShowCommand() *cobra.Command {
	var o lawOptions
	cmd := &cobra.Command{
		Use:   "show RULE|PACK|SCALE",
		Short: "Show one rule, pack or scale: conditions, article, deadline, source, doubts",
		Example: `  tocsin regulation show cn-cac-other
  tocsin regulation show cac-2025 --lang zh-CN`,
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			engine, lang, err := o.begin()
			if err != nil {
				return err
			}
			p := newPage(cmd.OutOrStdout(), lang)
			for _, pack := range engine.Describe() {
				if pack.Name == args[0] {
					if o.output == "json" {
						return writeJSON(cmd.OutOrStdout(), pack)
					}
					p.pack(pack)
					p.instruments(pack)
					return p.flush()
				}
				for _, s := range pack.Scales {
					if s.Key == args[0] {
						if o.output == "json" {
							return writeJSON(cmd.OutOrStdout(), s)
						}
						p.scale(s)
						return p.flush()
					}
				}
				for _, r := range pack.Rules {
					if string(r.ID) == args[0] {
						if o.output == "json" {
							return writeJSON(cmd.OutOrStdout(), r)
						}
						p.rule(pack, r)
						return p.flush()
					}
				}
			}
			return fmt.Errorf("there is no rule, pack or scale named %q; tocsin regulation list shows them", args[0])
		},
	}
	o.add(cmd)
	return cmd
}

func (p *page) instruments(pack regulation.PackInfo) {
	p.heading("法律文件", "Instruments")
	for _, i := range pack.Instruments {
		name := i.Name.In(p.lang)
		if i.Native != "" {
			name += p.say("（", " (") + i.Native + p.say("）", ")")
		}
		p.item(i.Key, name+p.say("；", "; ")+strings.TrimSpace(i.Number)+p.say("；自 "+i.From+" 起", "; from "+i.From))
	}
	p.heading("出处", "Sources")
	for _, s := range pack.Sources {
		p.item(s.Key, s.Title)
	}
}

func (p *page) scale(s regulation.ScaleInfo) {
	p.heading(s.Name.ZH, s.Name.EN)
	for _, l := range s.Levels {
		p.line("\n  %s  [%s]", l.Name.In(p.lang), l.Key)
		for _, ln := range l.Lines {
			p.wrapped(4, ln.Text.In(p.lang)+"  "+ln.Expr)
		}
	}
}

func (p *page) rule(pack regulation.PackInfo, r regulation.RuleInfo) {
	p.heading(r.Title.ZH+"  "+string(r.ID), r.Title.EN+"  "+string(r.ID))
	for _, i := range pack.Instruments {
		if i.Key == r.Instrument {
			p.item(p.say("文件", "Instrument"), i.Name.In(p.lang))
		}
	}
	for _, a := range r.Articles {
		p.item(p.say("条文", "Article"), a.Text.In(p.lang)+p.validity(a.From, a.Until))
	}
	p.item(p.say("施行", "In force"), strings.TrimSpace(p.validity(r.From, r.Until)))
	for _, to := range r.To {
		p.item(p.say("对象", "To"), to.In(p.lang))
	}
	for _, c := range r.When {
		p.item(p.say("条件", "When"), c.Text.In(p.lang)+"  "+c.Expr)
	}
	for _, c := range r.Unless {
		p.item(p.say("例外", "Unless"), c.Text.In(p.lang)+"  "+c.Expr)
	}
	p.item(p.say("时限", "Time"), r.Deadline.In(p.lang))
	for _, id := range r.Follows {
		p.item(p.say("承接", "Follows"), string(id))
	}
	for _, id := range r.CoveredBy {
		p.item(p.say("可由其一并履行", "Covered by"), string(id))
	}
	for _, c := range r.Content {
		p.item(p.say("应当写明", "Must state"), c.In(p.lang))
	}
	p.item(p.say("出处", "Source"), r.Source+fmt.Sprintf("  (%s:%d)", r.File, r.Line))
	if r.Verify != nil {
		p.item(p.say("请律师核实", "Verify"), r.Verify.In(p.lang))
	}
}

func (p *page) validity(from, until string) string {
	switch {
	case from != "" && until != "":
		return p.say(" （"+from+" 至 "+until+"）", " ("+from+" to "+until+")")
	case from != "":
		return p.say(" （自 "+from+" 起）", " (from "+from+")")
	case until != "":
		return p.say(" （至 "+until+"）", " (until "+until+")")
	}
	return ""
}

func regulationCheckCommand() *cobra.Command {
	var lang string
	cmd := &cobra.Command{
		Use:   "check DIR",
		Short: "Check a folder of packs of your own, as the program would load them",
		Long: `Check a folder of packs of your own against the vocabulary of facts, the built-in packs and
each other. Every fault is listed with its file, its line and how to mend it.`,
		Example:      `  tocsin regulation check ./our-packs`,
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			o := lawOptions{lang: lang}
			l, err := o.language()
			if err != nil {
				return err
			}
			engine, err := regulation.Load(args...)
			if err != nil {
				faults := regulation.Faults(err)
				count := "1 fault"
				if n := len(faults); n != 1 {
					count = fmt.Sprintf("%d faults", n)
				}
				return fmt.Errorf("%w\n%s", err, breach.Text{
					ZH: fmt.Sprintf("共 %d 处问题；这些规则包不能使用", len(faults)),
					EN: count + "; these packs cannot be used",
				}.In(l))
			}
			rules := 0
			for _, p := range engine.Describe() {
				rules += len(p.Rules)
			}
			packs := len(engine.Packs())
			_, err = fmt.Fprintln(cmd.OutOrStdout(), breach.Text{
				ZH: fmt.Sprintf("没有问题：连同内置规则包共 %d 个，规则 %d 条。", packs, rules),
				EN: fmt.Sprintf("No faults: %d packs with %d rules, the built-in ones included.", packs, rules),
			}.In(l))
			if err != nil {
				return errors.New("the answer cannot be written")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&lang, "lang", "", "zh-CN or en; by default the language of the environment")
	return cmd
}
