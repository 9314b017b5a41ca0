package audience

import (
	"strconv"
	"strings"
	"time"
)

// date is a calendar day; or a month whose day, or a year whose month and day, is not known and 0; or one of two days.
type date struct {
	year  int
	month time.Month
	day   int
	or    int // the number of the earlier day that it may be as well; 0 for none
}

func dayOf(t time.Time) date {
	y, m, d := t.Date()
	return date{year: y, month: m, day: d}
}

func (d date) compare(e date) int { return d.number() - e.number() }

func (d date) number() int { return d.year*10000 + int(d.month)*100 + d.day }

// open reports whether it may be several days.
func (d date) open() bool { return d.day == 0 || d.or > 0 }

// first is the first day that it may be.
func (d date) first() date {
	if d.or > 0 {
		return dateOf(d.or)
	}
	return date{year: d.year, month: max(d.month, 1), day: max(d.day, 1)}
}

func dateOf(number int) date {
	return date{year: number / 10000, month: time.Month(number / 100 % 100), day: number % 100}
}

// last is the last day that it may be.
func (d date) last() date {
	if d.month == 0 {
		return date{year: d.year, month: 12, day: 31}
	}
	if d.day == 0 {
		d.day = daysIn(d.year, int(d.month))
	}
	return d
}

// holds reports whether a day may be the one.
func (d date) holds(day date) bool {
	if d.or > 0 {
		return d.or == day.number() || d.compare(day) == 0
	}
	return d.first().compare(day) <= 0 && day.compare(d.last()) <= 0
}

// calendar is what births are counted by.
type calendar struct {
	today date
	then  date // when the incident happened, which is today where nobody knows, and not later
	zone  *time.Location
}

func calendarOf(at, happened time.Time) calendar {
	c := calendar{today: dayOf(at), then: dayOf(at), zone: at.Location()}
	if day := dayOf(happened.In(c.zone)); !happened.IsZero() && day.compare(c.today) < 0 {
		c.then = day
	}
	return c
}

// birth reads the usual forms: 1990-01-02, 1990/1/2, 1990.1.2, 19900102, 1990年1月2日, 2 Jan 1990, 25/12/1990; a month or a year
// alone; and an instant. Where day and month could be mistaken for each other it is both days. A year of two digits is none.
func (c *calendar) birth(s string) (date, bool) {
	if isoDay(s) {
		return c.day(number(s[:4]), number(s[5:7]), number(s[8:]))
	}
	return c.birthOf(s)
}

// isoDay recognises 1990-01-02.
func isoDay(s string) bool {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return false
	}
	for _, i := range [...]int{0, 1, 2, 3, 5, 6, 8, 9} {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func (c *calendar) birthOf(s string) (date, bool) {
	if strings.HasPrefix(s, "1970-01-01") && c.unset(s[len("1970-01-01"):]) {
		return date{}, false
	}
	if len(s) == 8 && digits(s) {
		return c.day(number(s[:4]), number(s[4:6]), number(s[6:]))
	}
	if d, ok := c.ordered(s); ok {
		return d, true
	}
	if whole, ok := strings.CutSuffix(s, ".0"); ok && len(whole) >= 8 && digits(whole) {
		return c.birthOf(whole) // as tables of data frames have it
	}
	if d, ok := c.instant(s); ok {
		return d, true
	}
	day, clock := beforeClock(s)
	if len(day) == 8 && digits(day) {
		return c.day(number(day[:4]), number(day[4:6]), number(day[6:]))
	}
	if d, ok := c.ordered(day); ok {
		return d, d.day > 0 || clock == ""
	}
	if d, ok := c.yearLast(day); ok {
		return d, true
	}
	return c.named(day)
}

// unset recognises, by its time of day, the instant from which computers count: what they write where they know nothing.
func (c *calendar) unset(clock string) bool {
	clock = strings.TrimLeft(clock, " T")
	if strings.HasPrefix(clock, "00:00:00") {
		return strings.HasSuffix(clock, "Z") || strings.HasSuffix(clock, "+00:00")
	}
	return strings.HasPrefix(clock, time.Unix(0, 0).In(c.zone).Format(time.TimeOnly))
}

// yearLast reads 25/12/1990 and 12/25/1990. Of 02/01/1990 it is the later reading, which may be the earlier one.
func (c *calendar) yearLast(s string) (date, bool) {
	first, rest := leadingDigits(s)
	second, rest, ok := afterMark(rest, "")
	if !ok || first == "" || len(first) > 2 || len(rest) != 5 || strings.IndexByte("-/.", rest[0]) < 0 || !digits(rest[1:]) {
		return date{}, false
	}
	year := number(rest[1:])
	one, isOne := c.day(year, second, number(first))
	two, isTwo := c.day(year, number(first), second)
	switch {
	case isOne && isTwo && one != two:
		if one.compare(two) < 0 {
			one, two = two, one
		}
		one.or = two.number()
		return one, true
	case isTwo:
		return two, true
	}
	return one, isOne
}

// beforeClock cuts a time of day off.
func beforeClock(s string) (day, clock string) {
	if i := strings.LastIndexAny(s, "年月日号"); i >= 0 {
		i += len("日")
		return strings.ReplaceAll(s[:i], " ", ""), strings.TrimSpace(s[i:])
	}
	year, _ := leadingDigits(s)
	i := strings.IndexAny(s, "T ")
	if len(year) != 4 && len(year) != 8 { // a month's name has spaces around it
		i = strings.LastIndexByte(s[:max(strings.IndexByte(s, ':'), 0)], ' ')
	}
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i:]
}

// ordered reads a year, a month and a day in this order, the last or the last two of which may be missing.
func (c *calendar) ordered(s string) (date, bool) {
	era, republic := 0, false
	if strings.HasPrefix(s, "民国") || strings.HasPrefix(s, "民國") { // its first year is 1912
		s, era, republic = s[len("民国"):], 1911, true
	}
	digits, rest := leadingDigits(s)
	if len(digits) != 4 && (!republic || len(digits) < 2 || len(digits) > 3) {
		return date{}, false
	}
	year := era + number(digits)
	if rest == "" || rest == "年" {
		return c.part(year, 0)
	}
	month, after, ok := afterMark(rest, "年")
	switch {
	case !ok:
		return date{}, false
	case rest == ".1": // a number that was 1990.10, perhaps
		return c.part(year, 0)
	case after == "" || after == "月":
		return c.part(year, month)
	}
	day, end, ok := afterMark(after, "月")
	if !ok || end != "" && end != "日" && end != "号" {
		return date{}, false
	}
	return c.day(year, month, day)
}

// named reads a month by its English name.
func (c *calendar) named(s string) (date, bool) {
	if !ascii(s) || !strings.ContainsAny(s, "aeouAEOU") { // no month's name is without
		return date{}, false
	}
	for _, layout := range [...]string{"2-Jan-2006", "2 Jan 2006", "Jan 2, 2006", "Jan 2 2006", "2 January 2006", "January 2, 2006", "January 2 2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			d := dayOf(t)
			return c.day(d.year, int(d.month), d.day)
		}
	}
	return date{}, false
}

// instant reads a time of day with its zone, or seconds or milliseconds since 1970. Programs write the midnight with which a
// birthday begins so, and in UTC it falls on the day before. So the later day counts, that of UTC or our own: nobody is taken
// for older than they are.
func (c *calendar) instant(s string) (date, bool) {
	if n := strings.TrimPrefix(s, "-"); len(n) >= 9 && len(n) <= 13 && digits(n) {
		count, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return date{}, false
		}
		return c.midnight(count, len(n) <= 10)
	}
	if len(s) < len("1990-01-02 00:00Z") || s[4] != '-' || s[len(s)-1] != 'Z' && strings.LastIndexAny(s, "+-") < len("1990-01-02 00:00") {
		return date{}, false
	}
	for _, layout := range [...]string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z0700", "2006-01-02 15:04:05 Z0700", "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05 Z0700 MST"} {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		written, here := dayOf(t), dayOf(t.In(c.zone))
		if d, ok := c.day(here.year, int(here.month), here.day); ok && here.compare(written) > 0 {
			return d, true
		}
		return c.day(written.year, int(written.month), written.day)
	}
	return date{}, false
}

// midnight reads a count since 1970, which must be of a day's beginning.
func (c *calendar) midnight(n int64, seconds bool) (date, bool) {
	t := time.UnixMilli(n)
	if seconds {
		t = time.Unix(n, 0)
	}
	for _, t := range [...]time.Time{t.In(c.zone), t.UTC()} {
		if h, m, s := t.Clock(); h == 0 && m == 0 && s == 0 && t.Nanosecond() == 0 {
			d := dayOf(t)
			return c.day(d.year, int(d.month), d.day)
		}
	}
	return date{}, false
}

// afterMark reads a number of one or two digits that follows a dash, a slash, a dot, or a Chinese unit.
func afterMark(s, unit string) (n int, rest string, ok bool) {
	switch {
	case s == "":
		return 0, "", false
	case s[0] == '-' || s[0] == '/' || s[0] == '.':
		s = s[1:]
	case strings.HasPrefix(s, unit):
		s = s[len(unit):]
	default:
		return 0, "", false
	}
	digits, rest := leadingDigits(s)
	return number(digits), rest, len(digits) == 1 || len(digits) == 2
}

func leadingDigits(s string) (digits, rest string) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return s[:i], s[i:]
}

// number is the value of at most nine digits.
func number(digits string) (n int) {
	for i := range min(len(digits), 9) {
		n = 10*n + int(digits[i]-'0')
	}
	return n
}

// oldest is the age that nobody has passed by much. Systems write 1900-01-01 where they know nothing.
const oldest = 122

// day is a day on which somebody may have been born.
func (c *calendar) day(year, month, day int) (date, bool) {
	b := date{year: year, month: time.Month(month), day: day}
	exists := month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)
	return b, exists && c.lived(b)
}

// part is a month, or a year whose month is 0, in which somebody may have been born.
func (c *calendar) part(year, month int) (date, bool) {
	b := date{year: year, month: time.Month(month)}
	return b, month >= 0 && month <= 12 && c.lived(b.first())
}

func (c *calendar) lived(b date) bool {
	return c.today.year-b.year <= oldest && b.compare(c.today) <= 0
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// serialBirth reads the day number of a spreadsheet: five digits, 1 being the first of January 1900 and 60 the day that never
// was. A fraction is a time of day.
func (c *calendar) serialBirth(s string) (date, bool) {
	whole, rest := leadingDigits(s)
	if len(whole) != 5 {
		return date{}, false
	}
	if rest != "" {
		if more, end := leadingDigits(rest[1:]); rest[0] != '.' || more == "" || end != "" {
			return date{}, false
		}
	}
	d := dayOf(time.Date(1899, 12, 30+number(whole), 0, 0, 0, 0, time.UTC))
	return d, c.lived(d)
}

// residentNumber reads a resident identity number: 18 characters of which the last is a check, or the 15 digits that were
// issued before 1999 and have none. A number of 15 digits is given back as its 18 characters.
// Source: GB 11643-1999, 4.2 and annex (ISO 7064 MOD 11-2); GB 11643-1989 for 15 digits.
func (c *calendar) residentNumber(s string) (string, date, bool) {
	s = strings.ToUpper(strings.ReplaceAll(s, " ", ""))
	body, _ := leadingDigits(s)
	switch {
	case len(s) == 15 && len(body) == 15:
		s = s[:6] + "19" + s[6:]
		s += string(residentCheck(s))
	case len(s) == 18 && len(body) >= 17 && residentCheck(s[:17]) == s[17]:
	default:
		return "", date{}, false
	}
	if s[0] == '0' {
		return "", date{}, false
	}
	birth, ok := c.day(number(s[6:10]), number(s[10:12]), number(s[12:14]))
	return s, birth, ok
}

func residentCheck(s string) byte {
	sum, weight := 0, 1
	for i := 16; i >= 0; i-- {
		weight = weight * 2 % 11
		sum += int(s[i]-'0') * weight
	}
	return "10X98765432"[sum%11]
}

// ageOn counts full years.
//
// Reading: an age is reached on the day after the birthday, so on the birthday itself a person counts as the younger, who is
// better protected. Source: 最高人民法院关于审理未成年人刑事案件具体应用法律若干问题的解释 (法释〔2006〕1号) art. 2; the
// Civil Code, arts. 17 and 1259, leaves the day open.
func ageOn(birth, today date) int {
	years := today.year - birth.year
	if today.month < birth.month || today.month == birth.month && today.day <= birth.day {
		years--
	}
	return years
}

// classOf is the class of somebody born at the latest on that day.
//
// Reading: whether a guardian must be told, and in whose words, is a question of today. Whose information is a child's is one of
// the incident's day: who was under 14 then counts as under 14, as long as they are a minor.
// Source: 个人信息保护法 arts. 28, 31; 儿童个人信息网络保护规定 art. 2.
func (c *calendar) classOf(birth date) AgeClass {
	switch {
	case ageOn(birth, c.today) >= 18:
		return Adult
	case ageOn(birth, c.then) < 14:
		return Under14
	}
	return Minor14To17
}

// ageClass reads an age in full years, such as 13, 13岁 or 13 years; one in months is under 14. An age that is counted from
// conception, as 虚岁, is not read.
func ageClass(s string) (AgeClass, bool) {
	s = strings.ToLower(s)
	years, unit := leadingDigits(s)
	if whole, ok := strings.CutSuffix(s, ".0"); ok && digits(whole) {
		years, unit = whole, ""
	}
	if years == "" || len(years) > 3 || number(years) > oldest {
		return "", false
	}
	switch strings.TrimSpace(unit) {
	case "", "岁", "歲", "周岁", "years", "year", "yrs", "yr", "y", "y/o", "yo", "years old":
	case "个月", "月", "月龄", "months", "month", "天", "days", "day":
		return Under14, true
	default:
		return "", false
	}
	switch n := number(years); {
	case n < 14:
		return Under14, true
	case n < 18:
		return Minor14To17, true
	}
	return Adult, true
}

// yesNo reads the answers that an is-minor column gives.
func yesNo(s string) (yes, ok bool) {
	switch strings.ToLower(s) {
	case "是", "yes", "y", "true", "t", "1", "1.0", "未成年", "未成年人", "minor", "child", "儿童":
		return true, true
	case "否", "no", "n", "false", "f", "0", "0.0", "不是", "成年", "成年人", "已成年", "成人", "adult":
		return false, true
	}
	return false, false
}
