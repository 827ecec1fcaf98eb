package catalogue_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/blob"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
	"github.com/souk-market/souk/internal/engine/jobs"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
)

// shop is a catalogue with one seller, another seller, a reviewer and a buyer.
type shop struct {
	t                            *testing.T
	c                            *catalogue.Catalogue
	k                            *kernel.Kernel
	wire                         *clock.Manual
	seller, other, reviewer, buy access.Actor
}

func each(t *testing.T, f func(t *testing.T, s *shop)) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		s := &shop{t: t, wire: clock.NewManual(time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC))}
		business := clock.NewBusiness(s.wire)
		s.k = &kernel.Kernel{DB: db, Wire: s.wire, Clock: business, Queue: jobs.New(db, business, s.wire, jobs.Options{}).Queue(), Log: slog.New(slog.DiscardHandler), Zone: clock.Shanghai}
		blobs, err := blob.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		s.c = catalogue.New(s.k, blobs, "集市")
		actor := func(id string, kind party.Kind, roles ...access.Role) access.Actor {
			s.do(func(ctx context.Context, tx *kernel.Tx) error {
				return store.InsertCompany(ctx, tx, party.Company{ID: id, Kind: kind, Name: id})
			})
			return access.Actor{PersonID: "p-" + id, CompanyID: id, CompanyKind: kind, Roles: roles}
		}
		s.seller, s.other = actor("seller", party.Seller, access.SellerOwner), actor("other", party.Seller, access.SellerOwner)
		s.reviewer, s.buy = actor("desk", party.Operator, access.Reviewer), actor("buyer", party.Buyer, access.BuyerOwner)
		s.do(func(ctx context.Context, tx *kernel.Tx) error {
			for _, k := range []catalog.Category{{ID: "apps", NameZH: "企业应用", NameEN: "Applications"}, {ID: "office", ParentID: "apps", NameZH: "办公", NameEN: "Office"}} {
				if _, err := s.c.PutCategory(ctx, tx, s.reviewer, k); err != nil {
					return err
				}
			}
			return store.SetAddress(ctx, tx, "seller", "base", "", "https://a.example/", true, s.wire.Now())
		})
		f(t, s)
	})
}

func (s *shop) try(f func(ctx context.Context, tx *kernel.Tx) error) error {
	return s.k.Change(s.t.Context(), f)
}

func (s *shop) do(f func(ctx context.Context, tx *kernel.Tx) error) {
	s.t.Helper()
	if err := s.try(f); err != nil {
		s.t.Fatal(err)
	}
}

func picture(w, h int) *bytes.Buffer {
	var b bytes.Buffer
	_ = png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h)))
	return &b
}

func (s *shop) upload(name string, body *bytes.Buffer) string {
	s.t.Helper()
	f, err := s.c.Upload(s.t.Context(), s.seller, name, body)
	if err != nil {
		s.t.Fatal(err)
	}
	return f.ID
}

// complete is a body that passes.
func (s *shop) complete() catalog.Body {
	return catalog.Body{
		Name: "云帆协同办公", Version: "V1.0", Protocol: catalog.V1, Logo: s.upload("logo.png", picture(120, 120)), Media: []string{s.upload("main.png", picture(800, 600))},
		Overview: "一个入口完成日常协作", Description: "# 功能\n" + strings.Repeat("审批考勤会议文档", 60), Highlights: []catalog.Highlight{{Title: "审批", Text: "随时审批"}},
		Agreement: strings.Repeat("双方同意本协议的条款。", 12), Support: catalog.Support{Days: 5, Hours: 8, Time: "工作日 9–18 点", Content: "咨询", Hotline: "400-123-4567", Email: "service@yunfan.example"},
		UserGuide: strings.Repeat("购买后打开入口页面登录。", 6), Copyright: s.upload("证书.pdf", bytes.NewBufferString("%PDF-1.7 certificate")), Public: true, Category: "office",
		Specs: []catalog.Spec{{NameZH: "标准版", NameEN: "Standard", Enums: []catalog.Enum{{Name: "版本", Values: []string{"基础", "高级"}}}, Prices: []catalog.Price{
			{SKU: "基础", PeriodType: catalog.Month, Amount: "12.00", Currency: money.CNY}, {SKU: "高级", PeriodType: catalog.Month, Amount: "20.00", Currency: money.CNY}, {SKU: "高级", PeriodType: catalog.Year, Amount: "200.00", Currency: money.CNY}}}},
	}
}

// release brings a body on sale and gives its revision.
func (s *shop) release(product string, body catalog.Body) (v catalog.Revision) {
	s.t.Helper()
	s.do(func(ctx context.Context, tx *kernel.Tx) (err error) {
		if v, err = s.c.Begin(ctx, tx, s.seller, product); err != nil {
			return err
		}
		if v, err = s.c.SaveDraft(ctx, tx, s.seller, v.ID, v.Version, body); err != nil {
			return err
		}
		if v, err = s.c.SubmitDraft(ctx, tx, s.seller, v.ID, v.Version); err != nil {
			return err
		}
		if v, err = s.c.TakeReview(ctx, tx, s.reviewer, v.ID); err != nil {
			return err
		}
		v, err = s.c.ApproveReview(ctx, tx, s.reviewer, v.ID)
		return err
	})
	return v
}

func TestFromDraftToSale(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		var v catalog.Revision
		s.do(func(ctx context.Context, tx *kernel.Tx) (err error) {
			v, err = s.c.Begin(ctx, tx, s.seller, "")
			return err
		})
		// Nothing typed is lost, however wrong; submitting names what is missing.
		s.do(func(ctx context.Context, tx *kernel.Tx) (err error) {
			v, err = s.c.SaveDraft(ctx, tx, s.seller, v.ID, v.Version, catalog.Body{Name: "免费办公"})
			return err
		})
		err := s.try(func(ctx context.Context, tx *kernel.Tx) error {
			_, err := s.c.SubmitDraft(ctx, tx, s.seller, v.ID, v.Version)
			return err
		})
		f, ok := fault.As(err)
		if !ok || f.Code != "incomplete" || f.Fields["name"] == "" || f.Fields["logo"] == "" || f.Fields["specs"] == "" {
			t.Fatalf("%v", err)
		}
		d, err := s.c.Draft(t.Context(), s.seller, v.ID)
		if err != nil || d.Revision.Body.Name != "免费办公" || len(d.Problems) < 10 {
			t.Fatalf("%v %d problems", err, len(d.Problems))
		}
		// A page that is older than the draft is refused.
		err = s.try(func(ctx context.Context, tx *kernel.Tx) error {
			_, err := s.c.SaveDraft(ctx, tx, s.seller, v.ID, v.Version-1, catalog.Body{})
			return err
		})
		if !fault.Is(err, "stale_page") {
			t.Fatalf("%v", err)
		}
		body := s.complete()
		s.do(func(ctx context.Context, tx *kernel.Tx) (err error) {
			if v, err = s.c.SaveDraft(ctx, tx, s.seller, v.ID, v.Version, body); err != nil {
				return err
			}
			v, err = s.c.SubmitDraft(ctx, tx, s.seller, v.ID, v.Version)
			return err
		})
		// Three working days: Tuesday to Friday, at midnight in Shanghai. spec: 20 B7
		if got := v.DueAt.In(clock.Shanghai).Format("2006-01-02 15:04"); v.State != catalog.RevisionPending || got != "2026-11-28 00:00" {
			t.Fatalf("%s, due %s", v.State, got)
		}
		for name, f := range map[string]func(ctx context.Context, tx *kernel.Tx) error{
			"change while pending": func(ctx context.Context, tx *kernel.Tx) error {
				_, err := s.c.SaveDraft(ctx, tx, s.seller, v.ID, v.Version, body)
				return err
			},
			"approve by seller": func(ctx context.Context, tx *kernel.Tx) error {
				_, err := s.c.ApproveReview(ctx, tx, s.seller, v.ID)
				return err
			},
			"reject for nothing": func(ctx context.Context, tx *kernel.Tx) error {
				_, err := s.c.RejectReview(ctx, tx, s.reviewer, v.ID, " ", nil)
				return err
			},
			"another's request": func(ctx context.Context, tx *kernel.Tx) error {
				_, err := s.c.WithdrawDraft(ctx, tx, s.other, v.ID)
				return err
			},
		} {
			if err := s.try(f); err == nil {
				t.Errorf("%s was allowed", name)
			}
		}
		s.do(func(ctx context.Context, tx *kernel.Tx) (err error) {
			v, err = s.c.RejectReview(ctx, tx, s.reviewer, v.ID, "主图看不清", map[string]string{"media[0]": "太暗"})
			return err
		})
		s.do(func(ctx context.Context, tx *kernel.Tx) (err error) {
			if v, err = s.c.SaveDraft(ctx, tx, s.seller, v.ID, v.Version, v.Body); err != nil {
				return err
			}
			if v, err = s.c.SubmitDraft(ctx, tx, s.seller, v.ID, 0); err != nil {
				return err
			}
			v, err = s.c.ApproveReview(ctx, tx, s.reviewer, v.ID)
			return err
		})
		p, err := s.c.Page(t.Context(), access.Actor{}, v.ProductID)
		if err != nil || p.Product.State != catalog.OnSale || len(p.SKUs) != 2 || p.Category != "office" || p.Live == nil {
			t.Fatalf("%v %+v", err, p)
		}
	})
}

// A new version is reviewed while the old one sells; combinations keep their codes
// and terms their ids, what is gone is withdrawn. spec: 20 B3.1, B3.4
func TestANewVersionKeepsCodesAndIDs(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		first := s.release("", s.complete())
		ids := func() map[string]string {
			l, err := s.c.Get(t.Context(), access.Actor{}, first.ProductID)
			if err != nil {
				t.Fatal(err)
			}
			out := map[string]string{}
			for _, k := range l.SKUs {
				for _, o := range l.Offers[k.Code] {
					out[k.Name+" "+string(o.PeriodType)] = k.Code + " " + o.ID + " " + o.Price
				}
			}
			return out
		}
		before := ids()
		body := first.Body
		body.Specs[0].Enums[0].Values = []string{"高级", "旗舰"}
		body.Specs[0].Prices = []catalog.Price{{SKU: "高级", PeriodType: catalog.Month, Amount: "25.00", Currency: money.CNY}, {SKU: "旗舰", PeriodType: catalog.Month, Amount: "50.00", Currency: money.CNY}}
		s.release(first.ProductID, body)
		after := ids()
		if len(before) != 3 || len(after) != 2 || after["标准版 旗舰 month"] == "" {
			t.Fatalf("before %v, after %v", before, after)
		}
		if want := strings.Replace(before["标准版 高级 month"], "20.00", "25.00", 1); after["标准版 高级 month"] != want {
			t.Errorf("%q, want %q", after["标准版 高级 month"], want)
		}
		if _, err := s.c.Draft(t.Context(), s.other, first.ID); fault.KindOf(err) != fault.NotFound {
			t.Errorf("another seller reads the request: %v", err)
		}
	})
}

// The tenth submission of a day has a day more. spec: 20 B7, B10
func TestManySubmissionsOfOneDay(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		body := s.complete()
		for n := 1; n <= 10; n++ {
			body.Name = fmt.Sprintf("云帆应用%c", 'A'+n)
			var v catalog.Revision
			s.do(func(ctx context.Context, tx *kernel.Tx) (err error) {
				if v, err = s.c.Begin(ctx, tx, s.seller, ""); err != nil {
					return err
				}
				if v, err = s.c.SaveDraft(ctx, tx, s.seller, v.ID, 0, body); err != nil {
					return err
				}
				v, err = s.c.SubmitDraft(ctx, tx, s.seller, v.ID, 0)
				return err
			})
			want := "2026-11-28"
			if n == 10 {
				want = "2026-12-01"
			}
			if got := v.DueAt.In(clock.Shanghai).Format("2006-01-02"); got != want {
				t.Errorf("submission %d is due %s, want %s", n, got, want)
			}
		}
	})
}

// bomb is a PNG of a few bytes that says it is enormous.
func bomb(w, h uint32) string {
	head := []byte("\x00\x00\x00\rIHDR\x00\x00\x00\x00\x00\x00\x00\x00\x08\x06\x00\x00\x00")
	binary.BigEndian.PutUint32(head[8:], w)
	binary.BigEndian.PutUint32(head[12:], h)
	sum := crc32.ChecksumIEEE(head[4:])
	return "\x89PNG\r\n\x1a\n" + string(binary.BigEndian.AppendUint32(head, sum)) + strings.Repeat("\x00", 600)
}

func TestDisguisedAndHugeUploads(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		for name, body := range map[string]string{
			"script.png": "<script>alert(1)</script>", "page.html": "<html>", "picture.jpg": picture(1, 1).String(), "empty.png": "", "run.pdf": "MZ\x90\x00", "broken.png": "\x89PNG\r\n\x1a\nnonsense",
			"vector.svg": `<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>`, "big.png": picture(120, 120).String() + strings.Repeat("x", 6<<20), "\x01.png": picture(1, 1).String(),
			"bomb.png": bomb(60_000, 60_000), "bomb.gif": "GIF89a\xff\xff\xff\xff\x80\x00\x00" + strings.Repeat("\x00", 800),
			"polyglot.png": "GIF89a<script>alert(1)</script>", "archive.pdf": "PK\x03\x04" + strings.Repeat("\x00", 600), "huge.pdf": "%PDF-1.7" + strings.Repeat("x", 21<<20),
		} {
			if f, err := s.c.Upload(t.Context(), s.seller, name, strings.NewReader(body)); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%s was taken: %+v %v", name, f, err)
			}
		}
		if _, err := s.c.Upload(t.Context(), s.buy, "a.png", picture(1, 1)); fault.KindOf(err) != fault.Forbidden {
			t.Errorf("a buyer uploads: %v", err)
		}
		// A document is its owner's and the operators' only; a picture is everybody's.
		id := s.upload("证书.pdf", bytes.NewBufferString("%PDF-1.7"))
		for who, want := range map[string]fault.Kind{"other": fault.NotFound, "buyer": fault.NotFound} {
			a := map[string]access.Actor{"other": s.other, "buyer": s.buy}[who]
			if _, _, err := s.c.OpenFile(t.Context(), a, id); fault.KindOf(err) != want {
				t.Errorf("%s: %v", who, err)
			}
		}
		if _, b, err := s.c.OpenFile(t.Context(), s.reviewer, id); err != nil {
			t.Error(err)
		} else {
			b.Close()
		}
	})
}

// Nothing a seller writes may run, and nothing leads away.
func TestMarkdownIsSafe(t *testing.T) {
	for source, mustNot := range map[string]string{
		"<script>alert(1)</script>": "<script", "[x](javascript:alert(1))": "javascript", `<img src=x onerror=alert(1)>`: "onerror", "![x](https://elsewhere.example/p.png)": "elsewhere",
		"<iframe src=//x></iframe>": "iframe", "[x](https://elsewhere.example)": "elsewhere", "<div style='position:fixed'>x</div>": "style", "![a\"onload=alert(1)](/files/1)": "alt=\"a\"",
	} {
		if html := catalogue.RenderMarkdown(source); strings.Contains(html, mustNot) {
			t.Errorf("%s became %s", source, html)
		}
	}
	if got := catalogue.RenderMarkdown("# 标题\n\n**粗** ![图](/files/0190) | \n"); !strings.Contains(got, "<h2>标题</h2>") || !strings.Contains(got, "<strong>粗</strong>") || !strings.Contains(got, `src="/files/0190"`) {
		t.Error(got)
	}
}

// A search finds what is on sale within a second of the change, in this process or
// another, and nothing that is not. A change whose key is lower than one committed
// before it is not missed.
func TestSearchFollowsTheFeed(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		find := catalogue.NewSearch(s.c)
		first := s.release("", s.complete())
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { _ = find.Run(ctx); close(done) }()
		defer func() { stop(); <-done }()
		names := func(q string) string {
			r, err := find.Find(t.Context(), catalogue.SearchQuery{Text: q, Size: 10}, "")
			if err != nil {
				t.Fatal(err)
			}
			var out []string
			for _, c := range r.Cards {
				out = append(out, c.Name)
			}
			return strings.Join(out, ",")
		}
		until := func(q, want string) {
			t.Helper()
			for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
				if find.Ready() && names(q) == want {
					return
				}
			}
			t.Fatalf("%q finds %q, want %q", q, names(q), want)
		}
		until("协同", "云帆协同办公")
		until("考勤", "云帆协同办公") // of the description
		body := s.complete()
		body.Name = "北辰看板"
		second := s.release("", body)
		until("看板", "北辰看板")
		s.do(func(ctx context.Context, tx *kernel.Tx) error {
			_, err := s.c.Move(ctx, tx, s.reviewer, second.ProductID, catalogue.Suspend, "检查")
			return err
		})
		until("看板", "")
		// A change with an older key, committed now.
		s.do(func(ctx context.Context, tx *kernel.Tx) error {
			if _, err := tx.Exec(ctx, `UPDATE product SET name = '云帆日程' WHERE id = $1`, first.ProductID); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `INSERT INTO change (id, noun, noun_id) VALUES ($1, 'product', $2)`, strings.Replace(fmt.Sprintf("%08x-%04x-7000-8000-000000000000", (time.Now().UnixMilli()-30000)>>16, (time.Now().UnixMilli()-30000)&0xffff), " ", "0", -1), first.ProductID)
			return err
		})
		until("日程", "云帆日程")
	})
}
