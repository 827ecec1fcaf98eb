package outbound

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Field is one header field. Its name keeps its case.
type Field struct{ Name, Value string }

// Fields takes over header fields of another package's type: protocol may not know this room.
func Fields[H ~struct{ Name, Value string }](all []H) []Field {
	out := make([]Field, len(all))
	for i, h := range all {
		out[i] = Field(h)
	}
	return out
}

// Request is one call.
type Request struct {
	Method string
	// URL is sent as it is written here: what has to be percent-encoded must
	// be so already. It has no user and no fragment.
	URL string
	// Header goes out in this order and case. Host goes before it unless it is
	// in it; Content-Length (with a body, or for POST, PUT and PATCH) and
	// "Connection: close" go after it unless they are in it.
	Header []Field
	Body   []byte
	// Timeout bounds everything from resolving the name to the last byte of
	// the answer. It must be positive. // spec: 01 §2.1
	Timeout time.Duration
	// MaxBody bounds the answer's body in bytes. 0 means 1 MiB.
	MaxBody int64
	// Late, when set, makes the exchange go on after Timeout, without the
	// caller, until LateFor after the start. A complete answer that arrives
	// by then is given to Late, once, on another goroutine. Nothing is given
	// when none arrives. // spec: 01 §2.3
	Late    func(Answer)
	LateFor time.Duration

	// ReadPause is waited before each little piece of the answer that is read: a sandbox's
	// slow reader. 0 reads as fast as it comes.
	ReadPause time.Duration

	// Hooks for crash tests: just before the first byte is written, just after
	// the last, just after a complete answer was read. // spec: 01 §8.7
	BeforeWrite, AfterWrite, AfterAnswer func()
}

// target is where a request goes.
type target struct {
	tls       bool
	host      string // for resolution and the certificate, without brackets
	port      string
	authority string // as written, for Host
	path      string // the request target, as written
}

// parse takes a URL apart without changing a byte of what will be sent.
func parse(raw string) (target, error) {
	for i := range len(raw) {
		if c := raw[i]; c <= ' ' || c >= 0x7f {
			return target{}, fmt.Errorf("byte %#02x of the URL is not percent-encoded", c)
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return target{}, err
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	switch {
	case !ok || (u.Scheme != "http" && u.Scheme != "https"):
		return target{}, errors.New("the URL must begin with https:// or http://")
	case u.User != nil:
		return target{}, errors.New("the URL must not hold a user or password")
	case strings.Contains(raw, "#"):
		return target{}, errors.New("the URL must not hold a fragment")
	case u.Hostname() == "":
		return target{}, errors.New("the URL names no host")
	}
	t := target{tls: strings.EqualFold(scheme, "https"), host: u.Hostname(), port: u.Port()}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	t.authority, t.path = strings.TrimSuffix(rest[:end], ":"), rest[end:]
	if !strings.HasPrefix(t.path, "/") {
		t.path = "/" + t.path
	}
	if t.port == "" {
		t.port = map[bool]string{true: "443", false: "80"}[t.tls]
	}
	if n, err := strconv.ParseUint(t.port, 10, 16); err != nil || n == 0 {
		return target{}, fmt.Errorf("%q is not a port", t.port)
	}
	return t, nil
}

// wire returns the bytes of the request.
func (r *Request) wire(t target) ([]byte, error) {
	if !token(r.Method) {
		return nil, fmt.Errorf("%q is not a method", r.Method)
	}
	given := map[string]bool{}
	var fields strings.Builder
	for _, f := range r.Header {
		if !token(f.Name) {
			return nil, fmt.Errorf("%q is not a header name", f.Name)
		}
		if strings.ContainsFunc(f.Value, func(c rune) bool { return (c < ' ' && c != '\t') || c == 0x7f }) {
			return nil, fmt.Errorf("header %s holds a control character", f.Name)
		}
		name := strings.ToLower(f.Name)
		switch {
		case name == "transfer-encoding", name == "content-length" && f.Value != strconv.Itoa(len(r.Body)):
			return nil, fmt.Errorf("header %s contradicts the body", f.Name)
		}
		given[name] = true
		fields.WriteString(f.Name + ": " + f.Value + "\r\n")
	}
	var b bytes.Buffer
	b.WriteString(r.Method + " " + t.path + " HTTP/1.1\r\n")
	if !given["host"] {
		b.WriteString("Host: " + t.authority + "\r\n")
	}
	b.WriteString(fields.String())
	if bodied := r.Method == "POST" || r.Method == "PUT" || r.Method == "PATCH"; (bodied || len(r.Body) > 0) && !given["content-length"] {
		b.WriteString("Content-Length: " + strconv.Itoa(len(r.Body)) + "\r\n")
	}
	if !given["connection"] {
		b.WriteString("Connection: close\r\n")
	}
	b.WriteString("\r\n")
	b.Write(r.Body)
	return b.Bytes(), nil
}

// token reports whether s is a token of HTTP.
func token(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, c)
	})
}

func (t target) address(ip string) string { return net.JoinHostPort(ip, t.port) }
