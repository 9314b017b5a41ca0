package sms

import (
	"regexp"
	"strings"
	"time"

	"tocsin/internal/breach"
	"tocsin/notifiers"
)

// refusedNumber are the codes that speak of this number or this message: no repetition will help it.
// Source: Alibaba Cloud SMS, "API error codes".
var refusedNumber = map[string]bool{
	"isv.MOBILE_NUMBER_ILLEGAL":         true, // not a number
	"isv.PHONE_NUMBER_ILLEGAL":          true,
	"isv.MOBILE_COUNT_OVER_LIMIT":       true, // more numbers than one
	"isv.CUSTOMER_REFUSED":              true, // its owner takes no messages under this signature
	"isv.COUNTRY_RESTRICTED":            true,
	"isv.NOT_SUPPORTED_COUNTRY":         true,
	"isv.PARAM_LENGTH_LIMIT":            true, // a variable is too long
	"isv.TEMPLATE_PARAMS_ILLEGAL":       true,
	"isv.PARAM_NOT_SUPPORT_URL":         true, // a variable holds a link
	"isv.BLACK_KEY_CONTROL_LIMIT":       true, // a variable holds a forbidden word
	"isv.SMS_CONTENT_ILLEGAL":           true,
	"isv.CONTENT_KEYWORD_INVALID":       true,
	"isv.DOMESTIC_NUMBER_NOT_SUPPORTED": true,
	"isv.INVALID_PARAMETERS":            true,
}

// judge judges a business code. What is wrong with our account, signature or template is Temporary and against us: a person
// can mend it, and nothing is known against the number; calling it Permanent would drive everyone to the next rung. So is a
// code that we do not know. A failure inside the provider is Unknown, since its API is not idempotent and the message may have
// gone on.
func judge(code string, status int) (breach.Outcome, notifiers.Against) {
	switch {
	case refusedNumber[code]:
		return breach.Permanent, ""
	case strings.HasPrefix(code, "Throttling"), strings.HasPrefix(code, "ServiceUnavailable"), code == "SignatureNonceUsed":
		return breach.Temporary, "" // stopped at the gateway
	case strings.HasPrefix(code, "isp.GATEWAY_"), strings.Contains(code, "BUSINESS_LIMIT"):
		return breach.Temporary, ""
	case code == "isp.RAM_PERMISSION_DENY":
		return breach.Temporary, notifiers.Us
	case strings.HasPrefix(code, "isp."), strings.HasPrefix(code, "InternalError"), status >= 500:
		return breach.Unknown, ""
	}
	return breach.Temporary, notifiers.Us
}

// limitOver is how long a number that has had too much must wait, by the provider's words: its limits count by the minute, the
// hour and China's day. Zero where they say nothing of it.
func limitOver(code, words string, now time.Time) time.Duration {
	switch {
	case !strings.Contains(code, "BUSINESS_LIMIT"):
	case strings.Contains(words, "分钟"), strings.HasSuffix(code, "_MINUTE"):
		return time.Minute
	case strings.Contains(words, "小时"), strings.HasSuffix(code, "_HOUR"):
		return time.Hour
	case strings.Contains(words, "天级"), strings.HasSuffix(code, "_DAY"):
		day := now.In(china)
		return time.Date(day.Year(), day.Month(), day.Day()+1, 0, 1, 0, 0, china).Sub(now)
	}
	return 0
}

var plainCode = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,79}$`)

// knownCode keeps a code only where it looks like one.
func knownCode(code string) string {
	if !plainCode.MatchString(code) {
		return "unreadable"
	}
	return code
}
