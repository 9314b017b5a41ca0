package seal

import (
	"crypto/hmac"
	"encoding/base32"
	"strings"

	"tocsin/internal/breach"
)

// returnMAC is how many bytes of the MAC a return address carries: 80 bits, sixteen letters.
const returnMAC = 10

var returnLetters = base32.StdEncoding.WithPadding(base32.NoPadding)

// ReturnToken is what a mail's return address (VERP) carries: the delivery's id, a dot, and a MAC of it, so that nobody can
// forge a bounce. It is 49 characters of a-z, 0-9 and the dot.
func (h *House) ReturnToken(id breach.DeliveryID) string {
	return string(id) + "." + strings.ToLower(returnLetters.EncodeToString(h.MAC("return address", string(id))[:returnMAC]))
}

// CheckReturn returns the id in a token, and false for a token that this house did not make. Letter case does not matter:
// some servers change it.
func (h *House) CheckReturn(token string) (breach.DeliveryID, bool) {
	token = strings.ToLower(token)
	id, _, ok := strings.Cut(token, ".")
	if !ok || len(id) != 32 || !hmac.Equal([]byte(token), []byte(h.ReturnToken(breach.DeliveryID(id)))) {
		return "", false
	}
	return breach.DeliveryID(id), true
}
