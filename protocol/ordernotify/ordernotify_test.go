package ordernotify

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/protocol/production"
	v2 "github.com/souk-market/souk/protocol/production/v2"
)

func TestVector(t *testing.T) {
	text, err := os.ReadFile("testdata/signature.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name  string
		Input struct {
			AccessKey              string `json:"access_key"`
			Nonce, Timestamp, Body string
		}
		Expected struct{ Signature string }
	}
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors) != 1 {
		t.Fatal(len(vectors), err)
	}
	c := vectors[0]
	millis, _ := strconv.ParseInt(c.Input.Timestamp, 10, 64)
	address, err := v2.ParseAddress("https://seller.example.test:8443/notify")
	if err != nil {
		t.Fatal(err)
	}
	request, err := Build(Notice{"CS2211181819B4LVS", "CS2211181819B4LVS-000001"}, true, address, c.Input.AccessKey, c.Input.Nonce, time.UnixMilli(millis))
	if err != nil || string(request.Body) != c.Input.Body || !strings.Contains(request.URL, "signature="+c.Expected.Signature+"&") {
		t.Errorf("%s: %+v %v", c.Name, request, err)
	}
}

func TestARealNoticeSaysSoAndNeedsItsIds(t *testing.T) {
	body, err := Notice{"CS1", "CS1-000001"}.Body(false)
	if want := `{"activity":"orderNotify","orderId":"CS1","orderLineId":"CS1-000001","testFlag":"0"}`; err != nil || string(body) != want {
		t.Errorf("%s %v", body, err)
	}
	for _, n := range []Notice{{"", "l"}, {"o", ""}, {"o", strings.Repeat("x", 65)}} {
		if _, err := n.Body(false); err == nil {
			t.Errorf("%+v was accepted", n)
		}
	}
}

func TestJudge(t *testing.T) {
	for body, want := range map[string]production.Reason{
		`{"resultCode":"000000"}`:                         "",
		`{"resultCode":"000000","resultMsg":"success.",}`: production.ReasonJSON, // the documents' own sample
		`{"resultCode":"000001"}`:                         production.ReasonResultCode,
	} {
		if v := Judge(production.Answer{Status: 200, Body: []byte(body)}, false); v.Reason != want || v.OK != (want == "") {
			t.Errorf("%s: %+v", body, v)
		}
	}
}
