package main

import (
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/api"
	"tocsin/internal/config"
)

func workerCommand() *cobra.Command {
	var metrics string
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Run incidents: the engine's worker, and the outbox",
		Long: `Run incidents: the worker that plans, files and sends, and the outbox that carries what people did to the engine. Run as
many as you like; what one leaves behind when it dies, another takes over from the ledger.`,
		Example: `  tocsin worker
  tocsin worker --config /etc/tocsin.yaml --metrics 127.0.0.1:9465`,
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
			group.Go(func() error { return p.work(ctx) })
			if metrics != "" {
				group.Go(func() error {
					return listen(ctx, metrics, api.Metrics(p.store, p.metrics, now), log, announce(log, "metrics"))
				})
			}
			return group.Wait()
		},
	}
	cmd.Flags().StringVar(&metrics, "metrics", "", "answer /metrics at this address, which the public must not reach")
	return cmd
}
