package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// A person is told when a recipient of each role that must be told is told: the person alone for an adult; a guardian for
// a minor, and the minor too where the minor has an address of their own. Who can no longer be told that way is missed, and
// a public notice is then what reaches them. Whoever has one recipient stands where that one does; the others are folded here,
// into the row that stands for them.
const foldedPeople = `
	select person, case
		when bool_and(done or exempt) and bool_or(done) then 'told'
		when bool_and(exempt) then 'exempt'
		when bool_and(done or shown or exempt) then 'public'
		when bool_or(waiting) then 'open'
		else 'missed' end as state
	from (
		select r.person, c.role,
			bool_or(s.state = 'told') is true as done,
			bool_or(s.state = 'public') is true as shown,
			bool_and(s.state = 'exempt') is true as exempt,
			bool_or(coalesce(s.state, 'open') = 'open') and bool_or(s.state = 'told') is not true as waiting
		from recipient r join cohort c on c.incident_no = $1 and c.no = r.cohort
		left join standing s on s.incident_no = $1 and s.id = r.id
		where r.incident_no = $1 and r.flags & 2 <> 0 group by r.person, c.role) roles
	group by person`

const foldPeople = `
	insert into standing (incident_no, id, passed, flags, state, person_state)
	select $1, h.id, 0, h.flags, 'open', f.state
	from (` + foldedPeople + `) f
	join recipient h on h.incident_no = $1 and h.person = f.person and h.flags & 1 <> 0
	left join standing t on t.incident_no = $1 and t.id = h.id
	where coalesce(t.person_state, 'open') <> f.state order by h.id
	on conflict (incident_no, id) do update set person_state = excluded.person_state`

// FoldPeople brings every person's state into line with their recipients' and returns the count.
func (s *Store) FoldPeople(ctx context.Context, id breach.IncidentID) (breach.Tally, error) {
	var tally breach.Tally
	no, err := incidentNumber(ctx, s.pool, id)
	if err != nil {
		return tally, wrap("fold people", err)
	}
	err = s.tx(ctx, "fold people", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, foldPeople, no); err != nil {
			return err
		}
		var err error
		tally, err = countPeople(ctx, tx, no)
		return err
	})
	if err == nil {
		err = s.sumProgress(ctx, no) // so that the differences stay few where nobody asks for a status
	}
	return tally, err
}

// Tally counts an incident's people by where they stand.
func (s *Store) Tally(ctx context.Context, id breach.IncidentID) (breach.Tally, error) {
	no, err := incidentNumber(ctx, s.pool, id)
	if err != nil {
		return breach.Tally{}, wrap("count people", err)
	}
	t, err := countPeople(ctx, s.pool, no)
	return t, wrap("count people", err)
}

// countPeople adds up what imports counted and the running counts of people; who has none is open.
func countPeople(ctx context.Context, q querier, no int64) (breach.Tally, error) {
	return tallyFrom(ctx, q, no, `
		select coalesce(sum(n) filter (where state = 'told'), 0) as told, coalesce(sum(n) filter (where state = 'public'), 0) as public,
			coalesce(sum(n) filter (where state = 'exempt'), 0) as exempt, coalesce(sum(n) filter (where state = 'missed'), 0) as missed
		from `+runningCounts+` x where incident_no = $1 and kind = 'person'`)
}

func tallyFrom(ctx context.Context, q querier, no int64, states string) (t breach.Tally, err error) {
	var untoldExempt bool
	err = q.QueryRow(ctx, `
		select c.affected, c.minors, c.under14, s.told, s.public, s.exempt, s.missed, i.untold_exempt from incident i,
			(select coalesce(sum(people), 0) as affected, coalesce(sum(people) filter (where age in ('minor_14_17', 'under_14', 'minor')), 0) as minors,
				coalesce(sum(people) filter (where age = 'under_14'), 0) as under14 from cohort where incident_no = $1) c,
			(`+states+`) s
		where i.no = $1`, no).
		Scan(&t.Affected, &t.Minors, &t.Under14, &t.Told, &t.Public, &t.Exempt, &t.Missed, &untoldExempt)
	t.Open = t.Affected - t.Told - t.Public - t.Exempt - t.Missed
	if untoldExempt {
		t.Exempt, t.Open, t.Missed = t.Exempt+t.Open+t.Missed, 0, 0
	}
	return t, err
}

// ChannelTallies counts a campaign's deliveries by channel, in the order of its ladder, from the running counts.
func (s *Store) ChannelTallies(ctx context.Context, id breach.IncidentID, n int) ([]breach.ChannelTally, error) {
	no, err := incidentNumber(ctx, s.pool, id)
	if err != nil {
		return nil, wrap("count deliveries", err)
	}
	return s.channelCounts(ctx, no, n)
}
