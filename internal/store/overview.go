package store

import (
	"context"
	"time"

	"tocsin/internal/breach"
)

// Overview is an incident in a list: where it stands and what is nearest.
type Overview struct {
	Incident
	Severities []breach.Severity `json:"severities" db:"severities"`
	NextDue    *time.Time        `json:"next_due,omitempty" db:"next_due"` // the nearest instant of a duty that has not ended: the law's, else the policy's
	Overdue    int               `json:"overdue" db:"overdue"`             // duties that have not ended and whose lawful instant has passed
	OpenTasks  int               `json:"open_tasks" db:"open_tasks"`
	Awaiting   int               `json:"awaiting" db:"awaiting"` // documents that wait for a second person
}

// ended are the states of [ObligationStatus.Ended], as SQL.
const ended = `('met', 'not_owed', 'covered', 'waived', 'acknowledged', 'withdrawn')`

// Overviews returns the newest incidents, at most limit, older than the incident with row number before (0: from the
// newest).
func (s *Store) Overviews(ctx context.Context, before int64, limit int) ([]Overview, error) {
	overviews, err := list[Overview](ctx, s.pool, `
		select i.no, i.id, i.source, i.phase, i.alert_count, i.facts_rev, i.assessed_rev, i.opened_by, i.opened_at, i.closed_at, i.title_sealed,
			coalesce((select a.result -> 'severities' from assessment a where a.incident_no = i.no order by a.facts_rev desc limit 1), '[]') as severities,
			(select min(coalesce(`+heldDue+`, o.policy_at)) from obligation o where o.incident_no = i.no and o.status not in `+ended+`) as next_due,
			(select count(*) from obligation o where o.incident_no = i.no and o.status not in `+ended+` and o.overdue) as overdue,
			(select count(*) from task t where t.incident_no = i.no and t.outcome is null) as open_tasks,
			(select count(*) from document d where d.incident_no = i.no and d.voided_at is null and d.approved_at is null) as awaiting
		from incident i where $1 = 0 or i.no < $1 order by i.no desc limit $2`, before, limit)
	for i := range overviews {
		overviews[i].Incident = s.openTitle(ctx, overviews[i].Incident)
	}
	return overviews, wrap("list incidents", err)
}

// Counts are numbers about the whole house, for metrics.
type Counts struct {
	OpenIncidents int64 `db:"open_incidents"`
	OpenTasks     int64 `db:"open_tasks"`
	Overdue       int64 `db:"overdue"` // duties that have not ended and whose lawful instant has passed
	Awaiting      int64 `db:"awaiting"`
}

// Counts reads them.
func (s *Store) Counts(ctx context.Context) (Counts, error) {
	c, err := one[Counts](ctx, s.pool, `
		select
			(select count(*) from incident where closed_at is null) as open_incidents,
			(select count(*) from task where outcome is null) as open_tasks,
			(select count(*) from obligation where status not in `+ended+` and overdue) as overdue,
			(select count(*) from document d where d.voided_at is null and d.approved_at is null) as awaiting`)
	return c, wrap("count", err)
}

// Task returns one task.
func (s *Store) Task(ctx context.Context, id string) (Task, error) {
	t, err := one[Task](ctx, s.pool, `select `+taskColumns+` from task t join incident i on i.no = t.incident_no where t.id = $1`, id)
	if err != nil {
		return t, wrap("read task", err)
	}
	return t, s.openTaskText(ctx, &t)
}

// TokenEntry is a token in a list. The token itself is not kept.
type TokenEntry struct {
	Holder
	CreatedAt time.Time  `json:"created_at" db:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" db:"expires_at"`
	RevokedAt *time.Time `json:"revoked_at,omitempty" db:"revoked_at"`
}

// Tokens lists all tokens by name, those that ended too.
func (s *Store) Tokens(ctx context.Context) ([]TokenEntry, error) {
	tokens, err := list[TokenEntry](ctx, s.pool, `select name, person, roles, created_at, expires_at, revoked_at from api_token order by name`)
	return tokens, wrap("list tokens", err)
}
