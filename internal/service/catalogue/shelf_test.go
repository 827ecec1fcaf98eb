package catalogue_test

import (
	"context"
	"slices"
	"testing"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
)

func (s *shop) move(a access.Actor, product string, d catalogue.Decide, reason string) error {
	return s.try(func(ctx context.Context, tx *kernel.Tx) error {
		_, err := s.c.Move(ctx, tx, a, product, d, reason)
		return err
	})
}

func (s *shop) state(product string) catalog.State {
	l, err := s.c.Get(s.t.Context(), s.reviewer, product)
	if err != nil {
		s.t.Fatal(err)
	}
	return l.Product.State
}

// A seller asks, an operator decides; off the shelf is final. spec: 20 B7
func TestOffTheShelf(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		v := s.release("", s.complete())
		id := v.ProductID
		for name, c := range map[string]struct {
			who    access.Actor
			d      catalogue.Decide
			reason string
			want   fault.Kind
		}{
			"a seller by itself":    {s.seller, catalogue.Delist, "不再销售", fault.Forbidden},
			"another seller":        {s.other, catalogue.RequestDelist, "不再销售", fault.NotFound},
			"a buyer":               {s.buy, catalogue.RequestDelist, "不再销售", fault.Forbidden},
			"without a reason":      {s.seller, catalogue.RequestDelist, " ", fault.Invalid},
			"refused, never asked":  {s.reviewer, catalogue.RefuseDelist, "请保留", fault.Conflict},
			"delisted for nothing":  {s.reviewer, catalogue.Delist, "", fault.Invalid},
			"an operator who asks":  {s.reviewer, catalogue.RequestDelist, "x", fault.Forbidden},
			"resumed while on sale": {s.reviewer, catalogue.Resume, "", fault.Conflict},
		} {
			if err := s.move(c.who, id, c.d, c.reason); fault.KindOf(err) != c.want {
				t.Errorf("%s: %v, want %s", name, err, c.want)
			}
		}
		asked := func() []string {
			ps, err := s.c.DelistsAsked(t.Context(), s.reviewer, 10)
			if err != nil {
				t.Fatal(err)
			}
			var out []string
			for _, p := range ps {
				out = append(out, p.Product.ID+" "+p.DelistReason)
			}
			return out
		}
		if err := s.move(s.seller, id, catalogue.RequestDelist, "产品线调整"); err != nil {
			t.Fatal(err)
		}
		if got := asked(); !slices.Equal(got, []string{id + " 产品线调整"}) || s.state(id) != catalog.OnSale {
			t.Fatalf("asked: %v, %s", got, s.state(id))
		}
		if err := s.move(s.seller, id, catalogue.RequestDelist, "再次申请"); !fault.Is(err, "delist_asked") {
			t.Errorf("asked twice: %v", err)
		}
		if err := s.move(s.reviewer, id, catalogue.RefuseDelist, "还有未交付订单"); err != nil || len(asked()) != 0 || s.state(id) != catalog.OnSale {
			t.Fatalf("refused: %v %v %s", err, asked(), s.state(id))
		}
		if err := s.move(s.seller, id, catalogue.RequestDelist, "产品线调整"); err != nil {
			t.Fatal(err)
		}
		if err := s.move(s.reviewer, id, catalogue.Delist, "同意"); err != nil || s.state(id) != catalog.OffShelf || len(asked()) != 0 {
			t.Fatalf("delisted: %v %s %v", err, s.state(id), asked())
		}
		// Nobody but its seller and the operators sees it, and nothing brings it back. // spec: 20 B10
		if _, err := s.c.Page(t.Context(), s.buy, id); fault.KindOf(err) != fault.NotFound {
			t.Errorf("a buyer sees it: %v", err)
		}
		for _, d := range []catalogue.Decide{catalogue.Resume, catalogue.Approve, catalogue.Suspend, catalogue.Delist} {
			if err := s.move(s.reviewer, id, d, "x"); fault.KindOf(err) != fault.Conflict {
				t.Errorf("%s after that: %v", d, err)
			}
		}
		if err := s.try(func(ctx context.Context, tx *kernel.Tx) error { _, err := s.c.Begin(ctx, tx, s.seller, id); return err }); !fault.Is(err, "off_shelf") {
			t.Errorf("modified after that: %v", err)
		}
	})
}

// A new version of a suspended product is reviewed, and does not lift the suspension.
func TestAnApprovalDoesNotLiftASuspension(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		v := s.release("", s.complete())
		if err := s.move(s.reviewer, v.ProductID, catalogue.Suspend, "检查"); err != nil {
			t.Fatal(err)
		}
		body := s.complete()
		body.Overview = "换了简介"
		s.release(v.ProductID, body)
		p, err := s.c.Page(t.Context(), s.reviewer, v.ProductID)
		if err != nil || p.Product.State != catalog.Suspended || p.Product.Reason != "检查" || p.Live.Body.Overview != "换了简介" {
			t.Errorf("%+v %v", p.Product, err)
		}
	})
}

// Categories have two levels and names in two languages; a retired one takes no new
// products, and who stands in it may go on. spec: 20 B9a
func TestCategories(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		put := func(k catalog.Category) error {
			return s.try(func(ctx context.Context, tx *kernel.Tx) error {
				_, err := s.c.PutCategory(ctx, tx, s.reviewer, k)
				return err
			})
		}
		for name, k := range map[string]catalog.Category{
			"no English name": {ID: "x", NameZH: "新类"}, "no Chinese name": {ID: "x", NameEN: "New"}, "a third level": {ID: "x", ParentID: "office", NameZH: "新类", NameEN: "New"},
			"below nothing": {ID: "x", ParentID: "nowhere", NameZH: "新类", NameEN: "New"}, "the name beside it": {ID: "x", ParentID: "apps", NameZH: "办公", NameEN: "Other"},
			"odd id": {ID: "X y", NameZH: "新类", NameEN: "New"}, "below zero": {ID: "x", NameZH: "新类", NameEN: "New", Position: -1},
		} {
			if err := put(k); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := s.try(func(ctx context.Context, tx *kernel.Tx) error {
			_, err := s.c.PutCategory(ctx, tx, s.seller, catalog.Category{ID: "x", NameZH: "新类", NameEN: "New"})
			return err
		}); fault.KindOf(err) != fault.Forbidden {
			t.Errorf("a seller: %v", err)
		}
		v := s.release("", s.complete())
		if err := put(catalog.Category{ID: "office", NameZH: "协同办公", NameEN: "Collaboration", Position: 3, Retired: true}); err != nil {
			t.Fatal(err)
		}
		tree, err := s.c.Categories(t.Context())
		if err != nil || !slices.Contains(tree, catalog.Category{ID: "office", ParentID: "apps", NameZH: "协同办公", NameEN: "Collaboration", Position: 3, Retired: true}) {
			t.Fatalf("%+v %v", tree, err)
		}
		counts, err := s.c.CategoryCounts(t.Context(), s.reviewer)
		if err != nil || counts["office"] != 1 {
			t.Errorf("%v %v", counts, err)
		}
		problems := func(product string, body catalog.Body) (out []string) {
			var id string
			s.do(func(ctx context.Context, tx *kernel.Tx) error {
				r, err := s.c.Begin(ctx, tx, s.seller, product)
				if err == nil {
					id = r.ID
					_, err = s.c.SaveDraft(ctx, tx, s.seller, r.ID, r.Version, body)
				}
				return err
			})
			d, err := s.c.Draft(t.Context(), s.seller, id)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range d.Problems {
				out = append(out, p.Field+" "+p.Code)
			}
			return out
		}
		fresh := s.complete()
		fresh.Name = "北辰看板"
		if got := problems("", fresh); !slices.Contains(got, "category not_leaf") {
			t.Errorf("a new product in a retired category: %v", got)
		}
		if got := problems(v.ProductID, s.complete()); len(got) != 0 {
			t.Errorf("a product that stands in it: %v", got)
		}
	})
}
