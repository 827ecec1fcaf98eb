package ui

import (
	"html/template"
	"time"
)

// Page is a page of a console, composed of blocks. Its template draws any of them.
type Page struct {
	*Frame
	Crumbs  []Link
	Heading string
	Own     bool   // the heading is data
	ID      string // shown beside the heading, copied by a click
	Lead    string
	Chip    *State
	Actions []Link // the first is the primary one
	Step    *Step
	Errors  []FormError
	Notice  *Notice
	Stages  []Stage
	Figures []Figure
	Filter  *Filter
	Tabs    []Link
	Blocks  []Block
	// Live is the address of a stream that says when the page has changed, "" for none.
	Live string
}

// Step is the next-step banner: what happens next, who must act, how long there is.
type Step struct {
	Tone  Tone
	Text  string
	Who   Who
	Lines []template.HTML // further lines, drawn
	Forms []*Form
	Links []Link
}

// Stage is one step of something that goes through several.
type Stage struct {
	Text      string
	Done, Now bool
}

// Notice is what was just done, said once.
type Notice struct {
	Tone Tone
	Text string
	Code string // data: a secret that is shown this once, or an id
}

// Figure is a number that leads to action.
type Figure struct {
	Label, Value string
	Href, Note   string
	Tone         Tone
	Spark        template.HTML
}

// Filter is the bar above a list; its state lives in the address.
type Filter struct {
	Action string
	Fields []*Field
	Clear  string // address without the filter, "" when none is on
}

// Block is one part of a page; exactly one of its members is set besides the title.
type Block struct {
	Title, Note string
	Anchor      string
	Half        bool // two such blocks stand side by side
	Facts       []Fact
	Table       *Table
	Form        *Form
	Timeline    []Event
	Chart       *Chart
	Strip       *Strip
	Bytes       *Bytes
	Empty       *Empty
	Text        string // plain text, of the catalogue
	Pre         string // data as it stands
	More        Link
}

// Fact is a key and its value.
type Fact struct {
	Label string
	Cell
}

// Event is one entry of a timeline.
type Event struct {
	At   time.Time
	When template.HTML
	Text string
	More Cell
	Tone Tone
}

// NewPage begins a page of the console; title is an id.
func (c *Call) NewPage(title string) *Page {
	c.Title = c.T(title)
	return &Page{Frame: c.Frame, Heading: c.Title}
}

// NewThing begins the page of one thing, called by its own name.
func (c *Call) NewThing(name string, crumbs ...Link) *Page {
	c.Title = name
	return &Page{Frame: c.Frame, Heading: name, Own: true, Crumbs: crumbs}
}

// Crumb is a step of the breadcrumb.
func (f *Frame) Crumb(href, id string) Link { return Link{Text: f.T(id), Href: href} }

// Fact is a key of the catalogue and a value.
func (f *Frame) Fact(id string, v Cell) Fact { return Fact{f.T(id), v} }

// Put adds blocks.
func (p *Page) Put(b ...Block) *Page {
	p.Blocks = append(p.Blocks, b...)
	return p
}

// In is a block's title from the catalogue.
func (f *Frame) In(id string, b Block) Block {
	b.Title = f.T(id)
	return b
}

// StepOf is the banner of a state.
func (f *Frame) StepOf(s State) *Step {
	return &Step{Tone: s.Tone, Text: f.T(s.ID + ".next"), Who: s.Who}
}

// Say adds a drawn line to the banner.
func (s *Step) Say(c Cell) *Step {
	s.Lines = append(s.Lines, c.HTML)
	return s
}

// Draw shows the page. Refused forms are summed up on top. What a form before has done is said once, from ?done=.
func (c *Call) Draw(p *Page) error {
	var forms []*Form
	for _, b := range p.Blocks {
		if b.Form != nil {
			forms = append(forms, b.Form)
		}
	}
	if p.Step != nil {
		forms = append(forms, p.Step.Forms...)
	}
	p.Errors = c.errors(forms)
	if p.Notice == nil {
		p.Notice = c.Said()
	}
	return c.Show("page.html", p)
}

// Filtering begins the filter bar of a list.
func (c *Call) Filtering(fields ...Field) *Filter {
	f := &Filter{Action: c.Path}
	for _, one := range fields {
		one := one
		one.ID, one.Label, one.Value = "f-"+one.Name, c.T("field."+one.Name), c.Query(one.Name)
		if one.Kind == "" {
			one.Kind = "text"
		}
		for i := range one.Options {
			one.Options[i].Current = one.Options[i].Value == one.Value
		}
		if one.Value != "" {
			f.Clear = c.Path
		}
		f.Fields = append(f.Fields, &one)
	}
	return f
}

// Choice is a value of the address that must be one of those known; anything else is none.
func (c *Call) Choice(name string, known []string) string {
	v := c.Query(name)
	for _, k := range known {
		if v == k {
			return v
		}
	}
	return ""
}

// Mixed is a block together with the frame that draws it.
type Mixed struct {
	Block
	Page  *Page
	Frame *Frame
}

// Mix gives a block's template its frame.
func (p *Page) Mix(b Block) Mixed { return Mixed{b, p, p.Frame} }
