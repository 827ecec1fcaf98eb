package desk

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/face/web/ui"
)

// RevisionTable draws release and modification requests; names holds the sellers'
// names where they are shown.
func RevisionTable(c *ui.Call, vs []catalog.Revision, next, at string, names map[string]string) *ui.Table {
	type col = ui.Column[catalog.Revision]
	columns := []col{{Head: "col.product", Cell: func(v catalog.Revision) ui.Cell {
		if v.Body.Name == "" {
			return c.ToWord(at+v.ID, "wizard.unnamed")
		}
		return ui.To(at+v.ID, v.Body.Name)
	}}}
	if names != nil {
		columns = append(columns, col{Head: "col.seller", Cell: func(v catalog.Revision) ui.Cell { return ui.Own(names[v.SellerID]) }})
	}
	return ui.NewTable(c.Frame, vs, append(columns,
		col{Head: "col.kind", Cell: func(v catalog.Revision) ui.Cell { return c.Word("revision.kind." + v.Kind) }},
		col{Head: "col.state", Cell: func(v catalog.Revision) ui.Cell { return c.Chip(ui.RevisionState(string(v.State))) }},
		col{Head: "col.submitted", Cell: func(v catalog.Revision) ui.Cell { return c.When(v.SubmittedAt) }},
		col{Head: "col.due", Cell: func(v catalog.Revision) ui.Cell {
			if v.State != catalog.RevisionPending && v.State != catalog.RevisionReviewing {
				return ui.None
			}
			return c.When(v.DueAt)
		}},
		col{Head: "col.updated", Cell: func(v catalog.Revision) ui.Cell { return c.When(v.UpdatedAt) }},
	), next)
}

// RevisionFacts are the dates of a request.
func RevisionFacts(c *ui.Call, v catalog.Revision) []ui.Fact {
	return []ui.Fact{
		c.Fact("col.kind", c.Word("revision.kind."+v.Kind)), c.Fact("col.version", ui.Own(v.Body.Version)),
		c.Fact("col.submitted", c.When(v.SubmittedAt)), c.Fact("col.due", c.When(v.DueAt)), c.Fact("col.updated", c.When(v.UpdatedAt)),
	}
}

var index = regexp.MustCompile(`\[(\d+)\]`)

// FieldName is the name of a wizard's field as its label says it, with its place in a list.
func FieldName(c *ui.Call, path string) ui.Cell {
	if need, ok := strings.CutPrefix(path, "debugging."); ok { // a debugging case, not a customer's
		cell := c.Word("block.proved")
		if scenario, field, ok := strings.Cut(need, "-"); ok {
			return cell.And(c.Word("scenario." + scenario)).And(c.Word("need.without")).And(ui.Code(field))
		}
		scenario, field, more := strings.Cut(need, "+")
		if cell = cell.And(c.Word("scenario." + scenario)); more {
			cell = cell.And(c.Word("need.with")).And(ui.Code(field))
		}
		return cell
	}
	place := ""
	for _, m := range index.FindAllStringSubmatch(path, -1) {
		if n, err := strconv.Atoi(m[1]); err == nil {
			place += " " + strconv.Itoa(n+1)
		}
	}
	key := index.ReplaceAllString(path, "")
	for _, prefix := range []string{"specs.", "highlights.", "cases.", "extend_params."} {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			key = strings.TrimSuffix(strings.TrimSuffix(prefix, "."), "s") + "." + rest
		}
	}
	if id := "wfield." + key; ui.Known(id) {
		return c.Word(id).And(ui.Own(place))
	}
	return ui.Code(path)
}
