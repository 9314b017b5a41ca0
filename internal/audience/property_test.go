package audience_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"tocsin/internal/audience"
)

// tight makes every limit easy to meet.
var tight = audience.Limits{RecordBytes: 120, FieldBytes: 40, Columns: 8, RecordLines: 4}

// FuzzRows feeds anything at all. Nothing may panic, and each line that is not blank belongs to exactly one row.
func FuzzRows(f *testing.F) {
	for _, s := range []string{
		"姓名,邮箱\n甲,a@example.com\n", "\xef\xbb\xbfname,email\r\n\"a\r\nb\",x@example.com\r\n\r\n\"", "email\n\"a\n\n\"\"\n\"\n",
		"name;phone\nA;13800138000\n\x00;1\n\xff;2", "\xd0\xd5\xc3\xfb,email\n\xbc\xd7,a@example.com\n\xd2", "email,备注\na@example.com,\"一\n二\n三\n四\n五\"\n",
	} {
		f.Add([]byte(strings.ReplaceAll(s, "\n", "\r")), true)
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, narrow bool) {
		o := options
		limit := 64 << 10
		if narrow {
			o.Limits, limit = tight, tight.RecordBytes
		}
		file, err := audience.Open(bytes.NewReader(data), o)
		if err != nil {
			return
		}
		defer file.Close()
		rows, err := rowsUntilError(file)
		if file.Format() != "CSV" || file.Packing() != "" || strings.HasPrefix(file.Encoding(), "UTF-16") {
			return // its lines are not those of the bytes
		}
		if !errors.Is(err, io.EOF) {
			t.Fatalf("ended with %v", err)
		}
		if !bytes.ContainsRune(data, '\n') {
			data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
		}
		conserved(t, data, limit, rows)
	})
}

type failer interface {
	Fatalf(format string, args ...any)
}

func conserved(t failer, data []byte, limit int, rows []audience.Row) {
	want := linesOf(data, limit)[1:] // the first is the header
	var got []int64
	for _, r := range rows {
		if (r.Person == nil) == (r.Reject == nil) || r.EndLine < r.Line {
			t.Fatalf("row %s is neither or both", brief(r))
		}
		if r.Reject != nil && (r.Reject.Line != r.Line || r.Reject.Text.ZH == "" || r.Reject.Text.EN == "" || len(r.Warnings) > 0) {
			t.Fatalf("row %s does not say why", brief(r))
		}
		for l := r.Line; l <= r.EndLine; l++ {
			if r.Line == r.EndLine || slices.Contains(want, l) { // a blank line may lie within a quoted cell
				got = append(got, l)
			}
		}
		if p := r.Person; p != nil {
			for _, s := range []string{p.Name, p.ExternalID, p.Address, p.Email, p.Phone, p.PushToken} {
				if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\n\r") {
					t.Fatalf("line %d gives unclean text", p.Line)
				}
			}
			if p.Age == "" || p.IdentityKey() == "" {
				t.Fatalf("line %d gives a person without age class or identity", p.Line)
			}
		}
	}
	if !slices.Equal(want, got) {
		t.Fatalf("lines in %v, lines out %v", want, got)
	}
}

// linesOf numbers the lines that are not blank.
func linesOf(data []byte, limit int) []int64 {
	data = bytes.TrimPrefix(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), []byte("\x84\x31\x95\x33"))
	var out []int64
	for i, line := range bytes.SplitAfter(data, []byte("\n")) {
		if len(line) > 0 && (len(line) > limit || len(bytes.Trim(line, " \t\r\v\f\n")) > 0) {
			out = append(out, int64(i+1))
		}
	}
	return out
}

func TestEachLineBelongsToOneRow(t *testing.T) {
	piece := rapid.SampledFrom([]string{"甲", "a@example.com", "13800138000", ",", ",", "\"", "\"\"", "\n", "\n", "\r\n", "\x00", "\xff", "\xd2", " ", "\u202e", "2015-01-01", strings.Repeat("x", 50)})
	rapid.Check(t, func(t *rapid.T) {
		body := strings.Join(rapid.SliceOfN(piece, 1, 60).Draw(t, "body"), "")
		data := []byte("姓名,邮箱,备注\n" + body)
		o := options
		o.Limits = tight
		f, err := audience.Open(bytes.NewReader(data), o)
		if err != nil {
			if strings.TrimSpace(body) != "" {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		var rows []audience.Row
		for {
			row, err := f.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v", err)
			}
			rows = append(rows, row)
		}
		conserved(t, data, tight.RecordBytes, rows)
	})
}

func TestWhatACSVWriterWritesIsRead(t *testing.T) {
	word := rapid.StringMatching(`[a-z甲-癸",;' ]{1,12}`).Filter(func(s string) bool {
		s = strings.TrimSpace(s)
		return s != "" && !strings.HasPrefix(s, `="`) && !strings.ContainsAny(s[:1], "nu") // null and undefined are no accounts
	})
	note := rapid.StringMatching("[a-z\"\n]{0,12}")
	rapid.Check(t, func(t *rapid.T) {
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		w.UseCRLF = rapid.Bool().Draw(t, "crlf")
		write := func(cells ...string) {
			if err := w.Write(cells); err != nil {
				t.Fatal(err)
			}
		}
		write("备注", "账号", "姓名", "邮箱", "手机")
		names := rapid.SliceOfN(word, 1, 20).Draw(t, "names")
		for _, n := range names {
			write(note.Draw(t, "note"), n, n, "a@example.com", "13800138000")
		}
		w.Flush()
		f, err := audience.Open(&file, options)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range names {
			row, err := f.Next()
			if err != nil || row.Person == nil {
				t.Fatalf("row %d: %s, %v", i, brief(row), err)
			}
			if want := strings.Join(strings.Fields(n), " "); row.Person.Name != want || row.Person.ExternalID != want || row.Person.Email == "" {
				t.Fatalf("row %d became another person", i)
			}
		}
		if _, err := f.Next(); !errors.Is(err, io.EOF) {
			t.Fatalf("after the last: %v", err)
		}
	})
}
