package document_test

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/breach"
	"tocsin/internal/document"
)

func docx(t testing.TB, p document.Paper) []byte {
	t.Helper()
	out, err := document.DOCX(p)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// parts unpacks a DOCX file and checks that every part is well-formed XML without a document type.
func parts(t testing.TB, file []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name] = string(content)
		d := xml.NewDecoder(bytes.NewReader(content))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s is not well-formed: %v", f.Name, err)
			}
			if _, ok := token.(xml.Directive); ok {
				t.Fatalf("%s has a directive", f.Name)
			}
		}
	}
	return all
}

// wordText reads a part as Word does: the texts of its runs, a line for each paragraph and break.
func wordText(t testing.TB, part string) string {
	t.Helper()
	var b strings.Builder
	d := xml.NewDecoder(strings.NewReader(part))
	inText := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		switch v := token.(type) {
		case xml.StartElement:
			inText = v.Name.Local == "t"
			if v.Name.Local == "br" {
				b.WriteString("\n")
			}
		case xml.EndElement:
			inText = false
			if v.Name.Local == "p" {
				b.WriteString("\n")
			}
		case xml.CharData:
			if inText {
				b.Write(v)
			}
		}
	}
}

func TestDocxIsWhole(t *testing.T) {
	p := paper(breach.Chinese, "网络安全事件报告",
		para("属地省级网信部门："),
		breach.Block{Kind: breach.BlockItem, Text: "甲"},
		breach.Block{Kind: breach.BlockHeading, Text: "一、基本情况"},
		row("单位名称", "示例 & <b>公司</b> \"引号\""),
		breach.Block{Kind: breach.BlockRow, Label: "地点", Text: "尚不清楚，查明后补充报告", State: breach.ItemUnknown},
		para("第一行\n第二行 😀 𠮷"))
	all := parts(t, docx(t, p))
	want := "网络安全事件报告\n属地省级网信部门：\n甲\n一、基本情况\n单位名称\n示例 & <b>公司</b> \"引号\"\n地点\n尚不清楚，查明后补充报告\n\n第一行\n第二行 😀 𠮷\n"
	if diff := cmp.Diff(want, wordText(t, all["word/document.xml"])); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	if got := wordText(t, all["word/footer1.xml"]); !strings.Contains(got, sum) || !strings.Contains(got, "第 1 页，共 1 页") {
		t.Errorf("footer: %q", got)
	}
	for _, field := range []string{`w:instr=" PAGE "`, `w:instr=" NUMPAGES "`} {
		if !strings.Contains(all["word/footer1.xml"], field) {
			t.Errorf("the footer lacks the field %s", field)
		}
	}
	if got := wordText(t, all["word/header1.xml"]); !strings.Contains(got, p.Number) {
		t.Errorf("header: %q", got)
	}
	checkReferences(t, all)
}

// checkReferences finds what Word would complain about: a part that nobody declares, a relationship to nothing or to the
// outside, a style that does not exist.
func checkReferences(t *testing.T, all map[string]string) {
	t.Helper()
	for name, content := range all {
		if name == "[Content_Types].xml" || strings.HasSuffix(name, ".rels") {
			continue
		}
		if !strings.Contains(all["[Content_Types].xml"], `PartName="/`+name+`"`) {
			t.Errorf("%s has no content type", name)
		}
		for _, style := range attributes(t, content, "pStyle", "tblStyle", "basedOn") {
			if !strings.Contains(all["word/styles.xml"], `w:styleId="`+style+`"`) {
				t.Errorf("%s uses the style %q, which does not exist", name, style)
			}
		}
		if name == "word/document.xml" {
			for _, want := range []string{`r:id="rId4"`, `r:id="rId5"`} {
				if !strings.Contains(content, want) {
					t.Errorf("%s lacks %s", name, want)
				}
			}
		}
	}
	for rels, base := range map[string]string{"_rels/.rels": "", "word/_rels/document.xml.rels": "word"} {
		if strings.Contains(all[rels], "TargetMode") {
			t.Errorf("%s points outside of the file", rels)
		}
		for _, target := range attributes(t, all[rels], "Relationship") {
			if _, ok := all[path.Join(base, target)]; !ok {
				t.Errorf("%s points to %s, which is not there", rels, target)
			}
		}
	}
}

// attributes returns the val or Target of each element with one of the names.
func attributes(t *testing.T, content string, names ...string) []string {
	t.Helper()
	var out []string
	d := xml.NewDecoder(strings.NewReader(content))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, name := range names {
			for _, a := range start.Attr {
				if start.Name.Local == name && (a.Name.Local == "val" || a.Name.Local == "Target") {
					out = append(out, a.Value)
				}
			}
		}
	}
}

func TestDocxSameBytes(t *testing.T) {
	p := paper(breach.English, "Report", row("What happened", "An export was copied."), para("End."))
	if !bytes.Equal(docx(t, p), docx(t, p)) {
		t.Fatal("the same paper gave other bytes")
	}
}
