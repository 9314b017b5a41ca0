package email_test

import (
	"strings"
	"testing"

	"tocsin/notifiers/email"
)

func TestCleanAddress(t *testing.T) {
	for in, want := range map[string]string{
		"jane.doe@example.net":                   "jane.doe@example.net",
		"Jane.Doe@Example.NET":                   "Jane.Doe@example.net", // the local part is the other side's matter
		"a+tag'x@mail.example.co.uk":             "a+tag'x@mail.example.co.uk",
		"10001@qq.com":                           "10001@qq.com",
		"li@例子.测试":                               "li@xn--fsqu00a.xn--0zwm56d",
		"li@xn--fsqu00a.xn--0zwm56d":             "li@xn--fsqu00a.xn--0zwm56d",
		strings.Repeat("a", 64) + "@example.net": strings.Repeat("a", 64) + "@example.net",
	} {
		if got, err := email.CleanAddress(in); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range unfitAddresses {
		got, err := email.CleanAddress(in)
		if err == nil {
			t.Errorf("%q was accepted as %q", in, got)
		} else if local, _, _ := strings.Cut(in, "@"); len(local) > 3 && strings.Contains(err.Error(), local) {
			t.Errorf("the error shows the address: %v", err)
		}
	}
}

func FuzzCleanAddress(f *testing.F) {
	for _, s := range append(unfitAddresses, "jane.doe@example.net", "li@例子.测试") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		clean, err := email.CleanAddress(s)
		if err != nil {
			return
		}
		if strings.ContainsAny(clean, " \t\r\n\x00<>\"(),:;\\") || strings.Count(clean, "@") != 1 {
			t.Errorf("%q became %q, which cannot stand in a command", s, clean)
		}
		if again, err := email.CleanAddress(clean); err != nil || again != clean {
			t.Errorf("%q became %q, then %q, %v", s, clean, again, err)
		}
	})
}
