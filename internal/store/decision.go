package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// Decision is what a person decided about one version of a document, which they name by its hash: what was approved is
// what is sent.
type Decision struct {
	Document breach.DocumentID
	SHA256   HexBytes
	Verdict  breach.Verdict
	Person   breach.Person
	Role     breach.Role
	Why      string
}

// Decide records a decision. It is refused for a version that is void, a hash that is not this version's, a person whose
// words stand in it (four eyes), and a report that is late and does not say why. An approval counts once a person; the last one
// needed makes the document approved, and whoever decides at the same moment is taken one after the other. The same decision
// again is accepted and changes nothing.
func (s *Store) Decide(ctx context.Context, in Decision) (Document, error) {
	var d Document
	err := s.tx(ctx, "decide", func(tx pgx.Tx) error {
		no, err := lockDocument(ctx, tx, in.Document)
		if err != nil {
			return err
		}
		d, err = one[Document](ctx, tx, `select `+documentColumns+` from document d join incident i on i.no = d.incident_no where d.id = $1`, in.Document)
		if err != nil {
			return err
		}
		var earlier breach.Verdict
		err = tx.QueryRow(ctx, `select verdict from decision where document_id = $1 and person = $2`, in.Document, in.Person).Scan(&earlier)
		if err == nil && earlier == in.Verdict {
			return nil
		}
		if err == nil {
			return refused("already_decided", "you have already %s this version", earlier)
		}
		if err := mayDecide(d, in); err != nil {
			return err
		}
		if in.Verdict == breach.Approved && d.Kind == breach.DocFiling {
			if err := mustExplainLateness(ctx, tx, no, d.Subject, d.AnswersRev); err != nil {
				return err
			}
		}
		return recordDecision(ctx, tx, no, d, in)
	})
	if r, ok := errors.AsType[*Refused](err); ok && d.ID != "" {
		// A refused attempt is evidence too; it is written on its own, since its transaction is gone.
		if noteErr := s.Note(ctx, d.IncidentID, in.Person, "decision.refused", string(in.Document), Detail{"code": r.Code}); noteErr != nil {
			return d, noteErr
		}
		return d, err
	}
	if err != nil {
		return d, err
	}
	return s.documentHead(ctx, in.Document)
}

// lockDocument holds the incident's row and then the document's until the transaction ends: the order in which everything is
// locked.
func lockDocument(ctx context.Context, tx pgx.Tx, id breach.DocumentID) (no int64, err error) {
	if err := tx.QueryRow(ctx, `select incident_no from document where id = $1`, id).Scan(&no); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, `select from incident where no = $1 for no key update`, no); err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, `select from document where id = $1 for update`, id)
	return no, err
}

func mayDecide(d Document, in Decision) error {
	switch {
	case d.VoidedAt != nil:
		return refused("void", "this version is void (%s): read and decide on the newest one", *d.VoidReason)
	case !bytes.Equal(d.SHA256, in.SHA256):
		return refused("stale_document", "the hash is not that of version %d: read it again, then decide", d.Version)
	case d.Author == in.Person:
		return refused("same_person", "%s prepared this document, so another person must decide on it", in.Person)
	case d.contributed(in.Person):
		return refused("same_person", "answers of %s stand in this document, so another person must decide on it", in.Person)
	case d.ApprovedBy != nil:
		return refused("already_decided", "%s has approved this version already", *d.ApprovedBy)
	}
	return nil
}

func recordDecision(ctx context.Context, tx pgx.Tx, no int64, d Document, in Decision) error {
	if _, err := tx.Exec(ctx, `insert into decision (document_id, person, role, sha256, verdict, why, at) values ($1, $2, $3, $4, $5, $6, clock_timestamp())`,
		in.Document, in.Person, in.Role, []byte(in.SHA256), in.Verdict, in.Why); err != nil {
		return err
	}
	given := len(d.Approvers)
	if in.Verdict == breach.Approved {
		given++
	}
	complete := in.Verdict == breach.Approved && (given >= d.Approvals || in.Role == breach.RoleGuard)
	if err := note(ctx, tx, no, in.Person, "decision."+string(in.Verdict), string(in.Document),
		Detail{"role": in.Role, "sha256": in.SHA256, "subject": d.Subject, "version": d.Version, "given": given, "needed": d.Approvals}); err != nil {
		return err
	}
	switch {
	case in.Verdict == breach.Refused:
		if err := voidDocument(ctx, tx, no, in.Document, refusedBy(in)); err != nil {
			return err
		}
	case !complete:
		return nil // the engine hears of it when the last approval is there
	default:
		if _, err := tx.Exec(ctx, `update document set approved_at = now() where id = $1`, in.Document); err != nil {
			return err
		}
		if d.Kind == breach.DocHold {
			if err := beginHold(ctx, tx, no, d); err != nil {
				return err
			}
		}
	}
	return post(ctx, tx, no, Decided, d.Subject, "", DecisionMade{
		Document: d.ID, Kind: d.Kind, Subject: d.Subject, Version: d.Version, Verdict: in.Verdict,
	})
}

func refusedBy(in Decision) string { return "refused by " + string(in.Person) }

// Decisions returns what was decided on a version, oldest first.
func (s *Store) Decisions(ctx context.Context, id breach.DocumentID) ([]DecisionRecord, error) {
	d, err := list[DecisionRecord](ctx, s.pool, `select person, role, verdict, why, at from decision where document_id = $1 order by at, person`, id)
	return d, wrap("list decisions", err)
}

// approved refuses a document that not enough people have approved, or whose approval is void.
func approved(ctx context.Context, tx pgx.Tx, document breach.DocumentID) error {
	var valid bool
	err := tx.QueryRow(ctx, `select voided_at is null and approved_at is not null from document d where d.id = $1 for share`, document).Scan(&valid)
	if err == nil && !valid {
		return refused("not_approved", "the document is not approved, or its approval is void")
	}
	return err
}

// names lists people for a sentence.
func names(people []breach.Person) string {
	words := make([]string, len(people))
	for i, p := range people {
		words[i] = string(p)
	}
	slices.Sort(words)
	if len(words) == 0 {
		return "nobody"
	}
	return strings.Join(words, ", ")
}

// Progress says how many of the approvals needed were given, and by whom.
func (d Document) Progress() string {
	return fmt.Sprintf("%d of %d (%s)", len(d.Approvers), d.Approvals, names(d.Approvers))
}

// DecisionRecord is one decision on a version.
type DecisionRecord struct {
	Person  breach.Person  `json:"person" db:"person"`
	Role    breach.Role    `json:"role" db:"role"`
	Verdict breach.Verdict `json:"verdict" db:"verdict"`
	Why     string         `json:"why,omitempty" db:"why"`
	At      time.Time      `json:"at" db:"at"`
}
