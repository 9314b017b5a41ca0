package audience_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"golang.org/x/text/encoding/unicode"

	"tocsin/internal/audience"
)

// TestMain lets this test binary be the child process that parses Parquet.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "read-parquet" {
		if audience.ServeParquet(os.Stdin, os.Stdout) != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// with returns the usual options, changed, with a child for Parquet and a folder for sealed copies.
func with(t testing.TB, change func(*audience.Options)) audience.Options {
	t.Helper()
	o := options
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o.Child = []string{self, "read-parquet"}
	o.TempDir = t.TempDir()
	if change != nil {
		change(&o)
	}
	return o
}

func openWith(t testing.TB, data []byte, o audience.Options) *audience.File {
	t.Helper()
	f, err := audience.Open(bytes.NewReader(data), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

func zstded(data []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(data, nil)
}

// cellOf is a cell of a test's sheet, as XML.
func cellOf(ref, value string) string {
	switch {
	case value == "":
		return ""
	case strings.HasPrefix(value, "<"):
		return strings.Replace(value, "<c", `<c r="`+ref+`"`, 1)
	}
	r := strings.NewReplacer("&", "&amp;", "<", "&lt;")
	return `<c r="` + ref + `" t="inlineStr"><is><t>` + r.Replace(value) + `</t></is></c>`
}

// sheetOf writes rows of a sheet; a row that is nil is left out. A value that begins with < is the cell's XML.
func sheetOf(rows [][]string, after string) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`)
	for i, row := range rows {
		if row == nil {
			continue
		}
		fmt.Fprintf(&b, `<row r="%d">`, i+1)
		for c, v := range row {
			b.WriteString(cellOf(columnName(c)+fmt.Sprint(i+1), v))
		}
		b.WriteString(`</row>`)
	}
	b.WriteString(`</sheetData>` + after + `</worksheet>`)
	return b.String()
}

func columnName(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}

// bookOf packs sheets into a workbook; shared are its shared strings. More parts may be given, or replaced.
func bookOf(t testing.TB, sheets map[string]string, shared []string, more map[string]string) []byte {
	t.Helper()
	const head = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`
	parts := map[string]string{
		"[Content_Types].xml": head + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`,
		"xl/styles.xml": head + `<styleSheet><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;"/></numFmts>` +
			`<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/></cellXfs></styleSheet>`,
	}
	var list, rels, strs strings.Builder
	n := 0
	for name, xml := range sheets {
		n++
		fmt.Fprintf(&list, `<sheet name="%s" sheetId="%d" r:id="rId%d"/>`, name, n, n)
		fmt.Fprintf(&rels, `<Relationship Id="rId%d" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet%d.xml"/>`, n, n)
		parts[fmt.Sprintf("xl/worksheets/sheet%d.xml", n)] = xml
	}
	for _, s := range shared {
		strs.WriteString(`<si>` + s + `</si>`)
	}
	parts["xl/workbook.xml"] = head + `<workbook xmlns:r="x"><workbookPr/><sheets>` + list.String() + `</sheets></workbook>`
	parts["xl/_rels/workbook.xml.rels"] = head + `<Relationships>` + rels.String() +
		`<Relationship Id="rIdX" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/externalLink" Target="http://127.0.0.1:1/never" TargetMode="External"/></Relationships>`
	if shared != nil {
		parts["xl/sharedStrings.xml"] = head + `<sst>` + strs.String() + `</sst>`
	}
	for name, xml := range more {
		parts[name] = xml
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, xml := range parts {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(xml))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func book(t testing.TB, rows [][]string) []byte {
	return bookOf(t, map[string]string{"Sheet1": sheetOf(rows, "")}, nil, nil)
}

type parquetPerson struct {
	Name       string   `parquet:"姓名"`
	Email      *string  `parquet:"email,optional"`
	Phone      int64    `parquet:"phone"`
	Birth      int32    `parquet:"birth_date,date"`
	Score      float64  `parquet:"user_id"`
	Categories []string `parquet:"categories,list"`
}

func parquetOf[T any](t testing.TB, rows []T, o ...parquet.WriterOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b, o...)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func ptr[T any](v T) *T { return &v }

// The same person in each format is the same person.
func TestFormatsAgree(t *testing.T) {
	const table = "用户ID,姓名,邮箱,手机号,出生日期,数据类别\nu1,甲一,jia@example.com,13800138000,2015-01-02,name;phone\n"
	utf16 := func(order unicode.Endianness, mark unicode.BOMPolicy) []byte {
		out, err := unicode.UTF16(order, mark).NewEncoder().String(table)
		if err != nil {
			t.Fatal(err)
		}
		return []byte(out)
	}
	cells := [][]string{
		{"客户名单"},
		nil,
		{"用户ID", "姓名", `<c t="s"><v>0</v></c>`, "手机号", "出生日期", "数据类别"},
		{"u1", `<c t="s"><v>1</v></c>`, "jia@example.com", "<c><v>1.3800138E10</v></c>", `<c s="2"><v>42006</v></c>`, "name;phone"},
	}
	day := int32(16437) // 2015-01-02
	for _, c := range []struct {
		name, format, packing, encoding string
		data                            []byte
	}{
		{"CSV", "CSV", "", "UTF-8", []byte(table)},
		{"TSV", "CSV", "", "UTF-8", []byte(strings.ReplaceAll(table, ",", "\t"))},
		{"old Macintosh line ends", "CSV", "", "UTF-8", []byte(strings.ReplaceAll(table, "\n", "\r"))},
		{"gzip", "CSV", "gzip", "UTF-8", gzipped([]byte(table))},
		{"two gzip members", "CSV", "gzip", "UTF-8", append(gzipped([]byte(table[:40])), gzipped([]byte(table[40:]))...)},
		{"zstd", "CSV", "zstd", "UTF-8", zstded([]byte(table))},
		{"UTF-16LE with a mark", "CSV", "", "UTF-16LE", utf16(unicode.LittleEndian, unicode.UseBOM)},
		{"UTF-16BE with a mark", "CSV", "", "UTF-16BE", utf16(unicode.BigEndian, unicode.UseBOM)},
		{"UTF-16LE without a mark", "CSV", "", "UTF-16LE", utf16(unicode.LittleEndian, unicode.IgnoreBOM)},
		{"UTF-16BE without a mark", "CSV", "", "UTF-16BE", utf16(unicode.BigEndian, unicode.IgnoreBOM)},
		{"NDJSON", "NDJSON", "", "UTF-8", []byte(`{"user_id":"u1","姓名":"甲一","email":"jia@example.com","phone":13800138000,"birth_date":"20150102","categories":["name","phone"]}` + "\n")},
		{"NDJSON, nested and packed", "NDJSON", "zstd", "UTF-8", zstded([]byte(`{"user":{"id":"u1"},"name":"\u7532\u4e00","mail":"jia@example.com","phone":"13800138000","birth_date":"2015/1/2","exposed":"name|phone","x":null}`))},
		{"XLSX", "XLSX", "", "UTF-8", bookOf(t, map[string]string{"人员": sheetOf(cells, "")}, []string{"<t>邮箱</t>", `<r><t>甲</t></r><r><rPr/><t xml:space="preserve">一</t></r><rPh><t>jia</t></rPh>`}, nil)},
		{"Parquet", "Parquet", "", "UTF-8", parquetOf(t, []struct {
			ID         string   `parquet:"user_id"`
			Name       string   `parquet:"姓名"`
			Email      *string  `parquet:"email,optional"`
			Phone      int64    `parquet:"phone"`
			Birth      int32    `parquet:"birth_date,date"`
			Categories []string `parquet:"categories,list"`
		}{{"u1", "甲一", ptr("jia@example.com"), 13800138000, day, []string{"name", "phone"}}})},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := openWith(t, c.data, with(t, nil))
			rows := readAll(t, f)
			if len(rows) != 1 || rows[0].Person == nil || len(rows[0].Warnings) != 1 { // no guardian
				t.Fatalf("got %v", briefs(rows))
			}
			p := rows[0].Person
			if p.ExternalID != "u1" || p.Name != "甲一" || p.Email != "jia@example.com" || p.Phone != "+8613800138000" || p.Age != audience.Under14 {
				t.Errorf("another person: %s %s %s %s %s", p.ExternalID, p.Name, p.Email, p.Phone, p.Age)
			}
			if d := cmp.Diff([]string{"contact", "name"}, p.Categories); d != "" {
				t.Error(d)
			}
			if f.Format() != c.format || f.Packing() != c.packing || f.Encoding() != c.encoding {
				t.Errorf("read as %s, %s, %s", f.Format(), f.Packing(), f.Encoding())
			}
		})
	}
}

// A birthday's midnight in Beijing falls on the day before in UTC, as programs keep it; a month has no day.
func TestNobodyIsTakenForOlderThanTheyAre(t *testing.T) {
	type columns struct {
		Name     string `parquet:"name"`
		Email    string `parquet:"email"`
		UTC      int64  `parquet:"生日,timestamp(millisecond)"`
		Ignored  int64  `parquet:"x,timestamp(microsecond:local)"`
		Resident string `parquet:"id_card"`
	}
	type local struct {
		Email string `parquet:"email"`
		Local int64  `parquet:"生日,timestamp(microsecond:local)"`
	}
	type old struct {
		Email string           `parquet:"email"`
		Birth deprecated.Int96 `parquet:"生日"`
	}
	const midnight = 1353513600000 // 2012-11-22, in Beijing
	nanos := uint64(16 * 60 * 60 * 1e9)
	styles := map[string]string{"xl/styles.xml": `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy&quot;年&quot;m&quot;月&quot;"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>`}
	for name, c := range map[string]struct {
		data []byte
		want audience.AgeClass
	}{
		"Parquet, in UTC":          {parquetOf(t, []columns{{"甲", "a@b.cn", midnight, 0, ""}}), audience.Under14},
		"Parquet, without a zone":  {parquetOf(t, []local{{"a@b.cn", (midnight - 16*60*60*1000) * 1000}}), audience.Minor14To17},
		"Parquet of old writers":   {parquetOf(t, []old{{"a@b.cn", deprecated.Int96{uint32(nanos), uint32(nanos >> 32), 2_456_253}}}), audience.Under14},
		"a document database":      {[]byte(`{"_id":{"$oid":"50ad"},"phone":{"$numberLong":"13800138000"},"birthday":{"$date":"2012-11-21T16:00:00Z"}}` + "\n"), audience.Under14},
		"a month in a workbook":    {bookOf(t, map[string]string{"S": sheetOf([][]string{{"邮箱", "出生年月"}, {"a@b.cn", `<c s="1"><v>41214</v></c>`}}, "")}, nil, styles), audience.Under14},
		"a day in the same format": {bookOf(t, map[string]string{"S": sheetOf([][]string{{"邮箱", "出生年月"}, {"a@b.cn", `<c s="1"><v>41224</v></c>`}}, "")}, nil, styles), audience.Minor14To17},
	} {
		rows := readAll(t, openWith(t, c.data, with(t, nil)))
		if p := rows[0].Person; p == nil || p.Age != c.want || p.Email+p.Phone == "" {
			t.Errorf("%s: %v, want %s", name, briefs(rows), c.want)
		}
	}
}
