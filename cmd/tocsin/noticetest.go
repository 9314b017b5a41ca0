package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/config"
	"tocsin/notifiers"
	"tocsin/notifiers/all"
)

func noticeTestSendCommand() *cobra.Command {
	var o viewOptions
	var in api.TestSendIn
	var language, audience string
	cmd := &cobra.Command{
		Use:   "test-send INCIDENT NUMBER --to ADDRESS",
		Short: "Mail one text of a notice to one of your own contacts, marked [TEST]",
		Long: `Mail one text of a notice to one of your own contacts, with invented names and marked [TEST]. Only addresses that stand under
contacts in the settings are taken. It is journalled, touches no ledger and counts for nobody: nobody was told by it.`,
		Example: `  tocsin notice test-send INC-2026-0001 1 --to li.wei@example.com
  tocsin notice test-send INC-2026-0001 1 --to li.wei@example.com --audience guardian --language en --region US-CA`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			po := previewOptions{language: language, audience: audience, channel: "email", format: "text"}
			if err := po.check(); err != nil {
				return err
			}
			if in.To == "" {
				return usage("say to whom: --to with the address of a contact of the settings")
			}
			id, err := incidentArg(args)
			if err != nil {
				return err
			}
			n, err := campaignArg(args, 1)
			if err != nil {
				return err
			}
			in.Language, in.Audience = breach.Language(language), breach.Audience(audience)
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var done api.TestSent
			if err := c.send(cmd.Context(), http.MethodPost, fmt.Sprintf("/v1/incidents/%s/campaigns/%d/test-send", id, n), in, &done); err != nil {
				return err
			}
			return o.show(cmd, done, func(p *page) {
				p.line("%s", p.say(fmt.Sprintf("已交给邮件服务器：%s，%s，%s，第 %d 版。没有人因此算作已告知。", done.Law, p.audience(done.Audience), done.Language, done.Version),
					fmt.Sprintf("Handed to the mail server: %s, %s, %s, version %d. Nobody counts as told by it.", done.Law, p.audience(done.Audience), done.Language, done.Version)))
			})
		},
	}
	o.add(cmd)
	f := cmd.Flags()
	f.StringVar(&in.To, "to", "", "address of one of your contacts")
	f.StringVar(&language, "language", "", "zh-CN or en")
	f.StringVar(&audience, "audience", "person", "person, minor or guardian")
	f.StringVar(&in.Region, "region", "", "where the reader would live: CN, US-CA, FR")
	f.StringSliceVar(&in.Categories, "categories", nil, "of data exposed of the reader; empty: all of the incident's")
	return cmd
}

// campaignArg reads a campaign's number, "1" or "notice/1", at a position; 1 where it is left out.
func campaignArg(args []string, at int) (int, error) {
	if len(args) <= at {
		return 1, nil
	}
	n := 0
	if _, err := fmt.Sscanf(strings.TrimPrefix(args[at], "notice/")+"\n", "%d\n", &n); err != nil || n < 1 || fmt.Sprint(n) != strings.TrimPrefix(args[at], "notice/") {
		return 0, usage("NUMBER is a notice's number, 1 or higher; tocsin notice list shows them")
	}
	return n, nil
}

// testSender mails a text to one of our own people as the API asks for it.
func testSender(cfg config.Config) func(context.Context, string, breach.Rendition, []string) error {
	return func(ctx context.Context, to string, r breach.Rendition, own []string) error {
		for _, n := range cfg.Notifiers {
			if breach.Channel(n.Channel) != breach.Email {
				continue
			}
			mail, err := all.Build(breach.Email, n.Provider, n.Settings, time.Now)
			if err != nil {
				return errors.New("the notifier of the channel email cannot be made from its settings")
			}
			defer func() { _ = mail.Close() }() // the mail has been answered for
			return sendTest(ctx, mail, to, r, own)
		}
		return errors.New("no notifier has the channel email")
	}
}

// The marks of a test message, around a text that is otherwise what people will get.
var testMark = breach.Text{
	ZH: "【测试】这是发给本单位自己人的测试邮件，姓名均为虚构；没有人因此被告知。正文与将要发出的逐字相同。",
	EN: "[TEST] This test goes to our own people, with invented names; nobody is told by it. The text is word for word what will be sent.",
}

func sendTest(ctx context.Context, mail notifiers.Notifier, to string, r breach.Rendition, own []string) error {
	t, ok := noticeTextOf(r).For(own...)
	if !ok {
		return errors.New("the notice does not speak of one of the categories")
	}
	t = t.Merge(syntheticNames[r.Language][r.Audience])
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	says := testMark.In(r.Language)
	wire, err := mail.Prepare(notifiers.Message{
		ID: breach.DeliveryID(hex.EncodeToString(id[:])), To: to, Language: r.Language, Subject: "[TEST] " + t.Subject, Text: says + "\n\n" + t.Text,
		HTML: testPage(t.HTML, says), Date: now(),
	})
	if err != nil {
		return err
	}
	_, err = mail.Send(ctx, wire)
	return err
}

// testPage puts the mark at the top of a mail's body.
func testPage(page, says string) string {
	head, rest, _ := strings.Cut(page, "<body")
	body, inside, _ := strings.Cut(rest, ">")
	return head + "<body" + body + ">\n<p><strong>" + says + "</strong></p>" + inside
}

// addresses are those of our own people.
func addresses(contacts []config.Contact) []string {
	out := make([]string, len(contacts))
	for i, c := range contacts {
		out[i] = c.Email
	}
	return out
}
