package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// Outcome is how telling one recipient went. It holds personal data: mask it before anybody sees it.
type Outcome struct {
	Recipient int64                 `db:"id"`
	Cohort    Cohort                `db:"-"`
	Name      string                `db:"-"` // whom to address
	Person    string                `db:"-"` // whose data it was
	Contacts  Contacts              `db:"-"`
	State     breach.RecipientState `db:"state"`
	PersonIs  breach.RecipientState `db:"-"` // where the person whose data it was stands
	Campaign  *int                  `db:"campaign_n"`
	ToldBy    *breach.Channel       `db:"told_by"`
	ToldAt    *time.Time            `db:"told_at"`
	Tries     []OutcomeTry          `db:"-"`

	CohortNo int      `db:"cohort"`
	PersonID [16]byte `db:"person"`
	Sealed   []byte   `db:"sealed"`
	Head     string   `db:"person_state"`
}

// OutcomeTry is one delivery to a recipient's contact, or to one that they share.
type OutcomeTry struct {
	ID        breach.DeliveryID    `json:"id" db:"-"`
	Campaign  int                  `json:"campaign" db:"campaign_n"`
	Channel   breach.Channel       `json:"channel" db:"channel"`
	State     breach.DeliveryState `json:"state" db:"state"`
	Tries     int                  `json:"tries" db:"tries"`
	Resent    bool                 `json:"resent,omitempty" db:"resent"`
	Code      string               `json:"code,omitempty" db:"code"`
	IntentAt  *time.Time           `json:"intent_at,omitempty" db:"intent_at"`
	OutcomeAt *time.Time           `json:"outcome_at,omitempty" db:"outcome_at"`

	Contact int64 `json:"-" db:"contact"`
}

// Who names the person or contact to look for: exactly one field is set, normalised as the import does it.
type Who struct {
	Identity string // audience.Person.IdentityKey
	Contacts
}

// mostOutcomes bounds a look: more than this share no contact.
const mostOutcomes = 50

// Outcomes finds how telling somebody went: by identity, or everybody behind a contact, each with those who are told for the
// same people. The caller answers for who may look, and journals it first.
func (s *Store) Outcomes(ctx context.Context, id breach.IncidentID, who Who) ([]Outcome, error) {
	no, err := incidentNumber(ctx, s.pool, id)
	if err != nil {
		return nil, wrap("look up", err)
	}
	if exists, err := tableExists(ctx, s.pool, recipientName(no)); err != nil || !exists {
		return nil, wrap("look up", err)
	}
	keys, err := s.keys.Keys(ctx, id)
	if err != nil {
		return nil, err
	}
	column, blind := "person", keys.Blind("person", who.Identity)
	for channel, value := range map[breach.Channel]string{breach.Email: who.Email, breach.SMS: who.Phone} {
		if value != "" {
			column, blind = contactColumn(channel), keys.Blind(string(channel), value)
		}
	}
	out, err := list[Outcome](ctx, s.pool, `
		select r.id, r.cohort, r.person, r.sealed, coalesce(s.state, 'open') as state, s.told_by, s.told_at, `+newestCampaign+` as campaign_n,
			coalesce((select `+headState+` from recipient h join standing s on s.incident_no = $1 and s.id = h.id
				where h.incident_no = $1 and h.person = r.person and h.flags & 1 <> 0), 'open') as person_state
		from recipient r left join standing s on s.incident_no = $1 and s.id = r.id
		where r.incident_no = $1 and r.person in (select f.person from recipient f where f.incident_no = $1 and f.`+column+` = $2 limit $3) order by r.id limit $3`,
		no, blind, mostOutcomes)
	if err != nil {
		return nil, wrap("look up", err)
	}
	cohorts, err := s.Cohorts(ctx, id)
	if err != nil {
		return nil, err
	}
	known := map[int]Cohort{}
	for _, c := range cohorts {
		known[c.No] = c
	}
	for i := range out {
		o := &out[i]
		plain, err := keys.Open("recipient", strconv.FormatInt(o.Recipient, 10), o.Sealed)
		if err != nil {
			return nil, err
		}
		secret, err := readSecret(plain)
		if err != nil {
			return nil, fmt.Errorf("recipient %d: %w", o.Recipient, err)
		}
		o.Cohort, o.Name, o.Person, o.Contacts, o.Sealed, o.PersonIs = known[o.CohortNo], secret.Name, secret.Person, secret.Contacts, nil, breach.RecipientState(o.Head)
		if o.Tries, err = s.tries(ctx, no, o.Recipient); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// tries lists the deliveries to a recipient's contacts, in the order of sending.
func (s *Store) tries(ctx context.Context, no, recipient int64) ([]OutcomeTry, error) {
	perChannel := ""
	for _, channel := range []breach.Channel{breach.Email, breach.SMS, breach.Push} {
		column := contactColumn(channel)
		if perChannel != "" {
			perChannel += " union all "
		}
		perChannel += fmt.Sprintf(`
			select d.campaign_n, d.channel, d.state, d.tries, d.resent, d.code, d.intent_at, d.outcome_at, d.contact
			from recipient r join campaign c on c.incident_no = $1 and r.id >= c.lo and r.id < c.hi
			join lateral (select min(b.id) as first from recipient b where b.incident_no = $1 and b.%[1]s = r.%[1]s and b.id >= c.lo and b.id < c.hi) f on true
			join delivery d on d.incident_no = $1 and d.campaign_n = c.n and d.channel = '%[2]s' and d.contact = f.first
			where r.incident_no = $1 and r.id = $2 and r.%[1]s is not null`, column, channel)
	}
	out, err := list[OutcomeTry](ctx, s.pool, `select * from (`+perChannel+`) x order by campaign_n, intent_at`, no, recipient)
	if err != nil {
		return nil, wrap("look up", err)
	}
	house, err := s.House(ctx)
	if err != nil {
		return nil, err
	}
	for i := range out {
		if out[i].ID, err = deliveryID(house, no, out[i].Campaign, out[i].Channel, out[i].Contact); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// GrantChildren lets somebody look at children's outcomes until an instant: who answers for children's data says so.
func (s *Store) GrantChildren(ctx context.Context, id breach.IncidentID, to, by breach.Person, until time.Time, why string) error {
	return s.tx(ctx, "grant a look", func(tx pgx.Tx) error {
		no, err := lockIncident(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			insert into child_grant (incident_no, person, granted_by, until_at, why) values ($1, $2, $3, $4, $5)
			on conflict (incident_no, person) do update set granted_by = excluded.granted_by, until_at = excluded.until_at, why = excluded.why, at = now()`,
			no, to, by, until, why); err != nil {
			return err
		}
		return note(ctx, tx, no, by, "people.grant", string(to), Detail{"until": until.UTC()})
	})
}

// GrantedChildren reports whether somebody may look at children's outcomes now.
func (s *Store) GrantedChildren(ctx context.Context, id breach.IncidentID, who breach.Person) (granted bool, err error) {
	err = s.pool.QueryRow(ctx, `
		select exists (select from child_grant g join incident i on i.no = g.incident_no where i.id = $1 and g.person = $2 and g.until_at > now())`, id, who).Scan(&granted)
	return granted, wrap("read grants", err)
}
