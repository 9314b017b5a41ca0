package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/config"
)

func devCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "dev",
		Short: "Run everything on this machine: database, engine, API, worker, and an inbox for all messages",
		Long: `Run everything on this machine, with no accounts: PostgreSQL, the Temporal dev server with its UI, the API, a worker, and an
inbox that takes every mail, SMS and push message instead of the world. Nothing leaves the machine. What the settings name
(database.url, temporal.address, notifiers) is used instead. All of it is kept in data_dir; interrupt to stop.`,
		Example: `  tocsin dev
  tocsin dev --set data_dir=/tmp/tocsin --set dev.inbox_port=0`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cfg, err := loadConfig(cmd, config.ForDev)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			l, err := startLocal(cmd.Context(), cfg, false, func(line string) { fmt.Fprintln(out, line) })
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, l.close()) }()
			return l.run(cmd.Context(), cmd.ErrOrStderr(), func(address string) { l.greet(out, address) })
		},
	}
}

// run serves the API and works until ctx ends. ready is told the API's address.
func (l *local) run(ctx context.Context, logs io.Writer, ready func(address string)) error {
	log := newLogger(logs, l.cfg.Log)
	p, err := openProgram(ctx, l.cfg, log)
	if err != nil {
		return err
	}
	defer p.close()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.work(ctx) })
	group.Go(func() error { return p.bounces(ctx, announce(log, "bounces")) })
	group.Go(func() error {
		return listen(ctx, l.cfg.API.Listen, p.handler(), log, func(a net.Addr) { ready("http://" + a.String()) })
	})
	if l.metrics != "" {
		group.Go(func() error {
			return listen(ctx, l.metrics, api.Metrics(p.store, p.metrics, now), log, announce(log, "metrics"))
		})
	}
	return group.Wait()
}

// greet says where everything is and what to type.
func (l *local) greet(out io.Writer, address string) {
	fmt.Fprintf(out, `
Tocsin runs on this machine. Nothing leaves it; interrupt (Ctrl-C) to stop.

  API and public pages   %s
  Temporal UI            %s
    incidents only       %s/namespaces/%s/workflows?query=BreachKind%%3D%%22incident%%22
  Inbox                  %s   (every mail, SMS and push message)

  The command line speaks as %s (responder). To act as another role:
    export TOCSIN_TOKEN=$(cat %s/tokens/%s)

  Begin with:
    tocsin incident open "customer table for sale on a forum" kinds=leak
`, address, orElse(l.stack.TemporalUIURL, "your own, at "+l.stack.TemporalAddress), l.stack.TemporalUIURL, l.cfg.Temporal.Namespace, l.stack.Inbox.URL(),
		localPeople[0].person, l.cfg.DataDir, breach.RoleApprover)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
