package store

import (
	"context"
	"time"

	"tocsin/internal/breach"
)

// Wanted reports whether somebody of a shard is to be told by a channel next, or a delivery on it waits.
func (s *Store) Wanted(ctx context.Context, l Lease, channel breach.Channel) (wanted bool, err error) {
	err = s.pool.QueryRow(ctx, `
		select exists (select from recipient r left join `+l.standings()+` s on s.incident_no = r.incident_no and s.id = r.id
				where r.incident_no = $1 and r.id >= $4 and r.id < $5 and `+onRung(l.Ladder, channel)+`)
			or exists (select from delivery where incident_no = $1 and campaign_n = $2 and shard = $3 and channel = $6 and
				(state in ('claimed', 'intent', 'temporary') or state = 'in_doubt' and next_at is distinct from 'infinity'))`,
		l.no, l.Campaign, l.Shard, l.Lo, l.Hi, channel).Scan(&wanted)
	return wanted, wrap("look who waits for a channel", err)
}

// NoticeDue is the earliest instant by which the law wants people told and they are not; nil where there is none.
func (s *Store) NoticeDue(ctx context.Context, id breach.IncidentID) (due *time.Time, err error) {
	err = s.pool.QueryRow(ctx, `
		select min(o.due_at) from obligation o join incident i on i.no = o.incident_no
		where i.id = $1 and o.duty = $2 and o.owed = $3 and o.met_at is null`, id, breach.DutyNotice, breach.IsOwed).Scan(&due)
	return due, wrap("read the notice's deadline", err)
}
