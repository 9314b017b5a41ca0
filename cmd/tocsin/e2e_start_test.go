package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"tocsin/internal/config"
	"tocsin/internal/devstack/pgtest"
	"tocsin/internal/seal"
	"tocsin/internal/store"
)

// A server whose database or engine is away says so in one sentence, ends with 1, and leaves everything as it was.
func TestServersSayWhatIsAway(t *testing.T) {
	t.Parallel()
	nobody := unusedAddress(t)
	url := pgtest.New(t, store.Migrate)
	for _, c := range []struct {
		rule, database, engine, says string
	}{
		{"the database is away", "postgres://tocsin:secret-word@" + nobody + "/tocsin", nobody, "PostgreSQL does not answer at database.url"},
		{"the engine is away", url, nobody, "the engine, Temporal, does not answer at " + nobody},
	} {
		for _, command := range []string{"serve", "worker"} {
			t.Run(command+", "+c.rule, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				file := settingsFor(t, dir, c.database, c.engine)
				before := listing(t, dir)
				out, code := typed(t, dir, command, "--config", file)
				if code != 1 {
					t.Errorf("exit code %d", code)
				}
				if !strings.Contains(out, c.says) || strings.Contains(out, "secret-word") {
					t.Errorf("it says:\n%s", out)
				}
				if said := complaints(out); len(said) != 1 {
					t.Errorf("%d complaints:\n%s", len(said), out)
				}
				if after := listing(t, dir); after != before {
					t.Errorf("files before: %s; after: %s", before, after)
				}
			})
		}
	}
}

// complaints are the lines that are no log.
func complaints(out string) []string {
	var lines []string
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "time=") {
			lines = append(lines, line)
		}
	}
	return lines
}

// unusedAddress is one where nobody listens.
func unusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// settingsFor writes a settings file that nothing is wrong with but what does not answer.
func settingsFor(t *testing.T, dir, database, engine string) string {
	t.Helper()
	cfg := config.Default()
	cfg.DataDir, cfg.Database.URL, cfg.Temporal.Address, cfg.API.Listen = dir, database, engine, "127.0.0.1:0"
	cfg.Seal.KeyFile = filepath.Join(dir, "seal.key")
	if err := seal.CreateMasterFile(cfg.Seal.KeyFile); err != nil {
		t.Fatal(err)
	}
	l := &local{cfg: cfg}
	if err := l.introduce(); err != nil {
		t.Fatal(err)
	}
	l.cfg.Notifiers = []config.Notifier{{Channel: "email", Provider: "smtp", Settings: map[string]any{
		"host": "127.0.0.1", "port": 25, "tls": "none", "from": "notice@example.com", "message_id_host": "example.com",
	}}}
	l.cfg.Ladder = []string{"email"}
	text, err := yaml.Marshal(settingsFile(reflect.ValueOf(l.cfg)))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "tocsin.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// typed runs the program as a person does; it is this test's binary under its own name.
func typed(t *testing.T, dir string, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "tocsin", args...)
	cmd.Dir, cmd.Env = dir, bareEnvironment()
	b, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(b), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(b), 0
}

// listing is every file below a folder with its size and time.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil {
			all.WriteString(path + " " + info.ModTime().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
