// Command fetch makes sure that the local stack can be started: it looks for PostgreSQL and the Temporal dev server, and
// downloads or builds what is missing. make runs it before tests, so that no test has to wait for a build.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"tocsin/internal/devstack"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "tocsin-fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL may run as another user than ours
		return err
	}
	return devstack.Prepare(ctx, dir, func(line string) { fmt.Println(line) })
}
