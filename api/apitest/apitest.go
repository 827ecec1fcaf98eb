// Package apitest keeps the OpenAPI document true: a test wraps the handler that it drives, and every request and
// reply that passes is compared with the document. It must not be imported by the program.
package apitest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/souk-market/souk/api"
)

func init() {
	// The document itself is the one reply that is no JSON.
	openapi3filter.RegisterBodyDecoder("application/yaml", func(io.Reader, http.Header, *openapi3.SchemaRef, openapi3filter.EncodingFn) (any, error) {
		return map[string]any{}, nil
	})
}

// load reads the document once.
var load = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Document())
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(doc)
})

// Prefixes are the paths that the document speaks for; other paths pass unseen.
var Prefixes = []string{"/api/souk/v1/", "/api/mkp-openapi-public/", "/rest/marketplace/"}

// Handler passes requests on to next and reports to t when
//   - a request that the document forbids is not refused (4xx),
//   - a path or method that the document does not have is answered with anything but 404 or 405,
//   - a reply is not one that the document promises for its status.
func Handler(t testing.TB, next http.Handler) http.Handler {
	t.Helper()
	return handler(t.Errorf, t.Fatal, next)
}

func handler(errorf func(string, ...any), fatal func(...any), next http.Handler) http.Handler {
	router, err := load()
	if err != nil {
		fatal("the OpenAPI document: ", err)
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !described(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			errorf("%s %s: reading the request: %v", r.Method, r.URL.Path, err)
		}
		r.Body = io.NopCloser(bytes.NewReader(sent))
		copied := r.Clone(r.Context())
		copied.Body = io.NopCloser(bytes.NewReader(sent))

		reply := httptest.NewRecorder()
		next.ServeHTTP(reply, r)
		check(errorf, router, copied, sent, reply)

		for k, v := range reply.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(reply.Code)
		_, _ = w.Write(reply.Body.Bytes())
	})
}

func described(path string) bool {
	for _, p := range Prefixes {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}

func check(errorf func(string, ...any), router routers.Router, r *http.Request, sent []byte, reply *httptest.ResponseRecorder) {
	what := r.Method + " " + r.URL.RequestURI()
	// The router compares whole addresses when servers are given; the document's server is "/".
	route, params, err := router.FindRoute(r)
	if err != nil {
		if reply.Code != http.StatusNotFound && reply.Code != http.StatusMethodNotAllowed {
			errorf("%s: answered %d, and the document has no such operation", what, reply.Code)
		}
		return
	}
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	// Proof comes before form: an unknown caller is refused whatever it sent.
	if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil && (reply.Code < 400 || reply.Code > 499) {
		errorf("%s: answered %d although the document forbids the request: %v\n%s", what, reply.Code, err, sent)
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: reply.Code, Header: reply.Header(),
		Body:    io.NopCloser(bytes.NewReader(reply.Body.Bytes())),
		Options: in.Options,
	}
	if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
		errorf("%s: the reply %d is not what the document promises: %v\n%s", what, reply.Code, err, reply.Body.Bytes())
	}
}
