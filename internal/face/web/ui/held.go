package ui

import (
	"net/http"
	"net/url"
	"sort"
	"strings"

	"github.com/souk-market/souk/internal/face/web/locale"
)

// hold answers a form that came too late: its session is over, or its page is older than the session. Nothing typed is
// lost: the page holds it, tells where to sign in, and sends it again. Only what a page of ours sent is held; a form of
// another site would else be one click away from being done.
//
// It tells whether it answered.
func (k *Kit) hold(c *Call) bool {
	r := c.R
	kept := keep(r.PostForm)
	if !ownOrigin(r) || len(kept) == 0 || r.URL.Path == "/login" {
		return false
	}
	title, step, do := "held.title", "held.step", "held.again"
	c.status = http.StatusUnauthorized
	if c.Viewer != nil {
		title, step, do = "held.stale.title", "held.stale.step", "held.send"
		c.status = http.StatusForbidden
	}
	c.NeedForm()
	p := c.NewPage(title)
	f := &Form{ID: "held", Action: r.URL.RequestURI(), Submit: c.T(do), Tone: "btn-primary", Multipart: r.MultipartForm != nil, Hidden: []Hidden{{"csrf", c.CSRF}}}
	var facts []Fact
	for _, name := range kept {
		for _, v := range r.PostForm[name] {
			f.Hidden = append(f.Hidden, Hidden{name, v})
			if id := "field." + name; v != "" && locale.Has(id) {
				facts = append(facts, c.Fact(id, Own(Shorten(v, 300))))
			}
		}
	}
	s := &Step{Tone: Waiting, Text: c.T(step), Who: Who("you"), Forms: []*Form{f}}
	if c.Viewer != nil {
		s.Text = c.T(step, "NAME", c.Viewer.Name, "COMPANY", c.Viewer.Company)
	} else {
		s.Links = []Link{{Text: c.T("held.login"), Href: "/login", Aside: true}}
	}
	p.Step = s
	if len(facts) > 0 {
		p.Put(c.In("held.kept", Block{Facts: facts, Note: c.T("held.kept.note")}))
	}
	if err := c.Draw(p); err != nil {
		k.Fail(c.W, r, err)
	}
	return true
}

// keep lists what of a form can be sent again, in a steady order: not its old proof, and no password or code, which a
// page never shows.
func keep(form url.Values) []string {
	var names []string
	for name := range form {
		if name != "csrf" && name != "code" && !strings.Contains(name, "password") && !strings.Contains(name, "secret") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// ownOrigin tells whether the browser says that a page of ours sent this.
func ownOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	u, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && u.Host != "" && u.Host == r.Host
}
