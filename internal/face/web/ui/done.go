package ui

import "github.com/souk-market/souk/internal/face/web/locale"

// done is the text of what a form has done: done.<id>, or "" for what the catalogue does not know.
func (c *Call) done(id string) string {
	if id = "done." + id; locale.Has(id) {
		return c.T(id)
	}
	return ""
}

// Done sends the browser to a page that says once what was done.
func (c *Call) Done(path, id string) error {
	sep := "?"
	for _, r := range path {
		if r == '?' {
			sep = "&"
		}
	}
	return c.To(path + sep + "done=" + id)
}
