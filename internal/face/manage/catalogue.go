package manage

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
)

type problemView struct {
	Field   string   `json:"field"`
	Code    string   `json:"code"`
	Args    []string `json:"args"`
	Warning bool     `json:"warning"`
}

type revisionView struct {
	ID          string            `json:"id"`
	ProductID   string            `json:"product_id"`
	SellerID    string            `json:"seller_id"`
	Kind        string            `json:"kind"`
	Status      string            `json:"status"`
	Version     int64             `json:"version"`
	Body        catalog.Body      `json:"body"`
	SubmittedAt *string           `json:"submitted_at"`
	DueAt       *string           `json:"due_at"`
	DecidedAt   *string           `json:"decided_at"`
	Reason      string            `json:"reason"`
	Remarks     map[string]string `json:"remarks"`
	Problems    []problemView     `json:"problems"`
}

func viewRevision(v catalog.Revision, problems []catalog.Problem) revisionView {
	out := revisionView{ID: v.ID, ProductID: v.ProductID, SellerID: v.SellerID, Kind: v.Kind, Status: string(v.State), Version: v.Version, Body: v.Body,
		SubmittedAt: stamp(v.SubmittedAt), DueAt: stamp(v.DueAt), DecidedAt: stamp(v.DecidedAt), Reason: v.Reason, Remarks: v.Remarks, Problems: []problemView{}}
	if out.Remarks == nil {
		out.Remarks = map[string]string{}
	}
	for _, p := range problems {
		if p.Args == nil {
			p.Args = []string{}
		}
		out.Problems = append(out.Problems, problemView(p))
	}
	return out
}

// catalogue registers the release wizard, review, files, categories and ratings.
func (h *Handler) catalogue() {
	h.revisions()
	h.files()
	type category struct {
		ID       string `json:"id"`
		ParentID string `json:"parent_id"`
		NameZH   string `json:"name_zh"`
		NameEN   string `json:"name_en"`
		Position int    `json:"position"`
		Retired  bool   `json:"retired"`
	}
	h.read("/categories", func(c *call) (any, error) {
		tree, err := h.Catalogue.Categories(c.Context())
		return listOf(tree, len(tree), func(k catalog.Category) category { return category(k) }, nil), err
	})
	h.change("PUT", "/categories/{id}", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		k := catalog.Category{ID: c.PathValue("id"), ParentID: c.body.text("parent_id"), NameZH: c.body.text("name_zh"), NameEN: c.body.text("name_en"), Position: int(c.body.whole("position", 0)), Retired: c.body.flag("retired")}
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		k, err := h.Catalogue.PutCategory(ctx, tx, c.actor, k)
		return category(k), err
	})
	type rating struct {
		ID        string  `json:"id"`
		Stars     int     `json:"stars"`
		Text      string  `json:"text"`
		Reply     string  `json:"reply"`
		CreatedAt *string `json:"created_at"`
		RepliedAt *string `json:"replied_at"`
	}
	view := func(r catalog.Rating) rating {
		return rating{r.ID, r.Stars, r.Text, r.Reply, stamp(r.CreatedAt), stamp(r.RepliedAt)}
	}
	h.read("/products/{id}/ratings", func(c *call) (any, error) {
		if _, err := h.Catalogue.Get(c.Context(), c.actor, c.PathValue("id")); err != nil {
			return nil, err
		}
		before, limit, err := pageOne(c.Request)
		if err != nil {
			return nil, err
		}
		rs, err := h.Catalogue.Ratings(c.Context(), c.PathValue("id"), before, limit+1)
		return listOf(rs, limit, view, func(r catalog.Rating) string { return cursor.Encode(r.ID) }), err
	})
	h.change("POST", "/products/{id}/ratings", http.StatusCreated, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		stars, text := int(c.body.whole("stars", 0)), c.body.text("text")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		r, err := h.Catalogue.Rate(ctx, tx, c.actor, c.PathValue("id"), stars, text)
		return view(r), err
	})
	h.change("PUT", "/products/{id}/ratings/{rating}/reply", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		text := c.body.text("text")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return map[string]string{"text": text}, h.Catalogue.Reply(ctx, tx, c.actor, c.PathValue("id"), c.PathValue("rating"), text)
	})
}

func (h *Handler) revisions() {
	begin := func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		v, err := h.Catalogue.Begin(ctx, tx, c.actor, c.PathValue("id"))
		return viewRevision(v, nil), err
	}
	h.change("POST", "/revisions", http.StatusCreated, begin)
	h.change("POST", "/products/{id}/revisions", http.StatusCreated, begin)
	h.read("/revisions", func(c *call) (any, error) {
		after, limit, err := pageOne(c.Request)
		if err != nil {
			return nil, err
		}
		vs, err := h.Catalogue.Revisions(c.Context(), c.actor, c.URL.Query().Get("queue") == "true", after, limit+1)
		return listOf(vs, limit, func(v catalog.Revision) revisionView { return viewRevision(v, nil) }, func(v catalog.Revision) string { return cursor.Encode(v.ID) }), err
	})
	h.read("/revisions/{id}", func(c *call) (any, error) {
		d, err := h.Catalogue.Draft(c.Context(), c.actor, c.PathValue("id"))
		return viewRevision(d.Revision, d.Problems), err
	})
	h.change("PUT", "/revisions/{id}", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		version := c.body.whole("version", 0)
		inner := c.body.sub("body")
		if inner == nil {
			c.body.bad.Add("body", "must be the wizard's fields")
		}
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		var in struct {
			Body catalog.Body `json:"body"`
		}
		if err := json.Unmarshal(c.raw, &in); err != nil {
			return nil, wrongType(err)
		}
		v, err := h.Catalogue.SaveDraft(ctx, tx, c.actor, c.PathValue("id"), version, in.Body)
		return viewRevision(v, nil), err
	})
	proof := func(action access.Action) func(ctx context.Context, c *call) error {
		return func(ctx context.Context, c *call) error {
			return h.Lab.ProveRevision(ctx, c.actor, c.PathValue("id"), action)
		}
	}
	h.changeAfter("POST", "/revisions/{id}/submit", http.StatusOK, proof(access.ProductSubmit), func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		version := c.body.whole("version", 0)
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		v, err := h.Catalogue.SubmitDraft(ctx, tx, c.actor, c.PathValue("id"), version)
		return viewRevision(v, nil), err
	})
	type act func(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (catalog.Revision, error)
	for path, f := range map[string]act{"withdraw": h.Catalogue.WithdrawDraft, "take": h.Catalogue.TakeReview} {
		h.change("POST", "/revisions/{id}/"+path, http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
			v, err := f(ctx, tx, c.actor, c.PathValue("id"))
			return viewRevision(v, nil), err
		})
	}
	h.changeAfter("POST", "/revisions/{id}/approve", http.StatusOK, proof(access.ProductApprove), func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		v, err := h.Catalogue.ApproveReview(ctx, tx, c.actor, c.PathValue("id"))
		return viewRevision(v, nil), err
	})
	h.change("POST", "/revisions/{id}/reject", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		reason, remarks := c.body.text("reason"), c.body.pairs("remarks")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		v, err := h.Catalogue.RejectReview(ctx, tx, c.actor, c.PathValue("id"), reason, remarks)
		return viewRevision(v, nil), err
	})
}

// wrongType names the field of a JSON value of the wrong type.
func wrongType(err error) error {
	if e, ok := err.(*json.UnmarshalTypeError); ok {
		return fault.Field(e.Field, "must be a %s, not a %s", e.Type, e.Value)
	}
	return fault.Wrap(err, fault.Invalid, "invalid", "the body does not hold the wizard's fields")
}

// files registers uploads (the raw bytes, the name in Content-Disposition or ?name=)
// and downloads.
func (h *Handler) files() {
	h.mux.HandleFunc("POST "+Prefix+"/files", func(w http.ResponseWriter, r *http.Request) {
		// The frame reads small JSON bodies; a file is streamed past it.
		file := http.MaxBytesReader(w, r.Body, catalog.MaxDocument+1)
		r.Body = io.NopCloser(strings.NewReader(""))
		h.answer(w, r, func(c *call) (int, []byte, error) {
			name := r.URL.Query().Get("name")
			if _, p, err := mime.ParseMediaType(r.Header.Get("Content-Disposition")); err == nil && p["filename"] != "" {
				name = p["filename"]
			}
			f, err := h.Catalogue.Upload(r.Context(), c.actor, name, file)
			if err != nil {
				return 0, nil, err
			}
			return http.StatusCreated, encode(map[string]any{"id": f.ID, "name": f.Name, "media_type": f.MediaType, "size": f.Size, "width": f.Width, "height": f.Height}), nil
		})
	})
	h.mux.HandleFunc("GET "+Prefix+"/files/{id}", func(w http.ResponseWriter, r *http.Request) {
		actor, err := h.who(r)
		if err == nil {
			var f catalogue.File
			var body io.ReadSeekCloser
			if f, body, err = h.Catalogue.OpenFile(r.Context(), actor, r.PathValue("id")); err == nil {
				defer body.Close()
				SendFile(w, r, f, body)
				return
			}
		}
		h.answer(w, r, func(c *call) (int, []byte, error) { return 0, nil, err })
	})
}

// SendFile writes a file so that a browser neither guesses its kind nor runs it.
func SendFile(w http.ResponseWriter, r *http.Request, f catalogue.File, body io.ReadSeeker) {
	header := w.Header()
	header.Set("Content-Type", f.MediaType)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	header.Set("ETag", strconv.Quote(f.SHA256))
	kind := "attachment"
	if strings.HasPrefix(f.MediaType, "image/") {
		kind = "inline"
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		header.Set("Cache-Control", "private, no-store")
	}
	header.Set("Content-Disposition", mime.FormatMediaType(kind, map[string]string{"filename": f.Name}))
	http.ServeContent(w, r, "", f.CreatedAt, body)
}
