package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// client is one kept connection to the server. It is a tenth of the cost of
// net/http's, so that the generator takes little of what is measured.
type client struct {
	addr string
	conn net.Conn
	r    *bufio.Reader
	w    bytes.Buffer
	head string // further header lines, each with its end
}

func dial(addr string) (*client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &client{addr: addr, conn: conn, r: bufio.NewReaderSize(conn, 8<<10)}, nil
}

func (c *client) close() { _ = c.conn.Close() }

// do sends one request and reads its answer. key is the Idempotency-Key, "" for
// none.
func (c *client) do(method, path, token, key, body string) (status int, answer []byte, err error) {
	c.w.Reset()
	fmt.Fprintf(&c.w, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, c.addr)
	c.w.WriteString(c.head)
	if token != "" {
		fmt.Fprintf(&c.w, "Authorization: Bearer %s\r\n", token)
	}
	if key != "" {
		fmt.Fprintf(&c.w, "Idempotency-Key: %s\r\n", key)
	}
	if method != "GET" {
		fmt.Fprintf(&c.w, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	c.w.WriteString("\r\n")
	c.w.WriteString(body)
	_ = c.conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := c.conn.Write(c.w.Bytes()); err != nil {
		return 0, nil, err
	}
	line, err := c.r.ReadString('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 {
		return 0, nil, fmt.Errorf("answered %q", line)
	}
	if status, err = strconv.Atoi(line[9:12]); err != nil {
		return 0, nil, fmt.Errorf("answered %q", line)
	}
	length := -1
	for {
		if line, err = c.r.ReadString('\n'); err != nil {
			return 0, nil, err
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			break
		}
		if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "Content-Length") {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return 0, nil, err
			}
		}
	}
	if length < 0 {
		return 0, nil, errors.New("an answer without Content-Length")
	}
	answer = make([]byte, length)
	_, err = io.ReadFull(c.r, answer)
	return status, answer, err
}

// buy places an order and pays it. asked, when not nil, is called with the order's
// id just before the payment is sent.
func (c *client) buy(b buyer, offer, key string, asked func(order string)) (order string, err error) {
	status, answer, err := c.do("POST", "/api/souk/v1/orders", b.token, key, `{"product_id":"`+offer+`","period_number":1,"quantity":1,"accept_agreement":true}`)
	if err != nil || status != 201 {
		return "", problem("place", status, answer, err)
	}
	if order = member(answer, "id"); order == "" {
		return "", fmt.Errorf("place: no id in %s", answer)
	}
	if asked != nil {
		asked(order)
	}
	status, answer, err = c.do("POST", "/api/souk/v1/orders/"+order+"/pay", b.token, key+"p", "")
	if err != nil || status != 200 {
		return order, problem("pay "+order, status, answer, err)
	}
	return order, nil
}

func problem(what string, status int, answer []byte, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: HTTP %d %s", what, status, answer)
}

// member finds the first text member of a name, without parsing the rest.
func member(doc []byte, name string) string {
	_, rest, ok := bytes.Cut(doc, []byte(`"`+name+`":"`))
	if !ok {
		return ""
	}
	text, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(text)
}
