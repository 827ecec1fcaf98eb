package kit

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/souk-market/souk/protocol/production"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
)

var update = flag.Bool("update", false, "write testdata/bodies.json anew")

// at is 20220413093539534 in Beijing.
var at = time.Date(2022, 4, 13, 1, 35, 39, 534e6, time.UTC)

var (
	tenant = Tenant{InstanceID: "instance123456", OrderID: "CS1906666666ABCDE", TenantID: "68cbc86c0d1e4f6b880d92f36422fa0e", TenantCode: "tenant",
		Name: "上海 A&B", DomainName: "https://example.tenantaccount.com", Flag: Add}
	application = Application{InstanceID: "instance123456", TenantID: "68cbc86c0d1e4f6b880d92f36422fa0e", AppID: "KSIDJF1234456", ClientID: "client",
		ClientSecret: "c2VjcmV0+/==", Flag: Delete}
	authorisation = Authorisation{InstanceID: "instance123456", TenantID: "68cbc86c0d1e4f6b880d92f36422fa0e", AppID: "KSIDJF1234456", SyncTime: "20220413093539534", Flag: Add,
		Users: []User{
			{UserName: "zhangsan01", Name: "张三", OrgCode: "1001", Position: "R&D", Admin: true, Enabled: true, EmployeeType: 4, EntryDate: "2022-11-9"},
			{UserName: "lisi", Name: "李四", OrgCode: "1002", Mobile: "13800138000", Email: "lisi@example.com"},
		}}
	department  = Department{InstanceID: "instance123456", TenantID: "68cbc86c0d1e4f6b880d92f36422fa0e", OrgCode: "1001", OrgName: "研发", ParentCode: "1", Flag: Modify}
	departments = Departments{InstanceID: "instance123456", TenantID: "68cbc86c0d1e4f6b880d92f36422fa0e", All: []Org{{"1", "总部", ""}, {"1001", "研发 <R&D>", "1"}}}
)

// bodyVector is one object of testdata/bodies.json: the exact bytes of a message that
// the test knows by name.
type bodyVector struct {
	Name     string     `json:"name"`
	Callback Callback   `json:"callback"`
	Input    bodyChoice `json:"input"`
	Expected string     `json:"expected"`
	Valid    bool       `json:"valid"`
	Source   string     `json:"source"`
}

type bodyChoice struct {
	Generation Generation `json:"generation"`
	Lists      ListForm   `json:"lists"`
	Debug      bool       `json:"debug"`
}

func bodies(t *testing.T) []bodyVector {
	t.Helper()
	var all []bodyVector
	sources := map[Callback]string{TenantSync: "13 §2.1", ApplicationSync: "13 §2.2", AuthSync: "13 §2.3", SingleOrgSync: "13 §2.4", AllOrgSync: "13 §2.4"}
	for _, m := range []Message{tenant, application, authorisation, department, departments} {
		for _, choice := range []bodyChoice{{V1, ListDefault, false}, {V2, ListDefault, false}, {V1, ListArray, false}, {V2, ListText, true}} {
			_, isUsers := m.(Authorisation)
			_, isOrgs := m.(Departments)
			if choice.Lists != ListDefault && !isUsers && !isOrgs {
				continue
			}
			body, err := Body(m, choice.Generation, Settings{Debug: choice.Debug, Lists: choice.Lists}, at)
			if err != nil {
				t.Fatal(err)
			}
			name := string(m.Callback()) + " V" + string(rune('0'+choice.Generation))
			if choice.Lists != ListDefault {
				name += ", other form of the list"
			}
			all = append(all, bodyVector{name, m.Callback(), choice, string(body), true, sources[m.Callback()]})
		}
	}
	return all
}

func TestVectorsBodies(t *testing.T) {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	out.SetIndent("", " ")
	if err := out.Encode(bodies(t)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("testdata/bodies.json", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile("testdata/bodies.json")
	if err != nil || string(have) != b.String() {
		t.Errorf("%v\n%s", err, cmp.Diff(string(have), b.String()))
	}
}

// The bodies of the published vectors, written from their parts.
func TestTheVectorsOfTheChapterAreWritten(t *testing.T) {
	var vectors []struct {
		Name  string
		Input struct{ Body string }
	}
	load(t, "testdata/x_sign.json", &vectors)
	want := map[string]string{}
	for _, v := range vectors {
		want[v.Name] = v.Input.Body
	}
	for name, m := range map[string]Message{
		"tenantSync in ascending order": Tenant{InstanceID: "huaiweitest123456", OrderID: "CS1906666666ABCDE", TenantID: "68cbc86c0d1e4f6b880d92f36422fa0e", TenantCode: "huawei",
			Name: "huaiweitest", DomainName: "https://example.tenantaccount.com", Flag: Add},
		"authSync with nested user": Authorisation{InstanceID: "huaiweitest123456", TenantID: "68cbc86c0d1e4f6b880d92f36422fa0e", AppID: "KSIDJF1234456", SyncTime: "20220413093539534", Flag: Add,
			Users: []User{{UserName: "zhangsan01", Name: "张三", OrgCode: "1001", Position: "R&D", Admin: true, Enabled: true, EmployeeType: 4, EntryDate: "2022-11-9"}}},
	} {
		if body, err := Body(m, V2, Settings{}, at); err != nil || string(body) != want[name] {
			t.Errorf("%s: %s %v", name, body, err)
		}
	}
}

// Whatever is written is read as it was, signed and verified, in both generations and
// both forms of lists.
func TestWhatIsWrittenIsRead(t *testing.T) {
	address, _ := v2.ParseAddress("https://seller.example.test/base")
	for _, m := range []Message{tenant, application, authorisation, department, departments} {
		for _, g := range []Generation{V1, V2} {
			for _, lists := range []ListForm{ListDefault, ListArray, ListText} {
				if d, ok := m.(Department); ok {
					d.ParentCode = ""
					m = d
				}
				body, err := Body(m, g, Settings{Lists: lists}, at)
				if err != nil {
					t.Fatal(err)
				}
				var path string
				if g == V1 {
					r, err := BuildV1(m.Callback(), body, address, "k")
					if err != nil {
						t.Fatal(err)
					}
					if _, err := VerifyV1(header(r, "authToken"), r.Body, "old", "k"); err != nil {
						t.Error(err)
					}
					path = r.URL
				} else {
					r := Build(m.Callback(), body, address, "k", "n", at)
					if _, err := Verify(func(name string) string { return header(r, name) }, r.Body, at, "k"); err != nil {
						t.Error(err)
					}
					path = r.URL
				}
				c, generation, ok := FindCallback(path)
				if !ok || c != m.Callback() || generation != g {
					t.Errorf("%s is %s V%d", path, c, generation)
				}
				received, err := Read(c, g, body)
				if diff := cmp.Diff(Received{Message: m, TimeStamp: "20220413093539534"}, received); err != nil || diff != "" {
					t.Errorf("%s V%d: %v %s", c, g, err, diff)
				}
			}
		}
	}
}

func field(err error) string {
	var wrong *v2.FieldError
	if !errors.As(err, &wrong) {
		return ""
	}
	return wrong.Field
}

func TestMessagesThatCannotBeSent(t *testing.T) {
	many := authorisation
	many.Users = make([]User, MaxUsers+1)
	for _, c := range []struct {
		m     Message
		g     Generation
		field string
	}{
		{Tenant{}, V2, "instanceId"},
		{func() Message { t := tenant; t.Flag = Modify; return t }(), V1, "flag"},
		{func() Message { a := application; a.Flag = Cancel; return a }(), V2, "flag"},
		{func() Message { a := application; a.ClientSecret = ""; return a }(), V2, "clientSecret"},
		{func() Message { a := authorisation; a.Flag = Cancel; return a }(), V1, "flag"},
		{func() Message { a := authorisation; a.Users = nil; return a }(), V2, "userList"},
		{func() Message { a := authorisation; a.SyncTime = "2022"; return a }(), V2, "currentSyncTime"},
		{func() Message { a := authorisation; a.Users = []User{{UserName: "u"}}; return a }(), V2, "name"},
		{func() Message {
			a := authorisation
			a.Users = []User{{"u", "n", "o", false, true, "", "", "", "", 5, "", ""}}
			return a
		}(), V2, "employeeType"},
		{many, V2, "userList"},
		{func() Message { t := tenant; t.Name = strings.Repeat("中", 256); return t }(), V2, "name"},
		{Departments{InstanceID: "i", TenantID: "t", All: []Org{{"", "n", ""}}}, V1, "orgCode"},
	} {
		if _, err := Body(c.m, c.g, Settings{}, at); field(err) != c.field {
			t.Errorf("%+v V%d: %v, want %s", c.m, c.g, err, c.field)
		}
	}
	if body, err := Body(Tenant{TenantID: "t", TenantCode: "c", Name: "n", DomainName: "d"}, V2, Settings{Debug: true}, at); err != nil ||
		string(body) != `{"domainName":"d","flag":0,"instanceId":"","name":"n","orderId":"","tenantCode":"c","tenantId":"t","testFlag":1,"timeStamp":"20220413093539534"}` {
		t.Errorf("while applying for the credential: %s %v", body, err)
	}
	parts := SplitUsers(many)
	if len(parts) != 2 || len(parts[0].Users) != MaxUsers || len(parts[1].Users) != 1 || parts[1].SyncTime != many.SyncTime {
		t.Errorf("%d parts", len(parts))
	}
}

func TestBodiesThatCannotBeRead(t *testing.T) {
	for _, c := range []struct {
		c     Callback
		g     Generation
		body  string
		field string
	}{
		{TenantSync, V2, `[]`, "body"},
		{TenantSync, V2, `{"testFlag":0,"timeStamp":"1"}`, "instanceId"},
		{TenantSync, V2, `{"testFlag":1,"timeStamp":"1","tenantId":7}`, "tenantId"},
		{TenantSync, V2, `{"testFlag":1,"timeStamp":"1","tenantId":"t","tenantCode":"c","name":"n","domainName":"d"}`, "flag"},
		{TenantSync, V1, `{"testFlag":1,"timeStamp":"1","tenantId":"t","tenantCode":"c","name":"n","domainName":"d","flag":2}`, "flag"},
		{AuthSync, V2, `{"testFlag":1,"timeStamp":"1","tenantId":"t","appId":"a","currentSyncTime":"1","flag":1,"userList":"x"}`, "userList"},
		{AuthSync, V2, `{"testFlag":1,"timeStamp":"1","tenantId":"t","appId":"a","currentSyncTime":"1","flag":1,"userList":[1]}`, "userList"},
		{AuthSync, V2, `{"testFlag":1,"timeStamp":"1","tenantId":"t","appId":"a","currentSyncTime":"1","flag":1,"userList":[{"userName":"u","name":"n","orgCode":"o","role":"boss","enable":"true"}]}`, "role"},
		{"otherSync", V2, `{}`, "path"},
	} {
		if _, err := Read(c.c, c.g, []byte(c.body)); field(err) != c.field {
			t.Errorf("%s %s: %v, want %s", c.c, c.body, err, c.field)
		}
	}
}

func TestJudge(t *testing.T) {
	json := map[string][]string{"Content-Type": {"application/json"}}
	signed := func(key string) map[string][]string {
		return map[string][]string{"Content-Type": {"application/json"}, "Body-Sign": {v1.MakeBodySign(key, []byte(`{"resultCode":"000000"}`))}}
	}
	for _, c := range []struct {
		name    string
		answer  production.Answer
		judging Judging
		reason  production.Reason
		unknown bool
	}{
		{"success", production.Answer{Status: 200, Headers: json, Body: []byte(`{"resultCode":"000000"}`)}, Judging{}, "", false},
		{"signed", production.Answer{Status: 200, Headers: signed("k"), Body: []byte(`{"resultCode":"000000"}`)}, Judging{RequireBodySign: true}, "", false},
		{"wrongly signed", production.Answer{Status: 200, Headers: signed("x"), Body: []byte(`{"resultCode":"000000"}`)}, Judging{}, production.ReasonBodySignValue, false},
		{"unsigned where required", production.Answer{Status: 200, Headers: json, Body: []byte(`{"resultCode":"000000"}`)}, Judging{RequireBodySign: true}, production.ReasonBodySignMissing, false},
		{"as text", production.Answer{Status: 200, Body: []byte(`{"resultCode":"000000"}`)}, Judging{}, "", false},
		{"as text, debugging", production.Answer{Status: 200, Body: []byte(`{"resultCode":"000000"}`)}, Judging{Debugging: true}, production.ReasonContentType, false},
		{"secret", production.Answer{Status: 200, Headers: json, Body: []byte(`{"resultCode":"000101"}`)}, Judging{}, production.ReasonResultCode, false},
		{"no such path", production.Answer{Status: 404}, Judging{}, production.ReasonStatus, false},
		{"names with a blank", production.Answer{Status: 200, Headers: json, Body: []byte(`{" resultCode":"000000"}`)}, Judging{}, production.ReasonNoResultCode, false},
		{"late", production.Answer{TimedOut: true}, Judging{}, production.ReasonTimeout, true},
	} {
		v := Judge(c.answer, c.judging, "k")
		if v.Reason != c.reason || v.Unknown != c.unknown || v.OK != (c.reason == "") {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
}

func TestAnyDepartmentListSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringOfN(rapid.RuneFrom([]rune("aZ9中<>&/\\\"'+= ")), 1, 20, -1)
		d := Departments{InstanceID: word.Draw(t, "instance"), TenantID: word.Draw(t, "tenant")}
		for range rapid.IntRange(1, 5).Draw(t, "count") {
			d.All = append(d.All, Org{word.Draw(t, "code"), word.Draw(t, "name"), rapid.OneOf(rapid.Just(""), word).Draw(t, "parent")})
		}
		g := rapid.SampledFrom([]Generation{V1, V2}).Draw(t, "generation")
		lists := rapid.SampledFrom([]ListForm{ListDefault, ListArray, ListText}).Draw(t, "form")
		body, err := Body(d, g, Settings{Lists: lists}, at)
		if err != nil {
			t.Fatal(err)
		}
		received, err := Read(AllOrgSync, g, body)
		if diff := cmp.Diff(Message(d), received.Message); err != nil || diff != "" {
			t.Fatalf("%v %s", err, diff)
		}
		token, err := AuthTokenV1("k", body)
		if err != nil {
			t.Fatal(err)
		}
		other, _ := Body(d, g, Settings{Lists: ListText}, at)
		if again, err := AuthTokenV1("k", other); err != nil || again != token {
			t.Fatalf("the two forms of a list are signed differently: %v", err)
		}
	})
}

func FuzzRead(f *testing.F) {
	for _, m := range []Message{tenant, application, authorisation, department, departments} {
		for _, g := range []Generation{V1, V2} {
			body, err := Body(m, g, Settings{}, at)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(m.Callback().Path(g), body)
		}
	}
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		c, g, ok := FindCallback(path)
		if !ok {
			return
		}
		received, err := Read(c, g, body)
		if err == nil && (received.Message == nil || received.Message.Callback() != c) {
			t.Fatalf("%s: %+v", path, received)
		}
	})
}
