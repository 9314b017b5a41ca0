package main

import (
	"context"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"tocsin/internal/heap"
)

// engineCommands are the commands that run the engine.
func engineCommands() []*cobra.Command {
	return []*cobra.Command{devCommand(), demoCommand(), workerCommand()}
}

// work runs the engine's worker and the outbox until ctx ends.
func (p *program) work(ctx context.Context) error {
	heap.Spare()
	h, err := newHouse(p.cfg, p.store)
	if err != nil {
		return several("the settings cannot be used", err)
	}
	defer func() { _ = h.close() }() // idle connections only
	engine, err := connect(ctx, p.cfg, p.log)
	if err != nil {
		return err
	}
	defer engine.Close()
	return h.runWorker(ctx, engine, p.log)
}

// announce logs where something listens.
func announce(log *slog.Logger, what string) func(net.Addr) {
	return func(a net.Addr) { log.Info("listening", "what", what, "address", a.String()) }
}
