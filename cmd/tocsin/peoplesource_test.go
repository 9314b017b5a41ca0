package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// bucket is an object store that serves one file and breaks its connections after so many bytes of each answer.
type bucket struct {
	file   []byte
	tag    string
	cut    int // 0: never
	asked  []string
	status int
}

// ServeHTTP serves the file or a part of it.
func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.asked = append(b.asked, r.Header.Get("Range"))
	if b.status != 0 {
		w.WriteHeader(b.status)
		return
	}
	if b.tag != "" {
		w.Header().Set("ETag", b.tag)
	}
	if b.cut == 0 {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b.file))
		return
	}
	http.ServeContent(&cutting{w, b.cut}, r, "", time.Time{}, bytes.NewReader(b.file))
}

// cutting ends the connection after left bytes.
type cutting struct {
	http.ResponseWriter
	left int
}

// Write writes what is left to be written.
func (c *cutting) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p[:min(len(p), c.left)])
	if c.left -= n; c.left == 0 {
		_ = http.NewResponseController(c.ResponseWriter).Flush() // then nothing follows
		panic(http.ErrAbortHandler)
	}
	return n, err
}

// ReadFrom keeps the copy from going past Write.
func (c *cutting) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{c}, r)
}

const secret = "X-Amz-Signature=canary0123456789"

func fetch(t *testing.T, b *bucket, loopback bool) ([]byte, error) {
	t.Helper()
	server := httptest.NewServer(b)
	defer server.Close()
	src, err := newPeopleSource(nil, server.URL+"/people.csv?"+secret, loopback)
	if err != nil {
		return nil, err
	}
	body, _, err := src.open(t.Context())
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

func TestAFileIsFetchedOverBreaks(t *testing.T) {
	file := bytes.Repeat([]byte("甲,a@example.com\n"), 5000)
	for _, c := range []struct {
		name   string
		bucket bucket
		asked  int
		want   string // in the error
	}{
		{"in one piece", bucket{file: file, tag: `"1"`}, 1, ""},
		{"in pieces", bucket{file: file, tag: `"1"`, cut: 30_000}, 3, ""},
		{"in pieces, without a tag to tell that it is the same", bucket{file: file, cut: 30_000}, 1, "could not be taken up again"},
		{"forbidden", bucket{status: http.StatusForbidden}, 1, "has the presigned address expired?"},
		{"gone", bucket{status: http.StatusNotFound}, 1, "no file at that address"},
		{"broken", bucket{status: http.StatusBadGateway}, 1, "answered with status 502"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := fetch(t, &c.bucket, true)
			if c.want == "" && (err != nil || !bytes.Equal(got, file)) {
				t.Errorf("%d of %d bytes, %v", len(got), len(file), err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "people.csv")) {
				t.Errorf("the error holds the address: %v", err)
			}
			if len(c.bucket.asked) != c.asked {
				t.Errorf("asked %q", c.bucket.asked)
			}
		})
	}
}

// A file that changed between two parts is no file.
func TestAFileThatChangesIsNotGluedTogether(t *testing.T) {
	b := &bucket{file: bytes.Repeat([]byte("x"), 50_000), tag: `"1"`, cut: 20_000}
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n++; n == 2 {
			b.tag = `"2"`
		}
		b.ServeHTTP(w, r)
	}))
	defer server.Close()
	src, err := newPeopleSource(nil, server.URL, true)
	if err != nil {
		t.Fatal(err)
	}
	body, _, err := src.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadAll(body); err == nil || !strings.Contains(err.Error(), "changed while it was read") {
		t.Errorf("got %v", err)
	}
}

func TestNothingIsFetchedFromInside(t *testing.T) {
	b := &bucket{file: []byte("x")}
	server := httptest.NewTLSServer(b)
	defer server.Close()
	src, err := newPeopleSource(nil, strings.Replace(server.URL, "127.0.0.1", "localhost", 1)+"/?"+secret, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := src.open(t.Context()); err == nil || !strings.Contains(err.Error(), "private network") || strings.Contains(err.Error(), "canary") || len(b.asked) > 0 {
		t.Errorf("got %v, asked %d times", err, len(b.asked))
	}
	for address, want := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1111": true,
		"127.0.0.1": false, "10.1.2.3": false, "192.168.1.1": false, "172.16.0.1": false, "169.254.169.254": false, "100.64.0.1": false, "0.0.0.0": false, "224.0.0.1": false,
		"::1": false, "fd00::1": false, "fe80::1": false, "64:ff9b::a00:1": false, "2002:a00:1::": false,
	} {
		if public(netip.MustParseAddr(address).Unmap()) != want {
			t.Errorf("%s: public is not %v", address, want)
		}
	}
	if public(netip.MustParseAddr("::ffff:10.0.0.1").Unmap()) {
		t.Error("an address within an address is public")
	}
}

// A redirect leads where the dialler checks it, and never away from https.
func TestARedirectDoesNotLeadInside(t *testing.T) {
	client := remoteClient(false, public)
	req := httptest.NewRequest(http.MethodGet, "http://example.com/", nil)
	if client.CheckRedirect(req, make([]*http.Request, 1)) == nil {
		t.Error("a redirect to http is followed")
	}
	req = httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	if client.CheckRedirect(req, make([]*http.Request, 6)) == nil {
		t.Error("redirects are followed without end")
	}
}

func TestProgressTellsRateAndTimeLeft(t *testing.T) {
	for _, c := range []struct {
		size, sent int64
		since      time.Duration
		want       string
	}{
		{48_000_000, 12_000_000, 2 * time.Second, "12.0 MB of 48.0 MB, 25 %, 6.0 MB/s, 6s left"},
		{48_000_000, 12_000_000, 0, "12.0 MB of 48.0 MB, 25 %"},
		{-1, 12_000_000, 2 * time.Second, "12.0 MB, 6.0 MB/s"},
		{12_000_000, 12_000_000, 2 * time.Second, "12.0 MB of 12.0 MB, 100 %, 6.0 MB/s, waiting for the last rows to be written"},
	} {
		p := progress{size: c.size, sent: c.sent}
		if got := p.state(c.since); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// What tells of an import that is tried again is told by what broke, not by what the API refused.
func TestOnlyBreaksAreTriedAgain(t *testing.T) {
	if !worthAnother(&fetchError{"x"}, 0) || !worthAnother(fmt.Errorf("the API does not answer"), 1) || worthAnother(fmt.Errorf("the API does not answer"), 0) {
		t.Error("breaks are not told from refusals")
	}
}
