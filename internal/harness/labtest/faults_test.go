package labtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/harness/markettest"
	"github.com/souk-market/souk/internal/harness/sellersim"
)

// record is what a sandbox seller has done.
func (b *bench) record(protocol string) (instances int) {
	b.t.Helper()
	body := b.get(b.url[protocol] + sellersim.PathRecord)
	var r struct {
		Instances []json.RawMessage `json:"instances"`
	}
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		b.t.Fatalf("%v: %s", err, body)
	}
	return len(r.Instances)
}

// buy buys one month from a seller and waits until the order's first call has an outcome.
func (b *bench) buy(protocol string) (order string) {
	b.t.Helper()
	for _, p := range b.Do("buyer", "GET", "/api/souk/v1/products?limit=100", "").Body["items"].([]any) {
		p := p.(map[string]any)
		if p["seller_id"] != b.Account(b.login[protocol]).CompanyID {
			continue
		}
		for _, k := range p["skus"].([]any) {
			for _, o := range k.(map[string]any)["offers"].([]any) {
				if o := o.(map[string]any); o["period_type"] == "month" {
					order = b.Do("buyer", "POST", "/api/souk/v1/orders", fmt.Sprintf(`{"product_id":%q,"accept_agreement":true}`, o["product_id"])).String("id")
					b.Do("buyer", "POST", "/api/souk/v1/orders/"+order+"/pay", "")
					return order
				}
			}
		}
	}
	b.t.Fatal("nothing is sold by the month")
	return ""
}

// Every fault reaches the seller as it says, and a good seller gives each order one instance whatever the sandbox does.
func TestTheSandboxMisbehaves(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		set := func(protocol string, faults ...string) {
			in, _ := json.Marshal(map[string]any{"faults": append([]string{}, faults...)})
			b.Do(b.login[protocol], "PUT", "/api/souk/v1/sellers/"+b.Account(b.login[protocol]).CompanyID+"/faults", string(in))
		}
		for _, c := range []struct {
			protocol, fault string
			state           string // of the order's first newInstance
			code            string
		}{
			{"v1", "duplicate", "success", "000000"},
			{"v1", "delay=20ms", "success", "000000"},
			{"v1", "reorder", "success", "000000"},
			{"v1", "slow-reader=2ms", "success", "000000"},
			{"v1", "drop-answer@newInstance", "unknown", ""},
			{"v1", "wrong-signature", "retrying", "000001"},
			{"v2", "duplicate", "success", "000000"},
			{"v2", "wrong-signature", "retrying", "000001"},
			{"v2", "stale-timestamp", "retrying", "000002"},
			{"v2", "replayed-nonce", "retrying", "000002"},
			{"v2", "drop-answer", "unknown", ""},
		} {
			before := b.record(c.protocol)
			if c.fault == "replayed-nonce" {
				b.first(b.buy(c.protocol)) // there has to be one to replay
				before = b.record(c.protocol)
			}
			set(c.protocol, c.fault)
			order := b.buy(c.protocol)
			a := b.first(order)
			set(c.protocol)
			if a.String("items.0.state") != c.state || a.String("items.0.result_code") != c.code {
				t.Errorf("%s %s: %s", c.protocol, c.fault, a.Text)
			}
			after := b.record(c.protocol)
			want := 1
			if c.state == "retrying" {
				want = 0
			}
			if after-before != want {
				t.Errorf("%s %s: %d instances were made, want %d", c.protocol, c.fault, after-before, want)
			}
			b.Advance(13 * time.Hour) // what waits is done, for the next fault
		}
		for text, want := range map[string]string{"nonsense": "is no fault", "duplicate=1s": "takes no value", "delay=0s": "takes a duration", "delay@": "behind @"} {
			in, _ := json.Marshal(map[string]any{"faults": []string{text}})
			r := b.Call("yunfan", "PUT", "/api/souk/v1/sellers/"+b.Account("yunfan").CompanyID+"/faults", string(in))
			if r.Status != 400 || !strings.Contains(r.Text, want) {
				t.Errorf("%s: %d %s", text, r.Status, r.Text)
			}
		}
	})
}

// first waits for an order's first newInstance and its outcome.
func (b *bench) first(order string) markettest.Reply {
	b.t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		r := b.Do("operator", "GET", "/api/souk/v1/attempts?activity=newInstance&order="+order, "")
		if s := r.String("items.0.state"); s != "" && s != "unknown" || s == "unknown" && r.String("items.0.duration_ms") != "0" && r.String("items.0.reason") != "" {
			return r
		}
		select {
		case <-b.t.Context().Done():
			b.t.Fatal("no attempt of ", order)
		case <-look.C:
		}
	}
}
