package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// onRung is the SQL condition that recipient r, with standing s, is to be told by a channel next: the first of the ladder after
// the rungs behind them that they have a contact for.
func onRung(ladder []breach.Channel, channel breach.Channel) string {
	at := slices.Index(ladder, channel) + 1
	cond := fmt.Sprintf(`coalesce(s.state, 'open') = 'open' and r.%s is not null and coalesce(s.passed, 0) < %d`, contactColumn(channel), at)
	for i, earlier := range ladder[:at-1] {
		cond += fmt.Sprintf(` and (coalesce(s.passed, 0) >= %d or r.%s is null)`, i+1, contactColumn(earlier))
	}
	return cond
}

// contactColumns are the columns of recipient that hold blind indexes of contacts.
var contactColumns = []string{"email", "sms", "push"}

func contactColumn(c breach.Channel) string {
	if !slices.Contains(contactColumns, string(c)) {
		panic("store: no contacts of channel " + string(c))
	}
	return string(c)
}

// fold carries the outcomes of deliveries that ended earlier to everyone behind the contacts.
func fold(ctx context.Context, tx pgx.Tx, l Lease, channel breach.Channel, results []Result) error {
	g := group{lease: l, channel: channel, results: results}
	var b pgx.Batch
	g.foldTold(&b)
	g.foldMoved(&b)
	return tx.SendBatch(ctx, &b).Close()
}

// behind is the SQL for the recipients r of a campaign who share the contacts named by $2, with their standing s. Here and
// above, + 0 keeps the planner from walking the campaign's whole range of ids instead of looking the contact up.
func behind(l Lease, channel breach.Channel) string {
	column := contactColumn(channel)
	return `from recipient f join recipient r on r.incident_no = f.incident_no and r.` + column + ` = f.` + column + ` and r.id + 0 >= $3 and r.id + 0 < $4
		left join ` + l.standings() + ` s on s.incident_no = r.incident_no and s.id = r.id
		where f.incident_no = $1 and f.id = any($2)`
}

// tellBehind is the statement that tells all who share a contact.
func tellBehind(l Lease, channel breach.Channel) string {
	return `
		insert into ` + l.standings() + ` as standing (incident_no, id, passed, flags, state, told_by, told_at)
		select r.incident_no, r.id, coalesce(s.passed, 0), r.flags, 'told', $5, now() ` + behind(l, channel) + ` and coalesce(s.state, 'open') in ('open', 'missed') order by r.id
		` + onceTold
}

// onceTold is what becomes of a standing that is there already.
const onceTold = `on conflict (incident_no, id) do update set state = 'told', told_by = excluded.told_by, told_at = excluded.told_at where standing.state in ('open', 'missed')`

// moveBehind is the statement that brings all who share a contact to their next rung, or past the last.
func moveBehind(l Lease, channel breach.Channel) string {
	left := "false"
	for _, later := range l.Ladder[slices.Index(l.Ladder, channel)+1:] {
		left += " or r." + contactColumn(later) + " is not null"
	}
	return `
		insert into ` + l.standings() + ` as standing (incident_no, id, passed, flags, state)
		select r.incident_no, r.id, $5, r.flags, case when ` + left + ` then 'open' else 'missed' end ` + behind(l, channel) + ` and ` + onRung(l.Ladder, channel) + ` order by r.id
		on conflict (incident_no, id) do update set passed = excluded.passed, state = excluded.state where standing.state = 'open' and standing.passed < excluded.passed`
}
