package devstack_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/internal/devstack"
)

// TestMain lets the test binary play a program that starts servers, for tests that kill it or give it another environment.
func TestMain(m *testing.M) {
	if dir := os.Getenv("TOCSIN_TEST_STARTER"); dir != "" {
		if err := play(dir, os.Getenv("TOCSIN_TEST_START")); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		select {} // until we are killed
	}
	os.Exit(m.Run())
}

// play starts one kind of server in dir and prints its address.
func play(dir, kind string) error {
	switch kind {
	case "postgres":
		p, err := devstack.StartPostgres(context.Background(), devstack.PostgresOptions{Dir: dir, Throwaway: true})
		if err != nil {
			return err
		}
		fmt.Printf("127.0.0.1:%d\n", p.Port())
	case "temporal":
		s, err := devstack.StartTemporal(context.Background(), devstack.TemporalOptions{Dir: dir})
		if err != nil {
			return err
		}
		fmt.Println(s.Address())
	}
	return nil
}

// starter plays in a folder outside the source tree, and returns the line that was printed.
func starter(t *testing.T, dir, kind string, env ...string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Dir = t.TempDir()
	cmd.Env = append(append(os.Environ(), "TOCSIN_TEST_STARTER="+dir, "TOCSIN_TEST_START="+kind), env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return cmd, strings.TrimSpace(line)
}

func TestServersDieWithTheirStarter(t *testing.T) {
	bin, err := filepath.Abs("../../bin") // where make builds a temporal that is not on PATH
	if err != nil {
		t.Fatal(err)
	}
	tools := os.Getenv("PATH") + ":" + bin
	for _, kind := range []string{"postgres", "temporal"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(openFolder(t), kind)
			cmd, address := starter(t, dir, kind, "PATH="+tools)
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatalf("%s: %v", address, err)
			}
			if err := cmd.Process.Kill(); err != nil { // kill -9: nothing of ours runs any more
				t.Fatal(err)
			}
			_ = cmd.Wait()
			_, _ = io.Copy(io.Discard, conn) // returns when the server goes
		})
	}
}

func TestWithoutTemporalTheErrorSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	_, said := starter(t, dir, "temporal",
		"PATH="+dir, "XDG_CACHE_HOME="+dir, "HTTPS_PROXY=http://127.0.0.1:1")
	for _, part := range []string{"the download failed", "so did the build", "Install the Temporal CLI", "temporal.address"} {
		if !strings.Contains(said, part) {
			t.Errorf("%q is missing in: %s", part, said)
		}
	}
}
