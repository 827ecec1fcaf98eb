package catalogue_test

import (
	"bytes"
	"context"
	"image"
	"image/gif"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
)

// What a seller says of itself is shown at once; before, it is the company's. Each wrong field is named. spec: 20 A4
func TestAShopSaysWhoTheSellerIs(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		save := func(a access.Actor, seller string, in catalogue.Shop) error {
			return s.try(func(ctx context.Context, tx *kernel.Tx) error {
				_, err := s.c.SaveShop(ctx, tx, a, seller, in)
				return err
			})
		}
		read := func() catalogue.Shop {
			shop, err := s.c.Shop(t.Context(), "seller")
			if err != nil {
				t.Fatal(err)
			}
			return shop
		}
		if one := read(); one.Name != "seller" || one.Company != "seller" || one.Version != 0 {
			t.Errorf("before: %+v", one)
		}
		logo, err := s.c.UploadLogo(t.Context(), s.seller, "logo.png", picture(100, 100))
		if err != nil {
			t.Fatal(err)
		}
		good := catalogue.Shop{Name: " 云帆小店 ", Introduction: "## 关于我们\r\n十年<b>协作</b>经验", Logo: logo.ID, ContactName: "王经理", Phone: "400-123-4567", Email: "Shop@Yunfan.example", Hours: "周一至周五", Website: "https://www.yunfan.example"}
		if err := save(s.seller, "seller", good); err != nil {
			t.Fatal(err)
		}
		if one := read(); one.Name != "云帆小店" || one.Company != "seller" || one.Email != "shop@yunfan.example" || one.Version != 1 || strings.Contains(one.Introduction, "\r") {
			t.Errorf("after: %+v", one)
		}
		if html := catalogue.RenderMarkdown(read().Introduction); !strings.Contains(html, "<h2>关于我们</h2>") || strings.Contains(html, "<b>") {
			t.Errorf("shown as %s", html)
		}
		// A stale page overwrites nothing.
		if f, ok := fault.As(save(s.seller, "seller", good)); !ok || f.Code != "shop_changed" {
			t.Errorf("a stale version: %v", f)
		}
		theirs, err := s.c.UploadLogo(t.Context(), s.other, "logo.png", picture(10, 10))
		if err != nil {
			t.Fatal(err)
		}
		for field, change := range map[string]func(in *catalogue.Shop){
			"name":         func(in *catalogue.Shop) { in.Name = "集市官方店" },
			"introduction": func(in *catalogue.Shop) { in.Introduction = "来看 [我们](https://elsewhere.example)" },
			"logo":         func(in *catalogue.Shop) { in.Logo = theirs.ID },
			"phone":        func(in *catalogue.Shop) { in.Phone = "two\nlines" },
			"email":        func(in *catalogue.Shop) { in.Email = "nonsense" },
			"website":      func(in *catalogue.Shop) { in.Website = "javascript:alert(1)" },
			"hours":        func(in *catalogue.Shop) { in.Hours = strings.Repeat("长", 101) },
		} {
			in := good
			in.Version = 1
			change(&in)
			if f, ok := fault.As(save(s.seller, "seller", in)); !ok || f.Fields[field] == "" {
				t.Errorf("%s: %v", field, f)
			}
		}
		var b bytes.Buffer
		_ = gif.Encode(&b, image.NewGray(image.Rect(0, 0, 4, 4)), nil)
		if _, err := s.c.UploadLogo(t.Context(), s.seller, "logo.gif", &b); err == nil {
			t.Error("a GIF was taken as a logo")
		}
		// Nobody else's, and not by whom it does not concern.
		good.Version = 1
		if f, ok := fault.As(save(s.other, "seller", good)); !ok || f.Code != "not_found" {
			t.Errorf("by another seller: %v", f)
		}
		support := s.seller
		support.Roles = []access.Role{access.SellerSupport}
		if f, ok := fault.As(save(support, "seller", good)); !ok || f.Code != "forbidden" {
			t.Errorf("by support: %v", f)
		}
		if _, err := s.c.Shop(t.Context(), "buyer"); err == nil {
			t.Error("a buyer has a shop")
		}
	})
}
