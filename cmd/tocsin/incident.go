package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

func incidentCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "incident",
		Aliases: []string{"inc"},
		Short:   "Open, follow and close incidents",
		Example: `  tocsin incident open "customer table for sale on a forum" kinds=leak data.personal=true
  tocsin incident list
  tocsin incident watch INC-2026-0001
  tocsin incident facts INC-2026-0001 people.total=1200000 --why "counted in the export"
  tocsin incident close INC-2026-0001 --why "all reports filed, everybody told"`,
	}
	addAPIFlags(cmd)
	cmd.AddCommand(incidentOpenCommand(), incidentListCommand(), incidentShowCommand(), incidentWatchCommand(), incidentFactsCommand(), incidentReassessCommand(), incidentCloseCommand())
	return cmd
}

// readFacts reads "name=value" arguments and names every fault at once.
func readFacts(args []string) (breach.Facts, error) {
	facts := breach.Facts{}
	var faults []error
	for _, a := range args {
		name, value, err := breach.ParseAssignment(a)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		facts[name] = value
	}
	if len(faults) > 0 {
		return nil, usage("%v", several("the facts cannot be used", errors.Join(faults...)))
	}
	return facts, nil
}

func incidentOpenCommand() *cobra.Command {
	var o viewOptions
	var why, key string
	cmd := &cobra.Command{
		Use:   "open TITLE [FACT=VALUE ...]",
		Short: "Report a suspicion; the emergency plan starts at once",
		Long: `Report a suspicion; the emergency plan starts at once and waits for nobody.

Say in a line what is suspected, and state what is known already. What is unknown stays unknown: it can be stated later
with tocsin incident facts. The awareness time is now unless aware_at says otherwise.`,
		Example: `  tocsin incident open "customer table for sale on a forum"
  tocsin incident open "laptop lost on the train" kinds=loss data.personal=true people.total=300
  tocsin incident open "export job went wild" aware_at=2026-11-22T03:10:00+08:00 --key ticket-4711`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			facts, err := readFacts(args[1:])
			if err != nil {
				return err
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			opened, err := c.open(cmd.Context(), api.Report{Title: args[0], Facts: facts, Why: why}, key)
			if err != nil {
				return err
			}
			return o.show(cmd, opened, func(p *page) {
				p.line("%s", opened.Incident)
				if opened.Joined {
					p.line("%s", p.say("该事件已存在，本次报告已并入。", "The incident was open already; this report joined it."))
				}
				p.line("%s", p.say("跟踪：", "Follow it: ")+"tocsin incident watch "+string(opened.Incident))
			})
		},
	}
	o.add(cmd)
	cmd.Flags().StringVar(&why, "why", "", "where the facts come from; kept for the record")
	cmd.Flags().StringVar(&key, "key", "", "a name of your own for this report: sending it again with the same name opens nothing new")
	return cmd
}

func incidentListCommand() *cobra.Command {
	var o viewOptions
	var limit int
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List incidents, newest first",
		Example: "  tocsin incident list\n  tocsin incident list --limit 200 --output json",
		Args:    cobra.NoArgs,
	}
	cmd.RunE = query(&o, func([]string) (string, error) { return fmt.Sprintf("/v1/incidents?limit=%d", limit), nil }, (*page).incidents)
	o.add(cmd)
	cmd.Flags().IntVar(&limit, "limit", 50, "at most so many, 200 at the most")
	return cmd
}

func (p *page) incidents(l api.IncidentList) {
	if len(l.Incidents) == 0 {
		p.line("%s", p.say("没有事件。", "There are no incidents."))
		return
	}
	rows := make([]table.Row, len(l.Incidents))
	for i, x := range l.Incidents {
		due := stamp(x.NextDue)
		if x.NextDue != nil && x.ClosedAt == nil {
			due = p.left(x.NextDue.Sub(now()))
		}
		rows[i] = table.Row{x.ID, p.phase(x.Phase), p.levels(x.Severities), due, x.OpenTasks, x.Awaiting, cut(x.Title, 60)}
	}
	p.table(table.Row{
		p.say("事件", "Incident"), p.say("阶段", "Phase"), p.say("级别", "Severity"), p.say("最近期限", "Next deadline"),
		p.say("待办", "Tasks"), p.say("待审批", "Awaiting"), p.say("说明", "Title"),
	}, rows, 2, 6)
	if l.Before != 0 {
		p.line("%s", p.say("还有更早的事件，可用 --limit 显示更多。", "There are older ones; --limit shows more."))
	}
}

func (p *page) phase(ph breach.Phase) string {
	switch ph {
	case breach.PhaseOpened:
		return p.say("已立案", "opened")
	case breach.PhaseResponding:
		return p.say("处置中", "responding")
	case breach.PhaseNotifying:
		return p.say("告知中", "notifying")
	case breach.PhaseClosing:
		return p.say("待关闭", "closing")
	case breach.PhaseClosed:
		return p.paint(text.FgGreen, p.say("已关闭", "closed"))
	}
	return string(ph)
}

// levels writes the level on each scale that gives one.
func (p *page) levels(all []breach.Severity) string {
	var words []string
	for _, s := range all {
		if s.Level != "" {
			words = append(words, s.ScaleName.In(p.lang)+" "+s.LevelName.In(p.lang))
		}
	}
	if len(words) == 0 {
		return "–"
	}
	return strings.Join(words, "\n")
}

func incidentShowCommand() *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:     "show INCIDENT",
		Short:   "Show where an incident stands: severity, duties with their clocks, people, what waits for whom",
		Example: "  tocsin incident show INC-2026-0001\n  tocsin incident show INC-2026-0001 --output json",
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = query(&o, incidentPath(""), (*page).incident)
	o.add(cmd)
	return cmd
}

func incidentFactsCommand() *cobra.Command {
	var o viewOptions
	var why string
	cmd := &cobra.Command{
		Use:   "facts INCIDENT [FACT=VALUE ...]",
		Short: "Show what was known when, or state and correct facts",
		Long: `Without facts it shows what was known when, and who said so. With facts it states them: the laws are asked anew, and
duties start, move or end by what they answer. FACT=unknown takes a statement back. tocsin facts new lists all facts.`,
		Example: `  tocsin incident facts INC-2026-0001
  tocsin incident facts INC-2026-0001 people.total=1200000 people.minors=true --why "counted in the export"
  tocsin incident facts INC-2026-0001 data.categories=name,contact,id_number --why "columns of the dump"`,
		Args: cobra.MinimumNArgs(1),
	}
	state := act(&o, func(_ breach.IncidentID, args []string) (order, error) {
		facts, err := readFacts(args[1:])
		if err != nil {
			return order{}, err
		}
		if strings.TrimSpace(why) == "" {
			return order{}, usage("say where the facts come from: --why \"counted in the export\" (without naming affected people; it is kept for the record)")
		}
		return order{http.MethodPatch, "/facts", api.FactsPatch{Facts: facts, Why: why}}, nil
	}, func(p *page, _ breach.IncidentID, rev store.FactRevision) {
		p.line("%s", p.say(fmt.Sprintf("现为第 %d 版事实。", rev.Rev), fmt.Sprintf("The facts are at revision %d.", rev.Rev)))
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return query(&o, incidentPath("/facts"), (*page).factHistory)(cmd, args)
		}
		return state(cmd, args)
	}
	o.add(cmd)
	cmd.Flags().StringVar(&why, "why", "", "where the facts come from; kept for the record, so do not name affected people")
	return cmd
}

func incidentReassessCommand() *cobra.Command {
	var o viewOptions
	var why string
	cmd := &cobra.Command{
		Use:   "reassess INCIDENT --why REASON",
		Short: "Ask the packs of law anew for the same facts, as when a pack has a new version",
		Long: `Ask the packs of law anew for the same facts. A new version of a pack never changes an assessment that was made; Tocsin
offers this as a task for each open incident that an older version has answered. Duties start, move or end by the new answer.`,
		Example: `  tocsin incident reassess INC-2026-0001 --why "cn-cac has a new version"`,
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = act(&o, func(breach.IncidentID, []string) (order, error) {
		if strings.TrimSpace(why) == "" {
			return order{}, usage("say why: --why \"cn-cac has a new version\"")
		}
		return order{http.MethodPost, "/reassess", api.Reassessment{Why: why}}, nil
	}, func(p *page, _ breach.IncidentID, rev store.FactRevision) {
		p.line("%s", p.say(fmt.Sprintf("现为第 %d 版事实，正在重新评估。", rev.Rev), fmt.Sprintf("The facts are at revision %d and are being assessed anew.", rev.Rev)))
	})
	o.add(cmd)
	cmd.Flags().StringVar(&why, "why", "", "why the laws are asked again; kept for the record")
	return cmd
}

func (p *page) factHistory(h api.FactHistory) {
	var rows []table.Row
	for i, r := range h.Revisions {
		for _, name := range r.Changed {
			rows = append(rows, table.Row{r.Rev, stamp(&r.At), r.Author, name, p.factValue(r.Facts, breach.FactName(name)), r.Why})
		}
		if i < len(h.Revisions)-1 {
			rows = append(rows, table.Row{"", "", "", "", "", ""})
		}
	}
	p.table(table.Row{p.say("版", "Rev"), p.say("时间", "When"), p.say("谁", "Who"), p.say("事实", "Fact"), p.say("值", "Value"), p.say("来源", "Why")}, rows, 4, 5)
}

func (p *page) factValue(f breach.Facts, n breach.FactName) string {
	v, known := f[n]
	if !known {
		return p.say("未知", "unknown")
	}
	return factText(v)
}

func incidentCloseCommand() *cobra.Command {
	var o viewOptions
	var why string
	cmd := &cobra.Command{
		Use:   "close INCIDENT --why REASON",
		Short: "Propose to close an incident; another person decides",
		Long: `Propose to close an incident. While something is open nothing happens but a list of it, each with what to type next.
The proposal is a document like any other: another person reads it and decides with tocsin document approve.`,
		Example: `  tocsin incident close INC-2026-0001 --why "all reports filed, everybody told"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			id, err := incidentArg(args)
			if err != nil {
				return err
			}
			if strings.TrimSpace(why) == "" {
				return usage("say why it may be closed: --why \"all reports filed, everybody told\"")
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var d store.Document
			err = c.send(cmd.Context(), http.MethodPost, "/v1/incidents/"+string(id)+"/close", api.CloseIn{Why: why}, &d)
			if p, ok := asProblem(err); ok && len(p.Open) > 0 {
				return o.stillOpen(cmd, p)
			}
			if err != nil {
				return err
			}
			return o.show(cmd, d, func(p *page) {
				p.line("%s", p.say("已提出关闭，须由另一人审批：", "Proposed. Another person reads it and decides:"))
				p.line("  tocsin document approve %s", d.ID)
			})
		},
	}
	o.add(cmd)
	cmd.Flags().StringVar(&why, "why", "", "why it may be closed; part of what is approved")
	return cmd
}

// stillOpen lists what is open on standard output and fails with the sentence.
func (o *viewOptions) stillOpen(cmd *cobra.Command, problem *api.Problem) error {
	err := o.show(cmd, problem.Open, func(p *page) {
		for _, item := range problem.Open {
			p.wrapped(0, item.Text.In(p.lang))
			p.line("    %s", item.Next) // on one line, to be copied
		}
	})
	if err != nil {
		return err
	}
	return errors.New(strings.TrimSuffix(problem.Detail, "."))
}

// incident lays an incident out, the most pressing first.
func (p *page) incident(v api.IncidentView) {
	p.line("%s  %s", p.paint(text.Bold, string(v.ID)), v.Title)
	p.line("%s", p.say("阶段：", "Phase: ")+p.phase(v.Phase)+p.say("　告警：", "   Alerts: ")+fmt.Sprint(v.Alerts)+
		p.say("　立案：", "   Opened: ")+stamp(&v.OpenedAt)+p.say("，", " by ")+string(v.OpenedBy))
	if v.ClosedAt != nil {
		p.line("%s", p.say("关闭：", "Closed: ")+stamp(v.ClosedAt))
	}
	if !v.Assessed && v.ClosedAt == nil {
		p.line("%s", p.paint(text.FgYellow, p.say("最新事实正在评估。", "The newest facts are being assessed.")))
	}
	p.severities(v.Severities)
	p.clocks(v)
	p.people(v)
	p.waiting(v)
	p.questions(v.Questions)
}

// clocks lists duties with the time left, the nearest first: those that are owed, then those that hang on facts nobody
// knows yet. Those that ended are counted.
func (p *page) clocks(v api.IncidentView) {
	var owed, possible []table.Row
	ended := 0
	for _, o := range byDeadline(v.Obligations) {
		switch {
		case o.Status.Ended():
			ended++
		case o.Status == store.ObligationPossible:
			possible = append(possible, table.Row{p.clock(o, v), p.whatAndWhen(o), p.factNames(o.Result.Depends, 3)})
		default:
			owed = append(owed, table.Row{p.clock(o, v), p.status(o), p.whatAndWhen(o), o.Result.Addressee.In(p.lang)})
		}
	}
	p.heading("义务", "Duties")
	if len(owed) > 0 {
		p.table(table.Row{p.say("剩余", "Left"), p.say("状态", "Status"), p.say("事项", "What"), p.say("对象", "To")}, owed, 0, 1, 2, 3)
	} else {
		p.line("  %s", p.say("目前没有待履行的义务。", "Nothing is owed just now."))
	}
	if ended > 0 {
		p.line("  %s", p.say(fmt.Sprintf("另有 %d 项已履行、由其他报告一并履行或不再适用。", ended), fmt.Sprintf("%d more are met, covered by another report, or no longer owed.", ended)))
	}
	if len(possible) > 0 {
		p.heading("可能的义务，取决于未知的事实", "Possible, depending on facts not known yet")
		p.table(table.Row{p.say("剩余", "Left"), p.say("事项", "What"), p.say("取决于", "Depends on")}, possible, 0, 1, 2)
	}
}

func byDeadline(all []store.Obligation) []store.Obligation {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b store.Obligation) int {
		x, y := target(a), target(b)
		switch {
		case x == nil && y == nil:
			return 0
		case x == nil:
			return 1
		case y == nil:
			return -1
		}
		return x.Compare(*y)
	})
	return sorted
}

func (p *page) clock(o store.Obligation, v api.IncidentView) string {
	at := target(o)
	if at == nil {
		return o.Result.Deadline.In(p.lang)
	}
	s := p.left(at.Sub(v.Now))
	if o.DueAt == nil {
		s += p.say("（政策）", " (policy)")
	}
	return s
}

// whatAndWhen is a duty's title, and under it the instant behind the time that is left: in the authority's zone and in the words
// of the document and of the engine's pages.
func (p *page) whatAndWhen(o store.Obligation) string {
	s := o.Result.Title.In(p.lang)
	if target(o) != nil {
		s += "\n" + p.say("时限：", "Due: ") + o.Due().In(p.lang)
	}
	return s
}

func (p *page) status(o store.Obligation) string {
	word := map[store.ObligationStatus]breach.Text{
		store.ObligationOpen:     {ZH: "进行中", EN: "open"},
		store.ObligationWaiting:  {ZH: "尚未起算", EN: "not running yet"},
		store.ObligationDrafted:  {ZH: "待审批", EN: "awaits approval"},
		store.ObligationFiling:   {ZH: "报送中", EN: "being filed"},
		store.ObligationInDoubt:  {ZH: "是否送达存疑", EN: "in doubt"},
		store.ObligationBlocked:  {ZH: "须人工处理", EN: "needs a person"},
		store.ObligationMet:      {ZH: "已履行", EN: "met"},
		store.ObligationGone:     {ZH: "不再适用", EN: "not owed"},
		store.ObligationCovered:  {ZH: "由另一报告履行", EN: "covered"},
		store.ObligationPossible: {ZH: "可能", EN: "possible"},
		store.ObligationRefused:  {ZH: "草稿被退回", EN: "draft refused"},

		store.ObligationHeld:        {ZH: "暂缓中", EN: "held"},
		store.ObligationLate:        {ZH: "须说明迟报原因", EN: "needs the reason of its lateness"},
		store.ObligationWaived:      {ZH: "已放弃履行", EN: "waived"},
		store.ObligationAcked:       {ZH: "已获确认", EN: "acknowledged"},
		store.ObligationSupplement:  {ZH: "已履行，续报待审批", EN: "met; supplement awaits approval"},
		store.ObligationSupplying:   {ZH: "已履行，续报报送中", EN: "met; supplement being filed"},
		store.ObligationWithdrawing: {ZH: "撤回待审批", EN: "withdrawal awaits approval"},
		store.ObligationTakingBack:  {ZH: "撤回报送中", EN: "withdrawal being filed"},
		store.ObligationWithdrawn:   {ZH: "已撤回", EN: "withdrawn"},
	}[o.Status]
	s := word.In(p.lang)
	if s == "" {
		s = string(o.Status)
	}
	if o.Overdue {
		s = p.paint(text.FgRed, s+p.say("，已超期", ", overdue"))
	}
	return s
}

func (p *page) people(v api.IncidentView) {
	p.heading("受影响的人", "People")
	p.tally(v.Tally)
	for _, c := range v.Campaigns {
		p.campaign(c)
	}
}

func (p *page) tally(t breach.Tally) {
	p.line("  %s", p.say(
		fmt.Sprintf("受影响 %d（未成年 %d，不满十四周岁 %d）= 已告知 %d + 公告告知 %d + 依法免除 %d + 进行中 %d + 无法送达 %d",
			t.Affected, t.Minors, t.Under14, t.Told, t.Public, t.Exempt, t.Open, t.Missed),
		fmt.Sprintf("affected %d (minors %d, under 14: %d) = told %d + told by public notice %d + exempt %d + open %d + missed %d",
			t.Affected, t.Minors, t.Under14, t.Told, t.Public, t.Exempt, t.Open, t.Missed),
	))
}

// campaign shows one notice's progress, channel by channel.
func (p *page) campaign(c api.CampaignView) {
	state := map[string]breach.Text{"drafting": {ZH: "起草中", EN: "being drafted"}, "sending": {ZH: "发送中", EN: "sending"}, "finished": {ZH: "已完成", EN: "finished"}}[c.State].In(p.lang)
	if state == "" {
		state = c.State
	}
	if c.HaltedAt != nil && c.State != "finished" {
		state = p.paint(text.FgYellow, p.say("已暂停", "halted"))
	}
	audience := p.say(fmt.Sprintf("%d 人", c.Audience), fmt.Sprintf("%d people", c.Audience))
	if c.Supplements != nil {
		audience = p.say(fmt.Sprintf("补充第 %d 号，%d 名收件人", *c.Supplements, c.Audience), fmt.Sprintf("supplements notice %d, %d recipients", *c.Supplements, c.Audience))
	}
	p.line("  %s", p.say(fmt.Sprintf("第 %d 号告知（%s）：%s，%s", c.N, c.Number, state, audience), fmt.Sprintf("notice %d (%s): %s, %s", c.N, c.Number, state, audience)))
	for _, t := range c.Channels {
		p.line("    %-7s %s", t.Channel, p.say(
			fmt.Sprintf("尝试 %d，接收 %d，拒收 %d，等待 %d，存疑 %d，重发 %d", t.Attempted, t.Accepted, t.Rejected, t.Waiting, t.InDoubt, t.Resent),
			fmt.Sprintf("attempted %d, accepted %d, rejected %d, waiting %d, in doubt %d, resent %d", t.Attempted, t.Accepted, t.Rejected, t.Waiting, t.InDoubt, t.Resent),
		))
	}
}

func (p *page) waiting(v api.IncidentView) {
	if v.OpenTasks == 0 && len(v.Awaiting) == 0 {
		return
	}
	p.heading("等待处理", "Waiting for people")
	if v.OpenTasks > 0 {
		p.line("  %s", p.say(fmt.Sprintf("待办 %d 项：", v.OpenTasks), fmt.Sprintf("%d tasks: ", v.OpenTasks))+"tocsin task list "+string(v.ID))
	}
	for _, d := range v.Awaiting {
		p.line("  %s", p.kind(d.Kind)+"  "+d.Subject+p.say(fmt.Sprintf("，第 %d 版：", d.Version), fmt.Sprintf(", version %d: ", d.Version))+"tocsin document show "+string(d.ID))
	}
}

func (p *page) kind(k breach.DocumentKind) string {
	switch k {
	case breach.DocFiling:
		return p.say("报告", "report")
	case breach.DocNotice:
		return p.say("告知书", "notice")
	case breach.DocPublicNotice:
		return p.say("公告", "public notice")
	case breach.DocClosure:
		return p.say("关闭", "closing")
	case breach.DocHold:
		return p.say("暂缓", "hold")
	case breach.DocWaiver:
		return p.say("放弃履行", "waiver")
	}
	return string(k)
}
