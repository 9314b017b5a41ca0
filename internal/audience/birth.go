package audience

import (
	"strings"
	"time"
)

// date is a calendar day.
type date struct {
	year  int
	month time.Month
	day   int
}

func dayOf(t time.Time) date {
	y, m, d := t.Date()
	return date{y, m, d}
}

func (d date) compare(e date) int { return d.number() - e.number() }

func (d date) number() int { return d.year*10000 + int(d.month)*100 + d.day }

// parseBirth reads the usual forms: 1990-01-02, 1990/1/2, 1990.1.2, 19900102 and 1990年1月2日, with a time of day that is
// dropped. A form in which day and month could be mistaken for each other is none of them.
func parseBirth(s string, today date) (date, bool) {
	if isoDay(s) {
		return calendarDay(number(s[:4]), number(s[5:7]), number(s[8:]), today)
	}
	return parseDay(s, today)
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

func parseDay(s string, today date) (date, bool) {
	for i := range len(s) {
		if s[i] == 'T' || s[i] == ' ' {
			s = s[:i]
			break
		}
	}
	year, rest := leadingDigits(s)
	if len(s) == 8 && rest == "" {
		return calendarDay(number(s[:4]), number(s[4:6]), number(s[6:]), today)
	}
	if len(year) != 4 {
		return date{}, false
	}
	month, rest, ok := afterMark(rest, "年")
	if !ok {
		return date{}, false
	}
	day, rest, ok := afterMark(rest, "月")
	if !ok || rest != "" && rest != "日" {
		return date{}, false
	}
	return calendarDay(number(year), month, day, today)
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

const oldestBirthYear = 1890

func calendarDay(year, month, day int, today date) (date, bool) {
	b := date{year, time.Month(month), day}
	exists := month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)
	return b, exists && year >= oldestBirthYear && b.compare(today) <= 0
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
func serialBirth(s string, today date) (date, bool) {
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
	return d, d.compare(today) <= 0
}

// residentNumber reads a resident identity number: 18 characters of which the last is a check, or the 15 digits that were
// issued before 1999 and have none. A number of 15 digits is given back as its 18 characters.
// Source: GB 11643-1999, 4.2 and annex (ISO 7064 MOD 11-2); GB 11643-1989 for 15 digits.
func residentNumber(s string, today date) (string, date, bool) {
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
	birth, ok := calendarDay(number(s[6:10]), number(s[10:12]), number(s[12:14]), today)
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

func classOf(birth, today date) AgeClass {
	switch age := ageOn(birth, today); {
	case age < 14:
		return Under14
	case age < 18:
		return Minor14To17
	}
	return Adult
}

// yesNo reads the answers that an is-minor column gives.
func yesNo(s string) (yes, ok bool) {
	switch strings.ToLower(s) {
	case "是", "yes", "y", "true", "t", "1", "未成年", "未成年人":
		return true, true
	case "否", "no", "n", "false", "f", "0", "不是", "成年", "成年人":
		return false, true
	}
	return false, false
}
