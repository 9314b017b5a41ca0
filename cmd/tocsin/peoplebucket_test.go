package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// storeKeys are of a user who does not exist.
const (
	storeKeyID  = "AKIDEXAMPLE"
	storeSecret = "canary-secret-of-nobody"
)

// objectStore checks each request's signature by its own reading of the specification, then serves the one object it has.
type objectStore struct {
	bucket
	path    string // of the object, as it must be written in a request
	region  string
	session string
	refusal string // an error document instead of the object, with its status
	faults  []string
}

// ServeHTTP answers a request that is signed as it must be.
func (s *objectStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if fault := s.unsigned(r); fault != "" {
		s.faults = append(s.faults, fault)
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, "<Error><Code>SignatureDoesNotMatch</Code><StringToSign>canary</StringToSign></Error>")
		return
	}
	switch {
	case s.refusal != "":
		w.WriteHeader(s.status)
		fmt.Fprint(w, s.refusal)
	case r.URL.EscapedPath() != s.path:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, "<Error><Code>NoSuchKey</Code><Key>canary %s</Key></Error>", r.URL.Path)
	case r.Header.Get("Range") != "" && r.Header.Get("If-Match") != s.tag:
		w.WriteHeader(http.StatusPreconditionFailed)
		fmt.Fprint(w, "<Error><Code>PreconditionFailed</Code></Error>")
	default:
		s.bucket.ServeHTTP(w, r)
	}
}

// unsigned tells what is wrong with a request's signature. Source: "Signature Calculations for the Authorization Header:
// Transferring Payload in a Single Chunk", Amazon S3 API Reference.
func (s *objectStore) unsigned(r *http.Request) string {
	date := r.Header.Get("X-Amz-Date")
	if len(date) != 16 || r.Header.Get("X-Amz-Security-Token") != s.session || r.Header.Get("X-Amz-Content-Sha256") == "" {
		return "date, token or payload hash"
	}
	scope := date[:8] + "/" + s.region + "/s3/aws4_request"
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="+storeKeyID+"/"+scope+", SignedHeaders=")
	names, signature, whole := strings.Cut(rest, ", Signature=")
	if !ok || !whole {
		return "authorization header or scope"
	}
	signed := strings.Split(names, ";")
	for _, must := range []string{"host", "x-amz-content-sha256", "x-amz-date"} {
		if !slices.Contains(signed, must) {
			return must + " is not signed"
		}
	}
	if r.Header.Get("Range") != "" && !slices.Contains(signed, "range") {
		return "range is not signed"
	}
	canonical := r.Method + "\n" + r.URL.EscapedPath() + "\n" + r.URL.RawQuery + "\n"
	for _, name := range signed {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		canonical += name + ":" + strings.TrimSpace(value) + "\n"
	}
	canonical += "\n" + names + "\n" + r.Header.Get("X-Amz-Content-Sha256")
	hash := sha256.Sum256([]byte(canonical))
	key := []byte("AWS4" + storeSecret)
	for _, part := range strings.Split(scope, "/") {
		key = macOf(key, part)
	}
	if want := hex.EncodeToString(macOf(key, "AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hex.EncodeToString(hash[:]))); signature != want {
		return "signature"
	}
	return ""
}

func macOf(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// storeEnvironment sets what the environment says of object stores, and nothing else.
func storeEnvironment(t *testing.T, with map[string]string) {
	t.Helper()
	for _, name := range []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3",
	} {
		t.Setenv(name, with[name])
	}
}

func TestAFileIsReadFromAnObjectStore(t *testing.T) {
	file := bytes.Repeat([]byte("甲,a@example.com\n"), 5000)
	const key, path = "2026/人 员+a=1%.csv", "/exports/2026/%E4%BA%BA%20%E5%91%98%2Ba%3D1%25.csv"
	keys := map[string]string{"AWS_ACCESS_KEY_ID": storeKeyID, "AWS_SECRET_ACCESS_KEY": storeSecret}
	for _, c := range []struct {
		name  string
		store objectStore
		more  map[string]string
		asked int
		want  string // in the error
	}{
		{"in one piece", objectStore{bucket: bucket{file: file, tag: `"1"`}}, nil, 1, ""},
		{"in pieces, with temporary credentials", objectStore{bucket: bucket{file: file, tag: `"1"`, cut: 30_000}, session: "token"}, map[string]string{"AWS_SESSION_TOKEN": "token"}, 3, ""},
		{"in a region", objectStore{bucket: bucket{file: file}, region: "cn-north-1"}, map[string]string{"AWS_REGION": "cn-north-1"}, 1, ""},
		{"another key", objectStore{path: "/exports/other"}, nil, 0, "no such key in the bucket"},
		{"a wrong secret", objectStore{}, map[string]string{"AWS_SECRET_ACCESS_KEY": "wrong"}, 0, "AWS_SECRET_ACCESS_KEY does not belong"},
		{"no such bucket", objectStore{bucket: bucket{status: 404}, refusal: "<Error><Code>NoSuchBucket</Code></Error>"}, nil, 0, "has no such bucket"},
		{"another region", objectStore{bucket: bucket{status: 301}, refusal: "<Error><Code>PermanentRedirect</Code><Region>eu-central-1</Region></Error>"}, nil, 0, "set AWS_REGION=eu-central-1"},
		{"not allowed", objectStore{bucket: bucket{status: 403}, refusal: "<Error><Code>AccessDenied</Code></Error>"}, nil, 0, "s3:GetObject"},
		{"an old token", objectStore{bucket: bucket{status: 400}, refusal: "<Error><Code>ExpiredToken</Code></Error>"}, nil, 0, "AWS_SESSION_TOKEN has expired"},
		{"a wrong clock", objectStore{bucket: bucket{status: 403}, refusal: "<Error><Code>RequestTimeTooSkewed</Code></Error>"}, nil, 0, "set its clock"},
		{"busy", objectStore{bucket: bucket{status: 503}, refusal: "<Error><Code>SlowDown</Code></Error>"}, nil, 0, "answered with status 503"},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := &c.store
			store.region, store.path = firstOf(store.region, "us-east-1"), firstOf(store.path, path)
			server := httptest.NewServer(store)
			defer server.Close()
			env := map[string]string{"AWS_ENDPOINT_URL": server.URL}
			for _, m := range []map[string]string{keys, c.more} {
				for k, v := range m {
					env[k] = v
				}
			}
			storeEnvironment(t, env)
			src, err := newPeopleSource(nil, "s3://exports/"+key, false)
			if err != nil {
				t.Fatal(err)
			}
			var got []byte
			body, size, err := src.open(t.Context())
			if err == nil {
				got, err = io.ReadAll(body)
				_ = body.Close()
			}
			if c.want == "" && (err != nil || !bytes.Equal(got, file) || size != int64(len(file)) || !src.again) {
				t.Errorf("%d of %d bytes, %v; signatures: %q", len(got), len(file), err, store.faults)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "人")) {
				t.Errorf("the error holds a secret or the key: %v", err)
			}
			if len(store.asked) != c.asked {
				t.Errorf("asked %q", store.asked)
			}
		})
	}
}

// An object that is replaced while it is read is no file.
func TestAnObjectThatChangesIsNotGluedTogether(t *testing.T) {
	store := &objectStore{bucket: bucket{file: bytes.Repeat([]byte("x"), 50_000), tag: `"1"`, cut: 20_000}, path: "/exports/k", region: "us-east-1"}
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n++; n == 2 {
			store.tag = `"2"`
		}
		store.ServeHTTP(w, r)
	}))
	defer server.Close()
	storeEnvironment(t, map[string]string{"AWS_ACCESS_KEY_ID": storeKeyID, "AWS_SECRET_ACCESS_KEY": storeSecret, "AWS_ENDPOINT_URL_S3": server.URL + "/"})
	src, err := newPeopleSource(nil, "s3://exports/k", false)
	if err != nil {
		t.Fatal(err)
	}
	body, _, err := src.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadAll(body); err == nil || !strings.Contains(err.Error(), "changed while it was read") || len(store.faults) > 0 {
		t.Errorf("got %v; signatures: %q", err, store.faults)
	}
}

func TestWhereABucketIs(t *testing.T) {
	keys := map[string]string{"AWS_ACCESS_KEY_ID": storeKeyID, "AWS_SECRET_ACCESS_KEY": storeSecret}
	for _, c := range []struct {
		name, file string
		env        map[string]string
		want       string // the address, or what the error tells
	}{
		{"Amazon", "s3://exports/a/b.csv", map[string]string{"AWS_REGION": "eu-central-1"}, "https://exports.s3.eu-central-1.amazonaws.com/a/b.csv"},
		{"Amazon in China", "s3://exports/b.csv", map[string]string{"AWS_DEFAULT_REGION": "cn-north-1"}, "https://exports.s3.cn-north-1.amazonaws.com.cn/b.csv"},
		{"a bucket with dots", "s3://exports.example/b.csv", map[string]string{"AWS_REGION": "eu-central-1"}, "https://s3.eu-central-1.amazonaws.com/exports.example/b.csv"},
		{"another store", "s3://exports/b.csv", map[string]string{"AWS_ENDPOINT_URL": "https://minio.internal:9000"}, "https://minio.internal:9000/exports/b.csv"},
		{"another store, by a host of the bucket's", "s3://exports/b.csv", map[string]string{"AWS_ENDPOINT_URL": "https://exports.oss-cn-hangzhou.aliyuncs.com"}, "https://exports.oss-cn-hangzhou.aliyuncs.com/b.csv"},
		{"a key like an address", "s3://exports/a?b#c%41//../d", map[string]string{"AWS_REGION": "eu-central-1"}, "https://exports.s3.eu-central-1.amazonaws.com/a%3Fb%23c%2541//../d"},
		{"no region", "s3://exports/b.csv", nil, "set AWS_REGION"},
		{"a region that is none", "s3://exports/b.csv", map[string]string{"AWS_REGION": "evil.example/"}, "not a region"},
		{"no key", "s3://exports/", map[string]string{"AWS_REGION": "eu-central-1"}, "s3://BUCKET/KEY"},
		{"a folder", "s3://exports/a/", map[string]string{"AWS_REGION": "eu-central-1"}, "s3://BUCKET/KEY"},
		{"no credentials", "s3://exports/b.csv", map[string]string{"AWS_REGION": "eu-central-1", "AWS_SECRET_ACCESS_KEY": ""}, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"},
		{"an open connection", "s3://exports/b.csv", map[string]string{"AWS_ENDPOINT_URL": "http://minio.internal:9000"}, "over https:// only"},
		{"an endpoint that is none", "s3://exports/b.csv", map[string]string{"AWS_ENDPOINT_URL": "minio.internal:9000"}, "AWS_ENDPOINT_URL must be"},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := map[string]string{}
			for _, m := range []map[string]string{keys, c.env} {
				for k, v := range m {
					env[k] = v
				}
			}
			storeEnvironment(t, env)
			r, err := bucketFile(c.file, false)
			switch {
			case err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary")):
				t.Errorf("got %v, want %q", err, c.want)
			case err == nil && r.url.String() != c.want:
				t.Errorf("got %s, want %s", r.url, c.want)
			}
		})
	}
}
