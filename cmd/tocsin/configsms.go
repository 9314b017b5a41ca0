package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"tocsin/internal/breach"
	"tocsin/templates"
)

// smsTemplate is a text to register with an SMS provider, and the setting that takes the code it gets.
type smsTemplate struct {
	Key      string          `json:"key"`
	Audience breach.Audience `json:"audience"`
	Language breach.Language `json:"language"`
	Text     string          `json:"text"`
	Messages int             `json:"messages"` // that one SMS is cut into, about
}

// smsTemplates are the texts of every audience in every language, as [templates.Set.SMSTemplate] gives them.
func smsTemplates(texts *templates.Set, o templates.Organisation) []smsTemplate {
	var out []smsTemplate
	for _, a := range []breach.Audience{breach.ToPerson, breach.ToMinor, breach.ToGuardian} {
		for _, l := range templates.Languages() {
			text, err := texts.SMSTemplate(o, a, l)
			if err != nil {
				continue // no set is loaded without a form for each
			}
			key := "template_code"
			if a != breach.ToPerson {
				key += "_" + string(a)
			}
			if l == breach.English {
				key += "_en"
			}
			out = append(out, smsTemplate{Key: key, Audience: a, Language: l, Text: text, Messages: templates.SMSSegments(text)})
		}
	}
	return out
}

func configSMSCommand() *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:   "sms-templates",
		Short: "Print the SMS texts to register with a provider in mainland China, before you need them",
		Long: `Print the texts to register with an SMS provider that only sends what it approved beforehand, each with the setting of the
notifier that takes the template's code. Their variables are number and hotline; the signature is registered apart. Approval
takes days: do it before you need them. An adult, a minor and a guardian are told in words of their own, so all three are needed.`,
		Example: "  tocsin config sms-templates\n  tocsin config sms-templates --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			cfg, err := readConfig(cmd)
			if err != nil {
				return err
			}
			texts, err := templates.Open(cfg.Templates)
			if err != nil {
				return several("the texts cannot be used", err)
			}
			list := smsTemplates(texts, speaker(cfg.Organisation))
			return o.show(cmd, list, func(p *page) {
				for _, t := range list {
					p.line("%s  %s", t.Key, p.say(fmt.Sprintf("%s，%s，约 %d 条", p.audience(t.Audience), t.Language, t.Messages),
						fmt.Sprintf("%s, %s, about %d messages", p.audience(t.Audience), t.Language, t.Messages)))
					p.wrapped(2, t.Text)
				}
			})
		},
	}
	o.add(cmd)
	return cmd
}
