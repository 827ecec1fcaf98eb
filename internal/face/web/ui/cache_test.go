package ui_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/souk-market/souk/internal/face/web/ui"
)

type nobody struct{}

func (nobody) Session(context.Context, string) (ui.Viewer, bool, error) {
	return ui.Viewer{}, false, nil
}

type countPage struct {
	*ui.Frame
	N int
}

// A public page is drawn once per address, language and generation; whoever has a
// session, and whoever changes the language, gets it drawn anew.
func TestPublicPagesAreKeptAsLongAsTheyAreRight(t *testing.T) {
	generation, drawn := uint64(1), 0
	kit := ui.New(ui.Options{Sessions: nobody{}, Now: time.Now, Zone: time.UTC, Generation: func() uint64 { return generation }})
	kit.Add(fstest.MapFS{"templates/count.html": {Data: []byte(`{{define "main"}}drawn {{.N}} csrf {{.CSRF}}{{end}}`)}})
	mux := http.NewServeMux()
	ui.Room{Kit: kit, Mux: mux, Face: ui.Storefront}.Public("/count", "home", func(c *ui.Call) error {
		drawn++
		c.Title = "count"
		return c.Show("count.html", &countPage{c.Frame, drawn})
	})
	get := func(path string, change ...func(*http.Request)) string {
		r := httptest.NewRequest("GET", path, nil)
		for _, f := range change {
			f(r)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		body := w.Body.String()
		if w.Header().Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			body = string(b)
		}
		_, rest, _ := strings.Cut(body, "drawn ")
		n, _, _ := strings.Cut(rest, "\n")
		if len(strings.Fields(n)) == 0 {
			t.Fatalf("%s: %d %s", path, w.Code, body)
		}
		return strings.Fields(n)[0]
	}
	session := func(r *http.Request) { r.AddCookie(&http.Cookie{Name: ui.SessionCookie, Value: "s"}) }
	packed := func(r *http.Request) { r.Header.Set("Accept-Encoding", "gzip, br") }
	english := func(r *http.Request) { r.Header.Set("Accept-Language", "en-US") }
	for i, step := range []struct {
		got, want string
	}{
		{get("/count"), "1"}, {get("/count"), "1"}, {get("/count?x=1"), "2"}, {get("/count", packed), "3"}, {get("/count", packed), "3"}, {get("/count", english), "4"}, {get("/count", english), "4"},
		{get("/count", session), "5"}, {get("/count", session), "6"}, {get("/count?lang=en-US"), "7"}, {get("/count?lang=en-US"), "8"}, {get("/count"), "1"},
	} {
		if step.got != step.want {
			t.Errorf("step %d: drawing %s, want %s", i, step.got, step.want)
		}
	}
	generation++ // something changed
	if got := get("/count"); got != "9" {
		t.Errorf("after a change: drawing %s", got)
	}
	generation = 0 // nobody knows what is right
	if a, b := get("/count"), get("/count"); a == b {
		t.Errorf("kept without a generation: %s", a)
	}
}

// Pages of one browser's making cannot be given to another: cookies do not reach them.
func TestNothingOfABrowserStandsInAKeptPage(t *testing.T) {
	generation := uint64(0) // each page is drawn
	kit := ui.New(ui.Options{Sessions: nobody{}, Now: time.Now, Zone: time.UTC, Generation: func() uint64 { generation++; return generation }})
	kit.Add(fstest.MapFS{"templates/cookies.html": {Data: []byte(`{{define "main"}}{{.Title}}{{end}}`)}})
	mux := http.NewServeMux()
	ui.Room{Kit: kit, Mux: mux, Face: ui.Storefront}.Public("/cookies", "home", func(c *ui.Call) error {
		c.Title = fmt.Sprint(c.R.Cookies(), c.CSRF)
		return c.Show("cookies.html", &countPage{Frame: c.Frame})
	})
	var pages []string
	for _, secret := range []string{"first-secret", "second-secret"} {
		r := httptest.NewRequest("GET", "/cookies", nil)
		r.AddCookie(&http.Cookie{Name: "souk_form", Value: secret})
		r.AddCookie(&http.Cookie{Name: "other", Value: secret})
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		body := w.Body.String()
		pages = append(pages, body)
		if strings.Contains(body, secret) {
			t.Errorf("%s stands in the page", secret)
		}
	}
	if pages[0] != pages[1] {
		t.Error("two browsers get pages that differ")
	}
}
