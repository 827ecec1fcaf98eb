package account

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
)

// security mounts one's own password, second factor, sessions and sign-ins.
func (r *Room) security() {
	r.Get(r.path("/security"), "security", access.AccountRead, r.securityShow)
	r.Post(r.path("/security/details"), "security", access.AccountWrite, r.detailsDo)
	r.Post(r.path("/security/password"), "security", access.AccountWrite, r.passwordDo)
	r.Post(r.path("/security/totp"), "security", access.AccountWrite, r.totpBegin)
	r.Post(r.path("/security/totp/confirm"), "security", access.AccountWrite, r.totpConfirm)
	r.Post(r.path("/security/totp/codes"), "security", access.AccountWrite, r.totpCodes)
	r.Post(r.path("/security/totp/off"), "security", access.AccountWrite, r.totpOff)
	r.Post(r.path("/security/sessions"), "security", access.AccountWrite, r.sessionsEnd)
	r.Get(r.path("/sign-ins"), "security", access.AccountRead, r.signIns)
}

func (r *Room) securityShow(c *ui.Call) error {
	ctx := c.R.Context()
	m, err := r.People.Me(ctx, c.Actor)
	if err != nil {
		return err
	}
	sessions, err := r.People.Sessions(ctx, c.Actor)
	if err != nil {
		return err
	}
	_, own, err := r.People.BySession(ctx, c.Session())
	if err != nil {
		return err
	}
	p := c.NewPage("security.title")
	p.Lead = c.T("security.lead")
	state, step := ui.State{ID: "state.totp.off", Tone: ui.Plain}, &ui.Step{Tone: ui.Attention, Text: c.T("security.step.off"), Who: ui.Who("you")}
	if m.TOTP {
		state, step = ui.State{ID: "state.totp.on", Tone: ui.Good}, &ui.Step{Tone: ui.Good, Text: c.T("security.step.on"), Who: ui.Nobody}
		if m.RecoveryCodes < 3 {
			step = &ui.Step{Tone: ui.Attention, Text: c.T("security.step.codes", "N", m.RecoveryCodes), Who: ui.Who("you")}
		}
	}
	p.Step = step
	facts := []ui.Fact{c.Fact("field.login", ui.Own(m.Person.Login)), c.Fact("field.person_name", ui.Own(m.Person.Name)), c.Fact("col.email", provedCell(c, m.Person.Email, !m.Person.VerifiedAt.IsZero())),
		c.Fact("col.mobile", provedCell(c, m.Person.Mobile, !m.Person.MobileVerifiedAt.IsZero())),
		c.Fact("field.roles", roleCell(c, m.Roles)), c.Fact("security.totp", c.Chip(state))}
	if m.TOTP {
		facts = append(facts, c.Fact("security.codes", ui.Own(strconv.Itoa(m.RecoveryCodes))))
	}
	p.Put(c.In("block.facts", ui.Block{Facts: facts}))

	details := c.NewForm("details", r.path("/security/details"), "do.save")
	details.Behind = c.T("do.profile")
	addDetails(c, details, m.Person)
	p.Put(ui.Block{Form: details})
	p.Put(r.contactBlocks(c, m)...)

	password := c.NewForm("password", r.path("/security/password"), "do.password")
	password.Behind = c.T("do.password")
	current(c, password, "")
	fresh(c, password)
	p.Put(c.In("security.password", ui.Block{Form: password, Note: c.T("security.password.note")}))

	if !m.TOTP {
		f := c.NewForm("totp", r.path("/security/totp"), "do.enrol")
		f.Behind = c.T("do.enrol")
		current(c, f, "")
		p.Put(c.In("security.totp", ui.Block{Form: f, Note: c.T("enrol.app")}))
	} else {
		f := c.NewForm("codes", r.path("/security/totp/codes"), "do.codes")
		f.Behind = c.T("do.codes")
		addCode(c, f, "")
		p.Put(c.In("security.totp", ui.Block{Form: f, Note: c.T("recovery.note")}))
		if !m.TOTPRequired {
			off := c.NewForm("off", r.path("/security/totp/off"), "do.totp.off")
			off.Behind, off.Consequence, off.Tone = c.T("do.totp.off"), c.T("security.off.consequence"), "btn-danger"
			current(c, off, "")
			addCode(c, off, "")
			p.Put(ui.Block{Form: off})
		}
	}
	p.Put(c.In("security.sessions", ui.Block{More: ui.Link{Text: c.T("signins.title"), Href: r.path("/sign-ins")}, Table: ui.NewTable(c.Frame, sessions, []ui.Column[party.Session]{
		{Head: "col.client", Cell: func(s party.Session) ui.Cell { return ui.Own(s.Address).Then(ui.SmallOwn(ui.Shorten(s.Agent, 80))) }},
		{Head: "col.since", Cell: func(s party.Session) ui.Cell { return c.When(s.CreatedAt) }},
		{Head: "col.used", Cell: func(s party.Session) ui.Cell { return c.When(s.SeenAt) }},
		{Head: "col.until", Cell: func(s party.Session) ui.Cell { return c.When(s.ExpiresAt) }},
		{Head: "col.do", Cell: func(s party.Session) ui.Cell {
			if s.ID == own.ID {
				return c.Word("security.this")
			}
			return c.Button(r.path("/security/sessions"), "do.end", "btn-sm", "id", s.ID)
		}},
	}, "")}))
	if len(sessions) > 1 {
		p.Put(ui.Block{Form: c.NewForm("others", r.path("/security/sessions"), "do.end.others")})
	}
	return c.Draw(p)
}

// addDetails adds what may be changed about a person without proof.
func addDetails(c *ui.Call, f *ui.Form, who party.Person) {
	c.Add(f, ui.Field{Name: "name", Required: true, MaxLength: party.MaxName, Value: who.Name}, "person_name")
	c.Add(f, ui.Field{Name: "mobile", MaxLength: party.MaxMobile, Value: who.Mobile}, "")
	lang := who.Language
	if lang == "" {
		lang = language(c)
	}
	c.Add(f, ui.Field{Name: "language", Kind: "select", Value: lang, Options: c.OwnLanguages()}, "")
}

func typedDetails(c *ui.Call) people.Details {
	return people.Details{Name: strings.TrimSpace(c.Form("name")), Mobile: strings.TrimSpace(c.Form("mobile")), Language: c.Form("language")}
}

func (r *Room) detailsDo(c *ui.Call) error {
	d := typedDetails(c)
	err := r.Kernel.Change(c.R.Context(), func(ctx context.Context, tx *kernel.Tx) error { return r.People.EditMe(ctx, tx, c.Actor, d) })
	if err != nil {
		return c.Again(err, r.securityShow)
	}
	return c.Done(r.path("/security"), "saved")
}

func (r *Room) passwordDo(c *ui.Call) error {
	o, err := r.People.ChangePassword(c.R.Context(), c.Actor, c.Session(), c.Form("current_password"), c.Form("fresh_password"))
	if err != nil {
		return c.Again(renamed(renamed(err, "old_password", "current_password"), "password", "fresh_password"), r.securityShow)
	}
	c.Begin(cookie(o))
	return c.Done(r.path("/security"), "password")
}

func (r *Room) totpBegin(c *ui.Call) error {
	e, err := r.People.BeginTOTP(c.R.Context(), c.Actor, c.Form("current_password"))
	if err != nil {
		return c.Again(renamed(err, "password", "current_password"), r.securityShow)
	}
	return showEnrolment(c, e, r.path("/security/totp/confirm"), r.path("/security"))
}

func (r *Room) totpConfirm(c *ui.Call) error {
	codes, err := r.People.ConfirmTOTP(c.R.Context(), c.Actor, c.Form("code"))
	if err != nil {
		return c.Again(err, func(c *ui.Call) error { return askCode(c, r.path("/security/totp/confirm"), r.path("/security")) })
	}
	return showCodes(c, codes, r.path("/security"))
}

func (r *Room) totpCodes(c *ui.Call) error {
	codes, err := r.People.RenewRecoveryCodes(c.R.Context(), c.Actor, c.Form("code"))
	if err != nil {
		return c.Again(err, r.securityShow)
	}
	return showCodes(c, codes, r.path("/security"))
}

func (r *Room) totpOff(c *ui.Call) error {
	if err := r.People.DisableTOTP(c.R.Context(), c.Actor, c.Form("current_password"), c.Form("code")); err != nil {
		return c.Again(renamed(err, "password", "current_password"), r.securityShow)
	}
	return c.Done(r.path("/security"), "totp.off")
}

// sessionsEnd ends one session, or without an id all but this one.
func (r *Room) sessionsEnd(c *ui.Call) error {
	err := r.Kernel.Change(c.R.Context(), func(ctx context.Context, tx *kernel.Tx) error {
		if id := c.Form("id"); id != "" {
			return r.People.EndSession(ctx, tx, c.Actor, id)
		}
		_, err := r.People.EndSessions(ctx, tx, c.Actor, c.Session())
		return err
	})
	if err != nil {
		return err
	}
	return c.Done(r.path("/security"), "session")
}

var outcomeTones = map[string]ui.Tone{party.SignedIn: ui.Good, party.CodeAsked: ui.Waiting, party.WrongPassword: ui.Attention, party.WrongCode: ui.Attention, party.Locked: ui.Bad, party.Disabled: ui.Bad}

func (r *Room) signIns(c *ui.Call) error {
	mark := ""
	if page := c.Query("page"); page != "" {
		m, err := cursor.Decode(page, 1)
		if err != nil {
			return err
		}
		mark = m[0]
	}
	rows, err := r.People.SignIns(c.R.Context(), c.Actor, mark, cursor.DefaultSize+1)
	if err != nil {
		return err
	}
	next := ""
	if len(rows) > cursor.DefaultSize {
		rows = rows[:cursor.DefaultSize]
		next = cursor.Encode(rows[len(rows)-1].ID)
	}
	p := c.NewPage("signins.title")
	p.Lead = c.T("signins.lead")
	p.Crumbs = []ui.Link{c.Crumb(r.path("/security"), "security.title")}
	return c.Draw(p.Put(ui.Block{Table: ui.NewTable(c.Frame, rows, []ui.Column[party.SignIn]{
		{Head: "col.time", Cell: func(s party.SignIn) ui.Cell { return c.When(s.At) }},
		{Head: "col.client", Cell: func(s party.SignIn) ui.Cell { return ui.Own(s.Address).Then(ui.SmallOwn(ui.Shorten(s.Agent, 80))) }},
		{Head: "col.way", Cell: func(s party.SignIn) ui.Cell { return c.Word("type.signin." + s.Way) }},
		{Head: "col.outcome", Cell: func(s party.SignIn) ui.Cell {
			return c.Chip(ui.State{ID: "state.signin." + s.Outcome, Tone: outcomeTones[s.Outcome]})
		}},
	}, next)}))
}

// days is how long a token may live, as the form offers it.
var days = []string{"7", "30", "90", "365"}

func life(s string) time.Duration {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 366 {
		n = 90
	}
	return time.Duration(n) * 24 * time.Hour
}
