package sellers

// The example servers are the same server: each is started as a process of its own, and the
// test plays the marketplace.

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/protocol/aksk"
	"github.com/souk-market/souk/protocol/ordernotify"
	"github.com/souk-market/souk/protocol/production"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
)

// Every example computes the shared vectors; none but the kinds that a seller's server has
// no use for may be left out.
func TestVectors(t *testing.T) {
	each(t, func(t *testing.T, l language) {
		argv := append(slices.Clone(l.argv(t)), "vectors", "vectors.json")
		out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Logf("%s", out)
		_, skipped, _ := strings.Cut(strings.TrimSpace(string(out)), "kinds skipped: ")
		for kind := range strings.SplitSeq(skipped, ", ") {
			if !slices.Contains([]string{"body-sign-header", "extension-params", "kit-sign", "kit-token", "oaep-open", "usage-signature", "v1-token", "aksk with double_path"}, kind) {
				t.Errorf("the kind %s is skipped", kind)
			}
		}
		// A wrong vector must be noticed.
		wrong := filepath.Join(t.TempDir(), "wrong.json")
		if err := os.WriteFile(wrong, []byte(`[{"name":"n","kind":"body-sign","key":"k","body":"b","expected":"x","valid":true,"source":"s"}]`), 0o600); err != nil {
			t.Fatal(err)
		}
		argv[len(argv)-1] = wrong
		if err := exec.Command(argv[0], argv[1:]...).Run(); err == nil {
			t.Error("a wrong vector was not noticed")
		}
	})
}

// What every example answers to every kind of call of V1.
func TestV1(t *testing.T) {
	each(t, func(t *testing.T, l language) {
		data := t.TempDir()
		s := start(t, l, "DATA="+data)
		made := s.v1(t, orderV1("CS1", "b1"))
		expect(t, "newInstance", made, "000000")
		id := made.InstanceID
		if made.App == nil || made.App.UserName == "" || made.App.Password == "" || !strings.HasPrefix(made.App.FrontEndURL, "https://") || made.App.Memo == "" {
			t.Errorf("appInfo: %+v", made.App)
		}
		if kept := everything(t, data); !strings.Contains(kept, "13800138000") || !strings.Contains(kept, "上海 A&B=C+公司/100%'~*") {
			t.Errorf("the mobile number is not opened, or the name is damaged: %s", kept)
		}
		if again := s.v1(t, orderV1("CS1", "b2")); again.InstanceID != id {
			t.Errorf("the order again: %q, then %q", id, again.InstanceID)
		}
		other := s.v1(t, orderV1("CS2", "b3"))
		if other.InstanceID == id {
			t.Errorf("two orders share %q", id)
		}
		item := orderV1("CS3", "b4")
		item.ChargingMode, item.ExpireTime, item.PeriodType, item.PeriodNumber = v1.PayPerUse, "", "", 0
		first := s.v1(t, item)
		item.ProductID, item.BusinessID = "p2", "b5"
		if second := s.v1(t, item); second.InstanceID == first.InstanceID || !second.OK {
			t.Errorf("two billing items of one order share %q", first.InstanceID)
		}
		if debug := s.v1(t, orderV1("CS1", "b6"), v1.Settings{Debug: true}); debug.InstanceID == id || !debug.OK {
			t.Errorf("a debugging call shares the real instance %q", id)
		}

		refresh := v1.RefreshInstance{OrderID: "CS4", InstanceID: id, ExpireTime: "20280101000000", PeriodType: "year", PeriodNumber: 1, OrderAmount: "-0.5"}
		upgrade := v1.Upgrade{InstanceID: id, OrderID: "CS5", SKUCode: "sku-2", ProductID: "p9", Quantity: v1.Quantity{Amount: 20}}
		release := v1.ReleaseInstance{InstanceID: id, OrderID: "CS1"}
		for _, step := range []struct {
			call v1.Call
			code string
		}{
			{refresh, "000000"}, {refresh, "000000"},
			{v1.ExpireInstance{InstanceID: id, OrderID: "CS1"}, "000000"}, {v1.ExpireInstance{InstanceID: id, OrderID: "CS1"}, "000000"},
			{v1.InstanceStatus{InstanceID: id, Status: v1.StatusFreeze}, "000000"}, {v1.InstanceStatus{InstanceID: id, Status: v1.StatusNormal}, "000000"},
			{upgrade, "000000"}, {upgrade, "000000"},
			{v1.QueryInstance{InstanceIDs: []string{id, other.InstanceID, "nobody"}}, "000000"},
			{v1.QueryInstance{InstanceIDs: []string{"nobody"}}, "000003"},
			{v1.RefreshInstance{OrderID: "CS4", InstanceID: "nobody", ExpireTime: "20280101000000"}, "000003"},
			{v1.ExpireInstance{InstanceID: "nobody", OrderID: "CS1"}, "000003"},
			{v1.InstanceStatus{InstanceID: "nobody", Status: v1.StatusFreeze}, "000003"},
			{v1.ReleaseInstance{InstanceID: "nobody", OrderID: "CS1"}, "000003"},
			{release, "000000"}, {release, "000000"},
			{refresh, "000000"}, // a repetition of what was done
			{v1.RefreshInstance{OrderID: "CS6", InstanceID: id, ExpireTime: "20290101000000"}, "000003"},
			{v1.QueryInstance{InstanceIDs: []string{id}}, "000003"},
		} {
			expect(t, fmt.Sprintf("%T", step.call), s.v1(t, step.call), step.code)
		}
		// What happens to an instance over the years, as the seller's own files tell it.
		life := t.TempDir()
		s2 := start(t, l, "DATA="+life)
		id2 := s2.v1(t, orderV1("CS1", "b1")).InstanceID
		renewed := func(order, end string) v1.RefreshInstance {
			return v1.RefreshInstance{OrderID: order, InstanceID: id2, ExpireTime: end}
		}
		expiry := v1.ExpireInstance{InstanceID: id2, OrderID: "CS1"} // the subscription's order, every year
		for _, step := range []struct {
			call        v1.Call
			kept, notIn string
		}{
			{renewed("CS2", "20280101000000"), "20280101000000", "20270101000000"},
			{expiry, "frozen", "released"},
			{renewed("CS3", "20290101000000"), "20290101000000", "frozen"},
			{renewed("CS2", "20280101000000"), "20290101000000", "20280101000000"}, // a repetition that comes late
			{v1.Upgrade{InstanceID: id2, OrderID: "CS4", SKUCode: "sku-big", ProductID: "p-big", Quantity: v1.Quantity{Amount: 4321}}, "4321", "frozen"},
			{v1.Upgrade{InstanceID: id2, OrderID: "CS5", SKUCode: "sku-vast", ProductID: "p-vast", Quantity: v1.Quantity{Amount: 8765}}, "8765", "4321"},
			{v1.Upgrade{InstanceID: id2, OrderID: "CS4", SKUCode: "sku-big", ProductID: "p-big", Quantity: v1.Quantity{Amount: 4321}}, "sku-vast", "sku-big"},
			{expiry, "frozen", "released"},
			{v1.InstanceStatus{InstanceID: id2, Status: v1.StatusNormal}, "active", "frozen"},
			{v1.InstanceStatus{InstanceID: id2, Status: v1.StatusFreeze}, "frozen", "released"},
			{v1.ReleaseInstance{InstanceID: id2, OrderID: "CS1"}, "released", "frozen"},
			{orderV1("CS1", "b9"), "released", "frozen"}, // a look at the order must not bring it back
		} {
			expect(t, fmt.Sprintf("%T", step.call), s2.v1(t, step.call), "000000")
			if kept := everything(t, life); !strings.Contains(kept, step.kept) || strings.Contains(kept, step.notIn) {
				t.Errorf("after %+v the seller keeps %s", step.call, kept)
			}
		}

		// Interfaces are debugged in any order.
		expect(t, "release of what never was, debugging", s.v1(t, v1.ReleaseInstance{InstanceID: "invented", OrderID: "CS9"}, v1.Settings{Debug: true}), "000000")

		wrong := func(what, code string, params ...v1.Param) {
			t.Helper()
			address, _ := v1.ParseAddress(s.url)
			expect(t, what, v1.Judge("x", send(v1.Sign(params, address, key, v1.TimeStamp(time.Now()))), v1.Judging{Debugging: true}, key), code)
		}
		wrong("unknown activity", "000002", v1.Param{Name: "activity", Value: "nothing"})
		wrong("no activity", "000002")
		wrong("missing parameter", "000002", v1.Param{Name: "activity", Value: "releaseInstance"}, v1.Param{Name: "instanceId", Value: other.InstanceID})
		wrong("empty values are signed along", "000002", v1.Param{Name: "activity", Value: "releaseInstance"}, v1.Param{Name: "instanceId", Value: ""}, v1.Param{Name: "Z", Value: ""})
		wrong("unknown status", "000002", v1.Param{Name: "activity", Value: "instanceStatus"}, v1.Param{Name: "instanceId", Value: other.InstanceID}, v1.Param{Name: "instanceStatus", Value: "ASLEEP"})
		wrong("names are sorted as text", "000000", v1.Param{Name: "activity", Value: "queryInstance"}, v1.Param{Name: "instanceId", Value: other.InstanceID},
			v1.Param{Name: "10", Value: "a"}, v1.Param{Name: "9", Value: "b"}, v1.Param{Name: "B.c", Value: "c"}, v1.Param{Name: "_x", Value: "d"}, v1.Param{Name: "a", Value: ""})

		good := s.requestV1(t, v1.QueryInstance{InstanceIDs: []string{other.InstanceID}}, v1.Settings{}, time.Now())
		for what, change := range map[string]func(string) string{
			"a wrong token":       func(u string) string { return strings.Replace(u, "authToken=", "authToken=A", 1) },
			"no token":            func(u string) string { return strings.Replace(u, "authToken=", "token=", 1) },
			"a parameter altered": func(u string) string { return strings.Replace(u, "own=x%20y", "own=x%20z", 1) },
			"a parameter added":   func(u string) string { return u + "&more=1" },
			"not UTF-8":           func(u string) string { return strings.Replace(u, "own=x%20y", "own=%FF", 1) },
			"no query":            func(u string) string { return s.url },
		} {
			bad := good
			bad.URL = change(bad.URL)
			expect(t, what, v1.Judge("x", send(bad), v1.Judging{Debugging: true}, key), "000001")
		}
		twice := good
		twice.URL += "&instanceId=nobody&own=z"
		expect(t, "of equal names the first counts", v1.Judge("x", send(twice), v1.Judging{Debugging: true}, key), "000000")
		expect(t, "yesterday's call", v1.Judge("x", send(s.requestV1(t, upgrade, v1.Settings{}, time.Now().Add(-24*time.Hour))), v1.Judging{Debugging: true}, key), "000002")
		if status := send(production.Request{Method: "GET", URL: strings.TrimSuffix(s.url, "/produce") + "/nothing"}).Status; status != 404 {
			t.Errorf("another path: HTTP %d", status)
		}
	})
}

// What every example answers to every kind of call of V2, and to the order notice.
func TestV2(t *testing.T) {
	each(t, func(t *testing.T, l language) {
		s := start(t, l, "NOTIFY_KEY=general-key")
		order := v2.NewInstance{OrderID: "CS1", OrderLineID: "CS1-000001", BusinessID: "b1"}
		made := s.v2(t, order)
		expect(t, "newInstance", made, "000000")
		id := made.InstanceID
		order.BusinessID = "b2"
		if again := s.v2(t, order); again.InstanceID != id {
			t.Errorf("the order line again: %q, then %q", id, again.InstanceID)
		}
		other := s.v2(t, v2.NewInstance{OrderID: "CS1", OrderLineID: "CS1-000002", BusinessID: "b3"})
		if other.InstanceID == id {
			t.Errorf("two order lines share %q", id)
		}
		if debug := s.v2(t, order, true); debug.InstanceID == id || !debug.OK {
			t.Errorf("a debugging call shares the real instance %q", id)
		}
		both := s.v2(t, v2.QueryInstance{InstanceIDs: []string{id, other.InstanceID, "nobody"}})
		expect(t, "queryInstance", both, "000000")
		if len(both.Info) != 2 || both.Info[0].App == nil || both.Info[0].App.UserName != "admin" || both.Info[0].App.FrontEndURL == "" {
			t.Errorf("info: %+v", both.Info)
		}
		refresh := v2.RefreshInstance{Scene: v2.SceneRenewal, OrderID: "CS2", OrderLineID: "CS2-000001", InstanceID: id, ExpireTime: "20280101000000"}
		foreign := refresh
		foreign.InstanceID = "nobody"
		late := refresh
		late.OrderID = "CS3"
		upgrade := v2.UpgradeInstance{InstanceID: id, OrderID: "CS4", OrderLineID: "CS4-000001"}
		check := v2.ChangeInstanceCheck{InstanceID: id, Product: v2.ProductInfo{SKUCode: "s", ProductID: "p", LinearValue: 20}}
		text := check
		text.AsString = true
		for _, step := range []struct {
			call v2.Call
			code string
		}{
			{refresh, "000000"}, {refresh, "000000"}, {foreign, "000003"},
			{v2.UpdateInstanceStatus{InstanceID: id, Status: v2.StatusFreeze}, "000000"}, {v2.UpdateInstanceStatus{InstanceID: id, Status: v2.StatusFreeze}, "000000"},
			{v2.UpdateInstanceStatus{InstanceID: id, Status: v2.StatusUnfreeze}, "000000"},
			{v2.UpdateInstanceStatus{InstanceID: "nobody", Status: v2.StatusFreeze}, "000003"},
			{upgrade, "000000"}, {upgrade, "000000"}, {check, "000000"}, {text, "000000"},
			{v2.QueryInstance{InstanceIDs: []string{"nobody"}}, "000003"},
			{v2.ReleaseInstance{InstanceID: "nobody"}, "000003"},
			{v2.ReleaseInstance{InstanceID: id, OrderID: "CS5", OrderLineID: "CS5-000001"}, "000000"}, {v2.ReleaseInstance{InstanceID: id}, "000000"},
			{upgrade, "000000"}, {late, "000003"}, {v2.QueryInstance{InstanceIDs: []string{id}}, "000003"},
		} {
			expect(t, fmt.Sprintf("%T", step.call), s.v2(t, step.call), step.code)
		}
		expect(t, "release of what never was, debugging", s.v2(t, v2.ReleaseInstance{InstanceID: "invented"}, true), "000000")

		address, _ := v2.ParseAddress(s.url)
		post := func(body string, change func(*production.Request)) production.Verdict {
			r := v2.Post([]byte(body), address, key, rand.Text(), time.Now())
			if change != nil {
				change(&r)
			}
			return v2.Judge("x", send(r), v2.Judging{Debugging: true}, key)
		}
		query := `{"activity":"queryInstance","instanceId":"` + other.InstanceID + `"}`
		expect(t, "blanks and other orders in the body", post("{ \"instanceId\" : \""+other.InstanceID+"\",\n\"activity\":\"queryInstance\",\"2\":2,\"1\":{} }\n", nil), "000000")
		expect(t, "unknown activity", post(`{"activity":"nothing"}`, nil), "000002")
		expect(t, "no activity", post(`{}`, nil), "000002")
		expect(t, "an array", post(`[]`, nil), "000002")
		expect(t, "not JSON", post(`{`, nil), "000002")
		expect(t, "missing member", post(`{"activity":"releaseInstance"}`, nil), "000002")
		expect(t, "null member", post(`{"activity":"releaseInstance","instanceId":null}`, nil), "000002")
		expect(t, "unknown status", post(`{"activity":"updateInstanceStatus","instanceId":"`+other.InstanceID+`","status":"FROZEN"}`, nil), "000002")
		expect(t, "altered body", post(query, func(r *production.Request) { r.Body = append(r.Body, ' ') }), "000001")
		expect(t, "lower-case signature", post(query, func(r *production.Request) {
			head, tail, _ := strings.Cut(r.URL, "signature=")
			r.URL = head + "signature=" + strings.ToLower(tail[:64]) + tail[64:]
		}), "000000")
		expect(t, "no signature", post(query, func(r *production.Request) { r.URL = strings.Replace(r.URL, "signature=", "sign=", 1) }), "000001")
		expect(t, "no nonce", post(query, func(r *production.Request) { r.URL = strings.Replace(r.URL, "nonce=", "once=", 1) }), "000002")
		expect(t, "no timestamp", post(query, func(r *production.Request) { r.URL = strings.Replace(r.URL, "timestamp=", "time=", 1) }), "000002")
		for _, off := range []time.Duration{-70 * time.Second, 70 * time.Second, -10 * time.Minute} {
			expect(t, "stamp off by "+off.String(), v2.Judge("x", send(v2.Post([]byte(query), address, key, rand.Text(), time.Now().Add(off))), v2.Judging{}, key), "000002")
		}
		once := v2.Post([]byte(query), address, key, rand.Text(), time.Now())
		send(once)
		expect(t, "the same request again", v2.Judge("x", send(once), v2.Judging{Debugging: true}, key), "000002")
		for range 5 {
			at := v2.Post([]byte(query), address, key, rand.Text(), time.Now())
			var taken atomic.Int32
			var calls sync.WaitGroup
			for range 8 {
				calls.Go(func() {
					if v2.Judge("x", send(at), v2.Judging{Debugging: true}, key).OK {
						taken.Add(1)
					}
				})
			}
			if calls.Wait(); taken.Load() != 1 {
				t.Errorf("one request sent eight times at once was taken %d times", taken.Load())
			}
		}

		to, _ := v2.ParseAddress(strings.Replace(s.url, "/produce", "/notify", 1))
		for signedWith, code := range map[string]string{"general-key": "000000", key: "000001"} {
			notice, err := ordernotify.Build(ordernotify.Notice{OrderID: "CS1", OrderLineID: "CS1-000001"}, false, to, signedWith, rand.Text(), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			expect(t, "orderNotify signed with "+signedWith, ordernotify.Judge(send(notice), false), code)
		}
	})
}

// V2 sends ids only: the order is read, signed, before anything is done.
func TestOrderIsReadBeforeV2Acts(t *testing.T) {
	each(t, func(t *testing.T, l language) {
		var mu sync.Mutex
		var problems []string
		asked := map[string]int{}
		market := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			_, err := aksk.Verify(aksk.Request{Method: r.Method, Target: r.RequestURI, Host: r.Host, Header: r.Header}, time.Now(),
				func(ak string) (string, bool) { return "secret", ak == "access" }, aksk.Options{})
			if err != nil {
				problems = append(problems, err.Error())
			}
			if r.URL.Path != "/api/mkp-openapi-public/global/v1/order/query" {
				problems = append(problems, r.URL.Path)
			}
			order, line := r.URL.Query().Get("orderId"), r.URL.Query().Get("orderLineId")
			asked[order]++
			if order == "CS-unknown" {
				w.WriteHeader(400)
				_, _ = io.WriteString(w, `{"resultCode":"MKT.0101","resultMsg":"unknown"}`)
				return
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"resultCode": "MKT.0000", "resultMsg": "success", "orderInfo": map[string]any{
				"orderId": order, "orderType": "NEW", "createTime": "20260101000000", "orderLine": []any{map[string]any{
					"orderLineId": line, "chargingMode": "PERIOD", "expireTime": "20270101000000", "newMember": nil,
					"productInfo": []any{map[string]any{"productId": "product-of-" + order, "skuCode": "sku", "linearValue": 7}},
				}},
			}})
		}))
		defer market.Close()
		data := t.TempDir()
		s := start(t, l, "DATA="+data, "MARKETPLACE="+market.URL, "AK=access", "SK=secret")
		order := func(id string) v2.NewInstance {
			return v2.NewInstance{OrderID: id, OrderLineID: id + "-000001", BusinessID: rand.Text()}
		}
		made := s.v2(t, order("CS1"))
		expect(t, "newInstance", made, "000000")
		expect(t, "newInstance again", s.v2(t, order("CS1")), "000000")
		expect(t, "an order that cannot be read", s.v2(t, order("CS-unknown")), "000005")
		expect(t, "debugging", s.v2(t, order("CS-debug"), true), "000000")
		upgrade := v2.UpgradeInstance{InstanceID: made.InstanceID, OrderID: "CS2", OrderLineID: "CS2-000001"}
		expect(t, "upgrade", s.v2(t, upgrade), "000000")
		expect(t, "upgrade again", s.v2(t, upgrade), "000000")
		expect(t, "upgrade to what cannot be read", s.v2(t, v2.UpgradeInstance{InstanceID: made.InstanceID, OrderID: "CS-unknown", OrderLineID: "CS-unknown-000001"}), "000005")
		expect(t, "change upon renewal", s.v2(t, v2.RefreshInstance{Scene: v2.SceneRenewalChange, OrderID: "CS3", OrderLineID: "CS3-000001", InstanceID: made.InstanceID, ExpireTime: "20280101000000"}), "000000")
		mu.Lock()
		defer mu.Unlock()
		if len(problems) > 0 {
			t.Errorf("order query: %q", problems)
		}
		if asked["CS1"] != 1 || asked["CS2"] != 1 || asked["CS3"] != 1 || asked["CS-debug"] != 0 {
			t.Errorf("orders read: %v", asked)
		}
		if kept := everything(t, data); !strings.Contains(kept, "product-of-CS3") || !strings.Contains(kept, "20280101000000") {
			t.Errorf("the seller keeps %s", kept)
		}
	})
}

// everything is all that the seller wrote to disk.
func everything(t *testing.T, directory string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(directory, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		all.Write(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(`\u0026`, "&", `\/`, "/").Replace(all.String()) // spellings of JSON
}

// Many calls for one order at once, while the power goes: one instance, before and after.
func TestOneInstancePerOrder(t *testing.T) {
	const rounds, workers = 3, 8
	each(t, func(t *testing.T, l language) {
		s := start(t, l)
		create := map[string]func(order string) production.Verdict{
			"v1": func(order string) production.Verdict { return s.v1(t, orderV1(order, rand.Text())) },
			"v2": func(order string) production.Verdict {
				return s.v2(t, v2.NewInstance{OrderID: order, OrderLineID: order + "-000001", BusinessID: rand.Text()})
			},
		}
		var mu sync.Mutex
		seen := map[string]map[string]int{} // order → instance → answers
		note := func(order, id string) {
			mu.Lock()
			defer mu.Unlock()
			if seen[order] == nil {
				seen[order] = map[string]int{}
			}
			seen[order][id]++
		}
		beforeDeath := 0
		for generation, call := range create {
			for round := range rounds {
				order := fmt.Sprintf("CS-%s-%d", generation, round)
				answered := make(chan struct{}, 1)
				var calls sync.WaitGroup
				for range workers {
					calls.Go(func() {
						for v := call(order); v.OK; v = call(order) {
							note(order, v.InstanceID)
							select {
							case answered <- struct{}{}:
							default:
							}
						}
					})
				}
				if round == 0 {
					<-answered
					beforeDeath++
				} else { // anywhere, also between acting and answering
					time.Sleep(time.Duration(round) * 4 * time.Millisecond)
				}
				s.kill()
				calls.Wait()
				beforeDeath += len(answered)
				s.start(t)
				again := call(order)
				expect(t, order, again, "000000")
				note(order, again.InstanceID)
			}
		}
		all := map[string]bool{}
		for order, ids := range seen {
			if len(ids) != 1 {
				t.Errorf("%s has %d instances: %v", order, len(ids), ids)
			}
			for id := range ids {
				all[id] = true
			}
		}
		if len(seen) != 2*rounds || len(all) != len(seen) {
			t.Errorf("%d orders, %d instances", len(seen), len(all))
		}
		if beforeDeath == 0 {
			t.Error("no answer came before a death: nothing was shown")
		}
	})
}
