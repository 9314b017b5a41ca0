package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// role is what a child of this program does: one JSON object in, one out.
type role func(ctx context.Context, in []byte) (any, error)

var roles = map[string]role{
	"import": importRole,
	"send":   sendRole,
	"worker": workerRole,
}

// act plays a role: it reads its task from the standard input and writes its result to the standard output.
func act(ctx context.Context, name string) error {
	play, ok := roles[name]
	if !ok {
		return fmt.Errorf("there is no role %q; to run the benchmark give no argument", name)
	}
	var in json.RawMessage
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		return fmt.Errorf("read the task of %s: %w", name, err)
	}
	stop, err := profile(name)
	if err != nil {
		return err
	}
	out, err := play(ctx, in)
	stop()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

// profile writes where a role spends its time, where BENCH_PROFILE names a folder.
func profile(role string) (stop func(), err error) {
	dir := os.Getenv("BENCH_PROFILE")
	if dir == "" {
		return func() {}, nil
	}
	f, err := os.Create(filepath.Join(dir, role+".cpu"))
	if err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }, pprof.StartCPUProfile(f)
}

// cast starts this program in a role and waits for its result.
func cast[T any](ctx context.Context, name string, task any) (result T, err error) {
	h, err := hire[T](ctx, name, task)
	if err != nil {
		return result, err
	}
	return h.dismiss()
}

// hand is a child at work.
type hand[T any] struct {
	name  string
	cmd   *exec.Cmd
	stdin io.Closer
	out   bytes.Buffer
	ended bool
}

// hire starts this program in a role.
func hire[T any](ctx context.Context, name string, task any) (*hand[T], error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	h := &hand[T]{name: name, cmd: exec.CommandContext(ctx, self, name)}
	stdin, err := h.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	h.stdin, h.cmd.Stdout, h.cmd.Stderr = stdin, &h.out, os.Stderr
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C ends it through us
	if err := h.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the role %s: %w", name, err)
	}
	if err := json.NewEncoder(stdin).Encode(task); err != nil {
		return nil, errors.Join(fmt.Errorf("tell the role %s its task: %w", name, err), h.cmd.Process.Kill(), h.cmd.Wait())
	}
	return h, nil
}

// dismiss ends a child's input, waits for it, and returns its result. Calling it again does nothing.
func (h *hand[T]) dismiss() (result T, err error) {
	if h.ended {
		return result, nil
	}
	h.ended = true
	_ = h.stdin.Close()
	if err := h.cmd.Wait(); err != nil {
		return result, fmt.Errorf("role %s: %w", h.name, err)
	}
	return result, json.Unmarshal(h.out.Bytes(), &result)
}

// cpu is the processor time that this process has used.
func cpu() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("read the processor time used: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// peakMB is the most memory that this process ever had resident, in MB of 10^6 bytes. (The kernel's ru_maxrss would be at
// least the parent's.)
func peakMB() (float64, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("read the peak of memory: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb * 1024 / 1e6, err
		}
	}
	return 0, errors.New("read the peak of memory: /proc/self/status has no VmHWM")
}

// cpuOf is the processor time of a server, its living children, and those that it saw end.
func cpuOf(server int) (total time.Duration) {
	const tick = time.Second / 100 // the kernel's USER_HZ
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		b, err := os.ReadFile(filepath.Join(folder, "stat"))
		_, rest, ok := strings.Cut(string(b), ") ")
		if err != nil || !ok {
			continue // it has ended meanwhile
		}
		f := strings.Fields(rest) // from the third field on: state, parent, ...
		itself := filepath.Base(folder) == strconv.Itoa(server)
		if len(f) < 15 || f[1] != strconv.Itoa(server) && !itself {
			continue
		}
		times := f[11:13] // utime, stime
		if itself {
			times = f[11:15] // and cutime, cstime
		}
		for _, ticks := range times {
			n, _ := strconv.Atoi(ticks)
			total += time.Duration(n) * tick
		}
	}
	return total
}
