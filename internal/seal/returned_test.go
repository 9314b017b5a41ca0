package seal_test

import (
	"strings"
	"testing"

	"tocsin/internal/breach"
)

func TestAForgedReturnTokenIsRecognised(t *testing.T) {
	h, again := house(t)
	other, _ := house(t)
	const id = breach.DeliveryID("00112233445566778899aabbccddeeff")
	token := h.ReturnToken(id)
	if len(token) != 49 || strings.Trim(token, "abcdefghijklmnopqrstuvwxyz0123456789.") != "" {
		t.Fatalf("the token %s cannot stand in every address", token)
	}
	for rule, ours := range map[string]string{"as it left": token, "in capitals": strings.ToUpper(token)} {
		if got, ok := again.CheckReturn(ours); !ok || got != id {
			t.Errorf("%s: a bounce is lost", rule)
		}
	}
	for rule, forged := range map[string]string{
		"another house's": other.ReturnToken(id), "no MAC": string(id), "an empty MAC": string(id) + ".", "empty": "",
		"another id": "1" + token[1:], "cut": token[:48], "longer": token + "a", "the last letter": token[:48] + string(token[48]^1),
	} {
		if got, ok := h.CheckReturn(forged); ok {
			t.Errorf("%s was taken for %s", rule, got)
		}
	}
}
