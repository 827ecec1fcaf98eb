package labtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/outbound"
	"github.com/souk-market/souk/internal/harness/sellersim"
	"github.com/souk-market/souk/internal/service/tape"
	"github.com/souk-market/souk/isv"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
)

// recorder stands before an upstream; it gives its own address and the tape.
func recorder(t *testing.T, upstream string) (address string, tapeOf func() string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	kept := make(chan struct{}, 100)
	client := tape.Anywhere()
	r := &tape.Recorder{Upstream: upstream, Timeout: time.Second, Client: client, Keep: func(e tape.Exchange) error {
		err := tape.Write(&b, e)
		kept <- struct{}{}
		return err
	}}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		client.Close()
	})
	return "http://" + l.Addr().String(), func() string { <-kept; return b.String() }
}

// What stands between passes every byte on, in both directions.
func TestTheRecorderChangesNoByte(t *testing.T) {
	seen := make(chan string, 1)
	upstream, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer upstream.Close()
	const answer = "HTTP/1.1 200 Fine\r\nbody-SIGN: x\r\nContent-Length: 26\r\nX-Twice: 1\r\nX-Twice: 2\r\n\r\n{\"resultCode\":\"000000\"}  \n"
	go func() {
		conn, err := upstream.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		buf := make([]byte, 64<<10)
		n, _ := conn.Read(buf)
		seen <- string(buf[:n])
		_, _ = io.WriteString(conn, answer)
	}()
	address, tapeOf := recorder(t, "http://"+upstream.Addr().String())
	conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const body = `{"password":"p","clientSecret":"s3cr3t","a":1}`
	fmt.Fprintf(conn, "POST /a%%2Fb?c=%%2B+d&signature=ABC HTTP/1.1\r\nHost: x\r\naCCept: q\r\nX-Sign: DEF\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != answer {
		t.Errorf("the answer became %q %v", got, err)
	}
	sent := <-seen
	for _, want := range []string{"POST /a%2Fb?c=%2B+d&signature=ABC HTTP/1.1\r\n", "\r\naCCept: q\r\nX-Sign: DEF\r\n", "\r\n\r\n" + body} {
		if !strings.Contains(sent, want) {
			t.Errorf("upstream does not see %q in %q", want, sent)
		}
	}
	text := tapeOf()
	for _, secret := range []string{"ABC", "DEF", "s3cr3t", `"p"`} {
		if strings.Contains(text, secret) {
			t.Errorf("the tape holds %q: %s", secret, text)
		}
	}
	for _, want := range []string{`"signature=***`, `/a%2Fb?c=%2B+d`, `X-Sign`, `000000`} {
		if !strings.Contains(strings.ReplaceAll(text, `c=%2B+d&signature`, `c=%2B+d&"signature`), want) {
			t.Errorf("the tape lacks %q: %s", want, text)
		}
	}
}

// A life is recorded and played again against the same server, which knows the orders, and against one that
// misbehaves; what differs is told.
func TestReplayingATape(t *testing.T) {
	for _, protocol := range []isv.Generation{isv.V1, isv.V2} {
		t.Run(string(protocol), func(t *testing.T) {
			sim, err := sellersim.New(sellersim.Options{Protocol: protocol, Key: "key", Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(sim)
			sim.SetBaseURL(server.URL)
			defer func() { server.Close(); _ = sim.Close() }()
			address, tapeOf := recorder(t, server.URL)
			client := tape.Anywhere()
			defer client.Close()
			send := func(method, url string, body []byte, header ...outbound.Field) string {
				a := client.Do(t.Context(), outbound.Request{Method: method, URL: url, Body: body, Header: header, Timeout: time.Second})
				if a.Status != 200 || !strings.Contains(string(a.Body), "000000") {
					t.Fatalf("%s: %d %s %v", url, a.Status, a.Body, a.Err)
				}
				return tapeOf()
			}
			var text string
			if protocol == isv.V1 {
				to, _ := v1.ParseAddress(address + sellersim.PathProduce)
				for _, c := range []v1.Call{v1.NewInstance{CustomerID: "c", CustomerName: "上海 A&B=C+", BusinessID: "b", OrderID: "o", ProductID: "p", ChargingMode: v1.OneTime, OrderAmount: "1"}} {
					q, err := v1.Build(c, v1.Settings{}, to, "key", time.Now())
					if err != nil {
						t.Fatal(err)
					}
					text = send(q.Method, q.URL, nil)
				}
			} else {
				to, _ := v2.ParseAddress(address + sellersim.PathProduce)
				q, err := v2.Build(v2.NewInstance{OrderID: "o", OrderLineID: "o-000001", BusinessID: "b"}, false, to, "key", strings.Repeat("n", 32), time.Now())
				if err != nil {
					t.Fatal(err)
				}
				text = send(q.Method, q.URL, q.Body, outbound.Field{Name: "Content-Type", Value: "application/json;charset=utf-8"})
			}
			all, err := tape.Read(strings.NewReader(text))
			if err != nil || len(all) != 1 || all[0].Activity() != "newInstance" || all[0].Code() != "000000" {
				t.Fatalf("%v %+v", err, all)
			}
			p := tape.Player{Upstream: server.URL, Key: "key", Timeout: time.Second, Client: client, Now: time.Now}
			if o := p.Play(t.Context(), all[0]); !o.Same {
				t.Errorf("the same server: %+v", o)
			}
			p.Key = "other"
			if o := p.Play(t.Context(), all[0]); o.Same || o.After.Code() != "000001" {
				t.Errorf("with another key: %+v", o)
			}
			p.Key, p.Upstream = "key", "http://127.0.0.1:1"
			if o := p.Play(t.Context(), all[0]); o.Same || o.After.Problem != outbound.ReasonRefused {
				t.Errorf("at nobody's: %+v", o)
			}
		})
	}
	for text, want := range map[string]string{"{": "line 1", `{"method":"GET"}`: "no target", `{"x":1}`: "line 1"} {
		if _, err := tape.Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzReadTape(f *testing.F) {
	f.Add([]byte(`{"at":"2026-11-30T00:00:00Z","method":"GET","target":"/p?activity=x","header":[["A","b"]],"status":200,"duration_ms":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := tape.Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		var out bytes.Buffer
		for _, e := range all {
			_ = e.Activity() + e.Code()
			if err := tape.Write(&out, e); err != nil {
				t.Fatal(err)
			}
		}
		if again, err := tape.Read(&out); err != nil || len(again) != len(all) {
			t.Errorf("written again: %v", err)
		}
	})
}
