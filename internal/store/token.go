package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// Holder is who a token speaks for.
type Holder struct {
	Token  string        `json:"token" db:"name"` // the token's name, not the token
	Person breach.Person `json:"person" db:"person"`
	Roles  []breach.Role `json:"roles" db:"roles"`
}

// Is reports whether the holder has one of the roles.
func (h Holder) Is(roles ...breach.Role) bool {
	return slices.ContainsFunc(roles, func(r breach.Role) bool { return slices.Contains(h.Roles, r) })
}

// AddToken makes a token for a person and returns it; it is shown this once and kept as a hash only. lifetime zero means
// until revoked.
func (s *Store) AddToken(ctx context.Context, h Holder, lifetime time.Duration, by breach.Person) (string, error) {
	if strings.TrimSpace(h.Token) == "" || strings.TrimSpace(string(h.Person)) == "" {
		return "", refused("empty", "a token needs a name and a person")
	}
	for _, r := range h.Roles {
		if !slices.Contains(breach.Roles(), r) {
			return "", refused("unknown_role", "there is no role %q; the roles are responder, lead, approver, manager, auditor, source", r)
		}
	}
	if len(h.Roles) == 0 {
		return "", refused("empty", "a token needs at least one role")
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return "", err
	}
	token := "toc_" + base64.RawURLEncoding.EncodeToString(secret)
	sum := sha256.Sum256([]byte(token))
	var expires *time.Duration
	if lifetime > 0 {
		expires = &lifetime
	}
	err := s.tx(ctx, "add token", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			insert into api_token (name, person, roles, hash, expires_at) values ($1, $2, $3, $4, now() + $5) on conflict (name) do nothing`,
			h.Token, h.Person, h.Roles, sum[:], expires)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return refused("exists", "there is a token named %q: choose another name, or revoke it first", h.Token)
		}
		return note(ctx, tx, 0, by, "token.add", h.Token, Detail{"person": h.Person, "roles": h.Roles})
	})
	return token, err
}

// RevokeToken ends a token at once.
func (s *Store) RevokeToken(ctx context.Context, name string, by breach.Person) error {
	return s.tx(ctx, "revoke token", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `update api_token set revoked_at = now() where name = $1 and revoked_at is null`, name)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return ErrNotFound
		}
		return note(ctx, tx, 0, by, "token.revoke", name, nil)
	})
}

// Authenticate finds the holder of a token; ErrNotFound for one that is unknown, expired or revoked.
func (s *Store) Authenticate(ctx context.Context, token string) (Holder, error) {
	sum := sha256.Sum256([]byte(token))
	h, err := one[Holder](ctx, s.pool, `
		select name, person, roles from api_token where hash = $1 and revoked_at is null and (expires_at is null or expires_at > now())`, sum[:])
	if errors.Is(err, pgx.ErrNoRows) {
		return h, ErrNotFound
	}
	return h, wrap("check token", err)
}
