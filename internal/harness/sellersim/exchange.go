package sellersim

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/souk-market/souk/isv"
	"github.com/souk-market/souk/protocol/kit"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	"github.com/souk-market/souk/protocol/wirejson"
)

// exchange is one call while it is handled.
type exchange struct {
	sim      *Sim
	w        http.ResponseWriter
	r        *http.Request
	body     []byte
	activity string
	order    string
	line     string
	product  string
	instance string
	business string
	scene    string
	license  string
	callback kit.Callback
	kit      kit.Generation // 0: no kit callback
	test     bool
	key      string // what a repetition of this call has in common with it
	repeated bool   // answered with success before
}

// reply is an answer on its way out.
type reply struct {
	status  int
	header  http.Header
	object  wirejson.Obj // nil when the body is not JSON
	body    []byte
	delay   time.Duration
	drop    bool // close without answering
	kill    bool // the process dies instead of answering
	chunked bool
}

func answer(code, message string) *reply {
	header := http.Header{}
	header.Set("Content-Type", "application/json;charset=UTF-8")
	return &reply{status: http.StatusOK, header: header, object: wirejson.Obj{"resultCode": code, "resultMsg": message}}
}

func (s *Sim) exchange(w http.ResponseWriter, r *http.Request) (*exchange, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, isv.MaxKitRequest))
	if err != nil {
		return nil, err
	}
	x := &exchange{sim: s, w: w, r: r, body: body}
	x.callback, x.kit, _ = kit.FindCallback(r.URL.Path)
	get := r.URL.Query().Get
	if r.Method == http.MethodPost {
		call, err := wirejson.ParseObject(body)
		get = func(name string) string {
			value, _ := call.Get(name)
			return value.Text
		}
		if err != nil {
			get = func(string) string { return "" }
		}
	}
	x.activity, x.order, x.line, x.product, x.instance = get("activity"), get("orderId"), get("orderLineId"), get("productId"), get("instanceId")
	x.business, x.scene, x.test = get("businessId"), get("scene"), get("testFlag") == "1"
	if x.kit != 0 {
		x.activity = string(x.callback)
	}
	x.license = get("license")
	x.key = x.activity + "/" + x.instance + "/" + x.order + "/" + x.line + "/" + x.product
	if x.kit != 0 || x.license != "" {
		for _, name := range []string{"license", "status", "tenantId", "appId", "orgCode", "flag", "currentSyncTime"} {
			x.key += "/" + get(name)
		}
	}
	x.repeated = s.faults.recall("done/" + x.key)
	return x, nil
}

// v1 tells whether the call is a query of the first generation.
func (x *exchange) v1() bool { return x.r.Method == http.MethodGet }

// signs tells whether the answer carries a Body-Sign: everything of the first generation.
func (x *exchange) signs() bool { return x.v1() || x.kit == kit.V1 }

// rewrite replaces the request that the SDK will see.
func (x *exchange) rewrite(rawQuery string, body []byte) {
	r := x.r.Clone(x.r.Context())
	r.URL.RawQuery, x.r, x.body = rawQuery, r, body
}

// run is the whole way of a call: faults before acting, acting, the answer's
// journey through the faults, and the wire.
func (s *Sim) run(x *exchange) {
	on := s.faults.of(x.activity)
	var out *reply
	for _, a := range on {
		if a.before != nil && out == nil {
			out = a.before(x, a.value)
		}
	}
	if out == nil {
		out = s.act(x)
	}
	if out.object["resultCode"] == "000000" {
		s.faults.remember("done/" + x.key)
	} else {
		s.faults.remember("failed/" + x.key)
	}
	for _, a := range on {
		if a.shape != nil && out.object != nil {
			a.shape(x, out, a.value)
		}
	}
	if out.object != nil {
		text, err := wirejson.Canonical(out.object)
		if err != nil {
			s.log.Error("answer cannot be written", "error", err)
		}
		out.body = text
	}
	for _, a := range on {
		if a.bytes != nil {
			a.bytes(x, out, a.value)
		}
	}
	if x.signs() {
		out.header.Set(v1.BodySignHeader, v1.MakeBodySign(s.keyFor(x), out.body))
	}
	for _, a := range on {
		if a.signed != nil {
			a.signed(x, out, a.value)
		}
	}
	x.write(out)
}

// act lets the SDK handle the call.
func (s *Sim) act(x *exchange) *reply {
	x.r.Body = io.NopCloser(bytes.NewReader(x.body))
	buffer := &buffer{header: http.Header{}}
	s.sdk.ServeHTTP(buffer, x.r)
	out := &reply{status: buffer.status, header: buffer.header, body: buffer.body.Bytes()}
	if value, err := wirejson.ParseObject(out.body); err == nil {
		out.object, _ = loose(value).(wirejson.Obj)
	}
	return out
}

// loose turns a parsed value into one that can be changed.
func loose(v wirejson.Value) any {
	switch v.Kind {
	case wirejson.String:
		return v.Text
	case wirejson.Array:
		items := make([]any, len(v.Items))
		for i, item := range v.Items {
			items[i] = loose(item)
		}
		return items
	case wirejson.Object:
		o := wirejson.Obj{}
		for _, m := range v.Members {
			o[m.Name] = loose(m.Value)
		}
		return o
	default:
		return v
	}
}

// write puts the answer on the wire, or does not.
func (x *exchange) write(out *reply) {
	if out.kill {
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			_ = self.Kill()
		}
		select {} // the kill is on its way
	}
	if out.drop {
		x.hangUp(false)
		return
	}
	if out.delay > 0 {
		timer := time.NewTimer(out.delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-x.r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	for name, values := range out.header {
		x.w.Header()[name] = values
	}
	if !out.chunked {
		x.w.Header().Set("Content-Length", strconv.Itoa(len(out.body)))
	}
	x.w.WriteHeader(out.status)
	if !out.chunked {
		_, _ = x.w.Write(out.body) // a caller who hung up is the caller's business
		return
	}
	flush := http.NewResponseController(x.w)
	for i := range out.body {
		if _, err := x.w.Write(out.body[i : i+1]); err != nil || flush.Flush() != nil {
			return
		}
	}
}

// hangUp closes the connection without an answer, with a reset if asked for.
func (x *exchange) hangUp(reset bool) {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// buffer holds an answer of the SDK.
type buffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (b *buffer) Header() http.Header { return b.header }

func (b *buffer) WriteHeader(status int) { b.status = status }

func (b *buffer) Write(p []byte) (int, error) {
	if b.status == 0 {
		b.status = http.StatusOK
	}
	return b.body.Write(p)
}

// query parses the raw query, keeping the order.
func query(raw string) []v1.Param {
	var params []v1.Param
	for _, pair := range bytes.Split([]byte(raw), []byte("&")) {
		name, value, _ := bytes.Cut(pair, []byte("="))
		n, errName := url.QueryUnescape(string(name))
		v, errValue := url.QueryUnescape(string(value))
		if errName == nil && errValue == nil && n != "" {
			params = append(params, v1.Param{Name: n, Value: v})
		}
	}
	return params
}
