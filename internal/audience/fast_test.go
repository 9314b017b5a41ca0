package audience

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

var fastToday = calendarOf(time.Date(2026, time.November, 22, 0, 0, 0, 0, time.UTC), time.Time{})

// FuzzShortCuts compares what is taken over as it stands with what the long way makes of it.
func FuzzShortCuts(f *testing.F) {
	for _, s := range []string{
		"", "zh-CN", "13800138000", "+8613800138000", "1990-01-02", "1990-13-02", "2026-11-23", "1889-01-01", "n/a", "null", "NULL", "=\"138\"", "'138", " 138", "138 ",
		"shili.0000001@example.com", "a@b.c1", "a@xn--fiqs8s.cn", "A@B.CN", "a..b@c.cn", "示例甲", "=1+1", "a  b", "a b ", "甲\u200b", "+", "-", "1990-1-2", "17400000000",
		"14900000000", "a@-b.cn", "a@b-.cn", "1990-02-29", "~", "a\x7f", "１３８", "None", "unknown.person", "(null)", "0/0/0000-0", "12345678T9",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := code(s), codeOf(s); got != want {
			t.Errorf("code(%q) = %q, want %q", s, got, want)
		}
		if got, ok := fastToday.birth(s); true {
			if want, wantOK := fastToday.birthOf(s); ok != wantOK || ok && got != want {
				t.Errorf("birth(%q) = %v, %v, want %v, %v", s, got, ok, want, wantOK)
			}
		}
		text, cleaned, control := prose(s)
		if want, wantCleaned, wantControl := proseOf(s); text != want || cleaned != wantCleaned || control != wantControl {
			t.Errorf("prose(%q) = %q, %v, %v, want %q, %v, %v", s, text, cleaned, control, want, wantCleaned, wantControl)
		}
		email, ok := normalEmail(s)
		if want, wantOK := emailOf(s); email != want || ok != wantOK {
			t.Errorf("normalEmail(%q) = %q, %v, want %q, %v", s, email, ok, want, wantOK)
		}
		phone, ok := normalPhone(s, "CN")
		if want, wantOK := phoneOf(s, "CN"); phone != want || ok != wantOK {
			t.Errorf("normalPhone(%q) = %q, %v, want %q, %v", s, phone, ok, want, wantOK)
		}
	})
}

// FuzzBlocks reads a table by blocks of lines, into rows that are used again, and line by line, each row anew: the rows are the
// same.
func FuzzBlocks(f *testing.F) {
	const head = "用户ID,姓名,邮箱,手机号,语言,地区,数据类别,出生日期,监护人姓名,监护人邮箱,监护人手机\n"
	for _, s := range []string{
		"1,甲,a@b.cn,13800138000,zh-CN,CN,name,1990-01-02,,,\n2,乙,c@d.cn,13800138001,zh-CN,US-CA,phone,2015-01-02,母,m@b.cn,13900139000\n",
		"1,甲,a@b.cn,,n/a,,,,,,\n2,\"乙\n\",,,,,,,,,\n3,丙,\x00,,,,,,,,\n\n4,\xff,,,,,,,,,\n5,\xbc\xd7,a@b.cn,,,,,,,,\r\n6,丁",
		strings.Repeat("7,甲,a@b.cn,13800138000,fr,CN,\"name;x\",1990-01-02,,,\n", 9), "8,\ufffd,a@b.cn,,,,,,,,\n9,戊,a@b.cn,,,,,,,,,,,,\n",
	} {
		f.Add([]byte(s), 7, true)
		f.Add([]byte(s), 100, false)
	}
	f.Fuzz(func(t *testing.T, data []byte, chunk int, chinese bool) {
		header := head
		if !chinese {
			header = "user_id,name,email,phone,language,region,categories,birth_date,guardian_name,guardian_email,guardian_phone\n"
		}
		data = append([]byte(header), data...)
		o := Options{At: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), Raw: chunk%2 == 0, Limits: Limits{RecordBytes: 200, FieldBytes: 60, RecordLines: 5}}
		open := func(r io.Reader) *File {
			file, err := Open(r, o)
			if err != nil {
				return nil
			}
			return file
		}
		fast, slow := open(&inChunks{bytes.NewReader(data), max(1, chunk)}), open(bytes.NewReader(data))
		if (fast == nil) != (slow == nil) {
			t.Fatal("only one way opens it")
		}
		if fast == nil {
			return
		}
		defer fast.Close()
		defer slow.Close()
		table, ok := slow.src.(*csvSource)
		if !ok {
			return
		}
		table.lines.blocks = false
		rows := make([]Row, 3)
		for {
			n, err := fast.Read(rows)
			for i := range n {
				want, err := slow.Next()
				if err != nil || !sameRow(rows[i], want) {
					t.Fatalf("line %d: row %+v and row %+v, %v", want.Line, rows[i], want, err)
				}
			}
			if err != nil {
				if _, slowErr := slow.Next(); !errors.Is(err, io.EOF) || !errors.Is(slowErr, io.EOF) {
					t.Fatalf("ends with %v and %v", err, slowErr)
				}
				break
			}
		}
		if fast.Encoding() != slow.Encoding() {
			t.Errorf("encodings %s and %s", fast.Encoding(), slow.Encoding())
		}
	})
}

func sameRow(a, b Row) bool {
	for _, r := range []*Row{&a, &b} {
		if len(r.Warnings) == 0 {
			r.Warnings = nil
		}
		if r.Person != nil {
			p := *r.Person
			if r.Person = &p; len(p.Guardians) == 0 {
				p.Guardians = nil
			}
		}
	}
	return reflect.DeepEqual(a, b)
}

// inChunks reads no more than n bytes at once.
type inChunks struct {
	r io.Reader
	n int
}

func (c *inChunks) Read(p []byte) (int, error) { return c.r.Read(p[:min(c.n, len(p))]) }
