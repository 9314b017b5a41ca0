package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// wordFields are the texts that a notice has besides the facts, as flags name them.
var wordFields = []struct {
	flag, what string
	one        func(*breach.NoticeWords) *breach.Text
	many       func(*breach.NoticeWords) *[]breach.Text
}{
	{flag: "cause", what: "why it happened, in one sentence", one: func(w *breach.NoticeWords) *breach.Text { return &w.Cause }},
	{flag: "minor-cause", what: "the same in words that a child understands", one: func(w *breach.NoticeWords) *breach.Text { return &w.MinorCause }},
	{flag: "harm", what: "what it may lead to, besides what the kinds of data bring", many: func(w *breach.NoticeWords) *[]breach.Text { return &w.Harms }},
	{flag: "measure", what: "what we did", many: func(w *breach.NoticeWords) *[]breach.Text { return &w.Measures }},
	{flag: "minor-measure", what: "what we did, in words that a child understands", many: func(w *breach.NoticeWords) *[]breach.Text { return &w.MinorMeasures }},
	{flag: "advice", what: "what people can do, besides what the kinds of data bring", many: func(w *breach.NoticeWords) *[]breach.Text { return &w.Advice }},
	{flag: "offer", what: "services against identity theft, and how to take them up", one: func(w *breach.NoticeWords) *breach.Text { return &w.Offer }},
	{flag: "delay-reason", what: "why the notice comes late", one: func(w *breach.NoticeWords) *breach.Text { return &w.DelayReason }},
	{flag: "correction", what: "what a later notice corrects or adds", one: func(w *breach.NoticeWords) *breach.Text { return &w.Correction }},
}

func noticeWordsCommand() *cobra.Command {
	var o viewOptions
	var why, file string
	cmd := &cobra.Command{
		Use:   "words INCIDENT [--cause-zh … --cause-en …] --why REASON",
		Short: "Show or write what the notices say besides the facts: cause, measures, advice, offers",
		Long: `Without flags it shows what is written. A flag writes one text, in both languages; a list (harm, measure, advice) is
written anew by its flags, each given once for every entry. --file takes JSON of all of it, in the form that --output json shows.
All of it is published: name nobody. A notice that nobody sent yet is drafted anew, and another person than you approves it.`,
		Example: `  tocsin notice words INC-2026-0001
  tocsin notice words INC-2026-0001 --cause-zh "一台查询服务器的权限设置有误。" --cause-en "The rights of one query server were set wrongly." --why "found by forensics"
  tocsin notice words INC-2026-0001 --offer-zh "请拨打热线办理。" --offer-en "call our hotline and we arrange it." --why "contract signed"
  tocsin notice words INC-2026-0001 --file words.json --why "text agreed with counsel"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			changed := file != ""
			cmd.Flags().Visit(func(f *pflag.Flag) {
				changed = changed || strings.HasSuffix(f.Name, "-zh") || strings.HasSuffix(f.Name, "-en")
			})
			if !changed {
				return query(&o, incidentPath("/notice-words"), (*page).noticeWords)(cmd, args)
			}
			if strings.TrimSpace(why) == "" {
				return usage("say where the words come from: --why \"found by forensics\"")
			}
			id, err := incidentArg(args)
			if err != nil {
				return err
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			words, err := newWords(cmd.Context(), c, cmd.Flags(), id, file, cmd.InOrStdin())
			if err != nil {
				return err
			}
			var done store.NoticeWordsRevision
			if err := c.send(cmd.Context(), http.MethodPut, "/v1/incidents/"+string(id)+"/notice-words", api.NoticeWordsIn{Words: words, Why: why}, &done); err != nil {
				return err
			}
			return o.show(cmd, done, func(p *page) { p.wordsWritten(done) })
		},
	}
	o.add(cmd)
	for _, f := range wordFields {
		for _, l := range []string{"zh", "en"} {
			if f.many != nil {
				cmd.Flags().StringArray(f.flag+"-"+l, nil, f.what+" ("+l+"; once for each)")
			} else {
				cmd.Flags().String(f.flag+"-"+l, "", f.what+" ("+l+")")
			}
		}
	}
	cmd.Flags().StringVar(&file, "file", "", "JSON of all texts; - reads standard input")
	cmd.Flags().StringVar(&why, "why", "", "where the words come from; kept for the record")
	return cmd
}

// newWords lays the flags over what is written, or reads all of it from a file.
func newWords(ctx context.Context, c *client, flags *pflag.FlagSet, id breach.IncidentID, file string, in io.Reader) (breach.NoticeWords, error) {
	if file != "" {
		return wordsFile(file, in)
	}
	var current store.NoticeWordsRevision
	if err := c.get(ctx, "/v1/incidents/"+string(id)+"/notice-words", &current); err != nil {
		return breach.NoticeWords{}, err
	}
	w := current.Words
	for _, f := range wordFields {
		zhFlag, enFlag := f.flag+"-zh", f.flag+"-en"
		if !flags.Changed(zhFlag) && !flags.Changed(enFlag) {
			continue
		}
		if f.one != nil {
			t := f.one(&w)
			if flags.Changed(zhFlag) {
				t.ZH, _ = flags.GetString(zhFlag)
			}
			if flags.Changed(enFlag) {
				t.EN, _ = flags.GetString(enFlag)
			}
			continue
		}
		zh, _ := flags.GetStringArray(zhFlag)
		en, _ := flags.GetStringArray(enFlag)
		if len(zh) != len(en) {
			return w, usage("--%s and --%s belong together: give each as often as the other", zhFlag, enFlag)
		}
		list := f.many(&w)
		*list = nil
		for i := range zh {
			*list = append(*list, breach.Text{ZH: zh[i], EN: en[i]})
		}
	}
	if faults := w.Faults(); len(faults) > 0 {
		return w, usage("%s", strings.Join(faults, "; "))
	}
	return w, nil
}

func wordsFile(name string, in io.Reader) (breach.NoticeWords, error) {
	var w breach.NoticeWords
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return w, fmt.Errorf("%s cannot be opened", name)
		}
		defer f.Close()
		in = f
	}
	d := json.NewDecoder(io.LimitReader(in, 1<<20))
	d.DisallowUnknownFields()
	err := d.Decode(&w)
	if err == nil && d.More() {
		return w, errors.New("the file of words has more behind its JSON: it is one object, as tocsin notice words --output json shows under \"words\"")
	}
	if err == nil {
		return w, nil
	}
	if _, field, ok := strings.Cut(err.Error(), "unknown field "); ok {
		return w, fmt.Errorf("the file of words has the unknown field %s: the fields are those that tocsin notice words --output json shows under \"words\": %s", field, strings.Join(wordNames, ", "))
	}
	at := ""
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = fmt.Sprintf(" (at byte %d)", syntax.Offset)
	} else if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && kind.Field != "" {
		at = fmt.Sprintf(" (at %s)", kind.Field)
	}
	return w, fmt.Errorf("the file of words%s is not the JSON that tocsin notice words --output json shows under \"words\"", at)
}

// wordNames are the fields of a file of words.
var wordNames = []string{"cause", "minor_cause", "harms", "measures", "minor_measures", "advice", "offer", "delay_reason", "correction"}

func (p *page) wordsWritten(w store.NoticeWordsRevision) {
	p.line("%s", p.say(fmt.Sprintf("已记下，现为第 %d 版。尚未发出的告知将据此重新起草，须由另一人审批。", w.Rev),
		fmt.Sprintf("Written down as revision %d. A notice that was not sent yet is drafted anew, and another person approves it.", w.Rev)))
}

func (p *page) noticeWords(w store.NoticeWordsRevision) {
	if w.Rev == 0 {
		p.line("%s", p.say("还没有人写过。告知会说原因仍在调查。", "Nothing is written yet: the notices say that the cause is still being investigated."))
		return
	}
	p.item(p.say("版本", "Revision"), fmt.Sprint(w.Rev))
	p.item(p.say("作者", "Written by"), string(w.Author)+", "+stamp(w.At))
	for _, f := range wordFields {
		var texts []breach.Text
		if f.one != nil {
			texts = []breach.Text{*f.one(&w.Words)}
		} else {
			texts = *f.many(&w.Words)
		}
		for _, t := range texts {
			if t != (breach.Text{}) {
				p.line("%s", f.flag)
				p.wrapped(2, t.ZH)
				p.wrapped(2, t.EN)
			}
		}
	}
}
