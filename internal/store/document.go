package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// Document is one version of something that others must agree to before it leaves the house.
type Document struct {
	ID           breach.DocumentID   `json:"id" db:"id"`
	IncidentID   breach.IncidentID   `json:"incident" db:"incident_id"`
	Kind         breach.DocumentKind `json:"kind" db:"kind"`
	Subject      string              `json:"subject" db:"subject"` // the obligation's key, "notice/1", "public/1", "closure/1"
	Version      int                 `json:"version" db:"version"`
	Stage        breach.Stage        `json:"stage,omitempty" db:"stage"`   // of a filing
	Number       int                 `json:"number,omitempty" db:"number"` // of a filing in its chain, from 1
	SHA256       HexBytes            `json:"sha256" db:"sha256"`
	Author       breach.Person       `json:"author" db:"author"`
	Contributors []breach.Person     `json:"contributors,omitempty" db:"contributors"` // whose answers stand in it
	FactsRev     int                 `json:"facts_rev" db:"facts_rev"`
	AnswersRev   int                 `json:"answers_rev,omitempty" db:"answers_rev"`
	At           time.Time           `json:"at" db:"at"`
	VoidedAt     *time.Time          `json:"voided_at,omitempty" db:"voided_at"`
	VoidReason   *string             `json:"void_reason,omitempty" db:"void_reason"`
	Approvals    int                 `json:"approvals_needed" db:"approvals_needed"` // how many people must approve; 0 takes the policy's number for the kind
	Approvers    []breach.Person     `json:"approvers,omitempty" db:"approvers"`     // who has approved, first to last
	ApprovedBy   *breach.Person      `json:"approved_by,omitempty" db:"approved_by"` // who gave the last approval that was needed
	ApprovedAt   *time.Time          `json:"approved_at,omitempty" db:"approved_at"` // set once all have; counts only while VoidedAt is not set
	UntilAt      *time.Time          `json:"until_at,omitempty" db:"until_at"`       // of a hold
	Evidence     *string             `json:"evidence,omitempty" db:"evidence_id"`    // the paper of a hold or a waiver
	Content      []byte              `json:"-" db:"-"`                               // read by Document only
	Files        []breach.File       `json:"files,omitempty" db:"-"`                 // finished renderings, made when the document was

	Voided bool `json:"-" db:"-"` // set by AddDocument: this version made an approved one void
}

// Valid reports whether the document is approved and not void.
func (d Document) Valid() bool { return d.ApprovedAt != nil && d.VoidedAt == nil }

// HexBytes is a hash; in JSON it is hexadecimal.
type HexBytes []byte

// MarshalText writes hexadecimal.
func (h HexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

// UnmarshalText reads hexadecimal.
func (h *HexBytes) UnmarshalText(b []byte) error {
	v, err := hex.DecodeString(string(b))
	if err != nil {
		return errors.New("a hash is written in hexadecimal digits")
	}
	*h = v
	return nil
}

// String writes hexadecimal.
func (h HexBytes) String() string { return hex.EncodeToString(h) }

const documentColumns = `d.id, i.id as incident_id, d.kind, d.subject, d.version, d.stage, d.number, d.sha256, d.author, d.contributors, d.facts_rev, d.answers_rev,
	d.at, d.voided_at, d.void_reason, d.approvals_needed, d.approved_at, d.until_at, d.evidence_id,
	array(select person from decision x where x.document_id = d.id and x.verdict = 'approved' order by x.at, x.person) as approvers,
	(select person from decision x where x.document_id = d.id and x.verdict = 'approved' and d.approved_at is not null order by x.at desc, x.person desc limit 1) as approved_by`

// RequireApprovals says how many people must approve a document of each kind; 1 where nothing is said. Call it before the
// store is used by several.
func (s *Store) RequireApprovals(needed map[breach.DocumentKind]int) { s.approvals = needed }

// AddDocument keeps a new version; the version before it is void from then on, and says why. The same content again is the
// same version, so that a retried activity adds nothing.
func (s *Store) AddDocument(ctx context.Context, in Document) (Document, error) {
	sum := sha256.Sum256(in.Content)
	if in.Approvals == 0 {
		in.Approvals = max(1, s.approvals[in.Kind])
	}
	err := s.tx(ctx, "add document", func(tx pgx.Tx) error {
		no, err := lockIncident(ctx, tx, in.IncidentID)
		if err != nil {
			return err
		}
		current, err := currentDocument(ctx, tx, no, in.Kind, in.Subject)
		switch {
		case err == nil && bytes.Equal(current.SHA256, sum[:]):
			in = current
			return keepDocument(ctx, tx, current.ID, max(in.FactsRev, current.FactsRev), max(in.AnswersRev, current.AnswersRev))
		case err == nil:
			var filed bool
			if err := tx.QueryRow(ctx, `select exists (select from filing where document_id = $1 and state = 'accepted')`, current.ID).Scan(&filed); err != nil {
				return err
			}
			if err := voidDocument(ctx, tx, no, current.ID, replacedBecause(current, in, filed)); err != nil {
				return err
			}
			in.Voided = current.ApprovedAt != nil && !filed
		case !errors.Is(err, pgx.ErrNoRows):
			return err
		}
		return s.insertDocument(ctx, tx, no, &in, sum)
	})
	return in, err
}

// currentDocument is the one version that is not void; of holds, the one that is not in force yet.
func currentDocument(ctx context.Context, q querier, no int64, kind breach.DocumentKind, subject string) (Document, error) {
	return one[Document](ctx, q, `select `+documentColumns+` from document d join incident i on i.no = d.incident_no
		where d.incident_no = $1 and d.kind = $2 and d.subject = $3 and d.voided_at is null and (d.kind <> 'hold' or d.approved_at is null)`, no, kind, subject)
}

// replacedBecause says what changed under an older version. Where that was approved, its approval is void with it.
func replacedBecause(old, next Document, filed bool) string {
	why := "replaced by a newer version"
	switch {
	case filed:
		return "it was filed; a later report of the chain follows it"
	case next.FactsRev > old.FactsRev && old.FactsRev > 0:
		why = fmt.Sprintf("the facts changed with revision %d; it was drafted from revision %d", next.FactsRev, old.FactsRev)
	case next.AnswersRev > old.AnswersRev:
		why = fmt.Sprintf("the answers changed with revision %d; it said those of revision %d", next.AnswersRev, old.AnswersRev)
	}
	if old.ApprovedAt != nil {
		why += "; the approval given to it is void"
	}
	return why
}

func (s *Store) insertDocument(ctx context.Context, tx pgx.Tx, no int64, in *Document, sum [32]byte) error {
	keys, err := s.keysIn(ctx, tx, in.IncidentID)
	if err != nil {
		return err
	}
	in.ID, in.SHA256 = breach.DocumentID(uuid.Must(uuid.NewV7()).String()), sum[:]
	if in.Contributors == nil {
		in.Contributors = []breach.Person{}
	}
	sealed, err := keys.Seal("document", string(in.ID), in.Content)
	if err != nil {
		return err
	}
	err = tx.QueryRow(ctx, `
		insert into document (id, incident_no, kind, subject, version, sha256, content_sealed, author, facts_rev, contributors, approvals_needed, answers_rev,
			stage, number, until_at, evidence_id)
		select $1, $2, $3, $4, coalesce(max(version), 0) + 1, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
		from document where incident_no = $2 and kind = $3 and subject = $4
		returning version, at`,
		in.ID, no, in.Kind, in.Subject, sum[:], sealed, in.Author, in.FactsRev, in.Contributors, in.Approvals, in.AnswersRev,
		in.Stage, in.Number, in.UntilAt, in.Evidence).Scan(&in.Version, &in.At)
	if err != nil {
		return err
	}
	files, err := insertFiles(ctx, tx, keys, in.ID, in.Files)
	if err != nil {
		return err
	}
	detail := Detail{"kind": in.Kind, "subject": in.Subject, "version": in.Version, "sha256": in.SHA256, "approvals": in.Approvals}
	if len(files) > 0 {
		detail["files"] = files
	}
	if in.UntilAt != nil {
		detail["until"] = in.UntilAt
	}
	return note(ctx, tx, no, in.Author, "document.add", string(in.ID), detail)
}

// KeepDocument says that a version still fits newer facts and answers: nothing that it says has changed, so what was decided
// on it holds.
func (s *Store) KeepDocument(ctx context.Context, id breach.DocumentID, factsRev, answersRev int) error {
	return wrap("keep document", keepDocument(ctx, s.pool, id, factsRev, answersRev))
}

func keepDocument(ctx context.Context, q querier, id breach.DocumentID, factsRev, answersRev int) error {
	_, err := q.Exec(ctx, `update document set facts_rev = greatest(facts_rev, $2), answers_rev = greatest(answers_rev, $3) where id = $1 and voided_at is null`,
		id, factsRev, answersRev)
	return err
}

func voidDocument(ctx context.Context, tx pgx.Tx, no int64, id breach.DocumentID, why string) error {
	if _, err := tx.Exec(ctx, `update document set voided_at = now(), void_reason = $2 where id = $1 and voided_at is null`, id, why); err != nil {
		return err
	}
	return note(ctx, tx, no, breach.Tocsin, "document.void", string(id), Detail{"why": why})
}

// VoidDocument ends a version that must not be approved any more; an approval given to it is void too.
func (s *Store) VoidDocument(ctx context.Context, id breach.DocumentID, why string) error {
	return s.tx(ctx, "void document", func(tx pgx.Tx) error {
		var no int64
		var voided bool
		if err := tx.QueryRow(ctx, `select incident_no, voided_at is not null from document where id = $1 for update`, id).Scan(&no, &voided); err != nil || voided {
			return err
		}
		return voidDocument(ctx, tx, no, id, why)
	})
}

// Document returns one version with its content and the list of its files. Void versions stay readable.
func (s *Store) Document(ctx context.Context, id breach.DocumentID) (Document, error) {
	d, err := s.documentHead(ctx, id)
	if err != nil {
		return d, err
	}
	var sealed []byte
	if err := s.pool.QueryRow(ctx, `select content_sealed from document where id = $1`, id).Scan(&sealed); err != nil {
		return d, wrap("read document", err)
	}
	keys, err := s.keys.Keys(ctx, d.IncidentID)
	if err != nil {
		return d, err
	}
	if d.Content, err = keys.Open("document", string(id), sealed); err != nil {
		return d, err
	}
	d.Files, err = s.DocumentFiles(ctx, id)
	return d, err
}

// CurrentDocument returns the version of a subject that is not void, without its content; ErrNotFound where there is none.
func (s *Store) CurrentDocument(ctx context.Context, id breach.IncidentID, kind breach.DocumentKind, subject string) (Document, error) {
	no, err := incidentNumber(ctx, s.pool, id)
	if err != nil {
		return Document{}, wrap("read document", err)
	}
	d, err := currentDocument(ctx, s.pool, no, kind, subject)
	return d, wrap("read document", err)
}

// Documents lists an incident's documents of some kinds without their content, newest version first. Voided ones are
// included where all is set.
func (s *Store) Documents(ctx context.Context, id breach.IncidentID, all bool, kinds ...breach.DocumentKind) ([]Document, error) {
	documents, err := list[Document](ctx, s.pool, `
		select `+documentColumns+` from document d join incident i on i.no = d.incident_no
		where i.id = $1 and d.kind = any($2) and ($3 or d.voided_at is null) order by d.subject, d.version desc`, id, kinds, all)
	return documents, wrap("list documents", err)
}

func (s *Store) documentHead(ctx context.Context, id breach.DocumentID) (Document, error) {
	d, err := one[Document](ctx, s.pool, `select `+documentColumns+` from document d join incident i on i.no = d.incident_no where d.id = $1`, id)
	return d, wrap("read document", err)
}

// contributed reports whether a person's words stand in the document.
func (d Document) contributed(p breach.Person) bool {
	return d.Author == p || slices.Contains(d.Contributors, p)
}
