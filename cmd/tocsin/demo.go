package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tocsin/internal/breach"
	"tocsin/internal/config"
)

func demoCommand() *cobra.Command {
	o := demoOptions{People: 2000}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Play one incident from the first alert to its close, on this machine, and check the counts",
		Long: `Play one incident from the first alert to its close, on servers of its own that end with it: an alert arrives, the plan
runs, the law is asked, reports are drafted, approved and filed, invented people are told by email, SMS and push through real
sockets, a public notice covers whom no channel reached, and two people close the incident. At the end the ledger's counts
are compared with what the inbox really received.`,
		Example: `  tocsin demo
  tocsin demo --keep      # leave everything up afterwards, to look at it in the Temporal UI and the inbox`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd, config.ForDev)
			if err != nil {
				return err
			}
			o.Out, o.Logs = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return playDemo(cmd.Context(), demoConfig(cfg, o.Keep), o)
		},
	}
	cmd.Flags().BoolVar(&o.Keep, "keep", false, "stay up when the incident is closed, until interrupted")
	cmd.Flags().IntVar(&o.People, "people", o.People, "affected people to invent, 100 at least")
	return cmd
}

// demoOptions say how the demo runs.
type demoOptions struct {
	People int
	Keep   bool
	Out    io.Writer // what a person reads
	Logs   io.Writer // what the programs log

	// Done is called when the incident is closed and checked, before anything is taken down; it may be nil.
	Done func(context.Context, *demo) error
}

// demoConfig is the operator's settings with what makes a demo: quick retries, a log that only speaks up when something is
// wrong, and no fixed ports, so that it runs beside anything.
func demoConfig(cfg config.Config, keep bool) config.Config {
	cfg.Policy.RetryFirst, cfg.Policy.RetryMost = time.Second, 2*time.Second
	cfg.Policy.ShardSize, cfg.Policy.ChunkSize = 500, 500
	if cfg.Log.Level == config.Default().Log.Level {
		cfg.Log.Level = "error"
	}
	if !keep {
		cfg.Dev = config.Dev{TemporalBinary: cfg.Dev.TemporalBinary}
		cfg.API.Listen = "127.0.0.1:0"
	}
	return cfg
}

// playDemo runs the stack, plays the incident, and takes everything down again.
func playDemo(ctx context.Context, cfg config.Config, o demoOptions) (err error) {
	if o.People < 100 {
		return usage("--people must be 100 at least: fewer cannot hold every kind of person that the demo shows")
	}
	dir, err := os.MkdirTemp("", "tocsin-demo-")
	if err != nil {
		return errors.New("no temporary folder can be made for the demo")
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil { // PostgreSQL, under a user of its own, must get through
		return errors.New("the demo's temporary folder cannot be prepared")
	}
	cfg.DataDir = filepath.Join(dir, "data")
	began := time.Now()
	fmt.Fprintln(o.Out, "Starting PostgreSQL, Temporal, the inbox, the API and a worker on this machine.")
	l, err := startLocal(ctx, cfg, !o.Keep, func(line string) { fmt.Fprintln(o.Out, "  "+line) })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	l.metrics = "127.0.0.1:0"

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	address, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		err := l.run(ctx, o.Logs, func(a string) { address <- a })
		cancel(err) // whatever ends the server ends the play
		ended <- err
	}()
	select {
	case a := <-address:
		d := newDemo(l, a, o)
		fmt.Fprintf(o.Out, "  Follow it in the Temporal UI: %s   Read every message: %s   Public pages: %s\n", l.stack.TemporalUIURL, l.stack.Inbox.URL(), a)
		if err := d.play(ctx); err != nil {
			return errors.Join(err, causeOf(ctx))
		}
		fmt.Fprintf(o.Out, "\nThe whole incident took %s. ", time.Since(began).Round(time.Second))
	case err := <-ended:
		return err
	}
	if o.Keep {
		fmt.Fprintln(o.Out, "Everything stays up; interrupt (Ctrl-C) to end it.")
		<-ctx.Done()
		return nil
	}
	fmt.Fprintln(o.Out, "Nothing is left running.")
	cancel(nil)
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func causeOf(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// demo is the cast of the play: one client a role, all over HTTP.
type demo struct {
	local    *local
	options  demoOptions
	as       map[breach.Role]*client
	incident breach.IncidentID
	canaries []string // every name, address and number of the people files
	phase    breach.Phase
	ended    map[string]bool // tasks said to be done
	decides  bool            // the approver is there
}

func newDemo(l *local, address string, o demoOptions) *demo {
	d := &demo{local: l, options: o, as: map[breach.Role]*client{}, ended: map[string]bool{}}
	for role, token := range l.tokens {
		d.as[role] = &client{base: address, token: token, http: newHTTPClient()}
	}
	return d
}

func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.options.Out, "%s  "+format+"\n", append([]any{time.Now().Format("15:04:05")}, args...)...)
}
