package outbound

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"
)

// script is a connection on which a server has said everything already.
type script struct {
	net.Conn
	said *bytes.Reader
}

func (s script) Read(b []byte) (int, error) { return s.said.Read(b) }

// Whatever a server says, reading it ends within the limits.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 Not Found\r\n\r\n",
		"HTTP/1.1 200\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nBody-Sign: a\r\nBody-Sign: b\r\n folded\r\n\r\n",
		"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
		"",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		const maxBody, maxCapture = 100, 200
		x := &exchange{c: &Client{o: Options{MaxCapture: maxCapture}}, r: &Request{Method: "GET"}, maxBody: maxBody, started: time.Now()}
		err := x.read(script{said: bytes.NewReader(said)})
		a := x.answer()
		if len(a.Body) > maxBody || len(a.ReceivedBytes) > maxCapture {
			t.Fatalf("%d bytes of body, %d captured", len(a.Body), len(a.ReceivedBytes))
		}
		if !bytes.HasPrefix(said, a.ReceivedBytes) {
			t.Fatalf("captured %q of %q", a.ReceivedBytes, said)
		}
		if err == nil && (a.Status < 100 || a.Status > 999 || a.Header == nil) {
			t.Fatalf("a good answer of status %d", a.Status)
		}
		if err != nil && reason(err, reading) == "" {
			t.Fatalf("%v has no word", err)
		}
	})
}

// What is accepted as a URL goes out as it is, in one request.
func FuzzRequest(f *testing.F) {
	f.Add("https://seller.example/p?a=%20%2B", "X-A", "b")
	f.Add("http://[::1]:80?x", "body-sign", "sign_type=\"HMAC-SHA256\", signature=\"x=\"")
	f.Add("HTTP://a", "A", "\r\nB: c")
	f.Add("http://a:/\u2028", "A", "é")
	f.Fuzz(func(t *testing.T, url, name, value string) {
		to, err := parse(url)
		if err != nil {
			return
		}
		r := Request{Method: "GET", URL: url, Header: []Field{{name, value}}}
		wire, err := r.wire(to)
		if err != nil {
			return
		}
		lines := strings.Split(string(wire), "\r\n")
		if len(lines) > 7 || lines[0] != "GET "+to.path+" HTTP/1.1" || !strings.HasSuffix(string(wire), "\r\n\r\n") {
			t.Fatalf("%q became %q", url, wire)
		}
		if !strings.HasSuffix(url, to.path) && to.path != "/" && !strings.HasSuffix(url, to.path[1:]) {
			t.Fatalf("the target of %q became %q", url, to.path)
		}
		for _, line := range lines {
			if strings.ContainsAny(line, "\r\n") {
				t.Fatalf("%q holds a bare line end", line)
			}
		}
	})
}
