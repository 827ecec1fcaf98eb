package api

import (
	_ "embed"
	"net/http"
	"strconv"
)

//go:embed openapi.yaml
var document []byte

// Path is where the document is served. spec: 01 §8.5
const Path = "/api/souk/v1/openapi.yaml"

// Document is the OpenAPI 3.0 document as YAML. The caller must not change it.
func Document() []byte { return document }

// Handler serves the document, to everybody.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		w.Header().Set("Content-Length", strconv.Itoa(len(document)))
		_, _ = w.Write(document) // the caller went away: nobody is left to tell
	})
}
