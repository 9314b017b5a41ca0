package devstack

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// superuser is the one role of a private cluster.
const superuser = "tocsin"

// PostgresOptions say where a private cluster lives and how careful it is.
type PostgresOptions struct {
	// Dir holds the cluster, its password and its log; made if it is missing, used again if it is there. Where we are
	// root and PostgreSQL's user cannot reach it, a folder in /var/tmp that Dir decides is used instead.
	Dir string
	// Port to listen on at 127.0.0.1; 0 takes a free one.
	Port int
	// Throwaway gives up durability for speed: no fsync, and an abrupt end. For tests only.
	Throwaway bool
	// Log is told what is happening, a sentence at a time. It may be nil.
	Log func(string)
}

// Postgres is a running private cluster, reachable on loopback only, by password only.
type Postgres struct {
	options  PostgresOptions
	bin      postgresBin
	home     string // the cluster's folder
	sockets  string // the socket's folder: short, as a socket's path may have 107 bytes
	port     int
	password string
	server   *process
	closing  sync.Once
}

// StartPostgres starts a private cluster, making it first where it does not exist. ctx bounds the start, not the server's
// life; that ends with [Postgres.Close], [Postgres.Kill], or this process.
func StartPostgres(ctx context.Context, o PostgresOptions) (*Postgres, error) {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	who, err := unprivileged()
	if err != nil {
		return nil, err
	}
	home, err := who.home(o.Dir)
	if err != nil {
		return nil, err
	}
	p := &Postgres{options: o, home: home}
	bin, err := choosePostgres(findPostgres(ctx), p.data())
	if errors.Is(err, errNoPostgres) {
		bin, err = fetchPostgres(ctx, home, o.Log)
	}
	if err != nil {
		return nil, err
	}
	p.bin = bin
	if p.password, err = p.makeCluster(ctx, who); err != nil {
		return nil, err
	}
	if err := p.makeSocketFolder(who); err != nil {
		return nil, err
	}
	if err := p.start(ctx, who); err != nil {
		p.removeSocketFolder()
		return nil, err
	}
	return p, nil
}

func (p *Postgres) data() string    { return filepath.Join(p.home, "data") }
func (p *Postgres) logFile() string { return filepath.Join(p.home, "server.log") }

// Dir is the folder where the cluster really lives.
func (p *Postgres) Dir() string { return p.home }

// Port is the server's port on 127.0.0.1.
func (p *Postgres) Port() int { return p.port }

// URL is the address of one database, for pgx and psql. It contains the password.
func (p *Postgres) URL(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, p.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// SocketURL is the address of one database by the Unix socket. It contains the password.
func (p *Postgres) SocketURL(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, p.password),
		Path:     "/" + database,
		RawQuery: url.Values{"host": {p.sockets}, "port": {strconv.Itoa(p.port)}}.Encode(),
	}
	return u.String()
}

// EnsureDatabase creates a database where it does not exist.
func (p *Postgres) EnsureDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, p.SocketURL("postgres"))
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	defer conn.Close(ctx)
	var exists bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&exists); err != nil {
		return fmt.Errorf("look for database %s: %w", name, err)
	}
	if exists {
		return nil
	}
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

// Close ends the server: open connections are cut, what was committed is safe. It returns when the server is gone. A
// throwaway cluster that had to move to /var/tmp is removed.
// Calling it again does nothing.
func (p *Postgres) Close() error {
	p.closing.Do(func() {
		signals := []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} // fast, then immediate shutdown
		if p.options.Throwaway {
			signals = signals[1:]
		}
		p.server.stop(15*time.Second, signals...)
		p.removeSocketFolder()
		if wanted, err := filepath.Abs(p.options.Dir); err == nil && p.options.Throwaway && wanted != p.home {
			_ = os.RemoveAll(p.home) // nobody would look for it in /var/tmp
		}
	})
	return nil
}

// Kill ends the server as a power cut would, for tests. StartPostgres with the same Dir recovers it.
func (p *Postgres) Kill() {
	p.closing.Do(func() {
		p.server.kill()
		p.removeSocketFolder()
	})
}

// longestSocketFolder leaves room for the socket's own name in the 104 bytes that every system allows.
const longestSocketFolder = 104 - len("/.s.PGSQL.65535.lock") - 1

// makeSocketFolder puts the socket beside the cluster, or into /tmp where that path would be too long.
func (p *Postgres) makeSocketFolder(who account) error {
	p.sockets = p.home
	if len(p.home) <= longestSocketFolder {
		return nil
	}
	var err error
	if p.sockets, err = os.MkdirTemp("/tmp", "tocsin-pg-"); err == nil {
		err = who.own(p.sockets)
	}
	if err != nil {
		return fmt.Errorf("make the folder for PostgreSQL's socket: %w", err)
	}
	return nil
}

func (p *Postgres) removeSocketFolder() {
	if p.sockets != p.home {
		_ = os.RemoveAll(p.sockets)
	}
}

// makeCluster runs initdb where there is no cluster yet, and returns the superuser's password.
func (p *Postgres) makeCluster(ctx context.Context, who account) (string, error) {
	file := filepath.Join(p.home, "password")
	if _, err := os.Stat(filepath.Join(p.data(), "PG_VERSION")); err == nil {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read the cluster's password: %w", err)
		}
		return strings.TrimSpace(string(b)), nil
	}
	password := newPassword()
	if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
		return "", fmt.Errorf("write the cluster's password: %w", err)
	}
	if err := who.own(file); err != nil {
		return "", fmt.Errorf("hand the cluster's password to %s: %w", who.name, err)
	}
	if err := p.initdb(ctx, who, file); err != nil {
		return "", err
	}
	return password, nil
}

// initdb makes the cluster beside its place and moves it there when it is whole, so that an interrupted initdb is not
// taken for a cluster.
func (p *Postgres) initdb(ctx context.Context, who account, passwordFile string) error {
	half := p.data() + ".new"
	if err := os.RemoveAll(half); err != nil {
		return fmt.Errorf("remove a half-made cluster: %w", err)
	}
	args := []string{
		"--pgdata", half, "--username", superuser, "--pwfile", passwordFile, "--auth", "scram-sha-256",
		"--encoding", "UTF8", "--locale", "C", "--data-checksums", "--no-instructions",
	}
	if p.options.Throwaway {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin.dir, "initdb"), args...)
	cmd.Dir, cmd.SysProcAttr = p.home, who.attr()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make a PostgreSQL cluster in %s: %w: %s", p.home, err, lastLine(out))
	}
	if err := os.Rename(half, p.data()); err != nil {
		return fmt.Errorf("put the new cluster in its place: %w", err)
	}
	return nil
}

// start tries a few times: a free port may be taken between finding and binding it, and a killed server's memory takes a
// moment to be given back.
func (p *Postgres) start(ctx context.Context, who account) error {
	for attempt := 1; ; attempt++ {
		err := p.startOnce(ctx, who)
		if err == nil {
			return nil
		}
		passing := strings.Contains(err.Error(), "could not bind") || strings.Contains(err.Error(), "could not create any TCP/IP") ||
			strings.Contains(err.Error(), "shared memory block")
		if !passing || attempt == 10 || !pause(ctx, 300*time.Millisecond) {
			return err
		}
	}
}

func (p *Postgres) startOnce(ctx context.Context, who account) error {
	p.port = p.options.Port
	if p.port == 0 {
		port, err := freePort()
		if err != nil {
			return err
		}
		p.port = port
	}
	log, err := os.OpenFile(p.logFile(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open PostgreSQL's log: %w", err)
	}
	defer log.Close()
	signal := "INT"
	if p.options.Throwaway {
		signal = "QUIT"
	}
	cmd := exec.Command(filepath.Join(p.bin.dir, "postgres"), p.arguments()...)
	cmd.Dir, cmd.SysProcAttr, cmd.Stdout, cmd.Stderr = p.home, who.attr(), log, log
	if p.server, err = startProcess(cmd, p.home, signal); err != nil {
		return err
	}
	if err := p.ready(ctx); err != nil {
		p.server.stop(5*time.Second, syscall.SIGQUIT)
		return err
	}
	return nil
}

// arguments keep personal data out of the server's log: no statements, no parameters, no details that quote rows.
func (p *Postgres) arguments() []string {
	settings := []string{
		"listen_addresses=127.0.0.1",
		"port=" + strconv.Itoa(p.port),
		"unix_socket_directories=" + p.sockets,
		"unix_socket_permissions=0700",
		"max_connections=200",
		"timezone=UTC",
		"log_timezone=UTC",
		"log_error_verbosity=terse",
		"log_statement=none",
		"log_min_error_statement=panic",
		"log_min_duration_statement=-1",
		"log_parameter_max_length=0",
		"log_parameter_max_length_on_error=0",
	}
	if p.options.Throwaway {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=64MB")
	}
	args := []string{"-D", p.data()}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	return args
}

// ready returns when the server answers, or says why it never will.
func (p *Postgres) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("PostgreSQL did not answer within a minute"))
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, p.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-p.server.ended:
			return p.explainEnd()
		case <-ctx.Done():
			return fmt.Errorf("start PostgreSQL in %s: %w", p.home, context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// explainEnd says why the server ended at its start.
func (p *Postgres) explainEnd() error {
	b, err := os.ReadFile(p.logFile())
	if err != nil {
		return fmt.Errorf("start PostgreSQL: it ended at once, and its log %s cannot be read: %w", p.logFile(), err)
	}
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, "lock file") && strings.Contains(line, "already exists") {
			return fmt.Errorf("start PostgreSQL: another server is running in %s: stop that tocsin, or choose another data folder", p.home)
		}
	}
	var why []string
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, "FATAL") || strings.Contains(line, "could not bind") || strings.Contains(line, "could not create") {
			why = append(why, strings.TrimSpace(line))
		}
	}
	return fmt.Errorf("start PostgreSQL: it ended at once: %s (log: %s)", strings.Join(why, "; "), p.logFile())
}

func newPassword() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// freePort asks the kernel for a port on loopback that nobody uses now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

// pause waits, and reports false if ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
