package store

import (
	"bytes"
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// PublicNotice is a page that was published for everybody.
type PublicNotice struct {
	IncidentID  breach.IncidentID `json:"incident" db:"incident_id"`
	N           int               `json:"n" db:"n"`
	Number      string            `json:"number" db:"number"`
	Page        []byte            `json:"-" db:"page"`
	SHA256      HexBytes          `json:"sha256" db:"sha256"`
	PublishedAt time.Time         `json:"published_at" db:"published_at"`
	UntilAt     time.Time         `json:"until_at" db:"until_at"`
	WithdrawnAt *time.Time        `json:"withdrawn_at,omitempty" db:"withdrawn_at"`
}

const publicNoticeColumns = `i.id as incident_id, n.n, n.number, n.page, n.sha256, n.published_at, n.until_at, n.withdrawn_at`

// NewPublicNotice is a page on its way to the public.
type NewPublicNotice struct {
	IncidentID     breach.IncidentID
	N              int
	Document       breach.DocumentID
	DocumentSHA256 HexBytes // what was approved
	Number         string
	Page           []byte
	PageSHA256     HexBytes
	Keep           time.Duration // how long it is posted
}

// Publish puts an approved page before the public and counts everyone whom no channel reached as told by it, in one
// transaction. Publishing again changes nothing; a document without a valid approval is refused.
func (s *Store) Publish(ctx context.Context, in NewPublicNotice) (PublicNotice, error) {
	err := s.tx(ctx, "publish notice", func(tx pgx.Tx) error {
		no, err := incidentNumber(ctx, tx, in.IncidentID)
		if err != nil {
			return err
		}
		var approved []byte
		err = tx.QueryRow(ctx, `
			select d.sha256 from document d where d.id = $1 and d.approved_at is not null and d.voided_at is null`, in.Document).Scan(&approved)
		if err != nil || !bytes.Equal(approved, in.DocumentSHA256) {
			return refused("not_approved", "the public notice is not approved, or its approval is void")
		}
		tag, err := tx.Exec(ctx, `
			insert into public_notice (incident_no, n, document_id, number, page, sha256, until_at) values ($1, $2, $3, $4, $5, $6, now() + $7)
			on conflict do nothing`, no, in.N, in.Document, in.Number, in.Page, []byte(in.PageSHA256), in.Keep)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		if _, err := tx.Exec(ctx, `update standing set state = 'public' where incident_no = $1 and state = 'missed'`, no); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, foldPeople, no); err != nil {
			return err
		}
		return note(ctx, tx, no, breach.Tocsin, "public_notice.publish", in.Number, Detail{"n": in.N, "document": in.Document, "page_sha256": in.PageSHA256})
	})
	if err != nil {
		return PublicNotice{}, err
	}
	p, err := one[PublicNotice](ctx, s.pool, `select `+publicNoticeColumns+` from public_notice n join incident i on i.no = n.incident_no where i.id = $1 and n.n = $2`, in.IncidentID, in.N)
	return p, wrap("read public notice", err)
}

// PublicNotices lists an incident's published notices; with an empty id, all that are posted now, newest first.
func (s *Store) PublicNotices(ctx context.Context, id breach.IncidentID) ([]PublicNotice, error) {
	p, err := list[PublicNotice](ctx, s.pool, `
		select `+publicNoticeColumns+` from public_notice n join incident i on i.no = n.incident_no
		where ($1 = '' and n.withdrawn_at is null and n.until_at > now()) or i.id = $1 order by n.published_at desc limit 500`, id)
	return p, wrap("list public notices", err)
}

// PublicNoticeByNumber finds a posted notice by the number that people type.
func (s *Store) PublicNoticeByNumber(ctx context.Context, number string) (PublicNotice, error) {
	p, err := one[PublicNotice](ctx, s.pool, `
		select `+publicNoticeColumns+` from public_notice n join incident i on i.no = n.incident_no where n.number = $1 and n.withdrawn_at is null and n.until_at > now()`, number)
	return p, wrap("read public notice", err)
}

// NoticeDocument finds the document of an approved notice to people by the number its messages carry.
func (s *Store) NoticeDocument(ctx context.Context, number string) (Document, error) {
	var id breach.DocumentID
	err := s.pool.QueryRow(ctx, `select document_id from campaign where number = $1 and frozen_at is not null`, number).Scan(&id)
	if err != nil {
		return Document{}, wrap("find notice", err)
	}
	return s.Document(ctx, id)
}
