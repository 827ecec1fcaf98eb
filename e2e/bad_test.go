package e2e

import "net/http"

// badPage breaks every rule that the browser tests look for.
type badPage struct{}

func (badPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if r.URL.Path == "/mistake.js" {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write([]byte(`console.error("own mistake")`))
		return
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'none'")
	_, _ = w.Write([]byte("<!doctype html><title>bad</title><body><script src=\"/mistake.js\"></script><p style=\"color:red\">\u0378</p><table width=900><tr><td>wide</td></tr></table>"))
}
