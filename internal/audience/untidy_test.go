package audience_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/audience"
)

// readPeople reads a table and writes each person as tests compare them, or what became of the row.
func readPeople(t *testing.T, text string, change func(*audience.Options)) []string {
	t.Helper()
	var out []string
	for _, r := range readAll(t, openWith(t, []byte(text), with(t, change))) {
		if p := r.Person; p != nil {
			out = append(out, strings.TrimRight(fmt.Sprintf("%s|%s|%s|%s|%s|%s", p.ExternalID, p.Name, p.Email, p.Phone, p.Address, p.Age), "|")+strings.TrimPrefix(brief(r), fmt.Sprint(r.Line, " person")))
			continue
		}
		out = append(out, brief(r))
	}
	return out
}

// A database's NULL is a word in its exports. Whoever has it for an account has none, or all of them would be one person.
func TestWhatStandsForNothing(t *testing.T) {
	for _, nothing := range []string{"NULL", "null", "\\N", "0", "-1", "nan", "None", "N/A", "undefined", "无", "-", ""} {
		rows := readAll(t, open(t, "用户ID,姓名,邮箱,地址\n"+nothing+",甲一,a@b.cn,无\n"+nothing+",甲二,c@d.cn,NULL\n"))
		one, two := rows[0].Person, rows[1].Person
		if one.ExternalID != "" || one.Address != "" || two.Address != "" || one.IdentityKey() == two.IdentityKey() {
			t.Errorf("%q is taken for an account, or %q for an address", nothing, one.Address)
		}
	}
	got := readPeople(t, "账号,姓名,邮箱,地址\nu,NULL,,\nu2,Na,a@b.cn,\nNULL,NULL,,无\n'0017,Null Island,,\n", nil)
	want := []string{"u|||||unknown, warns no_contact", "u2|Na|a@b.cn|||unknown", "4 reject nobody", "0017|Null Island||||unknown, warns no_contact"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// An account that a spreadsheet has shortened is the account of many.
func TestShortenedNumbersAreNoAccounts(t *testing.T) {
	got := readPeople(t, "账号,邮箱,手机\n1.23457E+11,a@b.cn,\nu1,a@b.cn,1.38E+10\n1e5,a@b.cn,\n", nil)
	want := []string{"2 reject scientific in 账号", "u1||a@b.cn|||unknown, warns scientific in 手机", "1e5||a@b.cn|||unknown"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestWhyAContactIsNotTaken(t *testing.T) {
	got := readPeople(t, "姓名,邮箱,手机\n甲,a***@qq.com,138****8000\n乙,a@b.cn;c@d.cn,13800138000/13900139000\n丙,A a@b.cn,13800138000 转 801\n丁,a@b.cn c@d.cn,13800138000 13900139000\n", nil)
	want := []string{
		"|甲||||unknown, warns masked in 邮箱, warns masked in 手机, warns no_contact",
		"|乙||||unknown, warns several_contacts in 邮箱, warns several_contacts in 手机, warns no_contact",
		"|丙||||unknown, warns email in 邮箱, warns phone in 手机, warns no_contact",
		"|丁||||unknown, warns several_contacts in 邮箱, warns several_contacts in 手机, warns no_contact",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Ten digits of somebody in New York are a landline in Shanghai by the plan of China.
func TestAPhoneIsReadWhereItsOwnerLives(t *testing.T) {
	for _, c := range []struct{ home, region, in, want string }{
		{"CN", "US-NY", "2125551234", "+12125551234"},
		{"CN", "", "2125551234", "+862125551234"},
		{"CN", "HK", "9123 4567", "+85291234567"},
		{"CN", "台湾", "0912-345-678", "+886912345678"},
		{"CN", "澳门", "6612 3456", "+85366123456"},
		{"CN", "US", "13800138000", "+8613800138000"},
		{"CN", "US", "1-800-555-0199", "phone_country"},
		{"CN", "US", "+8613802138000", "+8613802138000"},
		{"CN", "US", "0086 138 0213 8000", "+8613802138000"},
		{"CN", "EU", "13802138000", "+8613802138000"},
		{"US", "CN", "13802138000", "+8613802138000"},
		{"US", "CN-31", "2025550100", "phone_country"},
		{"CN", "HK", "12345", "phone"},
	} {
		rows := readAll(t, openWith(t, []byte("姓名,地区,手机,监护人手机\n甲,"+c.region+","+c.in+","+c.in+"\n"), with(t, func(o *audience.Options) { o.Region = c.home })))
		p := rows[0].Person
		got, guardian := p.Phone, ""
		if len(p.Guardians) > 0 {
			guardian = p.Guardians[0].Phone
		}
		if got != guardian {
			t.Errorf("%s: the guardian's is %q", c.in, guardian)
		}
		if got == "" && len(rows[0].Warnings) > 0 {
			got = string(rows[0].Warnings[0].Reason)
		}
		if got != c.want {
			t.Errorf("%s of somebody in %q, read in %s: %q, want %q", c.in, c.region, c.home, got, c.want)
		}
	}
}

func TestHeadersOfTheField(t *testing.T) {
	f := open(t, "序号,姓名,手机号码,电子邮箱地址,证件号码,出生年月,年龄,监护人电话,监护人姓名2,guardian_phone_2,紧急联系人电话,省份,语言,泄露信息\n"+
		"1,甲,'13800138001',,,,13岁,13800138002,母,13900139000,,广东省,中文（简体）,姓名 手机号\n")
	rows := readAll(t, f)
	if len(rows) != 1 || rows[0].Person == nil || len(rows[0].Warnings) > 0 {
		t.Fatalf("got %v", briefs(rows))
	}
	p := rows[0].Person
	if p.Phone != "+8613800138001" || p.Age != audience.Under14 || p.Region != "CN" || p.Language != "zh-CN" || len(p.Categories) != 2 {
		t.Errorf("%s %s %s %s %v", p.Phone, p.Age, p.Region, p.Language, p.Categories)
	}
	if d := cmp.Diff([]string{"||+8613800138002", "母||+8613900139000"}, family(p)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"序号", "紧急联系人电话"}, f.Ignored()); d != "" {
		t.Error(d)
	}
}

// The day on which a child was born must be told where it decides and the file leaves it open.
func TestOpenBirthDatesAreTold(t *testing.T) {
	got := readPeople(t, "姓名,邮箱,生日\n甲,a@b.cn,12/11/2012\n乙,a@b.cn,02/01/1990\n丙,a@b.cn,2008-11\n丁,a@b.cn,1990\n", nil)
	want := []string{
		"|甲|a@b.cn|||under_14, warns part_birth_date in 生日, warns no_guardian_contact",
		"|乙|a@b.cn|||adult",
		"|丙|a@b.cn|||minor_14_17, warns part_birth_date in 生日, warns no_guardian_contact",
		"|丁|a@b.cn|||adult",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestWhatAHeaderSaysInTwoWays(t *testing.T) {
	for header, want := range map[string]audience.Field{
		"*姓名(必填)": audience.Name, "姓名/Name": audience.Name, "手机号 Mobile": audience.Phone, "E-mail邮箱": audience.Email, "Phone（手机）": audience.Phone, "手机\n号码": audience.Phone,
		"手机号（家长）": audience.GuardianPhone, "Phone (Guardian)": audience.GuardianPhone, "姓名【监护人】": audience.GuardianName, "电话(母亲)": "guardian2_phone", "监护人 手机": audience.GuardianPhone,
		"手机号（紧急联系人）": "", "电话/邮箱": "", "Contact Name": "", "公司 地址": "", "User Name": "", "联系方式(本人/监护人)": "",
	} {
		f := open(t, "用户ID,push_token,\""+header+"\"\nu1,abcdefgh,x\n")
		got := audience.Field("")
		if c := f.Columns(); len(c) == 3 {
			got = c[2].Field
		}
		if got != want {
			t.Errorf("%q is %q, want %q", header, got, want)
		}
	}
}
