package catalogue_test

import (
	"context"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
)

// running is a search as one process runs it.
func (s *shop) running() *catalogue.Search {
	s.t.Helper()
	find := catalogue.NewSearch(s.c)
	ctx, stop := context.WithCancel(s.t.Context())
	done := make(chan struct{})
	go func() { _ = find.Run(ctx); close(done) }()
	s.t.Cleanup(func() { stop(); <-done })
	return find
}

// soon waits until something is so: followers look at the feed several times a second.
func (s *shop) soon(what string, so func() bool) {
	s.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(15 * time.Second); !so(); {
		select {
		case <-tick.C:
		case <-end:
			s.t.Fatalf("%s did not happen", what)
		}
	}
}

// What one process changes, every process shows: a product that is suspended is gone
// from each, a seller's new name stands on its cards, and the generation that pages are
// kept by moves each time, and only then.
func TestEveryProcessFollows(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		v := s.release("", s.complete())
		processes := []*catalogue.Search{s.running(), s.running()}
		card := func(find *catalogue.Search) (c catalogue.Card) {
			r, err := find.Find(t.Context(), catalogue.SearchQuery{Size: 10}, "")
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Cards) == 1 {
				c = r.Cards[0]
			}
			return c
		}
		at := make([]uint64, len(processes))
		all := func(what string, so func(c catalogue.Card) bool) {
			t.Helper()
			for i, find := range processes {
				s.soon(what, func() bool { return find.Ready() && so(card(find)) })
				s.soon("a generation for: "+what, func() bool { return find.Generation() > at[i] })
				at[i] = find.Generation()
			}
		}
		all("the product", func(c catalogue.Card) bool {
			return c.ID == v.ProductID && c.Seller == "seller" && c.Price != "" && c.Logo != ""
		})
		s.do(func(ctx context.Context, tx *kernel.Tx) error {
			return store.SetCompanyName(ctx, tx, "seller", "云帆新名")
		})
		all("the new name", func(c catalogue.Card) bool { return c.Seller == "云帆新名" })
		if err := s.move(s.reviewer, v.ProductID, catalogue.Suspend, "检查"); err != nil {
			t.Fatal(err)
		}
		all("the suspension", func(c catalogue.Card) bool { return c.ID == "" })
		if err := s.move(s.reviewer, v.ProductID, catalogue.Resume, ""); err != nil {
			t.Fatal(err)
		}
		all("the sale", func(c catalogue.Card) bool { return c.ID == v.ProductID })
		s.do(func(ctx context.Context, tx *kernel.Tx) error {
			_, err := s.c.PutCategory(ctx, tx, s.reviewer, catalog.Category{ID: "office", NameZH: "协作", NameEN: "Working together"})
			return err
		})
		all("the category's new name", func(catalogue.Card) bool {
			tree, err := processes[0].Tree(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range tree {
				if k.NameZH == "协作" {
					return true
				}
			}
			return false
		})
	})
}

// Pages led on by their marks hold every product once, and a mark that is none is refused.
func TestListsGoOnAfterTheLastOneSeen(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		want := map[string]bool{}
		for _, name := range []string{"云帆协同", "北辰看板", "星河扫描", "远山巡检", "海纳会员"} {
			body := s.complete()
			body.Name = name
			want[s.release("", body).ProductID] = true
		}
		find := s.running()
		s.soon("the index", func() bool { return find.Ready() })
		for _, sort := range []string{catalogue.SortNewest, catalogue.SortPrice, catalogue.SortPopular} {
			seen := map[string]bool{}
			for mark := ""; ; {
				r, err := find.Find(t.Context(), catalogue.SearchQuery{Size: 2, Sort: sort}, mark)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range r.Cards {
					if seen[c.ID] || !want[c.ID] {
						t.Errorf("by %s: %s twice or unknown", sort, c.ID)
					}
					seen[c.ID] = true
				}
				if mark = r.Next; mark == "" {
					break
				}
			}
			if len(seen) != len(want) {
				t.Errorf("by %s: %d of %d products", sort, len(seen), len(want))
			}
		}
		if _, err := find.Find(t.Context(), catalogue.SearchQuery{Size: 2}, "nonsense"); err == nil {
			t.Error("a mark that is none was taken")
		}
	})
}
