package deliverytest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
)

// call is one request as the seller's socket saw it.
type call struct {
	raw    *http.Request
	query  url.Values
	body   []byte
	fields map[string]string // V2 and notifications: the body's members
	proto  string            // v1, v2, notify-v1 or notify-v2
}

func (c call) activity() string {
	if c.proto == "v1" {
		return c.query.Get("activity")
	}
	return c.fields["activity"]
}

func (c call) get(name string) string {
	if c.proto == "v1" {
		return c.query.Get(name)
	}
	return c.fields[name]
}

// seller is a server in the test's hands: it keeps what came and answers what it is
// told to, well by default. Its checks of signatures are written here by hand and
// share nothing with the program.
type seller struct {
	t    *testing.T
	url  string
	keys map[string]string

	mu      sync.Mutex
	calls   []call
	answer  func(c call) reply
	gate    chan struct{}
	invalid []string

	thinking sync.Mutex
}

// reply is what the seller answers.
type reply struct {
	status  int
	header  map[string][]string
	body    string
	sign    string // "", "none", "wrong"
	kind    string // content type
	wait    time.Duration
	hangup  bool // close without an answer
	newline bool // sign the body with a line feed at its end
}

func newSeller(t *testing.T) *seller {
	s := &seller{t: t, keys: map[string]string{}}
	server := httptest.NewServer(s)
	s.url = server.URL
	t.Cleanup(server.Close)
	return s
}

// behave replaces how the seller answers; nil is well.
func (s *seller) behave(f func(c call) reply) { s.mu.Lock(); s.answer = f; s.mu.Unlock() }

// close makes every answer wait until open.
func (s *seller) close() { s.mu.Lock(); s.gate = make(chan struct{}); s.mu.Unlock() }

func (s *seller) open() {
	s.mu.Lock()
	if s.gate != nil {
		close(s.gate)
		s.gate = nil
	}
	s.mu.Unlock()
}

// seen lists the calls of an activity.
func (s *seller) seen(activity string) (out []call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c.activity() == activity {
			out = append(out, c)
		}
	}
	return out
}

// ServeHTTP takes a call.
func (s *seller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := call{raw: r, query: r.URL.Query(), proto: strings.Trim(r.URL.Path, "/")}
	c.body, _ = io.ReadAll(r.Body)
	if c.proto != "v1" {
		_ = json.Unmarshal(c.body, &c.fields)
	}
	s.mu.Lock()
	key := s.keys[c.proto]
	s.calls = append(s.calls, c)
	if problem := verify(c, key); problem != "" {
		s.invalid = append(s.invalid, c.activity()+": "+problem)
	}
	answer, gate := s.answer, s.gate
	s.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-r.Context().Done():
		}
	}
	out := well(c)
	if answer != nil {
		s.thinking.Lock() // tests' answers count in plain maps
		out = answer(c)
		s.thinking.Unlock()
	}
	s.send(w, r, out, key)
}

func (s *seller) send(w http.ResponseWriter, r *http.Request, out reply, key string) {
	if out.wait > 0 {
		select {
		case <-time.After(out.wait):
		case <-r.Context().Done():
		}
	}
	if out.hangup {
		panic(http.ErrAbortHandler)
	}
	body := out.body
	if out.newline {
		body += "\n"
	}
	if out.kind == "" {
		out.kind = "application/json;charset=utf-8"
	}
	w.Header().Set("Content-Type", out.kind)
	for name, values := range out.header {
		w.Header()[name] = values
	}
	switch {
	case out.sign == "none" || out.header["Body-Sign"] != nil:
	case out.sign == "wrong":
		w.Header().Set("Body-Sign", bodySign("another key", body))
	default:
		w.Header().Set("Body-Sign", bodySign(key, body))
	}
	if out.status == 0 {
		out.status = 200
	}
	w.WriteHeader(out.status)
	_, _ = io.WriteString(w, body)
}

func mac(key, text string) []byte {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return h.Sum(nil)
}

func bodySign(key, body string) string {
	return `sign_type="HMAC-SHA256", signature= "` + base64.StdEncoding.EncodeToString(mac(key, body)) + `"`
}

// verify is the documents' own check: for V1 the first value of each decoded name in
// tree-map order; for V2 and notifications over the bytes received.
func verify(c call, key string) string {
	if c.proto == "v1" {
		var names []string
		for n := range c.query {
			if n != "authToken" {
				names = append(names, n)
			}
		}
		sort.Strings(names)
		var pairs []string
		for _, n := range names {
			pairs = append(pairs, n+"="+c.query.Get(n))
		}
		want := base64.StdEncoding.EncodeToString(mac(key+c.query.Get("timeStamp"), strings.Join(pairs, "&")))
		if got := c.query.Get("authToken"); got != want {
			return fmt.Sprintf("authToken %q, want %q", got, want)
		}
		return ""
	}
	inner := fmt.Sprintf("%x", mac(key, string(c.body)))
	want := fmt.Sprintf("%X", mac(key, key+c.query.Get("nonce")+c.query.Get("timestamp")+inner))
	if got := c.query.Get("signature"); got != want {
		return fmt.Sprintf("signature %q, want %q", got, want)
	}
	return ""
}

// well is a good answer to any call.
func well(c call) reply {
	ok := `{"resultCode":"000000","resultMsg":"success."`
	switch c.activity() {
	case "newInstance":
		id := "inst-" + c.get("orderId")
		if c.proto == "v1" {
			return reply{body: ok + `,"instanceId":"` + id + `","appInfo":{"frontEndUrl":"https://app.example/` + id + `"}}`}
		}
		return reply{body: ok + `,"instanceId":"` + id + `"}`}
	case "queryInstance":
		return reply{body: ok + `,"info":[{"instanceId":"` + c.get("instanceId") + `","appInfo":{"frontEndUrl":"https://app.example/","userName":"admin","password":"pass-word-1"}}]}`}
	}
	return reply{body: ok + "}"}
}

// code answers a result code to everything but order notifications.
func code(resultCode string) func(call) reply {
	return func(c call) reply {
		if strings.HasPrefix(c.proto, "notify") {
			return well(c)
		}
		return reply{body: `{"resultCode":"` + resultCode + `","resultMsg":"不行"}`}
	}
}

// only makes one activity answer differently.
func only(activity string, f func(call) reply) func(call) reply {
	return func(c call) reply {
		if c.activity() == activity {
			return f(c)
		}
		return well(c)
	}
}
