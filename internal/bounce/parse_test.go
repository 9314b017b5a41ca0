package bounce_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/internal/bounce"
	"tocsin/internal/breach"
)

const sampleID = breach.DeliveryID("00112233445566778899aabbccddeeff")

func sample(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// envelopeOf is the null sender for what servers send, and somebody for what people do.
func envelopeOf(raw []byte) string {
	if bytes.Contains(raw, []byte("\nFrom: Wang")) || bytes.HasPrefix(raw, []byte("From: Wang")) {
		return "wang.example@example.net"
	}
	return ""
}

func TestSamples(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "want.txt"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		listed[f[0]] = true
		t.Run(f[0], func(t *testing.T) {
			raw := sample(t, f[0])
			got := bounce.Parse(raw, envelopeOf(raw))
			orNone := func(s string) string {
				if s == "" {
					return "-"
				}
				return s
			}
			if string(got.Kind) != f[1] || orNone(string(got.Class)) != f[2] || orNone(got.Status) != f[3] {
				t.Errorf("%s %s %s; want %s %s %s", got.Kind, orNone(string(got.Class)), orNone(got.Status), f[1], f[2], f[3])
			}
			if marked := len(got.IDs) > 0 && got.IDs[0] == sampleID; marked != (f[4] == "id") {
				t.Errorf("ids %v, want %s", got.IDs, f[4])
			}
		})
	}
	files, err := filepath.Glob(filepath.Join("testdata", "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".eml"); !listed[name] {
			t.Errorf("%s is not in want.txt", name)
		}
	}
	if len(listed) < 30 {
		t.Errorf("%d samples", len(listed))
	}
}

// A hostile report costs little and says nothing.
func TestHostileReports(t *testing.T) {
	nested := strings.Repeat("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", 5000)
	many := "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 100000)
	for rule, raw := range map[string]string{
		"parts within parts":     nested,
		"parts without end":      many,
		"a header without end":   "X: " + strings.Repeat("y", 10<<20),
		"fields without end":     "Content-Type: message/delivery-status\r\n\r\n" + strings.Repeat("a: b\r\n\r\n", 1<<20),
		"a boundary of nothing":  "Content-Type: multipart/report; boundary=\"\"\r\n\r\n--\r\n\r\n",
		"base64 that is none":    "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!",
		"an encoding of its own": "Content-Type: text/plain; charset=martian\r\nContent-Transfer-Encoding: smoke\r\n\r\nx",
	} {
		t.Run(rule, func(t *testing.T) {
			if got := bounce.Parse([]byte(raw), "somebody@example.net"); got.Kind != breach.ReturnUnclear {
				t.Errorf("it was taken for %s", got.Kind)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.eml"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, "")
	}
	f.Fuzz(func(t *testing.T, raw []byte, from string) {
		r := bounce.Parse(raw, from)
		if r.Kind == "" || (r.Kind == breach.ReturnFailed) != (r.Class != "") {
			t.Errorf("kind %q with class %q", r.Kind, r.Class)
		}
		if strings.ContainsAny(r.Status, "@ <>") || len(r.Status) > 32 {
			t.Errorf("status %q may hold an address", r.Status)
		}
		for _, id := range r.IDs {
			if len(id) != 32 {
				t.Errorf("id %q", id)
			}
		}
		if again := bounce.Parse(raw, from); again.Kind != r.Kind || again.Class != r.Class {
			t.Error("the same mail says two things")
		}
	})
}

func BenchmarkParse(b *testing.B) {
	raw := sample(b, "postfix_unknown_user")
	for b.Loop() {
		if bounce.Parse(raw, "").Kind != breach.ReturnFailed {
			b.Fatal("not parsed")
		}
	}
}
