package ui

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/face/web/locale"
)

var shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

func fixed() time.Time { return time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC) }

func english() *Frame {
	return &Frame{Now: fixed(), zone: shanghai, texts: locale.In(locale.Languages[1]), Path: "/list"}
}

func TestMoney(t *testing.T) {
	f := &Frame{}
	for _, c := range []struct{ amount, currency, want string }{
		{"0.00", "CNY", "¥0.00"}, {"999.00", "CNY", "¥999.00"}, {"1000.50", "USD", "US$1,000.50"}, {"-1234567.89", "CNY", "−¥1,234,567.89"},
		{"12", "XTS", "12 XTS"}, {"", "CNY", "¥"},
	} {
		if got := f.Money(c.amount, c.currency); got != c.want {
			t.Errorf("%s %s: got %q, want %q", c.amount, c.currency, got, c.want)
		}
	}
}

func TestTimes(t *testing.T) {
	f := english()
	want := `<time datetime="2026-11-24T06:30:00.000Z" title="2026-11-24T06:30:00.000Z">2026-11-24 14:30:00</time>`
	if got := string(f.Time(fixed())); got != want {
		t.Errorf("got %s", got)
	}
	for d, want := range map[time.Duration]string{-time.Second: "now", 5 * time.Second: "in 5 s", 61 * time.Minute: "in 1 h 1 min", 59 * time.Minute: "in 59 min", 52 * time.Hour: "in 2 d 4 h"} {
		if got := f.Until(fixed().Add(d)); got != want {
			t.Errorf("%v: %q", d, got)
		}
	}
	for d, want := range map[time.Duration]string{time.Second: "just now", 5 * time.Minute: "5 min ago", 30 * time.Hour: "1 d ago"} {
		if got := f.Ago(fixed().Add(-d)); got != want {
			t.Errorf("%v ago: %q", d, got)
		}
	}
}

func TestBytesKeepEveryByteVisible(t *testing.T) {
	if got := Visible([]byte("a\r\nb\tc\x00\xfe\ufeff\u202e云")); got != "a\nb\tc\\u0000\\xfe\\ufeff\\u202e云" {
		t.Errorf("%q", got)
	}
	if got := Hex([]byte("0123456789abcdef云")); got != "000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef\n000010  e4 ba 91                                         ...\n" {
		t.Errorf("%q", got)
	}
}

func TestTheFirstDifferenceIsMarked(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"same", "same", -1}, {"abc", "abd", 2}, {"ab", "abc", 2}, {"", "x", 0}, {"云a", "云b", 3}} {
		if got := Difference([]byte(c.a), []byte(c.b)); got != c.want {
			t.Errorf("%q %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
	request, other := []byte("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"), []byte("GET /<b> HTTP/1.1\r\nHost: x\r\n\r\n")
	for view, want := range map[string]string{"raw": "GET /<mark>&lt;</mark>b&gt; HTTP/1.1", "hex": "<mark>000000  47 45 54 20 2f 3c"} {
		b := english().NewBytes(view, request, nil, &[2][]byte{other, nil})
		if b.Same || !strings.Contains(string(b.Sides[2].Parts[0].HTML), want) {
			t.Errorf("%s: %+v", view, b.Sides[2])
		}
		if b.Sides[1].None == "" {
			t.Errorf("%s: an absent answer is not named", view)
		}
	}
	if b := english().NewBytes("raw", request, nil, &[2][]byte{request, nil}); !b.Same {
		t.Error("equal bytes are not called the same")
	}
}

func TestAJSONBodyIsIndentedAndNothingElseChanges(t *testing.T) {
	got, ok := Pretty([]byte(`{"b":1.0,"a":"\u003c","b":10000000000000000000001}`))
	if want := "{\n  \"b\": 1.0,\n  \"a\": \"\\u003c\",\n  \"b\": 10000000000000000000001\n}"; !ok || string(got) != want {
		t.Errorf("%v %s", ok, got)
	}
	if _, ok := Pretty([]byte("<html>")); ok {
		t.Error("HTML is no JSON")
	}
}

func TestCurlQuotesForAShell(t *testing.T) {
	got := Curl([]byte("POST /p?a=1 HTTP/1.1\r\nHost: shop.example\r\nX-It: it's\r\nContent-Length: 2\r\n\r\n{}"))
	want := `curl -i -X POST 'https://shop.example/p?a=1' \
  -H 'X-It: it'\''s' \
  --data-binary '{}'`
	if got != want {
		t.Errorf("got\n%s", got)
	}
	if Curl([]byte("nothing")) != "" {
		t.Error("no request became a command")
	}
}

type row struct {
	name string
	n    int
}

func TestATableIsSortedOnlyWhereItIsWhole(t *testing.T) {
	f := english()
	f.query = map[string][]string{"sort": {"-name"}, "page": {"x"}, "q": {"1"}}
	columns := []Column[row]{{Head: "col.product", Sort: "name", Less: func(a, b row) int { return strings.Compare(a.name, b.name) }, Cell: func(r row) Cell { return Own(r.name) }},
		{Head: "col.amount", Num: true, Cell: func(r row) Cell { return f.Amount("1000.00", "CNY") }}}
	rows := []row{{"a", 1}, {"<b>", 2}, {"c", 3}}
	whole := NewTable(f, rows, columns, "")
	if whole.Rows[0].Cells[0].text != "c" || whole.Heads[0].Sorting != "descending" || whole.Heads[0].Href != "/list?q=1" {
		t.Errorf("%+v %+v", whole.Heads, whole.Rows)
	}
	if html := string(whole.Rows[2].Cells[0].HTML) + string(whole.Rows[1].Cells[0].HTML); strings.Contains(html, "<b>") {
		t.Errorf("data reaches the page unescaped: %s", html)
	}
	part := NewTable(f, rows, columns, "mark")
	if part.Rows[0].Cells[0].text != "a" || part.Heads[0].Href != "" || !strings.Contains(part.Next, "page=mark") {
		t.Errorf("a page of a list was sorted by itself: %+v", part)
	}
}

func TestAnExportHoldsNoFormula(t *testing.T) {
	for in, want := range map[string]string{"=1+1": "'=1+1", "@x": "'@x", "-12.50 CNY": "-12.50 CNY", "-x": "'-x", "plain": "plain", "": ""} {
		if got := harmless(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestAChartHasItsTable(t *testing.T) {
	f := english()
	c := f.NewChart("col.day", []Series{{"good", Good}, {"bad", Bad}}, []Bar{{Label: "11-23", Values: []int64{3, 1}}, {Label: "<24>", Values: []int64{0, 0}, Shown: []string{"0.00", "0.00"}}})
	if strings.Count(string(c.SVG), "<rect") != 2 || strings.Contains(string(c.SVG), "<24>") || strings.Contains(string(c.SVG), "style=") || len(c.Table.Rows) != 2 || c.Empty != "" {
		t.Errorf("%s %+v", c.SVG, c.Table)
	}
	if f.NewChart("col.day", []Series{{"good", Good}}, []Bar{{Label: "x", Values: []int64{0}}}).Empty == "" {
		t.Error("a chart of nothing does not say so")
	}
}

func TestAnAddressOfASellerIsNeverAScript(t *testing.T) {
	for in, want := range map[string]string{"https://a.example/x": "https://a.example/x", "javascript:alert(1)": "", "//a.example": "", "data:text/html,x": "", "http://": ""} {
		if got := Safe(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

// What is vendored is what its file says, byte for byte.
func TestVendoredFilesAreThePinnedOnes(t *testing.T) {
	list, err := os.ReadFile("assets/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(list)), "\n")
	for _, l := range lines {
		sum, name, ok := strings.Cut(l, "  ")
		b, err := os.ReadFile("assets/" + name)
		if err != nil || !ok {
			t.Fatalf("%q: %v", l, err)
		}
		if got := sha256.Sum256(b); hex.EncodeToString(got[:]) != sum {
			t.Errorf("%s is not the pinned file", name)
		}
	}
	if len(lines) != 2 {
		t.Errorf("%d vendored files are pinned, want 2", len(lines))
	}
}
