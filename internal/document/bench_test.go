package document_test

import (
	"strings"
	"testing"

	"tocsin/internal/breach"
)

func BenchmarkPDF(b *testing.B) {
	p := paper(breach.Chinese, "网络安全事件报告（初始报告）", row("联系人", "李明"), para(strings.Repeat("一页左右的正文，用来衡量一份报告要用多少时间。", 60)))
	pdf(b, p) // reads the typeface
	b.ReportAllocs()
	for b.Loop() {
		pdf(b, p)
	}
}

func BenchmarkDOCX(b *testing.B) {
	p := paper(breach.Chinese, "网络安全事件报告（初始报告）", row("联系人", "李明"), para(strings.Repeat("一页左右的正文，用来衡量一份报告要用多少时间。", 60)))
	b.ReportAllocs()
	for b.Loop() {
		docx(b, p)
	}
}
