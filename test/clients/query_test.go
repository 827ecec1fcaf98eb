package clients

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/global"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/def"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
)

const path = "/api/mkp-openapi-public/global/v1/order/query"

type request struct {
	OrderId     string  `json:"orderId"`
	OrderLineId *string `json:"orderLineId,omitempty"`
}

type response struct {
	ResultCode     *string        `json:"resultCode,omitempty"`
	ResultMsg      *string        `json:"resultMsg,omitempty"`
	OrderInfo      map[string]any `json:"orderInfo,omitempty"`
	HttpStatusCode int            `json:"-"`
}

type demo struct {
	BaseURL  string `json:"base_url"`
	Accounts []struct{ Role, Token string }
	Sellers  []struct{ ID, Protocol, AK, SK string }
}

// start runs the demo of the tree above on a free port until the test ends.
func start(t *testing.T) demo {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "souk")
	build := exec.Command("go", "build", "-o", bin, "./cmd/souk")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	cmd := exec.Command(bin, "demo", "--data", dir, "--listen", "127.0.0.1:0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
	var d demo
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if b, err := os.ReadFile(filepath.Join(dir, "demo.json")); err == nil && json.Unmarshal(b, &d) == nil && d.BaseURL != "" {
			if r, err := http.Get(d.BaseURL + "/readyz"); err == nil {
				r.Body.Close()
				return d
			}
		}
		if time.Now().After(end) {
			t.Fatal("the demo did not start")
		}
	}
}

func (d demo) seller(protocol string) (ak, sk string) {
	for _, s := range d.Sellers {
		if s.Protocol == protocol {
			return s.AK, s.SK
		}
	}
	return "", ""
}

// client is the vendor's own SDK, unmodified, pointed at the demo. spec: 14 §8
func client(t *testing.T, d demo, ak, sk string) *core.HcHttpClient {
	t.Helper()
	credentials, err := global.NewCredentialsBuilder().WithAk(ak).WithSk(sk).WithDomainId("domain").SafeBuild()
	if err != nil {
		t.Fatal(err)
	}
	c, err := core.NewHcHttpClientBuilder().WithCredentialsType("global.Credentials").WithCredential(credentials).WithEndpoint(d.BaseURL).SafeBuild()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func query() *def.HttpRequestDef {
	return def.NewHttpRequestDefBuilder().WithMethod(http.MethodGet).WithPath(path).WithResponse(new(response)).WithContentType("application/json").
		WithRequestField(def.NewFieldDef().WithName("OrderId").WithJsonTag("orderId").WithLocationType(def.Query)).
		WithRequestField(def.NewFieldDef().WithName("OrderLineId").WithJsonTag("orderLineId").WithLocationType(def.Query)).Build()
}

func TestTheSDKQueriesOrders(t *testing.T) {
	d := start(t)
	ak, sk := d.seller("v2")
	c := client(t, d, ak, sk)
	for _, id := range []string{"MOCKPERIODYEARNEW", "MOCKONETIMENEW", "MOCKONDEMAND", "MOCKONDEMANDPKG", "MOCKPERIODDAYTRIAL", "MOCKMONTYTRIALTOFORMAL", "MOCKMONTYUNSUBSCRIBE", "MOCKMONTYRENEW", "MOCKMONTYCHANGE"} {
		line := id + "-000001"
		out, err := c.Sync(&request{OrderId: id, OrderLineId: &line}, query())
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		r := out.(*response)
		if r.ResultCode == nil || *r.ResultCode != "MKT.0000" || r.OrderInfo["orderId"] != id {
			t.Errorf("%s: %+v", id, r)
		}
	}
	// A real order, bought through the management API.
	bought := buy(t, d)
	out, err := c.Sync(&request{OrderId: bought}, query())
	if err != nil {
		t.Fatal(err)
	}
	if r := out.(*response); *r.ResultCode != "MKT.0000" || r.OrderInfo["orderType"] != "NEW" {
		t.Errorf("%+v", r)
	}
	// Refusals become the SDK's own errors, with code and message read.
	refusals := []struct {
		name, ak, sk, order, code string
		status                    int
	}{
		{"wrong secret", ak, sk + "x", "MOCKONETIMENEW", "APIGW.0301", 401},
		{"unknown key", "AAAAAAAAAAAAAAAAAAAA", sk, "MOCKONETIMENEW", "APIGW.0301", 401},
	}
	for _, f := range refusals {
		_, err := client(t, d, f.ak, f.sk).Sync(&request{OrderId: f.order}, query())
		var e *sdkerr.ServiceResponseError
		if !errors.As(err, &e) || e.StatusCode != f.status || e.ErrorCode != f.code || e.RequestId == "" {
			t.Errorf("%s: %v", f.name, err)
		}
	}
	otherAK, otherSK := d.seller("v1")
	if _, err := client(t, d, otherAK, otherSK).Sync(&request{OrderId: bought}, query()); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("another seller's order: %v", err)
	}
}

// buy buys the first V2 product by the month and gives the order id.
func buy(t *testing.T, d demo) string {
	t.Helper()
	var token string
	for _, a := range d.Accounts {
		if a.Role == "buyer" && token == "" {
			token = a.Token
		}
	}
	call := func(method, path, body string) map[string]any {
		r, err := http.NewRequest(method, d.BaseURL+"/api/souk/v1"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		raw, _ := io.ReadAll(a.Body)
		var out map[string]any
		if err := json.Unmarshal(raw, &out); err != nil || a.StatusCode > 299 {
			t.Fatalf("%s %s: %d %s", method, path, a.StatusCode, raw)
		}
		return out
	}
	for _, p := range call("GET", "/products", "")["items"].([]any) {
		p := p.(map[string]any)
		if p["protocol"] != "v2" {
			continue
		}
		for _, s := range p["skus"].([]any) {
			for _, o := range s.(map[string]any)["offers"].([]any) {
				if o := o.(map[string]any); o["period_type"] == "month" {
					order := call("POST", "/orders", `{"product_id":"`+o["product_id"].(string)+`","accept_agreement":true}`)
					call("POST", "/orders/"+order["id"].(string)+"/pay", "")
					return order["id"].(string)
				}
			}
		}
	}
	t.Fatal("nothing to buy")
	return ""
}
