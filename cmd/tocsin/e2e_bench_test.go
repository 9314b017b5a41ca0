package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/config"
)

// bench is a stack of its own for one test, with the cast that plays an incident on it. Servers, inbox and API run in or
// below this process; workers are started by the test.
type bench struct {
	*testing.T
	*demo
	ctx  context.Context // ends a little before the test must
	logs *journal        // of the API, and of a worker in this process
}

// startBench brings up servers that keep what they were told when they are killed; throwaway ones start faster and do not.
func startBench(t *testing.T, throwaway bool, change func(*config.Config)) *bench {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), benchTime(), errors.New("the test's time is over"))
	t.Cleanup(cancel)
	cfg := demoConfig(config.Default(), false)
	cfg.DataDir = t.TempDir()
	if change != nil {
		change(&cfg)
	}
	l, err := startLocal(ctx, cfg, throwaway, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	home := l.stack.Postgres.Dir()
	t.Cleanup(func() {
		if err := errors.Join(l.close(), os.RemoveAll(home)); err != nil {
			t.Error(err)
		}
	})
	return &bench{T: t, demo: newDemo(l, "", demoOptions{Out: io.Discard}), ctx: ctx, logs: &journal{}}
}

// benchTime is how long one bench may take: minutes, or as long as chaos is asked for.
func benchTime() time.Duration {
	if *chaosKills > 0 {
		return *chaosTime
	}
	return 10 * time.Minute // it is never waited for: a busy machine under the race detector takes a while
}

// serve answers the API in this process; with work, incidents run here too.
func (b *bench) serve(work bool) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.ctx)
	log := newLogger(b.logs, b.local.cfg.Log)
	p, err := openProgram(ctx, b.local.cfg, log)
	if err != nil {
		b.Fatal(err)
	}
	address := make(chan net.Addr, 1)
	group, inside := errgroup.WithContext(ctx)
	group.Go(func() error {
		return listen(inside, "127.0.0.1:0", p.handler(), log, func(a net.Addr) { address <- a })
	})
	group.Go(func() error { return p.bounces(inside, func(net.Addr) {}) })
	if work {
		group.Go(func() error { return p.work(inside) })
	}
	b.Cleanup(func() {
		if inside.Err() != nil && ctx.Err() == nil {
			b.Errorf("the server ended before the test: %v", group.Wait())
		}
		cancel()
		_ = group.Wait()
		p.close()
	})
	select {
	case a := <-address:
		for _, c := range b.as {
			c.base = "http://" + a.String()
		}
	case <-inside.Done():
		b.Fatal(group.Wait())
	}
}

// eventually looks until content says that it is so.
func (b *bench) eventually(what string, content func() bool) {
	b.Helper()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for !content() {
		select {
		case <-look.C:
		case <-b.ctx.Done():
			b.Fatalf("waited in vain for %s\n%s", what, b.logs)
		}
	}
}

// until lets the cast do what waits for them, but for documents that are kept back, until the view is as wanted.
func (b *bench) until(what string, content func(api.IncidentView) bool, keepBack ...breach.DocumentKind) api.IncidentView {
	b.Helper()
	look := time.NewTicker(250 * time.Millisecond)
	defer look.Stop()
	for {
		v := b.view()
		if content(v) {
			return v
		}
		act := v
		act.Awaiting = nil
		for _, doc := range v.Awaiting {
			if len(keepBack) == 0 || doc.Kind != keepBack[0] {
				act.Awaiting = append(act.Awaiting, doc)
			}
		}
		if err := b.work(b.ctx, act); err != nil {
			b.Fatal(err)
		}
		select {
		case <-look.C:
		case <-b.ctx.Done():
			b.Fatalf("waited in vain for %s%s\n%s", what, unfinished(v), b.logs)
		}
	}
}

func (b *bench) view() api.IncidentView {
	b.Helper()
	var v api.IncidentView
	if err := b.as[breach.RoleManager].get(b.ctx, b.path(""), &v); err != nil {
		b.Fatal(err)
	}
	return v
}

// journal is a log that several may write while it is read.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write adds to the log.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// buildProgram builds the program as it ships, once for a test and those below it.
func buildProgram(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tocsin")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-race=false", "-o", file, ".").CombinedOutput(); err != nil {
		t.Fatalf("build tocsin: %v\n%s", err, out)
	}
	return file
}

// process is a worker that can be killed and frozen.
type process struct {
	cmd   *exec.Cmd
	logs  *journal
	ended chan struct{}
}

// startWorker runs tocsin worker with the bench's settings.
func (b *bench) startWorker(program string) *process {
	b.Helper()
	file := filepath.Join(b.TempDir(), "tocsin.yaml")
	text, err := yaml.Marshal(settingsFile(reflect.ValueOf(b.local.cfg)))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		b.Fatal(err)
	}
	p := &process{cmd: exec.Command(program, "worker", "--config", file), logs: &journal{}, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Env = p.logs, p.logs, bareEnvironment()
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	b.Cleanup(p.kill)
	return p
}

// kill ends the process without a word.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

func (p *process) freeze() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

func (p *process) thaw() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// bareEnvironment is ours without anything that changes a setting.
func bareEnvironment() []string {
	var env []string
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "TOCSIN_") {
			env = append(env, pair)
		}
	}
	return env
}

// settingsFile turns settings into what a settings file holds, key by key.
func settingsFile(v reflect.Value) any {
	if d, ok := v.Interface().(time.Duration); ok {
		return d.String()
	}
	switch v.Kind() {
	case reflect.Struct:
		section := map[string]any{}
		for i := range v.NumField() {
			section[v.Type().Field(i).Tag.Get("mapstructure")] = settingsFile(v.Field(i))
		}
		return section
	case reflect.Slice:
		list := []any{}
		for i := range v.Len() {
			list = append(list, settingsFile(v.Index(i)))
		}
		return list
	default:
		return v.Interface()
	}
}

// plural is for what a test prints.
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
