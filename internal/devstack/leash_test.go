package devstack_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/devstack"
)

// TestMain lets the test binary play the program that is killed in TestServersDieWithTheirStarter.
func TestMain(m *testing.M) {
	if dir := os.Getenv("TOCSIN_TEST_STARTER"); dir != "" {
		p, err := devstack.StartPostgres(context.Background(), devstack.PostgresOptions{Dir: dir, Throwaway: true})
		if err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		fmt.Println(p.URL("postgres"))
		select {} // until we are killed
	}
	os.Exit(m.Run())
}

func TestServersDieWithTheirStarter(t *testing.T) {
	dir := filepath.Join(openFolder(t), "pg")
	starter := exec.Command(os.Args[0])
	starter.Env = append(os.Environ(), "TOCSIN_TEST_STARTER="+dir)
	out, err := starter.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := starter.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url := strings.TrimSpace(line)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	if err := starter.Process.Kill(); err != nil { // kill -9: nothing of ours runs any more
		t.Fatal(err)
	}
	_ = starter.Wait()
	if _, err := conn.WaitForNotification(t.Context()); err == nil { // returns when the server goes
		t.Fatal("the server sent something")
	}
	startPostgres(t, devstack.PostgresOptions{Dir: dir, Throwaway: true}) // the folder is free again
}
