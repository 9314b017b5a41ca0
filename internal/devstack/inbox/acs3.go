package inbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// acsFailure is a code of the provider's gateway.
type acsFailure struct {
	status int
	code   string
	words  string
}

const acsSkew = 15 * time.Minute

// checkACS3 verifies a request as the provider's gateway does: it rebuilds the canonical request from what arrived.
// Source: Alibaba Cloud, "V3 request body & signature mechanism", steps 1 to 4.
func checkACS3(r *http.Request, body []byte, keyID, secret string, now time.Time) *acsFailure {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if scheme != "ACS3-HMAC-SHA256" {
		return &acsFailure{http.StatusBadRequest, "MissingAuthorization", "Authorization with ACS3-HMAC-SHA256 is required."}
	}
	field := map[string]string{}
	for kv := range strings.SplitSeq(rest, ",") {
		k, v, _ := strings.Cut(kv, "=")
		field[strings.TrimSpace(k)] = v
	}
	if field["Credential"] != keyID {
		return &acsFailure{http.StatusNotFound, "InvalidAccessKeyId.NotFound", "Specified access key is not found."}
	}
	at, err := time.Parse("2006-01-02T15:04:05Z", r.Header.Get("x-acs-date"))
	if err != nil || at.Sub(now).Abs() > acsSkew {
		return &acsFailure{http.StatusBadRequest, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."}
	}
	sum := hexSHA256(body)
	if r.Header.Get("x-acs-content-sha256") != sum {
		return &acsFailure{http.StatusBadRequest, "SignatureDoesNotMatch", "x-acs-content-sha256 is not the hash of the body."}
	}
	signed := strings.Split(field["SignedHeaders"], ";")
	if missing := unsigned(r, signed); missing != "" {
		return &acsFailure{http.StatusBadRequest, "SignatureDoesNotMatch", "The header " + missing + " must be signed."}
	}
	want := acsSignature(canonicalRequest(r, signed, sum), secret)
	if !hmac.Equal([]byte(want), []byte(field["Signature"])) {
		return &acsFailure{http.StatusBadRequest, "SignatureDoesNotMatch", "Specified signature does not match our calculation."}
	}
	return nil
}

// unsigned names a header that had to be signed and was not: host, content-type and all of x-acs-.
func unsigned(r *http.Request, signed []string) string {
	need := []string{"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce"}
	for k := range r.Header {
		if l := strings.ToLower(k); strings.HasPrefix(l, "x-acs-") || l == "content-type" {
			need = append(need, l)
		}
	}
	slices.Sort(need)
	for _, n := range need {
		if !slices.Contains(signed, n) {
			return n
		}
	}
	if !slices.IsSorted(signed) {
		return "order"
	}
	return ""
}

func canonicalRequest(r *http.Request, signed []string, bodySum string) string {
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	var headers strings.Builder
	for _, name := range signed {
		v := r.Header.Get(name)
		if name == "host" {
			v = r.Host
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.TrimSpace(v))
	}
	return strings.Join([]string{r.Method, path, canonicalQuery(r.URL.Query()), headers.String(), strings.Join(signed, ";"), bodySum}, "\n")
}

func canonicalQuery(q url.Values) string {
	var pairs []string
	for k, vs := range q {
		for _, v := range vs {
			pairs = append(pairs, rfc3986(k)+"="+rfc3986(v))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// rfc3986 escapes all but unreserved characters, byte by byte.
func rfc3986(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func acsSignature(canonical, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("ACS3-HMAC-SHA256\n" + hexSHA256([]byte(canonical))))
	return hex.EncodeToString(mac.Sum(nil))
}

func hexSHA256(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
