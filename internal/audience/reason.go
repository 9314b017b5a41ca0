package audience

import (
	"strings"

	"tocsin/internal/breach"
)

// Reason says which rule a row or a cell broke. It is stored; values are only added.
type Reason string

// Why a row is set aside.
const (
	BadEncoding Reason = "encoding"
	NUL         Reason = "nul"
	TooLong     Reason = "too_long"
	OpenQuote   Reason = "open_quote"
	StrayQuote  Reason = "stray_quote"
	ColumnCount Reason = "column_count"
	Control     Reason = "control_character"
	Nobody      Reason = "nobody"
)

// What is wrong with a row that is kept.
const (
	BadEmail      Reason = "email"
	BadPhone      Reason = "phone"
	BadPushToken  Reason = "push_token"
	BadLanguage   Reason = "language"
	BadBirthDate  Reason = "birth_date"
	BadResidentID Reason = "resident_id"
	BadIsMinor    Reason = "is_minor"
	AgesDiffer    Reason = "ages_differ"
	NoAge         Reason = "no_age"
	NoExactAge    Reason = "no_exact_age"
	Invisible     Reason = "invisible_characters"
	NoContact     Reason = "no_contact"
	NoGuardian    Reason = "no_guardian_contact"
	BadRegion     Reason = "region"
	BadCategory   Reason = "category"
)

// Reject is a row that could not be understood as a person. It is set aside for a person to mend.
type Reject struct {
	Line   int64
	Column string // the column's header; empty where it is the whole row
	Reason Reason
	Text   breach.Text // for the person who mends the file; holds no value of the row
}

// Warning is a fault of a row that is kept.
type Warning struct {
	Column string // the column's header; empty where it is the whole row
	Reason Reason
	Text   breach.Text // holds no value of the row
}

// texts say what is wrong and what follows from it. @ stands for the column's header.
var texts = map[Reason]breach.Text{
	BadEncoding:   {ZH: "该行含有无法识别的字符编码，已搁置。请用同一种编码（建议 UTF-8）重新保存后再导入该行。", EN: "The line has characters in a broken or another encoding and was set aside. Save it in one encoding, best UTF-8, and import it again."},
	NUL:           {ZH: "该行含有空字节（NUL），已搁置。文件可能已损坏，请重新导出该行。", EN: "The line has a NUL byte and was set aside. The file may be damaged; export the line again."},
	TooLong:       {ZH: "该行或其中一格超出长度上限，已搁置。请检查是否缺少换行或引号。", EN: "The line, or one of its cells, is longer than allowed and was set aside. Look for a missing line end or quote."},
	OpenQuote:     {ZH: "该行有未闭合的引号，已搁置；从下一行起照常读取。", EN: "A quote in the line is never closed. The line was set aside; reading went on at the next one."},
	StrayQuote:    {ZH: "“@”一格中的引号位置不合规则，该行已搁置。含引号的内容应整格用引号括起，格内引号写两次。", EN: "The cell in column \"@\" has a quote where none may be; the line was set aside. Quote the whole cell and double the quotes within it."},
	ColumnCount:   {ZH: "该行的列数与表头不同，已搁置。请检查是否多写或漏写了逗号。", EN: "The line has another number of cells than the header and was set aside. Look for a comma too many or too few."},
	Control:       {ZH: "“@”一格含有控制字符，该行已搁置。请删去后再导入。", EN: "The cell in column \"@\" has control characters; the line was set aside. Remove them and import it again."},
	Nobody:        {ZH: "该行没有姓名、账号或可用的联系方式，无法认定为一个人，已搁置。", EN: "The line has no name, no account and no usable contact, so it cannot be told who it is about. It was set aside."},
	BadEmail:      {ZH: "“@”一格不是可用的邮箱地址，未采用；此人仍保留。", EN: "The cell in column \"@\" is not a usable email address and was not taken over; the person is kept."},
	BadPhone:      {ZH: "“@”一格不是有效的电话号码，未采用；此人仍保留。", EN: "The cell in column \"@\" is not a valid phone number and was not taken over; the person is kept."},
	BadPushToken:  {ZH: "“@”一格不是可用的推送标识，未采用；此人仍保留。", EN: "The cell in column \"@\" is not a usable push token and was not taken over; the person is kept."},
	BadLanguage:   {ZH: "“@”一格的语言无法识别或尚未支持，将使用默认语言。", EN: "The language in column \"@\" is not known or not written in; the default is used."},
	BadBirthDate:  {ZH: "“@”一格不是可能的出生日期，未采用。", EN: "The cell in column \"@\" is not a possible birth date and was not used."},
	BadResidentID: {ZH: "“@”一格的身份证号未通过校验，未用于推算年龄（号码一律不保存）。", EN: "The identity number in column \"@\" fails its check and was not used for the age (such numbers are never kept)."},
	BadIsMinor:    {ZH: "“@”一格应填“是”或“否”，现有内容无法理解，未采用。", EN: "The cell in column \"@\" should say yes or no; what it says was not understood and not used."},
	AgesDiffer:    {ZH: "该行各栏所示年龄不一致，已按较小的年龄处理，请核实。", EN: "The columns of the line disagree about the age. The lower one was taken; please check."},
	NoAge:         {ZH: "该行未能确定年龄，此人按“年龄不详”计，不视为成年人。请补充出生日期。", EN: "The line does not settle the age. The person counts as of unknown age, not as an adult; please supply the birth date."},
	NoExactAge:    {ZH: "该行说明为未成年人，但不知是否未满十四周岁。请补充出生日期。", EN: "The line says a minor, but not whether under 14. Please supply the birth date."},
	BadRegion:     {ZH: "“@”一格的国家或地区无法识别，未采用。请写 ISO 3166 代码（如 CN、US-CA）或国家名称。", EN: "The country or region in column \"@\" is not known and was not taken over. Write an ISO 3166 code, such as CN or US-CA, or a country's name."},
	BadCategory:   {ZH: "“@”一格有无法识别的数据类别，该类别未采用。可用的写法见 tocsin facts new 中的 data.categories。", EN: "Column \"@\" names a category of data that is not known; that one was not taken over. The words are listed under data.categories by tocsin facts new."},
	Invisible:     {ZH: "“@”一格含有不可见字符，已删去。", EN: "The cell in column \"@\" had invisible characters; they were removed."},
	NoContact:     {ZH: "该行没有任何可用的联系方式；此人仍计入受影响人数，须以公告告知。", EN: "The line has no usable contact. The person still counts as affected and must be told by public notice."},
	NoGuardian:    {ZH: "该行为未成年人，但没有监护人的可用联系方式。", EN: "The line is about a minor and has no usable contact of a guardian."},
}

func textOf(r Reason, column string) breach.Text {
	t := texts[r]
	return breach.Text{ZH: strings.ReplaceAll(t.ZH, "@", column), EN: strings.ReplaceAll(t.EN, "@", column)}
}
