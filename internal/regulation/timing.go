package regulation

import (
	"strings"
	"time"

	"tocsin/internal/breach"
)

// time sets clock and deadline. A clock that has not started leaves both instants nil.
func (a *assessment) time(o *breach.Obligation, r *rule, loc *time.Location) {
	o.Clock = r.clocks[0]
	for _, n := range r.clocks {
		if t, known := a.scene.facts.Time(n); known {
			o.Clock, o.ClockAt = n, &t
			break
		}
	}
	o.Hard = r.deadline != nil && r.deadline.hard
	o.Deadline = r.deadlineWords(o.Clock)
	if o.ClockAt == nil || o.Owed == breach.NotOwed {
		return
	}
	if r.deadline == nil {
		o.PolicyAt = ptr(o.ClockAt.Add(r.urgency.after))
	} else {
		a.count(o, r, loc)
	}
	a.wait(o, r)
}

func (a *assessment) count(o *breach.Obligation, r *rule, loc *time.Location) {
	due, err := r.deadline.due(*o.ClockAt, loc, a.engine.calendars)
	switch {
	case err != nil:
		// The earliest day it can be is known without the calendar: work towards that, and say so.
		earliest, _ := r.deadline.bare().due(*o.ClockAt, loc, nil)
		o.PolicyAt = &earliest
		o.Problem = &breach.Text{
			ZH: "无法计算期限：所需年度的工作日安排尚未公布，或不在本版数据中。暂按最早可能的日期提醒，请人工核算。",
			EN: "The deadline cannot be counted: the working days of the year are not published, or not in this version. " +
				"Reminders work towards the earliest day it can be; please count by hand.",
		}
	case o.Hard:
		o.DueAt = &due
	default:
		o.PolicyAt = &due
	}
}

// wait moves the deadline to the end of a lawful delay.
func (a *assessment) wait(o *breach.Obligation, r *rule) {
	if r.delay == nil {
		return
	}
	until, known := a.scene.facts.Time(r.delay.fact)
	if !known {
		return
	}
	for _, at := range []**time.Time{&o.DueAt, &o.PolicyAt} {
		if *at != nil && (*at).Before(until) {
			*at, o.Waits = ptr(until), &r.delay.text
		}
	}
}

func ptr[T any](v T) *T { return &v }

// deadlineWords joins the law's word and its number: "及时，自发现或获知时间起 4 小时内".
func (r *rule) deadlineWords(clock breach.FactName) breach.Text {
	var zh, en []string
	if r.urgency != nil {
		zh, en = append(zh, r.urgency.text.ZH), append(en, r.urgency.text.EN)
	}
	if r.deadline != nil {
		t := r.deadline.words(clock)
		zh, en = append(zh, t.ZH), append(en, t.EN)
	}
	return breach.Text{ZH: strings.Join(zh, "，"), EN: strings.Join(en, ", ")}
}
