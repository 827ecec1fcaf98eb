package search_test

import (
	"slices"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/search"
)

func index(t *testing.T) *search.Index {
	t.Helper()
	x, err := search.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	at := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	if err := x.Put([]search.Doc{
		{ID: "1", Name: "云帆协同办公", Summary: "审批与会议", Seller: "云帆软件", SellerID: "a", Category: "office", Parent: "apps", Terms: []string{"month"}, Price: 12, Rating: 4.5, Listed: at},
		{ID: "2", Name: "北辰经营看板 Dashboards", Summary: "Connecting your databases", Seller: "北辰数据", SellerID: "b", Category: "bi", Parent: "apps", Terms: []string{"month", "year"}, Price: 39, Listed: at.Add(time.Hour)},
		{ID: "3", Name: "电子签章", Summary: "合同在线签署", Text: "适合办公室使用", Seller: "云帆软件", SellerID: "a", Category: "office", Parent: "apps", Terms: []string{"one_time"}, Price: 5, Rating: 3, Listed: at.Add(2 * time.Hour)},
	}, nil); err != nil {
		t.Fatal(err)
	}
	return x
}

func TestWordsAreFound(t *testing.T) {
	x := index(t)
	for q, want := range map[string][]string{
		"办公": {"1", "3"}, "签章": {"3"}, "看板": {"2"}, "云帆": {"1", "3"}, "dashboard": {"2"}, "DASHBOARDS": {"2"}, "connect": {"2"}, "ｄａｓｈｂｏａｒｄ": {"2"},
		"database dashboards": {"2"}, "办公 看板": nil, "没有这个词": nil, "": {"3", "2", "1"}, "   ": {"3", "2", "1"}, `"'*~:+-/\(`: nil,
	} {
		r, err := x.Find(t.Context(), search.Query{Text: q, Size: 10})
		if err != nil || !slices.Equal(r.IDs, want) {
			t.Errorf("%q: %v %v, want %v", q, r.IDs, err, want)
		}
	}
}

func TestFacetsAndSorting(t *testing.T) {
	x := index(t)
	r, err := x.Find(t.Context(), search.Query{SellerID: "a", Sort: search.ByPrice, Size: 10})
	if err != nil || !slices.Equal(r.IDs, []string{"3", "1"}) || r.Total != 2 || !slices.Contains(r.Facets["category"], search.Count{Value: "office", Count: 2}) {
		t.Errorf("%+v %v", r, err)
	}
	if r, _ := x.Find(t.Context(), search.Query{MinRating: 4, Size: 10}); !slices.Equal(r.IDs, []string{"1"}) {
		t.Errorf("%v", r.IDs)
	}
	if r, _ := x.Find(t.Context(), search.Query{Category: "apps", Term: "year", Size: 10}); !slices.Equal(r.IDs, []string{"2"}) {
		t.Errorf("%v", r.IDs)
	}
	if r, _ := x.Find(t.Context(), search.Query{Sort: search.ByRating, Size: 1, From: 1}); !slices.Equal(r.IDs, []string{"3"}) || r.Total != 3 {
		t.Errorf("%v", r)
	}
	// What is taken away is not found any more.
	if err := x.Put(nil, []string{"1"}); err != nil || x.Size() != 2 {
		t.Fatal(err, x.Size())
	}
}
