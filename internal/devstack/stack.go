package devstack

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"go.temporal.io/sdk/temporal"

	"tocsin/internal/devstack/inbox"
)

// Options say what a local stack consists of. What is given from outside is not started.
type Options struct {
	Dir string // everything that is kept lies below it

	DatabaseURL  string // a PostgreSQL of yours; empty starts a private cluster
	PostgresPort int    // 0 takes a free one

	TemporalAddress  string // a Temporal of yours, host:port; empty starts the dev server with its UI
	TemporalBinary   string // empty looks for one, downloads it, or builds it
	TemporalPort     int    // 0 takes a free one
	TemporalUIPort   int    // 0 takes a free one
	Namespace        string // empty is "default"
	SearchAttributes []temporal.SearchAttributeKey

	Inbox inbox.Options

	// Throwaway gives up durability for speed and forgets workflows at the end: for tests and the demo.
	Throwaway bool
	Now       func() time.Time // required: the clock, for the inbox and for the seconds in the log
	Log       func(string)     // is told one line for each thing that runs; it may be nil
}

// Stack is everything that Tocsin needs, running.
type Stack struct {
	DatabaseURL     string
	TemporalAddress string
	Namespace       string
	TemporalUIURL   string // empty where Temporal is yours

	Postgres *Postgres // nil where the database is yours
	Temporal *Temporal // nil where Temporal is yours
	Inbox    *inbox.Inbox

	closers []func() error // in the order of the starts
}

// Prepare makes sure that the servers can be started: it looks for their programs, downloads or builds what is missing, and
// tells log what it does. Afterwards Start is quick.
func Prepare(ctx context.Context, dir string, log func(string)) error {
	binary, err := locateTemporal(ctx, "", log)
	if err != nil {
		return err
	}
	log("Temporal dev server: " + binary)
	p, err := StartPostgres(ctx, PostgresOptions{Dir: filepath.Join(dir, "postgres"), Throwaway: true, Log: log})
	if err != nil {
		return err
	}
	log("PostgreSQL: " + p.bin.dir)
	return p.Close()
}

// databaseName is Tocsin's database in a private cluster.
const databaseName = "tocsin"

// Start brings everything up, and takes down again what did start when something does not. ctx bounds the start; the
// stack runs until [Stack.Close], or until this process ends in whatever way.
func Start(ctx context.Context, o Options) (*Stack, error) {
	if o.Now == nil {
		return nil, errors.New("start the local stack: Options.Now is not set")
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if o.Inbox.Now == nil {
		o.Inbox.Now = o.Now
	}
	if o.Namespace == "" {
		o.Namespace = "default"
	}
	s := &Stack{DatabaseURL: o.DatabaseURL, TemporalAddress: o.TemporalAddress, Namespace: o.Namespace}
	for _, start := range []func(context.Context, Options) (string, error){s.startPostgres, s.startTemporal, s.startInbox} {
		began := o.Now()
		line, err := start(ctx, o)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		o.Log(fmt.Sprintf("%s (%.1f s)", line, o.Now().Sub(began).Seconds()))
	}
	return s, nil
}

func (s *Stack) startPostgres(ctx context.Context, o Options) (string, error) {
	if o.DatabaseURL != "" {
		return "PostgreSQL: yours, from database.url", nil
	}
	p, err := StartPostgres(ctx, PostgresOptions{
		Dir: filepath.Join(o.Dir, "postgres"), Port: o.PostgresPort, Throwaway: o.Throwaway, Log: o.Log,
	})
	if err != nil {
		return "", err
	}
	s.Postgres = p
	s.closers = append(s.closers, p.Close)
	if err := p.EnsureDatabase(ctx, databaseName); err != nil {
		return "", err
	}
	s.DatabaseURL = p.URL(databaseName)
	return fmt.Sprintf("PostgreSQL: 127.0.0.1:%d, kept in %s", p.Port(), p.Dir()), nil
}

func (s *Stack) startTemporal(ctx context.Context, o Options) (string, error) {
	if o.TemporalAddress != "" {
		return "Temporal: yours, at " + o.TemporalAddress, nil
	}
	dir := filepath.Join(o.Dir, "temporal")
	options := TemporalOptions{
		Dir: dir, DBFile: filepath.Join(dir, "temporal.db"), Binary: o.TemporalBinary, Namespace: o.Namespace,
		Port: o.TemporalPort, UI: true, UIPort: o.TemporalUIPort, SearchAttributes: o.SearchAttributes, Log: o.Log,
	}
	if o.Throwaway {
		options.DBFile = ""
	}
	t, err := StartTemporal(ctx, options)
	if err != nil {
		return "", err
	}
	s.Temporal = t
	s.closers = append(s.closers, t.Close)
	s.TemporalAddress, s.TemporalUIURL = t.Address(), t.UIURL()
	return fmt.Sprintf("Temporal: %s, UI %s", t.Address(), t.UIURL()), nil
}

func (s *Stack) startInbox(ctx context.Context, o Options) (string, error) {
	in, err := inbox.Start(context.WithoutCancel(ctx), o.Inbox)
	if err != nil {
		return "", err
	}
	s.Inbox = in
	s.closers = append(s.closers, in.Close)
	return fmt.Sprintf("Inbox for mail, SMS, push, a portal and SFTP: %s, mail at %s, SFTP at %s", in.URL(), in.SMTPAddr(), in.SFTPAddr()), nil
}

// Close ends everything that Start started, the last first. Calling it again does nothing.
func (s *Stack) Close() error {
	var failed []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		failed = append(failed, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(failed...)
}
