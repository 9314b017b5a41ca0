package store

import (
	"context"

	"tocsin/internal/breach"
)

// Matter is something that keeps an incident from being closed.
type Matter struct {
	Kind   string `json:"kind" db:"kind"` // "obligation", "task", "notice", "people", "facts"
	Key    string `json:"key" db:"key"`
	Status string `json:"status" db:"status"`
}

// OpenMatters lists what keeps an incident from being closed: duties not ended, tasks of people, notices under way, people
// whom nobody told although a duty to tell them is owed, files loaded after the last notice, and facts that nobody has assessed. An empty list is the only one
// that lets it close.
func (s *Store) OpenMatters(ctx context.Context, id breach.IncidentID) ([]Matter, error) {
	no, err := incidentNumber(ctx, s.pool, id)
	if err != nil {
		return nil, wrap("list open matters", err)
	}
	matters, err := openMatters(ctx, s.pool, no)
	return matters, wrap("list open matters", err)
}

func openMatters(ctx context.Context, q querier, no int64) ([]Matter, error) {
	return list[Matter](ctx, q, `
		select 'obligation' as kind, key, status from obligation where incident_no = $1 and status not in `+ended+`
		union all select 'task', id, kind from task where incident_no = $1 and outcome is null
		union all select 'notice', n::text, state from campaign where incident_no = $1 and state <> 'finished'
		union all select 'public notice', subject, 'awaits approval' from document d where incident_no = $1 and kind = 'public_notice' and voided_at is null
			and not exists (select from public_notice p where p.document_id = d.id)
		union all select 'people', state, count(*)::text from affected_person where incident_no = $1 and state in ('open', 'missed')
			and exists (select from obligation o where o.incident_no = $1 and o.duty = 'notice' and o.owed = 'owed') group by state
		union all select 'people', 'in no notice', count(*)::text from recipient r where incident_no = $1 and campaign_n is null
			and exists (select from obligation o where o.incident_no = $1 and o.duty = 'notice' and o.owed = 'owed') having count(*) > 0
		union all select 'facts', 'revision ' || facts_rev, 'not assessed' from incident where no = $1 and facts_rev > assessed_rev
		order by 1, 2`, no)
}
