package store

import (
	"context"
	"strconv"

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
	matters, err := list[Matter](ctx, q, `
		select 'obligation' as kind, key, status from obligation where incident_no = $1 and status not in `+ended+`
		union all select 'task', id, kind from task where incident_no = $1 and outcome is null
		union all select 'notice', n::text, state from campaign where incident_no = $1 and state <> 'finished'
		union all select 'public notice', subject, 'awaits approval' from document d where incident_no = $1 and kind = 'public_notice' and voided_at is null
			and not exists (select from public_notice p where p.document_id = d.id)
		union all select 'people file', no::text, 'not read to its end' from people_import where incident_no = $1 and finished_at is null
		union all select 'facts', 'revision ' || facts_rev, 'not assessed' from incident where no = $1 and facts_rev > assessed_rev
		order by 1, 2`, no)
	if err != nil {
		return nil, err
	}
	untold, err := untoldPeople(ctx, q, no)
	return append(matters, untold...), err
}

// untoldPeople lists the people whom nobody has told, where a duty to tell them is owed.
func untoldPeople(ctx context.Context, q querier, no int64) ([]Matter, error) {
	owed, err := noticeOwed(ctx, q, no)
	if err != nil || !owed {
		return nil, err
	}
	tally, err := countPeople(ctx, q, no)
	if err != nil {
		return nil, err
	}
	unsent, err := uncampaigned(ctx, q, no)
	if err != nil {
		return nil, err
	}
	var matters []Matter
	for _, m := range []struct {
		key string
		n   int64
	}{{"open", tally.Open}, {"missed", tally.Missed}, {"in no notice", unsent}} {
		if m.n > 0 {
			matters = append(matters, Matter{Kind: "people", Key: m.key, Status: strconv.FormatInt(m.n, 10)})
		}
	}
	return matters, nil
}

func noticeOwed(ctx context.Context, q querier, no int64) (owed bool, err error) {
	err = q.QueryRow(ctx, `select exists (select from obligation where incident_no = $1 and duty = 'notice' and owed = 'owed')`, no).Scan(&owed)
	return owed, err
}
