package audience_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/audience"
)

// family writes guardians as tests compare them.
func family(p *audience.Person) []string {
	var out []string
	for _, g := range p.Guardians {
		out = append(out, strings.Join([]string{g.Name, g.Email, g.Phone}, "|"))
	}
	return out
}

func TestUpToFourGuardiansInColumns(t *testing.T) {
	p := one(t, "姓名,出生日期,guardian_1_name,guardian_1_phone,母亲姓名,母亲手机,监护人3姓名,监护人3邮箱,第四监护人手机\n"+
		"甲,2016-01-02,甲父,13800138001,甲母,13800138002,甲祖,zu@example.com,13800138004\n")
	want := []string{"甲父||+8613800138001", "甲母||+8613800138002", "甲祖|zu@example.com|", "||+8613800138004"}
	if d := cmp.Diff(want, family(p)); d != "" {
		t.Error(d)
	}
	p = one(t, "姓名,生日,监护人手机,第二监护人手机\n甲,2016-01-02,13800138001,138 0013 8001\n")
	if len(p.Guardians) != 1 {
		t.Errorf("one guardian twice: %v", family(p))
	}
}

// Schools write a guardian's number beside the name.
func TestANumberInAGuardiansNameReachesThem(t *testing.T) {
	for in, want := range map[string]string{
		"甲母 13800138001": "甲母||+8613800138001", "甲母（13800138001）": "甲母||+8613800138001", "甲母:138-0013-8001": "甲母||+8613800138001",
		"13800138001": "||+8613800138001", "甲母2": "甲母2||", "甲母 12345": "甲母 12345||",
	} {
		p := one(t, "姓名,生日,家长,监护人邮箱\n甲,2016-01-02,"+in+",\n")
		if got := strings.Join(family(p), " "); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
	p := one(t, `{"name":"甲","birthday":"2016-01-02","guardians":{"name":"甲母","phone":"13800138001"}}`+"\n")
	if got := strings.Join(family(p), " "); got != "甲母||+8613800138001" {
		t.Errorf("one guardian that is no list: %s", got)
	}
}

func guardiansOf(t *testing.T, text string) *audience.Guardians {
	t.Helper()
	g, err := audience.OpenGuardians(strings.NewReader(text), with(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGuardiansOfASecondFileAreJoined(t *testing.T) {
	for _, c := range []struct{ name, guardians, people string }{
		{"by the account", "用户ID,姓名,手机号\ns1,甲母,13800138001\ns1,甲父,13800138002\ns2,甲母,13800138001\n", "用户ID,姓名,邮箱,生日\ns1,甲一,,2016-01-02\ns2,甲二,,2017-01-02\n"},
		{"by the account, as a data frame has it", "用户ID,姓名,手机号\n1.0,甲母,13800138001\n1.0,甲父,13800138002\n2.0,甲母,13800138001\n", "用户ID,姓名,邮箱,生日\n1,甲一,,2016-01-02\n2,甲二,,2017-01-02\n"},
		{"without a contact of their own", "用户ID,姓名,手机号\ns1,甲母,13800138001\ns1,甲父,13800138002\ns2,甲母,13800138001\n", "学生名单\n用户ID,姓名,生日\ns1,甲一,2016-01-02\ns2,甲二,2017-01-02\n"},
		{"by the person's number", "person_id,guardian_name,guardian_phone\n1,甲母,13800138001\n1,甲父,13800138002\n2,甲母,13800138001\n", "person_id,user_id,name,email,dob\n1,x,甲一,,2016-01-02\n2,y,甲二,,2017-01-02\n"},
		{"by name and birth date", "姓名,生日,监护人姓名,监护人手机,第二监护人姓名,第二监护人手机\n甲 一,2016/1/2,甲父,13800138002,甲母,13800138001\n甲二,20170102,甲母,13800138001,,\n", "姓名,邮箱,生日\n甲一,,2016-01-02\n甲二,,2017年1月2日\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := with(t, func(o *audience.Options) { o.Guardians = guardiansOf(t, c.guardians) })
			rows := readAll(t, openWith(t, []byte(c.people), o))
			if len(rows) != 2 || rows[0].Person == nil || rows[1].Person == nil {
				t.Fatalf("got %v", briefs(rows))
			}
			first, second := strings.Join(family(rows[0].Person), " "), family(rows[1].Person)
			if !strings.Contains(first, "甲母||+8613800138001") || !strings.Contains(first, "甲父||+8613800138002") || len(rows[0].Person.Guardians) != 2 {
				t.Errorf("the first child has %s", first)
			}
			if d := cmp.Diff([]string{"甲母||+8613800138001"}, second); d != "" {
				t.Error(d)
			}
			if len(rows[0].Warnings) > 0 {
				t.Errorf("warned %v", briefs(rows[:1]))
			}
		})
	}
}

// Guardians that a second file brings make nobody another person.
func TestASecondFileDoesNotChangeWhoSomebodyIs(t *testing.T) {
	const people = "姓名,邮箱,生日\n甲一,a@example.com,2016-01-02\n"
	alone := one(t, people)
	o := with(t, func(o *audience.Options) {
		o.Guardians = guardiansOf(t, "姓名,生日,监护人手机\n甲一,2016-01-02,13800138001\n")
	})
	joined := readAll(t, openWith(t, []byte(people), o))[0].Person
	if len(joined.Guardians) != 1 || joined.IdentityKey() != alone.IdentityKey() {
		t.Error("another identity")
	}
}

func TestWhatIsWrongWithGuardiansIsTold(t *testing.T) {
	g := guardiansOf(t, "用户ID,姓名,手机号\ns1,甲母,13800138001\ns7,无主,13800138007\ns1,甲父,123\n,谁,13800138009\n\"s1,x\n")
	issues, more := g.Issues()
	var got []string
	for _, r := range issues {
		got = append(got, fmt.Sprintf("%d %s %s", r.Line, r.Reason, r.Column))
	}
	want := []string{"4 phone 手机号", "4 guardian_without_contact ", "5 guardian_without_contact ", "6 open_quote "}
	if d := cmp.Diff(want, got); d != "" || more != 0 {
		t.Error(d, more)
	}
	f := openWith(t, []byte("用户ID,姓名,邮箱\ns1,甲一,\n"), with(t, func(o *audience.Options) { o.Guardians = g }))
	readAll(t, f)
	alone, n := f.Unmatched(10)
	if n != 1 || len(alone) != 1 || alone[0].Line != 3 || alone[0].Text.ZH == "" {
		t.Errorf("%d guardians of nobody: %v", n, alone)
	}
	for _, c := range []struct{ guardians, people, want string }{
		{"姓名,手机号\n甲母,13800138001\n", "", "does not say whose they are"},
		{"姓名,生日,手机号\n甲一,2016-01-02,13800138001\n", "", "does not say whose they are"}, // the child's name, or the guardian's?
		{"", "", "the file of guardians: the file is empty"},
		{"用户ID,手机号\ns1,13800138001\n", "姓名,邮箱\n甲,a@b.cn\n", "cannot be joined"},
	} {
		g, err := audience.OpenGuardians(strings.NewReader(c.guardians), with(t, nil))
		if err == nil {
			_, err = audience.Open(strings.NewReader(c.people), with(t, func(o *audience.Options) { o.Guardians = g }))
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v %s", g, g, g, g); strings.Contains(s, "甲母") || strings.Contains(s, "138") {
		t.Errorf("guardians print as %s", s)
	}
}

func TestAccountsOfOnePerson(t *testing.T) {
	const file = "用户ID,姓名,邮箱,身份证号\nu1,甲一,a@example.com,11010519491231002X\nu2,甲一,b@example.com,110105491231002\nu3,甲一,c@example.com,11010519491231002Y\n"
	keys := func(o audience.Options) []string {
		var out []string
		for _, r := range readAll(t, openWith(t, []byte(file), o)) {
			out = append(out, r.Person.IdentityKey())
		}
		return out
	}
	apart := keys(with(t, nil))
	if apart[0] == apart[1] {
		t.Error("two accounts are one person though nobody said so")
	}
	same := keys(with(t, func(o *audience.Options) { o.Key = audience.KeyResidentID }))
	if same[0] != same[1] || same[1] == same[2] {
		t.Error("one identity number is not one person, or a broken one is")
	}
	numbered := readAll(t, open(t, "人员编号,用户ID,邮箱\n7,u1,a@example.com\n7,u2,b@example.com\n8,u3,a@example.com\n"))
	if k := numbered[0].Person.IdentityKey(); k != numbered[1].Person.IdentityKey() || k == numbered[2].Person.IdentityKey() {
		t.Error("the operator's number of a person does not decide")
	}
}

func TestWhatTheCallerSaysOfColumns(t *testing.T) {
	const file = "会员,联系人,电邮一,电邮二,语言\nu1,甲一,a@example.com,b@example.com,\nu2,乙二,c@example.com,,英语\n"
	o := with(t, func(o *audience.Options) {
		for _, m := range []string{"会员=用户ID", "联系人=name", "#3=email", "电邮二=-"} {
			mapping, err := audience.ParseMapping(m)
			if err != nil {
				t.Fatal(err)
			}
			o.Map = append(o.Map, mapping)
		}
		for _, s := range []string{"language=zh-CN", "地区=加州", "categories=姓名;邮箱", "is_minor=否"} {
			c, err := audience.ParseConstant(s)
			if err != nil {
				t.Fatal(err)
			}
			o.Set = append(o.Set, c)
		}
	})
	f := openWith(t, []byte(file), o)
	rows := readAll(t, f)
	var got []string
	for _, r := range rows {
		p := r.Person
		got = append(got, fmt.Sprint(p.ExternalID, p.Name, p.Email, p.Language, p.Region, p.Categories, p.Age))
	}
	want := []string{"u1甲一a@example.comzh-CNUS-CA[contact name]adult", "u2乙二c@example.comenUS-CA[contact name]adult"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"电邮二"}, f.Ignored()); d != "" {
		t.Error(d)
	}
	for _, s := range []string{"", "x", "=phone", "x=", "x=shoe size"} {
		if _, err := audience.ParseMapping(s); err == nil {
			t.Errorf("mapping %q went through", s)
		}
	}
	for _, s := range []string{"", "language", "language=", "language=tlh", "region=Atlantis", "categories=shoes", "email=a@b.cn", "name=x", "is_minor=perhaps"} {
		if _, err := audience.ParseConstant(s); err == nil {
			t.Errorf("constant %q went through", s)
		}
	}
}

// A row comes back as it stood in the file, for whoever supplied it.
func TestRawRows(t *testing.T) {
	const file = "姓名,邮箱,地址\n甲一,a@example.com,\"一\n二\"\n\"乙,b@example.com,\n"
	f := openWith(t, []byte(file), with(t, func(o *audience.Options) { o.Raw = true }))
	rows := readAll(t, f)
	if rows[0].Raw != "甲一,a@example.com,\"一\n二\"" || rows[1].Raw != "\"乙,b@example.com," {
		t.Errorf("raw %q and %q", rows[0].Raw, rows[1].Raw)
	}
	f = openWith(t, book(t, [][]string{{"姓名", "邮箱"}, {"甲,一", "a@example.com"}}), with(t, func(o *audience.Options) { o.Raw = true }))
	if rows := readAll(t, f); rows[0].Raw != "\"甲,一\",a@example.com" {
		t.Errorf("raw %q", rows[0].Raw)
	}
}

// What lies on the disk while a workbook is read has no name, and is sealed.
func TestACopyOnTheDiskIsSealed(t *testing.T) {
	data := book(t, [][]string{{"姓名", "邮箱"}, {"甲一", "canary@example.com"}})
	o := with(t, nil)
	f := openWith(t, data, o)
	if left, err := os.ReadDir(o.TempDir); err != nil || len(left) > 0 {
		t.Errorf("%d files can be seen, %v", len(left), err)
	}
	links, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, l := range links {
		name, _ := os.Readlink("/proc/self/fd/" + l.Name()) // those of the listing itself are closed again
		if !strings.HasPrefix(name, o.TempDir) {
			continue
		}
		content, err := os.ReadFile("/proc/self/fd/" + l.Name())
		if err != nil {
			t.Fatal(err)
		}
		found = true
		if len(content) != len(data) || bytes.Contains(content, []byte("PK")) && bytes.Contains(content, data[:30]) || bytes.Contains(content, []byte("workbook")) {
			t.Error("the copy is in the clear")
		}
	}
	if !found {
		t.Error("no copy was found")
	}
	if rows := readAll(t, f); len(rows) != 1 || rows[0].Person == nil || rows[0].Person.Email != "canary@example.com" {
		t.Errorf("got %v", briefs(rows))
	}
	o.TempDir = "/nowhere"
	if _, err := audience.Open(bytes.NewReader(data), o); err == nil || !strings.Contains(err.Error(), "folder for temporary files") {
		t.Errorf("got %v", err)
	}
}
