package seal_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/internal/breach"
	"tocsin/internal/seal"
)

const incident breach.IncidentID = "INC-2026-0001"

func master(t testing.TB) seal.Master {
	t.Helper()
	path := filepath.Join(t.TempDir(), "master.key")
	if err := seal.CreateMasterFile(path); err != nil {
		t.Fatal(err)
	}
	m, err := seal.OpenMasterFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newKeys(t testing.TB, m seal.Master, id breach.IncidentID) (*seal.Keys, []byte) {
	t.Helper()
	k, wrapped, err := seal.NewKeys(t.Context(), m, id)
	if err != nil {
		t.Fatal(err)
	}
	return k, wrapped
}

func TestOnlyTheSamePlaceOpens(t *testing.T) {
	m := master(t)
	k, wrapped := newKeys(t, m, incident)
	other, _ := newKeys(t, m, "INC-2026-0002")
	reopened, err := seal.OpenKeys(t.Context(), m, incident, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	const value = "canary-value@example.com"
	sealed, err := k.Seal("affected_person", "row-1", []byte(value))
	if err != nil {
		t.Fatal(err)
	}
	if len(sealed) != len(value)+seal.Overhead || bytes.Contains(sealed, []byte("canary")) {
		t.Fatalf("sealed %d bytes into %d", len(value), len(sealed))
	}
	for _, c := range []struct {
		name       string
		keys       *seal.Keys
		table, row string
		opens      bool
	}{
		{"same place", k, "affected_person", "row-1", true},
		{"keys unwrapped again", reopened, "affected_person", "row-1", true},
		{"another row", k, "affected_person", "row-2", false},
		{"another table", k, "recipient", "row-1", false},
		{"letters moved from table to row", k, "affected_personr", "ow-1", false},
		{"another incident", other, "affected_person", "row-1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			plain, err := c.keys.Open(c.table, c.row, sealed)
			if c.opens {
				if err != nil || string(plain) != value {
					t.Fatalf("got %d bytes, %v", len(plain), err)
				}
				return
			}
			if !errors.Is(err, seal.ErrUnreadable) || strings.Contains(err.Error(), "canary") {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestEachChangedBitIsSeen(t *testing.T) {
	k, _ := newKeys(t, master(t), incident)
	sealed, err := k.Seal("t", "r", []byte("value"))
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(sealed) * 8 {
		b := bytes.Clone(sealed)
		b[bit/8] ^= 1 << (bit % 8)
		if _, err := k.Open("t", "r", b); !errors.Is(err, seal.ErrUnreadable) {
			t.Fatalf("bit %d: %v", bit, err)
		}
	}
	for n := range sealed {
		if _, err := k.Open("t", "r", sealed[:n]); !errors.Is(err, seal.ErrUnreadable) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
}

func TestEachChangedBitOfAWrappedKeyIsSeen(t *testing.T) {
	m := master(t)
	_, wrapped := newKeys(t, m, incident)
	for bit := range len(wrapped) * 8 {
		b := bytes.Clone(wrapped)
		b[bit/8] ^= 1 << (bit % 8)
		if _, err := seal.OpenKeys(t.Context(), m, incident, b); err == nil {
			t.Fatalf("bit %d went unseen", bit)
		}
	}
	for n := range wrapped {
		if _, err := seal.OpenKeys(t.Context(), m, incident, wrapped[:n]); err == nil {
			t.Fatalf("cut at %d went unseen", n)
		}
	}
}

func TestAWrappedKeyBelongsToItsIncidentAndMaster(t *testing.T) {
	m := master(t)
	_, wrapped := newKeys(t, m, incident)
	if _, err := seal.OpenKeys(t.Context(), m, "INC-2026-0002", wrapped); !errors.Is(err, seal.ErrUnreadable) {
		t.Errorf("another incident: %v", err)
	}
	if _, err := seal.OpenKeys(t.Context(), master(t), incident, wrapped); !errors.Is(err, seal.ErrUnreadable) {
		t.Errorf("another master: %v", err)
	}
}

func TestSealAndOpenAreInverse(t *testing.T) {
	k, _ := newKeys(t, master(t), incident)
	rapid.Check(t, func(t *rapid.T) {
		table, row := rapid.String().Draw(t, "table"), rapid.String().Draw(t, "row")
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		a, errA := k.Seal(table, row, plain)
		b, errB := k.Seal(table, row, plain)
		if errA != nil || errB != nil || bytes.Equal(a, b) {
			t.Fatalf("sealing twice: %v, %v, equal %v", errA, errB, bytes.Equal(a, b))
		}
		got, err := k.Open(table, row, a)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("got %x, %v", got, err)
		}
	})
}

func TestBlindIndex(t *testing.T) {
	m := master(t)
	k, wrapped := newKeys(t, m, incident)
	reopened, err := seal.OpenKeys(t.Context(), m, incident, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := newKeys(t, m, "INC-2026-0002")
	one := k.Blind("email", "li@example.com")
	if len(one) != seal.BlindSize || !bytes.Equal(one, k.Blind("email", "li@example.com")) || !bytes.Equal(one, reopened.Blind("email", "li@example.com")) {
		t.Fatal("not stable")
	}
	for name, b := range map[string][]byte{
		"another value":                   k.Blind("email", "le@example.com"),
		"another kind":                    k.Blind("phone", "li@example.com"),
		"letters moved from kind to text": k.Blind("emai", "lli@example.com"),
		"another incident":                other.Blind("email", "li@example.com"),
	} {
		if bytes.Equal(one, b) {
			t.Errorf("%s has the same index", name)
		}
	}
}

func TestKeysAreUsedByManyAtOnce(t *testing.T) {
	k, _ := newKeys(t, master(t), incident)
	want := k.Blind("email", "a@example.com")
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for j := range 200 {
				row := fmt.Sprint(i, "/", j)
				sealed, err := k.Seal("t", row, []byte(row))
				if err != nil {
					t.Error(err)
					return
				}
				if plain, err := k.Open("t", row, sealed); err != nil || string(plain) != row {
					t.Errorf("row %s: %v", row, err)
				}
				if !bytes.Equal(want, k.Blind("email", "a@example.com")) {
					t.Error("blind index changed under concurrency")
				}
			}
		})
	}
	wg.Wait()
}

func TestKeysPrintNothingSecret(t *testing.T) {
	m := master(t)
	k, _ := newKeys(t, m, incident)
	for _, v := range []any{k, m} {
		js, _ := json.Marshal(v)
		for _, s := range []string{fmt.Sprintf("%v", v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), fmt.Sprintf("%s", v)} {
			if want := map[bool]string{true: "keys of INC-2026-0001", false: "master key " + m.KeyID()}[v == any(k)]; s != want {
				t.Errorf("prints as %q", s)
			}
		}
		if string(js) != "{}" {
			t.Errorf("as JSON: %s", js)
		}
	}
}

func TestMasterFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // the umask does not count
			t.Fatal(err)
		}
		return path
	}
	good := filepath.Join(dir, "good.key")
	if err := seal.CreateMasterFile(good); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(good)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	text, _ := os.ReadFile(good)
	for _, c := range []struct{ name, path, want string }{
		{"missing", filepath.Join(dir, "none.key"), "type `tocsin key create " + filepath.Join(dir, "none.key") + "`"},
		{"readable by the group", write("group.key", string(text), 0o640), "mode 0640"},
		{"readable by all", write("all.key", string(text), 0o604), "chmod 600"},
		{"not a key", write("text.key", "canary-secret", 0o600), "does not hold a key"},
		{"empty", write("empty.key", "", 0o600), "does not hold a key"},
		{"cut", write("cut.key", string(text[:len(text)/2]), 0o600), "does not hold a key"},
		{"giant", write("giant.key", strings.Repeat(" ", 1<<20), 0o600), "a key has a few hundred"},
		{"a folder", dir, "is not a file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := seal.OpenMasterFile(c.path)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
				t.Fatalf("got %v, want %q in it", err, c.want)
			}
		})
	}
	if err := seal.CreateMasterFile(good); !errors.Is(err, fs.ErrExist) {
		t.Errorf("overwriting: %v", err)
	}
	if again, _ := os.ReadFile(good); !bytes.Equal(text, again) {
		t.Error("the file changed")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".tocsin-key-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestKeyring(t *testing.T) {
	m := master(t)
	_, wrapped := newKeys(t, m, incident)
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	loads, destroyed := 0, false
	ring := seal.NewKeyring(m, func(context.Context, breach.IncidentID) ([]byte, error) {
		loads++
		if destroyed {
			return nil, seal.ErrDestroyed
		}
		return wrapped, nil
	}, time.Minute, func() time.Time { return now })
	get := func() error { _, err := ring.Keys(t.Context(), incident); return err }

	if err := errors.Join(get(), get()); err != nil || loads != 1 {
		t.Fatalf("within the lifetime: %v after %d loads", err, loads)
	}
	destroyed = true
	now = now.Add(time.Minute - 1)
	if err := get(); err != nil {
		t.Fatalf("a destroyed key just before the lifetime's end: %v", err)
	}
	now = now.Add(1)
	if err := get(); !errors.Is(err, seal.ErrDestroyed) {
		t.Fatalf("a destroyed key after the lifetime: %v", err)
	}
	destroyed = false
	if err := get(); err != nil {
		t.Fatal(err)
	}
	destroyed = true
	ring.Forget(incident)
	if err := get(); !errors.Is(err, seal.ErrDestroyed) {
		t.Fatalf("a destroyed key after Forget: %v", err)
	}
}

func TestKeyringIsUsedByManyAtOnce(t *testing.T) {
	m := master(t)
	stored := map[breach.IncidentID][]byte{}
	for n := range int64(4) {
		id := breach.NewIncidentID(2026, n+1)
		_, stored[id] = newKeys(t, m, id)
	}
	var clock atomic.Int64
	ring := seal.NewKeyring(m, func(_ context.Context, id breach.IncidentID) ([]byte, error) { return stored[id], nil },
		10, func() time.Time { return time.Unix(0, clock.Add(1)) })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range int64(400) {
				id := breach.NewIncidentID(2026, n%4+1)
				k, err := ring.Keys(t.Context(), id)
				if err != nil || k.Incident() != id {
					t.Errorf("keys of %s: %v", id, err)
				}
				if n%7 == 0 {
					ring.Forget(id)
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkSeal reports the cost of sealing a row of a person, 300 bytes, as a ratio to bare AES-256-GCM of the same bytes.
func BenchmarkSeal(b *testing.B) {
	k, _ := newKeys(b, master(b), incident)
	plain := make([]byte, 300)
	raw := bareGCM()
	var bare time.Duration
	start := time.Now()
	for b.Loop() {
		if _, err := k.Seal("affected_person", "0193f5a2-7c1b-7e70-9d53-0c8d8a8f2f11", plain); err != nil {
			b.Fatal(err)
		}
	}
	sealed := time.Since(start)
	start = time.Now()
	for range b.N {
		raw(plain)
	}
	bare = time.Since(start)
	b.ReportMetric(float64(sealed)/float64(bare), "ratio_to_bare_gcm")
}

func bareGCM() func([]byte) []byte {
	key, nonce := make([]byte, 32), make([]byte, 12)
	rand.Read(key)
	block, _ := aes.NewCipher(key)
	gcm, _ := cipher.NewGCM(block)
	return func(plain []byte) []byte {
		rand.Read(nonce)
		return gcm.Seal(nil, nonce, plain, nil)
	}
}

// BenchmarkBlind reports the cost of one blind index.
func BenchmarkBlind(b *testing.B) {
	k, _ := newKeys(b, master(b), incident)
	for b.Loop() {
		k.Blind("email", "zhang.wei@example.com")
	}
}
