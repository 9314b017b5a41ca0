package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/internal/breach"
	"tocsin/internal/regulation"
)

func factsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "facts",
		Short: "Write down what is known of an incident",
		Example: `  tocsin facts new                       # asks, on a terminal
  tocsin facts new > facts.yaml          # a template to fill in`,
	}
	cmd.AddCommand(factsNewCommand())
	return cmd
}

func factsNewCommand() *cobra.Command {
	var file, lang string
	var ask bool
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Ask for the facts on a terminal, or write a commented template",
		Long: `Ask for the facts on a terminal, the most pressing question first, or write a commented template.

On a terminal it asks. An empty answer leaves a fact unknown, which is not the same as no or zero; a full stop
ends the questions. After each answer the law packs decide what is worth asking next. Elsewhere, as in
tocsin facts new > facts.yaml, it writes a template with every fact and a word on each.`,
		Example: `  tocsin facts new > facts.yaml
  tocsin facts new --file facts.yaml --lang zh-CN`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := lawOptions{lang: lang, output: "table"}
			engine, l, err := o.begin()
			if err != nil {
				return err
			}
			if !ask {
				ask = isTerminal(cmd.InOrStdin()) && isTerminal(cmd.OutOrStdout())
			}
			if !ask {
				return writeFile(cmd.OutOrStdout(), file, factsTemplate(nil, l))
			}
			facts, err := askFacts(engine, bufio.NewReader(cmd.InOrStdin()), cmd.ErrOrStderr(), l, time.Now())
			if err != nil {
				return err
			}
			return writeFile(cmd.OutOrStdout(), file, factsTemplate(facts, l))
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "write to this new file instead of standard output")
	cmd.Flags().StringVar(&lang, "lang", "", "zh-CN or en; by default the language of the environment")
	cmd.Flags().BoolVar(&ask, "ask", false, "ask even where input or output is no terminal")
	return cmd
}

func isTerminal(v any) bool {
	f, ok := v.(*os.File)
	if !ok {
		return false
	}
	_, ok = terminal(f)
	return ok
}

// writeFile writes to a file that must not exist yet, else to out.
func writeFile(out io.Writer, file, content string) error {
	if file == "" {
		if _, err := io.WriteString(out, content); err != nil {
			return errors.New("the facts cannot be written")
		}
		return nil
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists already; name another file, or remove it first", file)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be written", file)
	}
	if _, err := io.WriteString(f, content); err != nil {
		f.Close()
		return fmt.Errorf("%s cannot be written", file)
	}
	return f.Close()
}

// factsTemplate writes every fact with its question as a comment; known facts carry their value.
func factsTemplate(known breach.Facts, lang breach.Language) string {
	var b strings.Builder
	say := func(zh, en string) string { return breach.Text{ZH: zh, EN: en}.In(lang) }
	b.WriteString(say(
		"# 事件事实。不知道的留空：未知不等于“否”或零，规则会说明还取决于什么。\n# 时间须写明时区，例如 2026-11-22T11:00:00+08:00。\n",
		"# What is known of the incident. Leave open what is not known: unknown is neither no nor zero, and the answer will\n# say what still depends on it. Times carry their zone, such as 2026-11-22T11:00:00+08:00.\n",
	))
	group := ""
	for _, d := range breach.FactDefs() {
		if g := groupOf(d, lang); g != group {
			group = g
			fmt.Fprintf(&b, "\n# ---- %s\n", g)
		}
		fmt.Fprintf(&b, "\n# %s\n", d.Question.In(lang))
		if hint := valueHint(d, lang); hint != "" {
			fmt.Fprintf(&b, "# %s\n", hint)
		}
		if v, ok := known[d.Name]; ok {
			fmt.Fprintf(&b, "%s: %s\n", d.Name, factYAML(v))
			continue
		}
		fmt.Fprintf(&b, "%s:\n", d.Name)
	}
	return b.String()
}

func groupOf(d breach.FactDef, lang breach.Language) string {
	switch {
	case d.Org:
		return breach.Text{ZH: "本单位（通常写在单位档案中）", EN: "The organisation (usually in its profile)"}.In(lang)
	case d.Later:
		return breach.Text{ZH: "处置过程中出现的", EN: "What comes in the course of the handling"}.In(lang)
	}
	return breach.Text{ZH: "事件", EN: "The incident"}.In(lang)
}

func valueHint(d breach.FactDef, lang breach.Language) string {
	var values []string
	for _, c := range d.Choices {
		if label := c.Label.In(lang); label != c.Value {
			values = append(values, c.Value+breach.Text{ZH: "（" + label + "）", EN: " (" + label + ")"}.In(lang))
			continue
		}
		values = append(values, c.Value)
	}
	list := strings.Join(values, breach.Text{ZH: "、", EN: "; "}.In(lang))
	say := func(zh, en string) string { return breach.Text{ZH: zh, EN: en}.In(lang) }
	switch d.Type {
	case breach.FactBool:
		return say("true（是）或 false（否）", "true or false")
	case breach.FactInt:
		return say("整数，单位：", "a whole number, in ") + unitName(d.Unit, lang)
	case breach.FactEnum:
		return say("其一：", "one of: ") + list
	case breach.FactSet:
		return say("可多选，写作 [a, b]：", "any of, written [a, b]: ") + list
	case breach.FactTime:
		return say("时间", "a time")
	case breach.FactCounts:
		return say("写作 {CN: 1200000, US-CA: 300}", "written {CN: 1200000, US-CA: 300}")
	}
	return ""
}

func unitName(unit string, lang breach.Language) string {
	names := map[string]breach.Text{
		"people": {ZH: "人", EN: "people"}, "CNY": {ZH: "元", EN: "yuan (CNY)"}, "minutes": {ZH: "分钟", EN: "minutes"},
		"percent": {ZH: "百分之几", EN: "percent"}, "times": {ZH: "次", EN: "times"},
	}
	return names[unit].In(lang)
}

func factYAML(v any) string {
	switch v := v.(type) {
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case []string:
		return "[" + strings.Join(v, ", ") + "]"
	case map[string]int64:
		var parts []string
		for _, d := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, fmt.Sprintf("%s: %d", d, v[d]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v)
}

// maxQuestions ends an interview that nobody ended.
const maxQuestions = 40

// askFacts asks what the packs want to know next, until nothing is open, an empty line of input ends, or a full stop.
func askFacts(engine *regulation.Engine, in *bufio.Reader, out io.Writer, lang breach.Language, now time.Time) (breach.Facts, error) {
	say := func(zh, en string) string { return breach.Text{ZH: zh, EN: en}.In(lang) }
	fmt.Fprintln(out, say("回车表示不知道，句点（.）结束。", "Enter leaves a fact unknown; a full stop (.) ends."))
	facts, skipped := breach.Facts{}, map[breach.FactName]bool{}
	for range maxQuestions {
		def, ok, err := nextQuestion(engine, facts, skipped, now)
		if err != nil || !ok {
			return facts, err
		}
		fmt.Fprintf(out, "\n%s\n  (%s)\n> ", def.Question.In(lang), valueHint(def, lang))
		answer, err := in.ReadString('\n')
		answer = strings.TrimSpace(answer)
		if answer == "." || answer == "。" || err != nil && answer == "" {
			return facts, nil
		}
		skipped[def.Name] = true
		if answer == "" {
			continue
		}
		v, perr := def.Parse(strings.Trim(answer, "[]{}"))
		if perr != nil {
			fmt.Fprintln(out, say("看不懂这个值：", "That cannot be read: ")+perr.Error())
			delete(skipped, def.Name)
			continue
		}
		facts[def.Name] = v
	}
	return facts, nil
}

// nextQuestion begins with what every answer needs and then follows the packs.
func nextQuestion(engine *regulation.Engine, facts breach.Facts, skipped map[breach.FactName]bool, now time.Time) (breach.FactDef, bool, error) {
	for _, n := range []breach.FactName{"state", "kinds", "data.personal"} {
		if _, known := facts[n]; !known && !skipped[n] {
			def, _ := breach.DefOf(n)
			return def, true, nil
		}
	}
	a, err := engine.Assess(nil, facts, now)
	if err != nil {
		return breach.FactDef{}, false, err
	}
	for _, q := range a.Questions {
		if !skipped[q.Fact] {
			def, _ := breach.DefOf(q.Fact)
			return def, true, nil
		}
	}
	return breach.FactDef{}, false, nil
}
