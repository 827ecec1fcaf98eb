package v1

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/protocol/production"
)

// capture sends a request with Go's client and returns the bytes that arrived, up to
// the end of the headers.
func capture(t *testing.T, build func(base string) production.Request) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	seen := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			seen <- err.Error()
			return
		}
		defer conn.Close()
		var head strings.Builder
		reader := bufio.NewReader(conn)
		for {
			line, err := reader.ReadString('\n')
			head.WriteString(line)
			if err != nil || line == "\r\n" {
				break
			}
		}
		seen <- head.String()
		_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
	}()
	r := build("http://" + listener.Addr().String())
	request, err := http.NewRequest(r.Method, r.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range r.Headers {
		request.Header.Set(h.Name, h.Value)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return <-seen
}

// Every reserved character arrives as it was signed: Go's client changes nothing.
func TestTheRequestLineOnTheWire(t *testing.T) {
	var v tokenVectors
	load(t, "testdata/auth_token.json", &v)
	reserved := v.Encoding[1]
	var sent string
	head := capture(t, func(base string) production.Request {
		address, err := ParseAddress(base + "/a%2Fb/%E4%BA%91//c?own=x+y")
		if err != nil {
			t.Fatal(err)
		}
		r := Sign([]Param{{"activity", "x"}, {"customerName", reserved.Input}, {"orderId", "上海 A&B=C+公司/100%"}}, address, "key", TimeStamp(time.UnixMilli(0)))
		sent = strings.TrimPrefix(r.URL, base)
		return r
	})
	line, headers, _ := strings.Cut(head, "\r\n")
	if line != "GET "+sent+" HTTP/1.1" {
		t.Errorf("sent %s\narrived %s", sent, line)
	}
	if !strings.Contains(line, "/a%2Fb/%E4%BA%91//c?own=x%20y&activity=x&customerName="+reserved.Expected+"&orderId="+v.Encoding[0].Expected+"&timeStamp=") {
		t.Errorf("arrived %s", line)
	}
	for _, h := range Headers {
		if !strings.Contains(headers, h.Name+": "+h.Value+"\r\n") {
			t.Errorf("header %s did not arrive: %s", h.Name, headers)
		}
	}
	for _, name := range []string{"Content-Type", "Cookie", "If-", "gzip"} {
		if strings.Contains(headers, name) {
			t.Errorf("%s arrived: %s", name, headers)
		}
	}
}
