package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
)

// TemporalOptions say how the dev server runs.
type TemporalOptions struct {
	// Dir holds the server's log; made if it is missing.
	Dir string
	// DBFile keeps workflows over a restart. Empty keeps them in memory.
	DBFile string
	// Binary is a temporal executable; empty looks for one, downloads it, or builds it.
	Binary string
	// Namespace is made at the start; empty is "default".
	Namespace string
	// Port of the server on 127.0.0.1; 0 takes a free one.
	Port int
	// UI switches the web UI on; UIPort 0 takes a free port.
	UI     bool
	UIPort int
	// SearchAttributes are registered before StartTemporal returns.
	SearchAttributes []temporal.SearchAttributeKey
	// Log is told what is happening, a sentence at a time. It may be nil.
	Log func(string)
}

// Temporal is a running dev server, reachable on loopback only.
type Temporal struct {
	options TemporalOptions
	server  *testsuite.DevServer
	leash   *leash
	uiURL   string
	closing sync.Once
	failure error
}

// wrapper stands between the SDK and the server: it notes the pid for the leash and leaves our process group, so that
// Ctrl-C ends the worker first and the server after it. The exec keeps the pid, so the SDK's own Stop still works.
const wrapper = `#!/bin/sh
here=${0%/*}
echo $$ > "$here/pid"
command -v setsid > /dev/null && exec setsid "$here/temporal" "$@"
exec "$here/temporal" "$@"
`

// StartTemporal starts the dev server through the SDK's testsuite and returns when it answers. ctx bounds the start, not
// the server's life; that ends with [Temporal.Close], or this process.
func StartTemporal(ctx context.Context, o TemporalOptions) (*Temporal, error) {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if o.Namespace == "" {
		o.Namespace = "default"
	}
	binary, err := locateTemporal(ctx, o.Binary, o.Log)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder for Temporal: %w", err)
	}
	free := o.Port == 0 || o.UI && o.UIPort == 0
	for attempt := 1; ; attempt++ {
		t, err := startTemporalOnce(ctx, o, binary)
		if err == nil {
			return t, nil
		}
		if taken := strings.Contains(err.Error(), "address already in use"); !taken || !free || attempt == 5 {
			return nil, err
		}
	}
}

func startTemporalOnce(ctx context.Context, o TemporalOptions, binary string) (*Temporal, error) {
	if err := takePorts(&o); err != nil {
		return nil, err
	}
	t := &Temporal{options: o}
	if o.UI {
		t.uiURL = "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(o.UIPort))
	}
	script, err := t.wrap(binary)
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(t.logFile(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.end()
		return nil, fmt.Errorf("open Temporal's log: %w", err)
	}
	defer log.Close()
	starting, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, errors.New("it did not answer within two minutes"))
	defer cancel()
	starting, watched := t.watchStart(starting)
	t.server, err = testsuite.StartDevServer(starting, testsuite.DevServerOptions{
		ExistingPath: script,
		ClientOptions: &client.Options{
			HostPort: net.JoinHostPort("127.0.0.1", strconv.Itoa(o.Port)), Namespace: o.Namespace, Logger: silent{},
		},
		DBFilename: o.DBFile,
		EnableUI:   o.UI,
		UIPort:     strconv.Itoa(o.UIPort),
		LogFormat:  "json",
		LogLevel:   "warn",
		ExtraArgs:  t.arguments(),
		Stdout:     log,
		Stderr:     log,
	})
	if gone := watched(); err != nil {
		t.abort(gone)
		return nil, t.explain(starting, err)
	}
	return t, nil
}

// takePorts fills in free ports.
func takePorts(o *TemporalOptions) error {
	for _, port := range []*int{&o.Port, &o.UIPort} {
		if *port != 0 {
			continue
		}
		var err error
		if *port, err = freePort(); err != nil {
			return err
		}
	}
	return nil
}

// wrap makes the folder with the wrapper, the link to the server and the pid file, and puts the leash on.
func (t *Temporal) wrap(binary string) (script string, err error) {
	sweepRuns(t.options.Dir)
	dir, err := os.MkdirTemp(t.options.Dir, "run-")
	if err != nil {
		return "", fmt.Errorf("make a folder for Temporal's run: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", fmt.Errorf("make a folder for Temporal's run: %w", err)
	}
	if t.leash, err = newLeash(dir, "INT", 2*time.Second); err != nil {
		return "", err
	}
	script = filepath.Join(dir, "start")
	err = errors.Join(
		os.Symlink(binary, filepath.Join(dir, "temporal")),
		os.Symlink(filepath.Base(t.leash.pidFile), filepath.Join(dir, "pid")),
		os.WriteFile(script, []byte(wrapper), 0o755),
	)
	if err != nil {
		t.end()
		return "", fmt.Errorf("make the wrapper for Temporal: %w", err)
	}
	return script, nil
}

// sweepRuns removes the folders of servers whose starter was killed. A leash that did its work has removed its pid file.
func sweepRuns(dir string) {
	runs, _ := filepath.Glob(filepath.Join(dir, "run-*"))
	for _, run := range runs {
		if pids, _ := filepath.Glob(filepath.Join(run, "leash-*.pid")); len(pids) == 0 {
			_ = os.RemoveAll(run)
		}
	}
}

func (t *Temporal) logFile() string { return filepath.Join(t.options.Dir, "temporal.log") }

func (t *Temporal) arguments() []string {
	args := []string{"--dynamic-config-value", "system.forceSearchAttributesCacheRefreshOnRead=true"}
	for _, key := range t.options.SearchAttributes {
		args = append(args, "--search-attribute", key.GetName()+"="+key.GetValueType().String())
	}
	return args
}

// watchStart cancels the start when the server ends before it ever answered; the SDK would knock for a minute. The
// function it returns stops the watch and tells whether the server is gone.
func (t *Temporal) watchStart(parent context.Context) (context.Context, func() bool) {
	ctx, cancel := context.WithCancelCause(parent)
	stop, ended := make(chan struct{}), make(chan bool, 1)
	go func() {
		for {
			select {
			case <-stop:
				ended <- false
				return
			case <-time.After(50 * time.Millisecond):
			}
			if pid := t.leash.pid(); pid != 0 && reap(pid) {
				cancel(errors.New("it ended at once"))
				ended <- true
				return
			}
		}
	}()
	return ctx, func() bool {
		close(stop)
		gone := <-ended
		cancel(nil)
		return gone
	}
}

// reap reports whether a child of ours has ended, and takes it off the process table.
func reap(pid int) bool {
	got, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
	return err == nil && got == pid
}

// abort ends a server whose start failed; the SDK leaves it running.
func (t *Temporal) abort(gone bool) {
	if pid := t.leash.pid(); pid != 0 && !gone {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		_, _ = syscall.Wait4(pid, nil, 0, nil)
	}
	t.end()
}

var errorInLog = regexp.MustCompile(`(?i)error|fatal|in use`)

// explain adds what the server itself said.
func (t *Temporal) explain(starting context.Context, err error) error {
	if cause := context.Cause(starting); cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	b, _ := os.ReadFile(t.logFile())
	said := ""
	for line := range strings.Lines(string(b)) {
		if errorInLog.MatchString(line) {
			said = ": " + strings.TrimSpace(line)
			break
		}
	}
	return fmt.Errorf("start the Temporal dev server: %w%s (log: %s)", err, said, t.logFile())
}

// Address is the server's host:port, for client.Options.
func (t *Temporal) Address() string { return t.server.FrontendHostPort() }

// Namespace is the one that was made at the start.
func (t *Temporal) Namespace() string { return t.options.Namespace }

// UIURL is the web UI's address, or empty where it is off.
func (t *Temporal) UIURL() string { return t.uiURL }

// Client is connected to the server. It is closed by [Temporal.Close].
func (t *Temporal) Client() client.Client { return t.server.Client() }

// Close ends the server and returns when it is gone. Calling it again does nothing.
func (t *Temporal) Close() error {
	t.closing.Do(func() {
		t.server.Client().Close()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			t.failure = notTheSignal(t.server.Stop())
		}()
		select {
		case <-ended:
		case <-time.After(15 * time.Second):
			t.Kill()
			<-ended
		}
		t.end()
	})
	return t.failure
}

// notTheSignal drops the news that the server died of the signal that we sent it.
func notTheSignal(err error) error {
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil
	}
	return err
}

// Kill ends the server as a power cut would, for tests. Close must still be called.
func (t *Temporal) Kill() {
	if pid := t.leash.pid(); pid != 0 {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// end takes the leash off and removes the run's folder.
func (t *Temporal) end() {
	if t.leash == nil {
		return
	}
	t.leash.release()
	_ = os.RemoveAll(filepath.Dir(t.leash.pidFile))
}
