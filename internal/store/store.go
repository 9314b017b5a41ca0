// Package store is the one place that speaks SQL: what happened, as opposed to what happens next, which is the engine's.
//
// Three rules hold for every method. A change and its journal entry commit together. Personal data is sealed here, on its
// way in, so that no caller can forget it; methods take and return plain values, tables hold none. What must reach the
// engine after a commit is a row of the outbox in the same transaction, so that accepted means it will happen.
//
// The package keeps out: law, texts, channels, and every decision about what to do next.
package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"tocsin/internal/breach"
	"tocsin/internal/seal"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is the database. It is safe for concurrent use.
type Store struct {
	pool   *pgxpool.Pool
	master seal.Master
	house  atomic.Pointer[seal.House]
	keys   *seal.Keyring

	approvals map[breach.DocumentKind]int // see RequireApprovals
}

// ErrNotFound is returned where an incident, document, task or filing does not exist.
var ErrNotFound = errors.New("not found")

// ErrFenced is returned to a worker that has lost its shard to another one. Nothing it wrote after that was kept.
var ErrFenced = errors.New("the shard has another holder")

// Refused is a request that the state of things does not allow. Its text is for the person who asked and says what to
// do; it holds no personal data.
type Refused struct {
	Code string // stable, for machines: "same_person", "stale_document"
	Text string
}

// Error returns the text.
func (r *Refused) Error() string { return r.Text }

func refused(code, format string, args ...any) error {
	return &Refused{Code: code, Text: fmt.Sprintf(format, args...)}
}

// keyLifetime is how long a destroyed incident key may live on in a process's memory.
const keyLifetime = time.Minute

// Open connects to a migrated database. now only ages the cache of keys; every instant in the tables is the database's. The
// error never repeats the address, which may hold a password.
func Open(ctx context.Context, url string, master seal.Master, now func() time.Time) (*Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("database.url is not a PostgreSQL address; it looks like postgres://user@host:5432/tocsin")
	}
	config.MaxConns = max(config.MaxConns, 16)
	config.ConnConfig.ConnectTimeout = 5 * time.Second
	config.ConnConfig.RuntimeParams["application_name"] = "tocsin"
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", bare(err))
	}
	s := &Store{pool: pool, master: master}
	s.keys = seal.NewKeyring(master, s.wrappedKey, keyLifetime, now)
	if err := s.checkSchema(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

// Close ends all connections.
func (s *Store) Close() { s.pool.Close() }

// Migrate brings the schema of the database at url up to date. Concurrent callers wait for each other.
func Migrate(ctx context.Context, url string) error {
	provider, closeDB, err := migrator(url)
	if err != nil {
		return err
	}
	defer closeDB()
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate database: %w", bare(err))
	}
	return nil
}

func migrator(url string) (*goose.Provider, func(), error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, nil, errors.New("database.url is not a PostgreSQL address; it looks like postgres://user@host:5432/tocsin")
	}
	config.ConnectTimeout = 5 * time.Second
	db := stdlib.OpenDB(*config)
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, nil, fmt.Errorf("migrate database: %w", err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, nil, fmt.Errorf("migrate database: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("migrate database: %w", bare(err)), db.Close())
	}
	return provider, func() { _ = db.Close() }, nil
}

// schemaVersion is the number of the newest migration, taken from the files' names: 004_house.sql is 4.
var schemaVersion = newest(migrations)

func newest(files fs.FS) (version int64) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		panic("store: the pattern of migrations is malformed")
	}
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			panic("store: a migration's name must begin with its number: " + name)
		}
		version = max(version, n)
	}
	return version
}

func (s *Store) checkSchema(ctx context.Context) error {
	var version int64
	err := s.pool.QueryRow(ctx, `select coalesce(max(version_id), 0) from goose_db_version where is_applied`).Scan(&version)
	switch pgErr, ok := errors.AsType[*pgconn.PgError](err); {
	case ok && pgErr.Code == "42P01": // undefined_table
		version = 0
	case err != nil:
		return fmt.Errorf("reach the database: %w", bare(err))
	}
	if version < schemaVersion {
		return fmt.Errorf("the database's schema is at version %d and this program needs %d: run tocsin migrate", version, schemaVersion)
	}
	return nil
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return bare(s.pool.Ping(ctx)) }

// bare keeps what went wrong and drops what might quote a row or an address: PostgreSQL's DETAIL, the connection string.
func bare(err error) error {
	if err == nil || errors.Is(err, pgx.ErrNoRows) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return &Failure{Code: pgErr.Code, Constraint: pgErr.ConstraintName}
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return errors.New("PostgreSQL does not answer at database.url: is it running, and do host, port, user and password fit?")
	}
	return errors.New("the connection to PostgreSQL failed")
}

// Failure is an error of PostgreSQL without the values it quotes.
type Failure struct {
	Code       string // SQLSTATE
	Constraint string
}

// Error names the code, and the constraint where there is one.
func (f *Failure) Error() string {
	if f.Constraint != "" {
		return fmt.Sprintf("PostgreSQL error %s on %s", f.Code, f.Constraint)
	}
	return "PostgreSQL error " + f.Code
}

// tx runs fn in a transaction, again where PostgreSQL broke a deadlock by ending it. A [Refused] or [ErrNotFound] passes
// through unwrapped.
func (s *Store) tx(ctx context.Context, doing string, fn func(tx pgx.Tx) error) error {
	var err error
	for range 3 {
		err = pgx.BeginFunc(ctx, s.pool, fn)
		if pgErr, ok := errors.AsType[*pgconn.PgError](err); !ok || pgErr.Code != "40P01" { // deadlock_detected
			break
		}
	}
	return wrap(doing, err)
}

func wrap(doing string, err error) error {
	if err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrFenced) {
		return err
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	if _, ok := errors.AsType[*Refused](err); ok {
		return err
	}
	if _, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fmt.Errorf("%s: %w", doing, bare(err))
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return fmt.Errorf("%s: %w", doing, bare(err))
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// incidentNumber finds the row of an incident.
func incidentNumber(ctx context.Context, q querier, id breach.IncidentID) (int64, error) {
	var no int64
	err := q.QueryRow(ctx, `select no from incident where id = $1`, id).Scan(&no)
	return no, err
}

// lockIncident finds the row of an incident and holds it until the transaction ends, so that changes of one incident
// happen one after the other. A closed incident is refused. It comes before everything else that a transaction locks, the
// journal's head last; and it is the lock that lets other tables refer to the row meanwhile.
func lockIncident(ctx context.Context, tx pgx.Tx, id breach.IncidentID) (int64, error) {
	var no int64
	var closedAt *time.Time
	if err := tx.QueryRow(ctx, `select no, closed_at from incident where id = $1 for no key update`, id).Scan(&no, &closedAt); err != nil {
		return 0, err
	}
	if closedAt != nil {
		return 0, refused("closed", "%s was closed at %s and takes no more changes", id, closedAt.UTC().Format(time.RFC3339))
	}
	return no, nil
}

// querier is a pool or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// list runs a query and reads its rows into structs by column name.
func list[T any](ctx context.Context, q querier, sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[T])
}

// one runs a query and reads its single row into a struct; pgx.ErrNoRows where there is none.
func one[T any](ctx context.Context, q querier, sql string, args ...any) (T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		var zero T
		return zero, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
}
