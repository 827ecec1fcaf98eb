package ui

import "html/template"

// icons are drawn on 16 × 16 with one line width; they are our own.
var icons = map[string]string{
	"good":      `<path d="M3 8.5l3.2 3.2L13 5"/>`,
	"waiting":   `<circle cx="8" cy="8" r="5.5"/><path d="M8 5v3.2l2.2 1.4"/>`,
	"attention": `<path d="M8 2.5l6 10.5H2z"/><path d="M8 6.5v3M8 11.2v.3"/>`,
	"bad":       `<circle cx="8" cy="8" r="5.5"/><path d="M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4"/>`,
	"plain":     `<circle cx="8" cy="8" r="5.5"/><path d="M5 8h6"/>`,
	"home":      `<path d="M2.5 7.5L8 3l5.5 4.5V13h-3.8V9.5H6.3V13H2.5z"/>`,
	"list":      `<path d="M5.5 4H14M5.5 8H14M5.5 12H14M2.2 4h.6M2.2 8h.6M2.2 12h.6"/>`,
	"phone":     `<path d="M5 2.5h1.8l1 3-1.6 1a7 7 0 0 0 3.3 3.3l1-1.6 3 1V11A2.5 2.5 0 0 1 11 13.5 8.5 8.5 0 0 1 2.5 5 2.5 2.5 0 0 1 5 2.5z"/>`,
	"shop":      `<path d="M2.5 6.5L3.5 2.5h9l1 4a2 2 0 0 1-3.7 1 2 2 0 0 1-3.6 0 2 2 0 0 1-3.7-1zM3.5 8.5V14h9V8.5M6.5 14v-3h3v3"/>`,
	"building":  `<path d="M3.5 14V2.5h6V14M9.5 6.5h3V14M2 14h12M5.5 5h2M5.5 8h2M5.5 11h2"/>`,
	"box":       `<path d="M8 2l5.5 3v6L8 14l-5.5-3V5zM2.5 5L8 8l5.5-3M8 8v6"/>`,
	"cloud":     `<path d="M4.5 12.5a3 3 0 01-.3-6A4 4 0 0112 7.3a2.6 2.6 0 01-.5 5.2z"/>`,
	"coin":      `<circle cx="8" cy="8" r="5.8"/><path d="M8 4.5v7M10 6.2c-.4-.6-1.1-.9-2-.9-1.2 0-2 .6-2 1.4 0 1.9 4 .8 4 2.7 0 .8-.9 1.4-2 1.4-.9 0-1.7-.4-2.1-1"/>`,
	"mail":      `<path d="M2.5 4h11v8.5h-11zM2.5 4.5L8 9l5.5-4.5"/>`,
	"bell":      `<path d="M4 11.5V7a4 4 0 018 0v4.5l1 1H3zM6.7 14h2.6"/>`,
	"people":    `<circle cx="6" cy="5.5" r="2.3"/><path d="M1.8 13c.3-2.6 2-4 4.2-4s3.9 1.4 4.2 4M10.5 3.5a2.3 2.3 0 010 4.2M12 9.3c1.3.6 2 1.9 2.2 3.7"/>`,
	"key":       `<circle cx="5" cy="11" r="2.7"/><path d="M7 9l6-6M10.5 5.5l2 2M12 4l1.5 1.5"/>`,
	"swap":      `<path d="M2.5 5.5h10l-2.5-2.5M13.5 10.5h-10l2.5 2.5"/>`,
	"plug":      `<path d="M5.5 2v3M10.5 2v3M3.5 5h9v2.5a4.5 4.5 0 01-9 0zM8 12v2.5"/>`,
	"shield":    `<path d="M8 1.8l5 2v4.2c0 3-2 5-5 6.2-3-1.2-5-3.2-5-6.2V3.8z"/>`,
	"check":     `<rect x="2.5" y="2.5" width="11" height="11" rx="2"/><path d="M5.2 8.2l2 2 3.6-4"/>`,
	"book":      `<path d="M3 2.5h8.5a1.5 1.5 0 011.5 1.5v9.5H4.5A1.5 1.5 0 013 12zM3 12a1.5 1.5 0 011.5-1.5H13"/>`,
	"clock":     `<circle cx="8" cy="8" r="5.8"/><path d="M8 4.5V8l2.5 2"/>`,
	"gear":      `<circle cx="8" cy="8" r="2.2"/><path d="M8 1.8v2M8 12.2v2M1.8 8h2M12.2 8h2M3.6 3.6L5 5M11 11l1.4 1.4M12.4 3.6L11 5M5 11l-1.4 1.4"/>`,
	"sliders":   `<path d="M2.5 4.5h6M12 4.5h1.5M2.5 11.5h1.5M7.5 11.5h6"/><circle cx="10.2" cy="4.5" r="1.7"/><circle cx="5.8" cy="11.5" r="1.7"/>`,
	"search":    `<circle cx="7" cy="7" r="4.2"/><path d="M10.2 10.2L14 14"/>`,
	"bolt":      `<path d="M9 1.8L3.5 9H8l-1 5.2L12.5 7H8z"/>`,
	"undo":      `<path d="M5.5 3L2.5 6l3 3M3 6h6.5a4 4 0 010 8H6"/>`,
	"globe":     `<circle cx="8" cy="8" r="5.8"/><path d="M2.2 8h11.6M8 2.2c3.5 3.5 3.5 8 0 11.6M8 2.2c-3.5 3.5-3.5 8 0 11.6"/>`,
	"person":    `<circle cx="8" cy="5.5" r="2.6"/><path d="M3 13.5c.4-2.8 2.4-4.2 5-4.2s4.6 1.4 5 4.2"/>`,
}

// Icon is a small drawing beside a word; it says nothing by itself.
func Icon(name string) template.HTML {
	d, ok := icons[name]
	if !ok {
		return ""
	}
	return template.HTML(`<svg class="icon" aria-hidden="true" viewBox="0 0 16 16">` + d + `</svg>`)
}

// Icon draws an icon from a template.
func (f *Frame) Icon(name string) template.HTML { return Icon(name) }

// Tone is a state's icon and class from a template.
func (f *Frame) Tone(t Tone) string { return string(t) }
