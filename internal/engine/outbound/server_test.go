package outbound_test

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/outbound"
)

// sandbox is the policy of these tests: their servers are on loopback.
var sandbox = outbound.Policy{AllowLoopback: true, AllowHTTP: true, AllowIPHost: true}

// server is a raw TCP server: what it sends need not be HTTP.
type server struct {
	URL  string
	addr net.Addr

	mu       sync.Mutex
	requests [][]byte // what each connection sent, up to the end of the request's head
}

// serve starts a server that reads the head of a request and then lets script
// have the connection, which is closed afterwards. ctx ends with the test.
func serve(t *testing.T, script func(ctx context.Context, c net.Conn)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{URL: "http://" + l.Addr().String() + "/path", addr: l.Addr()}
	ctx, end := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				defer context.AfterFunc(ctx, func() { c.Close() })()
				head := readHead(c)
				s.mu.Lock()
				s.requests = append(s.requests, head)
				s.mu.Unlock()
				script(ctx, c)
			})
		}
	})
	t.Cleanup(func() {
		end()
		l.Close()
		all.Wait()
	})
	return s
}

func readHead(c net.Conn) []byte {
	var head []byte
	one := make([]byte, 1)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		if _, err := c.Read(one); err != nil {
			break
		}
		head = append(head, one[0])
	}
	return head
}

// seen is what the server's connections sent.
func (s *server) seen() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// say answers with text, whose lines end in \n for legibility.
func say(text string) func(context.Context, net.Conn) {
	return func(_ context.Context, c net.Conn) {
		_, _ = c.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n")))
	}
}

// hang says nothing until the test ends or the client hangs up.
func hang(ctx context.Context, c net.Conn) {
	_, _ = c.Read(make([]byte, 1))
}

func client(t *testing.T, p outbound.Policy, o outbound.Options) *outbound.Client {
	t.Helper()
	c := outbound.New(p, o)
	t.Cleanup(c.Close)
	return c
}

// get makes a plain call with a generous time limit.
func get(t *testing.T, url string) outbound.Answer {
	t.Helper()
	return client(t, sandbox, outbound.Options{}).Do(t.Context(), outbound.Request{Method: "GET", URL: url, Timeout: 20 * time.Second})
}

// discard is where the servers' own complaints go.
var discard = log.New(io.Discard, "", 0)
