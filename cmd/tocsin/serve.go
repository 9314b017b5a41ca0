package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/api"
	"tocsin/internal/config"
	"tocsin/internal/store"
)

func serveCommand() *cobra.Command {
	var metrics string
	var apiOnly bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer the API and the public pages, and run incidents",
		Long: `Answer the API and the public pages, and run incidents as tocsin worker does. With --api-only it leaves the incidents to
workers elsewhere and needs no engine: what is reported and decided is kept, and reaches them as soon as they are there.`,
		Example: `  tocsin serve
  tocsin serve --config /etc/tocsin.yaml --metrics 127.0.0.1:9464
  tocsin serve --api-only`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd, config.ForServing)
			if err != nil {
				return err
			}
			log := newLogger(cmd.ErrOrStderr(), cfg.Log)
			p, err := openProgram(cmd.Context(), cfg, log)
			if err != nil {
				return err
			}
			defer p.close()
			group, ctx := errgroup.WithContext(cmd.Context())
			group.Go(func() error { return listen(ctx, cfg.API.Listen, p.handler(), log, announce(log, "listening")) })
			group.Go(func() error { return p.bounces(ctx, announce(log, "bounces")) })
			if !apiOnly {
				group.Go(func() error { return p.work(ctx) })
			}
			if metrics != "" {
				group.Go(func() error {
					return listen(ctx, metrics, api.Metrics(p.store, p.metrics, now), log, announce(log, "metrics"))
				})
			}
			return group.Wait()
		},
	}
	cmd.Flags().BoolVar(&apiOnly, "api-only", false, "do not run incidents")
	cmd.Flags().StringVar(&metrics, "metrics", "", "also answer /metrics at this address, which the public must not reach")
	return cmd
}

func migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to date",
		Example: `  tocsin migrate
  tocsin migrate --set database.url=postgres://tocsin@db.example:5432/tocsin`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			url, err := databaseURL(cmd)
			if err != nil {
				return err
			}
			if err := store.Migrate(cmd.Context(), url); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "The database's schema is up to date.")
			return nil
		},
	}
}

// databaseURL is for commands that need the database and nothing else of a server's settings.
func databaseURL(cmd *cobra.Command) (string, error) {
	cfg, err := loadConfig(cmd, config.ForClient)
	if err != nil {
		return "", err
	}
	if cfg.Database.URL == "" {
		return "", fmt.Errorf("database.url is empty: set it in the settings file, or with --set database.url=postgres://…")
	}
	return cfg.DatabaseURL()
}
