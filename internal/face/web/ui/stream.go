package ui

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
)

// Stream is a stream of server-sent events.
type Stream struct {
	w     http.ResponseWriter
	flush func() error
}

// Stream begins one. The browser opens it again by itself a second after it ends.
func (c *Call) Stream() *Stream {
	h := c.W.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	s := &Stream{c.W, http.NewResponseController(c.W).Flush}
	_, _ = fmt.Fprint(s.w, "retry: 1000\n\n")
	_ = s.flush() // a writer that cannot flush sends at the end, and the browser comes again
	return s
}

// EventID is what the browser says it saw last, for the stamp of a state.
func EventID(stamp string) string {
	sum := sha256.Sum256([]byte(stamp))
	return hex.EncodeToString(sum[:8])
}

// Send sends an event; stamp names the state that it tells of.
func (s *Stream) Send(event, stamp string) {
	_, _ = fmt.Fprintf(s.w, "event: %s\nid: %s\ndata: %s\n\n", event, EventID(stamp), EventID(stamp))
	_ = s.flush()
}
