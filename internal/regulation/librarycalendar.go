package regulation

import (
	"sync"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/br"
	"github.com/rickar/cal/v2/jp"
	"github.com/rickar/cal/v2/us"
)

// libraryCalendars are those whose holidays follow from a rule, so that a kept library knows them for every year.
func libraryCalendars() map[string]calendar {
	return map[string]calendar{
		"us-federal": newRuleCalendar(us.Holidays, nil),
		"jp":         newRuleCalendar(jp.Holidays, yearEndOfJapan),
		"br":         newRuleCalendar(brazilHolidays, blackAwarenessDay),
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

// ruleCalendar counts Monday to Friday but for holidays and, where set, other days off. It is safe for concurrent use.
type ruleCalendar struct {
	holidays []*cal.Holiday
	off      func(date) bool
	years    *sync.Map // year -> map[date]bool, the days on which a holiday of that year falls or is kept
}

func newRuleCalendar(holidays []*cal.Holiday, off func(date) bool) ruleCalendar {
	return ruleCalendar{holidays, off, new(sync.Map)}
}

// calculating guards the library, whose rules for some holidays of Japan write to variables of the package.
var calculating sync.Mutex

// isWorking never errs: the holidays follow from rules. A holiday that is moved counts on the day on which it is kept.
func (c ruleCalendar) isWorking(d date) (bool, error) {
	if weekend(d) || c.off != nil && c.off(d) {
		return false, nil
	}
	// A holiday of 1 January may be kept on 31 December, so the next year is asked too.
	return !c.year(d.year)[d] && !c.year(d.year + 1)[d], nil
}

func (c ruleCalendar) year(year int) map[date]bool {
	if known, ok := c.years.Load(year); ok {
		return known.(map[date]bool)
	}
	calculating.Lock()
	defer calculating.Unlock()
	days := map[date]bool{}
	for _, h := range c.holidays {
		for _, t := range pair(h.Calc(year)) {
			if !t.IsZero() {
				days[dateOf(t)] = true
			}
		}
	}
	c.years.Store(year, days)
	return days
}

func pair(actual, observed time.Time) [2]time.Time { return [2]time.Time{actual, observed} }
