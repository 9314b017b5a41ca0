package sms

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// signer signs requests with ACS3-HMAC-SHA256.
// Source: Alibaba Cloud, "Request syntax and signature method V3", steps 1 to 4.
type signer struct {
	keyID, secret string
}

// sign sets the common headers and Authorization. The query of req must be in canonical form; see canonicalQuery.
func (s signer) sign(req *http.Request, action, version string, body []byte, at time.Time, nonce string) {
	sum := hexSHA256(body)
	headers := map[string]string{
		"host":                  req.URL.Host,
		"x-acs-action":          action,
		"x-acs-content-sha256":  sum,
		"x-acs-date":            at.UTC().Format("2006-01-02T15:04:05Z"),
		"x-acs-signature-nonce": nonce,
		"x-acs-version":         version,
	}
	names := slices.Sorted(maps.Keys(headers))
	var lines strings.Builder
	for _, n := range names {
		lines.WriteString(n + ":" + headers[n] + "\n")
		if n != "host" {
			req.Header.Set(n, headers[n])
		}
	}
	path := req.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	signed := strings.Join(names, ";")
	canonical := strings.Join([]string{req.Method, path, req.URL.RawQuery, lines.String(), signed, sum}, "\n")
	mac := hmac.New(sha256.New, []byte(s.secret))
	mac.Write([]byte("ACS3-HMAC-SHA256\n" + hexSHA256([]byte(canonical))))
	req.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential="+s.keyID+",SignedHeaders="+signed+",Signature="+hex.EncodeToString(mac.Sum(nil)))
}

// canonicalQuery sorts the parameters by name and escapes all but RFC 3986's unreserved characters.
func canonicalQuery(args map[string]string) string {
	pairs := make([]string, 0, len(args))
	for _, k := range slices.Sorted(maps.Keys(args)) {
		pairs = append(pairs, escape(k)+"="+escape(args[k]))
	}
	return strings.Join(pairs, "&")
}

// escape is url.QueryEscape but for the space: that leaves ~ and escapes *, as RFC 3986 wants.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// newNonce makes every request differ, as the protocol demands against replays.
func newNonce() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
