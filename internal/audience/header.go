package audience

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Field is what a column means.
type Field string

// The fields that are understood. A person may have up to four guardians; those after the first are guardian2_name and so on.
const (
	ExternalID    Field = "external_id" // the account
	PersonID      Field = "person_id"   // the operator's number of the human being, where one may have several accounts
	Name          Field = "name"
	Email         Field = "email"
	Phone         Field = "phone"
	PushToken     Field = "push_token"
	Address       Field = "postal_address"
	Language      Field = "language"
	Region        Field = "region"     // where the person lives, as a hint which law protects them
	Categories    Field = "categories" // what was exposed of the person
	BirthDate     Field = "birth_date"
	Age           Field = "age" // in full years, where the birth date is not known
	IsMinor       Field = "is_minor"
	ResidentID    Field = "resident_id" // only its birth date is used, or it tells people apart; the number is never kept
	GuardianName  Field = "guardian_name"
	GuardianEmail Field = "guardian_email"
	GuardianPhone Field = "guardian_phone"
)

// Ignored is the field of a column that the caller does not want read.
const Ignored Field = "-"

// maxGuardians is how many guardians a row may name.
const maxGuardians = 4

// fieldNo numbers the fields, for tables; its zero value is no field.
type fieldNo uint8

const (
	noField fieldNo = iota
	fExternalID
	fPersonID
	fName
	fEmail
	fPhone
	fPushToken
	fAddress
	fLanguage
	fRegion
	fCategories
	fBirthDate
	fAge
	fIsMinor
	fResidentID
	fGuardian  // the first one's name; email and phone follow, then the next guardian
	fieldCount = fGuardian + 3*maxGuardians
)

// guardianField is the number of the n-th guardian's name (part 0), email (1) or phone (2).
func guardianField(n, part int) fieldNo { return fGuardian + fieldNo(3*n+part) }

// Column is a column that is understood.
type Column struct {
	Header string // as the file writes it
	Field  Field
}

// synonyms are compared without case, width, spaces and punctuation. The first Chinese and the first English name of each are
// the ones that people are told. A bare "id" or 编号 is not among them: it is often the row's number, and two people of two
// files would become one; nor is 学号 or patient_id, which two schools or hospitals of one operator give out twice.
var synonyms = func() [fieldCount]struct {
	field Field
	names string
} {
	var t [fieldCount]struct {
		field Field
		names string
	}
	for no, s := range map[fieldNo]struct {
		field Field
		names string
	}{
		fExternalID: {ExternalID, "用户ID 用户编号 用户号 账号 账户 帐号 会员号 会员ID 客户号 客户编号 external_id user_id userid uid account account_id member_id customer_id 用户账号 用户帐号 用户标识 会员编号 会员卡号 客户ID 学籍号 account_no account_number member_no customer_no customer_number open_id"},
		fPersonID:   {PersonID, "人员编号 人员ID 自然人编号 自然人ID person_id individual_id party_id"},
		fName:       {Name, "姓名 名字 用户姓名 客户姓名 真实姓名 学生姓名 name full_name fullname real_name student_name 会员姓名 学员姓名 员工姓名 患者姓名 孩子姓名 儿童姓名 本人姓名 customer_name"},
		fEmail:      {Email, "邮箱 电子邮件 电子邮箱 邮箱地址 电子邮件地址 邮件 邮件地址 本人邮箱 email e-mail email_address mail mail_address 电子邮箱地址 Email地址 联系邮箱 个人邮箱 用户邮箱 客户邮箱 注册邮箱 常用邮箱 user_email customer_email contact_email primary_email"},
		fPhone:      {Phone, "手机号 手机 手机号码 电话 电话号码 联系电话 联系方式 移动电话 本人手机 本人手机号 phone mobile phone_number mobile_number mobile_phone cell cellphone tel telephone 手机电话 联系手机 联系手机号 联系手机号码 联系号码 个人手机 用户手机 用户手机号 用户电话 客户手机 客户手机号 客户电话 注册手机 注册手机号 绑定手机 绑定手机号 本人手机号码 本人电话 本人联系电话 mobile_no phone_no tel_no telephone_number contact_number contact_phone user_phone user_mobile customer_phone msisdn mobile_phone_number cell_phone_number cell_number 学生手机号 学生电话"},
		fPushToken:  {PushToken, "推送标识 推送 设备标识 推送令牌 设备令牌 push_token cid push device_token client_id registration_id"},
		fAddress:    {Address, "地址 通信地址 通讯地址 邮寄地址 联系地址 住址 家庭住址 postal_address address mailing_address street_address 详细地址 居住地址 现住址 现居住地址 家庭地址 收货地址 联系住址 home_address residential_address delivery_address shipping_address"},
		fLanguage:   {Language, "语言 首选语言 偏好语言 language lang locale preferred_language"},
		fRegion:     {Region, "地区 国家 国家地区 国家或地区 国家和地区 所在地区 所在国家 居住地 居住国 常住地 region country country_code country_region residence jurisdiction 省份 所在省份 所在省 province"},
		fCategories: {Categories, "数据类别 信息类别 泄露类别 涉及信息 泄露信息 涉及数据 泄露内容 categories category data_categories exposed exposed_data data_exposed"},
		fBirthDate:  {BirthDate, "出生日期 生日 出生年月日 出生年月 出生年份 出生日 birth_date birthdate birthday date_of_birth dob born birth_day birth_year year_of_birth 出生时间 学生出生日期 学生生日 孩子生日 儿童生日"},
		fAge:        {Age, "年龄 周岁 周岁年龄 实际年龄 age age_years age_in_years"},
		fIsMinor:    {IsMinor, "未成年 是否未成年 是否未成年人 未成年人 is_minor minor"},
		fResidentID: {ResidentID, "身份证号 身份证 身份证号码 居民身份证号 居民身份证号码 公民身份号码 公民身份证号码 resident_id id_card id_number identity_number resident_identity_number 证件号 证件号码 身份证件号 身份证件号码 居民身份证 二代身份证号 id_no id_card_no id_card_number cert_no national_id 学生身份证号 学生身份证号码 孩子身份证号 儿童身份证号"},
	} {
		t[no] = s
	}
	for n := range maxGuardians {
		for part, what := range guardianWords {
			t[guardianField(n, part)].field = Field(ordinals[n].en + what.en[0])
			t[guardianField(n, part)].names = guardianNames(n, part)
		}
	}
	return t
}()

var guardianWords = [3]struct{ zh, en []string }{
	{[]string{"姓名", ""}, []string{"_name", ""}},
	{[]string{"邮箱", "电子邮件", "电子邮箱", "邮箱地址"}, []string{"_email", "_mail", "_email_address"}},
	{[]string{"手机", "手机号", "手机号码", "电话", "电话号码", "联系电话", "联系方式", "联系手机"}, []string{"_phone", "_mobile", "_tel", "_phone_number", "_mobile_number", "_phone_no", "_mobile_no", "_mobile_phone", "_contact_number"}},
}

var ordinals = [maxGuardians]struct {
	en, zh string // as people are told
	more   []string
	moreZH []string
}{
	{"guardian", "监护人", []string{"guardian1", "first_guardian", "parent", "parent1", "father", "legal_guardian", "guardians"}, []string{"监护人1", "第一监护人", "监护人一", "家长", "家长1", "父亲", "爸爸", "法定监护人", "学生家长"}},
	{"guardian2", "第二监护人", []string{"second_guardian", "parent2", "mother"}, []string{"监护人2", "监护人二", "家长2", "母亲", "妈妈"}},
	{"guardian3", "第三监护人", []string{"third_guardian", "parent3"}, []string{"监护人3", "监护人三", "家长3"}},
	{"guardian4", "第四监护人", []string{"fourth_guardian", "parent4"}, []string{"监护人4", "监护人四", "家长4"}},
}

func guardianNames(n, part int) string {
	var names []string
	add := func(whom, words []string) {
		for _, w := range words {
			for _, g := range whom {
				names = append(names, g+w)
			}
		}
	}
	add(append([]string{ordinals[n].zh}, ordinals[n].moreZH...), guardianWords[part].zh)
	add(append([]string{ordinals[n].en}, ordinals[n].more...), guardianWords[part].en)
	for _, w := range slices.Concat(guardianWords[part].zh, guardianWords[part].en) { // 监护人电话2, guardian_phone_2
		if whom := "监护人"; w != "" {
			if w[0] == '_' {
				whom = "guardian"
			}
			names = append(names, whom+w+strconv.Itoa(n+1))
		}
	}
	return strings.Join(names, " ")
}

var fieldByName = func() map[string]fieldNo {
	m := make(map[string]fieldNo)
	for no, s := range synonyms {
		for name := range strings.FieldsSeq(s.names) {
			key := headerKey(name)
			if other, twice := m[key]; twice && other != fieldNo(no) {
				panic("audience: header name means two fields: " + name)
			}
			m[key] = fieldNo(no)
		}
	}
	return m
}()

// contactFields reach somebody; the header must have one of them.
var contactFields = func() []fieldNo {
	all := []fieldNo{fEmail, fPhone, fPushToken, fAddress}
	for n := range maxGuardians {
		all = append(all, guardianField(n, 1), guardianField(n, 2))
	}
	return all
}()

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

// fieldOfHeader tells what a column is by its header: 手机号, 手机号（必填）, 手机号 Mobile. A remark that speaks of somebody else
// is no remark: 手机号（家长） is the guardian's.
func fieldOfHeader(name string) fieldNo {
	name = norm.NFKC.String(name)
	if i := strings.IndexAny(name, "([【"); i > 0 {
		if remark := strings.Trim(name[i:], "([【)]】 "); ofSomebodyElse(remark) {
			return fieldByName[headerKey(remark+name[:i])]
		}
	}
	if no := fieldByName[headerKey(name)]; no != noField {
		return no
	}
	return inTwoLanguages(name)
}

func ofSomebodyElse(remark string) bool {
	remark = strings.ToLower(remark)
	for _, who := range [...]string{"监护", "家长", "父", "母", "爸", "妈", "紧急", "联系人", "亲属", "配偶", "guardian", "parent", "father", "mother", "emergency", "spouse", "kin"} {
		if strings.Contains(remark, who) {
			return true
		}
	}
	return false
}

// inTwoLanguages reads a header that says one thing twice: 姓名/Name, 手机号Mobile. Each part must mean it.
func inTwoLanguages(name string) (no fieldNo) {
	var parts []string
	start, chinese := 0, false
	for i, r := range name {
		han := unicode.Is(unicode.Han, r)
		if between := strings.ContainsRune(" /|、,\n", r); between || unicode.IsLetter(r) && han != chinese && i > start {
			parts = append(parts, name[start:i])
			start = i
		}
		if unicode.IsLetter(r) {
			chinese = han
		}
	}
	for _, part := range append(parts, name[start:]) {
		key := headerKey(part)
		if key == "" {
			continue
		}
		f := fieldByName[key]
		if f == noField || no != noField && f != no {
			return noField
		}
		no = f
	}
	return no
}

type header struct {
	cells    []string  // as written, fit to be shown
	names    []string  // as written, but for white space around them
	fields   []fieldNo // parallel; noField where not understood
	at       [fieldCount]int16
	known    int
	constant [fieldCount]string // what holds where a row says nothing
	plan     *plan
}

// parseHeader reads the names of columns by the plan, which may be nil.
func parseHeader(cells []string, p *plan) header {
	h := header{plan: p}
	for _, c := range cells {
		h.add(c)
	}
	if p != nil {
		h.constant = p.constant
	}
	return h
}

// add appends a column. at keeps the first of a field, one-based.
func (h *header) add(name string) {
	no := h.plan.fieldOf(name, len(h.cells))
	h.cells = append(h.cells, showable(name))
	h.names = append(h.names, strings.TrimSpace(name))
	h.fields = append(h.fields, no)
	if no == noField {
		return
	}
	h.known++
	if h.at[no] == 0 {
		h.at[no] = int16(len(h.cells))
	}
}

// check refuses a header that would lose contacts or has none. A file without header shows a person in its first line, so
// columns that are not understood are told by number.
func (h *header) check() error {
	if err := h.unambiguous(); err != nil {
		return err
	}
	joined := h.plan != nil && h.plan.joined && joinsOf(h) != [joinKinds]bool{} // a second file has the contacts
	if !joined && !slices.ContainsFunc(contactFields, h.column) {
		return fmt.Errorf("the header has no column with a contact (%d of its %d columns are understood): name at least one %s; understood are %s; or say what a column is with --map COLUMN=FIELD",
			h.known, len(h.cells), listOf(contactFields[:4]), listOf(allFields()[:fGuardian+2])+", …")
	}
	return h.plan.used()
}

// person refuses a header that is somebody: with columns named by their numbers a file without header looks like one with, and
// whoever is in its first line would be lost.
func (h *header) person() error {
	for i, name := range h.names {
		text := code(name)
		_, email := normalEmail(text)
		if email || chineseMobile(text) || h.fields[i] != noField && sevenDigits(text) {
			return fmt.Errorf("column %d of the header holds an address, a number or a date, so the first line is somebody and no header: put a line with the names of the columns above it, such as 姓名,手机号,邮箱 or name,phone,email", i+1)
		}
	}
	return nil
}

// sevenDigits recognises numbers of phones and of people, and dates.
func sevenDigits(s string) bool {
	n := 0
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			n++
		}
	}
	return n >= 7 && strings.Trim(s, "+0123456789-. ()/Xx") == ""
}

func (h *header) unambiguous() error {
	for i, f := range h.fields {
		if first := int(h.at[f]) - 1; f != noField && first != i {
			return fmt.Errorf("columns %d and %d both mean %s: rename or remove one of them, or leave one out with --map '#%d=-'", first+1, i+1, nameOf(f), i+1)
		}
	}
	return nil
}

func allFields() []fieldNo {
	var all []fieldNo
	for no := fExternalID; no < fieldCount; no++ {
		all = append(all, no)
	}
	return all
}

func listOf(fields []fieldNo) string {
	var names []string
	for _, f := range fields {
		names = append(names, nameOf(f))
	}
	return strings.Join(names, ", ")
}

// nameOf gives a field's first Chinese and first English name, "邮箱/email".
func nameOf(f fieldNo) string {
	zh, _, _ := strings.Cut(synonyms[f].names, " ")
	return zh + "/" + string(synonyms[f].field)
}

// maxTitles is how many rows may stand above the header, each with a title in one cell.
const maxTitles = 5

// column reports whether the file has a column of that field.
func (h *header) column(f fieldNo) bool { return h.at[f] > 0 }

// hasAges reports whether anything can tell minors from adults.
func (h *header) hasAges() bool {
	return h.has(fBirthDate) || h.has(fAge) || h.has(fIsMinor) || h.has(fResidentID)
}

// has reports whether anything speaks of that field: a column, or what the caller said of all rows.
func (h *header) has(f fieldNo) bool { return h.at[f] > 0 || h.constant[f] != "" }

func (h *header) columns() []Column {
	var out []Column
	for i, f := range h.fields {
		if f != noField {
			out = append(out, Column{Header: h.cells[i], Field: synonyms[f].field})
		}
	}
	return out
}

func (h *header) ignored() []string {
	var out []string
	for i, f := range h.fields {
		if f == noField {
			out = append(out, h.cells[i])
		}
	}
	return out
}

// mayFold lets free text break over lines: a postal address, and what is not kept anyway.
func (h *header) mayFold(i int) bool { return h.fields[i] == noField || h.fields[i] == fAddress }

// name is a column's header for rejects and warnings; empty for the whole row.
func (h *header) name(i int) string {
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
