package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	v1 "github.com/souk-market/souk/protocol/production/v1"
	"github.com/souk-market/souk/protocol/sealed"
)

// conduct is how a seller's server answers.
type conduct int

const (
	prompt conduct = iota // at once
	dead                  // accepts and never answers
	late                  // after lateAnswer, just inside the time-out of 20 s // spec: 01 §2.1
)

const lateAnswer = 19 * time.Second

// seller is a seller's server on loopback that costs next to nothing: it verifies
// nothing, remembers nothing and answers every newInstance with an instanceId made
// of the order's. What it answers is signed and sealed as the marketplace demands;
// the credentials are sealed once. // spec: 10 §2.4, §6.2
type seller struct {
	id       string // company
	protocol string
	key      string
	offer    string // the wire's productId of its one product
	heard    *ledger

	l      net.Listener
	ctx    context.Context
	mu     sync.Mutex
	how    conduct
	sealed string // the V1 answer from encryptType on
}

// ledger is when each order's newInstance reached its seller's socket first.
type ledger struct {
	mu    sync.Mutex
	at    map[string]time.Time
	calls int                      // newInstance calls, repetitions too
	wait  map[string]chan struct{} // closed once the order's call was answered
}

func newLedger() *ledger {
	return &ledger{at: map[string]time.Time{}, wait: map[string]chan struct{}{}}
}

func (h *ledger) note(order string, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls++
	if _, known := h.at[order]; !known {
		h.at[order] = at
	}
}

func (h *ledger) answered(order string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.wait[order]; c != nil {
		close(c)
		delete(h.wait, order)
	}
}

// expect gives a channel that is closed once the order's call was answered. It is
// asked for before the order is paid.
func (h *ledger) expect(order string) chan struct{} {
	c := make(chan struct{})
	h.mu.Lock()
	h.wait[order] = c
	h.mu.Unlock()
	return c
}

func (h *ledger) first(order string) (time.Time, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, ok := h.at[order]
	return at, ok
}

// listen starts the server; it ends with ctx.
func (s *seller) listen(ctx context.Context) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.l, s.ctx = l, ctx
	if s.protocol == "v1" {
		app := map[string]string{"frontEndUrl": "https://app.seller.example/enter", "adminUrl": "https://app.seller.example/admin", "memo": "初次登录请修改密码"}
		for name, text := range map[string]string{"userName": "admin@tenant", "password": "Init#Passw0rd"} {
			if app[name], err = sealed.SealWithIV(s.key, sealed.AES256, "AbCdEfGhIjKlMnOp", text); err != nil {
				return err
			}
		}
		info, err := json.Marshal(app)
		if err != nil {
			return err
		}
		s.sealed = `,"encryptType":"1","appInfo":` + string(info) + `}`
	}
	context.AfterFunc(ctx, func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.talk(conn)
		}
	}()
	return nil
}

func (s *seller) address() string { return "http://" + s.l.Addr().String() + "/produce" }

func (s *seller) set(how conduct) {
	s.mu.Lock()
	s.how = how
	s.mu.Unlock()
}

// talk answers the requests of one connection.
func (s *seller) talk(conn net.Conn) {
	defer conn.Close()
	defer context.AfterFunc(s.ctx, func() { _ = conn.Close() })()
	first := &firstByte{from: conn}
	r := bufio.NewReaderSize(first, 4<<10)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		at := first.at
		length, leave := 0, false
		for {
			h, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if h = strings.TrimRight(h, "\r\n"); h == "" {
				break
			}
			name, value, _ := strings.Cut(h, ":")
			switch value = strings.TrimSpace(value); strings.ToLower(name) {
			case "content-length":
				length, _ = strconv.Atoi(value)
			case "connection":
				leave = strings.EqualFold(value, "close")
			}
		}
		body := make([]byte, length)
		for n := 0; n < length; {
			k, err := r.Read(body[n:])
			if err != nil {
				return
			}
			n += k
		}
		order, answer, sign := s.answer(line, body)
		if order != "" {
			s.heard.note(order, at)
		}
		s.mu.Lock()
		how := s.how
		s.mu.Unlock()
		if how != prompt {
			var up <-chan time.Time
			if how == late {
				up = time.After(lateAnswer)
			}
			gone := make(chan struct{})
			go func() { _, _ = r.Peek(1); close(gone) }()
			select {
			case <-up:
			case <-gone:
				return
			case <-s.ctx.Done():
				return
			}
		}
		head := "HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: " + strconv.Itoa(len(answer)) + "\r\n"
		if sign != "" {
			head += v1.BodySignHeader + ": " + sign + "\r\n"
		}
		if leave {
			head += "Connection: close\r\n"
		}
		if _, err := conn.Write([]byte(head + "\r\n" + answer)); err != nil {
			return
		}
		if order != "" {
			s.heard.answered(order)
		}
		if leave || how != prompt {
			return
		}
	}
}

// answer makes the body for a request, and its V1 signature. order is set for a
// newInstance only.
func (s *seller) answer(requestLine string, body []byte) (order, answer, sign string) {
	if s.protocol == "v1" {
		order, _ = url.QueryUnescape(between(requestLine, "orderId=", "& "))
		answer = `{"resultCode":"000000","resultMsg":"success.","instanceId":"` + instanceID(order) + `"` + s.sealed
		return order, answer, v1.MakeBodySign(s.key, []byte(answer))
	}
	doc := string(body)
	if id := between(doc, `"instanceId":"`, `"`); id != "" { // queryInstance
		return "", `{"resultCode":"000000","resultMsg":"success.","info":[{"instanceId":"` + id + `","appInfo":{"frontEndUrl":"https://app.seller.example/enter","userName":"admin","password":"Init#Passw0rd"}}]}`, ""
	}
	order = between(doc, `"orderId":"`, `"`)
	return order, `{"resultCode":"000000","resultMsg":"success.","instanceId":"` + instanceID(order) + `"}`, ""
}

func instanceID(order string) string { return fmt.Sprintf("inst-%s-0001", strings.ToLower(order)) }

// between is what follows start, up to any of the characters in ends.
func between(s, start, ends string) string {
	_, rest, ok := strings.Cut(s, start)
	if !ok {
		return ""
	}
	if i := strings.IndexAny(rest, ends); i >= 0 {
		rest = rest[:i]
	}
	return rest
}

// firstByte notes when the last read returned, which for a request that comes in
// one piece is when its first byte was there.
type firstByte struct {
	from net.Conn
	at   time.Time
}

func (f *firstByte) Read(b []byte) (int, error) {
	n, err := f.from.Read(b)
	f.at = time.Now()
	return n, err
}
