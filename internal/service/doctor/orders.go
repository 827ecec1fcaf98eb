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

// Order queries. // spec: 14 §3.1, §6, 11 §4.1
var rulesV2Orders = []Rule{
	{ID: "v2.orders.mock", Level: Should, Section: "14 §3.1, 11 §7", needs: []string{"v2.new.instance-id"},
		Sent:     Text{"以模拟订单 MOCKPERIODYEARNEW 等为 orderId 的 newInstance（testFlag=1）", "newInstance for mock orders such as MOCKPERIODYEARNEW (testFlag=1)"},
		Expected: Text{"被接受", "accepted"},
		check: func(p *player) *problem {
			if p.o.Real && p.orders == nil {
				panic(unjudged{Text{"真实调用中，商家可能向别处查询模拟订单", "with real calls the seller may ask elsewhere for mock orders"}})
			}
			for _, id := range []string{likePeriod, likeOneTime, likePerUse, likePackage, likeTrial} {
				n := p.orderV2(likePeriod)
				n.OrderID, n.OrderLineID = id, id+"-000001"
				x := p.createV2(n, tweak2{})
				if bad := made(x); bad != nil {
					return bad
				}
			}
			return nil
		}},
	{ID: "v2.orders.signed", Level: Must, Section: "14 §6.1", orders: true,
		Sent:     Text{"商家在以上调用中的查询订单", "the order queries that the seller made during the calls above"},
		Expected: Text{"AK/SK 签名正确", "the AK/SK signatures are right"},
		check:    (*player).ordersSigned},
	{ID: "v2.orders.known", Level: Should, Section: "14 §3.1", orders: true, needs: []string{"v2.orders.signed"},
		Sent:     Text{"商家在以上调用中的查询订单", "the order queries that the seller made during the calls above"},
		Expected: Text{"只查询收到的订单", "only orders that were sent are asked for"},
		check: func(p *player) *problem {
			for _, q := range p.orders.all() {
				if !q.found {
					return broken("查询了未知的订单："+q.order, "an unknown order was asked for: "+q.order)
				}
			}
			return nil
		}},
	{ID: "v2.orders.asked", Level: Should, Section: "11 §4.1", orders: true, real: true, needs: []string{"v2.new"},
		Sent:     Text{"以上真实的 newInstance", "the real newInstance calls above"},
		Expected: Text{"商家查询订单以得知买了什么", "the seller reads the order to learn what was bought"},
		check: func(p *player) *problem {
			if len(p.orders.all()) == 0 {
				return broken("没有收到任何查询", "no query came")
			}
			return nil
		}},
}

func (s *orderServer) all() []query {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]query(nil), s.queries...)
}

func (p *player) ordersSigned() *problem {
	all := p.orders.all()
	if len(all) == 0 {
		panic(unjudged{Text{"商家没有查询订单", "the seller asked for no order"}})
	}
	for _, q := range all {
		if q.wrong != "" {
			return broken("签名被拒绝："+q.wrong, "the signature was refused: "+q.wrong)
		}
	}
	return nil
}

// ordersBlame throws when a call failed because the seller's order query was refused:
// that is the matter of the rule about signatures.
func (p *player) ordersBlame() {
	if p.orders == nil {
		return
	}
	for _, q := range p.orders.all() {
		if q.wrong != "" {
			p.refusedQuery = true
			panic(blocked{by: string(p.o.Protocol) + ".orders.signed"})
		}
	}
}
