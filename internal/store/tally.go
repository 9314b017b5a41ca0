package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// A person is told when a recipient of each role that must be told is told: the person alone for an adult; a guardian for
// a minor, and the minor too where the minor has an address of their own. Who can no longer be told that way is missed, and
// a public notice is then what reaches them.
const foldPeople = `
	update affected_person p set state = f.state
	from (
		select person_id, case
			when bool_and(done) then 'told'
			when bool_and(done or shown) then 'public'
			when bool_or(waiting) then 'open'
			else 'missed' end as state
		from (
			select person_id, role,
				bool_or(state = 'told') as done,
				bool_or(state = 'public') as shown,
				bool_or(state = 'open') and not bool_or(state = 'told') as waiting
			from recipient where incident_no = $1 group by person_id, role) r
		group by person_id) f
	where p.incident_no = $1 and p.id = f.person_id and p.state <> f.state and p.state <> 'exempt'`

// FoldPeople brings every person's state into line with their recipients' and returns the count.
func (s *Store) FoldPeople(ctx context.Context, id breach.IncidentID) (breach.Tally, error) {
	var tally breach.Tally
	err := s.tx(ctx, "fold people", func(tx pgx.Tx) error {
		no, err := incidentNumber(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, foldPeople, no); err != nil {
			return err
		}
		tally, err = countPeople(ctx, tx, no)
		return err
	})
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

func countPeople(ctx context.Context, q querier, no int64) (t breach.Tally, err error) {
	err = q.QueryRow(ctx, `
		select count(*), count(*) filter (where age in ('minor_14_17', 'under_14', 'minor')), count(*) filter (where age = 'under_14'),
			count(*) filter (where state = 'told'), count(*) filter (where state = 'public'), count(*) filter (where state = 'exempt'),
			count(*) filter (where state = 'open'), count(*) filter (where state = 'missed')
		from affected_person where incident_no = $1`, no).
		Scan(&t.Affected, &t.Minors, &t.Under14, &t.Told, &t.Public, &t.Exempt, &t.Open, &t.Missed)
	return t, err
}

// ChannelTallies counts a campaign's deliveries by channel, in the order of its ladder.
func (s *Store) ChannelTallies(ctx context.Context, id breach.IncidentID, n int) ([]breach.ChannelTally, error) {
	type row struct {
		Channel   breach.Channel `db:"channel"`
		Attempted int64          `db:"attempted"`
		Accepted  int64          `db:"accepted"`
		Rejected  int64          `db:"rejected"`
		Waiting   int64          `db:"waiting"`
		InDoubt   int64          `db:"in_doubt"`
		Resent    int64          `db:"resent"`
	}
	rows, err := list[row](ctx, s.pool, `
		select l.channel, count(d.id) as attempted, count(d.id) filter (where d.state = 'accepted') as accepted,
			count(d.id) filter (where d.state = 'rejected') as rejected,
			count(d.id) filter (where d.state in ('claimed', 'intent', 'temporary')) as waiting,
			count(d.id) filter (where d.state = 'in_doubt') as in_doubt, count(d.id) filter (where d.resent) as resent
		from incident i join campaign c on c.incident_no = i.no
		cross join unnest(c.ladder) with ordinality l (channel, position)
		left join delivery d on d.incident_no = i.no and d.campaign_n = c.n and d.channel = l.channel
		where i.id = $1 and c.n = $2 group by l.channel, l.position order by l.position`, id, n)
	if err != nil {
		return nil, wrap("count deliveries", err)
	}
	tallies := make([]breach.ChannelTally, len(rows))
	for i, r := range rows {
		tallies[i] = breach.ChannelTally(r)
	}
	return tallies, nil
}
