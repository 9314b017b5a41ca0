package audience_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"tocsin/internal/audience"
)

// people streams n rows and never holds them.
func people(n int) io.Reader {
	r, w := io.Pipe()
	go func() {
		_, err := io.WriteString(w, "用户ID,姓名,邮箱,手机号,出生日期,监护人姓名,监护人手机,备注\n")
		for i := 0; i < n && err == nil; i++ {
			_, err = fmt.Fprintf(w, "u%07d,示例%07d,shili.%07d@example.com,138%08d,19%02d-0%d-1%d,家长,139%08d,\"一,二\"\n", i, i, i, i, i%100, i%9+1, i%9, i)
		}
		w.CloseWithError(err)
	}()
	return r
}

func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	const rows, bound = 400_000, 8 << 20 // the file has 42 MiB
	f, err := audience.Open(people(rows), options)
	if err != nil {
		t.Fatal(err)
	}
	var m runtime.MemStats
	var peak uint64
	n := 0
	for ; ; n++ {
		row, err := f.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || row.Person == nil {
			t.Fatalf("%s: %v", brief(row), err)
		}
		if n%20_000 == 0 {
			runtime.GC() // what is left is what is held
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
	}
	if n != rows || peak > bound {
		t.Errorf("%d rows at a peak of %d MiB, want %d below %d MiB", n, peak>>20, rows, bound>>20)
	}
}

// BenchmarkRows reads rows of a person with a guardian and reports the time as a ratio to encoding/csv alone.
func BenchmarkRows(b *testing.B) {
	const n = 100_000
	var text strings.Builder
	if _, err := io.Copy(&text, people(n)); err != nil {
		b.Fatal(err)
	}
	var ours, bare time.Duration
	for b.Loop() {
		start := time.Now()
		f, err := audience.Open(strings.NewReader(text.String()), options)
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = f.Next()
		}
		ours += time.Since(start)
		start = time.Now()
		r := csv.NewReader(strings.NewReader(text.String()))
		r.ReuseRecord = true
		for err = nil; err == nil; {
			_, err = r.Read()
		}
		bare += time.Since(start)
	}
	b.ReportMetric(float64(ours)/float64(bare), "ratio_to_encoding_csv")
	b.ReportMetric(n*float64(b.N)/ours.Seconds(), "rows/s")
}
