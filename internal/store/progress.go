package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// The running counts say how many deliveries, recipients and people are in which state without reading them: triggers add
// every difference to progress_delta in the transaction that makes it, see migration 009. What nobody has touched has no
// count: it is open, and its number is what the imports counted less the rest.

const runningCounts = `(select incident_no, kind, campaign_n, cohort, channel, state, resent, n from progress
	union all select incident_no, kind, campaign_n, cohort, channel, state, resent, n from progress_delta)`

// sumProgress folds the differences into the sums, and what was told into minutes. Whoever comes while another does it goes
// on without.
func (s *Store) sumProgress(ctx context.Context, no int64) error {
	return s.tx(ctx, "sum up progress", func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, `select pg_try_advisory_xact_lock(hashtextextended('tocsin/progress', $1))`, no).Scan(&mine); err != nil || !mine {
			return err
		}
		_, err := tx.Exec(ctx, `
			with gone as (delete from progress_delta where incident_no = $1 returning *),
			minutes as (
				insert into progress_minute (incident_no, campaign_n, minute, told)
				select incident_no, campaign_n, date_trunc('minute', at), sum(n) from gone
				where kind in ('recipient', 'supplement') and state = 'told' and n > 0 group by 1, 2, 3
				on conflict (incident_no, campaign_n, minute) do update set told = progress_minute.told + excluded.told)
			insert into progress (incident_no, kind, campaign_n, cohort, channel, state, resent, n)
			select incident_no, kind, campaign_n, cohort, channel, state, resent, sum(n) from gone
			group by incident_no, kind, campaign_n, cohort, channel, state, resent
			on conflict (incident_no, kind, campaign_n, cohort, channel, state, resent) do update set n = progress.n + excluded.n`, no)
		return err
	})
}

// SegmentCount says how many recipients of one cohort are in one state.
type SegmentCount struct {
	Cohort int                   `json:"cohort" db:"cohort"`
	State  breach.RecipientState `json:"state" db:"state"`
	N      int64                 `json:"n" db:"n"`
}

// Progress is where a campaign stands, by channel and by segment. It is read from the running counts.
type Progress struct {
	Campaign
	Recipients int64                 `json:"recipients"` // frozen in
	Told       int64                 `json:"told"`
	Missed     int64                 `json:"missed"`
	Public     int64                 `json:"public"`
	Exempt     int64                 `json:"exempt"`
	Open       int64                 `json:"open"`
	Channels   []breach.ChannelTally `json:"channels"`
	Segments   []SegmentCount        `json:"segments"`   // states other than open
	PerMinute  float64               `json:"per_minute"` // recipients told a minute, over the last minutes of sending
	Now        time.Time             `json:"now"`
}

// rateWindow is how many minutes the rate is taken over.
const rateWindow = 10

// Progress reads a campaign's running counts.
func (s *Store) Progress(ctx context.Context, id breach.IncidentID, n int) (Progress, error) {
	var p Progress
	var err error
	if p.Campaign, err = s.Campaign(ctx, id, n); err != nil {
		return p, err
	}
	no, err := incidentNumber(ctx, s.pool, id)
	if err != nil {
		return p, wrap("read progress", err)
	}
	if err := s.sumProgress(ctx, no); err != nil {
		return p, err
	}
	if p.Channels, err = s.channelCounts(ctx, no, n); err != nil {
		return p, err
	}
	p.Segments, err = list[SegmentCount](ctx, s.pool, `
		select cohort, state, sum(n)::bigint as n from `+runningCounts+` x
		where incident_no = $1 and kind in ('recipient', 'supplement') and campaign_n = $2 and state not in ('open', '`+string(recipientOutside)+`') group by cohort, state having sum(n) <> 0 order by cohort, state`, no, n)
	if err != nil {
		return p, wrap("read progress", err)
	}
	for _, c := range p.Segments {
		switch c.State {
		case breach.RecipientTold:
			p.Told += c.N
		case breach.RecipientMissed:
			p.Missed += c.N
		case breach.RecipientPublic:
			p.Public += c.N
		case breach.RecipientExempt:
			p.Exempt += c.N
		default:
		}
	}
	err = s.pool.QueryRow(ctx, `
		select now(), case when c.supplements is not null then c.audience
			else coalesce((select sum(p.recipients) from people_import p where p.incident_no = c.incident_no and p.lo >= c.lo and p.hi <= c.hi), 0) end,
			coalesce((select sum(told)::float8 / greatest(1, extract(epoch from now() - greatest(min(minute), now() - make_interval(mins => $3))) / 60)
				from progress_minute m where m.incident_no = $1 and m.campaign_n = $2 and m.minute > now() - make_interval(mins => $3)), 0)
		from campaign c where c.incident_no = $1 and c.n = $2`, no, n, rateWindow).Scan(&p.Now, &p.Recipients, &p.PerMinute)
	p.Open = p.Recipients - p.Told - p.Missed - p.Public - p.Exempt
	return p, wrap("read progress", err)
}

// CohortCounts says how many recipients of each cohort are in which state; those that nothing was tried for yet are in none.
func (s *Store) CohortCounts(ctx context.Context, id breach.IncidentID) (map[int]map[breach.RecipientState]int64, error) {
	counts, err := list[SegmentCount](ctx, s.pool, `
		select cohort, state, sum(n)::bigint as n from `+runningCounts+` x join incident i on i.no = x.incident_no
		where i.id = $1 and kind = 'recipient' and state <> 'open' group by cohort, state`, id)
	if err != nil {
		return nil, wrap("read progress", err)
	}
	out := map[int]map[breach.RecipientState]int64{}
	for _, c := range counts {
		if out[c.Cohort] == nil {
			out[c.Cohort] = map[breach.RecipientState]int64{}
		}
		out[c.Cohort][c.State] = c.N
	}
	return out, nil
}

// channelCounts reads the running counts of a campaign's deliveries, in the order of its ladder.
func (s *Store) channelCounts(ctx context.Context, no int64, n int) ([]breach.ChannelTally, error) {
	type row struct {
		Channel breach.Channel       `db:"channel"`
		State   breach.DeliveryState `db:"state"`
		Resent  bool                 `db:"resent"`
		N       int64                `db:"n"`
	}
	rows, err := list[row](ctx, s.pool, `
		select l.channel, coalesce(x.state, '') as state, coalesce(x.resent, false) as resent, coalesce(sum(x.n), 0)::bigint as n
		from campaign c cross join unnest(c.ladder) with ordinality l (channel, position)
		left join `+runningCounts+` x on x.incident_no = $1 and x.kind = 'delivery' and x.campaign_n = c.n and x.channel = l.channel
		where c.incident_no = $1 and c.n = $2 group by l.channel, l.position, x.state, x.resent order by l.position`, no, n)
	if err != nil {
		return nil, wrap("count deliveries", err)
	}
	var out []breach.ChannelTally
	for _, r := range rows {
		if len(out) == 0 || out[len(out)-1].Channel != r.Channel {
			out = append(out, breach.ChannelTally{Channel: r.Channel})
		}
		t := &out[len(out)-1]
		t.Attempted += r.N
		if r.Resent {
			t.Resent += r.N
		}
		switch r.State {
		case breach.DeliveryAccepted:
			t.Accepted += r.N
		case breach.DeliveryRejected:
			t.Rejected += r.N
		case breach.DeliveryBounced:
			t.Bounced += r.N
		case breach.DeliveryInDoubt:
			t.InDoubt += r.N
		default:
			t.Waiting += r.N
		}
	}
	return out, nil
}
