package catalogue

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// firstCategories is the tree of a new marketplace: two levels, editable. // spec: 20 B9a
var firstCategories = []catalog.Category{
	{ID: "enterprise", NameZH: "企业应用", NameEN: "Enterprise applications"},
	{ID: "office", ParentID: "enterprise", NameZH: "协同办公", NameEN: "Collaboration"},
	{ID: "crm", ParentID: "enterprise", NameZH: "客户管理", NameEN: "Customer management"},
	{ID: "bi", ParentID: "enterprise", NameZH: "商业智能", NameEN: "Business intelligence"},
	{ID: "contract", ParentID: "enterprise", NameZH: "合同与签署", NameEN: "Contracts and signing"},
	{ID: "finance", ParentID: "enterprise", NameZH: "财务与人事", NameEN: "Finance and people"},
	{ID: "developer", NameZH: "开发工具", NameEN: "Developer tools"},
	{ID: "monitoring", ParentID: "developer", NameZH: "监控与日志", NameEN: "Monitoring and logs"},
	{ID: "devops", ParentID: "developer", NameZH: "代码与协作", NameEN: "Source control and issues"},
	{ID: "security", NameZH: "安全", NameEN: "Security"},
	{ID: "appsec", ParentID: "security", NameZH: "应用与数据安全", NameEN: "Application and data security"},
	{ID: "netsec", ParentID: "security", NameZH: "网络与主机安全", NameEN: "Network and host security"},
	{ID: "industry", NameZH: "行业方案", NameEN: "Industries"},
	{ID: "manufacturing", ParentID: "industry", NameZH: "智能制造", NameEN: "Smart manufacturing"},
	{ID: "education", ParentID: "industry", NameZH: "教育", NameEN: "Education"},
	{ID: "retail", ParentID: "industry", NameZH: "电商与零售", NameEN: "E-commerce and retail"},
}

// Plant gives a new marketplace its first categories; one that has any is left alone.
func (c *Catalogue) Plant(ctx context.Context) error {
	return c.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		have, err := store.Categories(ctx, tx)
		if err != nil || len(have) > 0 {
			return err
		}
		for i, k := range firstCategories {
			k.Position = i
			if err := store.PutCategory(ctx, tx, k); err != nil {
				return err
			}
		}
		return nil
	})
}

// Categories lists the tree.
func (c *Catalogue) Categories(ctx context.Context) (out []catalog.Category, err error) {
	err = c.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.Categories(ctx, tx)
		return err
	})
	return out, err
}

// PutCategory adds a category, renames, moves or retires it. There are two levels, and
// a category stays in the one it was made in. // spec: 20 B9a
func (c *Catalogue) PutCategory(ctx context.Context, tx *kernel.Tx, a access.Actor, k catalog.Category) (catalog.Category, error) {
	if err := kernel.May(a, access.ProductApprove); err != nil {
		return k, err
	}
	f := fault.Fields{}
	party.CheckName("name_zh", k.NameZH, f)
	party.CheckName("name_en", k.NameEN, f)
	if k.ID == "" {
		k.ID = c.k.Row()
	}
	if !categoryID.MatchString(k.ID) {
		f.Add("id", "must have 1 to 64 small letters, digits and hyphens")
	}
	if k.Position < 0 || k.Position > 9999 {
		f.Add("position", "must be 0 to 9999")
	}
	tree, err := store.Categories(ctx, tx)
	if err != nil {
		return k, err
	}
	known := false
	for _, one := range tree {
		if one.ID == k.ID {
			known, k.ParentID = true, one.ParentID
		}
	}
	if !known && k.ParentID != "" && !slices.ContainsFunc(tree, func(p catalog.Category) bool { return p.ID == k.ParentID && p.ParentID == "" }) {
		f.Add("parent_id", "must be a category of the first level")
	}
	for _, one := range tree {
		if one.ID != k.ID && one.ParentID == k.ParentID && (one.NameZH == k.NameZH || strings.EqualFold(one.NameEN, k.NameEN)) {
			f.Add("name_zh", "another category beside it has this name")
		}
	}
	if err := f.Err(); err != nil {
		return k, err
	}
	if err := store.PutCategory(ctx, tx, k); err != nil {
		return k, err
	}
	word := "category"
	if k.Retired {
		word = "retired category"
	}
	return k, c.k.Audit(ctx, tx, a, access.ProductApprove, k.ID, word+" "+k.NameZH+" / "+k.NameEN)
}

var categoryID = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// CategoryCounts tells how many products stand in each category, whatever their state.
func (c *Catalogue) CategoryCounts(ctx context.Context, a access.Actor) (out map[string]int, err error) {
	if err := kernel.May(a, access.ProductApprove); err != nil {
		return nil, err
	}
	err = c.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.CategoryCounts(ctx, tx)
		return err
	})
	return out, err
}
