package templates_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/templates"
)

// facts are ways in which an incident may be, as a stranger would vary them. The golden files show what each comes to.
var facts = map[string]func(*templates.NoticeView){
	"nothing_known": func(v *templates.NoticeView) {
		v.State, v.Kinds, v.Categories, v.OccurredAt, v.Cause, v.Measures = "", nil, nil, nil, breach.Text{}, nil
		v.MinorCause, v.MinorMeasures = breach.Text{}, nil
		v.Organisation.Hours = breach.Text{}
	},
	"only_names": func(v *templates.NoticeView) { v.Categories = []string{"name"} },
	"sensitive_suspected": func(v *templates.NoticeView) {
		v.State, v.Cause, v.MinorCause, v.Measures, v.MinorMeasures = "suspected", breach.Text{}, breach.Text{}, nil, nil
		v.Categories = []string{"biometric", "health", "finance_account", "whereabouts", "child_u14", "id_number"}
	},
	"unavailable": func(v *templates.NoticeView) {
		v.Kinds, v.Categories = []string{"damage", "unavailable"}, []string{"health", "education"}
		v.Cause = breach.Text{ZH: "恶意软件加密了两台服务器。", EN: "Malicious software encrypted two servers."}
		v.MinorCause, v.MinorMeasures = breach.Text{}, nil
		v.Measures = []breach.Text{{ZH: "正在用备份恢复数据。", EN: "We are restoring the data from backups."}}
	},
	"changed_and_lost": func(v *templates.NoticeView) {
		v.Kinds, v.Categories = []string{"tamper", "loss"}, []string{"transaction", "logistics"}
	},
	"long_names_later": func(v *templates.NoticeView) {
		v.Organisation.Name = breach.Text{
			ZH: "示例省示例市人民政府国有资产监督管理委员会下属示例在线教育科技发展（集团）股份有限公司",
			EN: "The Example Province and Example City State-owned Assets Supervision and Administration Commission Online Education Technology Development (Group) Joint Stock Company Limited",
		}
		v.Organisation.Zone = "America/New_York"
		v.Later, v.Why = true, breach.Text{ZH: "上次没有写明账号和密码也被读取。", EN: "The earlier notice did not say that account names and passwords were read too."}
	},
	"abroad_suspected": func(v *templates.NoticeView) {
		v.Organisation.Name, v.Organisation.Short = breach.Text{ZH: "Example Inc.", EN: "Example Inc."}, breach.Text{ZH: "Example", EN: "Example"}
		v.Organisation.Zone, v.Organisation.Hotline, v.Organisation.Hours = "Europe/Berlin", "+49 30 0000000", breach.Text{}
		long := time.Date(2019, 3, 2, 14, 0, 0, 0, time.UTC)
		v.State, v.Kinds, v.Categories, v.OccurredAt = "suspected", []string{"loss"}, []string{"id_number"}, &long
		v.Cause, v.MinorCause, v.Measures, v.MinorMeasures = breach.Text{}, breach.Text{}, nil, nil
	},
	"supplement": func(v *templates.NoticeView) {
		later := sampleSupplement()
		v.Earlier, v.Categories = later.Earlier, later.Categories
	},
	"everything": func(v *templates.NoticeView) {
		def, _ := breach.DefOf("data.categories")
		kinds, _ := breach.DefOf("kinds")
		v.Categories, v.Kinds = def.Values, kinds.Values
		v.DelayReason = breach.Text{ZH: "我们先核实了受影响的人的范围。", EN: "We first established who is affected."}
		until := v.IssuedAt.Add(-time.Hour)
		v.HeldUntil = &until
	},
}

// What a stranger's facts come to, for each audience in each language, under the law of home.
func TestNoticeFactsGolden(t *testing.T) {
	for _, name := range factNames() {
		for _, a := range audiences {
			for _, l := range templates.Languages() {
				v := sampleNotice()
				facts[name](&v)
				n, err := templates.Default().Notice(v, a, l)
				if err != nil {
					t.Fatal(err)
				}
				golden(t, fmt.Sprintf("notices/facts/%s.%s.%s.txt", name, a, l), n.Merge(mergeSample[a]).Text)
			}
		}
	}
}

func factNames() []string {
	var out []string
	for name := range facts {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// The public page for people of several places says of each what its law wants said, and of the place only that.
func TestPublicNoticeOfSeveralPlacesGolden(t *testing.T) {
	v := samplePublic()
	v.Law, v.Laws = "eu-gdpr", []string{"uk-gdpr", "us-new-york", "japan", "brazil"}
	text, err := templates.Default().PublicText(v)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "notices/public_several.txt", text)
	for _, foreign := range []string{"110 报警", "96110", "网信", "Cyberspace", "mainland China"} {
		if strings.Contains(text, foreign) {
			t.Errorf("the page for people elsewhere says %q", foreign)
		}
	}
	v.Laws = []string{"atlantis"}
	if _, err := templates.Default().PublicText(v); err == nil {
		t.Error("a law that does not exist was accepted")
	}
	v.Law, v.Laws, v.AwareAt = "us-hipaa", nil, nil
	if _, err := templates.Default().PublicText(v); err == nil || !strings.Contains(err.Error(), "164.404") {
		t.Errorf("a page under HIPAA without the date of discovery: %v", err)
	}
}

// Every notice, whatever the law, the reader and the facts, is whole as a text: no fault of prose that a machine can see.
func TestNoticeProse(t *testing.T) {
	s := templates.Default()
	for _, law := range s.Laws() {
		names := []string{"", "nothing_known", "long_names_later"}
		if law.Name == templates.HomeLaw {
			names = append(factNames(), "")
		}
		for _, name := range names {
			v := underLaw(law.Name)
			if name != "" {
				facts[name](&v)
			}
			for _, a := range audiences {
				for _, l := range templates.Languages() {
					n, err := s.Notice(v, a, l)
					if err != nil {
						t.Fatalf("%s %s %s %s: %v", law.Name, name, a, l, err)
					}
					for _, own := range append([][]string{nil, {"name"}}, oneByOne(v.Categories)...) {
						m, ok := n.For(own...)
						if !ok {
							continue
						}
						for _, who := range []templates.MergeNames{{}, mergeSample[a], {Recipient: "张伟", People: []string{"张小明"}}} {
							merged := m.Merge(who)
							for _, fault := range proseFaults(merged, who) {
								t.Errorf("%s %q %s %s of %v: %s", law.Name, name, a, l, own, fault)
							}
						}
					}
				}
			}
			if t.Failed() {
				return // one law's faults are enough to read
			}
		}
	}
}

func oneByOne(categories []string) [][]string {
	var out [][]string
	for _, c := range categories {
		out = append(out, []string{c})
	}
	return out
}

func TestPublicNoticeProse(t *testing.T) {
	for _, law := range templates.Default().Laws() {
		for _, name := range factNames() {
			v := samplePublic()
			v.NoticeView = underLaw(law.Name)
			facts[name](&v.NoticeView)
			text, err := templates.Default().PublicText(v)
			if err != nil {
				t.Fatalf("%s %s: %v", law.Name, name, err)
			}
			zh, en, ok := strings.Cut(text, "\n"+v.Organisation.Name.EN+": ")
			if !ok {
				t.Fatal("no English part")
			}
			for l, part := range map[breach.Language]string{breach.Chinese: zh, breach.English: en} {
				for _, fault := range proseFaults(templates.NoticeText{Language: l, Audience: breach.ToPerson, Text: part}, templates.MergeNames{}) {
					t.Errorf("%s %s %s: %s", law.Name, name, l, fault)
				}
			}
		}
	}
}

var (
	listBegins    = regexp.MustCompile(`[:：]$`)
	twice         = regexp.MustCompile(`([。，；：！？、])[。，；：！？、]|\.\.|,,|;;|::|[,;:]\.|  |。\.|[.,;]。`)
	halfInChinese = regexp.MustCompile(`\p{Han}[,;:!?()]|[,;:!?()]\p{Han}`)
	spacedHan     = regexp.MustCompile(`\p{Han} \p{Han}|[，。；：、！？（）“”] | [，。；：、！？）”]`)
	gluedToHan    = regexp.MustCompile(`\p{Han}[A-Za-z0-9]|[A-Za-z0-9]\p{Han}`)
	dateInChinese = regexp.MustCompile(`\d{4}年\d{1,2}月\d{1,2}日`)
	fullInEnglish = regexp.MustCompile(`[，。；：！？（）“”、]`)
	politeInChild = regexp.MustCompile(`您`)
	casualInAdult = regexp.MustCompile(`你`)
	placeholder   = regexp.MustCompile(`⟦|⟧|\{\{|\}\}|\{[a-z]+\}|%!|<nil>|\bTODO\b`)
	unfinishedEN  = regexp.MustCompile(`[a-z]$`)
)

// proseFaults finds what an editor would strike: marks and empty sections left over, a list that is announced and does not come,
// punctuation doubled or of the other script, 您 to a child, a sentence without an end.
func proseFaults(n templates.NoticeText, names templates.MergeNames) []string {
	var out []string
	fault := func(what, line string) { out = append(out, what+": "+line) }
	lines := strings.Split(strings.TrimRight(n.Text, "\n"), "\n")
	var written []string // without empty lines
	for _, line := range lines {
		if line != "" {
			written = append(written, line)
		}
	}
	for i, line := range written {
		next := ""
		if i+1 < len(written) {
			next = written[i+1]
		}
		isItem, nextItem := strings.HasPrefix(line, "· "), strings.HasPrefix(next, "· ")
		heading := strings.HasPrefix(line, "■ ")
		switch {
		case heading && (next == "" || strings.HasPrefix(next, "■ ")) && !strings.Contains(line, "Notice of Data Breach"):
			fault("an empty section", line)
		case !isItem && !strings.HasSuffix(line, "好：") && listBegins.MatchString(line) && !nextItem:
			fault("a list that does not come", line)
		case isItem && listBegins.MatchString(line):
			fault("an item that ends in a colon", line)
		case placeholder.MatchString(line):
			fault("something left over", line)
		case twice.MatchString(line):
			fault("punctuation or spaces twice", line)
		}
		if n.Language == breach.Chinese {
			out = append(out, chineseFaults(n.Audience, line)...)
			continue
		}
		said := line
		for _, name := range append([]string{names.Recipient}, names.People...) {
			if name != "" {
				said = strings.ReplaceAll(said, name, "Name")
			}
		}
		if fullInEnglish.MatchString(said) || regexp.MustCompile(`\p{Han}`).MatchString(said) {
			fault("Chinese in an English text", line)
		}
		last := i >= len(written)-3 // the signature
		if i > 0 && !heading && !isItem && !last && strings.Count(line, " ") > 5 && unfinishedEN.MatchString(line) && !strings.Contains(line, ": ") {
			fault("a sentence without an end", line)
		}
	}
	if strings.Contains(n.Text, "\n\n\n") {
		fault("two empty lines", "")
	}
	return out
}

func chineseFaults(a breach.Audience, line string) []string {
	var out []string
	for _, x := range []struct {
		what string
		re   *regexp.Regexp
		on   bool
	}{
		{"half-width punctuation in Chinese", halfInChinese, true},
		{"a space between Chinese characters", spacedHan, true},
		{"您 to a child", politeInChild, a == breach.ToMinor},
		{"你 to a grown-up", casualInAdult, a != breach.ToMinor},
	} {
		if x.on && x.re.MatchString(line) && !strings.Contains(line, "我们会为您办妥") { // the sample's own offer
			out = append(out, x.what+": "+line)
		}
	}
	if gluedToHan.MatchString(dateInChinese.ReplaceAllString(line, "")) && !strings.Contains(line, "Notice of Data Breach") {
		out = append(out, "digits or Latin letters without a space beside Chinese: "+line)
	}
	return out
}

// No form and no phrase names a telephone number or an authority: those belong to the laws, each to its own.
func TestFormsNameNoAuthority(t *testing.T) {
	files, err := filepath.Glob("notices/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("notices/us-california/*.txt")
	if err != nil || len(files) == 0 || len(more) == 0 {
		t.Fatal("no forms are found")
	}
	number := regexp.MustCompile(`[0-9]{3,}`)
	authority := regexp.MustCompile(`网信|公安|公检法|信息专员|总检察长|Commission|Attorney General|Cyberspace|Ombuds`)
	for _, f := range append(files, more...) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(b), "\n") {
			if hit := number.FindString(line); hit != "" {
				t.Errorf("%s:%d names the number %s", f, i+1, hit)
			}
			if hit := authority.FindString(line); hit != "" {
				t.Errorf("%s:%d names %s", f, i+1, hit)
			}
		}
	}
}

// What one law's notice says of an authority stands in no other's: telephone numbers first.
func TestNoForeignAuthority(t *testing.T) {
	s := templates.Default()
	phone := regexp.MustCompile(`\+?\d[\d -]{1,}\d`)
	own := map[string][]string{}
	texts := map[string]string{}
	for _, law := range s.Laws() {
		file := shippedFile(t, "notices/laws/"+law.Name+".txt")
		_, body, _ := strings.Cut(file, "\n---\n")
		own[law.Name] = phone.FindAllString(body, -1)
		for _, a := range audiences {
			for _, l := range templates.Languages() {
				n, err := s.Notice(underLaw(law.Name), a, l)
				if err != nil {
					t.Fatal(err)
				}
				texts[law.Name] += n.Text
			}
		}
	}
	for law, text := range texts {
		for other, numbers := range own {
			for _, number := range numbers {
				if digits := strings.NewReplacer(" ", "", "-", "").Replace(number); len(digits) < 5 || slices.Contains(own[law], number) {
					continue // short emergency numbers are shared; some numbers are of several states
				}
				if strings.Contains(text, number) {
					t.Errorf("the notice under %s names %s, which is of %s", law, number, other)
				}
			}
		}
	}
}

// The guardian of one child is not told of several, and the guardian of several is told that they may differ.
func TestSeveralChildren(t *testing.T) {
	says := map[breach.Language]string{breach.Chinese: "每个孩子涉及的信息可能不同", breach.English: "may differ from child to child"}
	for _, l := range templates.Languages() {
		n := sampleText(t, breach.ToGuardian, l)
		if m := n.Merge(templates.MergeNames{Several: true}); !strings.Contains(m.Text, says[l]) {
			t.Errorf("%s: who checks a notice does not see what guardians of several read", l)
		}
		for _, c := range []struct {
			people  []string
			several bool
		}{{nil, false}, {[]string{"张小明"}, false}, {[]string{"张小明", "张小红"}, true}, {[]string{"张小明", "www.evil.example"}, true}, {[]string{"张小明", ""}, true}, {[]string{"www.evil.example", "a@b.example"}, true}} {
			m := n.Merge(templates.MergeNames{Recipient: "张伟", People: c.people})
			for _, part := range []string{m.Text, m.HTML} {
				if strings.Contains(part, says[l]) != c.several || strings.Contains(part, "several⟧") || strings.Contains(part, "\n\n\n") {
					t.Errorf("%s %v:\n%s", l, c.people, part)
				}
			}
		}
	}
}
