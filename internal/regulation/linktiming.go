package regulation

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/internal/breach"
)

func (c *compiler) linkTiming(d *sourceFile, r *rule, doc *ruleDoc) {
	for _, l := range doc.Clock {
		def, ok := breach.DefOf(breach.FactName(l.Text))
		if !ok || !def.Clock {
			c.fault(d.name, l.Line, "use a clock: "+clockNames(), "%q is not an instant that deadlines run from", l.Text)
			continue
		}
		r.clocks = append(r.clocks, def.Name)
	}
	if len(doc.Clock) == 0 {
		c.fault(d.name, r.line, "write clock: with the fact that time runs from, such as aware_at", "rule %s has no clock", r.id)
	}
	if doc.Urgency.Text != "" {
		u, ok := c.urgencies[doc.Urgency.Text]
		if !ok {
			c.fault(d.name, doc.Urgency.Line, "use one of "+strings.Join(sortedKeys(c.urgencies), ", "), "there is no urgency %q", doc.Urgency.Text)
		}
		r.urgency = &u
	}
	if doc.Deadline != nil {
		r.deadline = c.deadline(d, doc.Deadline, r.line)
	}
	if r.deadline == nil && r.urgency == nil && doc.Deadline == nil {
		c.fault(d.name, r.line, "write deadline: with the law's number, or urgency: with its word", "rule %s says nothing about time", r.id)
	}
	if doc.Delay != nil {
		def, ok := breach.DefOf(breach.FactName(doc.Delay.Fact.Text))
		if !ok || def.Type != breach.FactTime {
			c.fault(d.name, max(r.line, doc.Delay.Fact.Line), "use a fact that holds an instant", "a delay cannot last until %q", doc.Delay.Fact.Text)
			return
		}
		c.wantText(d.name, doc.Delay.Fact.Line, "delay's text", breach.Text{ZH: doc.Delay.ZH, EN: doc.Delay.EN})
		r.delay = &delay{def.Name, breach.Text{ZH: doc.Delay.ZH, EN: doc.Delay.EN}}
	}
}

func clockNames() string {
	var names []string
	for _, d := range breach.FactDefs() {
		if d.Clock {
			names = append(names, string(d.Name))
		}
	}
	return strings.Join(names, ", ")
}

// maxAmount keeps a deadline within ten years of days or hours: more is a slip of the pen.
const maxAmount = 3660

func (c *compiler) deadline(d *sourceFile, doc *deadlineDoc, line int) *deadline {
	out := &deadline{amount: doc.Amount, unit: doc.Unit.Text, start: doc.Start.Text, roll: doc.Roll.Text == "next_business_day", calendar: doc.Calendar.Text}
	line = max(line, doc.Unit.Line)
	days := out.unit == "calendar_day" || out.unit == "business_day"
	if !days && out.unit != "hour" && out.unit != "minute" {
		c.fault(d.name, line, "use minute, hour, calendar_day or business_day", "there is no unit %q", out.unit)
		return nil
	}
	if out.amount < 1 || out.amount > maxAmount {
		c.fault(d.name, line, fmt.Sprintf("write a number from 1 to %d", maxAmount), "a deadline of %d cannot be", out.amount)
		return nil
	}
	if out.start == "" {
		out.start = "same_instant"
		if days {
			out.start = "next_day"
		}
	}
	starts := []string{"same_instant"}
	if days {
		starts = []string{"next_day", "same_day", "year_end"}
	}
	if !slices.Contains(starts, out.start) {
		c.fault(d.name, max(line, doc.Start.Line), "use "+strings.Join(starts, " or "), "%ss cannot start %q", out.unit, out.start)
	}
	switch doc.Roll.Text {
	case "", "none", "next_business_day":
	default:
		c.fault(d.name, doc.Roll.Line, "use none or next_business_day", "there is no way to roll named %q", doc.Roll.Text)
	}
	switch doc.Kind.Text {
	case "hard":
		out.hard = true
	case "soft":
	default:
		c.fault(d.name, max(line, doc.Kind.Line), "write kind: hard where the law gives the number, soft where a guideline does", "the deadline's kind is %q", doc.Kind.Text)
	}
	if out.unit == "business_day" || out.roll {
		if c.engine.calendars[out.calendar] == nil {
			c.fault(d.name, max(line, doc.Calendar.Line), "use one of "+strings.Join(sortedKeys(c.engine.calendars), ", "), "there is no calendar %q", out.calendar)
			return nil
		}
	}
	return out
}
