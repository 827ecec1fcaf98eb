package sellersim

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/isv"
	"github.com/souk-market/souk/protocol/ordernotify"
	"github.com/souk-market/souk/protocol/production"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
)

// market plays the marketplace towards one seller.
type market struct {
	t       *testing.T
	sim     *Sim
	url     string
	timeout time.Duration
	header  http.Header // instead of the request's own, when set
}

func start(t *testing.T, protocol isv.Generation, change ...func(*Options)) *market {
	t.Helper()
	options := Options{Protocol: protocol, Key: "key", GeneralKey: "general", Dir: t.TempDir()}
	for _, f := range change {
		f(&options)
	}
	sim, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	sim.SetBaseURL(server.URL)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	return &market{t: t, sim: sim, url: server.URL, timeout: 10 * time.Second}
}

func (m *market) faults(texts ...string) {
	m.t.Helper()
	body, _ := json.Marshal(map[string]any{"faults": texts})
	response, err := http.Post(m.url+PathFault, "application/json", bytes.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		m.t.Fatalf("%v: %s", texts, text)
	}
}

func (m *market) send(r production.Request) production.Answer {
	request, err := http.NewRequest(r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		m.t.Fatal(err)
	}
	for _, h := range r.Headers {
		request.Header.Set(h.Name, h.Value)
	}
	if m.header != nil {
		request.Header = m.header
	}
	client := &http.Client{Timeout: m.timeout, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return production.Answer{TransportErr: err, TimedOut: os.IsTimeout(err)}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, production.MaxBody+1))
	return production.Answer{Status: response.StatusCode, Headers: response.Header, Body: body, TransportErr: err, TooLarge: len(body) > production.MaxBody}
}

func (m *market) v1Request(call v1.Call, settings v1.Settings) production.Request {
	m.t.Helper()
	address, err := v1.ParseAddress(m.url + PathProduce)
	if err != nil {
		m.t.Fatal(err)
	}
	request, err := v1.Build(call, settings, address, "key", time.Now())
	if err != nil {
		m.t.Fatal(err)
	}
	return request
}

func (m *market) v1(call v1.Call) production.Verdict {
	m.t.Helper()
	return v1.Judge(call.Activity(), m.send(m.v1Request(call, v1.Settings{})), v1.Judging{}, "key")
}

func (m *market) v2Request(call v2.Call, now time.Time) production.Request {
	m.t.Helper()
	address, err := v2.ParseAddress(m.url + PathProduce)
	if err != nil {
		m.t.Fatal(err)
	}
	nonce, err := v2.NewNonce(rand.Reader)
	if err != nil {
		m.t.Fatal(err)
	}
	request, err := v2.Build(call, false, address, "key", nonce, now)
	if err != nil {
		m.t.Fatal(err)
	}
	return request
}

func (m *market) v2(call v2.Call) production.Verdict {
	m.t.Helper()
	return v2.Judge(call.Activity(), m.send(m.v2Request(call, time.Now())), v2.Judging{})
}

func (m *market) poll(id string) (v2.PollState, production.Verdict) {
	m.t.Helper()
	return v2.JudgePoll(id, m.send(m.v2Request(v2.QueryInstance{InstanceIDs: []string{id}}, time.Now())), false)
}

// get reads a JSON page of the seller.
func (m *market) get(path string, into any) {
	m.t.Helper()
	response, err := http.Get(m.url + path)
	if err != nil {
		m.t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		m.t.Fatal(err)
	}
}

var businesses int

// creation is a new call for an order: every call has a business id of its own.
func creation(order string) v1.NewInstance {
	businesses++
	return v1.NewInstance{CustomerID: "c1", CustomerName: "买家", BusinessID: fmt.Sprint("business-", businesses), OrderID: order, ProductID: "p1", ChargingMode: v1.OneTime}
}

func creationV2(order string) v2.NewInstance {
	businesses++
	return v2.NewInstance{OrderID: order, OrderLineID: order + "-000001", BusinessID: fmt.Sprint("business-", businesses)}
}

func activities(s Snapshot) []string {
	names := []string{}
	for _, call := range s.Calls {
		names = append(names, call.Activity)
	}
	return names
}

func TestAWellBehavedV1Seller(t *testing.T) {
	m := start(t, isv.V1)
	first := m.v1(creation("CS1"))
	if !first.OK || first.App == nil || first.App.UserName == "" || first.App.Password == "" || first.App.FrontEndURL != m.url+"/instances/"+first.InstanceID {
		t.Fatalf("%+v %+v", first, first.App)
	}
	if again := m.v1(creation("CS1")); again.InstanceID != first.InstanceID || again.App.Password != first.App.Password {
		t.Errorf("repetition: %+v", again)
	}
	id := first.InstanceID
	for _, step := range []struct {
		call v1.Call
		want State
	}{
		{v1.ExpireInstance{InstanceID: id, OrderID: "CS1"}, StateFrozen},
		{v1.RefreshInstance{InstanceID: id, OrderID: "CS2", ExpireTime: "20280101000000"}, StateActive},
		{v1.Upgrade{InstanceID: id, OrderID: "CS3", SKUCode: "s2", ProductID: "p2", Quantity: v1.Quantity{Amount: 40}}, StateActive},
		{v1.InstanceStatus{InstanceID: id, Status: v1.StatusFreeze}, StateFrozen},
		{v1.ReleaseInstance{InstanceID: id, OrderID: "CS1"}, StateReleased},
		{v1.ReleaseInstance{InstanceID: id, OrderID: "CS1"}, StateReleased},
	} {
		if v := m.v1(step.call); !v.OK {
			t.Fatalf("%s: %+v", step.call.Activity(), v)
		}
		if got, _ := m.sim.record.instance(id); got.State != step.want {
			t.Errorf("after %s: %s", step.call.Activity(), got.State)
		}
	}
	var s Snapshot
	m.get(PathRecord, &s)
	want := []string{"newInstance", "freeze", "refreshInstance", "upgrade", "freeze", "releaseInstance"}
	if diff := cmp.Diff(want, activities(s)); diff != "" {
		t.Error(diff)
	}
	if i := s.Instances[0]; len(s.Instances) != 1 || i.OrderID != "CS1" || i.ProductID != "p2" || i.Amount != "40" || i.ExpireTime != "20280101000000" || s.Received["newInstance"] != 2 {
		t.Errorf("%+v", s)
	}
	if v := m.v1(v1.ExpireInstance{InstanceID: "unknown", OrderID: "CS1"}); v.ResultCode != "000003" {
		t.Errorf("unknown instance: %+v", v)
	}
	if a := m.send(m.v2Request(creationV2("CS9"), time.Now())); a.Status != http.StatusMethodNotAllowed {
		t.Errorf("a V2 call: %+v", a)
	}
}

// The order is read from the marketplace before the instance is made.
func TestAWellBehavedV2Seller(t *testing.T) {
	asked := []string{}
	marketplace := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RawQuery)
		order := r.URL.Query().Get("orderId")
		_, _ = fmt.Fprintf(w, `{"resultCode":"MKT.0000","orderInfo":{"orderId":%q,"orderType":"NEW","orderLine":[{"orderLineId":%q,"expireTime":"20270101000000","productInfo":[{"productId":"OFFI1","skuCode":"s1","linearValue":5}]}]}}`, order, order+"-000001")
	}))
	defer marketplace.Close()
	m := start(t, isv.V2, func(o *Options) {
		o.ReadyAfter, o.Marketplace, o.AccessKey, o.SecretKey = 2, marketplace.URL, "ak", "sk"
	})
	v := m.v2(creationV2("CS1"))
	if !v.OK {
		t.Fatalf("%+v", v)
	}
	if state, _ := m.poll(v.InstanceID); state != v2.PollNotReady {
		t.Errorf("first poll: %s", state)
	}
	state, ready := m.poll(v.InstanceID)
	if state != v2.PollReady || ready.Info[0].App.Password == "" {
		t.Errorf("second poll: %s %+v", state, ready)
	}
	address, _ := v2.ParseAddress(m.url + PathNotify)
	notice, err := ordernotify.Build(ordernotify.Notice{OrderID: "CS1", OrderLineID: "CS1-000001"}, false, address, "general", "nonce", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if v := ordernotify.Judge(m.send(notice), false); !v.OK {
		t.Errorf("notice: %+v", v)
	}
	wrong, _ := v2.ParseAddress(m.url + PathProduce)
	if a := m.send(v2.Post(notice.Body, wrong, "general", "other", time.Now())); a.Status != http.StatusBadRequest {
		t.Errorf("a notice at the delivery address: %+v", a)
	}
	var s Snapshot
	m.get(PathRecord, &s)
	if diff := cmp.Diff([]string{"newInstance", "ready", "orderNotify"}, activities(s)); diff != "" {
		t.Error(diff)
	}
	if i := s.Instances[0]; i.SKUCode != "s1" || i.Amount != "5" || i.LineID != "CS1-000001" || i.State != StateActive {
		t.Errorf("%+v", i)
	}
	if len(asked) != 2 {
		t.Errorf("orders read: %v", asked)
	}
}

// An order that cannot be read fails the creation, and nothing is made.
func TestAV2SellerWithoutItsOrder(t *testing.T) {
	m := start(t, isv.V2, func(o *Options) { o.Marketplace = "http://127.0.0.1:1" })
	if v := m.v2(creationV2("CS1")); v.ResultCode != "000005" {
		t.Errorf("%+v", v)
	}
	if s := m.sim.Record(); len(s.Instances) != 0 || len(s.Calls) != 0 || s.Received["newInstance"] != 1 {
		t.Errorf("%+v", s)
	}
}

func TestTheRecordSurvivesARestartAndACutLine(t *testing.T) {
	directory := t.TempDir()
	in := func(o *Options) { o.Dir = directory }
	m := start(t, isv.V1, in)
	id := m.v1(creation("CS1")).InstanceID
	m.v1(v1.ExpireInstance{InstanceID: id, OrderID: "CS1"})
	before := m.sim.Record()
	path := filepath.Join(directory, "record.jsonl")
	text, _ := os.ReadFile(path)
	if err := os.WriteFile(path, append(text, `{"kind":"acted","activi`...), 0o600); err != nil {
		t.Fatal(err)
	}
	again := start(t, isv.V1, in)
	if diff := cmp.Diff(before, again.sim.Record(), cmp.AllowUnexported(Instance{})); diff != "" {
		t.Error(diff)
	}
	if v := again.v1(creation("CS1")); v.InstanceID != id {
		t.Errorf("%+v", v)
	}
	if err := os.WriteFile(path, append([]byte("{\n"), text...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Protocol: isv.V1, Key: "key", Dir: directory}); err == nil {
		t.Error("damage in the middle went unnoticed")
	}
}

// A volatile seller behaves the same until its process ends.
func TestAVolatileSeller(t *testing.T) {
	m := start(t, isv.V1, func(o *Options) { o.Volatile = true })
	first, second := m.v1(creation("CS1")), m.v1(creation("CS1"))
	if !first.OK || first.InstanceID != second.InstanceID || len(m.sim.Record().Instances) != 1 {
		t.Errorf("%+v %+v", first, second)
	}
}

const childVariable = "SOUK_SELLERSIM_TEST_CHILD"

func TestMain(m *testing.M) {
	directory := os.Getenv(childVariable)
	if directory == "" {
		os.Exit(m.Run())
	}
	sim, err := New(Options{Protocol: isv.V1, Key: "key", Dir: directory})
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("http://" + listener.Addr().String())
	panic(http.Serve(listener, sim))
}

func spawn(t *testing.T, directory string) (*market, *exec.Cmd) {
	t.Helper()
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), childVariable+"="+directory)
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Process.Kill(); _ = process.Wait() })
	m := &market{t: t, timeout: 10 * time.Second}
	if _, err := fmt.Fscanln(out, &m.url); err != nil {
		t.Fatal(err)
	}
	return m, process
}

// The seller's process dies between acting and answering; its record on disk has the
// act, and the repetition makes no second instance.
func TestKilledBetweenActingAndAnswering(t *testing.T) {
	directory := t.TempDir()
	m, process := spawn(t, directory)
	m.faults("kill-after-act@newInstance")
	call := creation("CS1")
	if v := m.v1(call); !v.Unknown {
		t.Fatalf("the dying process answered %+v", v)
	}
	_ = process.Wait()
	m, _ = spawn(t, directory)
	v := m.v1(creation("CS1"))
	var s Snapshot
	m.get(PathRecord, &s)
	if !v.OK || v.InstanceID != call.BusinessID || len(s.Instances) != 1 || s.Received["newInstance"] != 2 || len(s.Calls) != 1 {
		t.Errorf("%+v %+v", v, s)
	}
}

func TestServeStopsGracefully(t *testing.T) {
	sim, err := New(Options{Protocol: isv.V1, Key: "key", Dir: t.TempDir(), Faults: []string{"dead@expireInstance"}})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &market{t: t, sim: sim, url: "http://" + listener.Addr().String(), timeout: time.Minute}
	stop := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { stop <- sim.Serve(ctx, listener) }()
	if v := m.v1(creation("CS1")); !v.OK {
		t.Errorf("%+v", v)
	}
	hanging := make(chan production.Verdict, 1)
	go func() { hanging <- m.v1(v1.ExpireInstance{InstanceID: "i", OrderID: "CS1"}) }()
	eventually(t, func() bool { return m.sim.Record().Received["expireInstance"] > 0 })
	cancel()
	if err := <-stop; err != nil {
		t.Error(err)
	}
	if v := <-hanging; !v.Unknown {
		t.Errorf("the hanging call: %+v", v)
	}
}

func TestOptionsThatCannotWork(t *testing.T) {
	for _, o := range []Options{{Protocol: "v3", Key: "k"}, {Protocol: isv.V1}, {Protocol: isv.V1, Key: "k", Faults: []string{"nonsense"}}} {
		o.Dir = t.TempDir()
		if _, err := New(o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}

func TestPages(t *testing.T) {
	m := start(t, isv.V1)
	v := m.v1(creation("CS1"))
	for path, want := range map[string]int{"/instances/" + v.InstanceID: 200, "/instances/unknown": 404, "/": 404, PathFault: 200, PathRecord: 200} {
		response, err := http.Get(m.url + path)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != want || want == 200 && strings.HasPrefix(path, "/instances") && !strings.Contains(string(text), "active") {
			t.Errorf("%s: %d %s", path, response.StatusCode, text)
		}
	}
	for _, body := range []string{"", `{"faults":["nonsense"]}`, `{"fault":["html"]}`, `{"faults":["slow=soon"]}`, `{"faults":["code"]}`, `{"faults":["html=1"]}`, `{"faults":["status=700"]}`, `{"faults":["fail-first=x"]}`} {
		response, err := http.Post(m.url+PathFault, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", body, response.StatusCode)
		}
	}
	var on struct{ Faults []string }
	m.faults("slow=3s@refreshInstance", "html")
	m.get(PathFault, &on)
	if diff := cmp.Diff([]string{"slow=3s@refreshInstance", "html"}, on.Faults); diff != "" {
		t.Error(diff)
	}
	if help := Help(); strings.Count(help, "\n  ") != len(Faults) {
		t.Errorf("help lists %d of %d faults", strings.Count(help, "\n  "), len(Faults))
	}
}
