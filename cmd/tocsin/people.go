package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
)

func peopleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "people",
		Short: "Import and count affected people",
		Example: `  tocsin people import INC-2026-0001 people.csv
  tocsin people count INC-2026-0001`,
	}
	addAPIFlags(cmd)
	cmd.AddCommand(peopleImportCommand(), peopleCountCommand())
	return cmd
}

func peopleImportCommand() *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:   "import INCIDENT FILE",
		Short: "Import a CSV file of affected people and their guardians",
		Long: `Import a CSV file of affected people and their guardians; - reads standard input.

UTF-8 (with or without byte order mark) or GB18030; Chinese or English headers, at least one of them a contact. A row that
cannot be understood is set aside and listed with its line and the reason; the rest goes on. Importing a file twice, or a
second file that names the same people, counts nobody twice. Columns that are not understood are named and not kept.

Headers: 姓名 name, 邮箱 email, 手机号 phone, 推送标识 push_token, 出生日期 birth_date, 是否未成年 is_minor,
监护人姓名 guardian_name, 监护人邮箱 guardian_email, 监护人手机 guardian_phone, 语言 language, 用户ID external_id, 国家/地区 region (CN, US-CA, a name), 数据类别 categories (name;phone;id_number).`,
		Example: `  tocsin people import INC-2026-0001 people.csv
  zstd -dc people.csv.zst | tocsin people import INC-2026-0001 -`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			id, err := incidentArg(args)
			if err != nil {
				return err
			}
			file, size, err := openPeople(cmd.InOrStdin(), args[1])
			if err != nil {
				return err
			}
			defer file.Close()
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var answer api.ImportAnswer
			progress := newProgress(cmd.ErrOrStderr(), file, size)
			err = c.upload(cmd.Context(), "/v1/incidents/"+string(id)+"/people", progress, size, &answer)
			progress.end()
			if err != nil {
				return err
			}
			return o.show(cmd, answer, func(p *page) { p.imported(answer) })
		},
	}
	o.add(cmd)
	return cmd
}

// openPeople opens a file, or standard input for a dash. Its size is -1 where it is not known.
func openPeople(in io.Reader, name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(in), -1, nil
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, 0, fmt.Errorf("there is no file %s", name)
	case err != nil:
		return nil, 0, fmt.Errorf("%s cannot be opened", name)
	case info.IsDir():
		return nil, 0, fmt.Errorf("%s is a folder: name one CSV file in it", name)
	case !info.Mode().IsRegular():
		return nil, 0, fmt.Errorf("%s is not a file: name a CSV file, or - for standard input", name)
	case info.Size() == 0:
		return nil, 0, fmt.Errorf("%s is empty: nothing was imported; a people file begins with a header such as 姓名,邮箱,手机号 or name,email,phone", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, fmt.Errorf("%s cannot be opened: may you read it?", name)
	}
	return f, info.Size(), nil
}

// upload sends a file. The API is asked first whether it wants it, so that a wrong token costs no transfer.
func (c *client) upload(ctx context.Context, path string, body io.Reader, size int64, out any) error {
	if size < 0 {
		return c.do(ctx, http.MethodPost, path, body, "text/csv", http.Header{"Expect": {"100-continue"}}, out)
	}
	return c.do(ctx, http.MethodPost, path, sized{body, size}, "text/csv", http.Header{"Expect": {"100-continue"}}, out)
}

// sized is a body whose length is known.
type sized struct {
	io.Reader
	size int64
}

// progress shows on a terminal how much of a file was sent.
type progress struct {
	io.Reader
	out   io.Writer
	size  int64
	sent  int64
	shown time.Time
}

func newProgress(out io.Writer, r io.Reader, size int64) *progress {
	if !isTerminal(out) {
		out = nil
	}
	return &progress{Reader: r, out: out, size: size}
}

// Read reads on and shows how far it is, four times a second.
func (p *progress) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	p.sent += int64(n)
	if p.out == nil || now().Sub(p.shown) < 250*time.Millisecond {
		return n, err
	}
	p.shown = now()
	done := fmt.Sprintf("%.1f MB", float64(p.sent)/1e6)
	if p.size > 0 {
		done += fmt.Sprintf(" of %.1f MB, %d %%", float64(p.size)/1e6, 100*p.sent/p.size)
	}
	fmt.Fprint(p.out, "\r"+done+clearLine)
	return n, err
}

func (p *progress) end() {
	if p.out != nil && !p.shown.IsZero() {
		fmt.Fprint(p.out, "\r"+clearLine)
	}
}

// imported sums an import up; the first issues are listed, the rest counted.
func (p *page) imported(a api.ImportAnswer) {
	p.line("%s", p.say(
		fmt.Sprintf("读入 %d 行（%s）：新增 %d 人，已在册 %d 人，搁置 %d 行，提示 %d 条。", a.RowsIn, a.Encoding, a.PeopleNew, a.PeopleKnown, a.SetAside, a.Warnings),
		fmt.Sprintf("%d rows read (%s): %d new people, %d known already, %d rows set aside, %d warnings.", a.RowsIn, a.Encoding, a.PeopleNew, a.PeopleKnown, a.SetAside, a.Warnings),
	))
	if len(a.Ignored) > 0 {
		p.wrapped(0, p.say("未识别、未保留的列：", "Columns not understood and not kept: ")+strings.Join(a.Ignored, p.say("、", ", ")))
	}
	if !a.KnowsAges {
		p.wrapped(0, p.say("文件中没有可判断年龄的列，所有人按年龄不详处理。", "No column tells ages, so every age counts as unknown."))
	}
	const shown = 20
	var rows []table.Row
	for i, issue := range a.Issues {
		if i == shown {
			break
		}
		text := issue.Reason
		if issue.Text != nil {
			text = issue.Text.In(p.lang)
		}
		rows = append(rows, table.Row{issue.Line, issue.Column, text})
	}
	if len(rows) > 0 {
		p.table(table.Row{p.say("行", "Line"), p.say("列", "Column"), p.say("问题", "Issue")}, rows, 1, 2)
	}
	if more := int64(len(a.Issues)-len(rows)) + a.More; more > 0 {
		p.line("%s", p.say(fmt.Sprintf("另有 %d 条；--output json 可见前 1000 条。", more), fmt.Sprintf("And %d more; --output json shows the first 1000.", more)))
	}
	p.tally(a.Tally)
}

func peopleCountCommand() *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:     "count INCIDENT",
		Short:   "Count affected people by where they stand; the parts always add up",
		Example: "  tocsin people count INC-2026-0001\n  tocsin people count INC-2026-0001 --output json",
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = query(&o, incidentPath("/people/count"), func(p *page, t breach.Tally) {
		row := func(zh, en string, n int64) table.Row { return table.Row{p.say(zh, en), n} }
		p.table(table.Row{p.say("受影响的人", "Affected people"), p.say("人数", "Number")}, []table.Row{
			row("受影响", "affected", t.Affected), row("　其中未成年人", "  of them minors", t.Minors), row("　其中不满十四周岁", "  of them under 14", t.Under14),
			row("已逐一告知", "told", t.Told), row("公告告知", "told by public notice", t.Public), row("依法免除告知", "lawfully exempt", t.Exempt),
			row("进行中", "still open", t.Open), row("无法送达", "missed by every channel", t.Missed),
		})
		if !t.Reconciles() {
			p.line("%s", p.say("各项之和与总数不符，请通知系统管理员。", "The parts do not add up: tell whoever runs Tocsin."))
		}
	})
	o.add(cmd)
	return cmd
}
