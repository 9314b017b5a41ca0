package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
)

func noticeStatusCommand() *cobra.Command {
	var o viewOptions
	var watch bool
	cmd := &cobra.Command{
		Use:   "status INCIDENT [NUMBER]",
		Short: "Show where a notice stands: by channel and segment, the rate now, and whether the deadline will be met",
		Long: `Show where a notice stands. Recipients are those whom a message is for: adults, minors with an address of their own, and
guardians. Deliveries are messages to distinct contacts. The counts are kept as the sending goes on; nothing is counted by
reading everybody.`,
		Example: `  tocsin notice status INC-2026-0001
  tocsin notice status INC-2026-0001 2 --watch
  tocsin notice status INC-2026-0001 --output json`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			id, err := incidentArg(args)
			if err != nil {
				return err
			}
			n, err := campaignArg(args, 1)
			if err != nil {
				return err
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			read := func(ctx context.Context) (v noticeStatusView, err error) {
				if err := c.get(ctx, fmt.Sprintf("/v1/incidents/%s/campaigns/%d/progress", id, n), &v.NoticeStatus); err != nil {
					return v, err
				}
				return v, c.get(ctx, fmt.Sprintf("/v1/incidents/%s/people/segments", id), &v.Segments)
			}
			if watch && o.output == "table" && isTerminal(cmd.OutOrStdout()) {
				lang, err := o.language()
				if err != nil {
					return err
				}
				tick := time.NewTicker(2 * time.Second)
				defer tick.Stop()
				return watchNotice(cmd.Context(), cmd.OutOrStdout(), lang, tick.C, read)
			}
			v, err := read(cmd.Context())
			if err != nil {
				return err
			}
			return o.show(cmd, v, func(p *page) { p.noticeStatus(v) })
		},
	}
	o.add(cmd)
	cmd.Flags().BoolVar(&watch, "watch", false, "on a terminal, refresh every two seconds until nobody is open")
	return cmd
}

// noticeStatusView is a campaign's status with the segments of its incident.
type noticeStatusView struct {
	api.NoticeStatus
	Segments api.SegmentList `json:"by_segment"`
}

// watchNotice redraws the status until everybody has an outcome or the person has seen enough.
func watchNotice(ctx context.Context, out io.Writer, lang breach.Language, tick <-chan time.Time, read func(context.Context) (noticeStatusView, error)) error {
	for {
		v, err := read(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		var b strings.Builder
		p := newPage(&b, lang)
		p.noticeStatus(v)
		if err := p.flush(); err != nil {
			return err
		}
		if _, err := io.WriteString(out, clearAll+home+strings.ReplaceAll(b.String(), "\n", clearLine+"\n")+clearRest); err != nil {
			return err
		}
		if v.FrozenAt != nil && v.Open == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick:
		}
	}
}

func (p *page) noticeStatus(v noticeStatusView) {
	p.line("%s", p.paint(text.Bold, p.say(fmt.Sprintf("%s 第 %d 号告知（%s）：%s", v.IncidentID, v.N, v.Number, p.campaignState(v)),
		fmt.Sprintf("%s, notice %d (%s): %s", v.IncidentID, v.N, v.Number, p.campaignState(v)))))
	if v.Supplements != nil {
		p.line("%s", p.say(fmt.Sprintf("补充第 %d 号告知，只发给收到过前一份的人；不重复计入已告知人数。", *v.Supplements),
			fmt.Sprintf("It supplements notice %d and goes to those who had that one; nobody counts as told a second time.", *v.Supplements)))
	}
	if v.FrozenAt == nil {
		p.line("%s", p.say("名单尚未固定：审批通过后开始发送。各类收件人见下。", "The audience is not fixed yet: sending begins when the notice is approved. Who will get what stands below."))
	} else {
		p.table(table.Row{p.say("收件人", "Recipients"), p.say("数量", "Number")}, []table.Row{
			{p.say("应告知", "planned"), v.Recipients},
			{p.say("已告知", "told"), v.Told},
			{p.say("进行中", "open"), v.Open},
			{p.say("各渠道均未送达", "unreachable"), v.Missed},
			{p.say("公告告知", "told by public notice"), v.Public},
			{p.say("依法免除", "lawfully exempt"), v.Exempt},
		})
		p.line("%s", p.pace(v))
	}
	if v.Supplements == nil {
		p.clockOf(v)
	}
	var rows []table.Row
	for _, c := range v.Channels {
		rows = append(rows, table.Row{c.Channel, c.Attempted, c.Waiting, c.Accepted, c.Bounced, c.Rejected, c.InDoubt, c.Resent})
	}
	if len(rows) > 0 {
		p.line("")
		p.table(table.Row{
			p.say("渠道", "Channel"), p.say("联系方式", "Contacts"), p.say("在途", "In flight"), p.say("已接收", "Accepted"), p.say("退回", "Bounced"),
			p.say("拒收", "Refused"), p.say("存疑", "In doubt"), p.say("重发", "Resent"),
		}, rows)
	}
	if v.Supplements == nil { // segments count everybody's first notice
		p.line("")
		p.segments(v.Segments)
	}
}

func (p *page) campaignState(v noticeStatusView) string {
	switch {
	case v.HaltedAt != nil:
		return p.say("已暂停", "halted")
	case v.State == "finished":
		return p.say("已完成", "finished")
	case v.FrozenAt != nil:
		return p.say("发送中", "sending")
	}
	return p.say("起草或待审批", "being drafted, or awaits approval")
}

func (p *page) pace(v noticeStatusView) string {
	if v.PerMinute <= 0 {
		return p.say("最近十分钟没有新增已告知的人。", "Nobody was told in the last ten minutes.")
	}
	return p.say(fmt.Sprintf("近十分钟每分钟告知约 %.0f 名收件人。", v.PerMinute), fmt.Sprintf("About %.0f recipients a minute were told in the last ten minutes.", v.PerMinute))
}

func (p *page) clockOf(v noticeStatusView) {
	c := v.Clock
	if c == nil {
		p.line("%s", p.say("没有尚未了结的告知时限。", "No open duty to tell people has a deadline."))
		return
	}
	nature := p.say("内部时限", "our own policy")
	if c.Hard {
		nature = p.say("法定时限", "fixed by law")
	}
	p.line("%s", p.say(fmt.Sprintf("最近的时限：%s，%s（%s），还剩 %s", c.Title.ZH, stamp(&c.DueAt), nature, p.left(c.DueAt.Sub(v.Now))),
		fmt.Sprintf("Nearest deadline: %s, %s (%s), left %s", c.Title.EN, stamp(&c.DueAt), nature, p.left(c.DueAt.Sub(v.Now)))))
	switch {
	case c.WillMeet == nil && v.FrozenAt != nil:
		p.line("%s", p.paint(text.FgYellow, p.say("目前没有进展，无法估计何时完成。", "Nothing moves just now, so there is no telling when it will be done.")))
	case c.WillMeet == nil:
	case *c.WillMeet:
		p.line("%s", p.say("按现在的速度，"+stamp(c.DoneAt)+" 完成，赶得上时限。", "At the rate of now it is done by "+stamp(c.DoneAt)+": in time."))
	default:
		p.line("%s", p.paint(text.FgRed, p.say("按现在的速度，要到 "+stamp(c.DoneAt)+" 才能完成，赶不上时限。提高速率或增加中继，见 notifiers 与 policy.limits。",
			"At the rate of now it is done by "+stamp(c.DoneAt)+": too late. Raise the rates or add relays, see notifiers and policy.limits.")))
	}
}

func peopleSegmentsCommand() *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:   "segments INCIDENT",
		Short: "Count who must be told, by the law that protects them, role, language and exposed data, before anything is sent",
		Long: `Count who must be told, by the text they will get: the law that protects them, to whom it speaks, in which language, where
they live and which of their data was exposed. Whoever no law's text fits is named below the table, and gets the general text:
nobody is dropped.`,
		Example: "  tocsin people segments INC-2026-0001\n  tocsin people segments INC-2026-0001 --output json",
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = query(&o, incidentPath("/people/segments"), (*page).segments)
	o.add(cmd)
	return cmd
}

// shownSegments bounds the table; JSON has all.
const shownSegments = 40

func (p *page) segments(l api.SegmentList) {
	if len(l.Segments) == 0 {
		p.line("%s", p.say("名单为空：tocsin people import 导入受影响的人。", "Nobody is on file yet: tocsin people import reads a file of affected people."))
	}
	var rows []table.Row
	for i, s := range l.Segments {
		if i == shownSegments {
			break
		}
		law := s.Law
		if len(s.Also) > 0 {
			law += " + " + strings.Join(s.Also, " + ")
		}
		region, categories := s.Region, strings.Join(s.Categories, ",")
		if region == "" {
			region = "–"
		}
		if categories == "" {
			categories = p.say("按事件事实", "as the facts say")
		}
		rows = append(rows, table.Row{law, p.audience(s.Audience), s.Language, region, cut(categories, 40), s.People, s.Recipients, s.Told, s.Open, s.Missed, s.Public + s.Exempt})
	}
	if len(rows) > 0 {
		p.table(table.Row{
			p.say("文本", "Text"), p.say("对象", "Audience"), p.say("语言", "Language"), p.say("所在地", "Region"), p.say("信息", "Data"), p.say("人数", "People"),
			p.say("收件人", "Recipients"), p.say("已告知", "Told"), p.say("进行中", "Open"), p.say("未送达", "Missed"), p.say("公告或免除", "Public or exempt"),
		}, rows)
	}
	if more := len(l.Segments) - len(rows); more > 0 {
		p.line("%s", p.say(fmt.Sprintf("另有 %d 类；--output json 可见全部。", more), fmt.Sprintf("And %d more; --output json shows all.", more)))
	}
	for _, f := range l.Findings {
		p.line("%s", p.paint(text.FgRed, "! "+f.Text.In(p.lang)))
		p.wrapped(2, f.Next.In(p.lang))
	}
}
