package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/document"
	"tocsin/internal/store"
)

func registerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "register",
		Short: "The register of all incidents, also those that nobody had to be told of",
		Example: `  tocsin register export --format csv --out register.csv
  tocsin register export --format pdf --from 2026-01-01T00:00+08:00 --out register.pdf`,
	}
	addAPIFlags(cmd)
	cmd.AddCommand(registerExportCommand())
	return cmd
}

func registerExportCommand() *cobra.Command {
	var o viewOptions
	var format, from, to, out string
	var titles, excel bool
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the register as CSV, JSON or PDF, with each decision, its reason and its author",
		Long: `Write the register of all incidents that were opened in a time, also those that were judged not notifiable, with each decision,
its reason and its author (GDPR art. 33(5); PIPL art. 57).

CSV has one row a duty, and one for an incident without any; a text that a spreadsheet would take for a formula is led by an
apostrophe. --excel puts a byte order mark before it, by which Excel reads Chinese. Titles may name people and are left out
unless --titles is given, which the journal records.`,
		Example: `  tocsin register export --format csv --excel --out register.csv
  tocsin register export --format json --from 2026-01-01T00:00+08:00 --to 2027-01-01T00:00+08:00
  tocsin register export --format pdf --lang zh-CN --out register.pdf`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&format, "format", "csv", "csv, json or pdf")
	f.StringVar(&from, "from", "", "opened at or after this instant; from the beginning where empty")
	f.StringVar(&to, "to", "", "opened before this instant; until now where empty")
	f.StringVar(&out, "out", "", "the new file; the output where empty")
	f.BoolVar(&titles, "titles", false, "with the incidents' titles, for lead and auditor alone")
	f.BoolVar(&excel, "excel", false, "CSV with a byte order mark")
	f.StringVar(&o.lang, "lang", "", "zh-CN or en; by default the language of the environment")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		o.output = "table"
		switch {
		case !slices.Contains([]string{"csv", "json", "pdf"}, format):
			return usage("--format must be csv, json or pdf")
		case excel && format != "csv":
			return usage("--excel is for --format csv")
		case format == "pdf" && out == "" && isTerminalOut(cmd):
			return usage("a pdf is not for the screen: name a file with --out")
		}
		if err := o.check(); err != nil {
			return err
		}
		path, err := registerPath(from, to, titles)
		if err != nil {
			return err
		}
		c, err := newClient(cmd)
		if err != nil {
			return err
		}
		var r api.Register
		if err := c.get(cmd.Context(), path, &r); err != nil {
			return err
		}
		lang, err := o.language()
		if err != nil {
			return err
		}
		b, err := registerAs(format, r, lang, excel)
		if err != nil {
			return err
		}
		return writeOut(cmd, out, b)
	}
	return cmd
}

func registerPath(from, to string, titles bool) (string, error) {
	q := url.Values{}
	for name, text := range map[string]string{"from": from, "to": to} {
		if text == "" {
			continue
		}
		at, err := instant(name, text)
		if err != nil {
			return "", err
		}
		q.Set(name, at.Format(time.RFC3339))
	}
	if titles {
		q.Set("titles", "true")
	}
	return "/v1/register?" + q.Encode(), nil
}

func registerAs(format string, r api.Register, l breach.Language, excel bool) ([]byte, error) {
	switch format {
	case "json":
		var b bytes.Buffer
		err := writeJSON(&b, r)
		return b.Bytes(), err
	case "csv":
		return registerCSV(r, l, excel)
	}
	return registerPDF(r, l)
}

// registerColumns are the columns of the CSV, in order.
var registerColumns = []struct {
	name breach.Text
	cell func(e store.RegisterEntry, d store.RegisterDuty, l breach.Language) string
}{
	{breach.Text{ZH: "事件编号", EN: "incident"}, func(e store.RegisterEntry, _ store.RegisterDuty, _ breach.Language) string { return string(e.Incident) }},
	{breach.Text{ZH: "标题", EN: "title"}, func(e store.RegisterEntry, _ store.RegisterDuty, _ breach.Language) string { return e.Title }},
	{breach.Text{ZH: "立案时间（UTC）", EN: "opened_at"}, func(e store.RegisterEntry, _ store.RegisterDuty, _ breach.Language) string { return utc(&e.OpenedAt) }},
	{breach.Text{ZH: "立案人", EN: "opened_by"}, func(e store.RegisterEntry, _ store.RegisterDuty, _ breach.Language) string { return string(e.OpenedBy) }},
	{breach.Text{ZH: "获知时间（UTC）", EN: "aware_at"}, func(e store.RegisterEntry, _ store.RegisterDuty, _ breach.Language) string { return utc(e.AwareAt) }},
	{breach.Text{ZH: "关闭时间（UTC）", EN: "closed_at"}, func(e store.RegisterEntry, _ store.RegisterDuty, _ breach.Language) string { return utc(e.ClosedAt) }},
	{breach.Text{ZH: "级别", EN: "severity"}, func(e store.RegisterEntry, _ store.RegisterDuty, l breach.Language) string { return levelsOf(e, l) }},
	{breach.Text{ZH: "结论", EN: "decision"}, func(e store.RegisterEntry, _ store.RegisterDuty, l breach.Language) string { return decisionWord(e, l) }},
	{breach.Text{ZH: "结论理由", EN: "decision_reason"}, func(e store.RegisterEntry, _ store.RegisterDuty, _ breach.Language) string { return e.Reason }},
	{breach.Text{ZH: "提出人", EN: "decision_author"}, func(e store.RegisterEntry, _ store.RegisterDuty, _ breach.Language) string { return string(e.Author) }},
	{breach.Text{ZH: "批准人", EN: "decision_approvers"}, func(e store.RegisterEntry, _ store.RegisterDuty, _ breach.Language) string {
		return joined(e.Approvers)
	}},
	{breach.Text{ZH: "义务", EN: "duty"}, func(_ store.RegisterEntry, d store.RegisterDuty, _ breach.Language) string { return d.Key }},
	{breach.Text{ZH: "义务内容", EN: "duty_title"}, func(_ store.RegisterEntry, d store.RegisterDuty, l breach.Language) string { return d.Title.In(l) }},
	{breach.Text{ZH: "对象", EN: "addressee"}, func(_ store.RegisterEntry, d store.RegisterDuty, l breach.Language) string { return d.Addressee.In(l) }},
	{breach.Text{ZH: "依据", EN: "instrument"}, func(_ store.RegisterEntry, d store.RegisterDuty, l breach.Language) string { return d.Instrument.In(l) }},
	{breach.Text{ZH: "条款", EN: "article"}, func(_ store.RegisterEntry, d store.RegisterDuty, l breach.Language) string { return d.Article.In(l) }},
	{breach.Text{ZH: "是否应履行", EN: "owed"}, func(_ store.RegisterEntry, d store.RegisterDuty, _ breach.Language) string { return string(d.Owed) }},
	{breach.Text{ZH: "状态", EN: "status"}, func(_ store.RegisterEntry, d store.RegisterDuty, _ breach.Language) string { return string(d.Status) }},
	{breach.Text{ZH: "时限（UTC）", EN: "due_at"}, func(_ store.RegisterEntry, d store.RegisterDuty, _ breach.Language) string { return utc(d.DueAt) }},
	{breach.Text{ZH: "时限", EN: "deadline"}, func(_ store.RegisterEntry, d store.RegisterDuty, l breach.Language) string { return d.Deadline.In(l) }},
	{breach.Text{ZH: "履行时间（UTC）", EN: "met_at"}, func(_ store.RegisterEntry, d store.RegisterDuty, _ breach.Language) string { return utc(d.MetAt) }},
	{breach.Text{ZH: "逾期", EN: "late"}, func(_ store.RegisterEntry, d store.RegisterDuty, _ breach.Language) string { return yes(d) }},
	{breach.Text{ZH: "评估理由", EN: "why"}, func(_ store.RegisterEntry, d store.RegisterDuty, l breach.Language) string { return whyOf(d, l) }},
	{breach.Text{ZH: "逾期或放弃理由", EN: "duty_reason"}, func(_ store.RegisterEntry, d store.RegisterDuty, _ breach.Language) string { return d.Reason }},
	{breach.Text{ZH: "起草人", EN: "duty_authors"}, func(_ store.RegisterEntry, d store.RegisterDuty, _ breach.Language) string { return joined(d.Authors) }},
	{breach.Text{ZH: "审批人", EN: "duty_approvers"}, func(_ store.RegisterEntry, d store.RegisterDuty, _ breach.Language) string {
		return joined(d.Approvers)
	}},
	{breach.Text{ZH: "报送记录", EN: "filings"}, func(_ store.RegisterEntry, d store.RegisterDuty, l breach.Language) string {
		return filingsOf(d, l, "; ", utc)
	}},
}

func utc(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// minute is [utc] for people: the paper says once that its times are UTC.
func minute(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}

func yes(d store.RegisterDuty) string {
	if d.Key == "" {
		return ""
	}
	return strconv.FormatBool(d.Late)
}

func levelsOf(e store.RegisterEntry, l breach.Language) string {
	var s []string
	for _, v := range e.Severities {
		if level := v.Level.In(l); level != "" {
			s = append(s, v.Scale.In(l)+": "+level)
		}
	}
	return strings.Join(s, "; ")
}

func decisionWord(e store.RegisterEntry, l breach.Language) string {
	word, ok := map[string]breach.Text{
		store.RegisterOpen: {ZH: "尚未结案", EN: "open"}, store.RegisterFiled: {ZH: "已报告", EN: "notified"}, store.RegisterNothing: {ZH: "经判断无需报告", EN: "not notifiable"},
	}[e.Decision]
	if !ok {
		return e.Decision
	}
	return word.In(l)
}

func whyOf(d store.RegisterDuty, l breach.Language) string {
	var s []string
	for _, r := range d.Why {
		s = append(s, r.Text.In(l))
	}
	return strings.Join(s, "; ")
}

// filingsOf tells what was handed over: stage, when, by which way, under which receipt, when it was acknowledged.
func filingsOf(d store.RegisterDuty, l breach.Language, between string, stamp func(*time.Time) string) string {
	p := &page{lang: l}
	var all []string
	for _, f := range d.Filings {
		s := p.stage(f.Stage) + " " + strconv.Itoa(f.Number) + ": " + stamp(f.FiledAt) + ", " + f.Channel
		if f.Receipt != "" {
			s += p.say("，回执 ", ", receipt ") + f.Receipt
		}
		if f.AcknowledgedAt != nil {
			s += p.say("，确认 ", ", acknowledged ") + stamp(f.AcknowledgedAt)
		}
		if f.Late {
			s += p.say("，逾期", ", late")
		}
		all = append(all, s)
	}
	return strings.Join(all, between)
}

// registerCSV writes one row a duty.
func registerCSV(r api.Register, l breach.Language, excel bool) ([]byte, error) {
	var b bytes.Buffer
	if excel {
		b.WriteString("\ufeff")
	}
	w := csv.NewWriter(&b)
	w.UseCRLF = excel
	var row []string
	for _, c := range registerColumns {
		row = append(row, c.name.In(l))
	}
	if err := w.Write(row); err != nil {
		return nil, err
	}
	for _, e := range r.Entries {
		duties := e.Duties
		if len(duties) == 0 {
			duties = []store.RegisterDuty{{}}
		}
		for _, d := range duties {
			row = row[:0]
			for _, c := range registerColumns {
				row = append(row, inert(c.cell(e, d, l)))
			}
			if err := w.Write(row); err != nil {
				return nil, err
			}
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// inert leads with an apostrophe what a spreadsheet would take for a formula, and takes out what no cell should hold.
func inert(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	if trimmed := strings.TrimLeft(s, " \t\n\u00a0\u3000"); trimmed != "" && strings.ContainsRune("=+-@＝＋－＠|%", []rune(trimmed)[0]) || strings.HasPrefix(s, "\t") {
		return "'" + s
	}
	return s
}

// registerPDF sets one row a duty, and one for an incident without any.
func registerPDF(r api.Register, l breach.Language) ([]byte, error) {
	p := &page{lang: l}
	content, err := json.Marshal(r.Entries)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	sheet := document.Sheet{
		Title: p.say("数据安全事件登记册", "Register of data incidents"), Language: l, Number: minute(&r.At) + " UTC", Date: r.At, SHA256: hex.EncodeToString(sum[:]),
		Intro: []string{p.say(
			fmt.Sprintf("%s至 %s 立案的全部事件，包括经判断无需报告的事件。共 %d 起。时间为 UTC。", since(r.From, "", " 起"), minute(&r.To), len(r.Entries)),
			fmt.Sprintf("All incidents opened %suntil %s, also those judged not notifiable: %d. Times are UTC.", since(r.From, "from ", " "), minute(&r.To), len(r.Entries)))},
		Columns: []document.Column{
			{Title: p.say("事件", "Incident"), Share: 1.4},
			{Title: p.say("级别", "Severity"), Share: 1.2},
			{Title: p.say("义务与依据", "Duty and source"), Share: 2.4},
			{Title: p.say("时限", "Deadline"), Share: 1.5},
			{Title: p.say("报送与回执", "Filed, receipt"), Share: 2},
			{Title: p.say("结论、理由、责任人", "Decision, reason, author"), Share: 2.2},
		},
		Rows: func(yield func([]string, error) bool) {
			for _, e := range r.Entries {
				duties := e.Duties
				if len(duties) == 0 {
					duties = []store.RegisterDuty{{}}
				}
				for i, d := range duties {
					if !yield(p.registerRow(e, d, i == 0), nil) {
						return
					}
				}
			}
		},
		Empty: p.say("这段时间没有立案的事件。", "No incident was opened in this time."),
	}
	var b bytes.Buffer
	err = document.SheetPDF(&b, sheet)
	return b.Bytes(), err
}

func since(t time.Time, before, after string) string {
	if t.IsZero() {
		return ""
	}
	return before + minute(&t) + after
}

// registerRow is one duty; what belongs to the incident as a whole stands with the first of them.
func (p *page) registerRow(e store.RegisterEntry, d store.RegisterDuty, first bool) []string {
	row := []string{string(e.Incident), "", "", "", filingsOf(d, p.lang, "\n", minute), ""}
	if first {
		lines := []string{string(e.Incident), e.Title, p.say("立案 ", "opened ") + minute(&e.OpenedAt)}
		if e.AwareAt != nil {
			lines = append(lines, p.say("获知 ", "aware ")+minute(e.AwareAt))
		}
		if e.ClosedAt != nil {
			lines = append(lines, p.say("关闭 ", "closed ")+minute(e.ClosedAt))
		}
		row[0] = nonEmpty("\n", lines...)
		row[1] = strings.ReplaceAll(levelsOf(e, p.lang), "; ", "\n")
		row[5] = nonEmpty("\n", decisionWord(e, p.lang), e.Reason, who(p.say("提出 ", "proposed by "), string(e.Author)), who(p.say("批准 ", "agreed by "), joined(e.Approvers)))
	}
	if d.Key != "" {
		row[2] = nonEmpty("\n", d.Title.In(p.lang)+" → "+d.Addressee.In(p.lang), nonEmpty(" ", d.Instrument.In(p.lang), d.Article.In(p.lang)), p.status(store.Obligation{Status: d.Status}))
		row[3] = d.Deadline.In(p.lang)
		if d.Late {
			row[3] += "\n" + p.say("逾期", "late")
		}
		row[5] = nonEmpty("\n", row[5], d.Reason, who(p.say("报告起草 ", "report by "), joined(d.Authors)), who(p.say("审批 ", "approved by "), joined(d.Approvers)))
	}
	return row
}

func who(word, people string) string {
	if people == "" {
		return ""
	}
	return word + people
}

// nonEmpty joins what is not empty.
func nonEmpty(between string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(parts), func(s string) bool { return strings.TrimSpace(s) == "" }), between)
}
