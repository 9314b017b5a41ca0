package templates

import (
	"strings"
	"testing"
)

// What is taken without a look at the patterns must be what they would have left.
func TestAHarmlessNameIsWhatThePatternsLeave(t *testing.T) {
	words := strings.Fields(marketingStems + " 请登录 登录链接 付款 支付 缴费 say log in tap on QR qr code Fee pays special offer don't 张 伟 Anna Free Pa ſpecial K")
	for _, a := range asks() {
		words = append(words, strings.Fields(a.stems)...)
	}
	seen := 0
	check := func(name string) {
		if !harmless(name) {
			return
		}
		seen++
		if got := examined(name); got != name {
			t.Errorf("%q counts as harmless, and the patterns leave %q", name, got)
		}
	}
	for _, a := range words {
		for _, b := range append(words, "", "明", "Smith", "zhu", "fu") {
			for _, between := range []string{"", " "} {
				check(strings.TrimSpace(a + between + b))
				check(strings.ToUpper(strings.TrimSpace(b + between + a)))
			}
		}
	}
	if seen == 0 {
		t.Error("no name counted as harmless")
	}
	for _, name := range []string{"张伟", "欧阳娜娜", "Anna Smith"} {
		if !harmless(name) {
			t.Errorf("%q does not count as harmless", name)
		}
	}
	for _, name := range []string{"点击这里", "a.cn", "a@b", "http://x", "12345", "付我", "PAY me", "\u202eabc", "Ana\u200b"} {
		if harmless(name) {
			t.Errorf("%q counts as harmless", name)
		}
	}
}

func FuzzHarmless(f *testing.F) {
	for _, s := range []string{"张伟", "点击", "free gift", "Anna Smith"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if name := clean(s); harmless(name) && examined(name) != name {
			t.Errorf("%q counts as harmless, and the patterns leave %q", name, examined(name))
		}
	})
}
