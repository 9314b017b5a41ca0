package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/audience"
	"tocsin/internal/breach"
)

// imported sums an import up, or a dry run; the first issues are listed, the rest counted.
func (p *page) imported(a api.ImportAnswer) {
	how := strings.Join(slices.DeleteFunc([]string{a.Encoding, formatWord(a.Format), a.Packing}, func(s string) bool { return s == "" }), ", ")
	if a.DryRun {
		p.line("%s", p.say(
			fmt.Sprintf("试读 %d 行（%s），没有写入任何内容：可认定 %d 人，搁置 %d 行，提示 %d 条。", a.RowsIn, how, a.Preview.People, a.SetAside, a.Warnings),
			fmt.Sprintf("%d rows read (%s), and nothing was written: %d people, %d rows to be set aside, %d warnings.", a.RowsIn, how, a.Preview.People, a.SetAside, a.Warnings),
		))
	} else {
		p.line("%s", p.say(
			fmt.Sprintf("读入 %d 行（%s）：新增 %d 人，已在册 %d 人，搁置 %d 行，提示 %d 条。", a.RowsIn, how, a.PeopleNew, a.PeopleKnown, a.SetAside, a.Warnings),
			fmt.Sprintf("%d rows read (%s): %d new people, %d known already, %d rows set aside, %d warnings.", a.RowsIn, how, a.PeopleNew, a.PeopleKnown, a.SetAside, a.Warnings),
		))
	}
	if a.Guardians > 0 {
		p.line("%s", p.say(fmt.Sprintf("另读入监护人 %d 名。", a.Guardians), fmt.Sprintf("%d guardians read from the second file.", a.Guardians)))
	}
	if a.DryRun {
		p.columns(a)
	}
	if len(a.Ignored) > 0 {
		p.wrapped(0, p.say("未识别、未保留的列：", "Columns not understood and not kept: ")+strings.Join(a.Ignored, p.say("、", ", ")))
	}
	if !a.KnowsAges {
		p.wrapped(0, p.say("文件中没有可判断年龄的列，所有人按年龄不详处理。", "No column tells ages, so every age counts as unknown."))
	}
	if !a.Numbered {
		p.wrapped(0, p.say(
			"文件中没有账号（external_id）或人员编号（person_id）列，只能凭整行内容分辨是谁：改正后重新导入的行会算作另一个人。请先用 --dry-run 试读，改好再导入。",
			"No column tells people apart by a number (external_id, person_id), so all that a row says does: a row that is corrected and imported again counts as another person. Try --dry-run, and correct the file before you import it.",
		))
	}
	if a.DryRun {
		p.preview(a.Preview)
	}
	p.issues(a)
	if !a.DryRun {
		p.tally(a.Tally)
	}
}

// formatWord leaves the plainest format unsaid.
func formatWord(format string) string {
	if format == "CSV" {
		return ""
	}
	return format
}

// columns shows what each column was taken for.
func (p *page) columns(a api.ImportAnswer) {
	var rows []table.Row
	for _, c := range a.Columns {
		rows = append(rows, table.Row{c.Header, p.fieldName(audience.Field(c.Field)) + " (" + c.Field + ")"})
	}
	p.table(table.Row{p.say("列", "Column"), p.say("理解为", "Taken for")}, rows)
}

func (p *page) fieldName(f audience.Field) string {
	for _, v := range audience.Fields() {
		if v.Field == f && p.lang == breach.Chinese {
			return v.Names[0]
		}
	}
	return strings.ReplaceAll(string(f), "_", " ")
}

// counts lists what was counted, the most first; none stands for an empty name.
func (p *page) counts(label string, m map[string]int64, none string) {
	if len(m) == 0 || len(m) == 1 && m[""] > 0 {
		return
	}
	keys := slices.Collect(maps.Keys(m))
	slices.SortFunc(keys, func(a, b string) int { return int(min(max(m[b]-m[a], -1), 1))*2 + strings.Compare(a, b) })
	var parts []string
	for i, k := range keys {
		if i == 12 {
			parts = append(parts, fmt.Sprintf("+%d", len(keys)-i))
			break
		}
		name := k
		if k == "" {
			name = none
		}
		parts = append(parts, fmt.Sprintf("%s %d", name, m[k]))
	}
	p.wrapped(0, label+strings.Join(parts, p.say("，", ", ")))
}

func (p *page) preview(v *api.Preview) {
	if v == nil {
		return
	}
	p.line("%s", p.say(fmt.Sprintf("有可用联系方式（本人或监护人）：%d 人。", v.Reachable), fmt.Sprintf("With a usable contact, their own or a guardian's: %d.", v.Reachable)))
	unsaid := p.say("未写明", "not said")
	p.counts(p.say("年龄：", "Ages: "), v.Ages, unsaid)
	p.counts(p.say("语言：", "Languages: "), v.Languages, unsaid)
	p.counts(p.say("地区：", "Regions: "), v.Regions, unsaid)
	p.counts(p.say("涉及数据：", "Data exposed: "), v.Categories, unsaid)
	var rows []table.Row
	for _, m := range v.Sample {
		var guardians []string
		for _, g := range m.Guardians {
			guardians = append(guardians, strings.Join(strings.Fields(g.Name+" "+g.Email+" "+g.Phone), " "))
		}
		rows = append(rows, table.Row{m.Line, m.ExternalID, m.Name, m.Email, m.Phone, m.Age, strings.Join(guardians, "; ")})
	}
	if len(rows) > 0 {
		p.table(table.Row{p.say("行", "Line"), p.say("账号", "Account"), p.say("姓名", "Name"), p.say("邮箱", "Email"), p.say("电话", "Phone"), p.say("年龄", "Age"), p.say("监护人", "Guardians")}, rows)
	}
}

// shownIssues is how many issues are listed at once.
const shownIssues = 20

func (p *page) issues(a api.ImportAnswer) {
	var rows []table.Row
	for i, issue := range a.Issues {
		if i == shownIssues {
			break
		}
		rows = append(rows, p.issue(issue))
	}
	p.issueTable(rows)
	more := int64(len(a.Issues)-len(rows)) + a.More
	if more > 0 {
		p.counts(p.say("问题按原因：", "Issues by reason: "), a.Reasons, "")
	}
	switch {
	case more <= 0:
	case a.DryRun:
		p.line("%s", p.say(fmt.Sprintf("另有 %d 条；--output json 可见前 1000 条。", more), fmt.Sprintf("And %d more; --output json shows the first 1000.", more)))
	default:
		p.line("%s", p.say(fmt.Sprintf("另有 %d 条；tocsin people issues INCIDENT --import %d 列出全部。", more, a.No), fmt.Sprintf("And %d more; tocsin people issues INCIDENT --import %d lists all.", more, a.No)))
	}
}

func (p *page) issue(i api.IssueView) table.Row {
	text := i.Reason
	if i.Text != nil {
		text = i.Text.In(p.lang)
	}
	became := p.say("保留", "kept")
	if i.SetAside {
		became = p.say("搁置", "set aside")
	}
	return table.Row{i.Line, i.Column, became, text}
}

func (p *page) issueTable(rows []table.Row) {
	if len(rows) > 0 {
		p.table(table.Row{p.say("行", "Line"), p.say("列", "Column"), p.say("结果", "Row"), p.say("问题", "Issue")}, rows, 1, 3)
	}
}

func peopleIssuesCommand() *cobra.Command {
	var o viewOptions
	var no int
	var after int64
	cmd := &cobra.Command{
		Use:   "issues INCIDENT --import N",
		Short: "List the rows that an import set aside or warned of, and why",
		Example: `  tocsin people issues INC-2026-0001 --import 1
  tocsin people issues INC-2026-0001 --import 1 --after 12000 --output json`,
		Args: cobra.ExactArgs(1),
	}
	o.add(cmd)
	cmd.Flags().IntVar(&no, "import", 1, "which import: its number, as import told it")
	cmd.Flags().Int64Var(&after, "after", 0, "begin behind this line of the file")
	cmd.RunE = query(&o, func(args []string) (string, error) {
		path, err := incidentPath("/people/issues")(args)
		return fmt.Sprintf("%s?import=%d&after=%d", path, no, after), err
	}, func(p *page, l api.IssueList) {
		var rows []table.Row
		for _, i := range l.Issues {
			rows = append(rows, p.issue(i))
		}
		if len(rows) == 0 {
			p.line("%s", p.say("没有更多问题。", "There are no further issues."))
		}
		p.issueTable(rows)
		if l.After > 0 {
			p.line("%s", p.say(fmt.Sprintf("后面还有：加上 --after %d。", l.After), fmt.Sprintf("There are more: add --after %d.", l.After)))
		}
	})
	return cmd
}

func peopleFieldsCommand() *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:     "fields",
		Short:   "List what columns of a people file can mean, and the headers that are understood",
		Example: "  tocsin people fields\n  tocsin people fields --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			all := audience.Fields()
			return o.show(cmd, all, func(p *page) {
				var rows []table.Row
				for _, f := range all {
					rows = append(rows, table.Row{f.Field, strings.Join(f.Names, p.say("、", ", "))})
				}
				p.table(table.Row{p.say("字段", "Field"), p.say("可用的表头", "Headers")}, rows, 1)
				var words []string
				for _, c := range audience.CategoryChoices() {
					words = append(words, c.Value+" "+c.Label.In(p.lang))
				}
				p.wrapped(0, p.say("categories 一栏可写（以分号分隔）：", "Words of the column categories, with semicolons between them: ")+strings.Join(words, p.say("、", ", ")))
			})
		},
	}
	o.add(cmd)
	return cmd
}
