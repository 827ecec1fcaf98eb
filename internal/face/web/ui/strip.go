package ui

import (
	"fmt"
	"html/template"
	"strings"
	"time"
)

// Strip is a span of time drawn as one line: spans above, marks under it, and where now is. What it shows stands as text
// beside it too.
type Strip struct {
	SVG      template.HTML
	Legend   []Series
	From, To string
}

// Span is a part of a strip, Mark an instant on it; Text says what it is.
type (
	Span struct {
		From, To time.Time
		Tone     Tone
		Text     string
	}
	Mark struct {
		At   time.Time
		Tone Tone
		Text string
	}
)

// NewStrip draws spans and marks from the first instant to the last, now included.
func (f *Frame) NewStrip(legend []Series, spans []Span, marks []Mark) *Strip {
	from, to := f.Now, f.Now
	reach := func(at time.Time) {
		if at.IsZero() {
			return
		}
		if at.Before(from) {
			from = at
		}
		if at.After(to) {
			to = at
		}
	}
	for _, s := range spans {
		reach(s.From)
		reach(s.To)
	}
	for _, m := range marks {
		reach(m.At)
	}
	if !to.After(from) {
		return nil
	}
	x := func(at time.Time) float64 { return chartWidth * float64(at.Sub(from)) / float64(to.Sub(from)) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="strip" data-own viewBox="0 0 %d 44" preserveAspectRatio="none" aria-hidden="true">`, chartWidth)
	for _, s := range spans {
		fmt.Fprintf(&b, `<rect class="%s" x="%.1f" y="4" width="%.1f" height="16"><title>%s</title></rect>`, s.Tone, x(s.From), max(1, x(s.To)-x(s.From)-1), esc(s.Text))
	}
	for _, m := range marks {
		fmt.Fprintf(&b, `<rect class="%s" x="%.1f" y="24" width="3" height="14"><title>%s</title></rect>`, m.Tone, min(x(m.At), chartWidth-3), esc(m.Text))
	}
	fmt.Fprintf(&b, `<line class="now" x1="%.1f" x2="%.1f" y1="0" y2="44"/></svg>`, x(f.Now), x(f.Now))
	return &Strip{SVG: template.HTML(b.String()), Legend: legend, From: f.Day(from), To: f.Day(to)}
}

// Day and Minute write an instant in the marketplace's zone, inside a sentence.
func (f *Frame) Day(t time.Time) string    { return t.In(f.zone).Format("2006-01-02") }
func (f *Frame) Minute(t time.Time) string { return t.In(f.zone).Format("2006-01-02 15:04") }
