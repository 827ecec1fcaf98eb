package tape

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/engine/outbound"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/protocol/kit"
	"github.com/souk-market/souk/protocol/production"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
)

// Player makes the requests of a tape again, in their order.
type Player struct {
	Upstream string
	Key      string // signs each request anew; "" sends it as it is on the tape, whose signature is masked
	KitKey   string // of the kit's callbacks; Key when empty
	Timeout  time.Duration
	Client   *outbound.Client
	Fresh    bool // a new businessId for every newInstance
	Now      func() time.Time
}

// Outcome is what came of one request.
type Outcome struct {
	Before, After Exchange
	Problem       string // why it could not be made again
	Same          bool   // the same status and resultCode
}

var errMasked = errors.New("holds a secret that the tape masked")

// Play makes one request.
func (p *Player) Play(ctx context.Context, e Exchange) Outcome {
	o := Outcome{Before: e}
	q, err := p.request(e)
	if err != nil {
		o.Problem = err.Error()
		return o
	}
	r := outbound.Request{Method: q.Method, URL: q.URL, Header: outbound.Fields(q.Headers), Body: q.Body, Timeout: p.Timeout, MaxBody: maxAnswer}
	a := p.Client.Do(ctx, r)
	o.After = Exchange{At: p.Now().UTC(), Method: e.Method, Target: e.Target, Status: a.Status, Duration: a.Duration.Milliseconds(), Answer: answerHeader(a.ReceivedBytes)}
	o.After.Said, _ = text(a.Body)
	if a.Reason != "" {
		o.After.Problem = a.Reason
	}
	o.Same = o.After.Status == e.Status && o.After.Code() == e.Code() && (o.After.Problem == "") == (e.Problem == "")
	return o
}

// request writes a request of the tape again with a signature of now.
func (p *Player) request(e Exchange) (production.Request, error) {
	if e.Binary || strings.Contains(e.Body, `"`+mask+`"`) {
		return production.Request{}, errMasked
	}
	path, query, _ := strings.Cut(e.Target, "?")
	address := strings.TrimSuffix(p.Upstream, "/") + path
	values, err := url.ParseQuery(query)
	if err != nil {
		return production.Request{}, fmt.Errorf("the query of the tape is malformed: %w", err)
	}
	if p.Key == "" {
		return p.plain(e), nil
	}
	kitKey := p.KitKey
	if kitKey == "" {
		kitKey = p.Key
	}
	callback, sub := kit.Callback(path[strings.LastIndex(path, "/")+1:]), strings.LastIndex(path, "/produceAPI/")
	switch {
	case sub >= 0 && (has(e.Header, "x-sign") || has(e.Header, "authToken")):
		to, err := v2.ParseAddress(strings.TrimSuffix(p.Upstream, "/") + path[:sub])
		if err != nil {
			return production.Request{}, err
		}
		if has(e.Header, "authToken") {
			return kit.BuildV1(callback, []byte(e.Body), to, kitKey)
		}
		return kit.Build(callback, []byte(e.Body), to, kitKey, ident.Nonce(), p.Now()), nil
	case values.Has("authToken"):
		to, err := v1.ParseAddress(address)
		if err != nil {
			return production.Request{}, err
		}
		var params []v1.Param
		for _, pair := range strings.Split(query, "&") { // in their order, the first of a name
			name, value, _ := strings.Cut(pair, "=")
			plain, err := url.QueryUnescape(value)
			if err != nil {
				return production.Request{}, err
			}
			if name == "authToken" || name == "timeStamp" || name == "" {
				continue
			}
			if name == "businessId" && p.Fresh {
				plain = ident.UUID()
			}
			params = append(params, v1.Param{Name: name, Value: plain})
		}
		return v1.Sign(params, to, p.Key, v1.TimeStamp(p.Now())), nil
	case values.Has("signature"):
		own := values
		for _, name := range []string{"signature", "timestamp", "nonce"} {
			own.Del(name)
		}
		if len(own) > 0 {
			address += "?" + own.Encode()
		}
		to, err := v2.ParseAddress(address)
		if err != nil {
			return production.Request{}, err
		}
		return v2.Post([]byte(e.Body), to, p.Key, ident.Nonce(), p.Now()), nil
	}
	return p.plain(e), nil
}

// plain is a request as the tape has it.
func (p *Player) plain(e Exchange) production.Request {
	q := production.Request{Method: e.Method, URL: strings.TrimSuffix(p.Upstream, "/") + e.Target, Body: []byte(e.Body)}
	for _, h := range e.Header {
		if !strings.EqualFold(h[0], "Content-Length") && !strings.EqualFold(h[0], "Connection") && !strings.EqualFold(h[0], "Transfer-Encoding") {
			q.Headers = append(q.Headers, production.Header{Name: h[0], Value: h[1]})
		}
	}
	return q
}

func has(header [][2]string, name string) bool {
	for _, h := range header {
		if strings.EqualFold(h[0], name) {
			return true
		}
	}
	return false
}
