package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
)

func filingEditCommand() *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:   "edit",
		Short: "Answer a report's form in your editor, every item with its state",
		Long: `Answer a report's form in your editor ($VISUAL, else $EDITOR, else vi), every item with what is answered so far. Saving sends
what changed; leaving without a change sends nothing. An item that the form does not have is refused with its line, and your
text is kept. The file is yours alone to read and is removed once it was sent.`,
		Example: "  tocsin filing edit " + dutyExample + "\n  EDITOR=\"code --wait\" tocsin filing edit " + dutyExample,
	}
	return onDuty(&o, cmd, func(cmd *cobra.Command, c *client, id breach.IncidentID, key string) error {
		v, err := c.form(cmd, id, key)
		if err != nil {
			return err
		}
		lang, err := o.language()
		if err != nil {
			return err
		}
		before := editText(v, id, lang)
		after, file, err := edit(cmd, before)
		if err != nil {
			return err
		}
		if bytes.Equal(before, after) {
			_ = os.RemoveAll(filepath.Dir(file))
			return o.show(cmd, api.AnswersSaved{Rev: v.Rev}, func(p *page) { p.line("%s", p.say("没有变化。", "Nothing changed.")) })
		}
		answers, err := readEdit(after, v)
		if err == nil {
			err = saveAnswers(cmd, &o, c, id, v, answers)
		}
		if err != nil {
			return fmt.Errorf("%w\n%w; your text is in %s: mend it there, then give it with tocsin filing answer, or edit again", err, errNothingSaved, file)
		}
		return os.RemoveAll(filepath.Dir(file))
	})
}

// editText writes the form as YAML, each item under its label, what it asks for and its state.
func editText(v api.FormView, id breach.IncidentID, l breach.Language) []byte {
	say := func(zh, en string) string { return breach.Text{ZH: zh, EN: en}.In(l) }
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s  %s  %s\n", id, v.Duty, oneLine(v.Title.In(l)))
	fmt.Fprintf(&b, "# %s\n", say("zh、en 填写答复；无法填写的，在 na_zh、na_en 写明不适用的理由。清空即撤回。多行用 |- 。", "zh and en answer; where there can be no answer, na_zh and na_en say why. Emptying takes back. Several lines: |-"))
	seen := map[string]bool{}
	item := func(key, help string) {
		if seen[key] {
			return
		}
		seen[key] = true
		a, _ := answerTo(v, key)
		if help != "" {
			fmt.Fprintf(&b, "# %s\n", oneLine(help))
		}
		state := say("未知，待补充", "unknown, to be supplemented")
		switch {
		case a.NotApplicable != (breach.Text{}):
			state = say("不适用", "not applicable")
		case a.Text != (breach.Text{}):
			state = say("已填写："+string(a.By), "given by "+string(a.By))
		}
		fmt.Fprintf(&b, "%s: # %s\n", key, oneLine(state))
		for _, field := range []struct{ name, text string }{{"zh", a.Text.ZH}, {"en", a.Text.EN}, {"na_zh", a.NotApplicable.ZH}, {"na_en", a.NotApplicable.EN}} {
			fmt.Fprintf(&b, "  %s: %s\n", field.name, yamlText(field.text))
		}
	}
	for _, it := range v.Items {
		fmt.Fprintf(&b, "\n# ── %s ──\n", oneLine(it.Label.In(l)))
		for _, f := range it.Facts {
			item(string(f), say("事实，用 incident facts 填写；此处只能写明不适用的理由。", "a fact, stated with incident facts; here only why it does not apply."))
		}
		for _, prompt := range it.Answers {
			item(prompt.Key, prompt.Help.In(l))
		}
	}
	for _, prompt := range v.Other {
		fmt.Fprintf(&b, "\n# ── %s ──\n", oneLine(prompt.Name.In(l)))
		item(prompt.Key, prompt.Help.In(l))
	}
	return b.Bytes()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// yamlText writes a text so that it is read back as it was.
func yamlText(s string) string {
	plain := s != "" && !strings.HasPrefix(s, " ") && !strings.HasSuffix(s, "\n") && !strings.ContainsAny(s, "\r\t") &&
		!strings.ContainsFunc(s, func(r rune) bool {
			return r < ' ' && r != '\n' || r == 0x7f || r == 0xfeff || r == 0x85 || r == 0x2028 || r == 0x2029
		})
	if plain && strings.Contains(s, "\n") {
		lines := strings.Split(s, "\n")
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, " ") || strings.HasSuffix(l, " ") }) {
			return "|-\n    " + strings.ReplaceAll(strings.Join(lines, "\n    "), "    \n", "\n")
		}
	}
	return quote(s)
}

// quote is a double-quoted scalar of YAML.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f || r == 0x85 || r == 0xfeff || r == 0x2028 || r == 0x2029:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// edit lets the person change a text. The file lies in a folder of its own, and stays where something fails.
func edit(cmd *cobra.Command, before []byte) (after []byte, file string, err error) {
	editor := strings.Fields(os.Getenv("VISUAL"))
	if len(editor) == 0 {
		editor = strings.Fields(os.Getenv("EDITOR"))
	}
	if len(editor) == 0 {
		editor = []string{"vi"}
	}
	dir, err := os.MkdirTemp("", "tocsin-edit-*") // 0700
	if err != nil {
		return nil, "", fmt.Errorf("make a folder for the editor: %w", pathless(err))
	}
	file = filepath.Join(dir, "answers.yaml")
	if err := os.WriteFile(file, before, 0o600); err != nil {
		return nil, "", fmt.Errorf("write for the editor: %w", pathless(err))
	}
	run := exec.CommandContext(cmd.Context(), editor[0], append(editor[1:], file)...)
	run.Stdin, run.Stdout, run.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	if err := run.Run(); err != nil {
		return nil, "", fmt.Errorf("the editor %s did not end well: %w; %w; what you wrote is in %s. EDITOR names another editor", editor[0], err, errNothingSaved, file)
	}
	after, err = os.ReadFile(file)
	if err != nil {
		return nil, "", fmt.Errorf("read what the editor wrote: %w", pathless(err))
	}
	if len(after) > 1<<20 {
		return nil, "", fmt.Errorf("the file has %d bytes; at most 1 MiB is read; %w; your text is in %s", len(after), errNothingSaved, file)
	}
	return after, file, nil
}

// readEdit reads the file back. Every fault names its line. An item whose lines are gone stays as it was: emptying takes back.
func readEdit(b []byte, v api.FormView) ([]api.AnswerIn, error) {
	file, err := parser.ParseBytes(b, 0)
	if err != nil {
		return nil, fmt.Errorf("the file cannot be read as YAML: %s", firstLine(yaml.FormatError(err, false, false)))
	}
	asked, seen := itemsOf(v), map[string]int{}
	var out []api.AnswerIn
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		for _, entry := range entries(doc.Body) {
			at := entry.Key.GetToken().Position.Line
			key := entry.Key.GetToken().Value
			if !slices.Contains(asked, key) {
				return nil, fmt.Errorf("line %d: %w", at, unknownItem(key, asked))
			}
			if before, twice := seen[key]; twice {
				return nil, fmt.Errorf("line %d: %s stands in line %d already", at, key, before)
			}
			seen[key] = at
			a, err := readItem(entry, key)
			if err != nil {
				return nil, err
			}
			out = append(out, a)
		}
		if len(entries(doc.Body)) == 0 {
			return nil, fmt.Errorf("line %d: the file holds items, each with zh, en, na_zh and na_en", doc.Body.GetToken().Position.Line)
		}
	}
	return out, nil
}

func entries(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

// readItem reads one item's texts, strictly.
func readItem(entry *ast.MappingValueNode, key string) (api.AnswerIn, error) {
	a := api.AnswerIn{Item: key}
	if entry.Value == nil || entry.Value.Type() == ast.NullType {
		return a, nil
	}
	fields := map[string]*string{"zh": &a.Text.ZH, "en": &a.Text.EN, "na_zh": &a.NotApplicable.ZH, "na_en": &a.NotApplicable.EN}
	inner := entries(entry.Value)
	if len(inner) == 0 {
		return a, fmt.Errorf("line %d: %s must hold zh, en, na_zh and na_en below it", entry.Key.GetToken().Position.Line, key)
	}
	for _, f := range inner {
		at, name := f.Key.GetToken().Position.Line, f.Key.GetToken().Value
		into, ok := fields[name]
		if !ok {
			return a, fmt.Errorf("line %d: %s has no %q; there are zh, en, na_zh and na_en", at, key, name)
		}
		if f.Value == nil || f.Value.Type() == ast.NullType {
			continue
		}
		var text string
		if err := yaml.NodeToValue(f.Value, &text); err != nil || len(entries(f.Value)) > 0 || f.Value.Type() == ast.SequenceType {
			return a, fmt.Errorf("line %d: %s.%s must be a text", at, key, name)
		}
		*into = strings.TrimSpace(text)
	}
	if a.Text != (breach.Text{}) && a.NotApplicable != (breach.Text{}) {
		return a, fmt.Errorf("line %d: %s has an answer and a reason why it does not apply; leave one of the two", entry.Key.GetToken().Position.Line, key)
	}
	return a, nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
