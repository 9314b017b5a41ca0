package store_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// Keeping a bounce is one commit. Several connections bring them at once, as a relay does.
func BenchmarkTakeReturned(b *testing.B) {
	s := open(b)
	id := openIncident(b, s)
	importPeople(b, s, id, adult("甲", "a@example.com", ""))
	freeze(b, s, id, 10)
	delivery := everybodyTold(b, s, id, breach.Email)["a@example.com"]
	raw := make([]byte, 4096)
	var n atomic.Int64
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			in := store.Returned{
				Delivery: delivery, Kind: breach.ReturnFailed, Class: breach.BounceHard, Status: "5.1.1", How: "address",
				Raw: fmt.Appendf(raw[:0:0], "%d%s", n.Add(1), raw),
			}
			if err := s.TakeReturned(b.Context(), in); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "bounces/s")
}
