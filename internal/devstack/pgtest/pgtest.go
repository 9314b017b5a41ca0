// Package pgtest gives every test a PostgreSQL database of its own: one private cluster for each test binary, started by
// the first test that asks, and a copy of one migrated template for each test (about 60 ms). It needs nothing started
// beforehand, shares nothing with other test binaries, and leaves nothing behind: the cluster dies with the binary, and
// folders that a killed binary left are swept up by the next one.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/devstack"
)

// Migrate brings the empty database at url to the newest schema. It must close its connections.
type Migrate func(ctx context.Context, url string) error

// New returns the address of a fresh database that is t's alone and is dropped after t. migrate runs once for each test
// binary, on the template that databases are copied from; pass the same function everywhere. With nil the database is
// empty.
func New(t testing.TB, migrate Migrate) (url string) {
	t.Helper()
	c, err := running()
	if err != nil {
		t.Fatalf("start a PostgreSQL for the tests: %v", err)
	}
	name, err := c.create(t.Context(), migrate)
	if err != nil {
		t.Fatalf("make a database for the test: %v", err)
	}
	t.Cleanup(func() {
		if err := c.drop(name); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return c.server.URL(name)
}

// Main runs the tests and then removes the cluster. Without it the cluster still dies with the test binary, but its
// folder stays until the next test binary sweeps it up. Call it as func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }.
func Main(m *testing.M) int {
	code := m.Run()
	if started.Load() {
		if c, err := running(); err == nil {
			_ = c.server.Close()
			_ = os.RemoveAll(c.dir)
		}
	}
	return code
}

// cluster is this binary's PostgreSQL.
type cluster struct {
	server *devstack.Postgres
	dir    string
	lock   *os.File // held as long as we live: tells a sweeper that dir is in use

	mu       sync.Mutex
	admin    *pgx.Conn
	template bool
	made     int
}

var started atomic.Bool

var running = sync.OnceValues(func() (*cluster, error) {
	started.Store(true)
	dir, lock, err := claimFolder()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute) // a first fetch takes a while
	defer cancel()
	server, err := devstack.StartPostgres(ctx, devstack.PostgresOptions{Dir: filepath.Join(dir, "pg"), Throwaway: true})
	if err != nil {
		return nil, err
	}
	admin, err := pgx.Connect(ctx, server.SocketURL("postgres"))
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return &cluster{server: server, dir: dir, lock: lock, admin: admin}, nil
})

// create makes one database. One at a time: a template must not be read while another session uses it.
func (c *cluster) create(ctx context.Context, migrate Migrate) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	source := "template0"
	if migrate != nil {
		if err := c.migrateTemplate(ctx, migrate); err != nil {
			return "", err
		}
		source = "tocsin_template"
	}
	c.made++
	name := fmt.Sprintf("test_%d", c.made)
	_, err := c.admin.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+source)
	return name, err
}

func (c *cluster) migrateTemplate(ctx context.Context, migrate Migrate) error {
	if c.template {
		return nil
	}
	if _, err := c.admin.Exec(ctx, "DROP DATABASE IF EXISTS tocsin_template WITH (FORCE)"); err != nil {
		return err
	}
	if _, err := c.admin.Exec(ctx, "CREATE DATABASE tocsin_template TEMPLATE template0"); err != nil {
		return err
	}
	if err := migrate(ctx, c.server.URL("tocsin_template")); err != nil {
		return fmt.Errorf("migrate the template: %w", err)
	}
	c.template = true
	return nil
}

func (c *cluster) drop(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.admin.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	return err
}

// folderPrefix keeps users of one machine apart: nobody can sweep up another's folders.
var folderPrefix = fmt.Sprintf("tocsin-pgtest-%d-", os.Geteuid())

// claimFolder makes a locked folder for this binary, after sweeping up those whose owner is gone. A lock over the whole
// act keeps a sweeper from taking a folder that is not locked yet.
func claimFolder() (dir string, lock *os.File, err error) {
	gate, err := lockFile(filepath.Join(os.TempDir(), folderPrefix+"gate"), syscall.LOCK_EX)
	if err != nil {
		return "", nil, err
	}
	defer gate.Close()
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"run-*"))
	for _, old := range left {
		sweep(old)
	}
	if dir, err = os.MkdirTemp("", folderPrefix+"run-"); err != nil {
		return "", nil, err
	}
	if err = os.Chmod(dir, 0o755); err != nil { // PostgreSQL may run as another user than ours
		return "", nil, err
	}
	lock, err = lockFile(filepath.Join(dir, "lock"), syscall.LOCK_EX)
	return dir, lock, err
}

func sweep(dir string) {
	lock, err := lockFile(filepath.Join(dir, "lock"), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return // in use
	}
	defer lock.Close()
	_ = os.RemoveAll(dir)
}

func lockFile(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
