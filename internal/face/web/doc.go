// Package web is the pages that people open: the storefront, and a console for buyers, sellers and operators. Chinese
// first, English complete.
//
// It puts the rooms together: ui (the kit), locale (every text), desk (pages that consoles share), storefront,
// buyercentre, sellercentre, backoffice. It implements the page design, 22 §8, 01 §2.10 (a sandbox says so on every
// page). It must not know SQL or a rule.
package web
