package regulation

import (
	"fmt"
	"time"

	"tocsin/internal/breach"
)

// deadline is a length of time, and how to count it.
type deadline struct {
	amount   int
	unit     string // minute, hour, calendar_day, business_day
	start    string // same_instant, next_day, same_day, year_end
	roll     bool   // a last day that nobody works on moves to the next working day
	calendar string
	hard     bool // the law's own number; else a guideline's
}

// due returns the last instant, in UTC, at which the duty is still met, counted from at in loc.
//
// Hours and minutes run through nights, weekends and changes of the clocks. Days end with the day. The day of at does not
// count, unless the law says that it is day one (same_day). Year_end counts from the last day of at's year.
func (d deadline) due(at time.Time, loc *time.Location, calendars map[string]calendar) (time.Time, error) {
	switch d.unit {
	case "minute":
		return at.Add(time.Duration(d.amount) * time.Minute).UTC(), nil
	case "hour":
		return at.Add(time.Duration(d.amount) * time.Hour).UTC(), nil
	}
	first := dateOf(at.In(loc))
	if d.start == "year_end" {
		first = date{first.year, time.December, 31}
	}
	days := d.amount
	if d.start == "same_day" {
		days--
	}
	last, err := d.count(first, days, calendars[d.calendar])
	if err != nil {
		return time.Time{}, err
	}
	return last.end(loc), nil
}

func (d deadline) count(first date, days int, cal calendar) (date, error) {
	if d.unit == "calendar_day" {
		last := first.plus(days)
		if !d.roll {
			return last, nil
		}
		return nextWorking(last, cal)
	}
	last := first
	for days > 0 {
		last = last.plus(1)
		works, err := cal.isWorking(last)
		if err != nil {
			return date{}, err
		}
		if works {
			days--
		}
	}
	return last, nil
}

func nextWorking(d date, cal calendar) (date, error) {
	for {
		works, err := cal.isWorking(d)
		if err != nil || works {
			return d, err
		}
		d = d.plus(1)
	}
}

// bare is the deadline without its calendar: the earliest day it can fall on, for when the calendar is not published.
func (d deadline) bare() deadline {
	d.roll = false
	if d.unit == "business_day" {
		d.unit = "calendar_day"
	}
	return d
}

// clockWords name the beginning of each clock within a sentence: "自发现或获知起", "of awareness".
var clockWords = map[breach.FactName]breach.Text{
	"aware_at":                     {ZH: "发现或获知", EN: "awareness"},
	"occurred_at":                  {ZH: "事件发生", EN: "the occurrence"},
	"discovered_at":                {ZH: "知悉", EN: "discovery"},
	"assessed_at":                  {ZH: "完成评估", EN: "the assessment"},
	"determined_at":                {ZH: "作出认定", EN: "the determination"},
	"notified_people_at":           {ZH: "告知个人", EN: "telling people"},
	"information_available_at":     {ZH: "取得补充信息", EN: "the missing information becoming available"},
	"handling_ended_at":            {ZH: "处置结束", EN: "the end of the handling"},
	"delay.law_enforcement_until":  {ZH: "执法机关要求的推迟期满", EN: "the end of the delay for law enforcement"},
	"delay.attorney_general_until": {ZH: "准许的推迟期满", EN: "the end of the delay granted"},
}

// words says the deadline in both languages: "自发现或获知起 4 小时内", "within 4 hours of awareness".
func (d deadline) words(clock breach.FactName) breach.Text {
	unitZH := map[string]string{"minute": "分钟", "hour": "小时", "calendar_day": "日", "business_day": "个工作日"}[d.unit]
	unitEN := map[string]string{"minute": "minute", "hour": "hour", "calendar_day": "calendar day", "business_day": "business day"}[d.unit]
	if d.amount != 1 {
		unitEN += "s"
	}
	since := clockWords[clock]
	t := breach.Text{
		ZH: fmt.Sprintf("自%s起 %d %s内", since.ZH, d.amount, unitZH),
		EN: fmt.Sprintf("within %d %s of %s", d.amount, unitEN, since.EN),
	}
	switch d.start {
	case "same_day":
		t.ZH += "（当日计为第一日）"
		t.EN += " (that day is day one)"
	case "year_end":
		t.ZH = fmt.Sprintf("自%s所在年度终了起 %d %s内", since.ZH, d.amount, unitZH)
		t.EN = fmt.Sprintf("within %d %s of the end of the year of %s", d.amount, unitEN, since.EN)
	}
	if d.roll {
		t.ZH += "，末日为休息日的顺延至下一个工作日"
		t.EN += ", moved to the next business day if the last day is none"
	}
	if !d.hard {
		t.ZH += "（指引或草案，非法定期限）"
		t.EN += " (guideline or draft, not law)"
	}
	return t
}
