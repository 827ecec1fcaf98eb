package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

var updatePictures = flag.Bool("pictures", false, "rewrite docs/pictures from the demo")

// demoRun is `souk demo` running as its own process with its sellers, as a new user starts it.
type demoRun struct {
	t       *testing.T
	ctx     context.Context
	found   *complaints
	BaseURL string                                            `json:"base_url"`
	People  []struct{ Role, Company, Login, Password string } `json:"accounts"`
}

// souk is the program, built once.
var souk = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "souke2e")
	if err != nil {
		return "", err
	}
	built = dir
	program := filepath.Join(dir, "souk")
	build := exec.Command("go", "build", "-o", program, "./cmd/souk")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
})

var built string // souk's folder

func startDemo(t *testing.T) *demoRun {
	t.Helper()
	program, err := souk()
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
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
			d := &demoRun{t: t}
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

// patience is how long a step of a flow may take in the browser.
const patience = 30 * time.Second

// section goes to a section by keyboard, once the page is there with its script.
func section(letter string) chromedp.Action[chromedp.Void] {
	return chromedp.Steps(until(`document.readyState === "complete"`), chromedp.KeyEvent("g"), chromedp.KeyEvent(letter))
}

// until waits for a condition, also across the pages that a click leads through.
func until(condition string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		look := time.NewTicker(50 * time.Millisecond)
		defer look.Stop()
		for {
			// An error is a page that is just being left.
			if so, err := chromedp.Evaluate[bool]("Boolean("+condition+")")(ctx, t); err == nil && so {
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s: %w", condition, ctx.Err())
			case <-look.C:
			}
		}
	})
}

// leave does what leads to another page and waits until that page is there, so that the next step cannot meet the
// same things on the page that is being left.
func leave(how ...chromedp.Action[chromedp.Void]) chromedp.Action[chromedp.Void] {
	return chromedp.Steps(chromedp.Evaluate[chromedp.Void](`window.left = true`), chromedp.Steps(how...), until(`!window.left && document.readyState === "complete"`))
}

func css(s string) chromedp.CSS { return chromedp.CSS(s) }

// do runs steps in the browser, or says which flow broke and where.
func (d *demoRun) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		text, _ := chromedp.Run(d.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
		d.t.Fatalf("%s: %v\n%s", what, err, text)
	}
}

// logIn types login and password into the form of whatever page asks for it.
func (d *demoRun) logIn(login string) {
	d.t.Helper()
	for _, a := range d.People {
		if a.Login == login {
			d.do("log in as "+login, chromedp.WaitVisible(css("#login")), chromedp.SendKeys(css("#login"), login), chromedp.SendKeys(css("#password"), a.Password+"\r"), chromedp.WaitVisible(css(".person")))
			return
		}
	}
	d.t.Fatalf("the demo has no login %q", login)
}

func (d *demoRun) logOut() {
	d.t.Helper()
	d.do("log out", chromedp.Click(css(".who form button")), chromedp.WaitVisible(css(".who .btn")))
}

// see looks at the page that is open as a person would, and keeps a picture; picture names a file for the README.
func (d *demoRun) see(name string, wants ...string) {
	d.t.Helper()
	text, err := chromedp.Run(d.ctx, chromedp.Evaluate[string](measure))
	if err != nil {
		d.t.Fatal(err)
	}
	var l look
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		d.t.Fatal(err)
	}
	l.complain(d.t, name)
	body, err := chromedp.Run(d.ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, want := range wants {
		if !strings.Contains(body, want) {
			d.t.Errorf("%s: no %q on the page:\n%s", name, want, body)
		}
	}
	for _, c := range d.found.take() {
		d.t.Errorf("%s: %s", name, c)
	}
	picture(d.ctx, d.t, "demo-"+name)
	if *updatePictures && pictures[name] != "" {
		shot, err := chromedp.Call(d.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{}) // what fits the window
		if err != nil {
			d.t.Fatal(err)
		}
		if err := os.MkdirAll("../docs/pictures", 0o755); err != nil {
			d.t.Fatal(err)
		}
		if err := os.WriteFile("../docs/pictures/"+pictures[name]+".png", shot.Data, 0o644); err != nil {
			d.t.Fatal(err)
		}
	}
}

// pictures are those of the README.
var pictures = map[string]string{"zh-CN-home": "home", "zh-CN-product": "product", "zh-CN-ready": "order", "zh-CN-seller": "seller", "zh-CN-call": "call", "zh-CN-operator": "operator"}

// words that the flow meets, per language.
var flowWords = map[string]map[string]string{
	"zh-CN": {"ready": "已完成", "entry": "使用入口", "masked": "密钥和口令已遮盖", "compare": "第一个不同的字节已标出", "balanced": "账本平衡", "moved": "拨快", "asked": "申请已提交", "renewed": "订单已提交", "paid": "付款成功"},
	"en-US": {"ready": "Completed", "entry": "Entry page", "masked": "masked", "compare": "first byte that differs", "balanced": "ledger balances", "moved": "Ahead by", "asked": "Asked:", "renewed": "The order was placed", "paid": "Completed"},
}

// A new user's whole way through the demo, with the mouse and the keyboard, as buyer, seller and operator, in both
// languages; every page on it is looked at, and the order's page becomes ready by itself.
func TestDemoInABrowser(t *testing.T) {
	d := startDemo(t)
	d.ctx = startBrowser(t)
	d.found = listen(t, d.ctx)
	if _, err := visit(d.ctx, d.BaseURL+"/?lang=zh-CN", 1280, false); err != nil {
		t.Fatal(err)
	}
	for i, lang := range []string{"zh-CN", "en-US"} {
		words := flowWords[lang]
		d.do("home in "+lang, chromedp.Navigate(d.BaseURL+"/?lang="+lang), chromedp.WaitVisible(css(".tile")))
		d.see(lang+"-home", "云帆协同办公", "¥12.00")

		// Search, open a product, change the number: the price follows without a reload.
		d.do("search", chromedp.SendKeys(css("#find"), "协同\r"), until(`location.pathname === "/search" && document.querySelectorAll(".tile").length === 1`), chromedp.Click(css(".tile a")), chromedp.WaitVisible(css("#quantity")))
		d.do("live price", chromedp.Evaluate[chromedp.Void](`window.stayed = true`), chromedp.Evaluate[chromedp.Void](`document.querySelector("#quantity").value = ""`), chromedp.SendKeys(css("#quantity"), "25"),
			until(`document.querySelector("#total").innerText.includes("300.00") && window.stayed`))
		d.see(lang+"-product", "¥300.00")
		d.do("buy", chromedp.Click(css(".calculator .btn-primary")))
		d.logIn("buyer")
		d.do("checkout", chromedp.WaitVisible(css("#accept_agreement")))
		d.see(lang+"-checkout", "¥300.00")
		d.do("order without agreement", chromedp.Click(css(".calculator .btn-primary")), chromedp.WaitVisible(css("#errors")))
		d.see(lang + "-checkout-refused")
		d.do("order", chromedp.Click(css("#accept_agreement")), chromedp.Click(css(".calculator .btn-primary")), chromedp.WaitVisible(css(".steps-row")),
			// Nothing is pressed: the page is told and draws itself anew.
			until(fmt.Sprintf(`document.querySelector(".head .chip").innerText.includes(%q)`, words["ready"])))
		d.see(lang+"-ready", words["ready"])
		d.do("service", chromedp.Click(css(".step-do a.btn")), chromedp.WaitVisible(css("#entry")), chromedp.Click(css("#entry button")), chromedp.WaitVisible(css("section#entry")))
		d.see(lang+"-entry", words["entry"])
		d.do("renew", chromedp.Click(css(".head-do a")), chromedp.WaitVisible(css("#renew")), chromedp.Click(css("#renew .btn-primary")), chromedp.WaitVisible(css(".notice")))
		d.see(lang+"-renewal", words["renewed"])
		d.do("pay the renewal", chromedp.Click(css("#pay button")), until(fmt.Sprintf(`document.querySelector(".head .chip").innerText.includes(%q)`, words["ready"])))
		d.do("by keyboard to the balance", section("b"), chromedp.WaitVisible(css("#top-up")))
		d.do("ask for a top-up", chromedp.SendKeys(css("#top-up-amount"), "800.00\r"), chromedp.WaitVisible(css(".notice")))
		d.see(lang+"-balance", words["asked"])
		d.do("overview", section("h"), chromedp.WaitVisible(css(".figures")))
		d.see(lang + "-buyer")
		d.logOut()

		d.do("seller", chromedp.Navigate(d.BaseURL+"/login"))
		d.logIn("yunfan")
		d.see(lang + "-seller")
		d.do("calls", section("c"), chromedp.WaitVisible(css(".filters")))
		d.see(lang+"-calls", "newInstance", "refreshInstance")
		d.do("a call", chromedp.Evaluate[chromedp.Void](`document.querySelector("#f-activity").value = "newInstance"`), leave(chromedp.Click(css(".filters .btn"))),
			leave(chromedp.Click(css(`.list a[href^="/seller/calls/"]`))), chromedp.WaitVisible(css(".bytes")))
		d.see(lang+"-call", "HTTP/1.1 200", words["masked"])
		d.do("compare", chromedp.Click(css(`a[href*="with="]`)), chromedp.WaitVisible(css(".bytes mark")))
		d.see(lang+"-compare", words["compare"])
		d.do("a key", section("a"), chromedp.WaitVisible(css("#policy")), chromedp.Click(css(".list form button")), chromedp.WaitVisible(css(".notice .secret")))
		d.see(lang + "-key")
		d.logOut()

		d.do("finance", chromedp.Navigate(d.BaseURL+"/login"))
		d.logIn("finance")
		d.do("top-up", chromedp.Navigate(d.BaseURL+"/operator/top-ups?status=ASKED"), chromedp.WaitVisible(css(".list form .btn-primary")), chromedp.Click(css(".list form .btn-primary")), chromedp.WaitVisible(css(".notice")))
		d.see(lang + "-topups")
		d.do("ledger", section("l"), chromedp.WaitVisible(css(".figures")))
		d.see(lang+"-ledger", words["balanced"], "bank")
		d.logOut()
		d.do("operator", chromedp.Navigate(d.BaseURL+"/login"))
		d.logIn("operator")
		d.see(lang + "-operator")
		d.do("suspend and resume", section("d"), chromedp.WaitVisible(css(`.list a[href^="/operator/products/"]`)), chromedp.Click(css(`.list a[href^="/operator/products/"]`)),
			chromedp.WaitVisible(css(".confirm summary")), chromedp.Click(css(".confirm summary")), chromedp.WaitVisible(css("#suspend-reason")), chromedp.SendKeys(css("#suspend-reason"), "投诉核实中"),
			leave(chromedp.Click(css("#suspend .btn-danger"))), chromedp.WaitVisible(css("#resume")), leave(chromedp.Click(css("#resume button"))), chromedp.WaitVisible(css(".confirm summary")))
		d.do("clock", section("b"), chromedp.WaitVisible(css("#clock")), chromedp.Click(css("#clock .btn-danger")),
			until(fmt.Sprintf(`!document.querySelector("[data-live]") && /(%dh0m|%dh59m)/.test(document.querySelector(".facts").innerText)`, 24*(i+1), 24*(i+1)-1))) // the move takes a moment itself
		d.see(lang+"-sandbox", words["moved"])
		d.do("system", section("y"), chromedp.WaitVisible(css(".figures")))
		d.see(lang + "-system")
		d.logOut()
	}
}

// A person who has no mouse reaches a field, sees where the focus is, and closes what is open.
func TestTheKeyboardIsEnough(t *testing.T) {
	ctx := startBrowser(t)
	w := newWorld(t)
	order := w.Place(w.offer, 1)
	found := listen(t, ctx)
	w.signIn(ctx, map[string]string{}, "")
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	err := chromedp.Do(ctx, chromedp.Navigate(w.URL+"/buyer/orders/"+order+"?lang=zh-CN"), chromedp.WaitVisible(css("#login")), chromedp.KeyEvent("buyer\t"))
	if err != nil {
		t.Fatal(err)
	}
	outline, err := chromedp.Run(ctx, chromedp.Evaluate[string](`getComputedStyle(document.activeElement).outlineStyle + " " + document.activeElement.id`))
	if err != nil {
		t.Fatal(err)
	}
	if outline != "solid password" {
		t.Errorf("focus after Tab: %q, want a visible outline on the password", outline)
	}
	err = chromedp.Do(ctx, chromedp.KeyEvent(w.Account("buyer").Password+"\r"), chromedp.WaitVisible(css(".confirm summary")),
		chromedp.Focus(css(".confirm summary")), chromedp.KeyEvent("\r"), chromedp.WaitVisible(css("#cancel .consequence")), chromedp.KeyEvent("\u001b"),
		until(`!document.querySelector(".confirm").open`), section("o"), chromedp.WaitVisible(css(".filters")),
		chromedp.KeyEvent("/"), until(`document.activeElement.id === "f-order"`), chromedp.Evaluate[chromedp.Void](`document.querySelector("#f-order").value = ""`), chromedp.KeyEvent(order+"\r"), chromedp.WaitVisible(css(".filters .go a")))
	if err != nil {
		t.Fatal(err)
	}
	text, err := chromedp.Run(ctx, chromedp.Text(css(".list")))
	if err != nil || !regexp.MustCompile(order).MatchString(text) {
		t.Errorf("the list after the filter: %q %v", text, err)
	}
	for _, c := range found.take() {
		t.Error(c)
	}
}
