package inbox

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func TestPackedBodiesReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &packer{}
		raws := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 3000), 1, 40).Draw(t, "raws")
		var at []packed
		for _, r := range raws {
			at = append(at, p.pack(r))
		}
		for i, c := range at {
			if got := c.unpack(); !bytes.Equal(got, raws[i]) {
				t.Fatalf("body %d reads back as %q, want %q", i, got, raws[i])
			}
		}
	})
}
