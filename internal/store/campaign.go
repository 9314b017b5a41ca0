package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// Campaign is one notice to one frozen audience.
type Campaign struct {
	IncidentID breach.IncidentID  `json:"incident" db:"incident_id"`
	N          int                `json:"n" db:"n"`
	Number     string             `json:"number" db:"number"`
	Document   *breach.DocumentID `json:"document,omitempty" db:"document_id"`
	State      string             `json:"state" db:"state"` // drafting, sending, finished
	Ladder     []breach.Channel   `json:"ladder" db:"ladder"`
	Audience   int64              `json:"audience" db:"audience"`
	FrozenAt   *time.Time         `json:"frozen_at,omitempty" db:"frozen_at"`
	HaltedAt   *time.Time         `json:"halted_at,omitempty" db:"halted_at"`
	FinishedAt *time.Time         `json:"finished_at,omitempty" db:"finished_at"`

	Supplements *int `json:"supplements,omitempty" db:"supplements"` // the notice that it corrects or adds to; its audience is counted in recipients
}

const campaignColumns = `i.id as incident_id, c.n, c.number, c.document_id, c.state, c.ladder, c.audience, c.frozen_at, c.halted_at, c.finished_at, c.supplements`

// AddCampaign makes the n-th campaign of an incident with the notice number its messages will carry; where it exists, it
// is returned as it is.
func (s *Store) AddCampaign(ctx context.Context, id breach.IncidentID, n int, number string, ladder []breach.Channel) (Campaign, error) {
	_, err := s.pool.Exec(ctx, `
		insert into campaign (incident_no, n, number, ladder) select no, $2, $3, $4 from incident where id = $1 on conflict do nothing`, id, n, number, ladder)
	if err != nil {
		return Campaign{}, wrap("add campaign", err)
	}
	return s.Campaign(ctx, id, n)
}

// Campaign returns one campaign.
func (s *Store) Campaign(ctx context.Context, id breach.IncidentID, n int) (Campaign, error) {
	c, err := one[Campaign](ctx, s.pool, `select `+campaignColumns+` from campaign c join incident i on i.no = c.incident_no where i.id = $1 and c.n = $2`, id, n)
	return c, wrap("read campaign", err)
}

// Campaigns returns an incident's campaigns in order.
func (s *Store) Campaigns(ctx context.Context, id breach.IncidentID) ([]Campaign, error) {
	c, err := list[Campaign](ctx, s.pool, `select `+campaignColumns+` from campaign c join incident i on i.no = c.incident_no where i.id = $1 order by c.n`, id)
	return c, wrap("list campaigns", err)
}

// newestCampaign is the SQL expression for the campaign that took a recipient r; null where none did. Notices that supplement
// another have its recipients, and take none.
const newestCampaign = `(select max(c.n) from campaign c where c.incident_no = $1 and r.id >= c.lo and r.id < c.hi and c.supplements is null)`

// headState is the SQL expression for where the person stands that a standing s stands for.
const headState = `case when s.flags & 2 <> 0 then coalesce(s.person_state, 'open') else s.state end`

// Shard is a range of recipients, Lo inclusive, Hi exclusive.
type Shard struct {
	Shard int   `json:"shard" db:"shard"`
	Lo    int64 `json:"lo" db:"lo"`
	Hi    int64 `json:"hi" db:"hi"`
}

// Freeze fixes a campaign's audience: every recipient that no earlier campaign has taken, cut into shards of at most size
// recipients. Recipients are never touched: they are the range of ids that lies above the campaign before, since ids rise from
// import to import. Who comes later belongs to the next campaign. Freezing again returns the same shards.
//
// It first makes the indexes over contacts and finds the contacts that are shared, which takes time in proportion to the people:
// two to three seconds a million.
func (s *Store) Freeze(ctx context.Context, id breach.IncidentID, n int, document breach.DocumentID, size int) (Campaign, []Shard, error) {
	no, err := incidentNumber(ctx, s.pool, id)
	if err != nil {
		return Campaign{}, nil, wrap("freeze audience", err)
	}
	if err := s.indexContacts(ctx, no); err != nil {
		return Campaign{}, nil, err
	}
	upTo, err := s.findSharedAhead(ctx, no, n)
	if err != nil {
		return Campaign{}, nil, wrap("freeze audience", err)
	}
	var shards []Shard
	err = s.tx(ctx, "freeze audience", func(tx pgx.Tx) error {
		var frozen bool
		var supplements *int
		if err := tx.QueryRow(ctx, `select frozen_at is not null, supplements from campaign where incident_no = $1 and n = $2 for update`, no, n).Scan(&frozen, &supplements); err != nil {
			return err
		}
		if !frozen {
			if err := approved(ctx, tx, document); err != nil {
				return err
			}
			do := func() error { return freeze(ctx, tx, no, n, document, size, upTo) }
			if supplements != nil {
				do = func() error { return freezeSupplement(ctx, tx, no, n, *supplements, document, size) }
			}
			if err := do(); err != nil {
				return err
			}
		}
		shards, err = list[Shard](ctx, tx, `select shard, lo, hi from shard where incident_no = $1 and campaign_n = $2 order by shard`, no, n)
		return err
	})
	if err != nil {
		return Campaign{}, nil, err
	}
	c, err := s.Campaign(ctx, id, n)
	return c, shards, err
}

// freeze fixes the audience. Its shared contacts are known up to a recipient.
func freeze(ctx context.Context, tx pgx.Tx, no int64, n int, document breach.DocumentID, size int, sharedUpTo int64) error {
	if err := ensurePartitions(ctx, tx, no); err != nil {
		return err
	}
	audience, err := nextSpan(ctx, tx, no, n)
	if err != nil {
		return err
	}
	if audience.hi > sharedUpTo { // a file ended meanwhile
		if err := findShared(ctx, tx, no, audience); err != nil {
			return err
		}
	}
	if err := cutShards(ctx, tx, no, n, audience.lo, audience.hi, size); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `
		update campaign set state = 'sending', document_id = $3, frozen_at = now(), audience = $4, lo = $5, hi = $6 where incident_no = $1 and n = $2`,
		no, n, document, audience.reached, audience.lo, audience.hi); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, adoptCounts, no, n, audience.lo, audience.hi); err != nil {
		return err
	}
	return note(ctx, tx, no, breach.Tocsin, "campaign.freeze", "", Detail{"campaign": n, "people": audience.reached, "document": document})
}

// cutShards cuts a campaign's recipients into shards of a size.
func cutShards(ctx context.Context, tx pgx.Tx, no int64, n int, lo, hi int64, size int) error {
	_, err := tx.Exec(ctx, `
		insert into shard (incident_no, campaign_n, shard, lo, hi)
		select $1, $2, b, $3 + b * $5, least($4, $3 + (b + 1) * $5) from generate_series(0, ($4::bigint - $3 + $5 - 1) / $5 - 1) b`,
		no, n, lo, hi, int64(size))
	return err
}

// adoptCounts gives a campaign the running counts of those who had a standing before it took them: whom the law frees from being
// told, say.
const adoptCounts = `
	insert into progress_delta (incident_no, kind, campaign_n, cohort, channel, state, n)
	select $1, 'recipient', v.campaign_n, r.cohort, coalesce(s.told_by, ''), s.state, sum(v.n)
	from standing s join recipient r on r.incident_no = $1 and r.id = s.id cross join (values (0, -1), ($2::integer, 1)) v (campaign_n, n)
	where s.incident_no = $1 and s.id >= $3 and s.id < $4 group by 2, 3, 4, 5, 6`

// FinishCampaign records that every recipient of a campaign has an outcome. It reports false, and changes nothing, where one
// has none: a bounce may have taken an outcome back after the caller counted.
func (s *Store) FinishCampaign(ctx context.Context, id breach.IncidentID, n int) (finished bool, err error) {
	err = s.tx(ctx, "finish campaign", func(tx pgx.Tx) error {
		var no int64
		var state string
		err := tx.QueryRow(ctx, `
			select c.incident_no, c.state from campaign c join incident i on i.no = c.incident_no where i.id = $1 and c.n = $2 for update of c`, id, n).Scan(&no, &state)
		if err != nil {
			return err
		}
		if finished = state == "finished"; finished {
			return nil
		}
		open, err := openRecipients(ctx, tx, no, n)
		if err != nil || open > 0 {
			return err
		}
		finished = true
		if _, err := tx.Exec(ctx, `update campaign set state = 'finished', finished_at = now() where incident_no = $1 and n = $2`, no, n); err != nil {
			return err
		}
		return note(ctx, tx, no, breach.Tocsin, "campaign.finish", "", Detail{"campaign": n})
	})
	return finished, err
}

// Reopened says what a campaign's bounces ask for.
type Reopened struct {
	Open   bool             // it goes on: some of its recipients wait again
	Ended  bool             // it has ended and stays so
	Ladder []breach.Channel // its own
}

// ReopenCampaign lets a finished campaign go on for those whose outcome a bounce took back. Nothing changes where nobody
// waits, where the campaign's own workflow is still at it, or where the incident is closed.
func (s *Store) ReopenCampaign(ctx context.Context, id breach.IncidentID, n int) (r Reopened, err error) {
	err = s.tx(ctx, "reopen campaign", func(tx pgx.Tx) error {
		var no int64
		var state string
		var reopened int
		var closed bool
		err := tx.QueryRow(ctx, `
			select c.incident_no, c.state, c.reopened, c.ladder, i.closed_at is not null
			from campaign c join incident i on i.no = c.incident_no where i.id = $1 and c.n = $2 for update of c`, id, n).
			Scan(&no, &state, &reopened, &r.Ladder, &closed)
		if err != nil || closed || state != "finished" && reopened == 0 {
			return err
		}
		if state != "finished" { // an earlier follow-up began and did not end
			r.Open = true
			return nil
		}
		open, err := openRecipients(ctx, tx, no, n)
		if err != nil || open == 0 {
			r.Ended = err == nil
			return err
		}
		r.Open = true
		if _, err := tx.Exec(ctx, `update campaign set state = 'sending', finished_at = null, reopened = reopened + 1 where incident_no = $1 and n = $2`, no, n); err != nil {
			return err
		}
		return note(ctx, tx, no, breach.Tocsin, "campaign.reopen", "", Detail{"campaign": n, "times": reopened + 1})
	})
	return r, err
}

// OpenShards returns the shards of a campaign in which a recipient still has a channel to try, or a delivery waits that such
// a one hangs on. Where nobody is open it costs one count; otherwise it looks into every shard.
func (s *Store) OpenShards(ctx context.Context, id breach.IncidentID, n int) ([]Shard, error) {
	no, err := incidentNumber(ctx, s.pool, id)
	if err != nil {
		return nil, wrap("list open shards", err)
	}
	if open, err := openRecipients(ctx, s.pool, no, n); err != nil || open == 0 {
		return nil, wrap("list open shards", err)
	}
	table, err := standings(ctx, s.pool, no, n)
	if err != nil {
		return nil, wrap("list open shards", err)
	}
	shards, err := list[Shard](ctx, s.pool, `
		select h.shard, h.lo, h.hi from shard h
		where h.incident_no = $1 and h.campaign_n = $2 and (
			exists (select from recipient r left join `+table+` s on s.incident_no = $1 and s.id = r.id
				where r.incident_no = $1 and r.id >= h.lo and r.id < h.hi and coalesce(s.state, 'open') = 'open')
			or exists (select from delivery d where d.incident_no = $1 and d.campaign_n = $2 and d.shard = h.shard and
				(d.state in ('claimed', 'intent', 'temporary') or d.state = 'in_doubt' and d.next_at is distinct from 'infinity')))
		order by h.shard`, no, n)
	return shards, wrap("list open shards", err)
}

// Halt stops a campaign's sending at once, or lets it go on. Every batch looks at the flag before it leaves.
func (s *Store) Halt(ctx context.Context, id breach.IncidentID, n int, halt bool, by breach.Person) error {
	return s.tx(ctx, "halt campaign", func(tx pgx.Tx) error {
		no, err := lockIncident(ctx, tx, id)
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			update campaign set halted_at = case when $3 then coalesce(halted_at, now()) end, halted_by = case when $3 then $4 end
			where incident_no = $1 and n = $2`, no, n, halt, by)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return ErrNotFound
		}
		return note(ctx, tx, no, by, map[bool]string{true: "campaign.halt", false: "campaign.resume"}[halt], "", Detail{"campaign": n})
	})
}

// OpenRecipients counts a campaign's recipients that still have a channel to try.
func (s *Store) OpenRecipients(ctx context.Context, id breach.IncidentID, n int) (int64, error) {
	no, err := incidentNumber(ctx, s.pool, id)
	if err != nil {
		return 0, wrap("count recipients", err)
	}
	open, err := openRecipients(ctx, s.pool, no, n)
	return open, wrap("count recipients", err)
}

func openRecipients(ctx context.Context, q querier, no int64, n int) (open int64, err error) {
	table, err := standings(ctx, q, no, n)
	if err != nil {
		return 0, err
	}
	err = q.QueryRow(ctx, `
		select coalesce((select sum(p.recipients) from people_import p where p.incident_no = c.incident_no and p.lo >= c.lo and p.hi <= c.hi), 0)
			- (select count(*) from `+table+` s where s.incident_no = c.incident_no and s.id >= c.lo and s.id < c.hi and s.state <> 'open')
		from campaign c where c.incident_no = $1 and c.n = $2`, no, n).Scan(&open)
	return open, err
}

// UncampaignedRecipients counts recipients that no campaign has taken yet: people imported after the last freeze.
func (s *Store) UncampaignedRecipients(ctx context.Context, id breach.IncidentID) (n int64, err error) {
	no, err := incidentNumber(ctx, s.pool, id)
	if err != nil {
		return 0, wrap("count recipients", err)
	}
	n, err = uncampaigned(ctx, s.pool, no)
	return n, wrap("count recipients", err)
}

func uncampaigned(ctx context.Context, q querier, no int64) (n int64, err error) {
	err = q.QueryRow(ctx, `
		select coalesce(sum(recipients), 0) from people_import
		where incident_no = $1 and lo >= (select coalesce(max(hi), 0) from campaign where incident_no = $1)`, no).Scan(&n)
	return n, err
}
