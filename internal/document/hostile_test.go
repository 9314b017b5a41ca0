package document_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"tocsin/internal/breach"
	"tocsin/internal/document"
)

// A character that the typeface or the writer cannot set is replaced and named; one that only misleads is left out and named.
func TestUnprintable(t *testing.T) {
	for name, c := range map[string]struct{ in, pdf, pdfNote, docx, docxNote string }{
		"beyond U+FFFF":        {"张𠮷😀😀", "张〓〓〓", "有 3 个字符不在本文件所用的字体中，文中以“〓”代替。按出现顺序，其 Unicode 编码为：U+20BB7、U+1F600 × 2。", "张𠮷😀😀", ""},
		"names beyond U+FFFF":  {"张𬭊、陈𬱖、王𫖯", "张𬭊、陈𬱖、王𫖯", "", "张𬭊、陈𬱖、王𫖯", ""},
		"not in the typeface":  {"ไทย", "〓〓〓", "U+0E44、U+0E17、U+0E22", "ไทย", ""},
		"private use":          {"甲\ue000\ue09f乙", "甲〓〓乙", "U+E000", "甲\ue000\ue09f乙", ""},
		"not UTF-8":            {"甲\xff\xfe乙", "甲〓乙", "U+FFFD", "甲〓乙", "U+FFFD"},
		"not a character":      {"甲\uffff乙", "甲〓乙", "U+FFFF", "甲〓乙", "U+FFFF"},
		"control characters":   {"甲\x00\x07\x1b乙", "甲乙", "有 3 个不可见的控制字符未予保留：U+0000、U+0007、U+001B。", "甲乙", "U+001B"},
		"bidirectional":        {"report\u202egpj.exe\u2066x", "reportgpj.exex", "U+202E、U+2066", "reportgpj.exex", "U+202E、U+2066"},
		"tags":                 {"甲\U000e0041乙", "甲乙", "U+E0041", "甲乙", "U+E0041"},
		"zero width":           {"甲\u200b\u00ad\ufeff\ufe0f乙", "甲乙", "", "甲乙", ""},
		"a letter in two runs": {"Cafe\u0301", "Café", "", "Café", ""},
		"HTML":                 {`<script>alert("x")</script>&amp;<img src=x>`, `<script>alert("x")</script>&amp;<imgsrc=x>`, "", `<script>alert("x")</script>&amp;<img src=x>`, ""},
		"a formula":            {`=cmd|'/c calc'!A1`, `=cmd|'/ccalc'!A1`, "", `=cmd|'/c calc'!A1`, ""},
		"XML of Word":          {`]]></w:t></w:r><w:fldSimple w:instr="INCLUDETEXT x"/>`, `]]></w:t></w:r><w:fldSimplew:instr="INCLUDETEXTx"/>`, "", `]]></w:t></w:r><w:fldSimple w:instr="INCLUDETEXT x"/>`, ""},
		"operators of PDF":     {`) Tj ET endstream (\) \\ \051`, `)TjETendstream(\)\\\051`, "", `) Tj ET endstream (\) \\ \051`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := paper(breach.Chinese, "报告", row("内容", c.in), row("末项", "完"))
			got := text(t, p)
			if !strings.Contains(got, "内容"+c.pdf+"末项完") || !strings.Contains(got, squeeze(c.pdfNote)) {
				t.Errorf("PDF: %q", got)
			}
			if (c.pdfNote == "") == strings.Contains(got, "注：") {
				t.Errorf("PDF: note: %q", got)
			}
			all := parts(t, docx(t, p))
			word := wordText(t, all["word/document.xml"])
			if !strings.Contains(word, "内容\n"+c.docx+"\n末项\n完\n") || !strings.Contains(word, c.docxNote) {
				t.Errorf("DOCX: %q", word)
			}
			if (c.docxNote == "") == strings.Contains(word, "注：") {
				t.Errorf("DOCX: note: %q", word)
			}
			if strings.Contains(all["word/document.xml"], "INCLUDETEXT x\"/>") {
				t.Error("DOCX: a field came in with the text")
			}
		})
	}
}

// Nothing in a title, a label or a number can break a file or leave a margin without its hash.
func TestHostileEverywhere(t *testing.T) {
	evil := "\x00\u202e<b>&\"')\\ 😀 =1+1 \ufffe\r\n" + strings.Repeat("长", 300)
	p := paper(breach.English, evil, row(evil, evil), breach.Block{Kind: breach.BlockHeading, Text: evil}, breach.Block{Kind: breach.BlockItem, Text: evil})
	p.Number = evil
	for i, page := range extract(t, pdf(t, p)) {
		if !strings.Contains(page, sum) || !strings.Contains(page, fmt.Sprintf("Page %d of ", i+1)) {
			t.Errorf("page %d: %q", i+1, page)
		}
	}
	checkReferences(t, parts(t, docx(t, p)))
}

func TestBlankBlocks(t *testing.T) {
	p := paper(breach.English, "Report",
		breach.Block{Kind: breach.BlockRow, Label: "A", State: breach.ItemUnknown}, breach.Block{Kind: breach.BlockRow, Label: "B", State: breach.ItemGiven, Text: " \u200b"},
		breach.Block{Kind: breach.BlockRow, Label: "C", State: breach.ItemNotApplicable}, breach.Block{Kind: breach.BlockRow},
		breach.Block{Kind: breach.BlockHeading}, breach.Block{Kind: breach.BlockItem}, para(""), para("End"))
	want := "ReportAnotknownyet;tobesupplementedBnotfilledinCnotapplicable(noreasonwasgiven)notfilledinEnd"
	if got := text(t, p); got != want {
		t.Errorf("%q", got)
	}
	if got := squeeze(wordText(t, parts(t, docx(t, p))["word/document.xml"])); got != want {
		t.Errorf("%q", got)
	}
}

func TestRefused(t *testing.T) {
	good := paper(breach.Chinese, "报告", para("正文"))
	for name, c := range map[string]struct {
		spoil func(*document.Paper)
		want  string
	}{
		"no title":          {func(p *document.Paper) { p.Title = "" }, "the title is missing"},
		"another language":  {func(p *document.Paper) { p.Language = "fr" }, `no page words in the language "fr"; it is zh-CN or en`},
		"half a hash":       {func(p *document.Paper) { p.SHA256 = sum[:32] }, "64 hexadecimal digits"},
		"no hash":           {func(p *document.Paper) { p.SHA256 = strings.Repeat("x", 64) }, "64 hexadecimal digits"},
		"no number":         {func(p *document.Paper) { p.Number = "" }, "the number has 0 characters; it takes 1 to 500"},
		"no date":           {func(p *document.Paper) { p.Date = time.Time{} }, "the date is missing"},
		"an unknown block":  {func(p *document.Paper) { p.Blocks = append(p.Blocks, breach.Block{Kind: "picture"}) }, `block 2 is of the unknown kind "picture"`},
		"too long a block":  {func(p *document.Paper) { p.Blocks[0].Text = strings.Repeat("x", document.MaxText) }, "too long for a document"},
		"too long a whole":  {func(p *document.Paper) { p.Blocks = slicesRepeat(row("l", strings.Repeat("x", 1<<20)), 4) }, "attach the longest part as a file"},
		"an endless title":  {func(p *document.Paper) { p.Title = strings.Repeat("长", 501) }, "the title has 501 characters, a title takes 500"},
		"a title of spaces": {func(p *document.Paper) { p.Title = " \u200b " }, "the title is missing"},
	} {
		p := good
		p.Blocks = append([]breach.Block(nil), good.Blocks...)
		c.spoil(&p)
		_, pdfErr := document.PDF(p)
		_, docxErr := document.DOCX(p)
		for _, err := range []error{pdfErr, docxErr} {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
		}
	}
}

func slicesRepeat(b breach.Block, n int) []breach.Block {
	var out []breach.Block
	for range n {
		out = append(out, b)
	}
	return out
}

// Without its typeface the program says so and what to do; DOCX needs none.
func TestFontDamaged(t *testing.T) {
	whole := document.FaceGz()
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 0xff
	for name, gz := range map[string][]byte{
		"missing": nil, "cut off": whole[:len(whole)/2], "a bit is wrong": flipped, "not a font": []byte("\x1f\x8b junk"), "another file": gzipped(t, "hello"),
	} {
		t.Run(name, func(t *testing.T) {
			defer document.WithFace(gz)()
			p := paper(breach.Chinese, "报告", para("正文"))
			_, err := document.PDF(p)
			if !errors.Is(err, document.ErrFont) || !strings.Contains(err.Error(), "install or build tocsin again") {
				t.Errorf("PDF: %v", err)
			}
			var out bytes.Buffer
			if err := document.SheetPDF(&out, sheet(breach.Chinese, rows(1, "x"))); !errors.Is(err, document.ErrFont) || out.Len() > 0 {
				t.Errorf("table: %v", err)
			}
			if _, err := document.DOCX(p); err != nil {
				t.Errorf("DOCX: %v", err)
			}
		})
	}
}

// Lines fit, lose nothing but spaces at their ends, and keep to the rules of Chinese punctuation.
func TestSplit(t *testing.T) {
	const size, width = 10.5, 60.0
	text := "根据《国家网络安全事件报告管理办法》第4条的规定，现将有关情况报告如下：学员资料（含姓名、电话、家长电话）被“批量读取”！是否已停止？是。费率 37%，共 ￥1,200；详见 https://example.com/a/very/long/path。"
	for _, from := range []int{0, 1, 2, 3, 5, 7, 11} {
		s := string([]rune(strings.Repeat(text, 3))[from:])
		lines := document.Split(s, size, width)
		if got := squeeze(strings.Join(lines, "")); got != squeeze(s) {
			t.Fatalf("lost text: %q", got)
		}
		for i, line := range lines {
			if i > 0 && strings.ContainsAny(string([]rune(line)[0]), "，。、；：！？）》」』】”’%") {
				t.Errorf("line %d begins with closing punctuation: %q", i, line)
			}
			if last := []rune(line); i < len(lines)-1 && strings.ContainsAny(string(last[len(last)-1]), "（《「『【“‘￥") {
				t.Errorf("line %d ends with opening punctuation: %q", i, line)
			}
			if len(document.Split(line, size, width)) != 1 {
				t.Errorf("line %d is too wide: %q", i, line)
			}
		}
	}
}

// Whatever the text and the width, lines hold all of it, and the line breaker ends.
func TestAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOfN(rapid.RuneFrom([]rune("汉字，。（）《》“”/-:;% .ab\n\u00a0\u3000〓é각Ω"), unicode.Han, unicode.Latin), 0, 400, -1).Draw(t, "text")
		width := rapid.Float64Range(4, 120).Draw(t, "width")
		var clean strings.Builder
		for _, r := range s {
			if r <= 0xffff {
				clean.WriteRune(r)
			}
		}
		if got := squeeze(strings.Join(document.Split(clean.String(), 10.5, width), "")); got != squeeze(clean.String()) {
			t.Fatalf("lost text: %q", got)
		}
	})
}

// Another process, with another number of threads, makes the same bytes.
func TestSameBytesElsewhere(t *testing.T) {
	p := paper(breach.Chinese, "网络安全事件报告（初始报告）", row("联系人", "䶮 Łukasz 각 😀 𬭊"), para(strings.Repeat("同样的内容，同样的字节。", 900)))
	var table bytes.Buffer
	if err := document.SheetPDF(&table, sheet(breach.Chinese, rows(90, "理由"))); err != nil {
		t.Fatal(err)
	}
	digest := sha256.New()
	for _, file := range [][]byte{pdf(t, p), docx(t, p), table.Bytes()} {
		digest.Write(file)
	}
	got := hex.EncodeToString(digest.Sum(nil))
	if os.Getenv("TOCSIN_TEST_DIGEST") != "" {
		fmt.Println("digest", got)
		return
	}
	for _, threads := range []string{"1", "4"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestSameBytesElsewhere$")
		cmd.Env = append(os.Environ(), "TOCSIN_TEST_DIGEST=1", "GOMAXPROCS="+threads, "TZ=America/New_York", "LANG=C")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "digest "+got) {
			t.Errorf("with %s threads another process made other bytes: %v\n%s", threads, err, out)
		}
	}
}
