package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// bucketFile reads s3://BUCKET/KEY with the credentials of the environment, as the object stores' own programs name them. The
// key is taken as it is written, with whatever % or ? is in it.
func bucketFile(name string, loopback bool) (*remoteFile, error) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(name, "s3://"), "/")
	if bucket == "" || key == "" || strings.HasSuffix(key, "/") || strings.ContainsAny(bucket, "@:?#%") {
		return nil, usage("a file in an object store is written s3://BUCKET/KEY, such as s3://exports/2026/people.csv.zst")
	}
	s := &storeSigner{signer: v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })}
	s.credentials = aws.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
	}
	if s.credentials.AccessKeyID == "" || s.credentials.SecretAccessKey == "" {
		return nil, usage(`s3:// needs credentials in the environment: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN for temporary ones
(eval "$(aws configure export-credentials --format env)" sets those that the AWS command line uses); or presign the address (aws s3 presign …) and give the https:// one`)
	}
	u, err := s.address(bucket, key)
	if err != nil {
		return nil, err
	}
	mayDial := public
	if s.endpoint { // whoever set it chose where to: a store of one's own is seldom on a public address
		mayDial = func(a netip.Addr) bool { return public(a) || a.IsPrivate() || a.IsLoopback() }
	}
	client := remoteClient(loopback, mayDial)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // a signature is for one host
	return &remoteFile{url: u, client: client, store: s}, nil
}

// storeSigner signs requests to one object store. Source: AWS Signature Version 4, "Authenticating Requests (AWS Signature
// Version 4)" of the Amazon S3 API Reference, which other stores follow.
type storeSigner struct {
	signer      *v4.Signer
	credentials aws.Credentials
	region      string
	endpoint    bool // of the operator's own choice
}

// address is where the file is: below the endpoint that the environment names, else at Amazon.
func (s *storeSigner) address(bucket, key string) (*url.URL, error) {
	s.region = firstOf(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
	endpoint := firstOf(os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL"))
	if endpoint == "" {
		return s.atAmazon(bucket, key)
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, usage("AWS_ENDPOINT_URL must be the address of an object store, such as https://oss-cn-hangzhou.aliyuncs.com")
	}
	if a, err := netip.ParseAddr(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (err != nil || !a.IsLoopback()) {
		return nil, usage("people's data is fetched over https:// only, but for a store on this machine: AWS_ENDPOINT_URL begins with http://")
	}
	s.endpoint, s.region = true, firstOf(s.region, "us-east-1")
	if !strings.HasPrefix(u.Hostname(), bucket+".") { // a host that begins with the bucket's name stands for the bucket
		key = bucket + "/" + key
	}
	return withPath(u, key), nil
}

func (s *storeSigner) atAmazon(bucket, key string) (*url.URL, error) {
	if s.region == "" {
		return nil, usage("s3:// needs the region of the bucket: set AWS_REGION, such as cn-north-1; for another object store than Amazon's set AWS_ENDPOINT_URL")
	}
	domain := "s3." + s.region + ".amazonaws.com"
	if strings.HasPrefix(s.region, "cn-") {
		domain += ".cn"
	}
	u, err := url.Parse("https://" + domain)
	if err != nil || u.Host != domain {
		return nil, usage("AWS_REGION is not a region; it looks like cn-north-1 or eu-central-1")
	}
	if strings.Contains(bucket, ".") { // the certificate is for one label before the store's name
		key = bucket + "/" + key
	} else {
		u.Host = bucket + "." + domain
	}
	return withPath(u, key), nil
}

// withPath sets the path in the one spelling that is signed: all but letters, digits and -._~/ is percent-encoded.
func withPath(u *url.URL, key string) *url.URL {
	u.Path = strings.TrimSuffix(u.Path, "/") + "/" + key
	var b strings.Builder
	for i := range len(u.Path) {
		c := u.Path[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	u.RawPath = b.String()
	return u
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func (s *storeSigner) sign(ctx context.Context, req *http.Request) error {
	nothing := sha256.Sum256(nil)
	hash := hex.EncodeToString(nothing[:])
	req.Header.Set("X-Amz-Content-Sha256", hash)
	return s.signer.SignHTTP(ctx, s.credentials, req, hash, "s3", s.region, now().UTC())
}

// maxStoreAnswer bounds what is read of a store's words about a failure.
const maxStoreAnswer = 64 << 10

// refused says in our words why a store refuses; nil where its answer does not tell. What it says itself names keys.
func (s *storeSigner) refused(resp *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxStoreAnswer)) // what there is
	var said struct{ Code, Region string }
	_ = xml.Unmarshal(body, &said) // an answer of another kind says nothing
	region := firstOf(resp.Header.Get("X-Amz-Bucket-Region"), said.Region)
	switch host := resp.Request.URL.Host; {
	case plainWord(region) && region != s.region:
		return usage("the bucket is in the region %s, and the request was for %s: set AWS_REGION=%s", region, s.region, region)
	case said.Code == "NoSuchBucket":
		return usage("%s has no such bucket: check its name, and AWS_REGION or AWS_ENDPOINT_URL", host)
	case said.Code == "NoSuchKey" || resp.StatusCode == http.StatusNotFound:
		return usage("there is no such key in the bucket: check how it is written (aws s3 ls lists them)")
	case said.Code == "InvalidAccessKeyId":
		return usage("%s does not know AWS_ACCESS_KEY_ID: is it the key of this store?", host)
	case said.Code == "SignatureDoesNotMatch":
		return usage("%s does not accept the signature: AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID", host)
	case said.Code == "ExpiredToken", said.Code == "InvalidToken":
		return usage("AWS_SESSION_TOKEN has expired or does not belong to AWS_ACCESS_KEY_ID: get new temporary credentials")
	case said.Code == "RequestTimeTooSkewed":
		return usage("%s finds the time of this machine wrong by more than a quarter of an hour: set its clock", host)
	case said.Code == "InvalidObjectState":
		return usage("the file is in the store's archive: restore it there first")
	case resp.StatusCode == http.StatusForbidden, resp.StatusCode == http.StatusUnauthorized:
		return usage("these credentials may not read that file (status %d): they need s3:GetObject on it, and s3:ListBucket to be told whether it exists", resp.StatusCode)
	case resp.StatusCode == http.StatusPreconditionFailed:
		return &fetchError{fmt.Sprintf("the file at %s changed while it was read", host)}
	}
	return nil
}

// plainWord is what a region's name is made of.
func plainWord(s string) bool {
	return s != "" && len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
