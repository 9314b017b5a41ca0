package devstack_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/devstack"
)

func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tocsin-devstack-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL may run as another user
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func startPostgres(t *testing.T, o devstack.PostgresOptions) *devstack.Postgres {
	t.Helper()
	p, err := devstack.StartPostgres(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestPostgresKeepsWhatWasCommitted(t *testing.T) {
	dir := filepath.Join(openFolder(t), "pg")
	ends := []struct {
		name string
		end  func(*devstack.Postgres)
	}{
		{"made", func(p *devstack.Postgres) { p.Close() }},
		{"closed in order", func(p *devstack.Postgres) { p.Close() }},
		{"killed", (*devstack.Postgres).Kill},
		{"recovered", func(p *devstack.Postgres) { p.Close(); p.Close() }},
	}
	port := 0
	for i, e := range ends {
		p := startPostgres(t, devstack.PostgresOptions{Dir: dir, Port: port})
		port = p.Port() // the same address each time
		if err := p.EnsureDatabase(t.Context(), "tocsin"); err != nil {
			t.Fatal(err)
		}
		conn := connect(t, p.URL("tocsin"))
		if _, err := conn.Exec(t.Context(), "CREATE TABLE IF NOT EXISTS kept (n int)"); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "INSERT INTO kept VALUES ($1)", i); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM kept").Scan(&n); err != nil || n != i+1 {
			t.Fatalf("%s: %d rows (%v), want %d", e.name, n, err, i+1)
		}
		e.end(p)
		if _, err := pgx.Connect(t.Context(), p.URL("tocsin")); err == nil {
			t.Errorf("%s: the server still answers", e.name)
		}
	}
}

func TestPostgresRefusesASecondServerInOneFolder(t *testing.T) {
	dir := filepath.Join(openFolder(t), "pg")
	startPostgres(t, devstack.PostgresOptions{Dir: dir, Throwaway: true})
	_, err := devstack.StartPostgres(t.Context(), devstack.PostgresOptions{Dir: dir, Throwaway: true})
	if err == nil || !strings.Contains(err.Error(), "another server is running") {
		t.Errorf("second server: %v", err)
	}
}

func TestPostgresLogQuotesNoRow(t *testing.T) {
	p := startPostgres(t, devstack.PostgresOptions{Dir: filepath.Join(openFolder(t), "pg"), Throwaway: true})
	conn := connect(t, p.SocketURL("postgres"))
	if _, err := conn.Exec(t.Context(), "CREATE TABLE people (email text PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second one breaks the key, whose detail would quote the row
		_, _ = conn.Exec(t.Context(), "INSERT INTO people VALUES ('canary@example.com')")
	}
	if _, err := conn.Exec(t.Context(), "SELECT 'canary-in-a-statement' FROM nowhere"); err == nil {
		t.Fatal("a faulty statement was accepted")
	}
	p.Close()
	log, err := os.ReadFile(filepath.Join(p.Dir(), "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(log), "canary") {
		t.Errorf("the server's log holds data:\n%s", log)
	}
}

func TestPostgresMovesWhereItsUserCanReach(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("we are not root: PostgreSQL runs as ourselves and reaches what we reach")
	}
	closed := filepath.Join(openFolder(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	p := startPostgres(t, devstack.PostgresOptions{Dir: filepath.Join(closed, "pg"), Throwaway: true})
	info, err := os.Stat(p.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if uid := info.Sys().(*syscall.Stat_t).Uid; os.Geteuid() == 0 && uid == 0 {
		t.Errorf("%s belongs to root", p.Dir())
	}
	p.Close()
	if _, err := os.Stat(p.Dir()); os.Geteuid() == 0 && err == nil {
		t.Errorf("a throwaway cluster is left in %s", p.Dir())
	}
}

func TestPostgresSweepsUpAfterATemporaryFolder(t *testing.T) {
	closed := filepath.Join(openFolder(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(closed, "gone")
	kept := startPostgres(t, devstack.PostgresOptions{Dir: filepath.Join(gone, "pg")}) // not a throwaway: Close leaves it
	kept.Close()
	if err := os.RemoveAll(gone); err != nil {
		t.Fatal(err)
	}
	startPostgres(t, devstack.PostgresOptions{Dir: filepath.Join(closed, "pg"), Throwaway: true})
	if _, err := os.Stat(kept.Dir()); err == nil {
		t.Errorf("%s is left of a folder that is gone", kept.Dir())
	}
}
