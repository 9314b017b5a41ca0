package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// Receipt is what an authority gave for a filing: proof that it took it over, or later that it acknowledged it.
type Receipt struct {
	ID           string            `json:"id" db:"id"`
	Incident     breach.IncidentID `json:"incident" db:"incident_id"`
	Key          string            `json:"obligation" db:"obligation_key"`
	Filing       breach.DeliveryID `json:"filing" db:"filing_id"`        // found by the store where it is empty
	Number       string            `json:"number" db:"number"`           // the authority's; this or evidence is required
	At           time.Time         `json:"received_at" db:"received_at"` // when the authority took it; required
	Who          string            `json:"who" db:"-"`                   // who took it there; required, sealed
	Acknowledged bool              `json:"acknowledged" db:"acknowledged"`
	Evidence     []string          `json:"evidence,omitempty" db:"evidence_ids"` // ids of a photo or a PDF
	By           breach.Person     `json:"by" db:"by"`
	RecordedAt   time.Time         `json:"recorded_at" db:"at"`

	WhoSealed []byte `json:"-" db:"who_sealed"`
}

// clockSkew is how far in the future a stated instant may lie: people's clocks differ.
const clockSkew = 5 * time.Minute

// RecordReceipt keeps a receipt. It closes a filing by hand (what was handed over is the newest approved version), settles one
// in doubt, adds to one that was accepted, and ends the tasks that ask for it. Required are the time, who took it, and a number
// or a piece of evidence. A report handed over late must say why.
func (s *Store) RecordReceipt(ctx context.Context, in Receipt) (Receipt, error) {
	in.Number, in.Who = strings.TrimSpace(in.Number), strings.TrimSpace(in.Who)
	switch {
	case in.At.IsZero():
		return in, refused("receipt_time", "say when the authority took the report, such as 2026-11-22T03:40:00+08:00")
	case in.Who == "":
		return in, refused("receipt_who", "say who took it: a name, a post, or the desk; for a portal, its name")
	case in.Number == "" && len(in.Evidence) == 0:
		return in, refused("receipt_proof", "a receipt needs its number, or a photo or PDF of it as evidence")
	}
	err := s.tx(ctx, "record receipt", func(tx pgx.Tx) error {
		no, err := lockIncident(ctx, tx, in.Incident)
		if err != nil {
			return err
		}
		if err := haveEvidence(ctx, tx, no, in.Evidence...); err != nil {
			return err
		}
		var future bool
		if err := tx.QueryRow(ctx, `select $1 > now() + $2`, in.At, clockSkew).Scan(&future); err != nil {
			return err
		}
		if future {
			return refused("receipt_time", "the receipt's time lies in the future")
		}
		if in.Filing, err = s.settleByReceipt(ctx, tx, no, in); err != nil {
			return err
		}
		return s.insertReceipt(ctx, tx, no, &in)
	})
	return in, err
}

// settleByReceipt finds or makes the filing that a receipt is for.
func (s *Store) settleByReceipt(ctx context.Context, tx pgx.Tx, no int64, in Receipt) (breach.DeliveryID, error) {
	var id breach.DeliveryID
	var state string
	d, err := currentDocument(ctx, tx, no, breach.DocFiling, in.Key)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", err
	}
	// An attempt that nobody knows the end of comes first, then the newest report where it was not handed over yet, then the
	// newest filing that was accepted: a receipt often comes later than the report, an acknowledgement always does.
	err = tx.QueryRow(ctx, `
		select id, state from filing where incident_no = $1 and obligation_key = $2 and state in ('in_doubt', 'intent', 'temporary')
		order by intent_at desc limit 1 for update`, no, in.Key).Scan(&id, &state)
	switch {
	case err == nil && state == "intent":
		return "", refused("under_way", "the report is being handed over at this moment: try again in a minute")
	case err == nil:
		if _, err := tx.Exec(ctx, `update filing set state = 'accepted', reference = case when $2 <> '' then $2 else reference end, settled_by = $3, outcome_at = now() where id = $1`,
			id, in.Number, in.By); err != nil {
			return "", err
		}
		return id, numberFiling(ctx, tx, id)
	case !errors.Is(err, pgx.ErrNoRows):
		return "", err
	}
	var done bool
	if d.ID != "" {
		if err := tx.QueryRow(ctx, `select exists (select from filing where document_id = $1 and state = 'accepted')`, d.ID).Scan(&done); err != nil {
			return "", err
		}
	}
	if d.Valid() && !done && !in.Acknowledged && in.Filing == "" {
		return handedOver(ctx, tx, no, d, in)
	}
	err = tx.QueryRow(ctx, `
		update filing set reference = case when reference = '' then $3 else reference end
		where id = (select id from filing where incident_no = $1 and obligation_key = $2 and state = 'accepted' and ($4 = '' or id = $4) order by number desc limit 1)
		returning id`, no, in.Key, in.Number, in.Filing).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		if d.Valid() && !done && in.Filing == "" { // acknowledged at the counter
			return handedOver(ctx, tx, no, d, in)
		}
		return "", refused("not_approved", "no approved report for %s: approve it first, so that what was handed over is on record", in.Key)
	}
	return id, err
}

// handedOver records that a person handed an approved version over.
func handedOver(ctx context.Context, tx pgx.Tx, no int64, d Document, in Receipt) (breach.DeliveryID, error) {
	late, explained, err := lateness(ctx, tx, no, d.Subject, d.AnswersRev, &in.At)
	if err != nil {
		return "", err
	}
	if late && !explained {
		return "", mustExplainLateness(ctx, tx, no, d.Subject, d.AnswersRev)
	}
	var result breach.Obligation
	if err := tx.QueryRow(ctx, `select result from obligation where incident_no = $1 and key = $2`, no, in.Key).Scan(&result); err != nil {
		return "", err
	}
	var id breach.DeliveryID
	if err := tx.QueryRow(ctx, `
		insert into filing (id, incident_no, obligation_key, document_id, channel, state, wire_sha256, reference, settled_by, outcome_at, stage, chain, late)
		values (md5($1 || 'by hand'), $2, $3, $1, $4, 'accepted', $5, $6, $7, now(), $8, $9, $10) returning id`,
		d.ID, no, in.Key, ByHand, []byte(d.SHA256), in.Number, in.By, d.Stage, result.Chain(), late).Scan(&id); err != nil {
		return "", err
	}
	return id, numberFiling(ctx, tx, id)
}

func (s *Store) insertReceipt(ctx context.Context, tx pgx.Tx, no int64, in *Receipt) error {
	keys, err := s.keysIn(ctx, tx, in.Incident)
	if err != nil {
		return err
	}
	in.ID = uuid.Must(uuid.NewV7()).String()
	sealed, err := keys.Seal("filing_receipt", in.ID, []byte(in.Who))
	if err != nil {
		return err
	}
	if in.Evidence == nil {
		in.Evidence = []string{}
	}
	if err := tx.QueryRow(ctx, `
		insert into filing_receipt (id, incident_no, filing_id, number, received_at, who_sealed, acknowledged, evidence_ids, by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning at`,
		in.ID, no, in.Filing, in.Number, in.At, sealed, in.Acknowledged, in.Evidence, in.By).Scan(&in.RecordedAt); err != nil {
		return err
	}
	if err := note(ctx, tx, no, in.By, "filing.receipt", in.Key,
		Detail{"filing": in.Filing, "number": in.Number, "received_at": in.At, "acknowledged": in.Acknowledged, "evidence": in.Evidence}); err != nil {
		return err
	}
	if err := endTasks(ctx, tx, no, in.By, in.Key, breach.TaskAddressee, breach.TaskInDoubt, breach.TaskRefused); err != nil {
		return err
	}
	var document breach.DocumentID
	if err := tx.QueryRow(ctx, `select document_id from filing where id = $1`, in.Filing).Scan(&document); err != nil {
		return err
	}
	return post(ctx, tx, no, FilingSettled, in.Key, "", FilingDone{
		Obligation: in.Key, Filing: string(in.Filing), Filed: true, Acknowledged: in.Acknowledged, Document: document,
	})
}

// Receipts lists what authorities gave for an incident's filings, oldest first.
func (s *Store) Receipts(ctx context.Context, id breach.IncidentID) ([]Receipt, error) {
	receipts, err := list[Receipt](ctx, s.pool, `
		select r.id, i.id as incident_id, f.obligation_key, r.filing_id, r.number, r.received_at, r.acknowledged, r.evidence_ids, r.by, r.at, r.who_sealed
		from filing_receipt r join filing f on f.id = r.filing_id join incident i on i.no = r.incident_no where i.id = $1 order by r.at, r.id`, id)
	if err != nil || len(receipts) == 0 {
		return receipts, wrap("list receipts", err)
	}
	keys, err := s.keys.Keys(ctx, id)
	if err != nil {
		return nil, err
	}
	for i := range receipts {
		who, err := keys.Open("filing_receipt", receipts[i].ID, receipts[i].WhoSealed)
		if err != nil {
			return nil, err
		}
		receipts[i].Who = string(who)
	}
	return receipts, nil
}
