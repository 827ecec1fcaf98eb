package sellercentre

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
)

// The release wizard: four steps with a saved draft, then a checklist of what is
// missing and the button that submits. Every step is a form that works by reload;
// whatever is typed is saved, right or not. // spec: 20 B2
func (r *Room) wizard() {
	r.Get("/seller/revisions", "products", access.ProductRead, r.revisionList)
	r.Post("/seller/revisions", "products", access.ProductCreate, r.begin)
	r.Post("/seller/products/{id}/revisions", "products", access.ProductCreate, r.begin)
	r.Get("/seller/revisions/{id}", "products", access.ProductRead, r.checklist)
	r.Get("/seller/revisions/{id}/{step}", "products", access.ProductCreate, r.step)
	r.PostFiles("/seller/revisions/{id}/{step}", "products", access.ProductCreate, r.saveStep)
	r.Post("/seller/revisions/{id}/submit", "products", access.ProductSubmit, r.submitRevision)
	r.Post("/seller/revisions/{id}/withdraw", "products", access.ProductSubmit, r.withdrawRevision)
}

// steps of the wizard, and which fields stand in each.
var steps = []struct {
	name   string
	fields []string // beginnings of the names of its fields
	form   func(w *wizardForm)
	read   func(w *wizardForm) error
}{
	{"access", []string{"name", "version", "protocol", "logo", "production_address", "debugging", "delivery_days", "delivery_template", "extend_params", "seal_bits"}, (*wizardForm).access, (*wizardForm).readAccess},
	{"basic", []string{"media", "overview", "description", "highlights", "cases"}, (*wizardForm).basic, (*wizardForm).readBasic},
	{"service", []string{"agreement", "support", "user_guide", "copyright"}, (*wizardForm).service, (*wizardForm).readService},
	{"business", []string{"category", "tags", "specs"}, (*wizardForm).business, (*wizardForm).readBusiness},
}

// WizardFields are those a reviewer may say something about, as remarks name them.
var WizardFields = []string{"name", "version", "logo", "production_address", "delivery_days", "delivery_template", "extend_params", "media", "overview", "description", "highlights", "cases",
	"agreement", "support.time", "support.content", "support.hotline", "support.email", "user_guide", "copyright", "category", "tags", "specs"}

func stepOf(field string) int {
	for i, s := range steps {
		for _, f := range s.fields {
			if field == f || strings.HasPrefix(field, f+"[") || strings.HasPrefix(field, f+".") {
				return i
			}
		}
	}
	return 0
}

// wizardForm is one step being drawn or read.
type wizardForm struct {
	c          *ui.Call
	r          *Room
	form       *ui.Form
	body       *catalog.Body
	problems   []catalog.Problem
	remarks    map[string]string
	categories []catalog.Category
}

// add adds a field whose name is the field's path; what is wrong with it stands beside it.
func (w *wizardForm) add(f ui.Field, text string) {
	path := f.Name
	field := w.c.Add(w.form, f, text)
	for _, p := range w.problems {
		if p.Field == path && field.Error == "" {
			field.Error = Problem(w.c, p)
		}
	}
	if remark := w.remarks[path]; remark != "" {
		field.Error = w.c.T("wizard.remark", "TEXT", remark)
	}
}

func (w *wizardForm) group(name, text string) {
	w.c.Add(w.form, ui.Field{Name: name, Kind: "group", Wide: true}, text)
}

// Problem puts what is wrong with a field into words.
func Problem(c *ui.Call, p catalog.Problem) string {
	args := append(append([]string{}, p.Args...), "", "", "", "")
	return c.T("problem."+p.Code, "A", args[0], "B", args[1], "C", args[2], "D", args[3])
}

func (r *Room) begin(c *ui.Call) error {
	var v catalog.Revision
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) (err error) {
		v, err = r.Catalogue.Begin(ctx, tx, c.Actor, c.R.PathValue("id"))
		return err
	})
	if err != nil {
		return err
	}
	return c.To("/seller/revisions/" + v.ID + "/access")
}

func (r *Room) revisionList(c *ui.Call) error {
	m, err := desk.Mark(c, 1)
	if err != nil {
		return err
	}
	vs, err := r.Catalogue.Revisions(c.R.Context(), c.Actor, false, m[0], desk.Limit(c))
	if err != nil {
		return err
	}
	vs, next := desk.Cut(c, vs, func(v catalog.Revision) string { return cursor.Encode(v.ID) })
	p := c.NewPage("revisions.title")
	p.Lead = c.T("revisions.lead")
	t := desk.RevisionTable(c, vs, next, "/seller/revisions/", nil)
	return c.Draw(p.Put(ui.Block{Table: t.Or(ui.Empty{Text: c.T("revisions.empty"), Help: c.T("revisions.empty.help"), Actions: []ui.Link{{Text: c.T("go.products"), Href: "/seller/products"}}})}))
}

// draft reads the revision of the address, which is the seller's own.
func (r *Room) draft(c *ui.Call) (catalogue.Draft, error) {
	return r.Catalogue.Draft(c.R.Context(), c.Actor, c.R.PathValue("id"))
}

// checklist is the wizard's last page: what is missing, step by step, and what happens next.
func (r *Room) checklist(c *ui.Call) error {
	d, err := r.draft(c)
	if err != nil {
		return err
	}
	v := d.Revision
	at := "/seller/revisions/" + v.ID
	name := v.Body.Name
	if name == "" {
		name = c.T("wizard.unnamed")
	}
	s := ui.RevisionState(string(v.State))
	p := c.NewThing(name, c.Crumb("/seller/products", "products.title"), c.Crumb("/seller/revisions", "revisions.title"))
	p.ID, p.Chip, p.Step = v.ID, &s, c.StepOf(s)
	p.Tabs = r.stepTabs(c, v, -1)
	missing := make([][]catalog.Problem, len(steps))
	hard := 0
	for _, one := range d.Problems {
		i := stepOf(one.Field)
		missing[i] = append(missing[i], one)
		if !one.Warning {
			hard++
		}
	}
	editable := v.State == catalog.RevisionDraft || v.State == catalog.RevisionRejected
	switch {
	case editable && hard == 0 && c.May("product.submit"):
		p.Step.Forms = append(p.Step.Forms, c.NewForm("submit", at+"/submit", "do.submit").Keep("draft_version", strconv.FormatInt(v.Version, 10)))
	case v.State == catalog.RevisionPending && c.May("product.submit"):
		p.Step.Forms = append(p.Step.Forms, c.NewForm("withdraw", at+"/withdraw", "do.withdraw"))
	}
	if v.State == catalog.RevisionRejected {
		p.Step.Say(c.Word("product.reason").And(ui.Own(v.Reason)))
	}
	p.Put(c.In("block.facts", ui.Block{Facts: desk.RevisionFacts(c, v)}))
	type line struct {
		step    int
		problem catalog.Problem
	}
	var lines []line
	for i := range steps {
		for _, one := range missing[i] {
			lines = append(lines, line{i, one})
		}
	}
	p.Put(c.In("block.checklist", ui.Block{Table: ui.NewTable(c.Frame, lines, []ui.Column[line]{
		{Head: "col.step", Cell: func(l line) ui.Cell {
			name := steps[l.step].name
			word := "wizard.step." + name
			return c.ToWord(at+"/"+name, word)
		}},
		{Head: "col.field", Cell: func(l line) ui.Cell { return desk.FieldName(c, l.problem.Field) }},
		{Head: "col.what", Cell: func(l line) ui.Cell {
			cell := ui.Own(Problem(c, l.problem))
			if l.problem.Warning {
				return cell.Then(c.Small("wizard.warning"))
			}
			return cell
		}},
	}, "").Or(ui.Empty{Text: c.T("wizard.complete"), Help: c.T("wizard.complete.help")})}))
	return c.Draw(p)
}

func (r *Room) stepTabs(c *ui.Call, v catalog.Revision, current int) []ui.Link {
	at := "/seller/revisions/" + v.ID
	var tabs []ui.Link
	for i, s := range steps {
		tabs = append(tabs, ui.Link{Text: fmt.Sprintf("%d · %s", i+1, c.T("wizard.step."+s.name)), Href: at + "/" + s.name, Current: i == current})
	}
	return append(tabs, ui.Link{Text: fmt.Sprintf("%d · %s", len(steps)+1, c.T("wizard.step.submit")), Href: at, Current: current < 0})
}

func (r *Room) stepIndex(c *ui.Call) (int, error) {
	for i, s := range steps {
		if s.name == c.R.PathValue("step") {
			return i, nil
		}
	}
	return 0, fault.Unknown("step")
}

func (r *Room) step(c *ui.Call) error {
	i, err := r.stepIndex(c)
	if err != nil {
		return err
	}
	d, err := r.draft(c)
	if err != nil {
		return err
	}
	return r.drawStep(c, i, d)
}

func (r *Room) drawStep(c *ui.Call, i int, d catalogue.Draft) error {
	v := d.Revision
	if v.State != catalog.RevisionDraft && v.State != catalog.RevisionRejected {
		return c.To("/seller/revisions/" + v.ID)
	}
	tree, err := r.Catalogue.Categories(c.R.Context())
	if err != nil {
		return err
	}
	name := v.Body.Name
	if name == "" {
		name = c.T("wizard.unnamed")
	}
	s := ui.RevisionState(string(v.State))
	p := c.NewThing(name, c.Crumb("/seller/products", "products.title"), c.Crumb("/seller/revisions", "revisions.title"))
	p.ID, p.Chip, p.Lead, p.Tabs = v.ID, &s, c.T("wizard.lead."+steps[i].name), r.stepTabs(c, v, i)
	form := c.NewForm("wizard", "/seller/revisions/"+v.ID+"/"+steps[i].name, "do.save.next").Keep("draft_version", strconv.FormatInt(v.Version, 10))
	form.Also = &ui.Submit{Name: "stay", Value: "yes", Text: c.T("do.save.stay")}
	w := &wizardForm{c: c, r: r, form: form, body: &v.Body, categories: tree}
	// A fresh draft is not scolded for what nobody has typed yet.
	if v.Version > 1 {
		w.problems, w.remarks = d.Problems, v.Remarks
	}
	steps[i].form(w)
	p.Put(ui.Block{Form: form})
	return c.Draw(p)
}

// saveStep stores what was typed and goes on. Uploads come first: a file that is
// refused keeps nothing else from being saved.
func (r *Room) saveStep(c *ui.Call) error {
	i, err := r.stepIndex(c)
	if err != nil {
		return err
	}
	d, err := r.draft(c)
	if err != nil {
		return err
	}
	version, _ := strconv.ParseInt(c.Form("draft_version"), 10, 64)
	w := &wizardForm{c: c, r: r, body: &d.Revision.Body}
	refused := steps[i].read(w)
	if err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		_, err := r.Catalogue.SaveDraft(ctx, tx, c.Actor, d.Revision.ID, version, d.Revision.Body)
		return err
	}); err != nil {
		return c.Again(err, func(c *ui.Call) error { return r.drawStep(c, i, d) })
	}
	at := "/seller/revisions/" + d.Revision.ID
	if refused != nil {
		d, err := r.draft(c)
		if err != nil {
			return err
		}
		return c.Again(refused, func(c *ui.Call) error { return r.drawStep(c, i, d) })
	}
	switch {
	case c.Form("stay") != "":
		return c.Done(at+"/"+steps[i].name, "saved")
	case i+1 < len(steps):
		return c.To(at + "/" + steps[i+1].name)
	}
	return c.To(at)
}

func (r *Room) submitRevision(c *ui.Call) error {
	version, _ := strconv.ParseInt(c.Form("draft_version"), 10, 64)
	err := r.Lab.ProveRevision(c.R.Context(), c.Actor, c.R.PathValue("id"), access.ProductSubmit)
	if err == nil {
		err = r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
			_, err := r.Catalogue.SubmitDraft(ctx, tx, c.Actor, c.R.PathValue("id"), version)
			return err
		})
	}
	if err != nil {
		return c.Again(err, r.checklist)
	}
	return c.Done("/seller/revisions/"+c.R.PathValue("id"), "submitted")
}

func (r *Room) withdrawRevision(c *ui.Call) error {
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		_, err := r.Catalogue.WithdrawDraft(ctx, tx, c.Actor, c.R.PathValue("id"))
		return err
	})
	if err != nil {
		return c.Again(err, r.checklist)
	}
	return c.Done("/seller/revisions/"+c.R.PathValue("id"), "withdrawn")
}

// upload takes the file of a field; "" when none was chosen.
func (w *wizardForm) upload(name string) (id string, err error) {
	file, header, err := w.c.R.FormFile(name)
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		return "", nil
	}
	if err != nil {
		return "", fault.Field(name, "could not be read")
	}
	defer file.Close()
	f, err := w.r.Catalogue.Upload(w.c.R.Context(), w.c.Actor, header.Filename, file)
	if one, ok := fault.As(err); ok && one.Fields["file"] != "" {
		return "", fault.Field(name, "%s", one.Fields["file"])
	}
	return f.ID, err
}

func (w *wizardForm) text(name string) string {
	return strings.TrimSpace(strings.ReplaceAll(w.c.Form(name), "\r\n", "\n"))
}

func (w *wizardForm) number(name string) int {
	n, err := strconv.Atoi(w.text(name))
	if err != nil {
		return 0
	}
	return n
}

func (w *wizardForm) flag(name string) bool { return w.c.Form(name) != "" }

var currency = money.CNY
