package templates_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"tocsin/templates"
)

func randomNumber(r *rand.Rand) string {
	var b [16]byte
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return templates.NewNoticeNumber(b)
}

func TestNoticeNumberForm(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[string]bool{}
	for range 1000 {
		n := randomNumber(r)
		if got, err := templates.ParseNoticeNumber(n); err != nil || got != n {
			t.Fatalf("%s: %s, %v", n, got, err)
		}
		if len(n) != 24 || strings.Count(n, "-") != 4 || seen[n] {
			t.Fatalf("%s", n)
		}
		seen[n] = true
	}
}

// All 95 bits count: no byte of the first twelve is idle.
func TestNoticeNumberUsesItsBits(t *testing.T) {
	base := templates.NewNoticeNumber([16]byte{})
	for i := range 95 {
		var b [16]byte
		b[i/8] = 0x80 >> (i % 8)
		if templates.NewNoticeNumber(b) == base {
			t.Errorf("bit %d changes nothing", i)
		}
	}
}

func TestNoticeNumberAsPeopleType(t *testing.T) {
	n := templates.NewNoticeNumber([16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
	for _, typed := range []string{
		strings.ToLower(n), strings.ReplaceAll(n, "-", ""), strings.ReplaceAll(n, "-", " "), " " + n + "\t",
		strings.ReplaceAll(n, "0", "O"), strings.ReplaceAll(n, "0", "o"), strings.ReplaceAll(n, "1", "l"), strings.ReplaceAll(n, "1", "I"),
		strings.ReplaceAll(n, "-", "—"), fullWidth(n),
	} {
		if got, err := templates.ParseNoticeNumber(typed); err != nil || got != n {
			t.Errorf("%q: %s, %v", typed, got, err)
		}
	}
}

func fullWidth(s string) string {
	return strings.Map(func(r rune) rune { return r + 0xfee0 }, s)
}

// One wrong character, and any two exchanged ones, are always noticed.
func TestNoticeNumberCheckCharacter(t *testing.T) {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	r := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		n := []byte(strings.ReplaceAll(randomNumber(r), "-", ""))
		for i := range n {
			for _, c := range []byte(alphabet) {
				if c != n[i] {
					wrong := append([]byte(nil), n...)
					wrong[i] = c
					mustBeWrong(t, string(wrong))
				}
			}
			for j := range i {
				if n[i] != n[j] {
					wrong := append([]byte(nil), n...)
					wrong[i], wrong[j] = wrong[j], wrong[i]
					mustBeWrong(t, string(wrong))
				}
			}
		}
	}
	for _, s := range []string{"", "-", "7K3M", strings.Repeat("0", 21), strings.Repeat("A", 1000), "7K3M-9Q2X-W4RT-8HD5-NJ6U", "七K3M"} {
		mustBeWrong(t, s)
	}
}

func mustBeWrong(t *testing.T, s string) {
	t.Helper()
	if _, err := templates.ParseNoticeNumber(s); err == nil {
		t.Errorf("%q passes", s)
	}
}

func FuzzParseNoticeNumber(f *testing.F) {
	f.Add("7K3M-9Q2X-W4RT-8HD5-NJ6P")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := templates.ParseNoticeNumber(s)
		if err != nil {
			return
		}
		if again, err := templates.ParseNoticeNumber(n); err != nil || again != n {
			t.Errorf("%q -> %q -> %q", s, n, again)
		}
	})
}
