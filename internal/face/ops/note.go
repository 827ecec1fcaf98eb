package ops

import "context"

// Note is what a face learns about a request while it answers: it becomes part of the request's log line.
type Note struct {
	RequestID string
	Company   string // who asks, "" for nobody
	Order     string // what it is about, where a path does not say it
}

type noteKey struct{}

// From is the note of a request. Outside of one it is a note that nobody reads.
func From(ctx context.Context) *Note {
	if n, ok := ctx.Value(noteKey{}).(*Note); ok {
		return n
	}
	return &Note{}
}
