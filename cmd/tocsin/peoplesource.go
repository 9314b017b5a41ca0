package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// peopleSource is where a file of people comes from.
type peopleSource struct {
	again bool // it can be opened more than once
	open  func(ctx context.Context) (io.ReadCloser, int64, error)
}

// newPeopleSource looks at what was typed. A local file is looked at at once, so that a wrong name costs nothing.
func newPeopleSource(in io.Reader, name string, loopback bool) (*peopleSource, error) {
	scheme, _, remote := strings.Cut(name, "://")
	switch {
	case remote && (scheme == "https" || scheme == "http" && loopback):
		u, err := url.Parse(name)
		if err != nil || u.Host == "" || u.User != nil {
			return nil, usage("that is not an address a file can be fetched from; it looks like https://bucket.example.com/people.csv?…, without a name and password in it")
		}
		r := &remoteFile{url: u, client: remoteClient(loopback, public)}
		return &peopleSource{again: true, open: r.open}, nil
	case remote && scheme == "http":
		return nil, usage("people's data is fetched over https:// only")
	case remote && scheme == "s3":
		r, err := bucketFile(name, loopback)
		if err != nil {
			return nil, err
		}
		return &peopleSource{again: true, open: r.open}, nil
	case remote:
		return nil, usage("%s:// is not an address that tocsin fetches from: give a file, - for standard input, or an https:// or s3:// address", scheme)
	case name == "-":
		return &peopleSource{open: func(context.Context) (io.ReadCloser, int64, error) { return openPeople(in, "-") }}, nil
	}
	f, _, err := openPeople(nil, name)
	if err != nil {
		return nil, err
	}
	_ = f.Close()
	return &peopleSource{again: true, open: func(context.Context) (io.ReadCloser, int64, error) { return openPeople(nil, name) }}, nil
}

// fetchError is a remote file that could not be fetched. It names the host and never the address: a presigned one holds its
// credentials.
type fetchError struct{ text string }

// Error says what is wrong.
func (e *fetchError) Error() string { return e.text }

// remoteFile is a file behind an address. A connection that breaks is taken up where it broke, if the file is still the same.
type remoteFile struct {
	url    *url.URL
	client *http.Client
	store  *storeSigner // nil where the address needs no signature
}

// resumes is how often in a row a connection may break without a byte in between.
const resumes = 5

// remoteClient reaches only addresses that may be dialled. The address is checked when it is dialled, after names were resolved, so that no
// name and no redirect leads inside. A proxy of the environment is not used: it would dial for us.
func remoteClient(loopback bool, may func(netip.Addr) bool) *http.Client {
	dialer := &net.Dialer{Timeout: 20 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !may(at.Addr().Unmap()) && (!loopback || !at.Addr().Unmap().IsLoopback()) {
			return errInside
		}
		return nil
	}}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: 20 * time.Second, ResponseHeaderTimeout: 60 * time.Second,
			DisableCompression: true, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > 5 || req.URL.Scheme != "https" && !loopback {
				return errRedirect
			}
			return nil
		},
	}
}

var (
	errInside   = errors.New("inside")
	errRedirect = errors.New("redirect")
)

// public is false for addresses of this machine and of networks that are nobody else's.
func public(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, inside := range insideNetworks {
		if inside.Contains(a) {
			return false
		}
	}
	return true
}

// insideNetworks are not reachable from everywhere. Source: IANA's registries of special-purpose addresses.
var insideNetworks = func() (all []netip.Prefix) {
	for _, s := range []string{"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2002::/16", "2001::/32", "fec0::/10"} {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}()

func (r *remoteFile) open(ctx context.Context) (io.ReadCloser, int64, error) {
	resp, err := r.get(ctx, 0, "") //nolint:bodyclose // closed with what is returned
	if err != nil {
		return nil, 0, err
	}
	b := &remoteBody{file: r, ctx: ctx, body: resp.Body, size: resp.ContentLength, tag: resp.Header.Get("ETag")}
	if resp.Header.Get("Accept-Ranges") == "none" || strings.HasPrefix(b.tag, "W/") {
		b.tag = ""
	}
	return b, resp.ContentLength, nil
}

func (r *remoteFile) get(ctx context.Context, from int64, tag string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url.String(), nil)
	if err != nil {
		return nil, &fetchError{"the address cannot be asked"}
	}
	req.Header.Set("Accept-Encoding", "identity")
	want := http.StatusOK
	if from > 0 {
		req.Header.Set("Range", "bytes="+strconv.FormatInt(from, 10)+"-")
		req.Header.Set("If-Range", tag)
		want = http.StatusPartialContent
	}
	if r.store != nil {
		if from > 0 { // what object stores promise to look at
			req.Header.Del("If-Range")
			req.Header.Set("If-Match", tag)
		}
		if err := r.store.sign(ctx, req); err != nil {
			return nil, &fetchError{"the request to the object store cannot be signed"}
		}
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, r.unreachable(ctx, err)
	}
	if resp.StatusCode != want {
		defer func() { _ = resp.Body.Close() }()
		if r.store != nil {
			if err := r.store.refused(resp); err != nil {
				return nil, err
			}
		}
		return nil, r.refused(resp.StatusCode)
	}
	if from > 0 && !strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", from)) {
		_ = resp.Body.Close()
		return nil, &fetchError{fmt.Sprintf("%s answered with another part of the file than was asked for", r.url.Host)}
	}
	return resp, nil
}

func (r *remoteFile) unreachable(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Canceled
	case errors.Is(err, errInside):
		return &usageError{fmt.Sprintf("%s leads to an address of this machine or of a private network, from which tocsin does not fetch: fetch the file yourself and give it as a file or on standard input", r.url.Host)}
	case errors.Is(err, errRedirect):
		return &usageError{fmt.Sprintf("%s redirects too often, or away from https", r.url.Host)}
	}
	return &fetchError{fmt.Sprintf("%s does not answer: is the address right, and can it be reached from here?", r.url.Host)}
}

func (r *remoteFile) refused(status int) error {
	switch status {
	case http.StatusForbidden, http.StatusUnauthorized:
		return fmt.Errorf("%s does not let us read the file (status %d): has the presigned address expired?", r.url.Host, status)
	case http.StatusNotFound:
		return fmt.Errorf("%s has no file at that address", r.url.Host)
	case http.StatusOK:
		return &fetchError{fmt.Sprintf("the file at %s changed while it was read, or cannot be read from the middle", r.url.Host)}
	}
	return &fetchError{fmt.Sprintf("%s answered with status %d", r.url.Host, status)}
}

// remoteBody reads a remote file to its end.
type remoteBody struct {
	file  *remoteFile
	ctx   context.Context
	body  io.ReadCloser
	at    int64
	size  int64 // -1 where it is not known
	tag   string
	tries int
}

// Read reads on, over breaks.
func (b *remoteBody) Read(p []byte) (int, error) {
	for {
		n, err := b.body.Read(p)
		b.at += int64(n)
		switch {
		case n > 0:
			b.tries = 0
			return n, nil // an error comes again
		case err == nil:
			continue
		case errors.Is(err, io.EOF) && (b.size < 0 || b.at == b.size):
			return 0, io.EOF
		}
		if err := b.resume(); err != nil {
			return 0, err
		}
	}
}

func (b *remoteBody) resume() error {
	_ = b.body.Close()
	for b.tag != "" && b.tries < resumes {
		b.tries++
		select {
		case <-b.ctx.Done():
			return context.Canceled
		case <-time.After(time.Duration(b.tries*b.tries) * 100 * time.Millisecond):
		}
		resp, err := b.file.get(b.ctx, b.at, b.tag) //nolint:bodyclose // closed with b
		if err == nil {
			b.body = resp.Body
			return nil
		}
		if fetched, ok := errors.AsType[*fetchError](err); !ok || strings.Contains(fetched.text, "changed") {
			return err
		}
	}
	return &fetchError{fmt.Sprintf("the connection to %s broke after %.1f MB and could not be taken up again", b.file.url.Host, float64(b.at)/1e6)}
}

// Close closes the connection.
func (b *remoteBody) Close() error { return b.body.Close() }
