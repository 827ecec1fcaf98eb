package storefront

import (
	"net/http"

	"github.com/souk-market/souk/internal/face/manage"
)

// file serves an uploaded file: pictures to everybody, documents to their owner and
// the operators, by the session of the browser.
func (r *Room) file(w http.ResponseWriter, req *http.Request) {
	actor, err := r.Kit.Actor(req)
	if err == nil {
		f, body, e := r.Catalogue.OpenFile(req.Context(), actor, req.PathValue("id"))
		if err = e; e == nil {
			defer body.Close()
			manage.SendFile(w, req, f, body)
			return
		}
	}
	r.Kit.Fail(w, req, err)
}

// guide serves the user guide that a product on sale has as a document.
func (r *Room) guide(w http.ResponseWriter, req *http.Request) {
	actor, err := r.Kit.Actor(req)
	if err == nil {
		f, body, e := r.Catalogue.OpenGuide(req.Context(), actor, req.PathValue("id"))
		if err = e; e == nil {
			defer body.Close()
			manage.SendFile(w, req, f, body)
			return
		}
	}
	r.Kit.Fail(w, req, err)
}
