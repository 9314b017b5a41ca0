// Command bench measures Tocsin against a reference on the same machine in the same run: sending against Postfix's
// smtp-source into smtp-sink, import against psql's \copy of the same rows. make bench runs it; docs/performance.md says
// what each figure means.
//
//	BENCH=send|engine|import|scale   one part only; all parts where it is empty
//	BENCH_OUT=file                   the figures as JSON too
//	BENCH_PROFILE=folder             CPU profiles of the processes measured, for go tool pprof
//
// What is measured for its memory or its CPU runs in a process of its own, this same program with a role as its first
// argument. Everything is made in a folder of its own, which is removed at the end. All people are synthetic, and nothing
// leaves the loopback interface.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// part is one part of the benchmark.
type part struct {
	name string
	run  func(ctx context.Context, b *bench) error
}

var parts = []part{
	{"send", sendPart},
	{"engine", enginePart},
	{"import", importPart},
	{"scale", scalePart},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if len(os.Args) > 1 {
		err = act(ctx, os.Args[1])
	} else {
		err = measure(ctx, os.Getenv("BENCH"), os.Getenv("BENCH_OUT"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// measure runs the parts wanted, and prints the figures at the end.
func measure(ctx context.Context, wanted, out string) error {
	var chosen []part
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
		if wanted == "" || wanted == p.name {
			chosen = append(chosen, p)
		}
	}
	if len(chosen) == 0 {
		return fmt.Errorf("there is no part %q; set BENCH to %s, or leave it empty for all", wanted, strings.Join(names, ", "))
	}
	dir, err := os.MkdirTemp("/var/tmp", "tocsin-bench-")
	if err != nil {
		return fmt.Errorf("make a folder to work in: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b := &bench{dir: dir, began: time.Now()}
	for _, p := range chosen {
		b.say("== %s", p.name)
		if err := p.run(ctx, b); err != nil {
			return fmt.Errorf("part %s: %w", p.name, err)
		}
	}
	return b.report(out)
}

// bench is one run.
type bench struct {
	dir     string // to work in; removed at the end
	began   time.Time
	figures []figure
}

type figure struct {
	name  string
	value float64
}

// say tells what is happening.
func (b *bench) say(format string, args ...any) {
	fmt.Printf("[%4.0f s] %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

func (b *bench) add(name string, value float64) { b.figures = append(b.figures, figure{name, value}) }

// report prints one line a figure, and writes them as JSON where a file is named.
func (b *bench) report(out string) error {
	fmt.Println()
	all := make(map[string]float64, len(b.figures))
	for _, f := range b.figures {
		fmt.Printf("%s %s\n", f.name, number(f.value))
		all[f.name] = f.value
	}
	if out == "" {
		return nil
	}
	j, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(j, '\n'), 0o644)
}

// number writes a ratio with three decimals, and what is large without any.
func number(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3f", v)
}
