package store

import (
	"context"
	"errors"
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
}

const campaignColumns = `i.id as incident_id, c.n, c.number, c.document_id, c.state, c.ladder, c.audience, c.frozen_at, c.halted_at, c.finished_at`

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

// Shard is a range of recipients, Lo inclusive, Hi exclusive.
type Shard struct {
	Shard int   `json:"shard" db:"shard"`
	Lo    int64 `json:"lo" db:"lo"`
	Hi    int64 `json:"hi" db:"hi"`
}

// Freeze fixes a campaign's audience: every recipient that no earlier campaign has taken, each at the first rung it has an
// address for, cut into shards of at most size recipients. Who comes later belongs to the next campaign. Freezing again
// returns the same shards.
func (s *Store) Freeze(ctx context.Context, id breach.IncidentID, n int, document breach.DocumentID, size int) (Campaign, []Shard, error) {
	var shards []Shard
	err := s.tx(ctx, "freeze audience", func(tx pgx.Tx) error {
		no, err := incidentNumber(ctx, tx, id)
		if err != nil {
			return err
		}
		var frozen bool
		var ladder []breach.Channel
		if err := tx.QueryRow(ctx, `select frozen_at is not null, ladder from campaign where incident_no = $1 and n = $2 for update`, no, n).Scan(&frozen, &ladder); err != nil {
			return err
		}
		if !frozen {
			if err := approved(ctx, tx, document); err != nil {
				return err
			}
			if err := freeze(ctx, tx, no, n, document, size, ladder); err != nil {
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

// nextRung is the SQL expression for the first channel of a ladder, after a position, that a recipient has an address for.
const nextRung = `(select l.c from unnest($2::text[]) with ordinality l (c, o) where l.o > $3 and
	case l.c when 'email' then email_contact when 'sms' then sms_contact when 'push' then push_contact end is not null order by l.o limit 1)`

func freeze(ctx context.Context, tx pgx.Tx, no int64, n int, document breach.DocumentID, size int, ladder []breach.Channel) error {
	if err := ensurePartitions(ctx, tx, no); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `update recipient set campaign_n = $4, rung = `+nextRung+` where incident_no = $1 and campaign_n is null`, no, ladder, 0, n); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `update recipient set state = 'missed' where incident_no = $1 and campaign_n = $2 and rung is null and state = 'open'`, no, n); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `
		insert into shard (incident_no, campaign_n, shard, lo, hi)
		select $1, $2, b, min(id), max(id) + 1
		from (select id, (row_number() over (order by id) - 1) / $3 as b from recipient where incident_no = $1 and campaign_n = $2) r group by b`,
		no, n, size); err != nil {
		return err
	}
	var audience int64
	if err := tx.QueryRow(ctx, `
		update campaign set state = 'sending', document_id = $3, frozen_at = now(),
			audience = (select count(distinct person_id) from recipient where incident_no = $1 and campaign_n = $2)
		where incident_no = $1 and n = $2 returning audience`, no, n, document).Scan(&audience); err != nil {
		return err
	}
	return note(ctx, tx, no, breach.Tocsin, "campaign.freeze", "", Detail{"campaign": n, "people": audience, "document": document})
}

// FinishCampaign records that every recipient of a campaign has an outcome.
func (s *Store) FinishCampaign(ctx context.Context, id breach.IncidentID, n int) error {
	return s.tx(ctx, "finish campaign", func(tx pgx.Tx) error {
		var no int64
		err := tx.QueryRow(ctx, `
			update campaign c set state = 'finished', finished_at = now() from incident i
			where i.no = c.incident_no and i.id = $1 and c.n = $2 and c.state <> 'finished' returning c.incident_no`, id, n).Scan(&no)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return note(ctx, tx, no, breach.Tocsin, "campaign.finish", "", Detail{"campaign": n})
	})
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
func (s *Store) OpenRecipients(ctx context.Context, id breach.IncidentID, n int) (open int64, err error) {
	err = s.pool.QueryRow(ctx, `
		select count(*) from recipient r join incident i on i.no = r.incident_no where i.id = $1 and r.campaign_n = $2 and r.state = 'open'`, id, n).Scan(&open)
	return open, wrap("count recipients", err)
}

// UncampaignedRecipients counts recipients that no campaign has taken yet: people imported after the last freeze.
func (s *Store) UncampaignedRecipients(ctx context.Context, id breach.IncidentID) (n int64, err error) {
	err = s.pool.QueryRow(ctx, `
		select count(*) from recipient r join incident i on i.no = r.incident_no where i.id = $1 and r.campaign_n is null`, id).Scan(&n)
	return n, wrap("count recipients", err)
}
