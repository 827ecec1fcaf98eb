package account

import (
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"

	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/people"
)

// factor mounts the second step of signing in.
func (r *Room) factor() {
	r.Get("/login/code", "login", "", r.codeForm)
	r.Post("/login/code", "login", "", r.codeDo)
	r.Get("/login/enrol", "login", "", r.enrolStart)
	r.Post("/login/enrol", "login", "", r.enrolShow)
	r.Post("/login/enrol/confirm", "login", "", r.enrolConfirm)
}

func cookie(o people.Opened) *http.Cookie { return &http.Cookie{Value: o.Session, Expires: o.Until} }

// step leads to where a session stands: nobody waits for a code that nobody asked for.
func (r *Room) step(c *ui.Call, want string) (away bool, err error) {
	_, b, err := r.People.ByStage(c.R.Context(), c.Session())
	switch {
	case fault.KindOf(err) == fault.Unauthenticated && err != nil:
		c.End()
		return true, c.To("/login")
	case err != nil:
		return true, err
	case b.Stage == "":
		return true, c.To("/account")
	case b.Stage != want && b.Stage == party.StageEnrol:
		return true, c.To("/login/enrol")
	case b.Stage != want:
		return true, c.To("/login/code")
	}
	return false, nil
}

func addCode(c *ui.Call, f *ui.Form, label string) {
	c.Add(f, ui.Field{Name: "code", Required: true, MaxLength: 24, Autocomplete: "one-time-code"}, label)
}

func (r *Room) codeForm(c *ui.Call) error {
	if away, err := r.step(c, party.StageCode); away {
		return err
	}
	p := c.NewPage("code.title")
	p.Lead = c.T("code.lead")
	next := c.Query("next")
	if c.Form("next") != "" {
		next = c.Form("next")
	}
	f := c.NewForm("code", "/login/code", "login").Keep("next", next)
	addCode(c, f, "")
	return c.Draw(p.Put(ui.Block{Form: f, Note: c.T("code.note")}))
}

func (r *Room) codeDo(c *ui.Call) error {
	o, err := r.People.GiveCode(c.R.Context(), c.Session(), c.Form("code"))
	if fault.KindOf(err) == fault.Unauthenticated && err != nil {
		c.End()
		return c.To("/login")
	}
	if err != nil {
		return c.Again(err, r.codeForm)
	}
	c.Begin(cookie(o))
	return c.To(local(c.Form("next")))
}

// enrolStart tells an operator why nothing opens before the second factor is set up.
func (r *Room) enrolStart(c *ui.Call) error {
	if away, err := r.step(c, party.StageEnrol); away {
		return err
	}
	p := c.NewPage("enrol.title")
	p.Lead = c.T("enrol.required")
	f := c.NewForm("enrol", "/login/enrol", "do.enrol")
	return c.Draw(p.Put(ui.Block{Form: f, Note: c.T("enrol.app")}))
}

func (r *Room) enrolShow(c *ui.Call) error {
	e, err := r.People.BeginTOTPAtSignIn(c.R.Context(), c.Session())
	if err != nil {
		return err
	}
	return showEnrolment(c, e, "/login/enrol/confirm", "/login/enrol")
}

func (r *Room) enrolConfirm(c *ui.Call) error {
	o, codes, err := r.People.ConfirmTOTPAtSignIn(c.R.Context(), c.Session(), c.Form("code"))
	if err != nil {
		return c.Again(err, func(c *ui.Call) error { return askCode(c, "/login/enrol/confirm", "/login/enrol") })
	}
	c.Begin(cookie(o))
	return showCodes(c, codes, "/account")
}

// showEnrolment draws what the app is set up with, and asks for its first code.
func showEnrolment(c *ui.Call, e people.Enrolment, confirm, again string) error {
	p := c.NewPage("enrol.title")
	p.Lead = c.T("enrol.scan")
	picture := template.HTML(`<img class="qr" width="220" height="220" alt="` + template.HTMLEscapeString(c.T("enrol.qr")) + `" src="data:image/png;base64,` + base64.StdEncoding.EncodeToString(e.QR) + `">`)
	var groups []string
	for s := e.Seed; s != ""; s = s[min(4, len(s)):] {
		groups = append(groups, s[:min(4, len(s))])
	}
	f := c.NewForm("confirm", confirm, "do.confirm")
	addCode(c, f, "first_code")
	p.Put(ui.Block{Facts: []ui.Fact{{Label: c.T("enrol.qr"), Cell: ui.Cell{HTML: picture}}, c.Fact("enrol.seed", ui.Code(strings.Join(groups, " ")))}}, ui.Block{Form: f})
	p.Crumbs = []ui.Link{c.Crumb(again, "enrol.again")}
	return c.Draw(p)
}

// askCode asks again for the first code of an app that was set up a moment ago.
func askCode(c *ui.Call, confirm, again string) error {
	p := c.NewPage("enrol.title")
	p.Lead = c.T("enrol.code")
	f := c.NewForm("confirm", confirm, "do.confirm")
	addCode(c, f, "first_code")
	p.Crumbs = []ui.Link{c.Crumb(again, "enrol.again")}
	return c.Draw(p.Put(ui.Block{Form: f}))
}

// showCodes shows the recovery codes, this once.
func showCodes(c *ui.Call, codes []string, next string) error {
	p := c.NewPage("recovery.title")
	p.Step = &ui.Step{Tone: ui.Attention, Text: c.T("recovery.step"), Who: ui.Who("you"), Links: []ui.Link{{Text: c.T("recovery.kept"), Href: next}}}
	return c.Draw(p.Put(ui.Block{Pre: strings.Join(codes, "\n"), Note: c.T("recovery.note")}))
}
