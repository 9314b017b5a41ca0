package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
)

func noticeSupplementCommand() *cobra.Command {
	var o viewOptions
	var in api.SupplementIn
	var campaign int
	cmd := &cobra.Command{
		Use:   "supplement INCIDENT [--campaign N] --changed-zh TEXT --changed-en TEXT --why REASON",
		Short: "Prepare a notice that corrects an earlier one or adds to it, for those who had it",
		Long: `Prepare a supplementary notice. It goes to those who had the earlier one: who was told by it, by the channel that reached them
and the ladder after that, and those of whom nobody knows whether its message arrived. At its top it names the earlier notice
with number and date and says what changed; then it says all that is known now. Amend the facts first (tocsin incident facts,
tocsin notice words): it is drafted from the newest, and anew when they change.

Another person approves it, as every notice, and it leaves once the earlier one has ended. Nobody counts as told a second time. Before it
was sent, the same command writes it anew. What is said with --changed is published: name nobody.`,
		Example: `  tocsin notice supplement INC-2026-0001 --changed-zh "又查明涉及证件号码。" --changed-en "We have found that identity numbers are involved as well." --why "forensics, second report"
  tocsin notice supplement INC-2026-0001 --campaign 3 --changed-zh "前一份所写的日期有误。" --changed-en "The date in our earlier notice was wrong." --why "counsel"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			if cmd.Flags().Changed("campaign") && campaign < 1 {
				return usage("--campaign is a notice's number, 1 or higher")
			}
			if strings.TrimSpace(in.Changed.ZH) == "" || strings.TrimSpace(in.Changed.EN) == "" {
				return usage("say what has changed, as readers will find it, in both languages: --changed-zh \"…\" --changed-en \"…\"")
			}
			if strings.TrimSpace(in.Why) == "" {
				return usage("say for the record where it comes from: --why \"forensics, second report\"")
			}
			id, err := incidentArg(args)
			if err != nil {
				return err
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			n := campaign
			if n == 0 {
				if n, err = onlyNotice(cmd.Context(), c, id); err != nil {
					return err
				}
			}
			var done api.SupplementAsked
			if err := c.send(cmd.Context(), http.MethodPost, fmt.Sprintf("/v1/incidents/%s/campaigns/%d/supplements", id, n), in, &done); err != nil {
				return err
			}
			return o.show(cmd, done, func(p *page) { p.supplementAsked(id, done) })
		},
	}
	o.add(cmd)
	cmd.Flags().IntVar(&campaign, "campaign", 0, "the earlier notice, by its number; needed where several were sent")
	cmd.Flags().StringVar(&in.Changed.ZH, "changed-zh", "", "what has changed, in Chinese; at most 600 characters, published")
	cmd.Flags().StringVar(&in.Changed.EN, "changed-en", "", "the same in English")
	cmd.Flags().StringVar(&in.Why, "why", "", "where it comes from; kept for the record")
	return cmd
}

// onlyNotice finds the notice that was sent, where there is just one that supplements no other.
func onlyNotice(ctx context.Context, c *client, id breach.IncidentID) (int, error) {
	var l api.NoticeList
	if err := c.get(ctx, "/v1/incidents/"+string(id)+"/notices", &l); err != nil {
		return 0, err
	}
	var sent []string
	n := 0
	for _, x := range l.Campaigns {
		if x.Supplements == nil && x.FrozenAt != nil {
			n, sent = x.N, append(sent, fmt.Sprint(x.N))
		}
	}
	switch len(sent) {
	case 0:
		return 0, fmt.Errorf("%s has no notice that anybody had: a notice that was not sent yet is drafted anew from new facts by itself", id)
	case 1:
		return n, nil
	}
	return 0, usage("%s has several notices: say which one with --campaign (%s)", id, strings.Join(sent, ", "))
}

func (p *page) supplementAsked(id breach.IncidentID, s api.SupplementAsked) {
	p.line("%s", p.say(fmt.Sprintf("第 %d 号告知的补充告知正在起草；由另一人审批后，发给收到过前一份的人（目前 %d 名收件人）。", s.Supplements, s.Told),
		fmt.Sprintf("A supplement to notice %d is being drafted. Another person approves it; then it goes to those who had the earlier one (%d recipients by now).", s.Supplements, s.Told)))
	p.line("%s", p.say("起草后用 tocsin notice list "+string(id)+" 查看，用 tocsin notice preview 预览，用 tocsin notice approve 审批。",
		"tocsin notice list "+string(id)+" shows it once it is drafted, tocsin notice preview what people will read, tocsin notice approve lets it go."))
}
