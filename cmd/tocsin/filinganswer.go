package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

func filingFormCommand() *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:     "form",
		Short:   "Show what a duty's form asks for, and what is answered",
		Example: "  tocsin filing form " + dutyExample,
	}
	return onDuty(&o, cmd, func(cmd *cobra.Command, c *client, id breach.IncidentID, key string) error {
		v, err := c.form(cmd, id, key)
		if err != nil {
			return err
		}
		return o.show(cmd, v, func(p *page) { p.form(v) })
	})
}

func (c *client) form(cmd *cobra.Command, id breach.IncidentID, key string) (api.FormView, error) {
	var v api.FormView
	err := c.get(cmd.Context(), dutyPath(id, "filing/form", key), &v)
	return v, err
}

func (p *page) form(v api.FormView) {
	p.line("%s  %s", p.paint(text.Bold, v.Duty), v.Title.In(p.lang))
	for _, it := range v.Items {
		p.line("\n%s", p.paint(text.Bold, it.Label.In(p.lang)))
		for _, f := range it.Facts {
			s := p.say("事实，用 incident facts 填写", "a fact, stated with incident facts")
			if a, ok := answerTo(v, string(f)); ok {
				s = p.say("不适用：", "not applicable: ") + a.NotApplicable.In(p.lang)
			}
			p.line("  %s  %s", f, s)
		}
		for _, prompt := range it.Answers {
			p.prompt(v, prompt)
		}
	}
	for _, prompt := range v.Other {
		p.line("")
		p.prompt(v, prompt)
	}
}

func (p *page) prompt(v api.FormView, prompt api.FormPrompt) {
	a, ok := answerTo(v, prompt.Key)
	switch {
	case !ok:
		p.line("  %s  %s", prompt.Key, p.paint(text.FgYellow, p.say("未填", "unknown")))
		p.wrapped(4, prompt.Help.In(p.lang))
	case a.NotApplicable != (breach.Text{}):
		p.line("  %s  %s", prompt.Key, p.say("不适用", "not applicable"))
		p.wrapped(4, a.NotApplicable.In(p.lang))
	default:
		p.line("  %s  %s", prompt.Key, p.say("已填", "given")+", "+string(a.By))
		p.wrapped(4, a.Text.In(p.lang))
	}
}

func answerTo(v api.FormView, item string) (store.Answer, bool) {
	i := slices.IndexFunc(v.Answers, func(a store.Answer) bool { return a.Item == item })
	if i < 0 {
		return store.Answer{}, false
	}
	return v.Answers[i], true
}

func filingAnswerCommand() *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:   "answer INCIDENT DUTY ITEM=TEXT...",
		Short: "Answer items of a report's form that the facts cannot fill",
		Long: `Answer items of a report's form that the facts cannot fill. tocsin filing form lists them.

ITEM.zh= and ITEM.en= answer in one language, ITEM= in both. ITEM.na= says why there can be no answer (ITEM.na.zh= and ITEM.na.en=
in one language). An empty text takes an answer back. @FILE takes the text from a file.

An answer makes a new version of the report, and whoever answered cannot approve it.`,
		Example: `  tocsin filing answer ` + dutyExample + ` cause.zh="运维账号口令泄露" cause.en="a leaked operator password"
  tocsin filing answer ` + dutyExample + ` ransom.na.zh="没有收到勒索要求" ransom.na.en="no demand was received"
  tocsin filing answer ` + dutyExample + ` circumstances.zh=@what-happened.txt
  tocsin filing answer ` + dutyExample + ` cause=`,
		Args: cobra.MinimumNArgs(3),
	}
	return onDutyArgs(&o, cmd, func(cmd *cobra.Command, c *client, id breach.IncidentID, args []string) error {
		words, err := readWords(args[1:])
		if err != nil {
			return err
		}
		v, err := c.form(cmd, id, args[0])
		if err != nil {
			return err
		}
		changed, err := applyWords(v, words)
		if err != nil {
			return err
		}
		return saveAnswers(cmd, &o, c, id, v, changed)
	})
}

// word is one ITEM.zh=text of a command line.
type word struct {
	item   string
	na     bool
	lang   breach.Language // empty for both
	text   string
	source string // as typed, for a refusal
}

// maxTyped bounds a text from a file, in bytes.
const maxTyped = 64 << 10

func readWords(args []string) ([]word, error) {
	var words []word
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || name == "" {
			return nil, usage("%q is not ITEM=TEXT, such as cause.zh=\"…\"", cut(arg, 40))
		}
		w := word{item: name, text: value, source: name}
		for suffix, lang := range map[string]breach.Language{".zh": breach.Chinese, ".en": breach.English} {
			if rest, ok := strings.CutSuffix(w.item, suffix); ok {
				w.item, w.lang = rest, lang
				break
			}
		}
		if rest, ok := strings.CutSuffix(w.item, ".na"); ok {
			w.item, w.na = rest, true
		}
		if w.item == "" {
			return nil, usage("%q names no item", name)
		}
		if file, ok := strings.CutPrefix(value, "@"); ok {
			b, err := os.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("%s: read %s: %w", name, file, pathless(err))
			}
			if len(b) > maxTyped {
				return nil, fmt.Errorf("%s: %s has %d bytes; at most %d are taken: put the rest into an attachment and refer to it", name, file, len(b), maxTyped)
			}
			w.text = string(b)
		}
		w.text = strings.TrimSpace(w.text)
		words = append(words, w)
	}
	return words, nil
}

// applyWords lays what was typed over what is answered already. Answering takes a reason back, and a reason an answer: one of
// the two stands.
func applyWords(v api.FormView, words []word) ([]api.AnswerIn, error) {
	asked := itemsOf(v)
	var out []api.AnswerIn
	for _, w := range words {
		if _, known := answerTo(v, w.item); !known && !slices.Contains(asked, w.item) {
			return nil, unknownItem(w.item, asked)
		}
		i := slices.IndexFunc(out, func(a api.AnswerIn) bool { return a.Item == w.item })
		if i < 0 {
			now, _ := answerTo(v, w.item)
			out = append(out, api.AnswerIn{Item: w.item, Text: now.Text, NotApplicable: now.NotApplicable})
			i = len(out) - 1
		}
		into, other := &out[i].Text, &out[i].NotApplicable
		if w.na {
			into, other = other, into
		}
		if w.lang != breach.English {
			into.ZH = w.text
		}
		if w.lang != breach.Chinese {
			into.EN = w.text
		}
		if w.text != "" {
			*other = breach.Text{}
		} else if w.lang == "" && !w.na {
			out[i].NotApplicable = breach.Text{} // ITEM= takes everything back
		}
	}
	return out, nil
}

func unknownItem(item string, asked []string) error {
	for _, a := range asked {
		if strings.EqualFold(a, item) || len(item) > 3 && (strings.HasPrefix(a, item) || strings.HasPrefix(item, a)) {
			return fmt.Errorf("the form does not ask for %q; did you mean %s?", item, a)
		}
	}
	return fmt.Errorf("the form does not ask for %q; it asks for %s", item, strings.Join(asked, ", "))
}

// itemsOf lists what may be answered.
func itemsOf(v api.FormView) []string {
	var all []string
	add := func(s string) {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	for _, it := range v.Items {
		for _, prompt := range it.Answers {
			add(prompt.Key)
		}
	}
	for _, prompt := range v.Other {
		add(prompt.Key)
	}
	for _, it := range v.Items {
		for _, f := range it.Facts {
			add(string(f))
		}
	}
	return all
}

// saveAnswers sends what changed, and says what is still in one language only: an authority reads but one.
func saveAnswers(cmd *cobra.Command, o *viewOptions, c *client, id breach.IncidentID, v api.FormView, changed []api.AnswerIn) error {
	changed = slices.DeleteFunc(changed, func(a api.AnswerIn) bool {
		now, _ := answerTo(v, a.Item)
		return now.Text == a.Text && now.NotApplicable == a.NotApplicable
	})
	if len(changed) == 0 {
		return o.show(cmd, api.AnswersSaved{Rev: v.Rev}, func(p *page) { p.line("%s", p.say("没有变化。", "Nothing changed.")) })
	}
	var saved api.AnswersSaved
	in := api.AnswersIn{Duty: v.Duty, Rev: &v.Rev, Answers: changed}
	if err := c.send(cmd.Context(), http.MethodPost, "/v1/incidents/"+string(id)+"/filing/answers", in, &saved); err != nil {
		return err
	}
	return o.show(cmd, saved, func(p *page) {
		p.line("%s", p.say(fmt.Sprintf("已记录 %d 项；报告将据此产生新版本，由他人审批。", len(changed)), fmt.Sprintf("Recorded: %d. A new version of the report follows, for another person to approve.", len(changed))))
		for _, a := range changed {
			for _, t := range []breach.Text{a.Text, a.NotApplicable} {
				if (t.ZH == "") != (t.EN == "") {
					p.line("  %s", p.say(a.Item+" 只有一种语言：另一种语言的报告会以这一文本代替。", a.Item+" is in one language only: the report in the other shows the same text."))
				}
			}
		}
	})
}

var errNothingSaved = errors.New("nothing was saved")
