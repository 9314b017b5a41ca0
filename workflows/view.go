package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tocsin/internal/breach"
)

// view is what managers see: the list's columns and the page's text. It is compared before it is written, since each
// writing is an event.
type view struct {
	Phase, Severity, Awaits, Line string
	Total, Told, Unreached        int64
	Next                          time.Time
	Overdue                       bool
	Duties                        string
}

// show brings search attributes and current details up to date.
func (w *incident) show(ctx workflow.Context) error {
	workflow.SetCurrentDetails(ctx, w.details())
	v := w.view()
	if v == w.shown {
		return nil
	}
	w.shown = v
	updates := []temporal.SearchAttributeUpdate{
		KeyIncident.ValueSet(string(w.ID)), KeyKind.ValueSet("incident"), KeyPhase.ValueSet(v.Phase), KeySeverity.ValueSet(v.Severity),
		KeyAwaits.ValueSet(v.Awaits), KeyStatusLine.ValueSet(v.Line), KeyTotal.ValueSet(v.Total), KeyTold.ValueSet(v.Told),
		KeyUnreached.ValueSet(v.Unreached), KeyOverdue.ValueSet(v.Overdue),
	}
	if v.Next.IsZero() {
		updates = append(updates, KeyNextDeadline.ValueUnset())
	} else {
		updates = append(updates, KeyNextDeadline.ValueSet(v.Next))
	}
	if v.Duties == "" {
		updates = append(updates, KeyDuties.ValueUnset())
	} else {
		updates = append(updates, KeyDuties.ValueSet(strings.Split(v.Duties, " ")))
	}
	return workflow.UpsertTypedSearchAttributes(ctx, updates...)
}

func (w *incident) view() view {
	v := view{
		Phase: string(w.Phase), Severity: w.severity(), Awaits: string(w.awaits()),
		Total: w.Tally.Affected, Told: w.Tally.Told + w.Tally.Public, Unreached: w.Tally.Missed,
	}
	next, title := w.nextDeadline()
	if next != nil {
		v.Next = *next
	}
	var open []string
	for _, d := range w.Duties {
		v.Overdue = v.Overdue || d.Late
		if d.Started && !d.Done && d.Owed == breach.IsOwed {
			rule, _, _ := strings.Cut(d.Key, "/")
			open = append(open, rule)
		}
	}
	slices.Sort(open)
	v.Duties = strings.Join(slices.Compact(open), " ")
	v.Line = w.line(next, title)
	return v
}

// severity shows each scale's level, "CAC relatively major · MIIT general".
func (w *incident) severity() string {
	var parts []string
	for _, l := range w.Levels {
		if l.Level != "" {
			parts = append(parts, l.Scale+": "+l.Level)
		}
	}
	if len(parts) == 0 {
		return "no level yet"
	}
	return clip(strings.Join(parts, " · "))
}

// awaits is the role whose move it is; approvers before all others, since a clock usually stands behind them.
func (w *incident) awaits() breach.Role {
	found := breach.Role("none")
	for _, list := range [][]Tracked{w.Duties, w.Campaigns, w.Public} {
		for _, t := range list {
			switch {
			case t.Done || t.Awaits == "":
			case t.Awaits == breach.RoleApprover:
				return breach.RoleApprover
			default:
				found = t.Awaits
			}
		}
	}
	if found == "none" && w.PlanAwaits != "" && w.Plan != "done" {
		return w.PlanAwaits
	}
	return found
}

func (w *incident) line(next *time.Time, title string) string {
	if w.Phase == breach.PhaseClosed {
		return "Closed"
	}
	open := 0
	for _, d := range w.Duties {
		if d.Started && !d.Done {
			open++
		}
	}
	line := fmt.Sprintf("%s; %d duties open", w.Phase, open)
	if next != nil {
		line += "; next " + title
	}
	if w.Tally.Affected > 0 {
		line += fmt.Sprintf("; told %d of %d", w.Tally.Told+w.Tally.Public, w.Tally.Affected)
	}
	return clip(line)
}

// clip keeps a search attribute within what the list can hold.
func clip(s string) string {
	const most = 190
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut] + "…"
}

// details is the page a manager opens: where it stands, the clocks, the people. It stays short, because the UI carries
// it in an address.
func (w *incident) details() string {
	parts := []string{
		fmt.Sprintf("### %s · %s\n\n**Severity** %s\n\n", w.ID, w.Phase, w.severity()),
		fmt.Sprintf("**Plan** %s · **Alerts** %d · **Waits for** %s\n\n", orNone(w.Plan), w.Alerts, w.awaits()),
	}
	if t := w.Tally; t.Affected > 0 {
		parts = append(parts, fmt.Sprintf("**People** affected %d (minors %d) · told %d · by public notice %d · exempt %d · open %d · unreached %d\n\n",
			t.Affected, t.Minors, t.Told, t.Public, t.Exempt, t.Open, t.Missed))
	}
	parts = append(parts, w.clocks()...)
	notices := slices.Concat(w.Campaigns, w.Public)
	if hidden := len(notices) - 10; hidden > 0 {
		notices = notices[hidden:]
		parts = append(parts, fmt.Sprintf("\n%d earlier notices", hidden))
	}
	for _, c := range notices {
		parts = append(parts, fmt.Sprintf("\n%s %s: %s", c.Title, c.Key, c.Status))
	}
	if len(w.Waits) > 0 {
		parts = append(parts, fmt.Sprintf("\n\n**Not closed yet** %d things are open: `tocsin incident close %s` lists them", len(w.Waits), w.ID))
	}
	return strings.Join(parts, "")
}

// clocks is the table of duties that are still open, by deadline, as many rows as there is room for.
func (w *incident) clocks() []string {
	const room = 2600 // bytes
	open, ended := w.openDuties()
	var parts []string
	if len(open) > 0 {
		parts = append(parts, "| duty | due | status |\n|---|---|---|\n")
	}
	used := 0
	for _, d := range open {
		row := fmt.Sprintf("| %s | %s | %s |\n", clip(d.Title), due(d.Clock), standing(d))
		if used += len(row); used > room {
			return append(parts, fmt.Sprintf("\n… and more: `tocsin incident show %s`\n", w.ID))
		}
		parts = append(parts, row)
	}
	if ended > 0 {
		parts = append(parts, fmt.Sprintf("\n%d duties are met, covered by another report, or no longer owed.\n", ended))
	}
	return parts
}

// openDuties are the tracked duties that have not ended, by deadline, and how many have.
func (w *incident) openDuties() (open []Tracked, ended int) {
	for _, d := range w.Duties {
		switch {
		case !d.Started:
		case d.Done:
			ended++
		default:
			open = append(open, d)
		}
	}
	slices.SortStableFunc(open, func(a, b Tracked) int { return deadline(a).Compare(deadline(b)) })
	return open, ended
}

// deadline orders duties; one without an instant comes last.
func deadline(d Tracked) time.Time {
	if t := d.Clock.Target(); t != nil {
		return *t
	}
	return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
}

func due(c Clock) string {
	switch {
	case c.Deadline != "":
		return c.Deadline
	case c.DueAt != nil:
		return c.DueAt.UTC().Format("2006-01-02 15:04")
	case c.PolicyAt != nil:
		return c.PolicyAt.UTC().Format("2006-01-02 15:04") + " (policy)"
	case c.Waits:
		return "clock not started"
	}
	return "no number"
}

func standing(d Tracked) string {
	s := strings.ReplaceAll(d.Status, "_", " ")
	if d.Owed == breach.Possible {
		s = "possible, " + s
	}
	if d.Late {
		s = "**LATE** " + s
	}
	return s
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
