package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"tocsin/internal/breach"
	"tocsin/internal/regulation"
)

// page writes answers for people. Everything is gathered first and written at once.
type page struct {
	out    io.Writer
	lang   breach.Language
	buf    bytes.Buffer
	width  int
	colour bool
}

// The page's widths: what a terminal that tells nothing is taken for, and what is still readable.
const (
	defaultWidth = 110
	leastWidth   = 72
)

func newPage(out io.Writer, lang breach.Language) *page {
	width, isTerminal := terminal(out)
	if !isTerminal || width == 0 {
		width = defaultWidth
	}
	return &page{out: out, lang: lang, width: max(width, leastWidth), colour: isTerminal && os.Getenv("NO_COLOR") == ""}
}

func (p *page) flush() error {
	_, err := p.out.Write(p.buf.Bytes())
	return err
}

// say chooses the language.
func (p *page) say(zh, en string) string { return breach.Text{ZH: zh, EN: en}.In(p.lang) }

func (p *page) line(format string, args ...any) { fmt.Fprintf(&p.buf, format+"\n", args...) }

func (p *page) heading(zh, en string) {
	s := p.say(zh, en)
	if p.colour {
		s = text.Bold.Sprint(s)
	}
	p.line("\n%s", s)
}

// table writes rows under a header. Columns named in wide share the space that the others leave.
func (p *page) table(header table.Row, rows []table.Row, wide ...int) {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.Style().Options.SeparateRows = false
	t.AppendHeader(header)
	t.AppendRows(rows)
	widths := make([]int, len(header))
	for _, row := range append([]table.Row{header}, rows...) {
		for i, cell := range row {
			for line := range strings.SplitSeq(fmt.Sprint(cell), "\n") {
				widths[i] = max(widths[i], text.StringWidthWithoutEscSequences(line))
			}
		}
	}
	left := p.width - 3*len(header) - 1
	for i, w := range widths {
		if !slices.Contains(wide, i) {
			left -= w
		}
	}
	var columns []table.ColumnConfig
	for n, i := range slices.SortedStableFunc(slices.Values(wide), func(a, b int) int { return widths[a] - widths[b] }) {
		share := max(12, left/(len(wide)-n)) // a narrow column leaves its share to the wider ones
		if widths[i] < share {
			share = widths[i]
		}
		left -= share
		columns = append(columns, table.ColumnConfig{Number: i + 1, WidthMax: share, WidthMaxEnforcer: wrap})
	}
	t.SetColumnConfigs(columns)
	p.line("%s", t.Render())
}

func (p *page) assessment(a breach.Assessment, packs []regulation.PackInfo, brief bool) {
	p.severities(a.Severities)
	groups := map[breach.Owed][]breach.Obligation{}
	for _, o := range a.Obligations {
		groups[o.Owed] = append(groups[o.Owed], o)
	}
	p.heading("应当履行", "Owed")
	p.obligations(a, groups[breach.IsOwed], p.say("目前没有确定应当履行的义务。", "Nothing is known to be owed yet."))
	p.heading("可能应当履行，取决于未知的事实", "Possible, depending on facts not known yet")
	p.obligations(a, groups[breach.Possible], p.say("没有。", "None."))
	if all := groups[breach.NotOwed]; len(all) > 0 {
		p.heading("不需要履行", "Not owed")
		p.notOwed(all)
	}
	p.questions(a.Questions)
	if !brief {
		p.reasons(a, groups[breach.IsOwed])
		p.sources(a, packs)
	}
	p.footer(a)
}

// contradictions warns of facts that cannot be true together.
func (p *page) contradictions(all []breach.Text) {
	for _, t := range all {
		p.wrapped(0, p.say("请核对事实：", "Please check the facts: ")+t.In(p.lang)+p.say("。", "."))
	}
}

func (p *page) severities(all []breach.Severity) {
	if len(all) == 0 {
		return
	}
	p.heading("级别", "Severity")
	for _, s := range all {
		p.wrapped(2, s.ScaleName.In(p.lang)+p.say("：", ": ")+p.level(s))
		for _, r := range s.Why {
			p.wrapped(4, r.Text.In(p.lang))
		}
	}
}

// level says what is known of a severity: the level reached, and whether open facts may raise it.
func (p *page) level(s breach.Severity) string {
	open := s.Possible != s.Level && s.Possible != ""
	switch {
	case s.Level == "" && open:
		return p.say("目前未达到任何级别，尚未查明的事实可能改变这一结论", "no level reached so far; facts not known yet may change this")
	case s.Level == "":
		return p.say("未达到任何级别", "no level reached")
	case open:
		return p.say("至少为"+s.LevelName.ZH+"，尚未查明的事实可能使其升高", "at least "+s.LevelName.EN+"; facts not known yet may raise it")
	}
	return s.LevelName.In(p.lang)
}

// obligations lists what stands by itself; what another filing fulfils is counted behind it, and the addressees of one rule
// share a row. Possible reports that only follow other possible ones are counted, not listed.
func (p *page) obligations(a breach.Assessment, list []breach.Obligation, none string) {
	var rows []table.Row
	covers, at, later := covered(a.Obligations), map[breach.RuleID]int{}, 0
	for _, o := range list {
		possible := o.Owed == breach.Possible
		if o.CoveredBy != "" {
			continue
		}
		if def, _ := breach.DefOf(o.Clock); possible && o.ClockAt == nil && def.Later {
			later++
			continue
		}
		if i, listed := at[o.Rule]; listed {
			rows[i][1] = fmt.Sprint(rows[i][1]) + p.say("；", "; ") + o.Addressee.In(p.lang)
			continue
		}
		at[o.Rule] = len(rows)
		row := table.Row{p.due(o), o.Addressee.In(p.lang), p.what(o, len(covers[coverKey(string(o.Rule), o.Authority)]))}
		if possible {
			row = append(row, p.factNames(o.Depends, 4))
		}
		rows = append(rows, row)
	}
	switch {
	case len(rows) == 0:
		p.line("  %s", none)
	case list[0].Owed == breach.Possible:
		p.table(table.Row{p.say("期限", "Due"), p.say("对象", "To"), p.say("事项与依据", "What, and under which law"), p.say("取决于", "Depends on")}, rows, 0, 1, 2, 3)
	default:
		p.table(table.Row{p.say("期限", "Due"), p.say("对象", "To"), p.say("事项与依据", "What, and under which law")}, rows, 0, 1, 2)
	}
	if later > 0 {
		p.line("  %s", p.say(
			fmt.Sprintf("另有 %d 份后续报告，在上述报告成为义务且其起算时间到来后才需要提交。", later),
			fmt.Sprintf("And %d later reports, due only once the ones above are owed and their own clock has started.", later),
		))
	}
}

func (p *page) what(o breach.Obligation, covers int) string {
	what := o.Title.In(p.lang)
	if covers > 0 {
		what += p.say(fmt.Sprintf("（一并履行另外 %d 项）", covers), fmt.Sprintf(" (also fulfils %d more)", covers))
	}
	return what + "\n" + o.Instrument.In(p.lang) + p.say("", ", ") + o.ArticleIn.In(p.lang)
}

// factNames lists the labels of facts, at most n of them.
func (p *page) factNames(names []breach.FactName, n int) string {
	var labels []string
	for _, name := range names[:min(n, len(names))] {
		def, _ := breach.DefOf(name)
		labels = append(labels, def.Label.In(p.lang))
	}
	list := strings.Join(labels, p.say("、", "; "))
	if len(names) > n {
		list += p.say(fmt.Sprintf("等 %d 项", len(names)), fmt.Sprintf("; and %d more", len(names)-n))
	}
	return list
}

func coverKey(rule, authority string) string { return rule + "/" + authority }

// covered lists, by the covering rule and its addressee, the duties that one filing fulfils as well.
func covered(all []breach.Obligation) map[string][]breach.Obligation {
	m := map[string][]breach.Obligation{}
	for _, o := range all {
		if o.CoveredBy != "" {
			k := coverKey(string(o.CoveredBy), o.Authority)
			m[k] = append(m[k], o)
		}
	}
	return m
}

// due is a duty's deadline for a narrow column.
func (p *page) due(o breach.Obligation) string {
	when, remark := p.when(o)
	if o.DueAt != nil || o.PolicyAt != nil {
		when = p.fold(when)
	}
	if remark != "" {
		when += "\n" + strings.TrimSpace(remark)
	}
	if p.colour && o.Owed == breach.IsOwed && o.DueAt != nil {
		when = text.FgRed.Sprint(when)
	}
	return when
}

// deadline is a duty's deadline in one line.
func (p *page) deadline(o breach.Obligation) string {
	when, remark := p.when(o)
	return when + remark
}

// when is the deadline in the authority's zone and in UTC, in the words of every other surface, or how the law puts it while no
// number or no clock exists; and what must be said about it.
func (p *page) when(o breach.Obligation) (when, remark string) {
	switch {
	case o.DueAt != nil:
		return breach.Instant(*o.DueAt, o.Zone, p.lang), ""
	case o.PolicyAt != nil:
		return breach.Instant(*o.PolicyAt, o.Zone, p.lang), p.say("（本产品政策，非法定）", " (our policy, not law)")
	}
	if def, _ := breach.DefOf(o.Clock); !def.Later {
		return o.Deadline.In(p.lang), p.say("（起算时间尚未记录）", " (its start is not recorded)")
	}
	return o.Deadline.In(p.lang), p.say("（尚未起算）", " (not running yet)")
}

// fold breaks an instant where a person would: before the zone, and before UTC.
func (p *page) fold(s string) string {
	if p.lang == breach.Chinese {
		return strings.NewReplacer("（", "\n（", "；", "；\n").Replace(s)
	}
	return strings.NewReplacer(" (", "\n(", "; ", ";\n").Replace(s)
}

func (p *page) notOwed(all []breach.Obligation) {
	var rows []table.Row
	listed := map[breach.RuleID]bool{}
	for _, o := range all {
		if !listed[o.Rule] {
			listed[o.Rule] = true
			rows = append(rows, table.Row{string(o.Rule), o.Title.In(p.lang), p.why(o.Why)})
		}
	}
	p.table(table.Row{p.say("规则", "Rule"), p.say("事项", "What"), p.say("原因", "Why not")}, rows, 1, 2)
}

func (p *page) why(reasons []breach.Reason) string {
	var all []string
	for _, r := range reasons {
		all = append(all, r.Text.In(p.lang))
	}
	return strings.Join(all, p.say("；", "; "))
}

func (p *page) questions(all []breach.Question) {
	if len(all) == 0 {
		return
	}
	p.heading("接下来请查明", "To find out next")
	for i, q := range all {
		if i == 10 {
			p.line("  %s", p.say(fmt.Sprintf("……以及另外 %d 个问题（--output json 可见全部）", len(all)-i), fmt.Sprintf("… and %d more questions (--output json shows all)", len(all)-i)))
			break
		}
		p.wrapped(2, fmt.Sprintf("%d. %s  [%s]", i+1, q.Text.In(p.lang), q.Fact))
	}
}

// reasons explains each owed duty that stands by itself: the words of the law, its conditions with the facts that meet them,
// and what should be checked by counsel. The addressees of one rule share an explanation.
func (p *page) reasons(a breach.Assessment, list []breach.Obligation) {
	p.heading("理由", "Why")
	covers, doubted := covered(a.Obligations), map[breach.Text]breach.RuleID{}
	var rules []breach.RuleID
	same := map[breach.RuleID][]breach.Obligation{}
	for _, o := range list {
		if o.CoveredBy != "" {
			continue
		}
		if same[o.Rule] == nil {
			rules = append(rules, o.Rule)
		}
		same[o.Rule] = append(same[o.Rule], o)
	}
	for _, id := range rules {
		p.reason(same[id], covers, doubted)
	}
}

func (p *page) reason(same []breach.Obligation, covers map[string][]breach.Obligation, doubted map[breach.Text]breach.RuleID) {
	o := same[0]
	var to []string
	var also []breach.Obligation
	for _, s := range same {
		to = append(to, s.Addressee.In(p.lang))
		also = append(also, covers[coverKey(string(s.Rule), s.Authority)]...)
	}
	p.line("")
	p.wrapped(2, fmt.Sprintf("%s → %s  [%s]", o.Title.In(p.lang), strings.Join(to, p.say("；", "; ")), o.Rule))
	p.item(p.say("依据", "Under"), o.Instrument.In(p.lang)+p.say(" ", ", ")+o.ArticleIn.In(p.lang))
	p.item(p.say("条文来源", "Read in"), p.marks(o.Source))
	p.item(p.say("期限", "Time"), o.Deadline.In(p.lang))
	if o.Problem != nil {
		p.item(p.say("注意", "Note"), o.Problem.In(p.lang))
	}
	if o.Waits != nil {
		p.item(p.say("推迟", "Delay"), o.Waits.In(p.lang))
	}
	for _, r := range o.Why {
		p.item(p.say("因为", "Because"), r.Text.In(p.lang))
	}
	told := map[breach.RuleID]bool{}
	for _, c := range also {
		if !told[c.Rule] {
			told[c.Rule] = true
			p.item(p.say("一并履行", "Also fulfils"), c.Instrument.In(p.lang)+p.say(" ", ", ")+c.ArticleIn.In(p.lang)+p.say("：", ": ")+c.Title.In(p.lang))
		}
	}
	for i, c := range o.Content {
		label := ""
		if i == 0 {
			label = p.say("应当写明", "Must state")
		}
		p.item(label, c.In(p.lang))
	}
	p.verify(o, doubted)
}

// marks writes a mark of confidence in words: which text was read, what is only remembered.
func (p *page) marks(source string) string {
	if p.lang != breach.Chinese {
		return strings.NewReplacer("memory", "from memory", "found ", "").Replace(source)
	}
	return strings.NewReplacer(
		"found ", "", "memory", "凭记忆", "derived", "推算", "draft", "征求意见稿", "new number", "新条号", "order of contents", "内容顺序",
		"channels", "渠道", "; ", "；", ", ", "、",
	).Replace(source)
}

// sources tells what the keys in the marks stand for.
func (p *page) sources(a breach.Assessment, packs []regulation.PackInfo) {
	titles := map[string]string{}
	for _, pack := range packs {
		for _, s := range pack.Sources {
			titles[s.Key] = s.Title
		}
	}
	used := map[string]bool{}
	for _, o := range a.Obligations {
		for _, word := range strings.FieldsFunc(o.Source, func(r rune) bool { return strings.ContainsRune(" ,;()", r) }) {
			if titles[word] != "" && o.Owed == breach.IsOwed && o.CoveredBy == "" {
				used[word] = true
			}
		}
	}
	if len(used) == 0 {
		return
	}
	p.heading("所读文本（转载、汇编和评述，均非官方公报）", "Texts read (reprints, collections and notes, none an official gazette)")
	for _, key := range slices.Sorted(maps.Keys(used)) {
		p.item(key, titles[key])
	}
}

// verify tells the doubts of a duty; those told already are only named.
func (p *page) verify(o breach.Obligation, told map[breach.Text]breach.RuleID) {
	if o.Verify == nil {
		return
	}
	label := p.say("请律师核实", "Verify")
	if first, ok := told[*o.Verify]; ok {
		p.item(label, p.say("同 "+string(first), "as for "+string(first)))
		return
	}
	told[*o.Verify] = o.Rule
	p.item(label, o.Verify.In(p.lang))
}

// item writes one labelled, wrapped paragraph.
func (p *page) item(label, value string) {
	const column = 14
	pad := max(0, column-text.StringWidthWithoutEscSequences(label))
	lines := strings.Split(wrap(value, p.width-column-6), "\n")
	p.line("    %s%s  %s", label, strings.Repeat(" ", pad), strings.TrimRight(lines[0], " "))
	for _, l := range lines[1:] {
		p.line("    %s  %s", strings.Repeat(" ", column), strings.TrimRight(l, " "))
	}
}

func (p *page) wrapped(indent int, s string) {
	for _, l := range strings.Split(wrap(s, p.width-indent), "\n") {
		p.line("%s%s", strings.Repeat(" ", indent), strings.TrimRight(l, " "))
	}
}

func (p *page) footer(a breach.Assessment) {
	for _, r := range a.Assumed {
		p.line("")
		p.wrapped(0, p.say("假定：", "Assumed: ")+r.Text.In(p.lang)+p.say("。", "."))
	}
	p.line("")
	p.wrapped(0, p.say(
		"以上是依据现有事实由规则得出的结论，供法律人员核对，不是法律意见。",
		"This follows by rule from the facts known so far. It is for counsel to check, and is not legal advice.",
	))
}

func (p *page) diff(d regulation.Diff) {
	if d.Empty() {
		p.line("%s", p.say("没有变化。", "Nothing changed."))
		return
	}
	for _, s := range d.Severities {
		name := func(v breach.Severity) string {
			if v.Level == "" {
				return p.say("无级别", "no level")
			}
			return v.LevelName.In(p.lang)
		}
		scale := s.After.ScaleName
		if scale.EN == "" {
			scale = s.Before.ScaleName
		}
		line := scale.In(p.lang) + p.say("：", ": ") + name(s.Before) + " → " + name(s.After)
		if s.Before.Level == s.After.Level {
			line = scale.In(p.lang) + p.say("：仍为", ": still ") + name(s.After) + p.say("，可能升至的最高级别有变", ", but how far it may still rise has changed")
		}
		p.wrapped(0, line+p.because(s.Because))
	}
	p.changes(p.say("新增", "New"), d.New)
	p.changes(p.say("变动", "Moved"), d.Moved)
	p.changes(p.say("不再需要（结束前须由人确认）", "Gone (a person confirms before it ends)"), d.Gone)
	for _, v := range d.Packs {
		p.line("%s", p.say(fmt.Sprintf("规则包 %s：%s → %s", v.Name, v.Before, v.After), fmt.Sprintf("Pack %s: %s → %s", v.Name, v.Before, v.After)))
	}
}

func (p *page) because(names []breach.FactName) string {
	if len(names) == 0 {
		return ""
	}
	var labels []string
	for _, n := range names {
		def, _ := breach.DefOf(n)
		labels = append(labels, def.Label.In(p.lang))
	}
	return p.say("（因为："+strings.Join(labels, "、")+"）", " (because of: "+strings.Join(labels, ", ")+")")
}

func (p *page) changes(heading string, list []regulation.Change) {
	if len(list) == 0 {
		return
	}
	p.heading(heading, heading)
	for _, c := range list {
		o := c.After
		if o == nil {
			o = c.Before
		}
		p.wrapped(2, fmt.Sprintf("%s → %s  [%s]%s", o.Title.In(p.lang), o.Addressee.In(p.lang), c.Key, p.because(c.Because)))
		if c.Before != nil && c.After != nil {
			p.moved(c)
		} else if c.After != nil {
			p.wrapped(4, p.owed(c.After.Owed)+p.say("；期限 ", "; due ")+p.deadline(*c.After))
		}
	}
}

func (p *page) moved(c regulation.Change) {
	if c.Before.Owed != c.After.Owed {
		p.wrapped(4, p.owed(c.Before.Owed)+" → "+p.owed(c.After.Owed))
	}
	was, is := p.deadline(*c.Before), p.deadline(*c.After)
	if was != is {
		p.wrapped(4, p.say("期限 ", "due ")+was+" → "+is)
	}
}

func (p *page) owed(o breach.Owed) string {
	switch o {
	case breach.IsOwed:
		return p.say("应当履行", "owed")
	case breach.Possible:
		return p.say("可能应当履行", "possible")
	case breach.NotOwed:
	}
	return p.say("不需要履行", "not owed")
}
