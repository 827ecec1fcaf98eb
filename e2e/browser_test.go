package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	logs "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browserPath finds Chromium; without one the test is skipped, or fails when nothing may be left out.
func browserPath(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	if os.Getenv("CI") == "true" || os.Getenv("SOUK_REQUIRE_ALL") == "1" {
		t.Fatal("no Chromium: install chromium and fonts-noto-cjk")
	}
	t.Skip("no Chromium on this machine")
	return ""
}

// chromium is the one browser of this test binary, started by the first test that needs it.
var chromium struct {
	sync.Once
	ctx  context.Context
	stop func()
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if chromium.stop != nil {
		chromium.stop()
		_ = os.RemoveAll(chromium.dir)
	}
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

// startBrowser gives the test a tab in a profile of its own: no cookie, cache or storage of another test.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	path := browserPath(t)
	chromium.Do(func() {
		if chromium.dir, chromium.err = os.MkdirTemp("", "chromium"); chromium.err != nil {
			return
		}
		options := append(chromedp.DefaultExecAllocatorOptions[:],
			chromedp.ExecPath(path), chromedp.UserDataDir(chromium.dir), chromedp.NoSandbox, chromedp.DisableGPU,
			chromedp.NoFirstRun, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
			chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.WSURLReadTimeout(60*time.Second))
		alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, cancel := chromedp.NewContext(alloc)
		chromium.ctx, chromium.stop = ctx, func() { cancel(); stop() }
		chromium.err = chromedp.Do(ctx)
	})
	if chromium.err != nil {
		t.Fatalf("starting Chromium: %v", chromium.err)
	}
	ctx, cancel := chromedp.NewContext(chromium.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	return ctx
}

// complaints are what the browser found wrong since the last look.
type complaints struct {
	mu   sync.Mutex
	list []string
}

func (c *complaints) add(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, fmt.Sprintf(format, args...))
}

func (c *complaints) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.list
	c.list = nil
	return l
}

// listen collects console errors, exceptions, CSP violations (they arrive as log entries) and failed requests.
// A 4xx or 5xx of the page itself is expected for error pages, so only other resources count.
func listen(t *testing.T, ctx context.Context) *complaints {
	t.Helper()
	c := &complaints{}
	err := chromedp.Listen(ctx, func(ev any) {
		switch e := ev.(type) {
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
				for _, a := range e.Args {
					c.add("console %s: %s %s", e.Type, string(a.Value), a.Description)
				}
			}
		case *runtime.EventExceptionThrown:
			c.add("exception: %s", e.ExceptionDetails.Text)
		case *logs.EventEntryAdded:
			if e.Entry.Level == logs.EntryLevelError || e.Entry.Level == logs.EntryLevelWarning {
				if e.Entry.Source == logs.EntrySourceNetwork && !strings.Contains(e.Entry.URL, "/assets/") {
					return
				}
				c.add("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
			}
		case *network.EventResponseReceived:
			if e.Type != network.ResourceTypeDocument && e.Response.Status >= 400 {
				c.add("%s answered %d", e.Response.URL, e.Response.Status)
			}
		case *network.EventLoadingFailed:
			if !e.Canceled {
				c.add("loading failed: %s %s", e.Type, e.ErrorText)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// look is what a script inside the page measures.
type look struct {
	Wide    []string // elements that stick out to the right
	Scroll  int      // width of the content
	Inner   int      // width of the window
	Missing []string // characters without a glyph
	Chinese bool     // at least one Han character is on the page
	Small   []string // controls too small to touch
	Pale    []string // text whose contrast is below 4.5 : 1
	Unnamed []string // fields without a label
}

// measure finds what is wider than the window and what the fonts cannot draw. A missing glyph is found by its picture:
// it looks like that of a code point that no font has.
const measure = `(() => {
  const inner = document.documentElement.clientWidth;
  const wide = [];
  for (const el of document.body.querySelectorAll("*")) {
    const r = el.getBoundingClientRect();
    if (r.width > 0 && r.right > inner + 1 && !el.closest("pre, .skip, thead, svg")) wide.push(el.tagName + "." + el.className + " " + Math.round(r.right));
  }
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 48;
  const ctx = canvas.getContext("2d", { willReadFrequently: true });
  const draw = (ch, font) => {
    ctx.clearRect(0, 0, 48, 48);
    ctx.font = "24px " + font;
    ctx.fillText(ch, 4, 32);
    return new Uint32Array(ctx.getImageData(0, 0, 48, 48).data.buffer);
  };
  const same = (a, b) => a.every((v, i) => v === b[i]);
  const none = new Map(); // font → the pictures of two code points that it does not have
  const missing = new Set(), seen = new Set();
  let chinese = false;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const el = walker.currentNode.parentElement;
    if (!el || el.closest("script, style")) continue;
    const font = getComputedStyle(el).fontFamily;
    for (const ch of walker.currentNode.data) {
      if (/\p{Script=Han}/u.test(ch)) chinese = true;
      if (/[\s\u200b-\u200f]/.test(ch) || seen.has(font + ch)) continue;
      seen.add(font + ch);
      if (!none.has(font)) none.set(font, [draw("\u{10FFFD}", font), draw("\u0378", font)]);
      const drawn = draw(ch, font);
      if (none.get(font).some((one) => same(one, drawn))) missing.add(ch);
    }
  }
  const small = [];
  for (const el of document.querySelectorAll("button, input:not([type=hidden]), select, .btn, summary")) {
    const box = el.closest("label.form-check, label.choice") ?? el;
    const r = box.getBoundingClientRect();
    if (r.width > 0 && r.height < 24 && !el.closest(".pick")) small.push(el.tagName + " " + Math.round(r.height));
  }
  // Contrast of text with what it stands on (WCAG 2.2, 4.5 : 1); drawn on a canvas, so that any colour syntax counts.
  const dot = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const mixed = new Map();
  const rgb = (color, under) => {
    const key = color + " on " + under;
    if (!mixed.has(key)) mixed.set(key, mix(color, under));
    return mixed.get(key);
  };
  const mix = (color, under) => {
    dot.clearRect(0, 0, 1, 1);
    dot.fillStyle = "rgb(" + under.join() + ")";
    dot.fillRect(0, 0, 1, 1);
    dot.fillStyle = color;
    dot.fillRect(0, 0, 1, 1);
    return [...dot.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (c) => c.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
  const paper = matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
  const grounds = new Map();
  const ground = (el) => {
    if (!el) return paper;
    if (!grounds.has(el)) grounds.set(el, rgb(getComputedStyle(el).backgroundColor, ground(el.parentElement)));
    return grounds.get(el);
  };
  const pale = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const el = texts.currentNode.parentElement;
    const box = el?.getBoundingClientRect();
    if (!el || !texts.currentNode.data.trim() || el.closest("script, style, .skip, thead, .visually-hidden") || !box.width) continue;
    if (getComputedStyle(el).visibility === "hidden") continue;
    const under = ground(el);
    const a = light(rgb(getComputedStyle(el).color, under)), b = light(under);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) pale.add(el.tagName + "." + el.className + " " + ratio.toFixed(2) + " " + texts.currentNode.data.trim().slice(0, 20));
  }
  const unnamed = [];
  for (const el of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (!(el.labels?.length || el.getAttribute("aria-label"))) unnamed.push(el.tagName + " " + el.name);
  }
  return JSON.stringify({ Pale: [...pale].slice(0, 6), Unnamed: unnamed, Wide: wide.slice(0, 5), Scroll: document.documentElement.scrollWidth, Inner: inner, Missing: [...missing], Chinese: chinese, Small: small });
})()`

// visit opens an address at a width and returns what was measured.
func visit(ctx context.Context, address string, width int64, dark bool) (look, error) {
	if err := dress(ctx, width, dark); err != nil {
		return look{}, err
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(address), chromedp.WaitReady(chromedp.CSS("body"))); err != nil {
		return look{}, err
	}
	return observe(ctx)
}

// settled waits until the page has been told of its new dress, and takes colours that are changing to their end.
const settled = `new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(() => {
  for (const a of document.getAnimations()) if (a instanceof CSSTransition) a.finish();
  f(1);
})))`

// again measures the page that is open in another width and light.
func again(ctx context.Context, width int64, dark bool) (look, error) {
	if err := dress(ctx, width, dark); err != nil {
		return look{}, err
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](settled, chromedp.EvalAwaitPromise)); err != nil {
		return look{}, err
	}
	return observe(ctx)
}

// dress sets the width of the window and the light that the reader likes.
func dress(ctx context.Context, width int64, dark bool) error {
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	_, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 800, DeviceScaleFactor: 1})
	if err != nil {
		return err
	}
	_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	return err
}

func observe(ctx context.Context) (look, error) {
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](measure))
	if err != nil {
		return look{}, err
	}
	var l look
	return l, json.Unmarshal([]byte(text), &l)
}

var wholePages = flag.Bool("whole", false, "pictures under out/ show whole pages, not the window alone; takes twice as long")

// picture saves what the window shows under out/.
func picture(ctx context.Context, t *testing.T, name string) []byte {
	t.Helper()
	quick := true
	shot, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: wholePages, OptimizeForSpeed: &quick})
	png := shot.Data
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := os.MkdirAll("out", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("out", name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
	return png
}
