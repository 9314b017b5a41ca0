package document_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/breach"
	"tocsin/internal/document"
)

// What a person wrote comes back from the file, rune for rune and in order.
func TestTextIsComplete(t *testing.T) {
	long := strings.Repeat("泄露的数据包括姓名、电话（含家长电话）与“口令”；其中 37% 已加密。", 300)
	for name, p := range map[string]document.Paper{
		"a form": paper(breach.Chinese, "网络安全事件报告（初始报告）",
			para("属地省级网信部门："),
			breach.Block{Kind: breach.BlockHeading, Text: "一、基本情况"},
			row("单位名称", "示例在线教育有限公司"),
			row("法定时限", "2026年11月21日 07:10（北京时间；UTC 2026-11-20 23:10）"),
			breach.Block{Kind: breach.BlockItem, Text: "已将查询服务器从网络上隔离。"},
			breach.Block{Kind: breach.BlockItem, Text: "已通知监护人。"}),
		"rare ideographs":        paper(breach.Chinese, "报告", row("联系人", "䶮、㛃、龘、朤、镕、喆、堃、淼、犇、骉"), para("繁體字與日本語の文字、한국어 각힣")),
		"names":                  paper(breach.Chinese, "关于𬭊的报告", breach.Block{Kind: breach.BlockHeading, Text: "一、𬱖、𫖯"}, row("联系人𬬩", strings.Repeat("𬭊𬭎𬭚", 40))),
		"letters of Europe":      paper(breach.English, "Report", para("Łukasz Žižka, Ångström, Şükrü, İstanbul, ő ű, Ελλάδα, Българија, Київ, Tiếng Việt, œuvre, straße")),
		"a cell of 10,000 runes": paper(breach.Chinese, "报告", row("经过", string([]rune(long)[:10000])), row("后一项", "在")),
		"an English cell":        paper(breach.English, "Report", row("What happened", strings.Repeat("An export of the students' table was copied to an address that we do not know. ", 200))),
		"a URL without a break":  paper(breach.English, "Report", row("Address", "https://example.com/"+strings.Repeat("abcdefghij0123456789", 40))),
		"a long label":           paper(breach.Chinese, "报告", row(strings.Repeat("很长的标签", 20), strings.Repeat("比标签长的内容。", 60))),
		"lines":                  paper(breach.Chinese, "报告", row("经过", "第一行\n第二行\n\n第四行"), para("甲\r\n乙")),
		"a title of many lines":  paper(breach.Chinese, strings.Repeat("关于学员资料查询服务个人信息泄露事件的报告", 8), para("正文")),
		"markup and formulas":    paper(breach.English, "Report", row("<b>name</b>", `=HYPERLINK("http://x","y") <script>alert(1)</script> & \n (nested (parens)) \ {PAGE}`)),
		"no blocks":              paper(breach.English, "Report"),
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want(p), text(t, p)); diff != "" {
				t.Errorf("what is read differs from what was written (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSameBytes(t *testing.T) {
	p := paper(breach.Chinese, "报告", row("联系人", "䶮"), para(strings.Repeat("同样的内容，同样的字节。", 400)))
	first := pdf(t, p)
	for range 3 {
		if !bytes.Equal(first, pdf(t, p)) {
			t.Fatal("the same paper gave other bytes")
		}
	}
}
