package regulation

import (
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/br"
	"github.com/rickar/cal/v2/jp"
	"github.com/rickar/cal/v2/us"
)

// libraryCalendars are those whose holidays follow from a rule, so that a kept library knows them for every year.
func libraryCalendars() map[string]calendar {
	return map[string]calendar{
		"us-federal": ruleCalendar{us.Holidays, nil},
		"jp":         ruleCalendar{jp.Holidays, yearEndOfJapan},
		"br":         ruleCalendar{brazilHolidays, blackAwarenessDay},
	}
}

// brazilHolidays are the national holidays. Carnival and Corpus Christi, which the library lists too, are optional days off:
// counting on through them never makes us late.
var brazilHolidays = []*cal.Holiday{
	br.AnoNovo, br.SextaFeiraSanta, br.Tiradentes, br.Trabalhador, br.Independencia, br.NossaSenhoraAparecida, br.Finados,
	br.Republica, br.Natal,
}

// blackAwarenessDay is 20 November, a national holiday since 2024, which the library does not know yet.
// Source: Lei 14.759/2023 (from memory, doubt D-19).
func blackAwarenessDay(d date) bool { return d.year >= 2024 && d.month == time.November && d.day == 20 }

// yearEndOfJapan is 29 December to 3 January, when Japan's administration is closed though not all days are holidays.
// Source: 行政機関の休日に関する法律; guidelines on APPI art. 26 (from memory, doubt D-20).
func yearEndOfJapan(d date) bool {
	return d.month == time.December && d.day >= 29 || d.month == time.January && d.day <= 3
}

// ruleCalendar counts Monday to Friday but for holidays and, where set, other days off.
type ruleCalendar struct {
	holidays []*cal.Holiday
	off      func(date) bool
}

// isWorking never errs: the holidays follow from rules. A holiday that is moved counts on the day on which it is kept.
func (c ruleCalendar) isWorking(d date) (bool, error) {
	if weekend(d) || c.off != nil && c.off(d) {
		return false, nil
	}
	for _, h := range c.holidays {
		// A holiday of 1 January may be kept on 31 December, so the next year is asked too.
		for _, year := range []int{d.year, d.year + 1} {
			actual, observed := h.Calc(year)
			if !actual.IsZero() && dateOf(actual) == d || !observed.IsZero() && dateOf(observed) == d {
				return false, nil
			}
		}
	}
	return true, nil
}
