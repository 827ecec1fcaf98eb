package search_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/search"
)

var listed = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

func index(t *testing.T) *search.Index {
	t.Helper()
	x := search.New()
	x.Put([]search.Doc{
		{ID: "1", Name: "云帆协同办公", Summary: "审批与会议", Seller: "云帆软件", SellerID: "a", Category: "office", Parent: "apps", Type: "saas", Terms: []string{"month"}, Price: 12, Rating: 4.5, Sold: 7, Listed: listed},
		{ID: "2", Name: "北辰经营看板 Dashboards", Summary: "Connecting your databases", Seller: "北辰数据", SellerID: "b", Category: "bi", Parent: "apps", Type: "saas", Terms: []string{"month", "year"}, Price: 39, Days: 5, Listed: listed.Add(time.Hour)},
		{ID: "3", Name: "电子签章", Summary: "合同在线签署", Text: "适合办公室使用", Seller: "云帆软件", SellerID: "a", Category: "office", Parent: "apps", Type: "saas", Terms: []string{"one_time"}, Price: 5, Rating: 3, Listed: listed.Add(2 * time.Hour)},
	}, nil)
	return x
}

func TestWordsAreFound(t *testing.T) {
	x := index(t)
	for q, want := range map[string][]string{
		"办公": {"1", "3"}, "签章": {"3"}, "看板": {"2"}, "云帆": {"1", "3"}, "dashboard": {"2"}, "DASHBOARDS": {"2"}, "connect": {"2"}, "ｄａｓｈｂｏａｒｄ": {"2"},
		"database dashboards": {"2"}, "办公 看板": nil, "没有这个词": nil, "": {"3", "2", "1"}, "   ": {"3", "2", "1"}, `"'*~:+-/\(`: nil,
		"dash": {"2"}, "北": {"2"}, "协同办公": {"1"}, "云帆 签署": {"3"},
	} {
		if r := x.Find(t.Context(), search.Query{Text: q, Size: 10}); !slices.Equal(r.IDs, want) || r.Total != len(want) {
			t.Errorf("%q: %v of %d, want %v", q, r.IDs, r.Total, want)
		}
	}
}

func TestFiltersAndSorting(t *testing.T) {
	x := index(t)
	for name, c := range map[string]struct {
		q    search.Query
		want []string
	}{
		"seller, cheapest first": {search.Query{SellerID: "a", Sort: search.ByPrice}, []string{"3", "1"}},
		"stars":                  {search.Query{MinRating: 4}, []string{"1"}},
		"parent and term":        {search.Query{Category: "apps", Term: "year"}, []string{"2"}},
		"best first":             {search.Query{Sort: search.ByRating}, []string{"1", "3", "2"}},
		"bought most":            {search.Query{Sort: search.ByPopular}, []string{"1", "3", "2"}},
		"within a week":          {search.Query{Delivery: "days7"}, []string{"2"}},
		"type":                   {search.Query{Type: "saas", Text: "云帆", Sort: search.ByNewest}, []string{"3", "1"}},
		"unknown seller":         {search.Query{SellerID: "z"}, nil},
	} {
		c.q.Size = 10
		if r := x.Find(t.Context(), c.q); !slices.Equal(r.IDs, c.want) {
			t.Errorf("%s: %v, want %v", name, r.IDs, c.want)
		}
	}
}

// A facet counts what another choice in it would find, so that people can change
// their mind.
func TestFacetsCountWhatAnotherChoiceWouldFind(t *testing.T) {
	f := index(t).Find(t.Context(), search.Query{SellerID: "a", Term: "month", Size: 10}).Facets
	for name, want := range map[string][]search.Count{
		search.FacetSeller: {{Value: "a", Count: 1}, {Value: "b", Count: 1}}, search.FacetTerm: {{Value: "month", Count: 1}, {Value: "one_time", Count: 1}},
		search.FacetCategory: {{Value: "apps", Count: 1}, {Value: "office", Count: 1}}, search.FacetDelivery: {{Value: "now", Count: 1}},
		search.FacetRating: {{Value: "4", Count: 1}, {Value: "3", Count: 1}}, search.FacetType: {{Value: "saas", Count: 1}},
	} {
		if !slices.Equal(f[name], want) {
			t.Errorf("%s: %v, want %v", name, f[name], want)
		}
	}
}

// Pages put together are the whole list, whatever is taken away between them.
func TestPagesContinueAfterTheLastOneSeen(t *testing.T) {
	for _, sort := range []string{search.ByRelevance, search.ByNewest, search.ByPrice, search.ByRating, search.ByPopular} {
		for _, text := range []string{"", "办公"} {
			x := search.New()
			var docs []search.Doc
			for i := range 50 {
				d := search.Doc{ID: fmt.Sprintf("%02d", i), Name: "产品", Text: "办公", Price: float64(i % 7), Rating: float64(i % 3), Sold: i % 4, Listed: listed.Add(time.Duration(i%5) * time.Hour)}
				if i%2 == 0 {
					d.Name = "办公产品"
				}
				docs = append(docs, d)
			}
			x.Put(docs, nil)
			whole := x.Find(t.Context(), search.Query{Text: text, Sort: sort, Size: 100}).IDs
			var got []string
			q := search.Query{Text: text, Sort: sort, Size: 7}
			for {
				r := x.Find(t.Context(), q)
				got = append(got, r.IDs...)
				if r.Next.ID == "" {
					break
				}
				x.Put(nil, []string{r.IDs[0], r.IDs[len(r.IDs)-1]}) // seen already: the place stays
				q.After = r.Next
			}
			if len(whole) != 50 || !slices.Equal(got, whole) {
				t.Errorf("%q by %q: %v, want %v", text, sort, got, whole)
			}
		}
	}
}

// What is replaced or taken away many times leaves nothing behind.
func TestReplacedAndGone(t *testing.T) {
	x := index(t)
	for i := range 3000 {
		x.Put([]search.Doc{{ID: "1", Name: fmt.Sprintf("新名字 number%d", i), Listed: listed}}, nil)
	}
	if r := x.Find(t.Context(), search.Query{Text: "办公", Size: 10}); !slices.Equal(r.IDs, []string{"3"}) {
		t.Errorf("%v", r.IDs)
	}
	if r := x.Find(t.Context(), search.Query{Text: "number2999", Size: 10}); !slices.Equal(r.IDs, []string{"1"}) {
		t.Errorf("%v", r.IDs)
	}
	x.Put(nil, []string{"1", "unknown"})
	if r := x.Find(t.Context(), search.Query{Size: 10}); x.Size() != 2 || !slices.Equal(r.IDs, []string{"3", "2"}) {
		t.Errorf("%d %v", x.Size(), r.IDs)
	}
}

func BenchmarkFind(b *testing.B) {
	x := search.New()
	var docs []search.Doc
	first, second := []string{"云帆", "北辰", "海风", "青山", "星河", "明德", "远景", "智联"}, []string{"协同办公", "客户管理", "经营看板", "电子签章", "仓储管理", "考勤排班", "项目管理", "安全审计"}
	for i := range 20000 {
		docs = append(docs, search.Doc{ID: fmt.Sprint("p", i), Name: first[i%8] + second[i/8%8], Summary: "一个入口完成日常协作", SellerID: fmt.Sprint(i % 40), Category: fmt.Sprint(i % 11), Type: "saas",
			Terms: []string{"month"}, Text: "管理员用拖拽的方式设计审批流程，支持条件分支、会签和转交；" + second[i%7], Price: float64(i % 100), Listed: listed.Add(time.Duration(i) * time.Second)})
	}
	x.Put(docs, nil)
	for name, q := range map[string]search.Query{"all": {}, "category": {Category: "3"}, "chinese": {Text: "办公"}, "common": {Text: "审批"}, "two": {Text: "云帆 客户"}, "price": {Sort: search.ByPrice}} {
		b.Run(name, func(b *testing.B) {
			q.Size = 24
			for b.Loop() {
				x.Find(b.Context(), q)
			}
		})
	}
}
