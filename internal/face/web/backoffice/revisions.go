package backoffice

import (
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"sort"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/sellercentre"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/service/kernel"
)

// revisions is the review queue: by when a request is due, and each beside the
// version on sale. // spec: 20 B7, B9
func (r *Room) revisions() {
	r.Get("/operator/revisions", "reviews", access.ProductApprove, r.revisionQueue)
	r.Get("/operator/revisions/{id}", "reviews", access.ProductApprove, r.revisionShow)
	r.Post("/operator/revisions/{id}/take", "reviews", access.ProductApprove, r.onRevision("taken", func(ctx context.Context, tx *kernel.Tx, c *ui.Call) error {
		_, err := r.Catalogue.TakeReview(ctx, tx, c.Actor, c.R.PathValue("id"))
		return err
	}))
	approve := r.onRevision("product.approve", func(ctx context.Context, tx *kernel.Tx, c *ui.Call) error {
		_, err := r.Catalogue.ApproveReview(ctx, tx, c.Actor, c.R.PathValue("id"))
		return err
	})
	r.Post("/operator/revisions/{id}/approve", "reviews", access.ProductApprove, func(c *ui.Call) error {
		if err := r.Lab.ProveRevision(c.R.Context(), c.Actor, c.R.PathValue("id"), access.ProductApprove); err != nil {
			return c.Again(err, r.revisionShow)
		}
		return approve(c)
	})
	r.Post("/operator/revisions/{id}/reject", "reviews", access.ProductApprove, r.onRevision("product.reject", func(ctx context.Context, tx *kernel.Tx, c *ui.Call) error {
		_, err := r.Catalogue.RejectReview(ctx, tx, c.Actor, c.R.PathValue("id"), strings.TrimSpace(c.Form("reason")), remarks(c))
		return err
	}))
}

// remarks reads what is said about single fields, a line each: its name, a colon, the words.
func remarks(c *ui.Call) map[string]string {
	out := map[string]string{}
	for i := range remarkFields {
		if field, text := c.Form(fmt.Sprintf("field_%d", i)), strings.TrimSpace(c.Form(fmt.Sprintf("remark_%d", i))); field != "" && text != "" {
			out[field] = ui.Shorten(text, 500)
		}
	}
	return out
}

// remarkFields is how many fields one rejection may say something about.
const remarkFields = 3

func (r *Room) onRevision(done string, f func(ctx context.Context, tx *kernel.Tx, c *ui.Call) error) ui.Handler {
	return func(c *ui.Call) error {
		err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) error { return f(ctx, tx, c) })
		if err != nil {
			return c.Again(err, r.revisionShow)
		}
		return c.Done("/operator/revisions/"+c.R.PathValue("id"), done)
	}
}

func (r *Room) revisionQueue(c *ui.Call) error {
	m, err := desk.Mark(c, 1)
	if err != nil {
		return err
	}
	vs, err := r.Catalogue.Revisions(c.R.Context(), c.Actor, true, m[0], desk.Limit(c))
	if err != nil {
		return err
	}
	vs, next := desk.Cut(c, vs, func(v catalog.Revision) string { return cursor.Encode(v.ID) })
	names := map[string]string{}
	for _, v := range vs {
		if names[v.SellerID] == "" {
			names[v.SellerID] = r.People.CompanyName(c.R.Context(), v.SellerID)
		}
	}
	p := c.NewPage("queue.title")
	p.Lead = c.T("queue.lead")
	p.Actions = []ui.Link{{Text: c.T("go.reviews.short"), Href: "/operator/reviews"}}
	return c.Draw(p.Put(ui.Block{Table: desk.RevisionTable(c, vs, next, "/operator/revisions/", names).Or(ui.Empty{Text: c.T("queue.empty"), Help: c.T("queue.empty.help")})}))
}

// change is one field of a request beside the version on sale.
type change struct {
	field, live, asked string
	changed            bool
}

// inOneLine reads a price, an attribute or an upgrade as people say it; "" for what
// has fields of its own.
func inOneLine(v map[string]any) string {
	text := func(name string) string { s, _ := v[name].(string); return s }
	values, isEnum := v["values"].([]any)
	switch {
	case text("period_type") != "":
		line := text("sku") + " " + text("period_type") + " " + text("amount")
		bands, _ := v["bands"].([]any)
		for _, one := range bands {
			if b, ok := one.(map[string]any); ok {
				line += fmt.Sprintf(" %v:%v", b["from"], b["price"])
			}
		}
		return strings.TrimSpace(line + " " + text("currency"))
	case isEnum:
		var all []string
		for _, one := range values {
			all = append(all, fmt.Sprint(one))
		}
		return text("name") + ": " + strings.Join(all, ", ")
	case v["from"] != nil && v["to"] != nil:
		return text("from") + " → " + text("to")
	}
	return ""
}

// beside lists every field of two bodies, changed ones first.
func beside(live *catalog.Revision, asked catalog.Revision) []change {
	flat := func(b catalog.Body) map[string]string {
		out := map[string]string{}
		var raw map[string]any
		if json.Unmarshal([]byte(b.JSON()), &raw) != nil {
			return out
		}
		var walk func(at string, v any)
		walk = func(at string, v any) {
			switch v := v.(type) {
			case map[string]any:
				if line := inOneLine(v); line != "" {
					out[at] = line
					return
				}
				for k, one := range v {
					name := k
					if at != "" {
						name = at + "." + k
					}
					walk(name, one)
				}
			case []any:
				for i, one := range v {
					walk(fmt.Sprintf("%s[%d]", at, i), one)
				}
			case string:
				out[at] = strings.TrimSpace(v)
			case nil:
			default:
				text, _ := json.Marshal(v)
				out[at] = string(text)
			}
		}
		walk("", raw)
		return out
	}
	now := flat(asked.Body)
	before := map[string]string{}
	if live != nil {
		before = flat(live.Body)
	}
	names := map[string]bool{}
	for n := range now {
		names[n] = true
	}
	for n := range before {
		names[n] = true
	}
	var out []change
	for n := range names {
		if strings.HasSuffix(n, ".key") || now[n] == "" && before[n] == "" {
			continue
		}
		out = append(out, change{n, before[n], now[n], before[n] != now[n]})
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].changed != out[j].changed {
			return out[i].changed
		}
		return out[i].field < out[j].field
	})
	return out
}

// pictureCell shows an uploaded picture small, as a link to itself.
func pictureCell(c *ui.Call, id string) ui.Cell {
	if id == "" {
		return ui.None
	}
	return ui.Cell{HTML: template.HTML(`<a href="/files/` + template.HTMLEscapeString(id) + `"><img class="thumb" src="/files/` + template.HTMLEscapeString(id) + `" alt="` + template.HTMLEscapeString(c.T("file.open")) + `" width="80" loading="lazy"></a>`), Text: id}
}

// around is how many characters stand beside what differs in a long text.
const around = 60

// marked shows a text with what is not as in the other one marked. Of a long text that
// is the same at both ends, the ends are left out: what differs is what is looked for.
func marked(text, other string) ui.Cell {
	if text == "" {
		return ui.None
	}
	a, b := []rune(text), []rune(other)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	if text == other || other == "" {
		return ui.Own(ui.Shorten(text, 300))
	}
	before, middle, after := a[:head], a[head:len(a)-tail], a[len(a)-tail:]
	lead, trail := "", ""
	if len(before) > around {
		before, lead = before[len(before)-around:], "…"
	}
	if len(after) > around {
		after, trail = after[:around], "…"
	}
	esc := template.HTMLEscapeString
	h := `<span data-own>` + lead + esc(string(before))
	if len(middle) > 0 {
		h += `<mark>` + esc(ui.Shorten(string(middle), 600)) + `</mark>`
	}
	return ui.Cell{HTML: template.HTML(h + esc(string(after)) + trail + `</span>`), Text: text}
}

func (r *Room) revisionShow(c *ui.Call) error {
	d, err := r.Catalogue.Draft(c.R.Context(), c.Actor, c.R.PathValue("id"))
	if err != nil {
		return err
	}
	v := d.Revision
	at := "/operator/revisions/" + v.ID
	s := ui.RevisionState(string(v.State))
	p := c.NewThing(v.Body.Name, c.Crumb("/operator/revisions", "queue.title"))
	p.ID, p.Chip, p.Step = v.ID, &s, c.StepOf(s)
	if v.Reason != "" {
		p.Step.Say(c.Word("product.reason").And(ui.Own(v.Reason)))
	}
	if v.State == catalog.RevisionPending {
		p.Step.Forms = append(p.Step.Forms, c.NewForm("take", at+"/take", "do.take"))
	}
	if v.State == catalog.RevisionPending || v.State == catalog.RevisionReviewing {
		p.Step.Forms = append(p.Step.Forms, c.NewForm("approve", at+"/approve", "do.approve"))
		reject := c.Dangerous(c.NewForm("reject", at+"/reject", "do.reject"), "product.reject.means", "")
		reject.Behind = c.T("do.reject.ask")
		c.Add(reject, ui.Field{Name: "reason", Kind: "textarea", Required: true, MaxLength: 500}, "")
		fields := []ui.Option{{Text: c.T("w.none")}}
		for _, name := range sellercentre.WizardFields {
			fields = append(fields, ui.Option{Value: name, Text: c.T("wfield." + name)})
		}
		for i := range remarkFields {
			c.Add(reject, ui.Field{Name: fmt.Sprintf("field_%d", i), Kind: "select", Options: fields}, "remark.field")
			c.Add(reject, ui.Field{Name: fmt.Sprintf("remark_%d", i), MaxLength: 500}, "remark.text")
		}
		p.Step.Forms = append(p.Step.Forms, reject)
	}
	facts := append([]ui.Fact{c.Fact("col.seller", ui.To("/operator/companies/"+v.SellerID, r.People.CompanyName(c.R.Context(), v.SellerID)))}, desk.RevisionFacts(c, v)...)
	p.Put(c.In("block.facts", ui.Block{Half: true, Facts: facts}))
	p.Put(c.In("block.found", ui.Block{Half: true, Table: ui.NewTable(c.Frame, d.Problems, []ui.Column[catalog.Problem]{
		{Head: "col.field", Cell: func(one catalog.Problem) ui.Cell { return desk.FieldName(c, one.Field) }},
		{Head: "col.what", Cell: func(one catalog.Problem) ui.Cell { return ui.Own(sellercentre.Problem(c, one)) }},
	}, "").Or(ui.Empty{Text: c.T("found.empty"), Help: c.T("found.empty.help")})}))
	show := func(text, other, field string) ui.Cell {
		if field == "logo" || strings.HasPrefix(field, "media[") {
			return pictureCell(c, text)
		}
		if field == "copyright" || field == "user_guide_file" || field == "delivery_template" {
			if text == "" {
				return ui.None
			}
			return c.ToWord("/files/"+text, "file.open")
		}
		return marked(text, other)
	}
	p.Put(c.In("block.beside", ui.Block{Table: ui.NewTable(c.Frame, beside(d.Live, v), []ui.Column[change]{
		{Head: "col.field", Cell: func(x change) ui.Cell { return desk.FieldName(c, x.field) }},
		{Head: "col.live", Cell: func(x change) ui.Cell { return show(x.live, x.asked, x.field) }},
		{Head: "col.asked", Cell: func(x change) ui.Cell { return show(x.asked, x.live, x.field) }},
		{Head: "col.changed", Cell: func(x change) ui.Cell {
			if x.changed {
				return c.Word("changed.yes")
			}
			return ui.None
		}},
	}, ""), Note: c.T("beside.note")}))
	if err := r.Proved(c, p, v.ProductID); err != nil {
		return err
	}
	return c.Draw(p)
}
