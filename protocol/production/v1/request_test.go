package v1

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	period = NewInstance{
		CustomerID: "c1", CustomerName: "上海 A&B", BusinessID: "b1", OrderID: "CS1", SKUCode: "s1", ProductID: "p1",
		ChargingMode: Period, ExpireTime: "20260727153156", PeriodType: "month", PeriodNumber: 1,
		Quantity: Quantity{Amount: 20}, OrderAmount: "100.50",
	}
	sent = time.Date(2026, 6, 27, 7, 37, 11, 903e6, time.UTC)
)

func with(n NewInstance, change func(*NewInstance)) NewInstance { change(&n); return n }

func list(t *testing.T, call Call, settings Settings) string {
	t.Helper()
	params, err := Parameters(call, settings)
	if err != nil {
		t.Fatal(err)
	}
	lines := make([]string, len(params))
	for i, p := range params {
		lines[i] = p.Name + "=" + p.Value
	}
	return strings.Join(lines, " ")
}

// What travels in every billing mode and activity.
func TestParametersOfEveryActivity(t *testing.T) {
	const order = "activity=newInstance customerId=c1 customerName=上海 A&B businessId=b1 orderId=CS1 skuCode=s1 productId=p1 "
	for _, c := range []struct {
		name     string
		call     Call
		settings Settings
		want     string
	}{
		{"period", period, Settings{}, order + "expireTime=20260727153156 chargingMode=1 amount=20 periodType=month periodNumber=1 provisionType=1 orderAmount=100.5"},
		{"one-time", with(period, func(n *NewInstance) {
			n.ChargingMode = OneTime
			n.PeriodType = ""
			n.Provision = ProvisionAfterAcceptance
		}), Settings{},
			order + "chargingMode=3 amount=20 provisionType=2 orderAmount=100.5"},
		{"pay-per-use", with(period, func(n *NewInstance) { n.ChargingMode = PayPerUse; n.OrderAmount = "" }), Settings{},
			order + "chargingMode=0 provisionType=1"},
		{"package", with(period, func(n *NewInstance) { n.ChargingMode = Package }), Settings{},
			order + "expireTime=20260727153156 chargingMode=5 provisionType=1 orderAmount=100.5"},
		{"trial", with(period, func(n *NewInstance) { n.Trial = true; n.OrderAmount = "0.00" }), Settings{},
			order + "trialFlag=1 expireTime=20260727153156 chargingMode=1 amount=20 provisionType=1 orderAmount=0"},
		{"test flag always", period, Settings{AlwaysSendTestFlag: true},
			order + "expireTime=20260727153156 chargingMode=1 amount=20 periodType=month periodNumber=1 provisionType=1 orderAmount=100.5 testFlag=0"},
		{"sub-user and secrets", with(period, func(n *NewInstance) {
			n.UserID, n.UserName, n.MobilePhone, n.Email = "u1", "\u3000dev\x01~user ", "iv+cipher==", "iv+cipher2"
		}), Settings{Debug: true}, "activity=newInstance customerId=c1 customerName=上海 A&B userId=u1 userName=dev~user mobilePhone=iv+cipher== email=iv+cipher2 " +
			"businessId=b1 orderId=CS1 skuCode=s1 productId=p1 expireTime=20260727153156 chargingMode=1 amount=20 periodType=month periodNumber=1 provisionType=1 orderAmount=100.5 testFlag=1"},
		{"name of blanks", with(period, func(n *NewInstance) { n.CustomerName = "\u3000\t " }), Settings{Optional: []string{}},
			"activity=newInstance customerId=c1 customerName=c1 businessId=b1 orderId=CS1 productId=p1"},
		{"the licence seller's fixed list", GetLicense{CustomerID: "c1", CustomerName: "n1", BusinessID: "b1", OrderID: "CS1", SKUCode: "s1", ProductID: "p1",
			ChargingMode: Period, ExpireTime: "20260727153156", PeriodType: "year", PeriodNumber: 2, Amount: 3,
			Extensions: []Extension{{"identificationCode", "M1"}}},
			Settings{Optional: []string{"chargingMode", "expireTime", "periodNumber", "periodType", "provisionType", "saasExtendParams", "testFlag", "userId", "userName"}},
			"activity=getLicense customerId=c1 customerName=n1 userId=c1 userName=n1 businessId=b1 orderId=CS1 productId=p1 expireTime=20260727153156 chargingMode=1 " +
				"saasExtendParams=" + base64.StdEncoding.EncodeToString([]byte(`[{"name":"identificationCode","value":"M1"}]`)) + " periodType=year periodNumber=2 provisionType=1 testFlag=0"},
		{"renewal", RefreshInstance{OrderID: "CS2", InstanceID: "i1", ExpireTime: "20270727153156", PeriodType: "year", PeriodNumber: 1, OrderAmount: "99.000"}, Settings{},
			"activity=refreshInstance orderId=CS2 instanceId=i1 expireTime=20270727153156 periodType=year periodNumber=1 orderAmount=99"},
		{"cancelled renewal", RefreshInstance{OrderID: "CS3", InstanceID: "i1", ExpireTime: "20260727153156", OrderAmount: "-99.50"}, Settings{},
			"activity=refreshInstance orderId=CS3 instanceId=i1 expireTime=20260727153156 orderAmount=-99.5"},
		{"trial converted", RefreshInstance{OrderID: "CS4", InstanceID: "i1", ProductID: "p2", ExpireTime: "20270727153156", TrialToFormal: true, PeriodType: "month", PeriodNumber: 1}, Settings{},
			"activity=refreshInstance orderId=CS4 instanceId=i1 productId=p2 expireTime=20270727153156 trialToFormal=1 periodType=month periodNumber=1"},
		{"expiry", ExpireInstance{InstanceID: "i1", OrderID: "CS1"}, Settings{}, "activity=expireInstance instanceId=i1 orderId=CS1"},
		{"release after refund", ReleaseInstance{InstanceID: "i1", OrderID: "CS1", OrderAmount: "100.50"}, Settings{}, "activity=releaseInstance instanceId=i1 orderId=CS1 orderAmount=100.5"},
		{"release on expiry", ReleaseInstance{InstanceID: "i1", OrderID: "CS1"}, Settings{Debug: true}, "activity=releaseInstance instanceId=i1 orderId=CS1 testFlag=1"},
		{"upgrade", Upgrade{InstanceID: "i1", OrderID: "CS5", SKUCode: "s2", ProductID: "p2", Quantity: Quantity{Amount: 40, DiskSize: 5, BandWidth: 6}}, Settings{},
			"activity=upgrade instanceId=i1 orderId=CS5 skuCode=s2 productId=p2 amount=40 diskSize=5 bandWidth=6"},
		{"freeze", InstanceStatus{InstanceID: "i1", Status: StatusFreeze}, Settings{}, "activity=instanceStatus instanceId=i1 instanceStatus=FREEZE"},
		{"query", QueryInstance{[]string{"i1", "i+/="}}, Settings{}, "activity=queryInstance instanceId=i1,i+/="},
		{"licence renewal", RefreshLicense{OrderID: "CS2", InstanceID: "i1", ExpireTime: "20270727153156", PeriodType: "year", PeriodNumber: 1}, Settings{},
			"activity=refreshLicense orderId=CS2 instanceId=i1 expireTime=20270727153156 periodType=year periodNumber=1"},
		{"licence expiry", ExpireLicense{"i1", "CS1"}, Settings{}, "activity=expireLicense instanceId=i1 orderId=CS1"},
		{"licence release", ReleaseLicense{"i1", "CS1"}, Settings{}, "activity=releaseLicense instanceId=i1 orderId=CS1"},
	} {
		if diff := cmp.Diff(c.want, list(t, c.call, c.settings)); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

func TestParametersThatCannotBeSent(t *testing.T) {
	for _, c := range []struct {
		field string
		call  Call
	}{
		{"orderId", with(period, func(n *NewInstance) { n.OrderID = "" })},
		{"orderId", with(period, func(n *NewInstance) { n.OrderID = strings.Repeat("x", 65) })},
		{"customerName", with(period, func(n *NewInstance) { n.CustomerName = strings.Repeat("中", 65) })},
		{"skuCode", with(period, func(n *NewInstance) { n.SKUCode = "\xff" })},
		{"expireTime", with(period, func(n *NewInstance) { n.ExpireTime = "20260727153156000" })},
		{"chargingMode", with(period, func(n *NewInstance) { n.ChargingMode = 2 })},
		{"amount", with(period, func(n *NewInstance) { n.Quantity.Amount = -1 })},
		{"amount", with(period, func(n *NewInstance) { n.Quantity.Amount = 12345678 })},
		{"periodType", with(period, func(n *NewInstance) { n.PeriodType = "day" })},
		{"periodNumber", with(period, func(n *NewInstance) { n.PeriodNumber = 100 })},
		{"orderAmount", with(period, func(n *NewInstance) { n.OrderAmount = "-1" })},
		{"orderAmount", with(period, func(n *NewInstance) { n.OrderAmount = "1.2345" })},
		{"orderAmount", with(period, func(n *NewInstance) { n.OrderAmount = "1e3" })},
		{"provisionType", with(period, func(n *NewInstance) { n.Provision = 3 })},
		{"saasExtendParams", with(period, func(n *NewInstance) { n.Extensions = []Extension{{"ip", strings.Repeat("x", 1600)}} })},
		{"expireTime", RefreshInstance{OrderID: "CS1", InstanceID: "i1"}},
		{"instanceStatus", InstanceStatus{InstanceID: "i1", Status: "UNFREEZE"}},
		{"instanceId", QueryInstance{make([]string, 101)}},
		{"instanceId", QueryInstance{[]string{"a", ""}}},
		{"skuCode", Upgrade{InstanceID: "i1", OrderID: "CS1", ProductID: "p1"}},
	} {
		var field *FieldError
		if _, err := Parameters(c.call, Settings{}); !errors.As(err, &field) || field.Field != c.field {
			t.Errorf("%s of %T: %v", c.field, c.call, err)
		}
	}
}

func TestExtensionsKeepTheirOrderAndStayStrings(t *testing.T) {
	text, err := base64.StdEncoding.DecodeString(extensions([]Extension{
		{"ip", " 10.0.0.1\n"}, {"empty", "\u3000"}, {"platformParams", PlatformParams("名<&>", "t1", "u1")}, {"identificationCode", "M1"},
	}))
	want := `[{"name":"identificationCode","value":"M1"},{"name":"ip","value":"10.0.0.1"},` +
		`{"name":"platformParams","value":"{\"tenantName\":\"名<&>\",\"tennantId\":\"t1\",\"userId\":\"u1\"}"}]`
	if err != nil || string(text) != want {
		t.Errorf("got %s %v", text, err)
	}
}

func TestClocks(t *testing.T) {
	at := time.Date(2026, 7, 27, 15, 31, 56, 7e6, time.UTC)
	if got := TimeStamp(at.In(ExpireZone)); got != "20260727153156007" {
		t.Errorf("timeStamp %s", got)
	}
	if got := ExpireTime(at, ExpireZone); got != "20260727233156" {
		t.Errorf("expireTime %s", got)
	}
}

func TestBuildKeepsTheAddressAndNeverSendsABarePlus(t *testing.T) {
	address, err := ParseAddress("https://seller.example.test/a%20b/c?tenant=x+y&flag")
	if err != nil {
		t.Fatal(err)
	}
	request, err := Build(ReleaseInstance{InstanceID: "i +/=", OrderID: "CS1"}, Settings{}, address, "key", sent)
	if err != nil {
		t.Fatal(err)
	}
	prefix := "https://seller.example.test/a%20b/c?tenant=x%20y&flag=&activity=releaseInstance&instanceId=i%20%2B%2F%3D&orderId=CS1&timeStamp=20260627073711903&authToken="
	if !strings.HasPrefix(request.URL, prefix) || strings.Contains(request.URL, "+") || request.Method != "GET" || request.Body != nil {
		t.Errorf("got %+v", request)
	}
	if diff := cmp.Diff(Headers, request.Headers); diff != "" {
		t.Error(diff)
	}
	got, err := Verify(request.URL[strings.Index(request.URL, "?")+1:], "key")
	want := map[string]string{"tenant": "x y", "flag": "", "activity": "releaseInstance", "instanceId": "i +/=", "orderId": "CS1", "timeStamp": "20260627073711903"}
	if err != nil || cmp.Diff(want, got.Params) != "" {
		t.Errorf("server read %v %v", got, err)
	}
	if u, err := url.Parse(request.URL); err != nil || u.String() != request.URL {
		t.Errorf("the URL does not survive parsing: %v %v", u, err)
	}
	bare, _ := ParseAddress("http://seller.example.test:8080")
	if request, _ := Build(ExpireInstance{"i1", "CS1"}, Settings{}, bare, "key", sent); !strings.HasPrefix(request.URL, "http://seller.example.test:8080/?activity=") {
		t.Errorf("address without path: %s", request.URL)
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "seller.example.test/x", "ftp://seller.example.test", "https://", "https://u:p@seller.example.test/", "https://seller.example.test/#x",
		"https://seller.example.test/#", "https://seller.example.test/?activity=x", "https://seller.example.test/?a=1&a=2", "https://seller.example.test/?a=%zz", "https://seller.example.test/?a=%ff",
	} {
		if _, err := ParseAddress(text); !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Check 17 of chapter 02: 100 base64 ids are split so that the request line stays short.
func TestSplitQueryStaysWithinTheLimits(t *testing.T) {
	address, _ := ParseAddress("https://seller.example.test/saasproduce")
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfN(rapid.StringMatching(`[A-Za-z+/=中]{1,64}`), 0, 250).Draw(t, "ids")
		calls, err := SplitQuery(ids, Settings{Debug: true}, address)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, call := range calls {
			all = append(all, call.InstanceIDs...)
			request, err := Build(call, Settings{Debug: true}, address, "key", sent)
			if err != nil {
				t.Fatal(err)
			}
			target := strings.TrimPrefix(request.URL, "https://seller.example.test")
			if n := len("GET " + target + " HTTP/1.1\r\n"); n > MaxRequestLine || len(call.InstanceIDs) > MaxQueryIDs || len(call.InstanceIDs) == 0 {
				t.Fatalf("%d ids in %d bytes", len(call.InstanceIDs), n)
			}
		}
		if strings.Join(all, " ") != strings.Join(ids, " ") {
			t.Fatal("ids were lost or moved")
		}
	})
	short := make([]string, 100)
	for i := range short {
		short[i] = "i" + strings.Repeat("0", i%10)
	}
	if calls, err := SplitQuery(short, Settings{}, address); err != nil || len(calls) != 1 {
		t.Errorf("100 short ids made %d calls: %v", len(calls), err)
	}
	if _, err := SplitQuery([]string{"ok", ""}, Settings{}, address); err == nil {
		t.Error("an empty id was accepted")
	}
}

// Any change of a signed name or value is noticed.
func TestEveryFlipOfARequestIsRefused(t *testing.T) {
	address, _ := ParseAddress("https://seller.example.test/saasproduce?own=1")
	request, err := Build(period, Settings{}, address, "key", sent)
	if err != nil {
		t.Fatal(err)
	}
	query := request.URL[strings.Index(request.URL, "?")+1:]
	original, err := Verify(query, "key")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(query)-1).Draw(t, "position")
		flipped := query[:at] + string(query[at]^(1<<rapid.IntRange(0, 6).Draw(t, "bit"))) + query[at+1:]
		got, err := Verify(flipped, "key")
		// What decodes to the same parameters (the case of a hex digit) is the same request.
		if err == nil && cmp.Diff(original.Params, got.Params) != "" {
			t.Fatalf("accepted %s", flipped)
		}
	})
	if _, err := Verify(query, "other"); err == nil {
		t.Error("another key was accepted")
	}
	if _, err := Verify("activity=x&authToken=y", "key"); err == nil {
		t.Error("a request without timeStamp was accepted")
	}
}
