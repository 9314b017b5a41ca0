package templates

import (
	"strings"
	"unicode/utf16"
)

const gsm7 = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

// gsm7Double are the signs that take the place of two.
const gsm7Double = "^{}\\[~]|€"

// SMSSegments counts the messages that a text is cut into: 160 characters of the GSM alphabet, or 153 each when there are
// several; 70 and 67 UTF-16 units for any other text. Source: 3GPP TS 23.038, TS 23.040.
func SMSSegments(text string) int {
	septets := 0
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsm7, r):
			septets++
		case strings.ContainsRune(gsm7Double, r):
			septets += 2
		default:
			return segments(len(utf16.Encode([]rune(text))), 70, 67)
		}
	}
	return segments(septets, 160, 153)
}

func segments(n, single, several int) int {
	if n <= single {
		return 1
	}
	return (n + several - 1) / several
}
