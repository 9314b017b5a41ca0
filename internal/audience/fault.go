package audience

import "strings"

// faultOf says why a cell is not what normal reads, where more can be said than the usual fault: what a whole export has in
// common is mended in the export and not row by row.
func faultOf(s string, usual Reason, normal func(string) (string, bool)) Reason {
	switch {
	case strings.Contains(s, "**") || strings.Contains(s, "*@"):
		return MaskedValue
	case scientific(s):
		return Scientific
	case normal != nil && several(s, normal):
		return SeveralContacts
	}
	return usual
}

// several reports whether the parts of a cell each are what the whole is not.
func several(s string, normal func(string) (string, bool)) bool {
	parts := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(";,|/、，；\n", r) })
	if len(parts) == 1 {
		parts = strings.Fields(s)
	}
	if len(parts) < 2 {
		return false
	}
	for _, p := range parts {
		if _, ok := normal(strings.TrimSpace(p)); !ok {
			return false
		}
	}
	return true
}

// scientific recognises 1.38E+10, as which a spreadsheet shows and saves a long number in a narrow column.
func scientific(s string) bool {
	mantissa, exponent, ok := strings.Cut(s, "+")
	if !ok || len(mantissa) < 2 || !digits(exponent) || mantissa[len(mantissa)-1]|0x20 != 'e' {
		return false
	}
	whole, rest := leadingDigits(mantissa[:len(mantissa)-1])
	return len(whole) == 1 && (rest == "" || rest[0] == '.' && digits(rest[1:]))
}
