package store

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// Exemption says that the law frees us from telling one person, and why.
type Exemption struct {
	No         int                 `json:"no" db:"no"`
	Reason     breach.ExemptReason `json:"reason" db:"reason"`
	Article    string              `json:"article" db:"article"`
	AskedBy    breach.Person       `json:"asked_by" db:"asked_by"`
	AskedAt    time.Time           `json:"asked_at" db:"asked_at"`
	ApprovedBy *breach.Person      `json:"approved_by,omitempty" db:"approved_by"`
	ApprovedAt *time.Time          `json:"approved_at,omitempty" db:"approved_at"`
	RefusedAt  *time.Time          `json:"refused_at,omitempty" db:"refused_at"`
	LiftedAt   *time.Time          `json:"lifted_at,omitempty" db:"lifted_at"`

	Person [16]byte `json:"-" db:"person"`
	Sealed []byte   `json:"-" db:"sealed"`
}

// ExemptionIn asks for an exemption.
type ExemptionIn struct {
	Who       Who
	Reason    breach.ExemptReason
	Article   string // "PIPL 57(2)", "45 CFR 164.412"
	Paper     string // which paper it stands on: an evidence id, a file number; sealed
	NextOfKin string // for the deceased: who is told instead, or why nobody; sealed
	Why       string // sealed
	By        breach.Person
}

// exemptionWords is what an exemption keeps sealed: words of people.
type exemptionWords struct {
	Why       string `json:"why"`
	Paper     string `json:"paper,omitempty"`
	NextOfKin string `json:"next_of_kin,omitempty"`
}

// AskExemption asks that somebody be lawfully left untold; another person decides. A contact that several people share does not
// say which of them is meant: name the person by id then.
func (s *Store) AskExemption(ctx context.Context, id breach.IncidentID, in ExemptionIn) (Exemption, error) {
	if err := in.Reason.Check(in.Article, in.Paper, in.NextOfKin); err != nil {
		return Exemption{}, refused("exemption", "%s", err.Error())
	}
	found, err := s.Outcomes(ctx, id, in.Who)
	if err != nil {
		return Exemption{}, err
	}
	people := map[[16]byte]bool{}
	for _, o := range found {
		people[o.PersonID] = true
	}
	switch {
	case len(people) == 0:
		return Exemption{}, ErrNotFound
	case len(people) > 1:
		return Exemption{}, refused("several", "%d people share this contact: name the person by the id of their account", len(people))
	}
	keys, err := s.keys.Keys(ctx, id)
	if err != nil {
		return Exemption{}, err
	}
	words, err := json.Marshal(exemptionWords{in.Why, in.Paper, in.NextOfKin})
	if err != nil {
		return Exemption{}, err
	}
	out := Exemption{Reason: in.Reason, Article: in.Article, AskedBy: in.By}
	err = s.tx(ctx, "ask for an exemption", func(tx pgx.Tx) error {
		no, err := lockIncident(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `select coalesce(max(no), 0) + 1, now() from exemption where incident_no = $1`, no).Scan(&out.No, &out.AskedAt); err != nil {
			return err
		}
		sealed, err := keys.Seal("exemption", strconv.Itoa(out.No), words)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			insert into exemption (incident_no, no, person, reason, article, sealed, asked_by) values ($1, $2, $3, $4, $5, $6, $7)`,
			no, out.No, found[0].PersonID, in.Reason, in.Article, sealed, in.By); err != nil {
			return err
		}
		return note(ctx, tx, no, in.By, "exemption.ask", strconv.Itoa(out.No), Detail{"reason": in.Reason, "article": in.Article})
	})
	return out, err
}

// Exemptions lists an incident's exemptions, without what is sealed in them.
func (s *Store) Exemptions(ctx context.Context, id breach.IncidentID) ([]Exemption, error) {
	out, err := list[Exemption](ctx, s.pool, `
		select e.no, e.reason, e.article, e.asked_by, e.asked_at, e.approved_by, e.approved_at, e.refused_at, e.lifted_at, e.person, e.sealed
		from exemption e join incident i on i.no = e.incident_no where i.id = $1 order by e.no`, id)
	return out, wrap("list exemptions", err)
}

// DecideExemption approves or refuses. Who is approved counts as exempt, unless somebody told them before; messages that leave
// from then on do not name them.
func (s *Store) DecideExemption(ctx context.Context, id breach.IncidentID, n int, approve bool, by breach.Person) (Exemption, error) {
	err := s.tx(ctx, "decide on an exemption", func(tx pgx.Tx) error {
		no, e, err := lockExemption(ctx, tx, id, n)
		if err != nil {
			return err
		}
		switch {
		case e.ApprovedAt != nil || e.RefusedAt != nil:
			return refused("decided", "exemption %d was decided before", n)
		case e.AskedBy == by:
			return refused("same_person", "who asked for an exemption does not decide on it")
		}
		if !approve {
			if _, err := tx.Exec(ctx, `update exemption set refused_at = now() where incident_no = $1 and no = $2`, no, n); err != nil {
				return err
			}
			return note(ctx, tx, no, by, "exemption.refuse", strconv.Itoa(n), nil)
		}
		if _, err := tx.Exec(ctx, `update exemption set approved_by = $3, approved_at = now() where incident_no = $1 and no = $2`, no, n, by); err != nil {
			return err
		}
		if err := ensurePartitions(ctx, tx, no); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			insert into standing (incident_no, id, passed, flags, state)
			select r.incident_no, r.id, 0, r.flags, 'exempt' from recipient r where r.incident_no = $1 and r.person = $2 order by r.id
			on conflict (incident_no, id) do update set state = 'exempt' where standing.state in ('open', 'missed')`, no, e.Person)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, foldPeople, no); err != nil {
			return err
		}
		if err := exemptFromSupplements(ctx, tx, no, e.Person); err != nil {
			return err
		}
		return note(ctx, tx, no, by, "exemption.approve", strconv.Itoa(n), Detail{"reason": e.Reason, "article": e.Article, "recipients": tag.RowsAffected()})
	})
	if err != nil {
		return Exemption{}, err
	}
	return s.exemption(ctx, id, n)
}

// LiftExemption ends an exemption, as when law enforcement's reason is over: the person is open again, and a campaign that has
// passed them goes back to them.
func (s *Store) LiftExemption(ctx context.Context, id breach.IncidentID, n int, by breach.Person, why string) (Exemption, error) {
	err := s.tx(ctx, "lift an exemption", func(tx pgx.Tx) error {
		no, e, err := lockExemption(ctx, tx, id, n)
		if err != nil {
			return err
		}
		if e.ApprovedAt == nil || e.LiftedAt != nil {
			return refused("not_in_force", "exemption %d is not in force", n)
		}
		if _, err := tx.Exec(ctx, `update exemption set lifted_at = now() where incident_no = $1 and no = $2`, no, n); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			update standing s set state = 'open', passed = 0 from recipient r
			where r.incident_no = $1 and r.person = $2 and s.incident_no = $1 and s.id = r.id and s.state = 'exempt'
				and not exists (select from exemption x where x.incident_no = $1 and x.person = $2 and x.approved_at is not null and x.lifted_at is null)`, no, e.Person); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, foldPeople, no); err != nil {
			return err
		}
		if err := note(ctx, tx, no, by, "exemption.lift", strconv.Itoa(n), Detail{"why": why}); err != nil {
			return err
		}
		var campaign *int
		if err := tx.QueryRow(ctx, `
			select max(`+newestCampaign+`) from recipient r where r.incident_no = $1 and r.person = $2`, no, e.Person).Scan(&campaign); err != nil || campaign == nil {
			return err
		}
		return post(ctx, tx, no, Bounced, strconv.Itoa(*campaign), "lifted/"+strconv.Itoa(n), CampaignRef{Campaign: *campaign})
	})
	if err != nil {
		return Exemption{}, err
	}
	return s.exemption(ctx, id, n)
}

func lockExemption(ctx context.Context, tx pgx.Tx, id breach.IncidentID, n int) (no int64, e Exemption, err error) {
	if no, err = lockIncident(ctx, tx, id); err != nil {
		return no, e, err
	}
	e, err = one[Exemption](ctx, tx, `
		select no, reason, article, asked_by, asked_at, approved_by, approved_at, refused_at, lifted_at, person, sealed
		from exemption where incident_no = $1 and no = $2 for update`, no, n)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return no, e, err
}

func (s *Store) exemption(ctx context.Context, id breach.IncidentID, n int) (Exemption, error) {
	all, err := s.Exemptions(ctx, id)
	if err != nil {
		return Exemption{}, err
	}
	for _, e := range all {
		if e.No == n {
			return e, nil
		}
	}
	return Exemption{}, ErrNotFound
}
