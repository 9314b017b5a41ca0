package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/internal/breach"
	"tocsin/notifiers"
	"tocsin/notifiers/all"
	"tocsin/templates"
)

// previewOptions say which of a notice's texts to show, and how.
type previewOptions struct {
	language, audience, channel, format, region, categories, out string
}

// preview is one real rendering, with invented names.
type preview struct {
	Law      string          `json:"law"`
	Language breach.Language `json:"language"`
	Audience breach.Audience `json:"audience"`
	Channel  breach.Channel  `json:"channel"`
	SHA256   string          `json:"sha256"` // of the whole document
	Subject  string          `json:"subject,omitempty"`
	Text     string          `json:"text"`
	HTML     string          `json:"html,omitempty"`
	Segments int             `json:"segments,omitempty"` // messages that an SMS is cut into
}

// syntheticNames are nobody's.
var syntheticNames = map[breach.Language]map[breach.Audience]templates.MergeNames{
	breach.Chinese: {
		breach.ToPerson:   {Recipient: "示例姓名"},
		breach.ToMinor:    {Recipient: "示例孩子"},
		breach.ToGuardian: {Recipient: "示例家长", People: []string{"示例孩子甲", "示例孩子乙"}},
	},
	breach.English: {
		breach.ToPerson:   {Recipient: "Sample Name"},
		breach.ToMinor:    {Recipient: "Sample Child"},
		breach.ToGuardian: {Recipient: "Sample Parent", People: []string{"Sample Child A", "Sample Child B"}},
	},
}

func noticePreviewCommand() *cobra.Command {
	var o viewOptions
	var po previewOptions
	cmd := &cobra.Command{
		Use:   "preview INCIDENT NUMBER",
		Short: "Show a notice exactly as people will get it, with invented names",
		Long: `Show a notice exactly as people will get it: the bytes of the current version, with invented names (Sample …, 示例…) and
the lines for readers of whom some categories of data were exposed. Nothing is sent. Without --audience, --language and --region it
shows every text.`,
		Example: `  tocsin notice preview INC-2026-0001 1
  tocsin notice preview INC-2026-0001 1 --audience guardian --language en --region US-CA
  tocsin notice preview INC-2026-0001 1 --categories contact,credentials --channel sms
  tocsin notice preview INC-2026-0001 1 --audience minor --format html --out minor.html
  tocsin notice preview INC-2026-0001 1 --format eml --out previews/`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			if err := po.check(); err != nil {
				return err
			}
			id, err := incidentArg(args)
			if err != nil {
				return err
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			document, err := findNotice(cmd.Context(), c, id, "notice/"+strings.TrimPrefix(args[1], "notice/"))
			if err != nil {
				return err
			}
			v, hash, err := c.document(cmd.Context(), document)
			if err != nil {
				return err
			}
			previews, err := po.render(v.Content, hash)
			if err != nil {
				return err
			}
			return po.write(cmd, &o, previews)
		},
	}
	o.add(cmd)
	f := cmd.Flags()
	f.StringVar(&po.language, "language", "", "zh-CN or en")
	f.StringVar(&po.audience, "audience", "", "person, minor or guardian")
	f.StringVar(&po.region, "region", "", "where the reader lives: CN, US-CA, FR; tocsin people segments lists the places")
	f.StringVar(&po.categories, "categories", "", "of data exposed of the reader, such as contact,id_number; empty: all of the incident's")
	f.StringVar(&po.channel, "channel", "email", "email, sms or push")
	f.StringVar(&po.format, "format", "text", "text, html or eml")
	f.StringVar(&po.out, "out", "", "file to write, or a folder for several")
	return cmd
}

func (po *previewOptions) check() error {
	switch {
	case po.language != "" && !slices.Contains(templates.Languages(), breach.Language(po.language)):
		return usage("--language must be zh-CN or en")
	case po.audience != "" && !slices.Contains([]string{"person", "minor", "guardian"}, po.audience):
		return usage("--audience must be person, minor or guardian")
	case !slices.Contains([]string{"email", "sms", "push"}, po.channel):
		return usage("--channel must be email, sms or push")
	case !slices.Contains([]string{"text", "html", "eml"}, po.format):
		return usage("--format must be text, html or eml")
	case po.channel != "email" && po.format != "text":
		return usage("--format %s is for --channel email", po.format)
	}
	return nil
}

// render makes the previews that were asked for, each once.
func (po *previewOptions) render(content breach.Content, hash string) ([]preview, error) {
	var chosen []breach.Rendition
	for _, r := range content.Renditions {
		if po.language != "" && string(r.Language) != po.language || po.audience != "" && string(r.Audience) != po.audience {
			continue
		}
		if po.region != "" {
			fit, ok := content.Notice(po.region, r.Language, r.Audience)
			if !ok || fit.Law != r.Law {
				continue
			}
		}
		chosen = append(chosen, r)
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("the notice has no such text: leave out --language, --audience or --region to see all")
	}
	var own []string
	if po.categories != "" {
		own = strings.FieldsFunc(po.categories, func(r rune) bool { return r == ',' || r == '，' || r == ' ' })
	}
	var out []preview
	for _, r := range chosen {
		t, ok := noticeTextOf(r).For(own...)
		if !ok {
			return nil, usage("--categories names data that the notice does not speak of; it speaks of: %s", strings.Join(r.Categories, ", "))
		}
		t = t.Merge(syntheticNames[r.Language][r.Audience])
		p := preview{Law: r.Law, Language: r.Language, Audience: r.Audience, Channel: breach.Channel(po.channel), SHA256: hash, Subject: t.Subject, Text: t.Text, HTML: t.HTML}
		switch p.Channel {
		case breach.SMS:
			p.Subject, p.Text, p.HTML, p.Segments = "", t.SMS, "", templates.SMSSegments(t.SMS)
		case breach.Push:
			p.Subject, p.Text, p.HTML = t.PushTitle, t.PushBody, ""
		default:
		}
		out = append(out, p)
	}
	return out, nil
}

// noticeTextOf is a rendition as the texts know it.
func noticeTextOf(r breach.Rendition) templates.NoticeText {
	t := templates.NoticeText{
		Language: r.Language, Audience: r.Audience, Subject: r.Title, Text: r.Text, HTML: r.HTML, SMS: r.SMS, PushTitle: r.PushHead,
		PushBody: r.Push, Variables: r.Variables, Law: r.Law, Categories: r.Categories,
	}
	if r.Marks != nil {
		t.Marks = templates.Marks(*r.Marks)
	}
	return t
}

func (po *previewOptions) write(cmd *cobra.Command, o *viewOptions, previews []preview) error {
	folder := po.out != "" && (strings.HasSuffix(po.out, "/") || isFolder(po.out))
	switch {
	case po.out == "" && po.format == "text":
		return o.show(cmd, previews, func(p *page) { p.previews(previews) })
	case len(previews) > 1 && !folder:
		return usage("there are %d texts: name a folder (--out previews/), or choose one with --audience, --language and --region", len(previews))
	}
	if folder {
		if err := os.MkdirAll(po.out, 0o755); err != nil {
			return fmt.Errorf("the folder %s cannot be made", po.out)
		}
	}
	for _, x := range previews {
		b, err := po.bytes(x)
		if err != nil {
			return err
		}
		if po.out == "" {
			_, err = cmd.OutOrStdout().Write(b)
			return err
		}
		name := po.out
		if folder {
			name = filepath.Join(po.out, fmt.Sprintf("%s.%s.%s.%s", x.Law, x.Audience, x.Language, map[string]string{"text": "txt", "html": "html", "eml": "eml"}[po.format]))
		}
		if err := os.WriteFile(name, b, 0o644); err != nil {
			return fmt.Errorf("%s cannot be written", name)
		}
		fmt.Fprintln(cmd.ErrOrStderr(), name)
	}
	return nil
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

func (po *previewOptions) bytes(x preview) ([]byte, error) {
	switch po.format {
	case "html":
		return []byte(x.HTML), nil
	case "eml":
		return previewMail(x)
	}
	return []byte(x.Text), nil
}

// previewMail makes the whole mail as the email channel makes it; its addresses are examples.
func previewMail(x preview) ([]byte, error) {
	mail, err := all.Build(breach.Email, "smtp", map[string]any{"host": "127.0.0.1", "port": 25, "tls": "none", "from": "preview@example.com"}, time.Now)
	if err != nil {
		return nil, err
	}
	defer func() { _ = mail.Close() }() // it only renders
	wire, err := mail.Prepare(notifiers.Message{
		ID: breach.DeliveryID(strings.Repeat("0", 32)), To: "synthetic@example.com", Language: x.Language, Subject: x.Subject, Text: x.Text, HTML: x.HTML, Date: now(),
	})
	if err != nil {
		return nil, err
	}
	return wire.Body, nil
}

func (p *page) previews(list []preview) {
	p.line("%s", p.say("姓名都是虚构的；除姓名外，与人们将收到的逐字相同。没有发出任何东西。", "The names are invented; all else is word for word what people will get. Nothing was sent."))
	for _, x := range list {
		head := fmt.Sprintf("%s, %s, %s, %s", x.Law, p.audience(x.Audience), x.Language, x.Channel)
		if x.Segments > 0 {
			head += p.say(fmt.Sprintf("，%d 条", x.Segments), fmt.Sprintf(", %d messages", x.Segments))
		}
		p.line("\n── %s ──", head)
		if x.Subject != "" {
			p.line("%s\n", x.Subject)
		}
		p.line("%s", strings.TrimRight(x.Text, "\n"))
	}
}
