package audience

import (
	"strconv"
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
	s, _, _ = strings.Cut(s, "T")
	s, _, _ = strings.Cut(s, " ")
	if len(s) == 8 && digits(s) {
		return calendarDay(s[:4], s[4:6], s[6:], today)
	}
	s = dashed.Replace(s)
	parts := strings.Split(s, "-")
	if len(parts) != 3 || len(parts[0]) != 4 {
		return date{}, false
	}
	return calendarDay(parts[0], parts[1], parts[2], today)
}

const oldestBirthYear = 1890

var dashed = strings.NewReplacer("年", "-", "月", "-", "日", "", "/", "-", ".", "-")

func calendarDay(year, month, day string, today date) (date, bool) {
	if !digits(year) || !digits(month) || !digits(day) || len(month) > 2 || len(day) > 2 {
		return date{}, false
	}
	y, _ := strconv.Atoi(year)
	m, _ := strconv.Atoi(month)
	d, _ := strconv.Atoi(day)
	b := date{y, time.Month(m), d}
	exists := dayOf(time.Date(y, b.month, d, 0, 0, 0, 0, time.UTC)) == b
	return b, exists && y >= oldestBirthYear && b.compare(today) <= 0
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// residentBirth reads the birth date out of a resident identity number of 18 characters and checks its last one.
// Source: GB 11643-1999, 4.2 and annex (ISO 7064 MOD 11-2).
func residentBirth(s string, today date) (date, bool) {
	s = strings.ReplaceAll(s, " ", "")
	if len(s) != 18 || !digits(s[:17]) {
		return date{}, false
	}
	sum, weight := 0, 1
	for i := 16; i >= 0; i-- {
		weight = weight * 2 % 11
		sum += int(s[i]-'0') * weight
	}
	if "10X98765432"[sum%11] != strings.ToUpper(s[17:])[0] {
		return date{}, false
	}
	return calendarDay(s[6:10], s[10:12], s[12:14], today)
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
