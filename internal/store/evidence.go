package store

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// MaxEvidence is how large a piece of evidence may be, in bytes.
const MaxEvidence = 20 << 20

// EvidenceKind says what a piece of evidence is.
type EvidenceKind string

// The kinds of evidence.
const (
	EvidenceReceipt EvidenceKind = "receipt" // what an authority gave for a filing
	EvidenceLetter  EvidenceKind = "letter"  // what an authority wrote to us
	EvidenceHold    EvidenceKind = "hold"    // the paper by which an authority asks for delay
	EvidenceProof   EvidenceKind = "proof"   // that something was done
)

// EvidenceKinds lists them.
func EvidenceKinds() []EvidenceKind {
	return []EvidenceKind{EvidenceReceipt, EvidenceLetter, EvidenceHold, EvidenceProof}
}

// Evidence is a paper or a picture that proves something. Its name and its bytes are sealed.
type Evidence struct {
	ID         string            `json:"id" db:"id"`
	IncidentID breach.IncidentID `json:"incident" db:"incident_id"`
	Kind       EvidenceKind      `json:"kind" db:"kind"`
	Ref        string            `json:"ref,omitempty" db:"ref"` // what it is about: an obligation's key, a task
	Name       string            `json:"name" db:"-"`            // the file's; may name people
	Type       string            `json:"type" db:"media_type"`
	Size       int64             `json:"size" db:"size"`
	SHA256     HexBytes          `json:"sha256" db:"sha256"`
	By         breach.Person     `json:"by" db:"by"`
	At         time.Time         `json:"at" db:"at"`
	Bytes      []byte            `json:"-" db:"-"`

	NameSealed []byte `json:"-" db:"name_sealed"`
}

const evidenceColumns = `e.id, i.id as incident_id, e.kind, e.ref, e.media_type, e.size, e.sha256, e.by, e.at, e.name_sealed`

// AddEvidence keeps a piece of evidence and returns it with its id and hash.
func (s *Store) AddEvidence(ctx context.Context, in Evidence) (Evidence, error) {
	switch {
	case !slices.Contains(EvidenceKinds(), in.Kind):
		return in, refused("evidence", "%q is no kind of evidence; there are receipt, letter, hold and proof", in.Kind)
	case len(in.Bytes) == 0:
		return in, refused("evidence", "the file is empty")
	case len(in.Bytes) > MaxEvidence:
		return in, refused("too_large", "the file has %d bytes; at most %d (20 MiB) are kept: make the picture smaller, or split the file", len(in.Bytes), MaxEvidence)
	case strings.TrimSpace(in.Name) == "":
		return in, refused("evidence", "the file has no name")
	}
	sum := sha256.Sum256(in.Bytes)
	in.ID, in.SHA256, in.Size = uuid.Must(uuid.NewV7()).String(), sum[:], int64(len(in.Bytes))
	err := s.tx(ctx, "add evidence", func(tx pgx.Tx) error {
		no, err := lockIncident(ctx, tx, in.IncidentID)
		if err != nil {
			return err
		}
		keys, err := s.keysIn(ctx, tx, in.IncidentID)
		if err != nil {
			return err
		}
		name, err := keys.Seal("evidence_name", in.ID, []byte(in.Name))
		if err != nil {
			return err
		}
		sealed, err := keys.Seal("evidence", in.ID, in.Bytes)
		if err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `
			insert into evidence (id, incident_no, kind, ref, media_type, size, sha256, name_sealed, bytes_sealed, by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			returning at`, in.ID, no, in.Kind, in.Ref, in.Type, in.Size, sum[:], name, sealed, in.By).Scan(&in.At); err != nil {
			return err
		}
		return note(ctx, tx, no, in.By, "evidence.add", in.ID, Detail{"kind": in.Kind, "ref": in.Ref, "size": in.Size, "sha256": in.SHA256})
	})
	return in, err
}

// EvidenceItems lists an incident's evidence without bytes, oldest first.
func (s *Store) EvidenceItems(ctx context.Context, id breach.IncidentID) ([]Evidence, error) {
	items, err := list[Evidence](ctx, s.pool, `select `+evidenceColumns+` from evidence e join incident i on i.no = e.incident_no where i.id = $1 order by e.at, e.id`, id)
	if err != nil || len(items) == 0 {
		return items, wrap("list evidence", err)
	}
	keys, err := s.keys.Keys(ctx, id)
	if err != nil {
		return nil, err
	}
	for i := range items {
		name, err := keys.Open("evidence_name", items[i].ID, items[i].NameSealed)
		if err != nil {
			return nil, err
		}
		items[i].Name = string(name)
	}
	return items, nil
}

// EvidenceItem returns one piece of evidence with its bytes; ErrNotFound where the incident has none of that id.
func (s *Store) EvidenceItem(ctx context.Context, id breach.IncidentID, item string) (Evidence, error) {
	e, err := one[Evidence](ctx, s.pool, `select `+evidenceColumns+` from evidence e join incident i on i.no = e.incident_no where i.id = $1 and e.id = $2`, id, item)
	if err != nil {
		return e, wrap("read evidence", err)
	}
	var sealed []byte
	if err := s.pool.QueryRow(ctx, `select bytes_sealed from evidence where id = $1`, item).Scan(&sealed); err != nil {
		return e, wrap("read evidence", err)
	}
	keys, err := s.keys.Keys(ctx, id)
	if err != nil {
		return e, err
	}
	name, err := keys.Open("evidence_name", e.ID, e.NameSealed)
	if err != nil {
		return e, err
	}
	e.Name = string(name)
	e.Bytes, err = keys.Open("evidence", e.ID, sealed)
	return e, err
}

// haveEvidence refuses ids that are not evidence of the incident.
func haveEvidence(ctx context.Context, q querier, no int64, ids ...string) error {
	for _, id := range ids {
		var there bool
		if err := q.QueryRow(ctx, `select exists (select from evidence where incident_no = $1 and id = $2)`, no, id).Scan(&there); err != nil {
			return err
		}
		if !there {
			return refused("no_evidence", "the incident holds no evidence %s: add the file first, then name its id", id)
		}
	}
	return nil
}
