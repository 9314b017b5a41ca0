package templates_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tocsin/internal/breach"
	"tocsin/templates"
)

// Each rule catches what it is for.
func TestLintFinds(t *testing.T) {
	text := func(add string) func(*templates.NoticeText) {
		return func(n *templates.NoticeText) { n.Text += "\n" + add + "\n" }
	}
	markup := func(add string) func(*templates.NoticeText) {
		return func(n *templates.NoticeText) { n.HTML = strings.Replace(n.HTML, "</body>", add+"</body>", 1) }
	}
	cases := []struct {
		name  string
		spoil func(*templates.NoticeText)
		says  string
	}{
		{"a link with a path", text("详见 https://www.example.com/notice?id=1"), "address"},
		{"a shortener", text("t.cn/abc"), "address"},
		{"a look-alike domain", text("www.examp1e.com"), "address"},
		{"another mailbox", text("help@example.org"), "address"},
		{"a link in the SMS", func(n *templates.NoticeText) { n.SMS += " http://dwz.cn/x" }, "address"},
		{"an anchor", markup(`<a href="https://www.example.com">x</a>`), "<a>"},
		{"a tracking pixel", markup(`<img src="https://www.example.com/p.gif">`), "<img>"},
		{"a script", markup(`<script>1</script>`), "<script>"},
		{"an event handler", markup(`<p onclick="x">x</p>`), "onclick"},
		{"a foreign style", markup(`<p style="background:url(x)">x</p>`), "style"},
		{"a form", markup(`<form><input></form>`), "<form>"},
		{"a comment", markup(`<!--[if mso]>x<![endif]-->`), "comment"},
		{"click here", text("请点击下方按钮查看"), "fraud"},
		{"do not worry, click", text("不要担心，请点击下方按钮"), "fraud"},
		{"scan", text("请扫描二维码"), "fraud"},
		{"log in", text("请登录后查看"), "fraud"},
		{"identity card", text("请回复您的身份证号码"), "fraud"},
		{"code", text("请告知客服验证码"), "fraud"},
		{"payment", text("请支付押金后领取补偿"), "fraud"},
		{"attachment", text("详情见附件"), "fraud"},
		{"click in English", text("Please click below."), "fraud"},
		{"do not worry, log in", text("Do not worry, just log in to see more."), "fraud"},
		{"reply with your password", text("Please send us your password."), "fraud"},
		{"fee", text("A small fee applies."), "fraud"},
		{"marketing", text("现在续费享受优惠"), "advertises"},
		{"opt-out text", text("退订回T"), "advertises"},
		{"marketing in English", text("Here is a special offer."), "advertises"},
		{"no number", func(n *templates.NoticeText) { n.SMS = strings.ReplaceAll(n.SMS, noticeNo, "") }, "number"},
		{"no hotline", func(n *templates.NoticeText) { n.PushBody = strings.ReplaceAll(n.PushBody, "400-000-0000", "") }, "hotline"},
		{"no fixed sentence", func(n *templates.NoticeText) {
			n.Text = strings.ReplaceAll(n.Text, "我们绝不会向您索要", "我们可能向您询问")
		}, "lacks the sentence"},
		{"no cause", func(n *templates.NoticeText) { n.Groups[0].Text = "" }, "cause"},
		{"no groups", func(n *templates.NoticeText) { n.Groups = nil }, "harm"},
		{"a changed measure", func(n *templates.NoticeText) { n.HTML = strings.Replace(n.HTML, "隔离", "重启", 1) }, "changed"},
		{"empty push", func(n *templates.NoticeText) { n.PushBody = "" }, "empty"},
		{"a name in the SMS", func(n *templates.NoticeText) { n.SMS += "⟦people⟧" }, "place for a name"},
		{"an unknown mark", text("⟦password⟧"), "unknown mark"},
		{"long SMS", func(n *templates.NoticeText) { n.SMS += strings.Repeat("很长", 80) }, "cut into"},
		{"SMS with a costly sign", func(n *templates.NoticeText) {
			n.Language, n.SMS = breach.English, "[Škoda] "+strings.Repeat("long ", 50)
		}, "'Š' more than halves"},
		{"a sign of no width", text("cl\u200bick"), "hidden sign"},
		{"SMS without signature", func(n *templates.NoticeText) { n.SMS = strings.TrimPrefix(n.SMS, "【示例教育】") }, "signature"},
		{"long subject", func(n *templates.NoticeText) { n.Subject += strings.Repeat("很长", 80) }, "characters"},
	}
	good := sampleText(t, breach.ToPerson, breach.Chinese)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			n := good
			n.Groups = slices.Clone(good.Groups)
			c.spoil(&n)
			findings := templates.Lint(n, templates.RulesFor(sampleOrganisation(), noticeNo))
			for _, f := range findings {
				if strings.Contains(f.Says, c.says) {
					return
				}
			}
			t.Errorf("no finding says %q: %v", c.says, findings)
		})
	}
}

// What a good notice must be able to say passes.
func TestLintAllows(t *testing.T) {
	for _, add := range []string{
		"请不要点击任何链接。", "我们不会要求您付款。", "有人要您转账，请不要照做。", "请在浏览器输入 www.example.com 。", "写信至 privacy@example.com。",
		"Never click a link in such a message.", "Do not pay anyone.", "We never ask for a verification code.", "Our site is https://www.example.com/",
	} {
		n := sampleText(t, breach.ToPerson, breach.Chinese)
		n.Text += add + "\n"
		if f := templates.Lint(n, templates.RulesFor(sampleOrganisation(), noticeNo)); len(f) > 0 {
			t.Errorf("%q: %v", add, f)
		}
	}
}

// What a phisher would slip into our people's words is refused, and what honest people write of such an incident is not.
// One sentence a line.
func TestLintReadsSentences(t *testing.T) {
	for file, honest := range map[string]bool{"phisher.txt": false, "honest.txt": true} {
		b, err := os.ReadFile(filepath.Join("testdata", "lint", file))
		if err != nil {
			t.Fatal(err)
		}
		good := sampleText(t, breach.ToPerson, breach.Chinese)
		for line := range strings.Lines(string(b)) {
			line = strings.TrimSpace(line)
			n := good
			n.Text += line + "\n"
			findings := templates.Lint(n, templates.RulesFor(sampleOrganisation(), noticeNo))
			if refused := slices.ContainsFunc(findings, func(f templates.Finding) bool { return f.Part == "text" }); refused == honest {
				t.Errorf("%s: %q: %v", file, line, findings)
			}
		}
	}
}

// Our people hear what is wrong with their words by field and language, before any notice is drafted.
func TestCheckWords(t *testing.T) {
	good := breach.Text{ZH: "一台服务器设置有误，请拨打热线 400-000-0000。", EN: "One server was set wrongly; call 400-000-0000."}
	w := breach.NoticeWords{
		Cause: good, Measures: []breach.Text{good, {ZH: "请点击下方。", EN: "We isolated it."}},
		Offer: breach.Text{ZH: "请拨打热线。", EN: "Call 1-888-555-0199."},
	}
	var got []string
	for _, f := range templates.Default().CheckWords(sampleOrganisation(), w) {
		got = append(got, f.Part)
	}
	if want := []string{"measures (zh)", "offer (en)"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A notice names the numbers that its own law's file names, and no other law's.
func TestLintKnowsTheLawsNumbers(t *testing.T) {
	const agency = "1-800-685-1111" // in the text of California
	for law, passes := range map[string]bool{"us-california": true, "cn-pipl": false} {
		v := underLaw(law)
		v.Advice = []breach.Text{{ZH: "也可以拨打 " + agency + "。", EN: "You may also call " + agency + "."}}
		_, err := templates.Default().Notice(v, breach.ToPerson, breach.English)
		if passes && err != nil || !passes && (err == nil || !strings.Contains(err.Error(), "telephone number \"18006851111\"")) {
			t.Errorf("%s: %v", law, err)
		}
	}
}

// Words that an operator adds are held to the rules like ours.
func TestNoticeRefusesOperatorsMarketing(t *testing.T) {
	v := sampleNotice()
	v.Measures = append(v.Measures, breach.Text{ZH: "赠送一个月会员作为补偿，请点击领取。", EN: "As a special offer, click to get a free month."})
	for _, l := range templates.Languages() {
		if _, err := templates.Default().Notice(v, breach.ToPerson, l); err == nil {
			t.Errorf("%s: accepted", l)
		}
	}
}

func TestSMSSegments(t *testing.T) {
	cases := []struct {
		text string
		want int
	}{
		{strings.Repeat("a", 160), 1},
		{strings.Repeat("a", 161), 2},
		{strings.Repeat("a", 306), 2},
		{strings.Repeat("a", 307), 3},
		{strings.Repeat("很", 70), 1},
		{strings.Repeat("很", 71), 2},
		{strings.Repeat("很", 134), 2},
		{strings.Repeat("很", 135), 3},
		{strings.Repeat("€", 80), 1},
		{strings.Repeat("€", 81), 2},
		{strings.Repeat("😀", 35), 1},
		{strings.Repeat("😀", 36), 2},
		{"", 1},
	}
	for _, c := range cases {
		if got := templates.SMSSegments(c.text); got != c.want {
			t.Errorf("%d characters: %d, want %d", len([]rune(c.text)), got, c.want)
		}
	}
}

func TestSMSTemplate(t *testing.T) {
	got, err := templates.Default().SMSTemplate(sampleOrganisation(), breach.ToPerson, breach.Chinese)
	if err != nil || strings.Contains(got, "【") || !strings.Contains(got, "${number}") || !strings.Contains(got, "${hotline}") {
		t.Errorf("%q, %v", got, err)
	}
	if got, err = templates.Default().SMSTemplate(sampleOrganisation(), breach.ToMinor, breach.English); err != nil || strings.Contains(got, "Example Education") || !strings.Contains(got, "${number}") {
		t.Errorf("%q, %v", got, err)
	}
}
