package sellers

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// demo is the running sandbox marketplace.
type demo struct {
	BaseURL  string `json:"base_url"`
	Accounts []struct{ Login, Token string }
	Sellers  []struct {
		ID, Protocol, AK, SK string
		Keys                 map[string]string
	}
}

func startDemo(t *testing.T) demo {
	t.Helper()
	program, err := souk()
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	cmd := exec.Command(program, "demo", "--data", directory, "--listen", "127.0.0.1:0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var d demo
		raw, err := os.ReadFile(filepath.Join(directory, "demo.json"))
		if err != nil || json.Unmarshal(raw, &d) != nil || d.BaseURL == "" {
			continue
		}
		if answer, err := http.Get(d.BaseURL + "/readyz"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return d
			}
		}
	}
	t.Fatal("the demo did not start")
	return demo{}
}

// call asks the management API as one of the demo's people.
func (d demo) call(t *testing.T, login, method, path string, body, into any) {
	t.Helper()
	var raw []byte
	var err error
	if body != nil {
		if raw, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	request, err := http.NewRequest(method, d.BaseURL+"/api/souk/v1"+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range d.Accounts {
		if a.Login == login {
			request.Header.Set("Authorization", "Bearer "+a.Token)
		}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", rand.Text())
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 300 {
		t.Fatalf("%s %s: HTTP %d %s %v", method, path, answer.StatusCode, said, err)
	}
	if into != nil {
		if err := json.Unmarshal(said, into); err != nil {
			t.Fatal(err)
		}
	}
}

// debug sends every case of the seller centre's debugging page with its presets, saves them,
// and replays them as probing does. spec: 10 §8, 11 §7
func debug(t *testing.T, d demo, login, protocol string, s *server) {
	t.Helper()
	type run struct { // or a scenario, of which only the id is read
		ID, Scenario, Reason, Field, Detail string

		Passed   bool
		Warnings []any
	}
	var all, replayed struct{ Items []run }
	d.call(t, login, "GET", "/lab/scenarios", nil, &all)
	tried := 0
	for _, scenario := range all.Items {
		address := s.url
		switch {
		case scenario.ID == "notify":
			address = strings.Replace(s.url, "/produce", "/notify", 1)
		case !strings.HasPrefix(scenario.ID, protocol+".") || strings.Contains(scenario.ID, "license"), strings.HasSuffix(scenario.ID, ".usage"): // which sellers push; these do not
			continue
		}
		var got run
		d.call(t, login, "POST", "/lab/runs", map[string]any{"scenario": scenario.ID, "address": address, "save": true}, &got)
		if !got.Passed || len(got.Warnings) > 0 {
			t.Errorf("%s: %+v", scenario.ID, got)
		}
		tried++
	}
	d.call(t, login, "POST", "/lab/cases/run", map[string]any{"address": s.url}, &replayed)
	for _, got := range replayed.Items {
		if !got.Passed || len(got.Warnings) > 0 {
			t.Errorf("replay of %s: %+v", got.Scenario, got)
		}
	}
	if tried < 10 || len(replayed.Items) != tried-1 { // the notice has an address of its own
		t.Errorf("%d scenarios, %d replayed", tried, len(replayed.Items))
	}
}

// A buyer of the demo buys a product that each example delivers, in both generations.
func TestDemoSellsThroughExamples(t *testing.T) {
	d := startDemo(t)
	type list struct {
		Items []struct {
			SellerID string `json:"seller_id"`
			Protocol string
			SKUs     []struct {
				Offers []struct {
					ProductID  string `json:"product_id"`
					PeriodType string `json:"period_type"`
				}
			}
		}
	}
	var products list
	d.call(t, "buyer", "GET", "/products", nil, &products)
	for _, seller := range d.Sellers {
		offer := ""
		for _, p := range products.Items {
			for _, s := range p.SKUs {
				for _, o := range s.Offers {
					if p.SellerID == seller.ID && p.Protocol == seller.Protocol && o.PeriodType == "month" {
						offer = o.ProductID
					}
				}
			}
		}
		if offer == "" {
			t.Fatalf("no monthly offer speaks %s", seller.Protocol)
		}
		login := map[string]string{"v1": "yunfan", "v2": "beichen"}[seller.Protocol]
		for _, l := range languages {
			t.Run(seller.Protocol+"/"+l.name, func(t *testing.T) {
				data := t.TempDir()
				s := start(t, l, "KEY="+seller.Keys["base"], "NOTIFY_KEY="+seller.Keys["general"], "DATA="+data,
					"MARKETPLACE="+d.BaseURL, "AK="+seller.AK, "SK="+seller.SK)
				for class, path := range map[string]string{"base": "/produce", "general": "/notify"} {
					d.call(t, login, "PUT", "/sellers/"+seller.ID+"/production-address", map[string]string{"class": class, "address": strings.Replace(s.url, "/produce", path, 1)}, nil)
				}
				var order struct {
					ID, Status string
					Lines      []struct {
						InstanceID string `json:"instance_id"`
					}
				}
				d.call(t, "buyer", "POST", "/orders", map[string]any{"product_id": offer, "period_number": 1, "quantity": 1, "accept_agreement": true}, &order)
				d.call(t, "buyer", "POST", "/orders/"+order.ID+"/pay", nil, &order)
				var attempts struct {
					Items []struct {
						Activity   string
						State      string
						ResultCode string `json:"result_code"`
					}
				}
				noticed := func() bool {
					d.call(t, login, "GET", "/attempts?order="+order.ID, nil, &attempts)
					for _, a := range attempts.Items {
						if a.Activity == "orderNotify" && a.State == "success" {
							return true
						}
					}
					return false
				}
				for end := time.Now().Add(30 * time.Second); order.Status != "COMPLETED" || !noticed(); time.Sleep(100 * time.Millisecond) {
					if time.Now().After(end) {
						t.Fatalf("order %s is %s; attempts %+v", order.ID, order.Status, attempts.Items)
					}
					d.call(t, "buyer", "GET", "/orders/"+order.ID, nil, &order)
				}
				var instance struct {
					Status string
					Entry  struct {
						FrontEndURL string `json:"front_end_url"`
						UserName    string `json:"user_name"`
						Password    string
						Memo        string
					}
				}
				d.call(t, "buyer", "GET", "/instances/"+order.Lines[0].InstanceID, nil, &instance)
				if e := instance.Entry; instance.Status != "ACTIVE" || !strings.HasPrefix(e.FrontEndURL, "https://shop.example.com/open/") || e.UserName != "admin" || len(e.Password) != 16 || e.Memo != "请在首次登录后修改密码" {
					t.Errorf("the buyer sees %+v", instance)
				}
				for _, a := range attempts.Items {
					if a.ResultCode != "000000" {
						t.Errorf("%s: %s", a.Activity, a.ResultCode)
					}
				}
				kept := everything(t, data)
				for _, want := range []string{order.ID, offer} { // V2 knows the offer from the order query
					if !strings.Contains(kept, want) {
						t.Errorf("the seller does not keep %s: %s", want, kept)
					}
				}
				debug(t, d, login, seller.Protocol, s)
			})
		}
	}
}
