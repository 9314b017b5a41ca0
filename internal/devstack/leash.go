package devstack

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// A leash ends a server when this process ends, in whatever way it ends: it is a shell that waits on a pipe which only we
// hold, and the kernel closes that pipe for us. A parent-death signal would be Linux's own way, but it fires when the
// starting thread ends, and the SDK's starter cannot be given one.
type leash struct {
	pidFile string
	pipe    io.WriteCloser
	watcher *exec.Cmd
	once    sync.Once
}

// leashScript gets the signal's name, the server's pid file, and how many seconds to wait before it kills. A word on the
// pipe means that the server has ended already. It relies on the shell's own words as far as it can.
const leashScript = `trap '' INT TERM HUP
read -r word && exit 0
read -r pid < "$2"
rm -f "$2"
[ -n "$pid" ] && kill -"$1" "$pid" || exit 0
left=$3
while [ "$left" -gt 0 ]; do
	sleep 1
	kill -0 "$pid" || exit 0
	left=$((left - 1))
done
kill -KILL "$pid"`

// newLeash starts the watcher. Whoever starts the server writes its pid into pidFile.
func newLeash(dir, signal string, patience time.Duration) (*leash, error) {
	file, err := os.CreateTemp(dir, "leash-*.pid")
	if err != nil {
		return nil, fmt.Errorf("make the leash's pid file: %w", err)
	}
	pidFile := file.Name()
	_ = file.Close()
	cmd := exec.Command("/bin/sh", "-c", leashScript, "tocsin-leash", signal, pidFile, strconv.Itoa(int(patience/time.Second)))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us; the servers follow in our order
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("make the leash's pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the leash: %w", err)
	}
	return &leash{pidFile: pidFile, pipe: pipe, watcher: cmd}, nil
}

// hold names the server that the leash is for.
func (l *leash) hold(pid int) error {
	return os.WriteFile(l.pidFile, []byte(strconv.Itoa(pid)+"\n"), 0o600)
}

// pid is the server's, or 0 while it is not known.
func (l *leash) pid() int {
	b, err := os.ReadFile(l.pidFile)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(string(trimNewline(b)))
	return n
}

// release takes the leash off a server that has ended.
func (l *leash) release() {
	l.once.Do(func() {
		_, _ = io.WriteString(l.pipe, "done\n")
		_ = l.pipe.Close()
		_ = l.watcher.Wait()
		_ = os.Remove(l.pidFile)
	})
}

func trimNewline(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == '\n' {
		b = b[:len(b)-1]
	}
	return b
}

// process is a server that we started ourselves.
type process struct {
	cmd   *exec.Cmd
	leash *leash
	ended chan struct{}
}

// startProcess starts cmd on a leash, in a process group of its own. dir is for the leash's file.
func startProcess(cmd *exec.Cmd, dir, signal string) (*process, error) {
	l, err := newLeash(dir, signal, 10*time.Second)
	if err != nil {
		return nil, err
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	if err := cmd.Start(); err != nil {
		l.release()
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	p := &process{cmd: cmd, leash: l, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(p.ended)
	}()
	if err := l.hold(cmd.Process.Pid); err != nil {
		p.kill()
		return nil, fmt.Errorf("note the server's pid: %w", err)
	}
	return p, nil
}

// stop asks with each signal in turn, and kills in the end. It returns when the process is gone.
func (p *process) stop(patience time.Duration, signals ...syscall.Signal) {
	for _, s := range signals {
		_ = p.cmd.Process.Signal(s)
		select {
		case <-p.ended:
			p.leash.release()
			return
		case <-time.After(patience):
		}
	}
	p.kill()
}

// kill ends the process without a word and waits for its end.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
	p.leash.release()
}
