package audience_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"

	"tocsin/internal/audience"
)

// ugly is a file as it should not be: either it is refused as a whole, with words that say what to do, or each of its rows has
// its fate.
type ugly struct {
	name    string
	data    []byte
	refused string   // in the refusal; empty where the file is read
	rows    []string // as brief writes them; nil where only the number counts
	people  int
	aside   int
	ends    string // in the error that ends the reading, where the file is damaged further on
	change  func(*audience.Options)
}

// canaries are values that no error may hold.
var canaries = []string{"甲一", "jia@", "138001", "11010519491231"}

func TestUglyFiles(t *testing.T) {
	kinds := uglyKinds(t)
	if len(kinds) < 40 {
		t.Errorf("%d kinds", len(kinds))
	}
	for _, u := range kinds {
		t.Run(u.name, func(t *testing.T) {
			o := with(t, u.change)
			err := u.check(t, o)
			for _, c := range canaries {
				if err != nil && strings.Contains(err.Error(), c) {
					t.Errorf("the error quotes the file: %v", err)
				}
			}
			if left, _ := os.ReadDir(o.TempDir); len(left) > 0 {
				t.Errorf("%d files are left behind", len(left))
			}
		})
	}
}

// check reads the file and compares its fate. It returns the error that was met.
func (u ugly) check(t *testing.T, o audience.Options) error {
	f, err := audience.Open(bytes.NewReader(u.data), o)
	if u.refused != "" {
		if err == nil || !strings.Contains(err.Error(), u.refused) {
			t.Errorf("got %v, want %q", err, u.refused)
		}
		return err
	}
	if err != nil {
		t.Errorf("refused: %v", err)
		return err
	}
	defer f.Close()
	rows, err := rowsUntilError(f)
	people, aside := 0, 0
	for _, r := range rows {
		if r.Person != nil {
			people++
		} else {
			aside++
		}
	}
	if u.rows != nil {
		if d := cmp.Diff(u.rows, briefs(rows)); d != "" {
			t.Error(d)
		}
	} else if people != u.people || aside != u.aside {
		t.Errorf("%d people and %d set aside, want %d and %d", people, aside, u.people, u.aside)
	}
	if u.ends == "" && !errors.Is(err, io.EOF) || u.ends != "" && !strings.Contains(err.Error(), u.ends) {
		t.Errorf("ended with %v, want %q", err, u.ends)
	}
	return err
}

func rowsUntilError(f *audience.File) (rows []audience.Row, err error) {
	for {
		row, err := f.Next()
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
}

// noise does not compress.
func noise(n int) string {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, "%016x", r.Uint64())
	}
	return b.String()
}

// bigTable is longer than what is looked at before the first row.
func bigTable(rows int) string {
	var b strings.Builder
	b.WriteString("姓名,邮箱\n")
	for i := range rows {
		fmt.Fprintf(&b, "甲一,jia%d@example.com\n", i)
	}
	return b.String()
}

func uglyKinds(t *testing.T) []ugly {
	const head = "姓名,邮箱\n"
	const ok = "甲一,jia@example.com\n"
	one := []string{"2 person"}
	kinds := textKinds(t, head, ok)
	kinds = append(kinds, packedKinds(t, head, ok)...)
	kinds = append(kinds, jsonKinds()...)
	kinds = append(kinds, sheetKinds(t, one)...)
	return append(kinds, parquetKinds(t)...)
}

func textKinds(t *testing.T, head, ok string) []ugly {
	encode := func(e interface {
		String(string) (string, error)
	}, s string,
	) []byte {
		out, err := e.String(s)
		if err != nil {
			t.Fatal(err)
		}
		return []byte(out)
	}
	gb := func(s string) string { return string(encode(simplifiedchinese.GB18030.NewEncoder(), s)) }
	mixed := "name,email\n"
	for i := range 20 {
		line := fmt.Sprintf("甲一,jia%d@example.com\n", i)
		if i%2 == 0 {
			line = gb(line)
		}
		mixed += line
	}
	return []ugly{
		{name: "an empty file", data: nil, refused: "the file is empty"},
		{name: "nothing but a byte order mark", data: []byte("\xef\xbb\xbf"), refused: "the file is empty"},
		{name: "a header only", data: []byte(head), refused: "a header and no rows"},
		{name: "no header", data: []byte(ok + ok), refused: "the first line is somebody and no header"},
		{name: "no header, columns named by their numbers", data: []byte("甲二,13800138001\n甲三,13800138002\n"), refused: "the first line is somebody", change: func(o *audience.Options) {
			o.Map = []audience.Mapping{{Column: "#1", Field: audience.Name}, {Column: "#2", Field: audience.Phone}}
		}},
		{name: "no header, the first without the mapped contact", data: []byte("甲二,13800138001,\n甲三,,a@b.cn\n"), refused: "the first line is somebody", change: func(o *audience.Options) {
			o.Map = []audience.Mapping{{Column: "#3", Field: audience.Email}}
		}},
		{name: "titles above the header", data: []byte("受影响用户名单,,\n\n截至十一月,,\n姓名,邮箱,备注\n甲一,jia@example.com,\n"), rows: []string{"5 person"}},
		{name: "a line that names the separator", data: []byte("sep=;\r\n姓名;邮箱\r\n甲一;jia@example.com\r\n"), rows: []string{"3 person"}},
		{name: "one column without header", data: []byte(strings.Repeat("a@b.cn\n", 9)), refused: "the first line is somebody"},
		{name: "titles and nothing else", data: []byte("名单\n名单\n"), refused: "0 of its 1 columns are understood"},
		{name: "more titles than a table has", data: []byte(strings.Repeat("名单\n", 6) + head + ok), refused: "0 of its 1 columns are understood"},
		{name: "one header twice", data: []byte("邮箱,邮箱\na@b.cn,c@d.cn\n"), refused: "columns 1 and 2 both mean"},
		{name: "two headers of one meaning", data: []byte("email,name,电子邮件\na@b.cn,x,c@d.cn\n"), refused: "columns 1 and 3 both mean"},
		{name: "a million columns", data: []byte(strings.Repeat("a,", 1_000_000) + "email\n"), refused: "longer than 65536 bytes"},
		{name: "thousands of short columns", data: []byte(strings.Repeat(",", 20_000) + "email\nx\n"), refused: "more than 256 columns"},
		{name: "a program with a table's name", data: append([]byte("\x7fELF\x02\x01\x01\x00"), noise(4000)...), refused: "not a CSV file"},
		{name: "a picture with a table's name", data: []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), refused: "not a CSV file"},
		{name: "noise", data: []byte{0xff, 0xfe, 0xfd, 0, 1, 2, 3, 4, 200, 201}, refused: "header"},
		{name: "a web page with a workbook's name", data: []byte("\xef\xbb\xbf<table><tr><td>手机号</td></tr></table>"), refused: "a web page or XML"},
		{name: "UTF-32", data: []byte("\xff\xfe\x00\x00n\x00\x00\x00"), refused: "UTF-32"},
		{name: "lz4", data: []byte("\x04\x22\x4d\x18\x64\x40\xa7"), refused: "packed with lz4"},
		{name: "a PDF", data: []byte("%PDF-1.7\n"), refused: "PDF"},
		{name: "an old workbook", data: []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), refused: "old Excel workbook, or one with a password"},
		{name: "two encodings by halves", data: []byte(mixed), refused: "--encoding"},
		{name: "two encodings by halves, decided", data: []byte(mixed), people: 10, aside: 10, change: func(o *audience.Options) { o.Encoding = "gb18030" }},
		{name: "a line in another encoding", data: []byte(head + ok + gb(ok) + ok), rows: []string{"2 person", "3 reject encoding", "4 person"}},
		{name: "Big5 under an English header", data: append([]byte("name,email\n"), encode(traditionalchinese.Big5.NewEncoder(), strings.Repeat("陳小明林美麗黃國華,a@example.com\n", 5))...), refused: "neither UTF-8 nor everyday GB18030"},
		{name: "Big5, decided", data: append([]byte("name,email\n"), encode(traditionalchinese.Big5.NewEncoder(), strings.Repeat("陳小明,a@example.com\n", 5))...), people: 5, change: func(o *audience.Options) { o.Encoding = "big5" }},
		{name: "Latin-1", data: []byte("name,email\n" + strings.Repeat("Ren\xe9,r@example.com\n", 5) + "M\xfcller,m@example.com\n"), refused: "--encoding (gb18030, big5, shift_jis, euc-kr, windows-1252)"},
		{name: "a mark that contradicts what is said", data: []byte("\xff\xfen\x00"), refused: "begins with the mark of UTF-16LE", change: func(o *audience.Options) { o.Encoding = "gb18030" }},
		{name: "UTF-16 with half a character at its end", data: encode(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder(), head+ok+"乙")[:2+2*len([]rune(head+ok))+1], rows: []string{"2 person", "3 reject encoding"}},
		{name: "NUL bytes", data: []byte(head + "甲\x00一,jia@example.com\n" + ok), rows: []string{"2 reject nul", "3 person"}},
		{name: "a field of 10 MB", data: []byte(head + `"` + strings.Repeat("x", 10<<20) + "\",a@example.com\n" + ok), rows: []string{"2 reject too_long", "3 person"}},
		{name: "a quoted field of a megabyte over many lines", data: []byte(head + `"` + strings.Repeat("xxxxxxxxx\n", 1<<17) + ok), people: 1, aside: 1 << 17},
		{name: "a quote never closed", data: []byte(head + "\"甲一,jia@example.com\n" + ok + ok), rows: []string{"2 reject open_quote", "3 person", "4 person"}},
		{name: "quotes never closed in every row", data: []byte(head + strings.Repeat("\"甲一,jia@example.com\n", 50)), aside: 50},
		{name: "formulas", data: []byte(head + "=HYPERLINK(\"http://x\";\"甲一\"),a@example.com\n=1+1,b@example.com\n" + ok), rows: []string{"2 reject stray_quote in 姓名", "3 reject formula in 姓名", "4 person"}},
		{name: "carriage returns between rows", data: []byte(head + "甲一,jia@example.com\r甲二,er@example.com\n" + ok), rows: []string{"2 reject line_ends", "3 person"}},
		{name: "all three line ends", data: []byte("姓名,邮箱\r\n" + ok + "甲一,jia@example.com\r\r\n" + ok), rows: []string{"2 person", "3 person", "4 person"}},
		{name: "a byte order mark in the middle", data: []byte("\xef\xbb\xbf" + head + ok + "\xef\xbb\xbf" + head + ok), rows: []string{"2 person", "3 reject header_again", "4 person"}},
		{name: "two files glued together", data: []byte(head + ok + head + ok), rows: []string{"2 person", "3 reject header_again", "4 person"}},
		{name: "directions and invisible characters", data: []byte(head + "\u202e甲\u200b一\u2066,\u200bjia@example.com\ufeff\n"), rows: []string{"2 person, warns invisible_characters in 姓名"}},
		{name: "a very long line", data: []byte(head + strings.Repeat("x", 3<<20) + "\n" + ok), rows: []string{"2 reject too_long", "3 person"}},
		{name: "separators at the end of lines", data: []byte("姓名,邮箱,,\n甲一,jia@example.com,,\n甲一,jia@example.com,,,,\n"), rows: []string{"2 person", "3 person"}},
		{name: "no row has the header's width", data: []byte(head + strings.Repeat("a,b,c,d\n", 30)), aside: 30},
		{name: "white space of every kind", data: []byte(head + "\u00a0\u3000 甲一 \t,  jia@example.com\u00a0\n"), rows: []string{"2 person"}},
		{name: "births on leap days, in the future, before anybody", data: []byte("邮箱,生日\na@b.cn,2000-02-29\na@b.cn,1900-02-29\na@b.cn,2999-01-01\na@b.cn,1066-10-14\n"), rows: []string{
			"2 person", "3 person, warns birth_date in 生日, warns no_age", "4 person, warns birth_date in 生日, warns no_age", "5 person, warns birth_date in 生日, warns no_age",
		}},
		{name: "identity numbers", data: []byte("邮箱,身份证号\na@b.cn,11010519491231002X\na@b.cn,110105194912310021\na@b.cn,110105491231002\na@b.cn,11010519491331002X\na@b.cn,000000000000000000\n"), rows: []string{
			"2 person", "3 person, warns resident_id in 身份证号, warns no_age", "4 person", "5 person, warns resident_id in 身份证号, warns no_age", "6 person, warns resident_id in 身份证号, warns no_age",
		}},
		{name: "numbers that a spreadsheet wrote", data: []byte("姓名,手机号\n甲一,1e20\n甲一,1.38001E+10\n甲一,138001380001380013800\n甲一,13800138000.0\n"), people: 4},
		{name: "control characters", data: []byte(head + "甲\x1b[31m一,jia@example.com\n甲\x7f,jia@example.com\n"), rows: []string{"2 reject control_character in 姓名", "3 reject control_character in 姓名"}},
	}
}

func packedKinds(t *testing.T, head, ok string) []ugly {
	big := []byte(bigTable(100_000))
	packed, strong := gzipped(big), zstded(big)
	wide, err := zstd.NewWriter(nil, zstd.WithWindowSize(256<<20), zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	broken := bytes.Clone(packed)
	broken[len(broken)/2] ^= 0xff
	return []ugly{
		{name: "a gzip bomb", data: gzipped([]byte(head + ok + strings.Repeat("\n", 64<<20))), rows: []string{"2 person"}, ends: "unpacks to far more"},
		{name: "a zstd bomb", data: zstded([]byte(head + ok + strings.Repeat("\n", 64<<20))), rows: []string{"2 person"}, ends: "unpacks to far more"},
		{name: "a bomb of one endless line", data: gzipped([]byte(head + ok + strings.Repeat("0", 64<<20))), rows: []string{"2 person"}, ends: "unpacks to far more"},
		{name: "gzip cut off at once", data: packed[:8], refused: "ends before its end"},
		{name: "gzip cut off in its first part", data: packed[:300], refused: "ends before its end"},
		{name: "zstd garbage", data: append([]byte("\x28\xb5\x2f\xfd"), noise(200)...), refused: "the packed file is"},
		{name: "zstd cut off in its first part", data: strong[:200], refused: "the packed file"},
		{name: "zstd with a giant window", data: wide.EncodeAll([]byte(noise(1<<20)), nil)[:2000], refused: "the packed file"},
		{name: "zstd of a parallel packer", data: append([]byte("\x50\x2a\x4d\x18\x04\x00\x00\x00\x10\x20\x30\x40"), zstded([]byte(head+ok))...), rows: []string{"2 person"}},
		{name: "packed twice", data: gzipped(gzipped(big)), refused: "packed twice"},
		{name: "gzip with a checksum that is wrong", data: append(bytes.Clone(gzipped([]byte(head + ok))[:len(gzipped([]byte(head+ok)))-8]), 0, 0, 0, 0, 0, 0, 0, 0), refused: "damaged"},
		{name: "a ZIP archive of a table", data: zipOf(t, "people.csv", head+ok), refused: "ZIP archive and no Excel workbook"},
	}
}

func zipOf(t *testing.T, name, text string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jsonKinds() []ugly {
	const ok = `{"name":"甲一","email":"jia@example.com"}` + "\n"
	return []ugly{
		{name: "JSON nested without end", data: []byte(ok + strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000) + "\n" + ok), rows: []string{"1 person", "2 reject nested in a.a.a.a.a.a", "3 person"}},
		{name: "JSON lists without end", data: []byte(ok + `{"email":` + strings.Repeat("[", 20_000) + "\n" + ok), people: 2, aside: 1},
		{name: "a key twice", data: []byte(ok + `{"name":"甲一","email":"a@b.cn","email":"c@d.cn"}` + "\n"), rows: []string{"1 person", "2 reject duplicate_key"}},
		{name: "two keys of one meaning", data: []byte(ok + `{"email":"a@b.cn","mail":"c@d.cn"}` + "\n" + `{"mail":"e@f.cn"}` + "\n"), rows: []string{"1 person", "2 reject several_values in email", "3 person"}},
		{name: "JSON that is no object", data: []byte(ok + "17\n[1]\nnull\n\"x\"\n"), people: 1, aside: 4},
		{name: "broken JSON", data: []byte(ok + "{\"name\":\"甲一\n{'name':1}\n{\"a\":1}{\"b\":2}\n{\"a\":1,}\n" + ok), people: 2, aside: 4},
		{name: "one JSON list", data: []byte("[" + ok + "]"), refused: "jq -c '.[]'"},
		{name: "JSON over several lines", data: []byte("{\n \"name\": \"甲一\",\n \"email\": \"jia@example.com\"\n}\n"), refused: "jq -c ."},
		{name: "JSON without contacts", data: []byte(`{"city":"上海"}` + "\n"), refused: "no column with a contact"},
		{name: "a new key in a late line", data: []byte(ok + `{"name":"甲二","phone":13800138000}` + "\n"), rows: []string{"1 person", "2 person"}},
		{name: "half a surrogate", data: []byte(ok + `{"name":"\ud800","email":"a@b.cn"}` + "\n"), aside: 1, people: 1},
		{name: "several addresses for one person", data: []byte(ok + `{"name":"甲一","email":["a@b.cn","c@d.cn"]}` + "\n"), rows: []string{"1 person", "2 reject several_values in email"}},
	}
}

func sheetKinds(t *testing.T, one []string) []ugly {
	good := [][]string{{"姓名", "邮箱", "手机号"}, {"甲一", "jia@example.com", "13800138000"}}
	more := func(rows ...[]string) [][]string { return append(append([][]string{}, good...), rows...) }
	sheet := sheetOf(good, "")
	whole := book(t, good)
	doctype := `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><worksheet><sheetData>`
	shared := make([]string, 3000)
	for i := range shared {
		shared[i] = "<t>" + noise(1000) + fmt.Sprint(i) + "</t>"
	}
	return []ugly{
		{name: "half a workbook", data: whole[:len(whole)/2], refused: "incomplete or damaged"},
		{name: "a workbook bomb", data: bookOf(t, map[string]string{"S": strings.Replace(sheet, "</sheetData>", strings.Repeat(" ", 64<<20)+"</sheetData>", 1)}, nil, nil), refused: "unpacks to far more"},
		{name: "a billion laughs", data: bookOf(t, map[string]string{"S": doctype}, nil, nil), refused: "damaged"},
		{name: "huge shared strings", data: bookOf(t, map[string]string{"S": sheet}, shared, nil), refused: "more than 1 MiB of different texts", change: func(o *audience.Options) { o.Limits.TextBytes = 1 << 20 }},
		{name: "a shared string that is not there", data: book(t, more([]string{`<c t="s"><v>7</v></c>`, "a@b.cn"})), rows: []string{"2 person", "3 reject cell_error in 姓名"}},
		{name: "links to other files", data: whole, rows: one},
		{name: "merged cells", data: bookOf(t, map[string]string{"S": sheetOf(more([]string{"甲二", "a@b.cn"}, []string{"", "c@d.cn"}, []string{"甲四", "e@f.cn"}), `<mergeCells count="1"><mergeCell ref="A3:A4"/></mergeCells>`)}, nil, nil), rows: []string{"2 person", "3 reject merged_cells in 姓名", "4 reject merged_cells in 姓名", "5 person"}},
		{name: "a merged header", data: bookOf(t, map[string]string{"S": sheetOf(good, `<mergeCells><mergeCell ref="A1:B1"/></mergeCells>`)}, nil, nil), refused: "merged cells"},
		{name: "formulas with and without results", data: book(t, more([]string{`<c t="str"><f>A2</f><v>甲一</v></c>`, "a@b.cn"}, []string{`<c><f>A2</f></c>`, "c@d.cn"}, []string{"甲四", `<c t="e"><f>X</f><v>#REF!</v></c>`, "13800138000"})), rows: []string{"2 person", "3 person", "4 reject cell_error in 姓名", "5 person, warns cell_error in 邮箱"}},
		{name: "numbers of more than 15 digits", data: book(t, [][]string{{"用户ID", "邮箱", "身份证号", "生日"}, {`<c><v>1.10105194912310E17</v></c>`, "a@b.cn"}, {"u2", "a@b.cn", `<c><v>110105194912310016</v></c>`, `<c s="1"><v>18263</v></c>`}}), rows: []string{"2 reject rounded_number in 用户ID", "3 person, warns rounded_number in 身份证号"}},
		{name: "two sheets with people", data: bookOf(t, map[string]string{"一月": sheet, "二月": sheet}, nil, nil), refused: "--sheet"},
		{name: "two sheets with people, decided", data: bookOf(t, map[string]string{"一月": sheet, "二月": sheet}, nil, nil), rows: one, change: func(o *audience.Options) { o.Sheet = "二月" }},
		{name: "a sheet that is not there", data: whole, refused: "no sheet of that name", change: func(o *audience.Options) { o.Sheet = "三月" }},
		{name: "an empty workbook", data: book(t, nil), refused: "the workbook is empty"},
		{name: "a cell far to the right", data: bookOf(t, map[string]string{"S": strings.Replace(sheet, "</row></sheetData>", `<c r="XFD2"><v>1</v></c></row></sheetData>`, 1)}, nil, nil), rows: []string{"2 reject column_count"}},
		{name: "rows out of order", data: bookOf(t, map[string]string{"S": strings.Replace(sheet, "</sheetData>", `<row r="1"><c r="A1"><v>1</v></c></row></sheetData>`, 1)}, nil, nil), rows: one, ends: "damaged"},
		{name: "a sheet that ends in its middle", data: bookOf(t, map[string]string{"S": strings.TrimSuffix(sheet, "</sheetData></worksheet>")}, nil, nil), rows: one, ends: "damaged"},
		{name: "a cell of 300 kB", data: book(t, more([]string{strings.Repeat("x", 300<<10), "a@b.cn"})), rows: one, ends: "longer than any cell"},
		{name: "a binary workbook", data: zipOf(t, "xl/workbook.bin", "x"), refused: ".xlsb"},
		{name: "an OpenDocument sheet", data: zipOf(t, "content.xml", "x"), refused: "OpenDocument"},
	}
}

func parquetKinds(t *testing.T) []ugly {
	rows := make([]parquetPerson, 3000)
	for i := range rows {
		rows[i] = parquetPerson{Name: "甲一", Email: ptr(fmt.Sprintf("jia%d@example.com", i)), Phone: 13800138000, Birth: 3653, Score: float64(i)}
	}
	whole := parquetOf(t, rows)
	footer := int(binary.LittleEndian.Uint32(whole[len(whole)-8:]))
	lies := bytes.Clone(whole)
	binary.LittleEndian.PutUint32(lies[len(lies)-8:], math.MaxUint32)
	scrambled := bytes.Clone(whole)
	for i := len(whole) - 8 - footer; i < len(whole)-8; i += 7 {
		scrambled[i] ^= 0x5a
	}
	type sparse struct {
		Email string   `parquet:"email"`
		ID    float64  `parquet:"user_id"`
		Mail  []string `parquet:"phone,list"`
	}
	type latin struct {
		Email []byte `parquet:"email"`
		Name  []byte `parquet:"name"`
	}
	type bare struct {
		City string `parquet:"city"`
	}
	return []ugly{
		{name: "half a Parquet file", data: whole[:len(whole)/2], refused: "incomplete or damaged"},
		{name: "a Parquet file of twelve bytes", data: []byte("PAR1\x00\x00\x00\x00PAR1"), refused: "incomplete or damaged"},
		{name: "a Parquet footer longer than the file", data: lies, refused: "incomplete or damaged"},
		{name: "a scrambled Parquet footer", data: scrambled, refused: "Parquet file"},
		{name: "an encrypted Parquet file", data: append(bytes.Clone(whole[:len(whole)-4]), "PARE"...), refused: "encrypted"},
		{name: "Parquet that asks for more memory than it may have", data: hungryParquet(t), refused: "Parquet file", change: func(o *audience.Options) { o.Limits.ChildBytes = 256 << 20 }},
		{name: "Parquet without contacts", data: parquetOf(t, []bare{{"上海"}}), refused: "no column with a contact"},
		{name: "Parquet without rows", data: parquetOf(t, rows[:0]), refused: "no rows"},
		{name: "Parquet with numbers for accounts and lists for phones", data: parquetOf(t, []sparse{{"a@b.cn", 17, nil}, {"a@b.cn", 1e17, nil}, {"a@b.cn", 18, []string{"13800138000", "13900139000"}}}), rows: []string{"1 person", "2 reject rounded_number in user_id", "3 person, warns several_contacts in phone"}},
		{name: "Parquet with text in another encoding", data: parquetOf(t, []latin{{[]byte("a@b.cn"), []byte("Ren\xe9")}, {[]byte("b@b.cn"), []byte("ok")}}), rows: []string{"1 reject encoding in name", "2 person"}},
		{name: "Parquet with pages that are damaged", data: damagedPages(whole), people: 0, refused: "Parquet file"},
		{name: "Parquet where nothing reads it", data: whole, refused: "nothing is set up", change: func(o *audience.Options) { o.Child = nil }},
		{name: "Parquet where the reader cannot be started", data: whole, refused: "cannot be started", change: func(o *audience.Options) { o.Child = []string{"/nowhere/tocsin"} }},
	}
}

// damagedPages changes bytes of the values, not of the description.
func damagedPages(whole []byte) []byte {
	b := bytes.Clone(whole)
	for i := 4; i < 200; i++ {
		b[i] ^= 0xa5
	}
	return b
}

// hungryParquet is a small file whose page says that it unpacks to two gigabytes.
func hungryParquet(t *testing.T) []byte {
	type person struct {
		Email string `parquet:"email,snappy"`
	}
	b := parquetOf(t, []person{{strings.Repeat("a", 1000)}}, parquet.Compression(&parquet.Snappy))
	// The page header holds the unpacked size as a zigzag varint of two bytes; it is made one of five. Everything after moves,
	// so the file says less than the truth elsewhere too, as a hostile one would.
	at := bytes.Index(b, []byte{0x15, 0x00, 0x15}) // page type 0, then field 2
	if at < 0 {
		t.Fatal("the page header is not where it was")
	}
	return append(append(bytes.Clone(b[:at+3]), 0xfe, 0xff, 0xff, 0xff, 0x0f), b[at+5:]...)
}

func TestUglyFilesCostLittleTime(t *testing.T) {
	began := time.Now()
	data := []byte("姓名,邮箱\n" + strings.Repeat("\"a\n", 200_000))
	rows, err := rowsUntilError(openWith(t, data, with(t, nil)))
	if !errors.Is(err, io.EOF) || len(rows) == 0 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("200,000 open quotes took %v", took)
	}
}
