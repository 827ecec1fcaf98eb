package isv_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/isv"
	"github.com/souk-market/souk/protocol/ordernotify"
	"github.com/souk-market/souk/protocol/production"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/sealed"
)

// send puts a request on the wire as the marketplace would.
func send(r production.Request) production.Answer {
	request, err := http.NewRequest(r.Method, r.URL, strings.NewReader(string(r.Body)))
	if err != nil {
		return production.Answer{TransportErr: err}
	}
	for _, h := range r.Headers {
		request.Header.Set(h.Name, h.Value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return production.Answer{TransportErr: err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return production.Answer{Status: response.StatusCode, Headers: response.Header, Body: body, TransportErr: err}
}

func judge(r production.Request, activity v1.Activity) string {
	v := v1.Judge(activity, send(r), v1.Judging{Debugging: true}, "key")
	if !v.OK {
		return fmt.Sprint(v.Reason, " ", v.ResultCode, " ", v.ResultMsg)
	}
	return v.InstanceID + " " + v.App.FrontEndURL + " " + v.App.UserName + " " + v.App.Password
}

// recorder is a Seller that writes down what it is asked to do.
type recorder struct {
	mu     sync.Mutex
	calls  []string
	last   isv.Creation
	fail   error
	entry  isv.Entry
	ready  error
	during func()
}

func (r *recorder) note(format string, values ...any) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, fmt.Sprintf(format, values...))
	return r.fail
}

func (r *recorder) Create(_ context.Context, c isv.Creation) error {
	if r.during != nil {
		r.during()
	}
	err := r.note("create %s %s%s repeated=%v", c.InstanceID, c.OrderID, c.OrderLineID, c.Repeated)
	r.mu.Lock()
	r.last = c
	r.mu.Unlock()
	return err
}
func (r *recorder) Renew(_ context.Context, c isv.Renewal) error {
	return r.note("renew %s %s %s %s", c.InstanceID, c.OrderID, c.ExpireTime, c.Scene)
}
func (r *recorder) Freeze(_ context.Context, c isv.Change) error {
	return r.note("freeze %s", c.InstanceID)
}
func (r *recorder) Unfreeze(_ context.Context, c isv.Change) error {
	return r.note("unfreeze %s", c.InstanceID)
}
func (r *recorder) Release(_ context.Context, c isv.Change) error {
	return r.note("release %s %s", c.InstanceID, c.OrderID)
}
func (r *recorder) Upgrade(_ context.Context, u isv.Upgrade) error {
	return r.note("upgrade %s %s %s", u.InstanceID, u.OrderID, u.Amount)
}
func (r *recorder) Describe(context.Context, string) (isv.Entry, error) { return r.entry, r.ready }
func (r *recorder) CheckChange(_ context.Context, c isv.SizeChange) error {
	return r.note("check %s %s %s %s", c.InstanceID, c.SKUCode, c.ProductID, c.LinearValue)
}
func (r *recorder) OrderNotified(_ context.Context, n isv.Notice) error {
	return r.note("notified %s %s", n.OrderID, n.OrderLineID)
}

type licenser struct{ recorder }

func (l *licenser) License(_ context.Context, c isv.Creation) (string, error) {
	return "license-of-" + c.InstanceID, l.note("license %s %v", c.InstanceID, c.Extensions)
}

// market is the marketplace's side of one seller.
type market struct {
	t    *testing.T
	url  string
	path string // of the journal
	now  time.Time
}

func start(t *testing.T, seller isv.Seller, change ...func(*isv.Config)) *market {
	t.Helper()
	m := &market{t: t, path: filepath.Join(t.TempDir(), "journal.jsonl"), now: time.Now()}
	m.serve(seller, change...)
	return m
}

func (m *market) serve(seller isv.Seller, change ...func(*isv.Config)) {
	store, err := isv.OpenFileStore(m.path)
	if err != nil {
		m.t.Fatal(err)
	}
	config := isv.Config{Keys: []string{"key", "old-key"}, NotifyKeys: []string{"general"}, Store: store}
	for _, f := range change {
		f(&config)
	}
	handler, err := isv.New(config, seller)
	if err != nil {
		m.t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	m.t.Cleanup(func() { server.Close(); _ = store.Close() })
	m.url = server.URL
}

func (m *market) v1(call v1.Call, settings v1.Settings, keys ...string) production.Verdict {
	m.t.Helper()
	address, err := v1.ParseAddress(m.url + "/produce?own=x%20y")
	if err != nil {
		m.t.Fatal(err)
	}
	keys = append(keys, "key")
	request, err := v1.Build(call, settings, address, keys[0], m.now)
	if err != nil {
		m.t.Fatal(err)
	}
	return v1.Judge(call.Activity(), send(request), v1.Judging{}, keys[0])
}

func (m *market) v2Request(call v2.Call) production.Request {
	m.t.Helper()
	address, err := v2.ParseAddress(m.url + "/produce?own=x%20y")
	if err != nil {
		m.t.Fatal(err)
	}
	nonce, err := v2.NewNonce(rand.Reader)
	if err != nil {
		m.t.Fatal(err)
	}
	request, err := v2.Build(call, false, address, "key", nonce, m.now)
	if err != nil {
		m.t.Fatal(err)
	}
	return request
}

func (m *market) v2(call v2.Call) production.Verdict {
	m.t.Helper()
	judging := v2.Judging{}
	if q, ok := call.(v2.QueryInstance); ok {
		judging.Asked = q.InstanceIDs
	}
	return v2.Judge(call.Activity(), send(m.v2Request(call)), judging, "key")
}

func order(change func(*v1.NewInstance)) v1.NewInstance {
	n := v1.NewInstance{CustomerID: "c1", CustomerName: "云 &=+%/ '~*", BusinessID: "b1", OrderID: "CS1", ProductID: "p1", ChargingMode: v1.Period,
		ExpireTime: "20270101000000", PeriodType: "month", PeriodNumber: 1, Quantity: v1.Quantity{Amount: 20},
		Extensions: []v1.Extension{{Name: "ip", Value: "上海>?~"}}, OrderAmount: "9.50"}
	if change != nil {
		change(&n)
	}
	return n
}

func TestLifeOfAV1Instance(t *testing.T) {
	r := &recorder{entry: isv.Entry{FrontEndURL: "https://x", UserName: "管理", Password: "p+/=", Usage: []isv.Usage{{Value: "1.50", At: time.UnixMilli(1)}}}}
	m := start(t, r)
	mobile, err := sealed.Seal("key", sealed.AES256, "13800138000", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // every call twice: the second changes nothing
		v := m.v1(order(func(n *v1.NewInstance) { n.MobilePhone = mobile }), v1.Settings{})
		if !v.OK || v.InstanceID != "b1" || v.App == nil || v.App.UserName != "管理" || v.App.Password != "p+/=" {
			t.Fatalf("newInstance: %+v", v)
		}
		for _, call := range []v1.Call{
			v1.RefreshInstance{OrderID: "CS2", InstanceID: "b1", ExpireTime: "20280101000000"},
			v1.Upgrade{InstanceID: "b1", OrderID: "CS3", SKUCode: "s2", ProductID: "p2", Quantity: v1.Quantity{Amount: 40}},
			v1.ExpireInstance{InstanceID: "b1", OrderID: "CS1"},
			v1.InstanceStatus{InstanceID: "b1", Status: v1.StatusNormal},
			v1.ReleaseInstance{InstanceID: "b1", OrderID: "CS1"},
		} {
			if v := m.v1(call, v1.Settings{}); !v.OK || v.ResultMsg != "success." {
				t.Fatalf("%s: %+v", call.Activity(), v)
			}
		}
	}
	want := []string{"create b1 CS1 repeated=false", "renew b1 CS2 20280101000000 ", "upgrade b1 CS3 40", "freeze b1", "unfreeze b1", "release b1 CS1", "freeze b1", "unfreeze b1"}
	if diff := cmp.Diff(want, r.calls); diff != "" {
		t.Error(diff)
	}
	c := r.last
	if c.MobilePhone != "13800138000" || c.CustomerName != "云 &=+%/ '~*" || c.Amount != "20" || c.OrderAmount != "9.5" || len(c.Extensions) != 1 || c.Extensions[0].Value != "上海>?~" {
		t.Errorf("the seller read %+v", c)
	}
	v := m.v1(v1.QueryInstance{InstanceIDs: []string{"b1", "b2"}}, v1.Settings{})
	if !v.OK || len(v.Info) != 2 || v.Info[0].Usage[0] != (production.Usage{Value: "1.5", StatisticalTime: "19700101000000001"}) {
		t.Errorf("queryInstance: %+v", v)
	}
}

func TestLifeOfAV2Instance(t *testing.T) {
	r := &recorder{entry: isv.Entry{FrontEndURL: "https://x", UserName: "u", Password: "p"}, ready: isv.ErrNotReady}
	m := start(t, r)
	for i := range 2 {
		v := m.v2(v2.NewInstance{OrderID: "CS1", OrderLineID: "CS1-000001", BusinessID: fmt.Sprint("b", i)})
		if !v.OK || v.InstanceID != "b0" {
			t.Fatalf("newInstance: %+v", v)
		}
	}
	if state, _ := v2.JudgePoll("b0", send(m.v2Request(v2.QueryInstance{InstanceIDs: []string{"b0"}})), false); state != v2.PollNotReady {
		t.Errorf("first poll: %s", state)
	}
	r.ready = nil
	if state, v := v2.JudgePoll("b0", send(m.v2Request(v2.QueryInstance{InstanceIDs: []string{"b0"}})), false); state != v2.PollReady || v.Info[0].App.Password != "p" {
		t.Errorf("second poll: %s %+v", state, v)
	}
	for _, call := range []v2.Call{
		v2.RefreshInstance{Scene: v2.SceneRenewal, OrderID: "CS2", OrderLineID: "CS2-000001", InstanceID: "b0", ExpireTime: "20280101000000"},
		v2.UpgradeInstance{InstanceID: "b0", OrderID: "CS3", OrderLineID: "CS3-000001"},
		v2.UpdateInstanceStatus{InstanceID: "b0", Status: v2.StatusFreeze},
		v2.UpdateInstanceStatus{InstanceID: "b0", Status: v2.StatusUnfreeze},
		v2.ChangeInstanceCheck{InstanceID: "b0", Product: v2.ProductInfo{SKUCode: "s", ProductID: "p", LinearValue: 20}},
		v2.ChangeInstanceCheck{InstanceID: "b0", Product: v2.ProductInfo{SKUCode: "s"}, AsString: true},
		v2.ReleaseInstance{InstanceID: "b0", OrderID: "CS4", OrderLineID: "CS4-000001"},
		v2.ReleaseInstance{InstanceID: "b0"},
	} {
		if v := m.v2(call); !v.OK {
			t.Fatalf("%s: %+v", call.Activity(), v)
		}
	}
	want := []string{"create b0 CS1CS1-000001 repeated=false", "renew b0 CS2 20280101000000 RENEWAL", "upgrade b0 CS3 ", "freeze b0", "unfreeze b0",
		"check b0 s p 20", "check b0 s  ", "release b0 CS4"}
	if diff := cmp.Diff(want, r.calls); diff != "" {
		t.Error(diff)
	}
}

func TestOrderNotificationHasItsOwnKey(t *testing.T) {
	r := &recorder{}
	m := start(t, r)
	address, _ := v2.ParseAddress(m.url)
	for key, want := range map[string]string{"general": "000000", "key": "000001"} {
		request, err := ordernotify.Build(ordernotify.Notice{OrderID: "CS1", OrderLineID: "CS1-000001"}, false, address, key, "nonce-"+key, m.now)
		if err != nil {
			t.Fatal(err)
		}
		if v := ordernotify.Judge(send(request), true); v.ResultCode != want {
			t.Errorf("%s: %+v", key, v)
		}
	}
	if diff := cmp.Diff([]string{"notified CS1 CS1-000001"}, r.calls); diff != "" {
		t.Error(diff)
	}
}

func TestForgedAndReplayedCallsAreRefused(t *testing.T) {
	r := &recorder{}
	m := start(t, r)
	if v := m.v1(order(nil), v1.Settings{}, "wrong-key"); v.Reason != production.ReasonBodySignValue {
		t.Errorf("V1 with a wrong key: %+v", v)
	}
	request := m.v2Request(v2.NewInstance{OrderID: "CS1", OrderLineID: "l", BusinessID: "b"})
	changed := request
	changed.Body = []byte(strings.Replace(string(request.Body), "CS1", "CS9", 1))
	if v := v2.Judge(v2.ActivityNewInstance, send(changed), v2.Judging{}); v.ResultCode != "000001" {
		t.Errorf("changed body: %+v", v)
	}
	if v := v2.Judge(v2.ActivityNewInstance, send(request), v2.Judging{}); !v.OK {
		t.Errorf("genuine: %+v", v)
	}
	if v := v2.Judge(v2.ActivityNewInstance, send(request), v2.Judging{}); v.ResultCode != "000002" {
		t.Errorf("replay: %+v", v)
	}
	m.now = m.now.Add(-v2.Window - time.Minute)
	if v := m.v2(v2.NewInstance{OrderID: "CS2", OrderLineID: "l", BusinessID: "b2"}); v.ResultCode != "000002" {
		t.Errorf("old stamp: %+v", v)
	}
	if len(r.calls) != 1 {
		t.Errorf("the seller was asked %v", r.calls)
	}
	if answer := send(production.Request{Method: "PUT", URL: m.url}); answer.Status != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %+v", answer)
	}
}

// While the two sides rotate, answers are signed and encrypted with the caller's key.
func TestOldKeyStillWorksDuringARotation(t *testing.T) {
	m := start(t, &recorder{entry: isv.Entry{FrontEndURL: "x", Password: "secret"}})
	if v := m.v1(order(nil), v1.Settings{}, "old-key"); !v.OK || v.App.Password != "secret" {
		t.Errorf("%+v", v)
	}
}

func TestPayPerUseMakesOneInstancePerProduct(t *testing.T) {
	r := &recorder{}
	m := start(t, r)
	ids := map[string]bool{}
	for i, product := range []string{"p1", "p2", "p3", "p1"} {
		v := m.v1(order(func(n *v1.NewInstance) {
			n.ChargingMode, n.ProductID, n.BusinessID, n.Quantity = v1.PayPerUse, product, fmt.Sprint("b", i), v1.Quantity{}
		}), v1.Settings{})
		if !v.OK {
			t.Fatalf("%+v", v)
		}
		ids[v.InstanceID] = true
	}
	if len(ids) != 3 || len(r.calls) != 3 {
		t.Errorf("%v %v", ids, r.calls)
	}
}

// A repeated businessId must not give two orders one instance.
func TestInstanceIdsAreUnique(t *testing.T) {
	m := start(t, &recorder{})
	first := m.v1(order(nil), v1.Settings{})
	second := m.v1(order(func(n *v1.NewInstance) { n.OrderID = "CS2" }), v1.Settings{})
	if !first.OK || !second.OK || first.InstanceID == second.InstanceID || len(second.InstanceID) != 32 {
		t.Errorf("%+v %+v", first, second)
	}
}

func TestConcurrentCallsOfOneOrderMakeOneInstance(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	var once sync.Once
	r := &recorder{during: func() { once.Do(func() { close(entered) }); <-leave }}
	m := start(t, r)
	const callers = 20
	ids := make(chan string, callers)
	for i := range callers {
		go func() {
			ids <- m.v1(order(func(n *v1.NewInstance) { n.BusinessID = fmt.Sprint("b", i) }), v1.Settings{}).InstanceID
		}()
	}
	<-entered
	close(leave)
	first := <-ids
	for range callers - 1 {
		if id := <-ids; id != first || id == "" {
			t.Errorf("%q beside %q", id, first)
		}
	}
	if len(r.calls) != 1 {
		t.Errorf("created %v", r.calls)
	}
}

// A failed attempt is tried again under the same id; a restart remembers it.
func TestRetriesKeepTheInstanceIdAcrossARestart(t *testing.T) {
	r := &recorder{fail: errors.New("database is down")}
	m := start(t, r)
	if v := m.v1(order(nil), v1.Settings{}); v.ResultCode != "000005" || strings.Contains(v.ResultMsg, "database") {
		t.Errorf("%+v", v)
	}
	r.fail = &isv.Refusal{Code: "000106", Message: "sold out"}
	if v := m.v1(order(func(n *v1.NewInstance) { n.BusinessID = "b2" }), v1.Settings{}); v.ResultCode != "000106" || v.ResultMsg != "sold out" {
		t.Errorf("%+v", v)
	}
	r.fail = nil
	m.serve(r) // another process with the same journal
	for _, business := range []string{"b3", "b4"} {
		if v := m.v1(order(func(n *v1.NewInstance) { n.BusinessID = business }), v1.Settings{}); v.InstanceID != "b1" {
			t.Errorf("%+v", v)
		}
	}
	want := []string{"create b1 CS1 repeated=false", "create b1 CS1 repeated=true", "create b1 CS1 repeated=true"}
	if diff := cmp.Diff(want, r.calls); diff != "" {
		t.Error(diff)
	}
}

func TestMissingMembersAndUnknownActivities(t *testing.T) {
	m := start(t, &recorder{})
	address, _ := v1.ParseAddress(m.url)
	for query, want := range map[string]string{"activity=resetPassword": "activity", "activity=newInstance": "customerId", "activity=instanceStatus&instanceId=i&instanceStatus=X": "instanceStatus", "activity=getLicense&customerId=c&businessId=b&orderId=o&productId=p": "licences"} {
		var params []v1.Param
		for pair := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(pair, "=")
			params = append(params, v1.Param{Name: name, Value: value})
		}
		v := v1.Judge("x", send(v1.Sign(params, address, "key", v1.TimeStamp(m.now))), v1.Judging{}, "key")
		if v.ResultCode != "000002" || !strings.Contains(v.ResultMsg, want) {
			t.Errorf("%s: %+v", query, v)
		}
	}
	to, _ := v2.ParseAddress(m.url)
	for i, body := range []string{`{"activity":"expireInstance"}`, `{"activity":"newInstance","orderId":"o"}`, `{"activity":"updateInstanceStatus","instanceId":"i","status":"FROZEN"}`,
		`{"activity":"changeInstanceCheck","instanceId":"i"}`, `{"activity":"changeInstanceCheck","instanceId":"i","productInfo":"{"}`, `[]`, `{"activity":1}`} {
		v := v2.Judge("x", send(v2.Post([]byte(body), to, "key", fmt.Sprint("n", i), m.now)), v2.Judging{})
		if v.ResultCode != "000002" {
			t.Errorf("%s: %+v", body, v)
		}
	}
}

func TestDebuggingCallsNeedNoInstance(t *testing.T) {
	r := &recorder{fail: isv.ErrNoInstance}
	m := start(t, r)
	release := v1.ReleaseInstance{InstanceID: "huaiweitest123456", OrderID: "CS1906666666ABCDE"}
	if v := m.v1(release, v1.Settings{Debug: true}); !v.OK {
		t.Errorf("debugging: %+v", v)
	}
	if v := m.v1(release, v1.Settings{}); v.ResultCode != "000003" {
		t.Errorf("real: %+v", v)
	}
}

func TestLicences(t *testing.T) {
	l := &licenser{}
	m := start(t, l)
	call := v1.GetLicense{CustomerID: "c1", BusinessID: "b1", OrderID: "CS1", ProductID: "p1", ChargingMode: v1.OneTime, Extensions: []v1.Extension{{Name: "identificationCode", Value: "M1"}}}
	for range 2 {
		if v := m.v1(call, v1.Settings{}); !v.OK || v.License != "license-of-b1" || v.InstanceID != "b1" {
			t.Errorf("%+v", v)
		}
		call.BusinessID = "b2"
	}
	for _, c := range []v1.Call{v1.RefreshLicense{OrderID: "CS2", InstanceID: "b1", ExpireTime: "20280101000000"}, v1.ExpireLicense{InstanceID: "b1", OrderID: "CS1"}, v1.ReleaseLicense{InstanceID: "b1", OrderID: "CS1"}} {
		if v := m.v1(c, v1.Settings{}); !v.OK {
			t.Errorf("%s: %+v", c.Activity(), v)
		}
	}
	if l.calls[0] != "license b1 [{identificationCode M1}]" {
		t.Errorf("%v", l.calls)
	}
}

func TestConfigurationsThatCannotWork(t *testing.T) {
	store, err := isv.OpenFileStore(filepath.Join(t.TempDir(), "j"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, c := range []isv.Config{{Store: store}, {Keys: []string{"k"}}, {Keys: []string{""}, Store: store}, {Keys: []string{"k"}, NotifyKeys: []string{""}, Store: store}} {
		if _, err := isv.New(c, &recorder{}); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

// A seller may refuse old calls of V1, which live on in access logs.
// spec: 10 §1.3
func TestStampWindowV1(t *testing.T) {
	m := start(t, &recorder{}, func(c *isv.Config) { c.StampWindow = 15 * time.Minute })
	call := v1.InstanceStatus{InstanceID: "i", Status: v1.StatusFreeze}
	for off, want := range map[time.Duration]string{
		0: "000000", 14 * time.Minute: "000000", -14 * time.Minute: "000000", 16 * time.Minute: "000002", -16 * time.Minute: "000002",
	} {
		m.now = time.Now().Add(off)
		if got := m.v1(call, v1.Settings{}); got.ResultCode != want {
			t.Errorf("%v off: %s %s, want %s", off, got.ResultCode, got.ResultMsg, want)
		}
	}
	for _, stamp := range []string{"20260101", "2026010112000000x", "20261301120000000"} {
		address, _ := v1.ParseAddress(m.url)
		params, _ := v1.Parameters(call, v1.Settings{})
		if got := v1.Judge(call.Activity(), send(v1.Sign(params, address, "key", stamp)), v1.Judging{}, "key"); got.ResultCode != "000002" {
			t.Errorf("%q: %s", stamp, got.ResultCode)
		}
	}
}
