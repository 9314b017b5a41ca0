package playbook

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Request is an HTTP request ready to be made. Its headers may hold credentials: it goes into no log and no history.
type Request struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte
}

// Requests makes the finished requests of an http-api command, one for each of its targets, to be made in order. A variable
// without a value gives a [*MissingValue]; so does nothing else. No error repeats a value.
func (p *Plan) Requests(c Command, operator Values) ([]Request, error) {
	if c.HTTP == nil {
		return nil, errors.New("make requests: not an http-api command")
	}
	header, err := p.header(c.HTTP, operator)
	if err != nil {
		return nil, err
	}
	body, err := p.body(c.HTTP, header.Get("Content-Type"), operator)
	if err != nil {
		return nil, err
	}
	var out []Request
	for _, address := range c.HTTP.Addresses {
		u, err := p.url(address, c.HTTP.Path, operator)
		if err != nil {
			return nil, err
		}
		out = append(out, Request{Method: c.HTTP.Method, URL: u, Header: header.Clone(), Body: body})
	}
	return out, nil
}

func (p *Plan) header(c *HTTPCall, operator Values) (http.Header, error) {
	header := http.Header{}
	for _, h := range c.Headers {
		v, err := p.fill(h.Value, operator, asIs)
		if err != nil {
			return nil, err
		}
		if !httpguts.ValidHeaderFieldValue(v) {
			return nil, fmt.Errorf("the value for the header %s has a line break or a control character; correct the variable in the configuration", h.Name)
		}
		header.Add(h.Name, v)
	}
	return header, nil
}

// body fills the content; inside JSON each value is escaped as part of a JSON string.
func (p *Plan) body(c *HTTPCall, contentType string, operator Values) ([]byte, error) {
	if c.Binary != nil {
		return c.Binary, nil
	}
	escape := asIs
	if strings.Contains(strings.ToLower(contentType), "json") {
		escape = inJSON
	}
	s, err := p.fill(c.Content, operator, escape)
	if err != nil || s == "" {
		return nil, err
	}
	return []byte(s), nil
}

func (p *Plan) url(address, path string, operator Values) (string, error) {
	base, err := p.fill(address, operator, asIs)
	if err != nil {
		return "", err
	}
	path, err = p.fill(path, operator, inPath)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(strings.TrimSuffix(base, "/") + path)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.User != nil || u.Fragment != "" || strings.Contains(base, "?") {
		return "", errors.New("a target's address must be a plain http or https URL, such as https://gateway.example.internal; correct the variable in the configuration")
	}
	return u.String(), nil
}

func asIs(v string) (string, error) { return v, nil }

func inPath(v string) (string, error) { return url.PathEscape(v), nil }

func inJSON(v string) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", errors.New("a variable's value is not text")
	}
	return string(b[1 : len(b)-1]), nil
}
