package intent

import "testing"

func BenchmarkMessage(b *testing.B) {
	l, err := Dir(b.TempDir()).Open(shard, 1)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	for b.Loop() {
		if err := l.Begin(1234567, [32]byte{1}); err != nil {
			b.Fatal(err)
		}
		if err := l.End(End{Contact: 1234567, State: "accepted", Code: "250", Reference: "5F2D41C0A3", SHA256: make([]byte, 32)}); err != nil {
			b.Fatal(err)
		}
	}
}
