// Package attempt makes one HTTP request and says, where no answer came, whether it may have left the house. It is shared by
// the providers that speak HTTP; what an answer means is theirs to say.
package attempt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"tocsin/internal/breach"
	"tocsin/notifiers"
)

// answers larger than this are cut; no provider sends one.
const maxAnswer = 1 << 20

// Client makes requests for one channel. It never repeats one: redirects are not followed, and net/http repeats a POST only
// where not a byte was written.
type Client struct {
	channel breach.Channel
	timeout time.Duration
	http    *http.Client
	trip    *http.Transport
}

// Trust makes the client believe the certificates of these authorities alone, in place of the system's. Call it before the
// first request.
func (c *Client) Trust(roots *x509.CertPool) {
	c.trip.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	After  time.Duration // Retry-After; zero where there is none
}

// New returns a client that waits at most timeout for an answer and keeps at most conns connections.
func New(channel breach.Channel, timeout time.Duration, conns int) *Client {
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: timeout}).DialContext,
		TLSHandshakeTimeout: timeout,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: conns,
		MaxConnsPerHost:     conns,
		IdleConnTimeout:     20 * time.Second, // shorter than the servers': a stale connection makes a doubt
	}
	return &Client{channel: channel, timeout: timeout, trip: t, http: &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// errLate is the cause when our own limit ends a request.
var errLate = errors.New("no answer within the configured timeout")

// Do makes the request. The error is a [*notifiers.Error]: Temporary when no connection was had, so that nothing can have
// left; Unknown when one was had and no whole answer came.
func (c *Client) Do(ctx context.Context, doing string, req *http.Request) (Answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, errLate)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { connected.Store(false) }, // again where net/http repeats what was not written
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	resp, err := c.http.Do(req.WithContext(ctx))
	if err != nil { // its words hold the address with all its parameters
		if !connected.Load() {
			return Answer{}, c.Fail("connect", "", breach.Temporary)
		}
		return Answer{}, c.Fail(doing, "", breach.Unknown)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return Answer{}, c.Fail(doing, "", breach.Unknown)
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: body, After: retryAfter(resp.Header)}, nil
}

// Fail makes the error of a failed attempt.
func (c *Client) Fail(doing, code string, o breach.Outcome) *notifiers.Error {
	return &notifiers.Error{Channel: c.channel, Doing: doing, Outcome: o, Code: code}
}

// Close ends idle connections.
func (c *Client) Close() { c.trip.CloseIdleConnections() }

// StatusFailure judges an answer by its status alone, for one that the provider's own protocol does not explain: 429, 408
// and 503 were not processed; any other 5xx may come from a gateway behind which the request went on.
func (c *Client) StatusFailure(doing string, a Answer) *notifiers.Error {
	o := breach.Permanent
	switch {
	case a.Status == http.StatusTooManyRequests, a.Status == http.StatusRequestTimeout, a.Status == http.StatusServiceUnavailable:
		o = breach.Temporary
	case a.Status >= 500:
		o = breach.Unknown
	case a.Status < 400: // a redirect, or a success that says nothing we understand
		o = breach.Unknown
	case slices.Contains(ofOurs, a.Status):
		o = breach.Temporary // our account or address is at fault, not the recipient
	}
	e := c.Fail(doing, strconv.Itoa(a.Status), o)
	e.After = a.After
	if slices.Contains(ofOurs, a.Status) {
		e.Against = notifiers.Us
	}
	return e
}

var ofOurs = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusProxyAuthRequired}

// Unexplained judges by its status an answer of a provider that names each refusal of a recipient by a code of its own: a 4xx
// without one comes from a gateway, or says that the request as such is wrong, and every message would fare the same. So does
// one that wants the same request elsewhere; other redirects may follow upon what was done.
func (c *Client) Unexplained(doing string, a Answer) *notifiers.Error {
	e := c.StatusFailure(doing, a)
	switch a.Status {
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		e.Outcome = breach.Permanent
	}
	if e.Outcome == breach.Permanent {
		e.Outcome, e.Against = breach.Temporary, notifiers.Us
	}
	return e
}

// Reference is what a provider calls a message, where it is a word such as providers use: it is kept, and written to logs.
func Reference(s string) string {
	if !reference.MatchString(s) {
		return ""
	}
	return s
}

var reference = regexp.MustCompile(`^[0-9A-Za-z^._:-]{1,64}$`)

// mostAfter bounds what another side may ask of us; who asks for more is not believed.
const mostAfter = 24 * time.Hour

// retryAfter reads a number of seconds, or an instant by the other side's own clock.
func retryAfter(h http.Header) time.Duration {
	said := h.Get("Retry-After")
	var d time.Duration
	if n, err := strconv.ParseInt(said, 10, 32); err == nil {
		d = time.Duration(n) * time.Second
	} else if until, err := http.ParseTime(said); err == nil {
		if now, err := http.ParseTime(h.Get("Date")); err == nil {
			d = until.Sub(now)
		}
	}
	if d < 0 || d > mostAfter {
		return 0
	}
	return d
}

// CheckEndpoint judges a provider's address: https, or http to this machine.
func CheckEndpoint(key, endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("%s: write an address like https://provider.example, without user, query and fragment", key)
	}
	if u.Scheme == "https" {
		return nil
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("%s: personal data would cross the network in clear; write https:// (http:// only to this machine)", key)
}
