package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// Filing is one handing-over of an approved document to an authority.
type Filing struct {
	ID         breach.DeliveryID `json:"id" db:"id"`
	IncidentID breach.IncidentID `json:"incident" db:"incident_id"`
	Obligation string            `json:"obligation" db:"obligation_key"`
	Document   breach.DocumentID `json:"document" db:"document_id"`
	Channel    string            `json:"channel" db:"channel"` // email, or "manual"
	State      string            `json:"state" db:"state"`
	Tries      int               `json:"tries" db:"tries"`
	Code       string            `json:"code" db:"code"`
	Reference  string            `json:"reference" db:"reference"`
	SettledBy  string            `json:"settled_by,omitempty" db:"settled_by"`
	IntentAt   time.Time         `json:"intent_at" db:"intent_at"`
	OutcomeAt  *time.Time        `json:"outcome_at,omitempty" db:"outcome_at"`
}

const filingColumns = `f.id, i.id as incident_id, f.obligation_key, f.document_id, f.channel, f.state, f.tries, f.code, f.reference, f.settled_by, f.intent_at, f.outcome_at`

// Filings lists an incident's filings, oldest first.
func (s *Store) Filings(ctx context.Context, id breach.IncidentID) ([]Filing, error) {
	filings, err := list[Filing](ctx, s.pool, `
		select `+filingColumns+` from filing f join incident i on i.no = f.incident_no where i.id = $1 order by f.intent_at`, id)
	return filings, wrap("list filings", err)
}

// BeginFiling writes the intent to hand a document over, before any byte leaves. It returns the row as it stands: state
// "intent" with Tries one higher says go; "accepted" says it was done before; "in_doubt" says that an earlier attempt may
// have gone out, and then no machine ever sends it again. A document without a valid approval is refused.
func (s *Store) BeginFiling(ctx context.Context, in Filing, wireSHA256 []byte) (Filing, error) {
	var out Filing
	err := s.tx(ctx, "begin filing", func(tx pgx.Tx) error {
		var no int64
		var valid bool
		err := tx.QueryRow(ctx, `
			select d.incident_no, d.voided_at is null and exists (select from decision x where x.document_id = d.id and x.verdict = 'approved' and x.sha256 = d.sha256)
			from document d where d.id = $1 for update`, in.Document).Scan(&no, &valid)
		if err != nil {
			return err
		}
		out, err = one[Filing](ctx, tx, `select `+filingColumns+` from filing f join incident i on i.no = f.incident_no
			where f.document_id = $1 and f.state <> 'rejected' for update of f`, in.Document)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			if !valid {
				return refused("not_approved", "the document is not approved, or its approval is void")
			}
			return insertFiling(ctx, tx, no, in, wireSHA256, &out)
		case err != nil:
			return err
		}
		return resumeFiling(ctx, tx, no, valid, wireSHA256, &out)
	})
	return out, err
}

func insertFiling(ctx context.Context, tx pgx.Tx, no int64, in Filing, wireSHA256 []byte, out *Filing) error {
	if _, err := tx.Exec(ctx, `
		insert into filing (id, incident_no, obligation_key, document_id, channel, state, tries, wire_sha256) values ($1, $2, $3, $4, $5, 'intent', 1, $6)`,
		in.ID, no, in.Obligation, in.Document, in.Channel, wireSHA256); err != nil {
		return err
	}
	*out = in
	out.State, out.Tries = "intent", 1
	return note(ctx, tx, no, breach.Tocsin, "filing.intent", string(in.ID), Detail{"obligation": in.Obligation, "document": in.Document})
}

func resumeFiling(ctx context.Context, tx pgx.Tx, no int64, valid bool, wireSHA256 []byte, out *Filing) error {
	switch out.State {
	case "temporary": // it certainly did not arrive: try again
		if !valid {
			return refused("not_approved", "the document is not approved, or its approval is void")
		}
		out.State, out.Tries = "intent", out.Tries+1
		_, err := tx.Exec(ctx, `update filing set state = 'intent', tries = tries + 1, intent_at = now(), wire_sha256 = $2 where id = $1`, out.ID, wireSHA256)
		return err
	case "intent": // a worker died between intent and outcome
		out.State = "in_doubt"
		if _, err := tx.Exec(ctx, `update filing set state = 'in_doubt' where id = $1`, out.ID); err != nil {
			return err
		}
		return note(ctx, tx, no, breach.Tocsin, "filing.in_doubt", string(out.ID), Detail{"obligation": out.Obligation})
	}
	return nil
}

// FinishFiling records what an attempt came to.
func (s *Store) FinishFiling(ctx context.Context, id breach.DeliveryID, outcome breach.Outcome, code string, r breach.Receipt) error {
	return s.tx(ctx, "finish filing", func(tx pgx.Tx) error {
		var no int64
		var obligation string
		err := tx.QueryRow(ctx, `
			update filing set state = $2, code = $3, reference = $4, outcome_at = now() where id = $1 and state = 'intent' returning incident_no, obligation_key`,
			id, outcome.String(), code, r.Reference).Scan(&no, &obligation)
		if err != nil {
			return err
		}
		return note(ctx, tx, no, breach.Tocsin, "filing."+outcome.String(), string(id), Detail{"obligation": obligation, "code": code, "reference": r.Reference})
	})
}

// settleFiling records a person's word on a filing: it was handed over (by hand, or by the attempt in doubt), under a
// receipt's number; or it certainly was not, so that it may be filed again.
func settleFiling(ctx context.Context, tx pgx.Tx, no int64, obligation string, filed bool, receipt string, by breach.Person) error {
	state := "rejected"
	if filed {
		state = "accepted"
	}
	tag, err := tx.Exec(ctx, `
		update filing set state = $3, reference = case when $4 <> '' then $4 else reference end, settled_by = $5, outcome_at = now()
		where incident_no = $1 and obligation_key = $2 and state in ('in_doubt', 'intent', 'temporary')`, no, obligation, state, receipt, by)
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 && filed {
		// Handed over by hand without an attempt of ours: the newest approved version is what was handed over.
		tag, err = tx.Exec(ctx, `
			insert into filing (id, incident_no, obligation_key, document_id, channel, state, wire_sha256, reference, settled_by, outcome_at)
			select md5(d.id || 'by hand'), $1, $2, d.id, 'manual', 'accepted', d.sha256, $3, $4, now() from document d
			where d.incident_no = $1 and d.kind = 'filing' and d.subject = $2 and d.voided_at is null
			  and exists (select from decision x where x.document_id = d.id and x.verdict = 'approved')`, no, obligation, receipt, by)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return refused("not_approved", "no approved report for %s: approve it first, so that what was handed over is on record", obligation)
		}
	}
	return note(ctx, tx, no, by, "filing.settled", obligation, Detail{"filed": filed, "receipt": receipt})
}
