package templates_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"tocsin/internal/breach"
	"tocsin/templates"
)

func sampleText(t *testing.T, a breach.Audience, l breach.Language) templates.NoticeText {
	t.Helper()
	n, err := templates.Default().Notice(sampleNotice(), a, l)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func firstLine(s string) string { l, _, _ := strings.Cut(s, "\n"); return l }

func TestMergeGreeting(t *testing.T) {
	cases := []struct {
		audience breach.Audience
		language breach.Language
		name     string
		want     string
	}{
		{breach.ToPerson, breach.Chinese, "王小芳", "王小芳，您好："},
		{breach.ToPerson, breach.Chinese, "", "您好："},
		{breach.ToPerson, breach.English, "O'Brien", "Dear O'Brien,"},
		{breach.ToGuardian, breach.Chinese, "", "尊敬的家长（监护人），您好："},
		{breach.ToMinor, breach.English, "", "Hello,"},
	}
	for _, c := range cases {
		m := sampleText(t, c.audience, c.language).Merge(templates.MergeNames{Recipient: c.name})
		if got := firstLine(m.Text); got != c.want {
			t.Errorf("%q: got %q, want %q", c.name, got, c.want)
		}
	}
}

// Who shares a mailbox is greeted too; where one of them cannot be named, nobody is.
func TestMergeGreetsEveryone(t *testing.T) {
	for want, names := range map[string]templates.MergeNames{
		"王小芳和李强，您好：":          {Recipient: "王小芳", Others: []string{"李强"}},
		"王小芳、李强和 Ana Lee，您好：": {Recipient: "王小芳", Others: []string{"李强", "Ana Lee"}},
		"您好：": {Recipient: "王小芳", Others: []string{""}},
	} {
		if got := firstLine(sampleText(t, breach.ToPerson, breach.Chinese).Merge(names).Text); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	crowd := templates.MergeNames{Recipient: "甲", Others: []string{"乙", "丙", "丁", "戊"}}
	if got := firstLine(sampleText(t, breach.ToPerson, breach.English).Merge(crowd).Text); got != "Hello," {
		t.Errorf("five who share a mailbox: %q", got)
	}
}

// A name that is an address or a telephone number in disguise is not shown.
func TestMergeHidesDisguises(t *testing.T) {
	for _, name := range []string{"李 138 0013 8000", "evil。com", "evil[.]com", "рaypal", "客服一三八零零一三八零零零", "点这里"} {
		if got := firstLine(sampleText(t, breach.ToPerson, breach.Chinese).Merge(templates.MergeNames{Recipient: name}).Text); got != "您好：" {
			t.Errorf("%q: %q", name, got)
		}
	}
	for _, name := range []string{"阿卜杜热西提·买买提", "O'Brien-Łukasz 3rd", "Иван Петров", "Nguyễn Thị Hồng", "山田 太郎", "김민수", "Jr. Smith", "付伟"} {
		if got := firstLine(sampleText(t, breach.ToPerson, breach.Chinese).Merge(templates.MergeNames{Recipient: name}).Text); got != name+"，您好：" {
			t.Errorf("%q: %q", name, got)
		}
	}
}

// Documents that were approved before the counted words existed are merged as they were.
func TestMergeWithoutCountedWords(t *testing.T) {
	n := sampleText(t, breach.ToGuardian, breach.Chinese)
	n.Marks.PeopleHidden, n.Marks.PeopleCounted = "", ""
	if m := n.Merge(templates.MergeNames{People: []string{"张小明", "", ""}}); !strings.Contains(m.Text, "登记为张小明、另一名孩子和另一名孩子的监护人") {
		t.Error(m.Text)
	}
}

// A mother of three gets one text that names three children.
func TestMergePeople(t *testing.T) {
	cases := []struct {
		name   string
		people []string
		zh, en string
	}{
		{"one child", []string{"张小明"}, "登记为张小明的监护人", "guardian of 张小明."},
		{"two children", []string{"张小明", "张小红"}, "登记为张小明和张小红的监护人", "guardian of 张小明 and 张小红."},
		{"three children", []string{"张小明", "张小红", "张小刚"}, "登记为张小明、张小红和张小刚的监护人", "guardian of 张小明, 张小红 and 张小刚."},
		{"no name known", nil, "登记为一名未成年人的监护人", "guardian of a child."},
		{"one has no name", []string{"", "张小红"}, "登记为张小红和另一名孩子的监护人", "guardian of 张小红 and one more child."},
		{"two without a name", []string{"", ""}, "登记为 2 名未成年人的监护人", "guardian of 2 children."},
		{"three of whom two have none", []string{"张小明", "", ""}, "登记为张小明和另外 2 名孩子的监护人", "guardian of 张小明 and 2 more children."},
		{"Latin names", []string{"Ana", "Béa", ""}, "登记为 Ana、Béa 和另一名孩子的监护人", "guardian of Ana, Béa and one more child."},
		{"a number that a school gave for everybody", strings.Split("甲乙丙丁戊己庚辛壬癸子丑寅", ""), "登记为 13 名未成年人的监护人", "guardian of 13 children."},
		{"one name cannot be shown", []string{"张小明", "领奖www.evil.example"}, "登记为张小明和另一名孩子的监护人", "guardian of 张小明 and one more child."},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			names := templates.MergeNames{People: c.people}
			if m := sampleText(t, breach.ToGuardian, breach.Chinese).Merge(names); !strings.Contains(m.Text, c.zh) || !strings.Contains(m.HTML, c.zh) {
				t.Errorf("lacks %q:\n%s", c.zh, m.Text)
			}
			if m := sampleText(t, breach.ToGuardian, breach.English).Merge(names); !strings.Contains(m.Text, c.en) {
				t.Errorf("lacks %q:\n%s", c.en, m.Text)
			}
		})
	}
}

var hostile = []string{
	"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "<!-- ", "</body>", "&lt;b&gt;", "a\r\nBcc: all@example.org", "x\x00y",
	"=HYPERLINK(\"http://evil.example\",\"x\")", "+1234567890", "@SUM(A1)", "\u202eevil\u202c", "\u200b\u200bzero", "中奖请点击 http://evil.example/a",
	"www.evil.example", "evil.example", "mail me@evil.example", "请加微信123456789", "请点击下方按钮", "Pay a fee", strings.Repeat("很", 500), "⟦greeting⟧", "⟦people⟧", "⟦recipient⟧", "{{greeting}}",
	"\xff\xfe", "\U000e0041\U000e0042", "\u2028line", "😀", "$1", "%s%n", "```", "[click](http://evil.example)",
}

// Whatever a name holds, the mail keeps its elements, its lines and its rules.
func TestMergeHostileNames(t *testing.T) {
	for _, a := range []breach.Audience{breach.ToPerson, breach.ToGuardian} {
		for _, l := range templates.Languages() {
			n := sampleText(t, a, l)
			want := tags(n.Merge(templates.MergeNames{Recipient: "A", People: []string{"B", "C"}}).HTML)
			all, _ := n.For()
			lines := strings.Count(all.Text, "\n")
			for _, name := range hostile {
				m := n.Merge(templates.MergeNames{Recipient: name, People: []string{name, "张小明", name}})
				if got := tags(m.HTML); !slices.Equal(got, want) {
					t.Errorf("%q changes the elements", name)
				}
				if strings.Count(m.Text, "\n") != lines || strings.Contains(m.Text, "\r") {
					t.Errorf("%q changes the lines", name)
				}
				if f := templates.Lint(m, templates.RulesFor(sampleOrganisation(), noticeNo)); len(f) > 0 {
					t.Errorf("%q: %v", name, f)
				}
				if strings.Contains(m.Text+m.HTML, "⟦") {
					t.Errorf("%q leaves a mark", name)
				}
				if m.Subject != n.Subject || m.SMS != n.SMS || m.PushBody != n.PushBody {
					t.Errorf("%q reaches the subject, the SMS or the push message", name)
				}
			}
		}
	}
}

func tags(s string) []string {
	var out []string
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch next := z.Next(); {
		case next == html.ErrorToken:
			return out
		case next != html.TextToken:
			out = append(out, string(z.Raw()))
		}
	}
}

func FuzzMerge(f *testing.F) {
	n, err := templates.Default().Notice(sampleNotice(), breach.ToGuardian, breach.Chinese)
	if err != nil {
		f.Fatal(err)
	}
	want := tags(n.Merge(templates.MergeNames{Recipient: "A", People: []string{"B"}}).HTML)
	for _, h := range hostile {
		f.Add(h)
	}
	f.Fuzz(func(t *testing.T, name string) {
		m := n.Merge(templates.MergeNames{Recipient: name, People: []string{name}})
		if !slices.Equal(tags(m.HTML), want) {
			t.Errorf("%q changes the elements", name)
		}
		if f := templates.Lint(m, templates.RulesFor(sampleOrganisation(), noticeNo)); len(f) > 0 {
			t.Errorf("%q: %v", name, f)
		}
	})
}

func BenchmarkMerge(b *testing.B) {
	n, err := templates.Default().Notice(sampleNotice(), breach.ToGuardian, breach.Chinese)
	if err != nil {
		b.Fatal(err)
	}
	names := templates.MergeNames{Recipient: "张伟", People: []string{"张小明", "张小红"}}
	for b.Loop() {
		n.Merge(names)
	}
}
