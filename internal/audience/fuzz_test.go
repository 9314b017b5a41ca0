package audience_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"tocsin/internal/audience"
)

// sound reads whatever it is given and checks what holds of every file: rows come in order, each is a person or a reject that
// says why, and reading ends.
func sound(t *testing.T, data []byte, o audience.Options) {
	f, err := audience.Open(bytes.NewReader(data), o)
	if err != nil {
		if err.Error() == "" {
			t.Fatal("refused without a word")
		}
		return
	}
	defer f.Close()
	last := int64(0)
	for n := 0; ; n++ {
		row, err := f.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) && err.Error() == "" {
				t.Fatal("ended without a word")
			}
			return
		}
		if row.Line <= last || (row.Person == nil) == (row.Reject == nil) {
			t.Fatalf("row %s after line %d", brief(row), last)
		}
		if r := row.Reject; r != nil && (r.Text.ZH == "" || r.Text.EN == "" || len(row.Warnings) > 0) {
			t.Fatalf("row %s does not say why", brief(row))
		}
		if p := row.Person; p != nil && (p.Age == "" || p.IdentityKey() == "" || strings.ContainsAny(p.Name+p.Email+p.Phone, "\x00\n\r")) {
			t.Fatalf("line %d gives an unclean person", row.Line)
		}
		last = row.EndLine
	}
}

func FuzzJSONLines(f *testing.F) {
	for _, s := range []string{
		`{"name":"甲","email":"a@b.cn"}`, "{\"phone\":13800138000}\n{\"guardians\":[{\"name\":\"乙\",\"phone\":\"13800138000\"}]}\n", `{"a":{"b":[1,{"c":null}]},"email":"x@y.cn"}`,
		"{\"email\":\"a@b.cn\"}\n{\"email\":\"a@b.cn\",\"email\":\"c\"}\n[1]\n\"\n", "{\"email\":\"\\ud800\"}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		sound(t, append([]byte(`{"email":"a@b.cn","name":"x"}`+"\n"), data...), with(t, nil))
	})
}

func FuzzSheets(f *testing.F) {
	good := [][]string{{"姓名", "邮箱", "生日"}, {"甲", "a@b.cn", `<c s="1"><v>30000</v></c>`}}
	f.Add([]byte(sheetOf(good, "")), []byte("<t>x</t>"))
	f.Add([]byte(sheetOf(good, `<mergeCells><mergeCell ref="A2:A9"/></mergeCells>`)), []byte("<r><t>_x000D_</t></r><rPh><t>x</t></rPh>"))
	f.Add([]byte(`<worksheet><sheetData><row><c t="s"><v>0</v></c><c t="inlineStr"><is><t>email</t></is></c></row><row r="3"><c><f/></c></row></sheetData></worksheet>`), []byte("<t>&#x41;&amp;</t>"))
	f.Fuzz(func(t *testing.T, sheet, shared []byte) {
		sound(t, bookOf(t, map[string]string{"S": string(sheet)}, []string{string(shared)}, nil), with(t, nil))
	})
}

func FuzzWorkbooks(f *testing.F) {
	f.Add(book(f, [][]string{{"姓名", "邮箱"}, {"甲", "a@b.cn"}}))
	f.Add([]byte("PK\x03\x04PK\x05\x06"))
	f.Fuzz(func(t *testing.T, data []byte) {
		sound(t, append([]byte("PK\x03\x04"), bytes.TrimPrefix(data, []byte("PK\x03\x04"))...), with(t, nil))
	})
}

func FuzzParquet(f *testing.F) {
	f.Add(parquetOf(f, []parquetPerson{{Name: "甲", Email: ptr("a@b.cn"), Phone: 13800138000, Categories: []string{"name"}}}))
	f.Add(parquetOf(f, []struct {
		Email string `parquet:"email,zstd"`
	}{{"a@b.cn"}, {"c@d.cn"}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		sound(t, append([]byte("PAR1"), bytes.TrimPrefix(data, []byte("PAR1"))...), with(t, func(o *audience.Options) { o.Limits.ChildBytes = 256 << 20 }))
	})
}

func FuzzPacked(f *testing.F) {
	table := []byte("姓名,邮箱\n甲,a@b.cn\n")
	f.Add(gzipped(table), "")
	f.Add(zstded(table), "")
	f.Add(table, "utf-16le")
	f.Add(table, "big5")
	f.Add([]byte("\xff\xfee\x00m\x00a\x00i\x00l\x00\n\x00a\x00"), "")
	f.Fuzz(func(t *testing.T, data []byte, encoding string) {
		sound(t, data, with(t, func(o *audience.Options) { o.Encoding, o.Limits = encoding, tight }))
	})
}
