package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

func documentCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "document",
		Short: "Read, approve and refuse any document by its id, the closing of an incident too",
		Example: `  tocsin document show 0193f2a4-…
  tocsin document approve 0193f2a4-…`,
	}
	addAPIFlags(cmd)
	cmd.AddCommand(documentCommands(documentNoun{what: "a document", example: "0193f2a4-…"})...)
	return cmd
}

// documentNoun is a kind of document that commands speak of.
type documentNoun struct {
	what    string
	kinds   []breach.DocumentKind // which it may be; any where empty
	second  string                // what names it within an incident; empty where only its id does
	example string
	find    func(context.Context, *client, breach.IncidentID, string) (breach.DocumentID, error)
}

// documentCommands are show, approve and refuse.
func documentCommands(n documentNoun) []*cobra.Command {
	use := "DOCUMENT"
	args := cobra.ExactArgs(1)
	if n.find != nil {
		use, args = "DOCUMENT | INCIDENT "+n.second, cobra.RangeArgs(1, 2)
	}
	all := []*cobra.Command{n.showCommand(), n.decideCommand(breach.Approved), n.decideCommand(breach.Refused)}
	for _, c := range all {
		c.Use += " " + use
		c.Args = args
	}
	return all
}

// read finds the document that the arguments name.
func (n documentNoun) read(cmd *cobra.Command, args []string) (*client, api.DocumentView, string, error) {
	var none api.DocumentView
	var id breach.IncidentID
	var err error
	if len(args) == 2 {
		if id, err = incidentArg(args); err != nil {
			return nil, none, "", err
		}
	}
	c, err := newClient(cmd)
	if err != nil {
		return nil, none, "", err
	}
	document := breach.DocumentID(args[0])
	if len(args) == 2 {
		if document, err = n.find(cmd.Context(), c, id, args[1]); err != nil {
			return nil, none, "", err
		}
	}
	v, hash, err := c.document(cmd.Context(), document)
	if err != nil {
		return nil, none, "", err
	}
	if len(n.kinds) > 0 && !slices.Contains(n.kinds, v.Kind) {
		return nil, none, "", fmt.Errorf("this document is not %s: use tocsin document", n.what)
	}
	return c, v, hash, nil
}

func (n documentNoun) showCommand() *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show " + n.what + ": its text, its hash, who prepared it",
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		_, v, hash, err := n.read(cmd, args)
		if err != nil {
			return err
		}
		return o.show(cmd, v, func(p *page) { p.document(v, hash) })
	}
	cmd.Example = "  " + n.exampleOf("show")
	o.add(cmd)
	return cmd
}

func (n documentNoun) exampleOf(act string) string {
	group := "document"
	switch {
	case slices.Contains(n.kinds, breach.DocFiling):
		group = "filing"
	case len(n.kinds) > 0:
		group = "notice"
	}
	return "tocsin " + group + " " + act + " " + n.example
}

// document shows every rendition: an approval is of all of them.
func (p *page) document(v api.DocumentView, hash string) {
	p.line("%s", p.paint(text.Bold, fmt.Sprintf("%s  %s  %s", v.IncidentID, p.kind(v.Kind), v.Subject)))
	p.item(p.say("文书", "Document"), string(v.ID))
	p.item(p.say("版本", "Version"), fmt.Sprint(v.Version))
	p.item(p.say("校验值", "SHA-256"), hash)
	p.item(p.say("起草", "Prepared by"), string(v.Author)+", "+stamp(&v.At))
	switch {
	case v.VoidedAt != nil:
		p.item(p.say("状态", "State"), p.say("已作废：", "void: ")+*v.VoidReason)
	default:
		p.item(p.say("状态", "State"), p.approval(v.Document))
	}
	if slices.ContainsFunc(v.Content.Renditions, func(r breach.Rendition) bool { return r.Marks != nil }) {
		p.item(p.say("说明", "Note"), p.say("⟦greeting⟧、⟦people⟧ 处在发送时填入姓名；⟦only …⟧ 与 ⟦end⟧ 之间只发给这类信息被泄露的人，⟦several⟧ 与 ⟦end several⟧ 之间只发给有几个孩子的监护人；其余一字不改。",
			"⟦greeting⟧ and ⟦people⟧ are where names go in when it is sent; what stands between ⟦only …⟧ and ⟦end⟧ goes to those alone of whom such data were exposed, and between ⟦several⟧ and ⟦end several⟧ to guardians of several children; nothing else changes."))
	}
	for _, r := range v.Content.Renditions {
		head := string(r.Language)
		if r.Law != "" {
			head = r.Law + ", " + head
		}
		if r.Audience != "" {
			head += ", " + p.audience(r.Audience)
		}
		p.line("\n── %s ──", head)
		p.line("%s\n", p.paint(text.Bold, r.Title))
		p.line("%s", strings.TrimRight(r.Text, "\n"))
		if r.SMS != "" {
			p.line("\n%s%s", p.say("短信：", "SMS: "), r.SMS)
		}
		if r.Push != "" {
			p.line("\n%s%s%s%s", p.say("推送：", "Push: "), r.PushHead, p.say("　", " — "), r.Push)
		}
	}
}

func (p *page) audience(a breach.Audience) string {
	switch a {
	case breach.ToPerson:
		return p.say("致本人", "to the person")
	case breach.ToMinor:
		return p.say("致未成年人", "to a minor")
	case breach.ToGuardian:
		return p.say("致监护人", "to a guardian")
	}
	return string(a)
}

func (n documentNoun) decideCommand(verdict breach.Verdict) *cobra.Command {
	var o viewOptions
	var d decision
	d.verdict = verdict
	act := map[breach.Verdict]string{breach.Approved: "approve", breach.Refused: "refuse"}[verdict]
	cmd := &cobra.Command{
		Use:   act,
		Short: strings.ToUpper(act[:1]) + act[1:] + " " + n.what + " that another person prepared",
		Long: `It shows the document, asks, and sends the hash of exactly what it showed: what you read is what you decide on. Without a
terminal, give --yes and the --sha256 that you read; it is refused where the document is another by then.`,
		Example: "  " + n.exampleOf(act) + "\n  " + n.exampleOf(act) + " --yes --sha256 9f86d081…",
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		if err := d.check(cmd.InOrStdin()); err != nil {
			return err
		}
		c, v, hash, err := n.read(cmd, args)
		if err != nil {
			return err
		}
		if err := d.confirm(cmd, &o, v, hash); err != nil {
			return err
		}
		done, err := c.decide(cmd.Context(), v.ID, hash, d)
		if err != nil {
			return err
		}
		return o.show(cmd, done, func(p *page) {
			if verdict == breach.Approved {
				p.line("%s", p.say(fmt.Sprintf("已批准 %s 第 %d 版。", v.Subject, v.Version), fmt.Sprintf("Approved: %s, version %d.", v.Subject, v.Version)))
			} else {
				p.line("%s", p.say(fmt.Sprintf("已退回 %s 第 %d 版。", v.Subject, v.Version), fmt.Sprintf("Refused: %s, version %d.", v.Subject, v.Version)))
			}
		})
	}
	o.add(cmd)
	cmd.Flags().BoolVar(&d.yes, "yes", false, "do not ask; needs --sha256")
	cmd.Flags().StringVar(&d.sha256, "sha256", "", "the hash of what you read")
	cmd.Flags().StringVar(&d.why, "why", "", "the reason; required for a refusal")
	return cmd
}

// decision is what a person says of a document.
type decision struct {
	verdict breach.Verdict
	yes     bool
	sha256  string
	why     string
}

func (d decision) check(in io.Reader) error {
	switch {
	case d.verdict == breach.Refused && strings.TrimSpace(d.why) == "":
		return usage("say what is to be mended: --why \"the number of people is yesterday's\"")
	case d.yes && d.sha256 == "":
		return usage("--yes needs --sha256 with the hash of what you read: it binds your decision to these words")
	case !d.yes && !isTerminal(in):
		return usage("nobody can be asked here: give --yes and --sha256 with the hash of what you read")
	}
	return nil
}

// confirm makes sure that the person means this version.
func (d decision) confirm(cmd *cobra.Command, o *viewOptions, v api.DocumentView, hash string) error {
	if d.sha256 != "" && !strings.EqualFold(strings.TrimSpace(d.sha256), hash) {
		return fmt.Errorf("version %d has another hash than --sha256 says: read it again, then decide", v.Version)
	}
	if d.yes {
		return nil
	}
	lang, err := o.language()
	if err != nil {
		return err
	}
	p := newPage(cmd.ErrOrStderr(), lang)
	p.document(v, hash)
	question := map[breach.Verdict]breach.Text{
		breach.Approved: {ZH: "批准以上全部内容？请输入 yes：", EN: "Approve all of the above? Type yes: "},
		breach.Refused:  {ZH: "退回以上文书？请输入 yes：", EN: "Refuse the above? Type yes: "},
	}[d.verdict]
	p.line("")
	p.buf.WriteString(question.In(lang))
	if err := p.flush(); err != nil {
		return err
	}
	answer, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 100)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return errors.New("the answer cannot be read")
	}
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("nothing was decided")
	}
	return nil
}

func (c *client) decide(ctx context.Context, id breach.DocumentID, hash string, d decision) (store.Document, error) {
	var out store.Document
	var sum store.HexBytes
	if err := sum.UnmarshalText([]byte(hash)); err != nil {
		return out, err
	}
	err := c.send(ctx, http.MethodPost, "/v1/documents/"+escape(string(id))+"/decision", api.DecisionIn{SHA256: sum, Verdict: d.verdict, Why: d.why}, &out)
	return out, err
}
