package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// connections is how many each side of a comparison uses.
const connections = 10

// tool finds one of Postfix's test programs.
func tool(name string) (string, error) {
	for _, candidate := range []string{name, "/usr/sbin/" + name, "/usr/lib/postfix/sbin/" + name, "/usr/libexec/postfix/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not on this machine: it is part of Debian's package postfix, which make bench installs without starting it; elsewhere put it into PATH", name)
}

// sink is a running smtp-sink: it takes every mail and throws it away.
type sink struct {
	addr string
	cmd  *exec.Cmd
}

func startSink(ctx context.Context) (*sink, error) {
	path, err := tool("smtp-sink")
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, err
	}
	args := []string{addr, "1000"}
	if os.Geteuid() == 0 { // it refuses to stay root
		args = append([]string{"-u", "nobody"}, args...)
	}
	s := &sink{addr: addr, cmd: exec.Command(path, args...)}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start smtp-sink: %w", err)
	}
	for range 100 {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			return s, c.Close()
		}
		select {
		case <-ctx.Done():
			s.stop()
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	s.stop()
	return nil, errors.New("smtp-sink does not answer")
}

func (s *sink) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// source sends mails of a size with smtp-source, each connection kept open (-d), and returns how long it took.
func source(ctx context.Context, addr string, mails, size int) (time.Duration, error) {
	path, err := tool("smtp-source")
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, path, "-d", "-s", strconv.Itoa(connections), "-m", strconv.Itoa(mails), "-l", strconv.Itoa(size),
		"-f", "notice@example.com", "-t", "person@example.com", addr)
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("smtp-source: %w: %s", err, out)
	}
	return time.Since(began), nil
}
