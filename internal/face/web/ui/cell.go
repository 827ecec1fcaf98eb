package ui

import (
	"html/template"
	"time"
)

// Cell is one drawn value and the text that an export writes for it.
type Cell struct {
	HTML template.HTML
	Text string
}

var esc = template.HTMLEscapeString

// Own is data: what people and sellers wrote, never translated.
func Own(s string) Cell {
	if s == "" {
		return None
	}
	return Cell{template.HTML(`<span data-own>` + esc(s) + `</span>`), s}
}

// None stands where there is nothing.
var None = Cell{HTML: `<span class="none">–</span>`}

// Code is an id, a code or an address as it travels.
func Code(s string) Cell {
	if s == "" {
		return None
	}
	short := ""
	if len(s) <= shortCode {
		short = ` class="short"`
	}
	return Cell{template.HTML(`<code` + short + ` data-own>` + esc(s) + `</code>`), s}
}

// shortCode is how long a code may be, in bytes, to stand on one line of a table whatever its width.
const shortCode = 22

// ID is an id that a click copies.
func (f *Frame) ID(s string) Cell {
	if s == "" {
		return None
	}
	return Cell{template.HTML(`<code class="id" data-own data-copy="` + esc(f.T("copied")) + `">` + esc(s) + `</code>`), s}
}

// To links data to its page.
func To(href, s string) Cell {
	return Cell{template.HTML(`<a href="` + esc(href) + `" data-own>` + esc(s) + `</a>`), s}
}

// ToID links an id to its page.
func ToID(href, s string) Cell {
	if s == "" {
		return None
	}
	return Cell{template.HTML(`<a class="id" href="` + esc(href) + `" data-own>` + esc(s) + `</a>`), s}
}

// ToWord links a text of the catalogue.
func (f *Frame) ToWord(href, id string, pairs ...any) Cell {
	s := f.T(id, pairs...)
	return Cell{template.HTML(`<a href="` + esc(href) + `">` + esc(s) + `</a>`), s}
}

// Word is a text of the catalogue.
func (f *Frame) Word(id string, pairs ...any) Cell {
	s := f.T(id, pairs...)
	return Cell{template.HTML(`<span>` + esc(s) + `</span>`), s}
}

// Small is a quiet second line of the catalogue.
func (f *Frame) Small(id string, pairs ...any) Cell {
	s := f.T(id, pairs...)
	return Cell{template.HTML(`<small>` + esc(s) + `</small>`), s}
}

// SmallOwn is a quiet second line of data.
func SmallOwn(s string) Cell {
	if s == "" {
		return Cell{}
	}
	return Cell{template.HTML(`<small data-own>` + esc(s) + `</small>`), s}
}

// Said is a text that was made from the catalogue already.
func Said(s string) Cell { return Cell{template.HTML(`<span>` + esc(s) + `</span>`), s} }

// When is an instant.
func (f *Frame) When(t time.Time) Cell {
	text := ""
	if !t.IsZero() {
		text = t.UTC().Format(time.RFC3339)
	}
	return Cell{f.Time(t), text}
}

// Amount is money.
func (f *Frame) Amount(amount, currency string) Cell {
	return Cell{template.HTML(`<span class="money" data-own>` + esc(f.Money(amount, currency)) + `</span>`), amount + " " + currency}
}

// Chip is a state: colour, icon, word.
func (f *Frame) Chip(s State) Cell {
	word := f.T(s.ID)
	return Cell{template.HTML(`<span class="chip `+esc(string(s.Tone))+`">`) + Icon(string(s.Tone)) + template.HTML(esc(word)+`</span>`), word}
}

// Then puts a second line under a cell.
func (c Cell) Then(d Cell) Cell {
	if d.HTML == "" {
		return c
	}
	return Cell{c.HTML + `<br>` + d.HTML, c.Text + " " + d.Text}
}

// And puts a second value beside a cell.
func (c Cell) And(d Cell) Cell {
	if d.HTML == "" {
		return c
	}
	return Cell{c.HTML + ` ` + d.HTML, c.Text + " " + d.Text}
}

// Button is a form of one button.
func (f *Frame) Button(action, id string, tone string, hidden ...string) Cell {
	h := `<form class="inline" method="post" action="` + esc(action) + `"><input type="hidden" name="csrf" value="` + esc(f.CSRF) + `">`
	for i := 0; i+1 < len(hidden); i += 2 {
		h += `<input type="hidden" name="` + esc(hidden[i]) + `" value="` + esc(hidden[i+1]) + `">`
	}
	return Cell{HTML: template.HTML(h + `<button class="btn ` + esc(tone) + `">` + esc(f.T(id)) + `</button></form>`)}
}

// Attr escapes a value for an attribute.
func Attr(s string) template.HTML { return template.HTML(esc(s)) }
