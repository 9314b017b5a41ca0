package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// ByHand is the channel of a filing that a person handed over.
const ByHand = "manual"

// Filing is one handing-over of an approved document to an authority.
type Filing struct {
	ID         breach.DeliveryID `json:"id" db:"id"`
	IncidentID breach.IncidentID `json:"incident" db:"incident_id"`
	Obligation string            `json:"obligation" db:"obligation_key"`
	Document   breach.DocumentID `json:"document" db:"document_id"`
	Channel    string            `json:"channel" db:"channel"`         // email, http, folder, sftp, or [ByHand]
	Chain      string            `json:"chain,omitempty" db:"chain"`   // see breach.Obligation.Chain
	Stage      breach.Stage      `json:"stage,omitempty" db:"stage"`   // as filed
	Number     int               `json:"number,omitempty" db:"number"` // in its chain, from 1; 0 until it was accepted
	Late       bool              `json:"late,omitempty" db:"late"`     // handed over after the law's instant
	State      string            `json:"state" db:"state"`             // intent, accepted, rejected, temporary, in_doubt
	Tries      int               `json:"tries" db:"tries"`
	Code       string            `json:"code" db:"code"`
	Reference  string            `json:"reference" db:"reference"` // the other side's number
	SettledBy  string            `json:"settled_by,omitempty" db:"settled_by"`
	IntentAt   time.Time         `json:"intent_at" db:"intent_at"`
	OutcomeAt  *time.Time        `json:"outcome_at,omitempty" db:"outcome_at"`
}

const filingColumns = `f.id, i.id as incident_id, f.obligation_key, f.document_id, f.channel, f.chain, f.stage, f.number, f.late, f.state, f.tries, f.code, f.reference,
	f.settled_by, f.intent_at, f.outcome_at`

// Filings lists an incident's filings, oldest first.
func (s *Store) Filings(ctx context.Context, id breach.IncidentID) ([]Filing, error) {
	filings, err := list[Filing](ctx, s.pool, `
		select `+filingColumns+` from filing f join incident i on i.no = f.incident_no where i.id = $1 order by f.intent_at, f.id`, id)
	return filings, wrap("list filings", err)
}

// BeginFiling writes the intent to hand a document over, before any byte leaves. It returns the row as it stands: state
// "intent" with Tries one higher says go; "accepted" says it was done before; "in_doubt" says that an earlier attempt may
// have gone out, and then no machine ever sends it again. Refused are a document without a valid approval, one whose facts or
// answers have moved on since (not_approved), and a late one that does not say why (late_reason).
func (s *Store) BeginFiling(ctx context.Context, in Filing, wireSHA256 []byte) (Filing, error) {
	var out Filing
	err := s.tx(ctx, "begin filing", func(tx pgx.Tx) error {
		no, err := lockDocument(ctx, tx, in.Document)
		if err != nil {
			return err
		}
		d, err := one[Document](ctx, tx, `select `+documentColumns+` from document d join incident i on i.no = d.incident_no where d.id = $1`, in.Document)
		if err != nil {
			return err
		}
		in.IncidentID, in.Obligation, in.Stage = d.IncidentID, d.Subject, d.Stage
		out, err = one[Filing](ctx, tx, `select `+filingColumns+` from filing f join incident i on i.no = f.incident_no
			where f.document_id = $1 and f.state <> 'rejected' for update of f`, in.Document)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			if err := mayBeFiled(ctx, tx, no, d); err != nil {
				return err
			}
			return insertFiling(ctx, tx, no, d, in, wireSHA256, &out)
		case err != nil:
			return err
		}
		return resumeFiling(ctx, tx, no, d, wireSHA256, &out)
	})
	return out, err
}

// mayBeFiled looks once more, in the transaction of the intent, at all that an approval rests on.
func mayBeFiled(ctx context.Context, tx pgx.Tx, no int64, d Document) error {
	if !d.Valid() {
		return refused("not_approved", "the document is not approved, or its approval is void")
	}
	if err := isCurrent(ctx, tx, no, d); err != nil {
		return err
	}
	if err := notHeld(ctx, tx, no, d.Subject); err != nil {
		return err
	}
	return mustExplainLateness(ctx, tx, no, d.Subject, d.AnswersRev)
}

// isCurrent refuses a document that was drafted from older facts or answers than there are.
func isCurrent(ctx context.Context, tx pgx.Tx, no int64, d Document) error {
	var rev int
	if err := tx.QueryRow(ctx, `select facts_rev from incident where no = $1`, no).Scan(&rev); err != nil {
		return err
	}
	answers, err := answersRev(ctx, tx, no, d.Subject)
	if err != nil {
		return err
	}
	if d.FactsRev < rev || d.AnswersRev < answers {
		return refused("not_approved", "the facts or the answers have changed since version %d was drafted (facts revision %d, now %d): a new version follows", d.Version, d.FactsRev, rev)
	}
	return nil
}

// notHeld refuses to file while a hold is in force.
func notHeld(ctx context.Context, tx pgx.Tx, no int64, key string) error {
	var until time.Time
	err := tx.QueryRow(ctx, `select until_at from document where incident_no = $1 and kind = 'hold' and subject = $2 and approved_at is not null and voided_at is null and until_at > now()
		order by until_at desc limit 1`, no, key).Scan(&until)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return refused("held", "%s is held until %s: release the hold first", key, until.UTC().Format(time.RFC3339))
}

func insertFiling(ctx context.Context, tx pgx.Tx, no int64, d Document, in Filing, wireSHA256 []byte, out *Filing) error {
	late, _, err := lateness(ctx, tx, no, d.Subject, d.AnswersRev, nil)
	if err != nil {
		return err
	}
	in.Late = late
	err = tx.QueryRow(ctx, `
		insert into filing (id, incident_no, obligation_key, document_id, channel, state, tries, wire_sha256, stage, chain, late) values ($1, $2, $3, $4, $5, 'intent', 1, $6, $7, $8, $9)
		returning intent_at`, in.ID, no, in.Obligation, in.Document, in.Channel, wireSHA256, in.Stage, in.Chain, late).Scan(&in.IntentAt)
	if err != nil {
		return err
	}
	*out = in
	out.State, out.Tries = "intent", 1
	return note(ctx, tx, no, breach.Tocsin, "filing.intent", string(in.ID), Detail{"obligation": in.Obligation, "document": in.Document, "channel": in.Channel})
}

func resumeFiling(ctx context.Context, tx pgx.Tx, no int64, d Document, wireSHA256 []byte, out *Filing) error {
	switch out.State {
	case "temporary": // it certainly did not arrive: try again. The first attempt was in time or said why it was not.
		if !d.Valid() {
			return refused("not_approved", "the document is not approved, or its approval is void")
		}
		if err := isCurrent(ctx, tx, no, d); err != nil {
			return err
		}
		if err := notHeld(ctx, tx, no, d.Subject); err != nil {
			return err
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

// FinishFiling records what an attempt came to. An accepted filing gets its number in its chain.
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
		if outcome == breach.Accepted {
			if err := numberFiling(ctx, tx, id); err != nil {
				return err
			}
		}
		return note(ctx, tx, no, breach.Tocsin, "filing."+outcome.String(), string(id), Detail{"obligation": obligation, "code": code, "reference": r.Reference})
	})
}

// numberFiling counts an accepted filing in its chain: initial 1, supplement 2, and so on, in the order of acceptance.
func numberFiling(ctx context.Context, tx pgx.Tx, id breach.DeliveryID) error {
	_, err := tx.Exec(ctx, `
		update filing f set number = 1 + (select count(*) from filing x where x.incident_no = f.incident_no and x.chain = f.chain and x.number > 0)
		where f.id = $1 and f.number = 0`, id)
	return err
}

// notFiled records a person's word that an attempt certainly never arrived, so that it may be filed again.
func notFiled(ctx context.Context, tx pgx.Tx, no int64, obligation string, by breach.Person) error {
	if _, err := tx.Exec(ctx, `
		update filing set state = 'rejected', settled_by = $3, outcome_at = now()
		where incident_no = $1 and obligation_key = $2 and state in ('in_doubt', 'intent', 'temporary')`, no, obligation, by); err != nil {
		return err
	}
	return note(ctx, tx, no, by, "filing.settled", obligation, Detail{"filed": false})
}
