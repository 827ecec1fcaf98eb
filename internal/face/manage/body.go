package manage

import (
	"errors"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/protocol/wirejson"
)

// body is a request's JSON object, read member by member; every wrong member is
// noted with what would be right.
type body struct {
	object wirejson.Value
	path   string
	bad    fault.Fields
}

func readBody(raw []byte) (*body, error) {
	b := &body{bad: fault.Fields{}}
	if len(strings.TrimSpace(string(raw))) == 0 {
		raw = []byte("{}")
	}
	object, err := wirejson.ParseObject(raw)
	var duplicate *wirejson.DuplicateError
	switch {
	case err == nil:
		b.object = object
		return b, nil
	case errors.As(err, &duplicate):
		return nil, fault.Field(duplicate.Name, "stands twice in the body")
	}
	return nil, fault.New(fault.Invalid, "invalid_json", "the body must be one JSON object in UTF-8: %s", err)
}

func (b *body) get(name string) (wirejson.Value, bool) {
	v, ok := b.object.Get(name)
	return v, ok && v.Kind != wirejson.Null
}

// text reads an optional string.
func (b *body) text(name string) string {
	v, ok := b.get(name)
	if ok && v.Kind != wirejson.String {
		b.bad.Add(b.path+name, "must be a string")
		return ""
	}
	if strings.ContainsRune(v.Text, 0) {
		b.bad.Add(b.path+name, "must not hold the character U+0000")
		return ""
	}
	return v.Text
}

// flag reads an optional boolean.
func (b *body) flag(name string) bool {
	v, ok := b.get(name)
	if ok && v.Kind != wirejson.Bool {
		b.bad.Add(b.path+name, "must be true or false")
	}
	return ok && v.Kind == wirejson.Bool && v.Text == "true"
}

// whole reads an integer written without fraction and exponent; missing gives the
// default.
func (b *body) whole(name string, missing int64) int64 {
	v, ok := b.get(name)
	if !ok {
		return missing
	}
	n, err := strconv.ParseInt(v.Text, 10, 64)
	if v.Kind != wirejson.Number || err != nil || strings.HasPrefix(v.Text, "-0") {
		b.bad.Add(b.path+name, "must be a whole number such as 1, not a text, a fraction or an exponent")
		return missing
	}
	return n
}

// list reads an optional array of objects.
func (b *body) list(name string) []*body {
	v, ok := b.get(name)
	if !ok {
		return nil
	}
	if v.Kind != wirejson.Array {
		b.bad.Add(b.path+name, "must be a list")
		return nil
	}
	var out []*body
	for i, item := range v.Items {
		at := b.path + name + "[" + strconv.Itoa(i) + "]"
		if item.Kind != wirejson.Object {
			b.bad.Add(at, "must be an object")
			continue
		}
		out = append(out, &body{object: item, path: at + ".", bad: b.bad})
	}
	return out
}

// texts reads an optional array of strings.
func (b *body) texts(name string) []string {
	v, ok := b.get(name)
	if !ok {
		return nil
	}
	var out []string
	for _, item := range v.Items {
		if item.Kind != wirejson.String {
			b.bad.Add(b.path+name, "must be a list of strings")
			return nil
		}
		out = append(out, item.Text)
	}
	if v.Kind != wirejson.Array {
		b.bad.Add(b.path+name, "must be a list of strings")
	}
	return out
}

// sub reads an optional object.
func (b *body) sub(name string) *body {
	v, ok := b.get(name)
	if !ok {
		return nil
	}
	if v.Kind != wirejson.Object {
		b.bad.Add(b.path+name, "must be an object")
		return nil
	}
	return &body{object: v, path: b.path + name + ".", bad: b.bad}
}

// pairs reads an object of strings.
func (b *body) pairs(name string) map[string]string {
	s := b.sub(name)
	if s == nil {
		return nil
	}
	out := map[string]string{}
	for _, m := range s.object.Members {
		if m.Value.Kind != wirejson.String {
			b.bad.Add(b.path+name+"."+m.Name, "must be a string")
			continue
		}
		out[m.Name] = m.Value.Text
	}
	return out
}
