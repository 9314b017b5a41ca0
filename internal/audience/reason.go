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
	HeaderAgain Reason = "header_again"
	Formula     Reason = "formula"
	LineEnds    Reason = "line_ends"
	BadJSON     Reason = "json"
	TwiceKey    Reason = "duplicate_key"
	NotObject   Reason = "not_an_object"
	Several     Reason = "several_values"
	Nested      Reason = "nested"
	Merged      Reason = "merged_cells"
	Rounded     Reason = "rounded_number" // also a warning, where the cell is not needed
	CellError   Reason = "cell_error"     // also a warning, where the cell is not needed
	Scientific  Reason = "scientific"     // also a warning, where the cell is not needed
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
	GuardianAlone Reason = "guardian_of_nobody"
	GuardianLess  Reason = "guardian_without_contact"
	SerialDate    Reason = "serial_date"
	BadRegion     Reason = "region"
	BadCategory   Reason = "category"

	MaskedValue     Reason = "masked"
	SeveralContacts Reason = "several_contacts"
	PhoneCountry    Reason = "phone_country"
	BadAge          Reason = "age"
	PartBirthDate   Reason = "part_birth_date"
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
	HeaderAgain:   {ZH: "该行与表头相同，多半是几份文件首尾相接，已搁置；其余各行不受影响。", EN: "The line is the header once more, as where files were joined; it was set aside, the other lines are read as usual."},
	Formula:       {ZH: "“@”一格是公式而不是内容，该行已搁置。请在表格中将公式粘贴为数值后再导入。", EN: "The cell in column \"@\" is a formula and not a text; the line was set aside. Paste it as a value in the spreadsheet and import the line again."},
	LineEnds:      {ZH: "该行中夹有单独的回车符（CR），可能是两行连在一起，已搁置。请统一换行符后再导入该行。", EN: "The line has a carriage return within it, so it may be two lines; it was set aside. Save the file with one kind of line end and import the line again."},
	BadJSON:       {ZH: "该行不是有效的 JSON 对象，已搁置。NDJSON 文件应每行一个完整的对象。", EN: "The line is no valid JSON object and was set aside. An NDJSON file has one whole object on each line."},
	TwiceKey:      {ZH: "该行的 JSON 对象中同一个键出现两次，无法判断以哪个为准，已搁置。", EN: "The JSON object of the line has one key twice, so it cannot be told which one counts. It was set aside."},
	NotObject:     {ZH: "该行是 JSON，但不是对象，已搁置。每行应为一个 {…}。", EN: "The line is JSON and no object; it was set aside. Each line should be one {…}."},
	Nested:        {ZH: "“@”一处嵌套过深或含有无法对应到一格的列表，该行已搁置。请展开后再导入。", EN: "What stands at \"@\" is nested too deep, or a list where one value is wanted; the line was set aside. Flatten it and import the line again."},
	Several:       {ZH: "“@”一处有不止一个不同的值，而该栏只能有一个，无法判断以哪个为准，该行已搁置。", EN: "There are several different values for \"@\", of which there can be one, so it cannot be told which counts; the line was set aside."},
	Merged:        {ZH: "“@”一格属于合并单元格，不知道内容归哪一行，该行已搁置。请取消合并并逐行填写后再导入。", EN: "The cell in column \"@\" is part of merged cells, so it cannot be told whose it is; the line was set aside. Unmerge the cells, fill in each row and import it again."},
	Rounded:       {ZH: "“@”一格是超过 15 位的数字，电子表格会改写其末尾几位，不能采用。请将该列设为文本格式后重新填写。", EN: "The cell in column \"@\" is a number of more than 15 digits, of which spreadsheets change the last ones; it cannot be used. Format the column as text and enter it anew."},
	CellError:     {ZH: "“@”一格是表格错误值（如 #N/A）或没有结果的公式，不能采用。请在表格中改正。", EN: "The cell in column \"@\" holds a spreadsheet's error, such as #N/A, or a formula without its result, and cannot be used. Mend it in the spreadsheet."},
	Scientific:    {ZH: "“@”一格是电子表格的科学计数（如 1.38E+10），末尾各位已经丢失，不能采用。请将该列设为文本格式后重新导出。", EN: "The cell in column \"@\" is a number as spreadsheets shorten it, such as 1.38E+10, and has lost its end; it cannot be used. Format the column as text and export it anew."},
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
	SerialDate:    {ZH: "“@”一格是五位数字，已按电子表格的日期序号理解，请核实。", EN: "The cell in column \"@\" is a number of five digits and was taken for a spreadsheet's day number; please check."},
	GuardianAlone: {ZH: "监护人文件中的这一行找不到对应的人：本次文件里没有该编号（或姓名与出生日期）。请核对后再导入。", EN: "This line of the guardians' file belongs to nobody in the file of people: there is no such number, or name and birth date. Check it and import again."},
	GuardianLess:  {ZH: "监护人文件中的这一行没有可用的联系方式，或没有写明是谁的监护人，未采用。", EN: "This line of the guardians' file has no usable contact, or does not say whose guardian it is, and was not taken over."},
	BadRegion:     {ZH: "“@”一格的国家或地区无法识别，未采用。请写 ISO 3166 代码（如 CN、US-CA）或国家名称。", EN: "The country or region in column \"@\" is not known and was not taken over. Write an ISO 3166 code, such as CN or US-CA, or a country's name."},
	BadCategory:   {ZH: "“@”一格有无法识别的数据类别，该类别未采用。可用的写法见 tocsin facts new 中的 data.categories。", EN: "Column \"@\" names a category of data that is not known; that one was not taken over. The words are listed under data.categories by tocsin facts new."},
	Invisible:     {ZH: "“@”一格含有不可见字符，已删去。", EN: "The cell in column \"@\" had invisible characters; they were removed."},
	NoContact:     {ZH: "该行没有任何可用的联系方式；此人仍计入受影响人数，须以公告告知。", EN: "The line has no usable contact. The person still counts as affected and must be told by public notice."},
	NoGuardian:    {ZH: "该行为未成年人，但没有监护人的可用联系方式。", EN: "The line is about a minor and has no usable contact of a guardian."},

	MaskedValue:     {ZH: "“@”一格经过脱敏（含星号），未采用；此人仍保留。请导出未脱敏的内容。", EN: "The cell in column \"@\" is masked with asterisks; it was not taken over, the person is kept. Export the column unmasked."},
	SeveralContacts: {ZH: "“@”一格有不止一个联系方式，不知以哪个为准，均未采用；此人仍保留。请只留一个。", EN: "The cell in column \"@\" has more than one contact, so it cannot be told which counts; none was taken over, the person is kept. Leave one."},
	PhoneCountry:    {ZH: "“@”一格的号码没有国家代码，按本机构所在国和此人所在地都可能是真的，未采用；此人仍保留。请写明国家代码（如 +86、+1）。", EN: "The number in column \"@\" has no country code and may be one of this organisation's country or of the person's; it was not taken over, the person is kept. Write the country code, such as +86 or +1."},
	BadAge:          {ZH: "“@”一格不是周岁年龄，未采用。请写出生日期，或写周岁（如 13 或 13岁）。", EN: "The cell in column \"@\" is not an age in full years and was not used. Write the birth date, or the age, such as 13."},
	PartBirthDate:   {ZH: "“@”一格不能确定出生日（只写了年或月，或日与月无法区分），年龄可能在十四或十八周岁上下，已按较小的年龄处理。请写成 1990-01-02 的形式。", EN: "The cell in column \"@\" leaves the day of birth open (a month or a year alone, or day and month that may be either), and the age may be above or below 14 or 18; the lower one was taken. Write the date as 1990-01-02."},
}

// TextOf says in words what a reason means for a column's header; empty for a reason that is not known.
func TextOf(r Reason, column string) breach.Text {
	t := texts[r]
	return breach.Text{ZH: strings.ReplaceAll(t.ZH, "@", column), EN: strings.ReplaceAll(t.EN, "@", column)}
}
