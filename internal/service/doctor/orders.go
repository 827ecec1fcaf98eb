package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/souk-market/souk/protocol/aksk"
)

// orderPath is the path of the order query. // spec: 14 §3.1
const orderPath = "/api/mkp-openapi-public/global/v1/order/query"

// orderServer answers the order query for the mock orders and the ones that are played.
type orderServer struct {
	o      *Options
	base   string
	server *http.Server

	mu      sync.Mutex
	played  map[string]string // order id → the mock order it is like
	queries []query
}

// query is one order query that the seller made.
type query struct {
	order  string
	wrong  string // why its signature was refused; "" is a right one
	found  bool
	target string
}

func serveOrders(o *Options) (*orderServer, error) {
	listener, err := net.Listen("tcp", o.OrderListen)
	if err != nil {
		return nil, err
	}
	s := &orderServer{o: o, base: "http://" + listener.Addr().String(), played: map[string]string{}}
	s.server = &http.Server{Handler: s, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }() // ends with close
	return s, nil
}

func (s *orderServer) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.server.Shutdown(ctx) != nil {
		_ = s.server.Close()
	}
}

// play makes an order known that is like one of the mock orders.
func (s *orderServer) play(id, like string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.played[id] = like
}

// ServeHTTP verifies and answers. // spec: 14 §3.1, §4, 01 §5
func (s *orderServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != orderPath || r.Method != http.MethodGet {
		sendJSON(w, http.StatusNotFound, map[string]string{"error_code": "APIGW.0101", "error_msg": "The API does not exist or has not been published in the environment."})
		return
	}
	id, line := r.URL.Query().Get("orderId"), r.URL.Query().Get("orderLineId")
	q := query{order: id, target: r.URL.Path}
	_, err := aksk.Verify(aksk.Request{Method: r.Method, Target: r.RequestURI, Host: r.Host, Header: r.Header}, time.Now(), func(ak string) (string, bool) {
		return s.o.SK, ak == s.o.AK
	}, aksk.Options{})
	body, found := s.find(id, line)
	q.found = found
	if err != nil {
		q.wrong = err.Error()
	}
	s.mu.Lock()
	s.queries = append(s.queries, q)
	s.mu.Unlock()
	switch {
	case err != nil:
		sendJSON(w, http.StatusUnauthorized, map[string]string{"error_code": "APIGW.0301", "error_msg": "Incorrect IAM authentication information: " + err.Error() + "."})
	case !found:
		sendJSON(w, http.StatusBadRequest, map[string]string{"resultCode": "MKT.0101", "resultMsg": "the order does not exist"})
	default:
		w.Header().Set("Content-Type", "application/json;charset=utf-8")
		_, _ = w.Write(body)
	}
}

// find gives the bytes of an order: a played one reads like its mock order, with the
// ids of its own.
func (s *orderServer) find(id, line string) ([]byte, bool) {
	s.mu.Lock()
	like, played := s.played[id]
	s.mu.Unlock()
	if !played {
		return s.o.MockOrder(id, line)
	}
	body, found := s.o.MockOrder(like, "")
	if line == "" {
		line = id + "-000001"
	}
	body = bytes.ReplaceAll(body, []byte(like+"-000001"), []byte(line))
	return bytes.ReplaceAll(body, []byte(like), []byte(id)), found
}

func sendJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a caller who hung up is the caller's business
}

func (s *orderServer) all() []query {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]query(nil), s.queries...)
}
