package document

import (
	"fmt"
	"strconv"
	"strings"

	"tocsin/internal/breach"
)

// The few words that are the paper's own and not its author's.

func say(l breach.Language, zh, en string) string { return breach.Text{ZH: zh, EN: en}.In(l) }

// pageWords are the words around a page's number and the number of pages.
func pageWords(l breach.Language) (before, between, after string) {
	if l == breach.Chinese {
		return "第 ", " 页，共 ", " 页"
	}
	return "Page ", " of ", ""
}

func pageOf(l breach.Language, n, total int) string {
	before, between, after := pageWords(l)
	return before + strconv.Itoa(n) + between + strconv.Itoa(total) + after
}

func hashLine(l breach.Language, sum string) string {
	return say(l, "内容摘要 SHA-256：", "Content SHA-256: ") + sum
}

func continued(l breach.Language) string { return say(l, "（续）", " (continued)") }

// blank is what a row says that has no text: a blank could be read as an answer.
func blank(l breach.Language, s breach.ItemState) string {
	switch s {
	case breach.ItemUnknown:
		return say(l, "尚不清楚，查明后补充报告", "not known yet; to be supplemented")
	case breach.ItemNotApplicable:
		return say(l, "不适用（未说明原因）", "not applicable (no reason was given)")
	case breach.ItemGiven:
	}
	return say(l, "未填写", "not filled in")
}

// notes says which characters a reader does not see as they were written; nothing where there are none.
func (c *cleaner) notes(l breach.Language) []string {
	var out []string
	if n := total(c.missing); n > 0 {
		out = append(out, fmt.Sprintf(say(l,
			"注：有 %d 个字符不在本文件所用的字体中，文中以“〓”代替。按出现顺序，其 Unicode 编码为：%s。",
			"Note: %d character(s) are not in this document's typeface and are printed as 〓. In order of appearance, their Unicode code points: %s."),
			n, points(l, c.missing)))
	}
	if n := total(c.removed); n > 0 {
		out = append(out, fmt.Sprintf(say(l,
			"注：原文中有 %d 个不可见的控制字符未予保留：%s。",
			"Note: %d invisible control character(s) of the source were left out: %s."),
			n, points(l, c.removed)))
	}
	return out
}

// points lists code points; one that comes several times in a row is counted.
func points(l breach.Language, runs []run) string {
	var out []string
	for _, r := range summary(runs) {
		s := fmt.Sprintf("U+%04X", r.r)
		if r.n > 1 {
			s += fmt.Sprintf(" × %d", r.n)
		}
		out = append(out, s)
	}
	return strings.Join(out, say(l, "、", ", "))
}
