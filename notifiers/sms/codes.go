package sms

import (
	"regexp"
	"strings"

	"tocsin/internal/breach"
)

// refusedNumber are the codes that speak of this number or this message: no repetition will help it.
// Source: Alibaba Cloud SMS, "API error codes".
var refusedNumber = map[string]bool{
	"isv.MOBILE_NUMBER_ILLEGAL":         true, // not a number
	"isv.MOBILE_COUNT_OVER_LIMIT":       true, // more numbers than one
	"isv.PARAM_LENGTH_LIMIT":            true, // a variable is too long
	"isv.INVALID_JSON_PARAM":            true,
	"isv.TEMPLATE_MISSING_PARAMETERS":   true,
	"isv.TEMPLATE_PARAMS_ILLEGAL":       true,
	"isv.PARAM_NOT_SUPPORT_URL":         true, // a variable holds a link
	"isv.BLACK_KEY_CONTROL_LIMIT":       true, // a variable holds a forbidden word
	"isv.SMS_CONTENT_ILLEGAL":           true,
	"isv.CONTENT_KEYWORD_INVALID":       true,
	"isv.DOMESTIC_NUMBER_NOT_SUPPORTED": true,
	"isv.INVALID_PARAMETERS":            true,
}

// codeOutcome judges a business code. What is wrong with our account, signature or template, or too much for today, is
// Temporary: a person can mend it, and nothing is known against the number; calling it Permanent would drive everyone to the
// next rung. A failure inside the provider is Unknown, since its API is not idempotent and the message may have gone on.
func codeOutcome(code string, status int) breach.Outcome {
	switch {
	case refusedNumber[code]:
		return breach.Permanent
	case strings.HasPrefix(code, "Throttling"), strings.HasPrefix(code, "ServiceUnavailable"):
		return breach.Temporary // stopped at the gateway
	case code == "isp.RAM_PERMISSION_DENY", strings.HasPrefix(code, "isp.GATEWAY_"):
		return breach.Temporary
	case strings.HasPrefix(code, "isp."), strings.HasPrefix(code, "InternalError"), status >= 500:
		return breach.Unknown
	}
	return breach.Temporary
}

var plainCode = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,79}$`)

// knownCode keeps a code only where it looks like one.
func knownCode(code string) string {
	if !plainCode.MatchString(code) {
		return "unreadable"
	}
	return code
}
