package seal_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"tocsin/internal/seal"
)

func house(t *testing.T) (*seal.House, *seal.House) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seal.key")
	if err := seal.CreateMasterFile(path); err != nil {
		t.Fatal(err)
	}
	m, err := seal.OpenMasterFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h, wrapped, err := seal.NewHouse(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	again, err := seal.OpenHouse(t.Context(), m, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	return h, again
}

func TestADeliveryIDLeadsBackToItsDelivery(t *testing.T) {
	h, again := house(t)
	other, _ := house(t)
	for _, want := range []seal.DeliveryRef{{}, {1, 1, 1, 1}, {1<<32 - 1, 1<<16 - 1, 255, 1<<40 - 1}, {7, 2, 3, 5_000_000_000}} {
		id, err := h.DeliveryID(want)
		if err != nil || len(id) != 32 {
			t.Fatalf("id %q, %v", id, err)
		}
		if got, ok := again.Delivery(id); !ok || got != want {
			t.Errorf("%s is %+v (%v), want %+v", id, got, ok, want)
		}
		if _, ok := other.Delivery(id); ok {
			t.Errorf("another house took %s for its own", id)
		}
	}
	for _, bad := range []seal.DeliveryRef{{Incident: 1 << 32}, {Campaign: 1 << 16}, {Contact: 1 << 40}, {Contact: -1}} {
		if id, err := h.DeliveryID(bad); err == nil {
			t.Errorf("%+v became %s", bad, id)
		}
	}
}

func TestAForgedDeliveryIDIsNone(t *testing.T) {
	h, _ := house(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		if r, ok := h.Delivery(fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64())); ok {
			t.Fatalf("a random id is %+v", r)
		}
	}
	for _, s := range []string{"", "zz", "00", "0123456789abcdef0123456789abcdef00"} {
		if _, ok := h.Delivery(s); ok {
			t.Errorf("%q is an id", s)
		}
	}
}

func TestAHouseMACIsOfItsKindAndHouse(t *testing.T) {
	h, again := house(t)
	other, _ := house(t)
	mac := h.MAC("bounce address", "x")
	if !bytes.Equal(mac, again.MAC("bounce address", "x")) {
		t.Error("the key opened again makes another MAC")
	}
	for _, x := range [][]byte{h.MAC("bounce address", "y"), h.MAC("token", "x"), other.MAC("bounce address", "x")} {
		if bytes.Equal(mac, x) {
			t.Error("two MACs are equal")
		}
	}
	if s := fmt.Sprintf("%v %+v %s %x", h, h, h, h); s != "house key house key house key house key" {
		t.Error(s)
	}
}
