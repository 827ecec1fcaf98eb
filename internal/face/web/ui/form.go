package ui

import (
	"slices"
	"sort"

	"github.com/souk-market/souk/internal/face/web/locale"
	"github.com/souk-market/souk/internal/ground/fault"
)

// Form is a form: labels above, help under, errors beside the fields.
type Form struct {
	ID, Action, Method string // Method "" is post
	Lead               string
	Hidden             []Hidden
	Fields             []*Field
	Submit             string // the word on the button
	Also               *Submit
	More               []Submit // further buttons
	Tone               string   // class of the button: btn-primary by default
	// Ask is what must be typed before the form is taken; Consequence says what it does.
	Consequence, Ask string
	// Behind folds the form away under its button until it is wanted.
	Behind string
	Open   bool
	Dense  bool // two fields beside each other where there is room
	// Multipart forms carry files; the handler is registered with PostFiles.
	Multipart bool
}

// Submit is a second button.
type Submit struct{ Name, Value, Text string }

// Hidden is a value that travels with a form.
type Hidden struct{ Name, Value string }

// Field is one field of a form. Kind is text, number, password, email, select, textarea, checkbox, radio, file, checks:
// any of several options, the chosen ones in Values; or group: a heading between fields.
type Field struct {
	ID, Name, Kind, Label, Help, Value, Error string
	Bad                                       string // what Error says when the field was refused; "" is the catalogue's text for its name
	Options                                   []Option
	Values                                    []string
	Required, Checked, Own                    bool
	Named                                     bool // the label is data: a parameter's own name
	Min, Max, Step                            string
	MaxLength                                 int
	Autocomplete, Placeholder                 string
	Wide                                      bool
	Rows                                      int    // of a textarea; 0 is 3
	Accept                                    string // of a file
}

// Option is one choice; Text is data when Own is set.
type Option struct {
	Value, Text string
	Current     bool
	Own         bool
	Fixed       bool // of checks: chosen, and not to be changed
}

// FormError is a line of the summary on top of a page.
type FormError struct{ Text, Href string }

// NewForm begins a form. id is its name on the page; submit an id of the catalogue.
func (c *Call) NewForm(id, action, submit string) *Form {
	return &Form{ID: id, Action: action, Submit: c.T(submit), Tone: "btn-primary", Hidden: []Hidden{{"csrf", c.CSRF}, {"form", id}}}
}

// shown tells whether the form is the one that was refused.
func (c *Call) shown(id string) bool { return c.problem != nil && c.input.Get("form") == id }

// Add adds a field. Label and help are the texts field.<name> and, if there is one, field.<name>.help; a name for texts
// of its own is given as text. What was typed before an error is kept, except passwords.
func (c *Call) Add(form *Form, f Field, text string) *Field {
	if text == "" {
		text = f.Name
	}
	f.ID = form.ID + "-" + f.Name
	if f.Kind == "" {
		f.Kind = "text"
	}
	if f.Kind == "textarea" && f.Rows == 0 {
		f.Rows = 3
	}
	form.Multipart = form.Multipart || f.Kind == "file"
	if f.Label == "" || !f.Named {
		f.Label = c.T("field." + text)
	}
	if id := "field." + text + ".help"; f.Help == "" && locale.Has(id) {
		f.Help = c.T(id)
	}
	if c.shown(form.ID) {
		switch f.Kind {
		case "password":
		case "checkbox":
			f.Checked = c.input.Get(f.Name) != ""
		case "checks":
			f.Values = c.input[f.Name]
		default:
			f.Value = c.input.Get(f.Name)
		}
		if _, bad := c.problem.Fields[f.Name]; bad {
			if f.Error = f.Bad; f.Error == "" {
				f.Error = c.fieldError(f.Name)
			}
		}
		form.Open = true
	}
	for i := range f.Options {
		o := &f.Options[i]
		o.Current = f.Kind != "checks" && o.Value == f.Value || o.Fixed || slices.Contains(f.Values, o.Value)
	}
	form.Fields = append(form.Fields, &f)
	return &f
}

// fieldError says in the reader's language what is wrong with a field; the service's own words stand in for a field
// that the catalogue does not know.
func (c *Call) fieldError(name string) string {
	if id := "bad." + name; locale.Has(id) {
		return c.T(id)
	}
	return c.T("bad.other")
}

// Renamed gives a field of a fault the name that it has in the form: a service knows one password, a page an old and a new
// one.
func Renamed(err error, from, to string) error {
	f, ok := fault.As(err)
	if !ok || f.Fields[from] == "" {
		return err
	}
	fields := map[string]string{}
	for name, text := range f.Fields {
		if name == from {
			name = to
		}
		fields[name] = text
	}
	return &fault.Fault{Kind: f.Kind, Code: f.Code, Message: f.Message, Fields: fields, Cause: f.Cause}
}

// Keep adds hidden values.
func (f *Form) Keep(pairs ...string) *Form {
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Hidden = append(f.Hidden, Hidden{pairs[i], pairs[i+1]})
	}
	return f
}

// Dangerous makes a form say what it does and ask for the name of the thing.
func (c *Call) Dangerous(f *Form, consequence, name string) *Form {
	f.Consequence, f.Tone = c.T(consequence), "btn-danger"
	if name != "" {
		f.Ask = name
		c.Add(f, Field{Name: "confirm", Required: true, Help: c.T("field.confirm.what", "NAME", name), Autocomplete: "off", Own: true}, "")
	}
	return f
}

// errors is the summary of what was refused: a line per field with a link to it, or the one reason.
func (c *Call) errors(forms []*Form) []FormError {
	if c.problem == nil {
		return nil
	}
	var out []FormError
	listed := map[string]bool{}
	for _, f := range forms {
		for _, field := range f.Fields {
			if field.Error != "" {
				out = append(out, FormError{field.Label + ": " + field.Error, "#" + field.ID})
				listed[field.Name] = true
			}
		}
	}
	var rest []string
	for name := range c.problem.Fields {
		if !listed[name] {
			rest = append(rest, name)
		}
	}
	sort.Strings(rest)
	for _, name := range rest {
		out = append(out, FormError{Text: c.fieldError(name)})
	}
	if id := "code." + c.problem.Code; locale.Has(id) {
		out = append([]FormError{{Text: c.T(id)}}, out...)
	} else if len(out) == 0 {
		out = append(out, FormError{Text: c.T("error." + string(c.problem.Kind) + ".next")})
	}
	return out
}

// Choices makes options whose words are <prefix><value>; any puts "all" first.
func (f *Frame) Choices(prefix string, values []string, any bool) []Option {
	var out []Option
	if any {
		out = append(out, Option{Text: f.T("any")})
	}
	for _, v := range values {
		out = append(out, Option{Value: v, Text: f.T(prefix + v)})
	}
	return out
}

// OwnChoices makes options of data.
func (f *Frame) OwnChoices(values []string, any bool) []Option {
	var out []Option
	if any {
		out = append(out, Option{Text: f.T("any")})
	}
	for _, v := range values {
		out = append(out, Option{Value: v, Text: v, Own: true})
	}
	return out
}

// OwnLanguages are the languages that messages are written in, each by its own name.
func (f *Frame) OwnLanguages() []Option {
	var out []Option
	for _, tag := range locale.Languages {
		out = append(out, Option{Value: tag.String(), Text: locale.Name(tag), Own: true})
	}
	return out
}

// Known tells whether the catalogues hold a text.
func Known(id string) bool { return locale.Has(id) }
