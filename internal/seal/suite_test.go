package seal

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/tink-crypto/tink-go/v2/mac/subtle"
	"pgregory.net/rapid"
)

// Source: NIST SP 800-38B, updated examples, D.3: AES-256.
func TestCMACOfTheStandard(t *testing.T) {
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	made, err := newCMAC(unhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"))
	if err != nil {
		t.Fatal(err)
	}
	b := made.(*cmacBlinder)
	message := string(unhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"))
	for n, want := range map[int]string{
		0: "028962f61b7bf89efc6b551f4667d983", 16: "28a7023f452e8f82bd4bf28d8c37c35c",
		40: "aaf3d8f1de5640c232f5b169b9c911e6", 64: "e1992190549f6ed5696a2c056c315410",
	} {
		b.chain = cmacBlock{}
		if b.sum(message[:n]); hex.EncodeToString(b.chain[:]) != want {
			t.Errorf("of %d bytes: %x, want %s", n, b.chain, want)
		}
	}
}

// A blind index by the chain that is remembered for a kind is that of another implementation over the whole text.
func TestBlindIsTheMACOfKindAndValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")
		b, err := newCMAC(key)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := subtle.NewAESCMAC(key, BlindSize)
		if err != nil {
			t.Fatal(err)
		}
		kinds := rapid.SliceOfN(rapid.StringN(0, 20, 40), 1, 3).Draw(t, "kinds")
		for range 20 {
			kind, value := rapid.SampledFrom(kinds).Draw(t, "kind"), rapid.String().Draw(t, "value")
			want, err := whole.ComputeMAC(append(kindBlocks(kind), value...))
			if err != nil {
				t.Fatal(err)
			}
			if got := b.appendBlind([]byte("x"), kind, value); string(got) != "x"+string(want) {
				t.Fatalf("%q %q: %x, want %x", kind, value, got[1:], want)
			}
		}
	})
}

func TestMoreKindsThanAreRemembered(t *testing.T) {
	b, err := newCMAC(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for n := range 3 * maxKinds {
		kind := fmt.Sprint("kind ", n)
		one := b.appendBlind(nil, kind, "value")
		if again := b.appendBlind(nil, kind, "value"); !bytes.Equal(one, again) {
			t.Errorf("%s changed", kind)
		}
		seen[string(one)]++
	}
	if len(seen) != 3*maxKinds {
		t.Errorf("%d different indexes of %d kinds", len(seen), 3*maxKinds)
	}
}

func testMaster(t *testing.T) Master {
	t.Helper()
	path := filepath.Join(t.TempDir(), "master.key")
	if err := CreateMasterFile(path); err != nil {
		t.Fatal(err)
	}
	m, err := OpenMasterFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What was sealed under an earlier suite opens, and its indexes find what they found.
func TestEachSuiteStaysReadable(t *testing.T) {
	m := testMaster(t)
	for _, s := range suites {
		t.Run(s.name, func(t *testing.T) {
			k, wrapped, err := makeKeys(t.Context(), s, m, "INC-2026-0001")
			if err != nil {
				t.Fatal(err)
			}
			sealed, err := k.Seal("recipient", "7", []byte("value"))
			if err != nil {
				t.Fatal(err)
			}
			again, err := OpenKeys(t.Context(), m, "INC-2026-0001", wrapped)
			if err != nil || again.Suite() != s.name || sealed[0] != s.tag {
				t.Fatalf("reopened as %s: %v", again.Suite(), err)
			}
			if plain, err := again.Open("recipient", "7", sealed); err != nil || string(plain) != "value" {
				t.Errorf("opened %q, %v", plain, err)
			}
			if !bytes.Equal(k.Blind("email", "a@example.com"), again.Blind("email", "a@example.com")) {
				t.Error("another index after reopening")
			}
		})
	}
}

// A sealer's rows open as single ones do, and have the same indexes; no nonce comes twice.
func TestSealerSealsAsKeysDo(t *testing.T) {
	m := testMaster(t)
	for _, s := range suites {
		k, _, err := makeKeys(t.Context(), s, m, "INC-2026-0001")
		if err != nil {
			t.Fatal(err)
		}
		sealer := k.Sealer("recipient")
		nonces := map[string]bool{}
		for row := range int64(3 * noncesAtOnce) {
			row = row*row*row - 5
			plain := []byte(fmt.Sprint("value ", row))
			got := sealer.AppendSealed([]byte("before"), row, plain)
			if string(got[:6]) != "before" || len(got) != 6+Overhead+len(plain) {
				t.Fatalf("row %d: %d bytes", row, len(got))
			}
			nonces[string(got[7:7+nonceSize])] = true
			if back, err := k.Open("recipient", strconv.FormatInt(row, 10), got[6:]); err != nil || !bytes.Equal(back, plain) {
				t.Fatalf("row %d: %v", row, err)
			}
			if !bytes.Equal(sealer.AppendBlind(nil, "sms", string(plain)), k.Blind("sms", string(plain))) {
				t.Fatalf("row %d: another index", row)
			}
		}
		if len(nonces) != 3*noncesAtOnce {
			t.Errorf("%d different nonces", len(nonces))
		}
	}
}
