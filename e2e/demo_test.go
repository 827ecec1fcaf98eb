package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

var updatePictures = flag.Bool("pictures", false, "rewrite docs/pictures from the demo")

// demo is `souk demo` running as its own process, as a new user starts it.
type demo struct {
	t       *testing.T
	BaseURL string                                                   `json:"base_url"`
	People  []struct{ Role, Company, Login, Password, Token string } `json:"accounts"`
}

func startDemo(t *testing.T) *demo {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "souk")
	build := exec.Command("go", "build", "-o", program, "./cmd/souk")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	data := filepath.Join(dir, "data")
	cmd := exec.Command(program, "demo", "--data", data, "--listen", "127.0.0.1:0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("souk demo did not stop cleanly: %v\n%s", err, said.Bytes())
		}
	})
	// Its last line comes when everything runs.
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "Stop with Ctrl+C") {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			d := &demo{t: t}
			b, err := os.ReadFile(filepath.Join(data, "demo.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, d); err != nil {
				t.Fatal(err)
			}
			return d
		}
	}
	t.Fatalf("souk demo did not start:\n%s", said.Bytes())
	return nil
}

func (d *demo) account(login string) (password, token string) {
	for _, a := range d.People {
		if a.Login == login {
			return a.Password, a.Token
		}
	}
	d.t.Fatalf("the demo has no login %q", login)
	return "", ""
}

// api calls the management API as a person and decodes the reply.
func (d *demo) api(login, method, path, body string) map[string]any {
	d.t.Helper()
	req, err := http.NewRequest(method, d.BaseURL+"/api/souk/v1"+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	_, token := d.account(login)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	var v map[string]any
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil || res.StatusCode >= 300 {
		d.t.Fatalf("%s %s: %d %v %v", method, path, res.StatusCode, v, err)
	}
	return v
}

// buy orders and pays one month of the first product of a protocol, and waits until the order is completed.
func (d *demo) buy(protocol string) (order string) {
	d.t.Helper()
	offer := ""
	for _, p := range d.api("buyer", "GET", "/products", "")["items"].([]any) {
		if p := p.(map[string]any); p["protocol"] == protocol && offer == "" {
			for _, o := range p["skus"].([]any)[0].(map[string]any)["offers"].([]any) {
				if o := o.(map[string]any); o["period_type"] == "month" {
					offer = o["product_id"].(string)
				}
			}
		}
	}
	order = d.api("buyer", "POST", "/orders", fmt.Sprintf(`{"product_id":%q,"quantity":3,"accept_agreement":true}`, offer))["id"].(string)
	d.api("buyer", "POST", "/orders/"+order+"/pay", "")
	// The sellers are other processes: there is nothing to wait for but their effect.
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Minute)
	defer cancel()
	for {
		if d.api("buyer", "GET", "/orders/"+order, "")["status"] == "COMPLETED" {
			return order
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			d.t.Fatalf("order %s was not completed in a minute: %v", order, d.api("buyer", "GET", "/orders/"+order, ""))
		}
	}
}

// logIn types login and password into the form of whatever page asks for it.
func (d *demo) logIn(ctx context.Context, login, path string) {
	d.t.Helper()
	password, _ := d.account(login)
	err := chromedp.Do(ctx, chromedp.Navigate(d.BaseURL+path), chromedp.WaitVisible(chromedp.CSS("#login")),
		chromedp.SendKeys(chromedp.CSS("#login"), login), chromedp.SendKeys(chromedp.CSS("#password"), password+"\r"),
		chromedp.WaitVisible(chromedp.CSS(".person")))
	if err != nil {
		d.t.Fatalf("log in as %s: %v", login, err)
	}
}

// The whole program as a new user meets it: a buyer's two orders, delivered by both generations of sellers, seen in
// the browser by the buyer and by a seller.
func TestDemoInABrowser(t *testing.T) {
	d := startDemo(t)
	v1, v2 := d.buy("v1"), d.buy("v2")
	ctx := startBrowser(t)
	found := listen(t, ctx)

	look := func(name, path string, width int64, wants ...string) {
		t.Helper()
		l, err := visit(ctx, d.BaseURL+path, width, false)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q on the page:\n%s", path, want, text)
			}
		}
		if l.Scroll > l.Inner || len(l.Wide) > 0 || len(l.Missing) > 0 || len(l.Small) > 0 || !l.Chinese {
			t.Errorf("%s at %d px: %+v", path, width, l)
		}
		for _, c := range found.take() {
			t.Errorf("%s: %s", path, c)
		}
		png := picture(ctx, t, "demo-"+name)
		if *updatePictures && (name == "products" || name == "order" || name == "call") {
			if err := os.MkdirAll("../docs/pictures", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile("../docs/pictures/"+name+".png", png, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	look("products", "/?lang=zh-CN", 1280, "云帆协同办公", "¥12.00", "沙箱环境")
	look("products-phone", "/", 360, "云帆协同办公")
	d.logIn(ctx, "buyer", "/orders")
	look("orders", "/orders", 1280, v1, v2, "已完成")
	look("orders-phone", "/orders", 360, v1)
	for _, order := range []string{v1, v2} {
		look("order", "/orders/"+order, 1280, "使用中", "查看入口和账号", "没有待办")
		href, err := chromedp.Run(ctx, chromedp.AttributeValue(chromedp.CSS(`a[href$="/entry"]`), "href"))
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`^/orders/CS\w+/instances/[\w-]+/entry$`).MatchString(href.Value) {
			t.Fatalf("entry at %q", href.Value)
		}
		look("entry-phone", href.Value, 360, "使用入口", "用户名", "密码")
	}
	look("call-buyer-phone", "/attempts?order="+v1, 360, "newInstance", "成功")

	if err := chromedp.Do(ctx, chromedp.Navigate(d.BaseURL+"/orders"), chromedp.Click(chromedp.CSS(".who button")), chromedp.WaitVisible(chromedp.CSS(".who .button"))); err != nil {
		t.Fatal(err)
	}
	d.logIn(ctx, "yunfan", "/attempts?order="+v1)
	look("calls", "/attempts", 1280, v1, "newInstance", "成功")
	first, err := chromedp.Run(ctx, chromedp.AttributeValue(chromedp.CSS(`.list tbody a[href^="/attempts/"]`), "href"))
	if err != nil {
		t.Fatal(err)
	}
	look("call", first.Value, 1280, "HTTP/1.1 200", "密钥和口令已遮盖")
	look("call-phone", first.Value, 360, "HTTP/1.1 200")
}
