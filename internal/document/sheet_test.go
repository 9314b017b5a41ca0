package document_test

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/document"
)

func sheet(l breach.Language, rows iter.Seq2[[]string, error]) document.Sheet {
	return document.Sheet{
		Title: "安全事件登记册", Language: l, Intro: []string{"截至 2026年11月21日 13:40（北京时间）的全部事件，包括判定为无需报告的事件。"},
		Columns: []document.Column{{"编号", 1.3}, {"状态", 0.8}, {"义务", 2}, {"判定与理由", 4}, {"判定人", 1}},
		Rows:    rows, SHA256: sum, Number: "register 2026-11-21", Date: time.Date(2026, 11, 21, 5, 40, 0, 0, time.UTC),
	}
}

func rows(n int, reason string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		for i := range n {
			if !yield([]string{fmt.Sprintf("INC-2026-%04d", i+1), "已结束", "向网信部门报告", reason, "li.ming"}, nil) {
				return
			}
		}
	}
}

func sheetPDF(t testing.TB, s document.Sheet) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := document.SheetPDF(&out, s); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestSheet(t *testing.T) {
	file := sheetPDF(t, sheet(breach.Chinese, rows(120, "未达到报告标准：仅涉及 12 人的姓名，已加密，密钥未泄露。")))
	pages := extract(t, file)
	if len(pages) < 4 {
		t.Fatalf("120 rows on %d pages", len(pages))
	}
	all := squeeze(strings.Join(pages, ""))
	for i := range 120 {
		if n := strings.Count(all, fmt.Sprintf("INC-2026-%04d已结束向网信部门报告未达到报告标准：仅涉及12人的姓名，已加密，密钥未泄露。li.ming", i+1)); n != 1 {
			t.Errorf("row %d is there %d times", i+1, n)
		}
	}
	for i, page := range pages {
		if !strings.Contains(squeeze(page), "编号状态义务判定与理由判定人") {
			t.Errorf("page %d has no header row", i+1)
		}
		if want := fmt.Sprintf("第 %d 页，共 %d 页", i+1, len(pages)); !strings.Contains(page, want) {
			t.Errorf("page %d does not say %q", i+1, want)
		}
	}
	if !bytes.Equal(file, sheetPDF(t, sheet(breach.Chinese, rows(120, "未达到报告标准：仅涉及 12 人的姓名，已加密，密钥未泄露。")))) {
		t.Error("the same table gave other bytes")
	}
}

func TestSheetEdges(t *testing.T) {
	if got := strings.Join(extract(t, sheetPDF(t, sheet(breach.Chinese, rows(0, "")))), ""); !strings.Contains(got, "没有记录。") {
		t.Errorf("an empty table says %q", got)
	}
	long := strings.Repeat("理由甚长。", 1500)
	if got := squeeze(strings.Join(extract(t, sheetPDF(t, sheet(breach.Chinese, rows(1, long)))), "")); strings.Count(got, "理由甚长") < 1490 {
		t.Errorf("a cell of several pages lost text: %d of 1500", strings.Count(got, "理由甚长"))
	}
	broken := errors.New("the connection is gone")
	for name, c := range map[string]struct {
		sheet document.Sheet
		want  string
	}{
		"rows that fail": {sheet(breach.Chinese, func(yield func([]string, error) bool) { yield(nil, broken) }), broken.Error()},
		"too few cells":  {sheet(breach.Chinese, func(yield func([]string, error) bool) { yield([]string{"x"}, nil) }), "row 1 of the table has 1 cells, the table 5 columns"},
		"no columns":     {document.Sheet{Title: "x", Language: breach.English, Rows: rows(0, ""), SHA256: sum, Number: "n", Date: time.Unix(1760000000, 0)}, "0 columns"},
		"too much":       {sheet(breach.Chinese, rows(1, strings.Repeat("理", 12_000_000))), document.ErrTooLong.Error()},
		"an endless header": {func() document.Sheet {
			s := sheet(breach.Chinese, rows(1, ""))
			s.Columns[0].Title = strings.Repeat("编号", 2000)
			return s
		}(), "titles of the columns"},
	} {
		var out bytes.Buffer
		err := document.SheetPDF(&out, c.sheet)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
		if out.Len() > 0 {
			t.Errorf("%s: %d bytes were written all the same", name, out.Len())
		}
	}
}
