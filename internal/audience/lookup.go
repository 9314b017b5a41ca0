package audience

import "strings"

// NormalEmail returns a mail address in the form that people are kept under; false where it is none.
func NormalEmail(s string) (string, bool) { return normalEmail(strings.TrimSpace(s)) }

// NormalPhone returns a number in E.164, read by a region's plan where it has no country code; false where it is none.
func NormalPhone(s, region string) (string, bool) { return normalPhone(strings.TrimSpace(s), region) }
