package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
	"tocsin/internal/seal"
)

// insertFiles keeps a document's finished renderings and returns their hashes by name, for the journal.
func insertFiles(ctx context.Context, tx pgx.Tx, keys *seal.Keys, id breach.DocumentID, files []breach.File) (map[string]string, error) {
	hashes := map[string]string{}
	for i, f := range files {
		sum := sha256.Sum256(f.Bytes)
		sealed, err := keys.Seal("document_file", string(id)+"/"+f.Name, f.Bytes)
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, `insert into document_file (document_id, position, name, media_type, size, sha256, bytes_sealed) values ($1, $2, $3, $4, $5, $6, $7)`,
			id, i, f.Name, f.Type, len(f.Bytes), sum[:], sealed); err != nil {
			return nil, err
		}
		files[i].SHA256 = hex.EncodeToString(sum[:])
		hashes[f.Name] = files[i].SHA256
	}
	return hashes, nil
}

// DocumentFiles lists a version's finished renderings without their bytes.
func (s *Store) DocumentFiles(ctx context.Context, id breach.DocumentID) ([]breach.File, error) {
	rows, err := s.pool.Query(ctx, `select name, media_type, encode(sha256, 'hex') from document_file where document_id = $1 order by position`, id)
	if err != nil {
		return nil, wrap("list files", err)
	}
	files, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (f breach.File, err error) {
		err = r.Scan(&f.Name, &f.Type, &f.SHA256)
		return f, err
	})
	return files, wrap("list files", err)
}

// DocumentFile returns one rendering with its bytes.
func (s *Store) DocumentFile(ctx context.Context, id breach.DocumentID, name string) (breach.File, error) {
	f := breach.File{Name: name}
	var incident breach.IncidentID
	var sealed []byte
	err := s.pool.QueryRow(ctx, `
		select i.id, f.media_type, encode(f.sha256, 'hex'), f.bytes_sealed from document_file f
		join document d on d.id = f.document_id join incident i on i.no = d.incident_no where f.document_id = $1 and f.name = $2`, id, name).
		Scan(&incident, &f.Type, &f.SHA256, &sealed)
	if err != nil {
		return f, wrap("read file", err)
	}
	keys, err := s.keys.Keys(ctx, incident)
	if err != nil {
		return f, err
	}
	f.Bytes, err = keys.Open("document_file", string(id)+"/"+name, sealed)
	return f, err
}
