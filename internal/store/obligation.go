package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// ObligationStatus is where a duty stands.
type ObligationStatus string

// The states of an obligation. Only ever added to.
const (
	ObligationOpen     ObligationStatus = "open"              // tracked; nothing to decide yet
	ObligationWaiting  ObligationStatus = "clock_not_started" // its clock has not begun
	ObligationDrafted  ObligationStatus = "awaits_approval"   // a document waits for a second person
	ObligationRefused  ObligationStatus = "refused"           // the draft was refused: new facts make a new one
	ObligationFiling   ObligationStatus = "filing"            // approved, being handed over
	ObligationInDoubt  ObligationStatus = "in_doubt"          // it may have been handed over: a person must find out
	ObligationBlocked  ObligationStatus = "needs_person"      // refused, or no address: a task says what to do
	ObligationMet      ObligationStatus = "met"
	ObligationGone     ObligationStatus = "not_owed" // a later assessment ruled it out
	ObligationCovered  ObligationStatus = "covered"  // another filing to the same addressee meets it too
	ObligationPossible ObligationStatus = "possible" // hangs on facts nobody knows yet

	ObligationHeld        ObligationStatus = "held"              // approved, and a hold is in force: filed when it ends
	ObligationLate        ObligationStatus = "needs_late_reason" // the law's instant has passed: say why before it can be approved
	ObligationWaived      ObligationStatus = "waived"            // given up by two people, with a reason
	ObligationAcked       ObligationStatus = "acknowledged"      // met, and the authority has acknowledged it
	ObligationSupplement  ObligationStatus = "supplement_awaits_approval"
	ObligationSupplying   ObligationStatus = "supplement_filing"
	ObligationWithdrawing ObligationStatus = "withdrawal_awaits_approval"
	ObligationTakingBack  ObligationStatus = "withdrawal_filing"
	ObligationWithdrawn   ObligationStatus = "withdrawn" // the report was taken back: there was nothing to report
)

// Ended reports whether nothing more happens to a duty in this status.
func (s ObligationStatus) Ended() bool {
	switch s {
	case ObligationMet, ObligationGone, ObligationCovered, ObligationWaived, ObligationAcked, ObligationWithdrawn:
		return true
	default:
		return false
	}
}

// Obligation is a duty with where it stands.
type Obligation struct {
	Key      string            `json:"key" db:"key"`
	Owed     breach.Owed       `json:"owed" db:"owed"`
	Duty     breach.Duty       `json:"duty" db:"duty"`
	Status   ObligationStatus  `json:"status" db:"status"`
	DueAt    *time.Time        `json:"due_at,omitempty" db:"due_at"`
	PolicyAt *time.Time        `json:"policy_at,omitempty" db:"policy_at"`
	Overdue  bool              `json:"overdue" db:"overdue"`
	MetAt    *time.Time        `json:"met_at,omitempty" db:"met_at"`
	Result   breach.Obligation `json:"obligation" db:"result"`

	HeldUntil *time.Time    `json:"held_until,omitempty" db:"until_at"` // while a hold is in force
	HeldBy    *string       `json:"held_by,omitempty" db:"evidence_id"` // the paper that the hold rests on
	Rested    time.Duration `json:"-" db:"rested"`                      // how long holds have let the clock rest
	Deadline  breach.Text   `json:"deadline" db:"-"`                    // as every surface writes it; see [Obligation.Due]
}

// Due is the deadline with what holds do to it.
func (o Obligation) Due() breach.Due {
	d := breach.Due{At: o.DueAt, PolicyAt: o.PolicyAt, Waits: o.Result.Clock != "" && o.Result.ClockAt == nil, Zone: o.Result.Zone, HeldUntil: o.HeldUntil}
	if o.HeldBy != nil {
		d.Paper = *o.HeldBy
	}
	if law := o.Result.Target(); law != nil && o.Rested > 0 {
		moved := law.Add(o.Rested)
		d.Moved = &moved
	}
	return d
}

// worded writes the deadline.
func worded(o Obligation) Obligation {
	due := o.Due()
	o.Deadline = breach.Text{ZH: due.In(breach.Chinese), EN: due.In(breach.English)}
	return o
}

const obligationColumns = `o.key, o.owed, o.duty, o.status, o.due_at, o.policy_at, o.overdue, o.met_at, o.result, h.until_at, h.evidence_id, ` + rested + ` as rested`

// SaveAssessment keeps an assessment and brings the obligations into line with it: new ones appear, moved ones move, and
// those it no longer finds are not owed; what was met or waived before keeps its status. Saving the same one again changes nothing.
func (s *Store) SaveAssessment(ctx context.Context, id breach.IncidentID, a breach.Assessment) error {
	return s.tx(ctx, "save assessment", func(tx pgx.Tx) error {
		no, err := incidentNumber(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into assessment (incident_no, facts_rev, result) values ($1, $2, $3) on conflict do nothing`, no, a.FactsRev, a); err != nil {
			return err
		}
		var newest bool
		if err := tx.QueryRow(ctx, `update incident set assessed_rev = greatest(assessed_rev, $2) where no = $1 returning assessed_rev = $2`, no, a.FactsRev).Scan(&newest); err != nil {
			return err
		}
		if !newest {
			return nil // an older revision, assessed late: the newer answer stands
		}
		keys := make([]string, 0, len(a.Obligations))
		for i, o := range a.Obligations {
			keys = append(keys, o.Key())
			if err := saveObligation(ctx, tx, no, i, o); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `
			update obligation set owed = 'not_owed', updated_at = now(), status = case when met_at is null and status <> 'waived' then 'not_owed' else status end
			where incident_no = $1 and not key = any($2) and owed <> 'not_owed' or incident_no = $1 and not key = any($2) and met_at is null and status not in ('not_owed', 'waived')`, no, keys); err != nil {
			return err
		}
		return note(ctx, tx, no, breach.Tocsin, "incident.assess", string(id), Detail{"facts_rev": a.FactsRev, "obligations": len(a.Obligations), "packs": a.Packs})
	})
}

// The status of a duty that is being worked on is its workflow's to change; an assessment only decides between the states
// in which nothing has begun.
func saveObligation(ctx context.Context, tx pgx.Tx, no int64, position int, o breach.Obligation) error {
	status := ObligationOpen
	switch {
	case o.CoveredBy != "":
		status = ObligationCovered
	case o.Owed == breach.Possible:
		status = ObligationPossible
	case o.Clock != "" && o.ClockAt == nil:
		status = ObligationWaiting
	}
	_, err := tx.Exec(ctx, `
		insert into obligation (incident_no, key, position, owed, duty, status, due_at, policy_at, result)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (incident_no, key) do update set
			position = excluded.position, owed = excluded.owed, duty = excluded.duty, due_at = excluded.due_at,
			policy_at = excluded.policy_at, result = excluded.result, updated_at = now(),
			status = case when obligation.status in ('open', 'clock_not_started', 'not_owed', 'covered', 'possible')
				then excluded.status else obligation.status end`,
		no, o.Key(), position, o.Owed, o.Duty, status, o.DueAt, o.PolicyAt, o)
	return err
}

// Assessment returns the newest assessment; ErrNotFound before the first.
func (s *Store) Assessment(ctx context.Context, id breach.IncidentID) (breach.Assessment, error) {
	var a breach.Assessment
	err := s.pool.QueryRow(ctx, `
		select a.result from assessment a join incident i on i.no = a.incident_no
		where i.id = $1 order by a.facts_rev desc limit 1`, id).Scan(&a)
	return a, wrap("read assessment", err)
}

// AssessmentAsOf returns the newest assessment up to a revision of the facts; ErrNotFound where there is none.
func (s *Store) AssessmentAsOf(ctx context.Context, id breach.IncidentID, rev int) (breach.Assessment, error) {
	var a breach.Assessment
	err := s.pool.QueryRow(ctx, `
		select a.result from assessment a join incident i on i.no = a.incident_no
		where i.id = $1 and a.facts_rev <= $2 order by a.facts_rev desc limit 1`, id, rev).Scan(&a)
	return a, wrap("read assessment", err)
}

// OpenAssessments returns the newest assessment of every open incident that has one.
func (s *Store) OpenAssessments(ctx context.Context) (map[breach.IncidentID]breach.Assessment, error) {
	type row struct {
		ID     breach.IncidentID `db:"id"`
		Result breach.Assessment `db:"result"`
	}
	rows, err := list[row](ctx, s.pool, `
		select i.id, a.result from incident i
		join lateral (select result from assessment where incident_no = i.no order by facts_rev desc limit 1) a on true
		where i.closed_at is null`)
	if err != nil {
		return nil, wrap("list assessments", err)
	}
	newest := make(map[breach.IncidentID]breach.Assessment, len(rows))
	for _, r := range rows {
		newest[r.ID] = r.Result
	}
	return newest, nil
}

// Obligations returns an incident's duties in the order of the newest assessment.
func (s *Store) Obligations(ctx context.Context, id breach.IncidentID) ([]Obligation, error) {
	obligations, err := list[Obligation](ctx, s.pool, `
		select `+obligationColumns+` from obligation o join incident i on i.no = o.incident_no `+holding+`
		where i.id = $1 order by o.status in `+ended+`, o.position`, id)
	for i := range obligations {
		obligations[i] = worded(obligations[i])
	}
	return obligations, wrap("read obligations", err)
}

// Obligation returns one duty.
func (s *Store) Obligation(ctx context.Context, id breach.IncidentID, key string) (Obligation, error) {
	o, err := one[Obligation](ctx, s.pool, `
		select `+obligationColumns+` from obligation o join incident i on i.no = o.incident_no `+holding+`
		where i.id = $1 and o.key = $2`, id, key)
	return worded(o), wrap("read obligation", err)
}

// SetObligation records where a duty stands. When it was first met stays on record, whatever follows: an acknowledgement, a
// supplement, a withdrawal.
func (s *Store) SetObligation(ctx context.Context, id breach.IncidentID, key string, status ObligationStatus) error {
	return s.tx(ctx, "set obligation", func(tx pgx.Tx) error {
		var no int64
		err := tx.QueryRow(ctx, `
			update obligation o set status = $3, updated_at = now(), met_at = coalesce(met_at, case when $3 in ('met', 'acknowledged') then now() end)
			from incident i where i.no = o.incident_no and i.id = $1 and o.key = $2 and o.status <> $3
			returning o.incident_no`, id, key, status).Scan(&no)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return note(ctx, tx, no, breach.Tocsin, "obligation.status", key, Detail{"status": status})
	})
}

// MarkOverdue records that the law's instant passed before the duty was met. It is never unset.
func (s *Store) MarkOverdue(ctx context.Context, id breach.IncidentID, key string) error {
	return s.tx(ctx, "mark overdue", func(tx pgx.Tx) error {
		var no int64
		var due time.Time
		err := tx.QueryRow(ctx, `
			update obligation o set overdue = true, updated_at = now()
			from incident i where i.no = o.incident_no and i.id = $1 and o.key = $2 and not o.overdue and o.met_at is null and `+heldDue+` <= now()
			returning o.incident_no, `+heldDue+``, id, key).Scan(&no, &due)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return note(ctx, tx, no, breach.Tocsin, "obligation.missed", key, Detail{"due_at": due})
	})
}
