package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

func filingVersionsCommand() *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:     "versions",
		Short:   "List every version of a report, the void ones too, with who decided what",
		Example: "  tocsin filing versions " + dutyExample,
	}
	return onDuty(&o, cmd, func(cmd *cobra.Command, c *client, id breach.IncidentID, key string) error {
		all, err := c.versions(cmd.Context(), id, key)
		if err != nil {
			return err
		}
		return o.show(cmd, api.VersionList{Versions: all}, func(p *page) { p.versions(all) })
	})
}

func (p *page) versions(all []api.VersionView) {
	var rows []table.Row
	for _, v := range all {
		authors := append([]breach.Person{v.Author}, v.Contributors...)
		state := p.approval(v.Document)
		if v.VoidedAt != nil {
			state = p.say("已作废：", "void: ") + *v.VoidReason
		}
		for _, d := range v.Decisions {
			if d.Verdict == breach.Refused && d.Why != "" {
				state += "\n" + string(d.Person) + p.say("：", ": ") + d.Why
			}
		}
		rows = append(rows, table.Row{v.Version, p.stage(v.Stage), stamp(&v.At), joined(authors), state, v.SHA256.String()[:12]})
	}
	p.table(table.Row{p.say("版", "Version"), p.say("阶段", "Stage"), p.say("起草时间", "Prepared"), p.say("起草与填写", "Words of"), p.say("审批", "Approval"), "SHA-256"}, rows, 4)
}

func (p *page) stage(s breach.Stage) string {
	word, ok := map[breach.Stage]breach.Text{
		breach.StageSingle: {ZH: "报告", EN: "report"}, breach.StageInitial: {ZH: "初报", EN: "initial"}, breach.StageSupplement: {ZH: "续报", EN: "supplement"},
		breach.StageFinal: {ZH: "总结报告", EN: "final"}, breach.StageWithdrawal: {ZH: "撤回", EN: "withdrawal"}, "": {ZH: "–", EN: "–"},
	}[s]
	if !ok {
		return string(s)
	}
	return word.In(p.lang)
}

func filingDiffCommand() *cobra.Command {
	var o viewOptions
	var from, to int
	cmd := &cobra.Command{
		Use:   "diff",
		Short: "Show what changed between two versions of a report, line by line",
		Long: `Show what changed between two versions of a report, line by line and in every language. Without --from and --to it compares the
newest version with the one before it; after a refusal or newer facts, that is what an approver has to read again.`,
		Example: "  tocsin filing diff " + dutyExample + "\n  tocsin filing diff " + dutyExample + " --from 2 --to 4",
	}
	versionFlags(cmd, &from, &to)
	return onDuty(&o, cmd, func(cmd *cobra.Command, c *client, id breach.IncidentID, key string) error {
		all, err := c.versions(cmd.Context(), id, key)
		if err != nil {
			return err
		}
		return c.showDiff(cmd, &o, all, from, to)
	})
}

func versionFlags(cmd *cobra.Command, from, to *int) {
	cmd.Flags().IntVar(from, "from", 0, "the older version; the one before --to when left out")
	cmd.Flags().IntVar(to, "to", 0, "the newer version; the newest when left out")
}

// showDiff compares two versions of a document.
func (c *client) showDiff(cmd *cobra.Command, o *viewOptions, all []api.VersionView, from, to int) error {
	older, newer, err := pair(all, from, to)
	if err != nil {
		return err
	}
	a, _, err := c.document(cmd.Context(), older.ID)
	if err != nil {
		return err
	}
	b, _, err := c.document(cmd.Context(), newer.ID)
	if err != nil {
		return err
	}
	d := compareVersions(a, b)
	return o.show(cmd, d, func(p *page) { p.versionDiff(d) })
}

// pair finds the two versions to compare.
func pair(all []api.VersionView, from, to int) (older, newer api.VersionView, err error) {
	if to == 0 {
		to = all[0].Version
	}
	if newer, err = pick(all, to); err != nil {
		return older, newer, err
	}
	if from == 0 {
		i := slices.IndexFunc(all, func(v api.VersionView) bool { return v.Version < to })
		if i < 0 {
			return older, newer, fmt.Errorf("version %d is the first one: there is nothing to compare it with", to)
		}
		return all[i], newer, nil
	}
	if from == to {
		return older, newer, usage("--from and --to name the same version")
	}
	older, err = pick(all, from)
	return older, newer, err
}

// versionsCompared is the difference between two versions.
type versionsCompared struct {
	From  int        `json:"from"`
	To    int        `json:"to"`
	Texts []textDiff `json:"texts"` // one for each language that differs
}

type textDiff struct {
	Language breach.Language `json:"language"`
	Audience breach.Audience `json:"audience,omitempty"` // of a notice
	Law      string          `json:"law,omitempty"`      // of a notice
	Unified  []string        `json:"unified"`            // lines that begin with a space, - or +, and @@ heads
}

func compareVersions(a, b api.DocumentView) versionsCompared {
	out := versionsCompared{From: a.Version, To: b.Version, Texts: []textDiff{}}
	lines := func(v api.DocumentView, d textDiff) []string {
		for _, r := range v.Content.Renditions {
			if r.Language == d.Language && r.Audience == d.Audience && r.Law == d.Law {
				return comparedLines(r)
			}
		}
		return nil
	}
	var seen []textDiff
	for _, r := range append(slices.Clone(b.Content.Renditions), a.Content.Renditions...) {
		d := textDiff{Language: r.Language, Audience: r.Audience, Law: r.Law}
		if slices.ContainsFunc(seen, func(x textDiff) bool { return x.Language == d.Language && x.Audience == d.Audience && x.Law == d.Law }) {
			continue
		}
		seen = append(seen, d)
		if d.Unified = unified(lines(a, d), lines(b, d), 2); len(d.Unified) > 0 {
			out.Texts = append(out.Texts, d)
		}
	}
	return out
}

// comparedLines are the lines of a text, and of a notice's short forms too.
func comparedLines(r breach.Rendition) []string {
	lines := strings.Split(strings.TrimRight(r.Text, "\n"), "\n")
	if r.Audience == "" {
		return lines
	}
	lines = append([]string{"Subject: " + r.Title}, lines...)
	return append(lines, "SMS: "+r.SMS, "Push: "+r.PushHead+" | "+r.Push)
}

func (p *page) versionDiff(d versionsCompared) {
	if len(d.Texts) == 0 {
		p.line("%s", p.say(fmt.Sprintf("第 %d 版与第 %d 版文字相同。", d.From, d.To), fmt.Sprintf("Versions %d and %d say the same.", d.From, d.To)))
		return
	}
	for _, t := range d.Texts {
		which := string(t.Language)
		if t.Audience != "" {
			which += ", " + p.audience(t.Audience)
		}
		if t.Law != "" {
			which = t.Law + ", " + which
		}
		p.line("%s", p.paint(text.Bold, fmt.Sprintf("--- %s, %s", p.say(fmt.Sprintf("第 %d 版", d.From), fmt.Sprintf("version %d", d.From)), which)))
		p.line("%s", p.paint(text.Bold, fmt.Sprintf("+++ %s, %s", p.say(fmt.Sprintf("第 %d 版", d.To), fmt.Sprintf("version %d", d.To)), which)))
		for _, line := range t.Unified {
			switch line[0] {
			case '-':
				line = p.paint(text.FgRed, line)
			case '+':
				line = p.paint(text.FgGreen, line)
			case '@':
				line = p.paint(text.FgCyan, line)
			}
			p.line("%s", line)
		}
	}
}

// unified compares two texts line by line, with so many lines of context around each change.
func unified(a, b []string, context int) []string {
	edits := lineEdits(a, b)
	var out []string
	for i := 0; i < len(edits); {
		if edits[i].mark == ' ' {
			i++
			continue
		}
		start, end := max(0, i-context), i
		for quiet := 0; end < len(edits) && quiet <= 2*context; end++ {
			if quiet++; edits[end].mark != ' ' {
				quiet = 0
			}
		}
		for end > i && edits[end-1].mark == ' ' {
			end--
		}
		end = min(len(edits), end+context)
		out = append(out, hunk(edits[start:end])...)
		i = end
	}
	return out
}

func hunk(edits []lineEdit) []string {
	var old, now int
	lines := []string{""}
	for _, e := range edits {
		if e.mark != '+' {
			old++
		}
		if e.mark != '-' {
			now++
		}
		lines = append(lines, string(e.mark)+e.text)
	}
	lines[0] = fmt.Sprintf("@@ -%d,%d +%d,%d @@", edits[0].old+1, old, edits[0].now+1, now)
	return lines
}

type lineEdit struct {
	mark     byte // ' ', '-' or '+'
	text     string
	old, now int // lines of each text before this one
}

// lineEdits turns a into b by the longest common run of lines.
func lineEdits(a, b []string) []lineEdit {
	common := make([][]int32, len(a)+1)
	for i := range common {
		common[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var edits []lineEdit
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			edits = append(edits, lineEdit{' ', a[i], i, j})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			edits = append(edits, lineEdit{'-', a[i], i, j})
			i++
		default:
			edits = append(edits, lineEdit{'+', b[j], i, j})
			j++
		}
	}
	return edits
}

func filingExportCommand() *cobra.Command {
	var o viewOptions
	var format, language, out string
	var version int
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write a version of a report as a file: the very bytes that were approved",
		Long: `Write a version of a report as a file. PDF and DOCX are the files that were made with the version and that its approval covers;
text and html are its words in one language; json is the content that the approval's hash is of.

Whatever is written is compared with its hash first. A file that exists is never overwritten.`,
		Example: `  tocsin filing export ` + dutyExample + ` --format pdf --out report.pdf
  tocsin filing export ` + dutyExample + ` --format docx --language en --out report.docx
  tocsin filing export ` + dutyExample + ` --format json --version 2`,
	}
	cmd.Flags().StringVar(&format, "format", "pdf", "pdf, docx, html, text or json")
	cmd.Flags().StringVar(&language, "language", "", "of the report: zh-CN or en; the authority's where empty")
	cmd.Flags().StringVar(&out, "out", "", "the new file; the output where empty")
	cmd.Flags().IntVar(&version, "version", 0, "which version; the current one where 0")
	return onDuty(&o, cmd, func(cmd *cobra.Command, c *client, id breach.IncidentID, key string) error {
		if !slices.Contains([]string{"pdf", "docx", "html", "text", "json"}, format) {
			return usage("--format must be pdf, docx, html, text or json")
		}
		if language != "" && language != string(breach.Chinese) && language != string(breach.English) {
			return usage("--language must be zh-CN or en")
		}
		if (format == "pdf" || format == "docx") && out == "" && isTerminalOut(cmd) {
			return usage("a %s is not for the screen: name a file with --out", format)
		}
		all, err := c.versions(cmd.Context(), id, key)
		if err != nil {
			return err
		}
		v, err := pick(all, version)
		if err != nil {
			return err
		}
		b, err := c.exported(cmd, v, format, breach.Language(language))
		if err != nil {
			return err
		}
		return writeOut(cmd, out, b)
	})
}

func isTerminalOut(cmd *cobra.Command) bool {
	_, ok := terminal(cmd.OutOrStdout())
	return ok
}

// exported reads a version in a format, and checks it against its hash.
func (c *client) exported(cmd *cobra.Command, v api.VersionView, format string, l breach.Language) ([]byte, error) {
	if format == "pdf" || format == "docx" {
		return c.storedFile(cmd, v, format, l)
	}
	d, _, err := c.document(cmd.Context(), v.ID)
	if err != nil {
		return nil, err
	}
	if format == "json" {
		return c.fetch(cmd.Context(), http.MethodGet, "/v1/documents/"+escape(string(v.ID))+"/content", nil, "", nil)
	}
	r, err := rendition(d, l)
	if err != nil {
		return nil, err
	}
	if format == "html" {
		return []byte(r.HTML), nil
	}
	return []byte(strings.TrimRight(r.Text, "\n") + "\n"), nil
}

func rendition(d api.DocumentView, l breach.Language) (breach.Rendition, error) {
	for _, r := range d.Content.Renditions {
		if l == "" || r.Language == l {
			return r, nil
		}
	}
	return breach.Rendition{}, fmt.Errorf("version %d is not written in %s", d.Version, l)
}

func (c *client) storedFile(cmd *cobra.Command, v api.VersionView, format string, l breach.Language) ([]byte, error) {
	var names []string
	for _, f := range v.Files {
		names = append(names, f.Name)
		if !strings.HasSuffix(f.Name, "."+format) || l != "" && !strings.Contains(f.Name, string(l)) {
			continue
		}
		b, err := c.fetch(cmd.Context(), http.MethodGet, "/v1/documents/"+escape(string(v.ID))+"/files/"+escape(f.Name), nil, "", nil)
		if err != nil {
			return nil, err
		}
		if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != f.SHA256 {
			return nil, errors.New("the file does not have its hash: do not use it, and tell whoever runs Tocsin")
		}
		return b, nil
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("version %d has no files of its own: --format text, html or json write its words", v.Version)
	}
	return nil, fmt.Errorf("version %d has no such file; there are %s", v.Version, strings.Join(names, ", "))
}

func filingPasteCommand() *cobra.Command {
	var o viewOptions
	var language string
	var draft bool
	cmd := &cobra.Command{
		Use:   "paste",
		Short: "Write an approved report field by field, to paste into an authority's portal",
		Long: `Write an approved report field by field, each under its label, to paste into an authority's portal or to read out on a hotline.
Only an approved version is written, since what was approved is what is handed over. Record the receipt afterwards:
tocsin filing receipt.`,
		Example: "  tocsin filing paste " + dutyExample + "\n  tocsin filing paste " + dutyExample + " --language en | less",
	}
	cmd.Flags().StringVar(&language, "language", "", "of the report: zh-CN or en; the authority's where empty")
	cmd.Flags().BoolVar(&draft, "draft", false, "also where nobody has approved it yet, to see how it will read; never hand that over")
	return onDuty(&o, cmd, func(cmd *cobra.Command, c *client, id breach.IncidentID, key string) error {
		all, err := c.versions(cmd.Context(), id, key)
		if err != nil {
			return err
		}
		v, err := pick(all, 0)
		if err != nil {
			return err
		}
		if !v.Valid() && !draft {
			return fmt.Errorf("version %d is not approved, so nothing of it may be handed over yet: tocsin filing approve %s %s; --draft shows how it will read", v.Version, id, key)
		}
		d, _, err := c.document(cmd.Context(), v.ID)
		if err != nil {
			return err
		}
		r, err := rendition(d, breach.Language(language))
		if err != nil {
			return err
		}
		return o.show(cmd, pasted{Version: v.Version, Approved: v.Valid(), Title: r.Title, Fields: fields(r)}, func(p *page) { p.paste(v.Document, r) })
	})
}

// pasted is a report field by field.
type pasted struct {
	Version  int            `json:"version"`
	Approved bool           `json:"approved"`
	Title    string         `json:"title"`
	Fields   []breach.Block `json:"fields"`
}

func fields(r breach.Rendition) []breach.Block {
	if len(r.Blocks) > 0 {
		return r.Blocks
	}
	return []breach.Block{{Kind: breach.BlockParagraph, Text: strings.TrimRight(r.Text, "\n")}}
}

func (p *page) paste(d store.Document, r breach.Rendition) {
	if !d.Valid() {
		p.line("%s\n", p.say("【草稿，未经批准，不得报送】", "[DRAFT, not approved, not to be handed over]"))
	}
	p.line("%s\n", r.Title)
	for _, f := range fields(r) {
		switch f.Kind {
		case breach.BlockHeading:
			p.line("== %s ==\n", f.Text)
		case breach.BlockRow:
			p.line("%s\n%s\n", p.paint(text.Bold, "["+f.Label+"]"), f.Text)
		case breach.BlockItem:
			p.line("- %s", f.Text)
		case breach.BlockParagraph:
			p.line("%s\n", f.Text)
		}
	}
}
