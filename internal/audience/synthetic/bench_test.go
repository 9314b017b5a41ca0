package synthetic_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"syscall"
	"testing"
	"time"

	"tocsin/internal/audience"
	"tocsin/internal/audience/synthetic"
)

// BenchmarkMillion reads a million synthetic people, with the kinds of a real file, and their identities; it reports the
// processor time of a row, the collector's included.
func BenchmarkMillion(b *testing.B) {
	const people = 1_000_000
	var file bytes.Buffer
	if _, err := synthetic.Generate(&file, synthetic.Options{
		Seed: 1, At: at, People: people, Minors: people / 10, Shared: people / 50, Broken: people / 100, PushOnly: people / 100, Unreachable: people / 100, BadRows: people / 1000,
	}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	rows := 0
	runtime.GC() // what made the file is gone
	start := cpu(b)
	for b.Loop() {
		f, err := audience.Open(bytes.NewReader(file.Bytes()), audience.Options{At: at})
		if err != nil {
			b.Fatal(err)
		}
		for {
			row, err := f.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			if rows++; row.Person != nil && row.Person.IdentityKey() == "" {
				b.Fatal("a person without identity")
			}
		}
		f.Close()
	}
	b.ReportMetric(float64((cpu(b)-start).Nanoseconds())/float64(rows), "cpu-ns/row")
}

// cpu is the processor time that this process took: on a machine that does other things, too, the clock on the wall says little.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
