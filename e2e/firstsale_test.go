package e2e

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/harness/markettest"
	"github.com/souk-market/souk/internal/harness/sellersim"
	"github.com/souk-market/souk/internal/program"
	"github.com/souk-market/souk/isv"
)

// emptyMarket is a sandbox without anything in it but its first operator, with its workers.
func emptyMarket(t *testing.T, engine database.Engine) *world {
	t.Helper()
	env := map[string]string{"SOUK_MODE": "sandbox", "SOUK_DATA": t.TempDir(), "SOUK_DATABASE": databasetest.URL(t, engine, store.Migrations)}
	c, err := config.Load(nil, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	m, err := program.Open(t.Context(), c, program.Options{Logger: slog.New(slog.DiscardHandler), Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- m.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		_ = m.Close()
	})
	if _, err := m.People.FirstOperator(t.Context(), "集市运营中心", "chief", "赵远", sentence); err != nil {
		t.Fatal(err)
	}
	return &world{Market: markettest.Of(t, m, "http://"+l.Addr().String()), t: t}
}

// postFiles sends a form that carries files.
func (r *reader) postFiles(path, page string, form url.Values, files map[string][]byte) (*http.Response, string) {
	r.w.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	form.Set("csrf", tokenField.FindStringSubmatch(page)[1])
	for name, values := range form {
		for _, v := range values {
			_ = w.WriteField(name, v) // memory does not fail
		}
	}
	for name, content := range files {
		kind := ".png"
		if bytes.HasPrefix(content, []byte("%PDF")) {
			kind = ".pdf"
		}
		f, _ := w.CreateFormFile(name, "file"+kind)
		_, _ = f.Write(content)
	}
	_ = w.Close()
	r.header.Set("Content-Type", w.FormDataContentType())
	defer r.header.Del("Content-Type")
	return r.send("POST", path, &b)
}

func drawn(width, height int) []byte {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for x := range width {
		for y := range height {
			m.Set(x, y, color.RGBA{uint8(x), uint8(y), 120, 255})
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, m) // memory does not fail
	return b.Bytes()
}

// A marketplace from nothing to its first sale, by nothing but what stands on the pages and in the mails, on both
// engines: the operator makes categories, a seller registers, takes a product through the wizard and registers its server,
// the operator approves, a buyer registers, gets money, buys, and has the entry page that the seller's server answered.
func TestFromNothingToTheFirstSale(t *testing.T) {
	for _, engine := range []database.Engine{database.SQLite, database.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			w := emptyMarket(t, engine)
			chief := w.open("")
			chief.signIn("chief", sentence)
			const tree = "/operator/categories"
			_, page := chief.get(tree)
			leaf := regexp.MustCompile(`href="/operator/categories/([a-z0-9-]+)"`).FindAllStringSubmatch(page, -1)
			if len(leaf) == 0 {
				t.Fatal("an empty marketplace has no categories to begin with")
			}

			// The seller, from its registration to the review.
			seller := w.open("")
			seller.register("seller", "新云软件", "wang@new.example")
			_, page = seller.get("/seller/products")
			wants(t, "the empty list", page, "/seller/revisions")
			_, page = seller.get("/seller/revisions")
			res, body := seller.post("/seller/revisions", page, url.Values{})
			at := strings.TrimSuffix(res.Header.Get("Location"), "/access")
			if res.StatusCode != 303 {
				t.Fatalf("a draft: %d %s", res.StatusCode, body)
			}
			step := func(name string, files map[string][]byte, pairs ...string) {
				t.Helper()
				_, page := seller.get(at + "/" + name)
				form := fieldsOf(page)
				for i := 0; i+1 < len(pairs); i += 2 {
					form.Set(pairs[i], pairs[i+1])
				}
				if res, body := seller.postFiles(at+"/"+name, page, form, files); res.StatusCode != 303 {
					t.Fatalf("step %s: %d %s", name, res.StatusCode, problemsOf(body))
				}
			}
			step("access", map[string][]byte{"logo": drawn(120, 120)}, "name", "新云排班", "version", "V1.0", "protocol", "v1")
			step("basic", map[string][]byte{"media[0]": drawn(800, 600)}, "overview", "连锁门店一键排班", "description", strings.Repeat("排班员拖动班次即可完成一周的安排，系统按工时与资质自动检查冲突。", 20), "highlights[0].title", "自动检查", "highlights[0].text", "工时与资质一目了然")
			step("service", map[string][]byte{"copyright": []byte("%PDF-1.4\n% certificate\n")}, "agreement", strings.Repeat("双方在线订立本协议，服务方按页面所列规格提供服务。", 8), "support.days", "5", "support.hours", "9",
				"support.time", "周一至周五 9:00–18:00", "support.content", "使用咨询", "support.hotline", "400-123-4567", "support.email", "help@new.example", "user_guide", strings.Repeat("购买后打开入口页面，用收到的账号登录即可使用。", 3))
			specs := []string{"public", "yes", "tags", "排班", "specs[0].name_zh", "门店版", "specs[0].name_en", "Store", "specs[0].quantity.name", "门店数", "specs[0].quantity.unit", "家", "specs[0].quantity.min", "1", "specs[0].quantity.max", "100", "specs[0].quantity.step", "1", "specs[0].trial_days", "15"}
			_, page = seller.get(at + "/business")
			category := regexp.MustCompile(`(?s)<select[^>]*name="category".*?</select>`).FindString(page)
			options := regexp.MustCompile(`<option value="([^"]+)"`).FindAllStringSubmatch(category, -1)
			if len(options) == 0 {
				t.Fatal("the wizard offers no category")
			}
			specs = append(specs, "category", options[0][1])
			step("business", nil, specs...)
			step("business", nil, append(specs, "specs[0].price[0].month", "25.00", "specs[0].price[0].year", "250.00")...)

			// Its server, beside the product: address and key.
			sim, err := sellersim.New(sellersim.Options{Protocol: isv.V1, Key: "seller-key-0001", GeneralKey: "seller-key-0002", Dir: t.TempDir(), Volatile: true})
			if err != nil {
				t.Fatal(err)
			}
			srv := httptest.NewServer(sim)
			t.Cleanup(func() { srv.Close(); _ = sim.Close() })
			sim.SetBaseURL(srv.URL)
			_, page = seller.press("/seller/access", "/seller/access/addresses", url.Values{"form": {"address"}, "class": {"base"}, "address": {srv.URL + sellersim.PathProduce}})
			wants(t, "the address", page, srv.URL)
			seller.press("/seller/access", "/seller/access/keys/base", url.Values{"form": {"rotate-base"}, "key": {"seller-key-0001"}})

			_, page = seller.get(at)
			version := regexp.MustCompile(`name="draft_version" value="(\d+)"`).FindStringSubmatch(page)
			if version == nil {
				t.Fatalf("the checklist offers no submission:\n%s", regexp.MustCompile(`\s+`).ReplaceAllString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " "), " "))
			}
			_, page = seller.press(at, at+"/submit", url.Values{"form": {"submit"}, "draft_version": {version[1]}})
			wants(t, "submitted", page, "待审核")

			review := "/operator" + strings.TrimPrefix(at, "/seller")
			_, page = chief.get("/operator")
			wants(t, "the operator's overview", page, "待审核")
			chief.press(review, review+"/take", url.Values{"form": {"take"}})
			chief.press(review, review+"/approve", url.Values{"form": {"approve"}})

			// The buyer finds it as anybody would.
			buyer := w.open("")
			buyer.register("buyer", "青山连锁", "li@new.example")
			var product string
			w.until("the product to be found", func() bool {
				_, page := buyer.get("/search?q=" + url.QueryEscape("排班"))
				m := regexp.MustCompile(`href="(/products/[^"?#]+)"`).FindStringSubmatch(page)
				if m != nil {
					product = m[1]
				}
				return m != nil
			})
			_, page = buyer.get(product)
			wants(t, "product", page, "新云排班", "¥25.00", "门店数", "400-123-4567", "新云软件")
			offer := regexp.MustCompile(`name="offer" value="([^"]+)"`).FindStringSubmatch(page)
			if offer == nil {
				t.Fatal("the product page sells nothing")
			}
			checkout := "/checkout?offer=" + offer[1] + "&quantity=4&period_number=1"
			_, page = buyer.get(checkout)
			wants(t, "checkout without money", page, "¥100.00")
			buyer.press("/buyer/balance", "/buyer/balance/top-ups", url.Values{"form": {"top-up"}, "amount": {"500.00"}, "currency": {"CNY"}})
			_, page = chief.get("/operator/top-ups")
			take := regexp.MustCompile(`action="(/operator/top-ups/[^"/]+/take)"`).FindStringSubmatch(page)
			if take == nil {
				t.Fatal("the operator is not offered the top-up")
			}
			chief.press("/operator/top-ups", take[1], url.Values{})
			_, page = buyer.get(checkout)
			wants(t, "checkout with money", page, "¥500.00")
			res, body = buyer.post("/checkout", page, url.Values{"form": {"checkout"}, "offer": {offer[1]}, "quantity": {"4"}, "period_number": {"1"}, "expected_amount": {"100.00"}, "accept_agreement": {"yes"}, "pay": {"now"}})
			if res.StatusCode != 303 {
				t.Fatalf("bought: %d %s", res.StatusCode, problemsOf(body))
			}
			order := strings.Split(res.Header.Get("Location"), "?")[0]
			w.until("the order to be completed", func() bool { _, page = buyer.get(order); return strings.Contains(page, "已完成") })
			service := regexp.MustCompile(`href="(/buyer/services/[^"]+)"`).FindStringSubmatch(page)
			if service == nil {
				t.Fatal("the order does not lead to its service")
			}
			_, page = buyer.press(service[1], service[1]+"/entry", url.Values{"form": {"entry"}})
			wants(t, "entry", page, srv.URL+"/instances/", "admin-")
			_, page = seller.get("/seller")
			wants(t, "the seller's overview", page, "¥100.00", "青山连锁")
		})
	}
}

// problemsOf is what a refused page says on top.
func problemsOf(page string) string {
	m := regexp.MustCompile(`(?s)id="errors".*?</div></div>`).FindString(page)
	return strings.TrimSpace(regexp.MustCompile(`(?s)<[^>]*>`).ReplaceAllString(m, " "))
}
