package ui

import "github.com/souk-market/souk/internal/face/web/locale"

// Said is what the form before this page has done, to be said once: the text done.<id>, or nil.
func (c *Call) Said() *Notice {
	id := "done." + c.Query("done")
	if c.Failed() || !locale.Has(id) {
		return nil
	}
	return &Notice{Tone: Good, Text: c.T(id)}
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
