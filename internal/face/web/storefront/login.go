package storefront

import (
	"net/http"
	"strings"

	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/fault"
)

type loginPage struct {
	*ui.Frame
	Login, Next string
	Error       string // text, "" for none
}

// local keeps only targets on this address: a path, not //host or /\host.
func local(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/account"
	}
	return next
}

func (r *Room) loginForm(c *ui.Call) error {
	next := local(c.Query("next"))
	if c.Viewer != nil {
		return c.To(next)
	}
	return r.showLogin(c, http.StatusOK, loginPage{Next: next})
}

func (r *Room) showLogin(c *ui.Call, status int, p loginPage) error {
	c.NeedForm()
	c.Title = c.T("login.title")
	p.Frame = c.Frame
	r.Kit.Render(c.W, c.R, status, "login.html", &p)
	return nil
}

func (r *Room) logIn(c *ui.Call) error {
	p := loginPage{Login: strings.TrimSpace(c.Form("login")), Next: local(c.Form("next"))}
	session, until, err := r.People.Login(c.R.Context(), p.Login, c.Form("password"))
	if err == nil {
		c.Begin(&http.Cookie{Value: session, Expires: until})
		return c.To(p.Next)
	}
	f, ok := fault.As(err)
	switch {
	case ok && (f.Kind == fault.Unauthenticated || f.Kind == fault.Invalid):
		p.Error = c.T("login.wrong")
		return r.showLogin(c, http.StatusUnauthorized, p)
	case ok && f.Kind == fault.TooMany:
		p.Error = c.T("login.locked")
		return r.showLogin(c, http.StatusTooManyRequests, p)
	}
	return err
}

func (r *Room) logOut(c *ui.Call) error {
	if s := c.Session(); s != "" {
		if err := r.People.Logout(c.R.Context(), s); err != nil {
			return err
		}
	}
	c.End()
	return c.To("/")
}
