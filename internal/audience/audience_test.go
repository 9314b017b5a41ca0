package audience_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/text/encoding/simplifiedchinese"

	"tocsin/internal/audience"
	"tocsin/internal/breach"
)

var shanghai = time.FixedZone("CST", 8*60*60)

var options = audience.Options{At: time.Date(2026, 11, 22, 9, 0, 0, 0, shanghai)}

func open(t testing.TB, text string) *audience.File {
	t.Helper()
	f, err := audience.Open(strings.NewReader(text), options)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func readAll(t testing.TB, f *audience.File) []audience.Row {
	t.Helper()
	var rows []audience.Row
	for {
		row, err := f.Next()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
}

// brief writes a row as "line person", "line reject reason" and its warnings, as tests compare them.
func brief(r audience.Row) string {
	what := "person"
	if r.Reject != nil {
		what = "reject " + string(r.Reject.Reason)
		if r.Reject.Column != "" {
			what += " in " + r.Reject.Column
		}
	}
	line := fmt.Sprint(r.Line)
	if r.EndLine != r.Line {
		line = fmt.Sprint(r.Line, "-", r.EndLine)
	}
	for _, w := range r.Warnings {
		what += ", warns " + string(w.Reason)
		if w.Column != "" {
			what += " in " + w.Column
		}
	}
	return line + " " + what
}

func briefs(rows []audience.Row) []string {
	var out []string
	for _, r := range rows {
		out = append(out, brief(r))
	}
	return out
}

func TestAFullRow(t *testing.T) {
	text := "用户ID,姓名,邮箱,手机号,推送标识,语言,出生日期,通信地址,监护人姓名,监护人邮箱,监护人手机,第二监护人姓名,第二监护人手机,备注\r\n" +
		"u-1,甲一,Jia.Yi@EXAMPLE.com,138 0013 8000,abcdef0123456789,zh,2013年1月2日,\"某市某路1号\r\n2室\",甲父,fu@例子.测试,+86 139-0013-9000,甲母,13700137000,内部备注\r\n"
	f := open(t, text)
	rows := readAll(t, f)
	want := &audience.Person{
		Line: 2, ExternalID: "u-1", Name: "甲一", Email: "Jia.Yi@example.com", Phone: "+8613800138000",
		PushToken: "abcdef0123456789", Language: breach.Chinese, Age: audience.Under14, Address: "某市某路1号 2室",
		Guardians: []audience.Guardian{
			{Name: "甲父", Email: "fu@xn--fsqu00a.xn--0zwm56d", Phone: "+8613900139000"},
			{Name: "甲母", Phone: "+8613700137000"},
		},
	}
	if len(rows) != 1 || len(rows[0].Warnings) > 0 || rows[0].EndLine != 3 {
		t.Fatalf("got %v", briefs(rows))
	}
	if d := diff(want, rows[0].Person); d != "" {
		t.Error(d)
	}
	if got := f.Ignored(); !cmp.Equal(got, []string{"备注"}) {
		t.Errorf("ignored %q", got)
	}
	if len(f.Columns()) != 13 || f.Columns()[3] != (audience.Column{Header: "手机号", Field: audience.Phone}) {
		t.Errorf("columns %v", f.Columns())
	}
}

func diff(want, got *audience.Person) string {
	if got == nil {
		return "no person"
	}
	type open struct { // without the redacting Format
		Line                          int64
		ID, Name, Email, Phone, Token string
		Address                       string
		Language                      breach.Language
		Age                           audience.AgeClass
		Guardians                     [][3]string
	}
	show := func(p *audience.Person) open {
		o := open{p.Line, p.ExternalID, p.Name, p.Email, p.Phone, p.PushToken, p.Address, p.Language, p.Age, nil}
		for _, g := range p.Guardians {
			o.Guardians = append(o.Guardians, [3]string{g.Name, g.Email, g.Phone})
		}
		return o
	}
	return cmp.Diff(show(want), show(got), cmpopts.EquateEmpty())
}

func TestRows(t *testing.T) {
	const head = "姓名,邮箱,手机号,出生日期,备注\n"
	const ok = "乙二,yi@example.com,13800138000,1990-01-02,\n"
	for _, c := range []struct {
		name, body string
		want       []string
	}{
		{"good", ok, []string{"2 person"}},
		{"no line end at the end", strings.TrimSuffix(ok, "\n"), []string{"2 person"}},
		{"blank lines are no rows", "\n \r\n" + ok + "\n\n", []string{"4 person"}},
		{"empty cells only", ",,,,\n" + ok, []string{"2 reject nobody", "3 person"}},
		{"one contact is bad, the other good", "乙二,yi@,13800138000,1990-01-02,\n", []string{"2 person, warns email in 邮箱"}},
		{"no usable contact is still a person", "乙二,yi@,12345,1990-01-02,\n", []string{"2 person, warns email in 邮箱, warns phone in 手机号, warns no_contact"}},
		{"no contact at all is still a person", "乙二,,,1990-01-02,\n", []string{"2 person, warns no_contact"}},
		{"nobody: one broken contact and nothing else", ",yi@,,,\n", []string{"2 reject nobody"}},
		{"a contact alone is somebody", ",yi@example.com,,1990-01-02,\n", []string{"2 person"}},
		{"placeholders are nothing", "乙二,无,N/A,1990-01-02,\n", []string{"2 person, warns no_contact"}},
		{"too few cells", "乙二,yi@example.com\n" + ok, []string{"2 reject column_count", "3 person"}},
		{"too many cells", "乙二,yi@example.com,13800138000,1990-01-02,,x\n", []string{"2 reject column_count"}},
		{"empty cells beyond the header", "乙二,yi@example.com,13800138000,1990-01-02,,,\n", []string{"2 person"}},
		{"NUL", "乙\x00二,yi@example.com,13800138000,1990-01-02,\n" + ok, []string{"2 reject nul", "3 person"}},
		{"broken UTF-8", "乙\xff二,yi@example.com,13800138000,1990-01-02,\n" + ok, []string{"2 reject encoding", "3 person"}},
		{"replacement character", "乙\uFFFD,yi@example.com,13800138000,1990-01-02,\n", []string{"2 reject encoding"}},
		{"control character in a name", "乙\x07二,yi@example.com,13800138000,1990-01-02,\n", []string{"2 reject control_character in 姓名"}},
		{"bidirectional control in a name", "乙\u202e二,yi@example.com,13800138000,1990-01-02,\n", []string{"2 person, warns invisible_characters in 姓名"}},
		{"impossible birth date", "乙二,yi@example.com,,1990-02-30,\n", []string{"2 person, warns birth_date in 出生日期, warns no_age"}},
		{"birth date in the future", "乙二,yi@example.com,,2027-01-01,\n", []string{"2 person, warns birth_date in 出生日期, warns no_age"}},
		{"no birth date", "乙二,yi@example.com,,,\n", []string{"2 person, warns no_age"}},
		{"a minor without guardian", "乙二,yi@example.com,,2015-01-01,\n", []string{"2 person, warns no_guardian_contact"}},
		{"quoted cells", "\"乙,二\",yi@example.com,13800138000,1990-01-02,\"说\"\"好\"\"\"\n", []string{"2 person"}},
		{"a line break in free text", "乙二,yi@example.com,13800138000,1990-01-02,\"一\n二\"\n" + ok, []string{"2-3 person", "4 person"}},
		{"a line break in a name", "\"乙\n二\",yi@example.com,13800138000,1990-01-02,\n" + ok, []string{"2 reject open_quote", "3 reject stray_quote in 姓名", "4 person"}},
		{"a quote never closed", "\"乙二,yi@example.com,13800138000,1990-01-02,\n" + ok + ok, []string{"2 reject open_quote", "3 person", "4 person"}},
		{"a quote never closed at the end", ok + "乙二,yi@example.com,13800138000,1990-01-02,\"x\n", []string{"2 person", "3 reject open_quote"}},
		{"two forgotten quotes do not swallow what lies between", "乙二,yi@example.com,,1990-01-02,\"\n" + ok + "乙二,yi@example.com,,1990-01-02,\"\n", []string{"2 reject open_quote", "3 person", "4 reject open_quote"}},
		{"a stray quote", "乙\"二,yi@example.com,,1990-01-02,\n" + ok, []string{"2 reject stray_quote in 姓名", "3 person"}},
		{"text after a quoted cell", "\"乙\"二,yi@example.com,,1990-01-02,\n" + ok, []string{"2 reject stray_quote in 姓名", "3 person"}},
		{"text protected from a spreadsheet", "乙二,,=\"13800138000\",'1990-01-02,\n乙二,,\"\t13800138000\",\"=\"\"1990-01-02\"\"\",\n", []string{"2 person", "3 person"}},
		{"a giant cell", "乙二,yi@example.com,,1990-01-02," + strings.Repeat("x", 9<<10) + "\n" + ok, []string{"2 reject too_long in 备注", "3 person"}},
		{"a giant line", strings.Repeat("x", 5<<20) + "\n" + ok, []string{"2 reject too_long", "3 person"}},
		{"a giant quoted line", "\"" + strings.Repeat("x\n", 100) + ok, append(rejects(2, 2, "open_quote"), append(rejects(3, 101, "column_count"), "102 person")...)},
		{"very many cells", strings.Repeat(",", 2000) + "\n" + ok, []string{"2 reject column_count", "3 person"}},
		{"a giant name", strings.Repeat("乙", 201) + ",yi@example.com,,1990-01-02,\n", []string{"2 reject too_long in 姓名"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := readAll(t, open(t, head+c.body))
			if d := cmp.Diff(c.want, briefs(rows)); d != "" {
				t.Error(d)
			}
		})
	}
}

func rejects(from, to int, reason string) []string {
	var out []string
	for i := from; i <= to; i++ {
		out = append(out, fmt.Sprintf("%d reject %s", i, reason))
	}
	return out
}

func TestWholeFileIsRefused(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "the file is empty"},
		{"only blank lines", "\n\r\n  \n", "the file is empty"},
		{"header without rows", "姓名,邮箱\n\n", "a header and no rows"},
		{"no contact column", "姓名,出生日期\n甲一,1990-01-02\n", "name at least one 邮箱/email, 手机号/phone, 推送标识/push_token, 地址/postal_address; understood are 用户ID/external_id, "},
		{"no header", "甲一,jia@example.com,13800138000\n", "the first line is somebody"},
		{"two columns of one meaning", "姓名,邮箱,电子邮件\n甲一,a@example.com,b@example.com\n", "columns 2 and 3 both mean 邮箱/email"},
		{"one header twice", "email,email\na@example.com,b@example.com\n", "columns 1 and 2 both mean 邮箱/email"},
		{"a million columns", strings.Repeat("a,", 1_000_000) + "\n", "line 1, the header, is longer than 65536 bytes"},
		{"too many columns", strings.Repeat("a,", 1000) + "email\nx\n", "more than 256 columns"},
		{"an open quote in the header", "\"姓名,邮箱\n甲一,a@example.com\n", "a quote without its other half"},
		{"broken header", "\xef\xbb\xbf姓\xff名,邮箱\n甲,a@example.com\n", "line 1, the header, has broken characters"},
		{"a binary file with a table's name", "\x7fELF\x02\x01\x01\x00\x00\x00\n", "not a CSV file, whatever its name says"},
		{"half a workbook", "PK\x03\x04....", "workbook"},
		{"gzip", "\x1f\x8b\x08\x00", "the packed file ends before its end"},
		{"Parquet", "PAR1....", "a Parquet file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := audience.Open(strings.NewReader(c.text), options)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q in it", err, c.want)
			}
			for _, value := range []string{"甲一", "jia@", "1380013"} {
				if strings.Contains(err.Error(), value) {
					t.Errorf("the error quotes the file: %v", err)
				}
			}
		})
	}
}

func TestAFailingReaderIsNoEnd(t *testing.T) {
	broken := errors.New("cable cut")
	text := "姓名,邮箱\n甲一,jia@example.com\n甲二,er@exa"
	f, err := audience.Open(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), options)
	if err != nil {
		t.Fatal(err)
	}
	if row, err := f.Next(); err != nil || row.Person == nil {
		t.Fatalf("the complete row: %v", err)
	}
	for range 2 {
		if _, err := f.Next(); !errors.Is(err, broken) {
			t.Fatalf("got %v", err)
		}
	}
}

func TestEncodings(t *testing.T) {
	gb := func(s string) string {
		out, err := simplifiedchinese.GB18030.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	const text = "姓名,邮箱\n甲一,jia@example.com\n𠮷野,ji@example.com\n"
	many := strings.Repeat("ascii,a@example.com\n", 200_000) // 4 MB
	for _, c := range []struct {
		name, text, encoding string
		want                 []string
	}{
		{"UTF-8", text, "UTF-8", []string{"2 person", "3 person"}},
		{"UTF-8 with a mark", "\xef\xbb\xbf" + text, "UTF-8 with BOM", []string{"2 person", "3 person"}},
		{"GB18030", gb(text), "GB18030", []string{"2 person", "3 person"}},
		{"GB18030 with a mark", "\x84\x31\x95\x33" + gb(text), "GB18030", []string{"2 person", "3 person"}},
		{"a GB18030 name that is valid UTF-8 by accident", gb("姓名,邮箱\n联通,lt@example.com\n"), "GB18030", []string{"2 person"}},
		{"a broken character in GB18030", gb(text) + "\x81,x@example.com\n", "GB18030", []string{"2 person", "3 person", "4 reject encoding"}},
		{"a GB18030 line in UTF-8", text + gb("丙三,bing@example.com\n") + "丁四,ding@example.com\n", "UTF-8", []string{"2 person", "3 person", "4 reject encoding", "5 person"}},
		{"a UTF-8 line in GB18030", gb(text) + "丙三,bing@example.com\n" + gb("丁四,ding@example.com\n"), "GB18030", []string{"2 person", "3 person", "4 reject encoding", "5 person"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := open(t, c.text)
			rows := readAll(t, f)
			if f.Encoding() != c.encoding {
				t.Errorf("read as %s", f.Encoding())
			}
			if d := cmp.Diff(c.want, briefs(rows)); d != "" {
				t.Error(d)
			}
		})
	}
	t.Run("Chinese only after megabytes of ASCII", func(t *testing.T) {
		f := open(t, "name,email\n"+many+gb("丙三,bing@example.com\n丁四,ding@example.com\n"))
		rows := readAll(t, f)
		if p := rows[len(rows)-1].Person; p == nil || p.Name != "丁四" || f.Encoding() != "GB18030" || len(rows) != 200_002 {
			t.Errorf("%d rows as %s", len(rows), f.Encoding())
		}
	})
}

func TestHeaderNamesVary(t *testing.T) {
	for _, c := range []struct {
		header string
		field  audience.Field
	}{
		{"Ｅｍａｉｌ", audience.Email},
		{" E-Mail ", audience.Email},
		{"EMAIL_ADDRESS", audience.Email},
		{"电子邮件", audience.Email},
		{"手机号（必填）", audience.Phone},
		{"Phone Number", audience.Phone},
		{"mobile", audience.Phone},
		{"联系电话", audience.Phone},
		{"cid", audience.PushToken},
		{"设备标识", audience.PushToken},
		{"监护人 邮箱", audience.GuardianEmail},
		{"Guardian Phone", audience.GuardianPhone},
		{"second guardian mobile", audience.Field("guardian2_phone")},
		{"通信地址", audience.Address},
	} {
		f := open(t, "姓名;"+c.header+"\n甲一;x\n")
		if got := f.Columns(); len(got) != 2 || got[1].Field != c.field {
			t.Errorf("%q read as %v", c.header, got)
		}
	}
}

func TestDelimiterIsFound(t *testing.T) {
	for _, d := range []string{",", "\t", ";"} {
		rows := readAll(t, open(t, strings.ReplaceAll("姓名|邮箱|手机号\n甲一|jia@example.com|13800138000\n", "|", d)))
		if len(rows) != 1 || rows[0].Person == nil || rows[0].Person.Phone != "+8613800138000" {
			t.Errorf("%q: %v", d, briefs(rows))
		}
	}
}

func TestQuotedHeader(t *testing.T) {
	rows := readAll(t, open(t, "\"姓名\",\"邮箱\",\"备注,其他\"\n\"甲一\",\"jia@example.com\",\"\"\n"))
	if d := cmp.Diff([]string{"2 person"}, briefs(rows)); d != "" {
		t.Error(d)
	}
}

func TestContacts(t *testing.T) {
	for _, c := range []struct{ in, email string }{
		{"a@example.com", "a@example.com"},
		{"A.b+c@Example.COM", "A.b+c@example.com"},
		{"ａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "a@example.com"},
		{"a@bücher.example", "a@xn--bcher-kva.example"},
		{"张三@example.com", "张三@example.com"},
		{"o'neil@example.com", "o'neil@example.com"},
		{"\u202aa@example.com\u202c", "a@example.com"},
		{"a@a-b.example.com", "a@a-b.example.com"},
		{"a@example", ""},
		{"a@@example.com", ""},
		{"a b@example.com", ""},
		{"a@example.com;b@example.com", ""},
		{"<a@example.com>", "a@example.com"},
		{"A <a@example.com>", "a@example.com"},
		{"\"A\" <a@example.com>;", "a@example.com"},
		{"b@example.com <a@example.com>", ""},
		{"a***@example.com", ""},
		{"*@example.com", ""},
		{"\"<img src=x>\"@b.co", ""},
		{"a@[127.0.0.1]", ""},
		{"a@127.0.0.1", ""},
		{".a@example.com", ""},
		{"a.@example.com", ""},
		{"a..b@example.com", ""},
		{"a@-x.example.com", ""},
		{"a@x-.example.com", ""},
		{"a@ex_ample.com", ""},
		{"a@xn--a.example", ""},
		{"a@.example.com", ""},
		{"a@qq.com1", ""},
		{"a@example.com.", "a@example.com"},
		{strings.Repeat("a", 65) + "@example.com", ""},
		{"a@" + strings.Repeat("b", 64) + ".com", ""},
		{"a(b)@example.com", ""},
		{"mailto:a@example.com", "a@example.com"},
	} {
		p := one(t, "姓名,邮箱\n甲,\""+strings.ReplaceAll(c.in, `"`, `""`)+"\"\n")
		if p.Email != c.email {
			t.Errorf("email %q became %q, want %q", c.in, p.Email, c.email)
		}
	}
	for _, c := range []struct{ in, phone string }{
		{"13800138000", "+8613800138000"},
		{"138-0013-8000", "+8613800138000"},
		{"+86 138 0013 8000", "+8613800138000"},
		{"8613800138000", "+8613800138000"},
		{"008613800138000", "+8613800138000"},
		{"１３８００１３８０００", "+8613800138000"},
		{"(010) 6552 9988", "+861065529988"},
		{"+1 650-253-0000", "+16502530000"},
		{"+852 5123 4567", "+85251234567"},
		{"17400051234", "+8617400051234"},
		{"\u202d13800138000\u202c", "+8613800138000"},
		{"12345", ""},
		{"138001380001", ""},
		{"1.38E+10", ""},
		{"13800138000.0", "+8613800138000"},
		{"tel:13800138000", "+8613800138000"},
		{"086-138 0013 8000", "+8613800138000"},
		{"+086 13800138000", "+8613800138000"},
		{"086-13800138000/1", ""},
		{"138‐0013–8000", "+8613800138000"},
		{"138****8000", ""},
		{"1-800-FLOWERS", ""},
		{"13800138000/13900139000", ""},
		{"110", ""},
		{"01065529988 ext 5", ""},
		{"+86", ""},
	} {
		p := one(t, "姓名,手机\n甲,"+c.in+"\n")
		if p.Phone != c.phone {
			t.Errorf("phone %q became %q, want %q", c.in, p.Phone, c.phone)
		}
	}
}

func one(t *testing.T, text string) *audience.Person {
	t.Helper()
	rows := readAll(t, open(t, text))
	if len(rows) != 1 || rows[0].Person == nil {
		t.Fatalf("want one person, got %v", briefs(rows))
	}
	return rows[0].Person
}

func TestAges(t *testing.T) { // on 2026-11-22
	for _, c := range []struct {
		name, header, cells string
		want                audience.AgeClass
	}{
		{"dashes", "生日", "1990-01-02", audience.Adult},
		{"slashes, short", "生日", "2015/1/2", audience.Under14},
		{"dots", "生日", "2010.5.6", audience.Minor14To17},
		{"digits", "生日", "20150102", audience.Under14},
		{"Chinese", "生日", "2015年1月2日", audience.Under14},
		{"full width", "生日", "２０１５－０１－０２", audience.Under14},
		{"with a time of day", "生日", "2015-01-02T00:00:00Z", audience.Under14},
		{"eighteenth birthday: still a minor", "生日", "2008-11-22", audience.Minor14To17},
		{"day after the eighteenth birthday", "生日", "2008-11-21", audience.Adult},
		{"fourteenth birthday: still under 14", "生日", "2012-11-22", audience.Under14},
		{"day after the fourteenth birthday", "生日", "2012-11-21", audience.Minor14To17},
		{"a spreadsheet's day number", "生日", "42006", audience.Under14},
		{"a number that is no day of a spreadsheet", "生日", "99999", audience.AgeUnknown},
		{"day or month first, whichever", "生日", "01/02/2015", audience.Under14},
		{"day or month first, which leaves it open", "生日", "12/11/2012", audience.Under14},
		{"day first for certain", "生日", "21/11/2012", audience.Minor14To17},
		{"month first for certain", "生日", "11/22/2012 0:00", audience.Under14},
		{"neither", "生日", "13/13/2012", audience.AgeUnknown},
		{"day or month first, and an identity number that knows", "生日,身份证号", "12.11.2008,11010520081112001" + check("11010520081112001"), audience.Adult},
		{"day first, month by name", "生日", "02-JAN-2015", audience.Under14},
		{"month by name", "生日", "\"October 5, 1990\"", audience.Adult},
		{"month by name, of a database", "生日", "Nov  5 1990 12:00AM", audience.Adult},
		{"two digits of a year", "生日", "02-JAN-15", audience.AgeUnknown},
		{"spaces between", "生日", "2015 年 1 月 2 日", audience.Under14},
		{"号", "生日", "2015年1月2号 08:00", audience.Under14},
		{"the Republic's years", "生日", "民国79年1月2日", audience.Adult},
		{"digits of a data frame", "生日", "20150102.0", audience.Under14},
		{"a year", "出生年份", "2015", audience.Under14},
		{"a year that leaves it open", "出生年份", "2008年", audience.Minor14To17},
		{"a month", "出生年月", "2012年11月", audience.Under14},
		{"a month, past", "出生年月", "2012-10", audience.Minor14To17},
		{"a month that may have lost its end", "出生年月", "2012.1", audience.Under14},
		{"a month that is none", "出生年月", "2012-13", audience.AgeUnknown},
		{"six digits", "出生年月", "201210", audience.AgeUnknown},
		{"a month, and an identity number that knows the day", "出生年月,身份证号", "2008-11,11010520081102001" + check("11010520081102001"), audience.Adult},
		{"what systems write where they know nothing", "生日", "1900-01-01", audience.AgeUnknown},
		{"what computers count from", "生日", "1970-01-01T00:00:00.000Z", audience.AgeUnknown},
		{"what computers count from, in Beijing", "生日", "1970-01-01 08:00:00", audience.AgeUnknown},
		{"born on that day", "生日", "1970-01-01 00:00:00", audience.Adult},
		{"midnight in Beijing, in UTC", "生日", "2012-11-21T16:00:00.000Z", audience.Under14},
		{"midnight in Beijing, with its zone", "生日", "2012-11-21 00:00:00+08:00", audience.Minor14To17},
		{"midnight in UTC", "生日", "2012-11-21T00:00:00Z", audience.Minor14To17},
		{"midnight in Beijing, in milliseconds", "生日", "1353513600000", audience.Under14},
		{"midnight in Beijing, in seconds before 1970", "生日", "-315648000", audience.Adult},
		{"a noon in milliseconds is no birthday", "生日", "1353556800000", audience.AgeUnknown},
		{"an age", "年龄", "13岁", audience.Under14},
		{"an age of a data frame", "age", "17.0", audience.Minor14To17},
		{"an age in words of years", "年龄", "18 周岁", audience.Adult},
		{"an age in months", "年龄", "18个月", audience.Under14},
		{"an age counted otherwise", "年龄", "虚岁15", audience.AgeUnknown},
		{"an age yields to a birth date", "年龄,生日", "13,1990-01-02", audience.Adult},
		{"leap day of no leap year", "生日", "2013-02-29", audience.AgeUnknown},
		{"resident number", "身份证号", "11010520150102001" + check("11010520150102001"), audience.Under14},
		{"resident number, wrong check", "身份证号", "11010520150102001" + wrong("11010520150102001"), audience.AgeUnknown},
		{"resident number rounded by a spreadsheet", "身份证号", "1.10105E+17", audience.AgeUnknown},
		{"says a minor", "是否未成年", "是", audience.Minor},
		{"says no minor", "is_minor", "FALSE", audience.Adult},
		{"says something else", "is_minor", "maybe", audience.AgeUnknown},
		{"minor and birth date agree", "is_minor,生日", "1,2015-01-02", audience.Under14},
		{"they disagree: the lower counts", "is_minor,生日", "1,1990-01-02", audience.Minor},
		{"they disagree the other way", "is_minor,生日", "0,2015-01-02", audience.Under14},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := one(t, "姓名,邮箱,"+c.header+"\n甲,a@example.com,"+c.cells+"\n")
			if p.Age != c.want {
				t.Errorf("got %s, want %s", p.Age, c.want)
			}
		})
	}
}

// Whose information is a child's is a question of the day on which it was taken; who is a minor, one of today.
func TestAChildOfTheIncidentsDay(t *testing.T) {
	for birth, want := range map[string]audience.AgeClass{
		"2012-03-09": audience.Minor14To17, "2012-03-10": audience.Under14, "2012-10-01": audience.Under14, "2008-05-01": audience.Adult,
	} {
		o := options
		o.Happened = time.Date(2026, 3, 9, 16, 30, 0, 0, time.UTC) // the tenth in Beijing
		f, err := audience.Open(strings.NewReader("姓名,邮箱,生日\n甲,a@b.cn,"+birth+"\n"), o)
		if err != nil {
			t.Fatal(err)
		}
		if rows := readAll(t, f); rows[0].Person.Age != want {
			t.Errorf("born on %s: %s, want %s", birth, rows[0].Person.Age, want)
		}
	}
}

// check computes the last character of a resident number by the standard's table of weights.
func check(s string) string {
	sum := 0
	for i, w := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += int(s[i]-'0') * w
	}
	return string("10X98765432"[sum%11])
}

func wrong(s string) string {
	if check(s) == "0" {
		return "1"
	}
	return "0"
}

func TestIdentity(t *testing.T) {
	key := func(cells string) string {
		return one(t, "用户ID,姓名,邮箱,手机号,生日,监护人手机\n"+cells+"\n").IdentityKey()
	}
	base := key(",甲一,a@example.com,13800138000,1990-01-02,")
	for name, c := range map[string]struct {
		cells string
		same  bool
	}{
		"written differently": {",甲 一,A@EXAMPLE.com,+86 138-0013-8000,1990年1月2日,", true},
		"another name":        {",甲二,a@example.com,13800138000,1990-01-02,", false},
		"another contact":     {",甲一,b@example.com,13800138000,1990-01-02,", false},
		"another birth date":  {",甲一,a@example.com,13800138000,1990-01-03,", false},
		"another guardian":    {",甲一,a@example.com,13800138000,1990-01-02,13900139000", false},
		"with an external id": {"u1,甲一,a@example.com,13800138000,1990-01-02,", false},
	} {
		if got := key(c.cells) == base; got != c.same {
			t.Errorf("%s: same is %v", name, got)
		}
	}
	if key("u1,甲一,a@example.com,,,") != key("u1,甲二,b@example.com,,,") {
		t.Error("one external id is two people")
	}
}

func TestNothingPersonalIsPrinted(t *testing.T) {
	f := open(t, "姓名,邮箱,监护人姓名\n甲canary,canary@example.com,canary\n\"canary,canary@,canary\n")
	rows := readAll(t, f)
	for _, row := range rows {
		values := []any{row}
		if row.Person != nil {
			values = append(values, row.Person, *row.Person, row.Person.Guardians)
		}
		for _, v := range values {
			for _, s := range []string{fmt.Sprint(v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v)} {
				if strings.Contains(s, "canary") {
					t.Errorf("%T prints as %s", v, s)
				}
			}
		}
	}
}
