package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/config"
)

// client speaks to the API. Its errors are for the person at the keyboard; they hold neither the token nor a body.
type client struct {
	base  string
	token string
	http  *http.Client
}

// answerTime is how long the API may take; an upload has no such limit.
const answerTime = 60 * time.Second

// newClient finds the API and the token.
func newClient(cmd *cobra.Command) (*client, error) {
	cfg, err := readConfig(cmd)
	if err != nil {
		return nil, err
	}
	if u, err := url.Parse(cfg.API.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("api.url must begin with http:// or https://, such as http://127.0.0.1:8025")
	}
	token := strings.TrimSpace(os.Getenv(tokenVariable))
	if token == "" {
		if token, err = config.Secret("api.token_file", cfg.TokenFile()); err != nil {
			return nil, fmt.Errorf("there is no token: set %s, or put one into %s (api.token_file); tocsin token add makes one", tokenVariable, cfg.TokenFile())
		}
	}
	return &client{base: strings.TrimRight(cfg.API.URL, "/"), token: strings.TrimSpace(token), http: &http.Client{CheckRedirect: stay}}, nil
}

// stay follows no redirect: the token is for the address that was set.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// get reads an answer into out.
func (c *client) get(ctx context.Context, path string, out any) error {
	return c.send(ctx, http.MethodGet, path, nil, out)
}

// send sends in as JSON, where there is something to send, and reads the answer into out.
func (c *client) send(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("write the request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	return c.do(ctx, method, path, body, "application/json", nil, out)
}

// do makes one request.
func (c *client) do(ctx context.Context, method, path string, body io.Reader, kind string, header http.Header, out any) error {
	b, err := c.fetch(ctx, method, path, body, kind, header)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("what answers at %s does not speak as Tocsin's API does: is api.url right?", c.base)
	}
	return nil
}

func (c *client) fetch(ctx context.Context, method, path string, body io.Reader, kind string, header http.Header) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, errors.New("api.url is not an address")
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if s, ok := body.(sized); ok {
		req.ContentLength = s.size
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 256<<20))
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if resp.StatusCode >= 400 {
		return nil, c.refusal(resp, b)
	}
	return b, nil
}

// unreachable keeps what the person can act on; the library's words may quote the address with its query.
func (c *client) unreachable(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil:
		return fmt.Errorf("the API at %s did not answer in time; what was asked may have been done: look before you ask again", c.base)
	}
	return fmt.Errorf("the API does not answer at %s: is tocsin serve or tocsin dev running there, and is api.url right?", c.base)
}

func (c *client) refusal(resp *http.Response, body []byte) error {
	var p api.Problem
	if json.Unmarshal(body, &p) != nil || p.Detail == "" {
		return fmt.Errorf("what answers at %s is not Tocsin's API (status %d): is api.url right?", c.base, resp.StatusCode)
	}
	if resp.StatusCode >= 500 && p.RequestID != "" {
		p.Next = strings.TrimSpace(p.Next + " (request_id " + p.RequestID + ")")
	}
	return &p
}

// asProblem returns the API's refusal, where an error is one.
func asProblem(err error) (*api.Problem, bool) { return errors.AsType[*api.Problem](err) }

// document reads a version of a document and the bytes that its hash is of, and checks the one against the other: what is
// shown is what is decided on.
func (c *client) document(ctx context.Context, id breach.DocumentID) (api.DocumentView, string, error) {
	var v api.DocumentView
	path := "/v1/documents/" + url.PathEscape(string(id))
	if err := c.get(ctx, path, &v); err != nil {
		return v, "", err
	}
	raw, err := c.fetch(ctx, http.MethodGet, path+"/content", nil, "", nil)
	if err != nil {
		return v, "", err
	}
	sum := sha256.Sum256(raw)
	hash := hex.EncodeToString(sum[:])
	if hash != v.SHA256.String() {
		return v, "", errors.New("the document's text does not have the document's hash: do not decide on it, and tell whoever runs Tocsin")
	}
	v.Content = breach.Content{}
	if err := json.Unmarshal(raw, &v.Content); err != nil {
		return v, "", errors.New("the document's text cannot be read")
	}
	return v, hash, nil
}
