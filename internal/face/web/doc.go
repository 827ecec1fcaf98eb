// Package web is the pages that people open: products with prices, orders with what happens next, and the
// calls to sellers' servers with the bytes of both sides. Chinese first, English complete.
//
// A page (页面) is a typed struct and a template; a view is a plain struct that a service fills. What a state
// means to a reader, how it looks, what happens next and who must act stands in one table (states.go); text stands
// in the catalogues under locale, never in templates or code. Everything a page needs is served by the binary under a
// strict Content-Security-Policy without inline script or style; with scripts off every page works.
//
// It implements the page rules of the design (visual language, anatomy of list and detail pages), 01 §2.10 (a sandbox
// says so on every page) and 02 §2.16 (code, status and message shown together). It must not know SQL, decide anything
// about orders, or show a secret that was not asked for: credentials are a page of their own.
package web
