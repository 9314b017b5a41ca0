package store

import (
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

// earlierSecret is how secrets were written before the compact form.
func earlierSecret(s secret) []byte {
	b := []byte{secretPlain}
	for _, f := range s.fields() {
		b = append(binary.AppendUvarint(b, uint64(len(*f))), *f...)
	}
	return b
}

func TestSecretsAreReadInBothForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		field := rapid.SampledFrom([]string{"", "示例甲", "示例乙", "shili@example.com", rapid.String().Draw(t, "text")})
		s := secret{Name: field.Draw(t, "name"), Person: field.Draw(t, "person"), Contacts: Contacts{
			Email: field.Draw(t, "email"), Phone: field.Draw(t, "phone"), Push: field.Draw(t, "push"), Address: field.Draw(t, "address"),
		}}
		compact := s.append([]byte("before"))[len("before"):]
		for _, b := range [][]byte{compact, earlierSecret(s)} {
			if got, err := readSecret(b); err != nil || got != s {
				t.Fatalf("%x is read as %+v, %v, want %+v", b, got, err, s)
			}
			for n := range b {
				if got, err := readSecret(b[:n]); err == nil && got == s {
					t.Fatalf("%x cut at %d is read as the whole", b, n)
				}
			}
		}
	})
}

func TestASecretOfAnotherVersionIsRefused(t *testing.T) {
	for _, b := range [][]byte{nil, {}, {0}, {secretCompact}, {secretCompact, secretUnknown}, {3, 0}} {
		if _, err := readSecret(b); err == nil {
			t.Errorf("%x is read", b)
		}
	}
}
