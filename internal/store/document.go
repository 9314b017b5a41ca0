package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// Document is one version of something a second person must agree to before it leaves the house.
type Document struct {
	ID         breach.DocumentID   `json:"id" db:"id"`
	IncidentID breach.IncidentID   `json:"incident" db:"incident_id"`
	Kind       breach.DocumentKind `json:"kind" db:"kind"`
	Subject    string              `json:"subject" db:"subject"` // the obligation's key, "notice/1", "public/1", "closure/1"
	Version    int                 `json:"version" db:"version"`
	SHA256     HexBytes            `json:"sha256" db:"sha256"`
	Author     breach.Person       `json:"author" db:"author"`
	FactsRev   int                 `json:"facts_rev" db:"facts_rev"`
	At         time.Time           `json:"at" db:"at"`
	VoidedAt   *time.Time          `json:"voided_at,omitempty" db:"voided_at"`
	VoidReason *string             `json:"void_reason,omitempty" db:"void_reason"`
	ApprovedBy *breach.Person      `json:"approved_by,omitempty" db:"approved_by"`
	ApprovedAt *time.Time          `json:"approved_at,omitempty" db:"approved_at"`
	Content    []byte              `json:"-" db:"-"` // read by DocumentContent only
}

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

const documentColumns = `d.id, i.id as incident_id, d.kind, d.subject, d.version, d.sha256, d.author, d.facts_rev, d.at, d.voided_at, d.void_reason,
	(select person from decision x where x.document_id = d.id and x.verdict = 'approved' order by at limit 1) as approved_by,
	(select at from decision x where x.document_id = d.id and x.verdict = 'approved' order by at limit 1) as approved_at`

// AddDocument keeps a new version; the version before it is void from then on. The same content again is the same version,
// so that a retried activity adds nothing.
func (s *Store) AddDocument(ctx context.Context, in Document) (Document, error) {
	sum := sha256.Sum256(in.Content)
	err := s.tx(ctx, "add document", func(tx pgx.Tx) error {
		no, err := lockIncident(ctx, tx, in.IncidentID)
		if err != nil {
			return err
		}
		current, err := one[Document](ctx, tx, `select `+documentColumns+` from document d join incident i on i.no = d.incident_no
			where d.incident_no = $1 and d.kind = $2 and d.subject = $3 and d.voided_at is null`, no, in.Kind, in.Subject)
		switch {
		case err == nil && bytes.Equal(current.SHA256, sum[:]):
			in = current
			return nil
		case err == nil:
			if err := voidDocument(ctx, tx, no, current.ID, "replaced by a newer version"); err != nil {
				return err
			}
		case !errors.Is(err, pgx.ErrNoRows):
			return err
		}
		return s.insertDocument(ctx, tx, no, &in, sum)
	})
	return in, err
}

func (s *Store) insertDocument(ctx context.Context, tx pgx.Tx, no int64, in *Document, sum [32]byte) error {
	keys, err := s.keysIn(ctx, tx, in.IncidentID)
	if err != nil {
		return err
	}
	in.ID, in.SHA256 = breach.DocumentID(uuid.Must(uuid.NewV7()).String()), sum[:]
	sealed, err := keys.Seal("document", string(in.ID), in.Content)
	if err != nil {
		return err
	}
	err = tx.QueryRow(ctx, `
		insert into document (id, incident_no, kind, subject, version, sha256, content_sealed, author, facts_rev)
		select $1, $2, $3, $4, coalesce(max(version), 0) + 1, $5, $6, $7, $8 from document where incident_no = $2 and kind = $3 and subject = $4
		returning version, at`,
		in.ID, no, in.Kind, in.Subject, sum[:], sealed, in.Author, in.FactsRev).Scan(&in.Version, &in.At)
	if err != nil {
		return err
	}
	return note(ctx, tx, no, in.Author, "document.add", string(in.ID), Detail{"kind": in.Kind, "subject": in.Subject, "version": in.Version, "sha256": in.SHA256})
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

// Document returns one version with its content.
func (s *Store) Document(ctx context.Context, id breach.DocumentID) (Document, error) {
	d, err := one[Document](ctx, s.pool, `select `+documentColumns+` from document d join incident i on i.no = d.incident_no where d.id = $1`, id)
	if err != nil {
		return d, wrap("read document", err)
	}
	var sealed []byte
	if err := s.pool.QueryRow(ctx, `select content_sealed from document where id = $1`, id).Scan(&sealed); err != nil {
		return d, wrap("read document", err)
	}
	keys, err := s.keys.Keys(ctx, d.IncidentID)
	if err != nil {
		return d, err
	}
	d.Content, err = keys.Open("document", string(id), sealed)
	return d, err
}

// Documents lists an incident's documents of some kinds without their content, newest version first. Voided ones are
// included where all is set.
func (s *Store) Documents(ctx context.Context, id breach.IncidentID, all bool, kinds ...breach.DocumentKind) ([]Document, error) {
	documents, err := list[Document](ctx, s.pool, `
		select `+documentColumns+` from document d join incident i on i.no = d.incident_no
		where i.id = $1 and d.kind = any($2) and ($3 or d.voided_at is null) order by d.subject, d.version desc`, id, kinds, all)
	return documents, wrap("list documents", err)
}

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

// Decide records a decision. It is refused for a version that is void, a hash that is not this version's, and a person
// who is the document's author: four eyes. The same decision again is accepted and changes nothing.
func (s *Store) Decide(ctx context.Context, in Decision) (Document, error) {
	var d Document
	err := s.tx(ctx, "decide", func(tx pgx.Tx) error {
		var no int64
		if err := tx.QueryRow(ctx, `select incident_no from document where id = $1 for update`, in.Document).Scan(&no); err != nil {
			return err
		}
		var err error
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

func (s *Store) documentHead(ctx context.Context, id breach.DocumentID) (Document, error) {
	d, err := one[Document](ctx, s.pool, `select `+documentColumns+` from document d join incident i on i.no = d.incident_no where d.id = $1`, id)
	return d, wrap("read document", err)
}

func mayDecide(d Document, in Decision) error {
	switch {
	case d.VoidedAt != nil:
		return refused("void", "this version is void (%s): read and decide on the newest one", *d.VoidReason)
	case !bytes.Equal(d.SHA256, in.SHA256):
		return refused("stale_document", "the hash is not that of version %d: read it again, then decide", d.Version)
	case d.Author == in.Person:
		return refused("same_person", "%s prepared this document, so another person must decide on it", in.Person)
	case d.ApprovedBy != nil:
		return refused("already_decided", "%s has approved this version already", *d.ApprovedBy)
	}
	return nil
}

func recordDecision(ctx context.Context, tx pgx.Tx, no int64, d Document, in Decision) error {
	if _, err := tx.Exec(ctx, `insert into decision (document_id, person, role, sha256, verdict, why) values ($1, $2, $3, $4, $5, $6)`,
		in.Document, in.Person, in.Role, []byte(in.SHA256), in.Verdict, in.Why); err != nil {
		return err
	}
	if err := note(ctx, tx, no, in.Person, "decision."+string(in.Verdict), string(in.Document),
		Detail{"role": in.Role, "sha256": in.SHA256, "subject": d.Subject, "version": d.Version}); err != nil {
		return err
	}
	if in.Verdict == breach.Refused {
		if err := voidDocument(ctx, tx, no, in.Document, "refused"); err != nil {
			return err
		}
	}
	return post(ctx, tx, no, Decided, d.Subject, "", DecisionMade{
		Document: d.ID, Kind: d.Kind, Subject: d.Subject, Version: d.Version, Verdict: in.Verdict,
	})
}
