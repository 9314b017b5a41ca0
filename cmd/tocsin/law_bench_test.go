package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// What a person at the prompt waits for: the whole program asked for duties, and asked for its version, in turn on the same
// machine. Reported are both medians and their ratio.
func BenchmarkObligationsStart(b *testing.B) {
	dir := b.TempDir()
	binary, facts := filepath.Join(dir, "tocsin"), filepath.Join(dir, "facts.yaml")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	if err := os.WriteFile(facts, []byte("state: suspected\nkinds: [leak]\naware_at: 2026-11-21T03:10:00+08:00\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	run := func(args ...string) time.Duration {
		began := time.Now()
		if err := exec.Command(binary, args...).Run(); err != nil {
			b.Fatal(err)
		}
		return time.Since(began)
	}
	var version, obligations []time.Duration
	for b.Loop() {
		version = append(version, run("--version"))
		obligations = append(obligations, run("obligations", "--facts", facts, "--lang", "en"))
	}
	v, o := median(version), median(obligations)
	b.ReportMetric(float64(v.Microseconds())/1000, "version-ms")
	b.ReportMetric(float64(o.Microseconds())/1000, "obligations-ms")
	b.ReportMetric(float64(o)/float64(v), "ratio")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
