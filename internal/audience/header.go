package audience

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Field is what a column means.
type Field string

// The fields that are understood.
const (
	ExternalID     Field = "external_id"
	Name           Field = "name"
	Email          Field = "email"
	Phone          Field = "phone"
	PushToken      Field = "push_token"
	Address        Field = "postal_address"
	Language       Field = "language"
	BirthDate      Field = "birth_date"
	IsMinor        Field = "is_minor"
	ResidentID     Field = "resident_id" // only its birth date is used; the number is never kept
	GuardianName   Field = "guardian_name"
	GuardianEmail  Field = "guardian_email"
	GuardianPhone  Field = "guardian_phone"
	Guardian2Name  Field = "guardian2_name"
	Guardian2Email Field = "guardian2_email"
	Guardian2Phone Field = "guardian2_phone"
	Region         Field = "region"     // where the person lives, as a hint which law protects them
	Categories     Field = "categories" // what was exposed of the person
)

// Column is a column that is understood.
type Column struct {
	Header string // as the file writes it
	Field  Field
}

// synonyms are compared without case, width, spaces and punctuation. The first Chinese and the first English name of each are
// the ones that people are told. A bare "id" or 编号 is not among them: it is often the row's number, and two people of two
// files would become one.
var synonyms = []struct {
	field Field
	names string
}{
	{ExternalID, "用户ID 用户编号 用户号 账号 账户 帐号 会员号 会员ID 客户号 客户编号 external_id user_id userid uid account account_id member_id customer_id"},
	{Name, "姓名 名字 用户姓名 客户姓名 真实姓名 学生姓名 name full_name fullname real_name student_name"},
	{Email, "邮箱 电子邮件 电子邮箱 邮箱地址 电子邮件地址 邮件 邮件地址 本人邮箱 email e-mail email_address mail mail_address"},
	{Phone, "手机号 手机 手机号码 电话 电话号码 联系电话 联系方式 移动电话 本人手机 本人手机号 phone mobile phone_number mobile_number mobile_phone cell cellphone tel telephone"},
	{PushToken, "推送标识 推送 设备标识 推送令牌 设备令牌 push_token cid push device_token client_id registration_id"},
	{Address, "地址 通信地址 通讯地址 邮寄地址 联系地址 住址 家庭住址 postal_address address mailing_address street_address"},
	{Language, "语言 首选语言 偏好语言 language lang locale preferred_language"},
	{BirthDate, "出生日期 生日 出生年月日 birth_date birthdate birthday date_of_birth dob"},
	{IsMinor, "未成年 是否未成年 是否未成年人 未成年人 is_minor minor"},
	{ResidentID, "身份证号 身份证 身份证号码 居民身份证号 居民身份证号码 公民身份号码 公民身份证号码 resident_id id_card id_number identity_number resident_identity_number"},
	{GuardianName, "监护人姓名 监护人 家长姓名 家长 监护人1姓名 第一监护人姓名 第一监护人 guardian_name guardian guardian1_name parent_name parent"},
	{GuardianEmail, "监护人邮箱 监护人电子邮件 监护人电子邮箱 家长邮箱 监护人1邮箱 第一监护人邮箱 guardian_email guardian1_email parent_email"},
	{GuardianPhone, "监护人手机 监护人手机号 监护人手机号码 监护人电话 监护人联系电话 家长手机 家长手机号 家长电话 监护人1手机 监护人1手机号 第一监护人手机 第一监护人手机号 guardian_phone guardian_mobile guardian1_phone guardian1_mobile parent_phone parent_mobile"},
	{Guardian2Name, "第二监护人姓名 第二监护人 监护人2姓名 监护人2 guardian2_name guardian2 second_guardian_name second_guardian parent2_name"},
	{Guardian2Email, "第二监护人邮箱 第二监护人电子邮件 第二监护人电子邮箱 监护人2邮箱 guardian2_email second_guardian_email parent2_email"},
	{Region, "地区 国家 国家地区 国家或地区 国家和地区 所在地区 所在国家 居住地 居住国 常住地 region country country_code country_region residence jurisdiction"},
	{Categories, "数据类别 信息类别 泄露类别 涉及信息 泄露信息 涉及数据 泄露内容 categories category data_categories exposed exposed_data data_exposed"},
	{Guardian2Phone, "第二监护人手机 第二监护人手机号 第二监护人电话 监护人2手机 监护人2手机号 监护人2电话 guardian2_phone guardian2_mobile second_guardian_phone second_guardian_mobile parent2_phone"},
}

var fieldByName = func() map[string]Field {
	m := make(map[string]Field)
	for _, s := range synonyms {
		for name := range strings.FieldsSeq(s.names) {
			key := headerKey(name)
			if other, twice := m[key]; twice && other != s.field {
				panic("audience: header name means two fields: " + name)
			}
			m[key] = s.field
		}
	}
	return m
}()

var contactFields = []Field{Email, Phone, PushToken, Address, GuardianEmail, GuardianPhone, Guardian2Email, Guardian2Phone}

// headerKey drops what people vary: case, width, spaces, punctuation, and a remark in brackets.
func headerKey(s string) string {
	s = norm.NFKC.String(s)
	if i := strings.IndexAny(s, "([【"); i > 0 {
		s = s[:i]
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

type header struct {
	cells  []string // as written, fit to be shown
	fields []Field  // parallel; empty where not understood
	at     map[Field]int
	known  int
	comma  byte
}

func parseHeader(cells []string) header {
	h := header{at: make(map[Field]int)}
	for i, c := range cells {
		field := fieldByName[headerKey(c)]
		h.cells = append(h.cells, showable(c))
		h.fields = append(h.fields, field)
		if field == "" {
			continue
		}
		h.known++
		if _, twice := h.at[field]; !twice {
			h.at[field] = i
		}
	}
	return h
}

// check refuses a header that would lose contacts or has none. A file without header shows a person in its first line, so
// columns that are not understood are told by number.
func (h header) check() error {
	for i, f := range h.fields {
		if first := h.at[f]; f != "" && first != i {
			return fmt.Errorf("columns %d and %d both mean %s: rename or remove one of them", first+1, i+1, nameOf(f))
		}
	}
	if !slices.ContainsFunc(contactFields, h.has) {
		return fmt.Errorf("the header has no column with a contact (%d of its %d columns are understood): name at least one %s; understood are %s",
			h.known, len(h.cells), listOf(contactFields[:4]), listOf(allFields()))
	}
	return nil
}

func allFields() []Field {
	var all []Field
	for _, s := range synonyms {
		all = append(all, s.field)
	}
	return all
}

func listOf(fields []Field) string {
	var names []string
	for _, f := range fields {
		names = append(names, nameOf(f))
	}
	return strings.Join(names, ", ")
}

// nameOf gives a field's first Chinese and first English name, "邮箱/email".
func nameOf(f Field) string {
	for _, s := range synonyms {
		if s.field == f {
			zh, _, _ := strings.Cut(s.names, " ")
			return zh + "/" + string(f)
		}
	}
	return string(f)
}

func (h header) has(f Field) bool { _, ok := h.at[f]; return ok }

func (h header) columns() []Column {
	var out []Column
	for i, f := range h.fields {
		if f != "" {
			out = append(out, Column{Header: h.cells[i], Field: f})
		}
	}
	return out
}

func (h header) ignored() []string {
	var out []string
	for i, f := range h.fields {
		if f == "" {
			out = append(out, h.cells[i])
		}
	}
	return out
}

// mayFold lets free text break over lines: a postal address, and what is not kept anyway.
func (h header) mayFold(i int) bool { return h.fields[i] == "" || h.fields[i] == Address }

// column is a column's header for rejects and warnings; empty for the whole row.
func (h header) column(i int) string {
	if i < 0 || i >= len(h.cells) {
		return ""
	}
	return h.cells[i]
}

const maxShownHeader = 40 // runes

func showable(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s))
	if r := []rune(s); len(r) > maxShownHeader {
		return string(r[:maxShownHeader]) + "…"
	}
	return s
}
