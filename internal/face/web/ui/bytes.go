package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Views of bytes.
var byteViews = []string{"pretty", "raw", "hex"}

// Bytes is the bytes viewer: both sides of one call, or of two calls that are compared.
type Bytes struct {
	Views []Link
	Sides []Side
	Curl  string // the request as a command, data
	Same  bool   // two calls were compared and their bytes are equal
	Other bool   // two calls are compared
}

// Side is one column: what was sent or received.
type Side struct {
	Title string
	Size  string
	Parts []Part
	None  string // said instead when there is nothing
}

// Part is head or body, drawn with the first difference marked.
type Part struct {
	Title string
	HTML  template.HTML
}

// NewBytes shows a call's request and response. With other set, the request and response of another call stand
// underneath, and the first byte that differs is marked on both sides.
func (f *Frame) NewBytes(view string, request, response []byte, other *[2][]byte) *Bytes {
	if view == "" {
		view = byteViews[0]
	}
	b := &Bytes{Curl: Curl(request), Other: other != nil}
	for _, v := range byteViews {
		b.Views = append(b.Views, Link{Text: f.T("view." + v), Href: f.With("view", v), Current: v == view})
	}
	show := func(title string, raw []byte, mark int) Side {
		s := Side{Title: f.T(title), Size: f.T("bytes", "N", len(raw))}
		if len(raw) == 0 {
			s.None = f.T("response.none")
			return s
		}
		if view == "hex" {
			s.Parts = []Part{{HTML: markLine(Hex(raw), mark)}}
			return s
		}
		head, body, found := bytes.Cut(raw, []byte("\r\n\r\n"))
		if !found {
			s.Parts = []Part{{HTML: marked(raw, mark)}}
			return s
		}
		s.Parts = []Part{{Title: f.T("bytes.head"), HTML: marked(head, mark)}}
		if list := Parameters(head); list != "" && view == "pretty" && mark < 0 {
			s.Parts = append([]Part{{f.T("bytes.parameters"), template.HTML(esc(Visible([]byte(list))))}}, s.Parts...)
		}
		if len(body) > 0 {
			at := mark - len(head) - 4
			if pretty, ok := Pretty(body); ok && view == "pretty" && at < 0 {
				s.Parts = append(s.Parts, Part{f.T("bytes.body"), marked(pretty, -1)})
			} else {
				s.Parts = append(s.Parts, Part{f.T("bytes.body"), marked(body, at)})
			}
		}
		return s
	}
	a, z := -1, -1
	if other != nil {
		a, z = Difference(request, other[0]), Difference(response, other[1])
		b.Same = a < 0 && z < 0
	}
	b.Sides = append(b.Sides, show("request", request, a), show("response", response, z))
	if other != nil {
		b.Sides = append(b.Sides, show("request.other", other[0], a), show("response.other", other[1], z))
	}
	return b
}

// Difference is the place of the first byte that differs; -1 when none does.
func Difference(a, b []byte) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) == len(b) {
		return -1
	}
	return min(len(a), len(b))
}

// marked escapes bytes and marks the character at a place.
func marked(b []byte, at int) template.HTML {
	if at < 0 || at >= len(b) {
		return template.HTML(esc(Visible(b)))
	}
	end := at + 1
	for end < len(b) && !utf8.RuneStart(b[end]) {
		end++
	}
	for at > 0 && !utf8.RuneStart(b[at]) {
		at--
	}
	return template.HTML(esc(Visible(b[:at])) + `<mark>` + esc(Visible(b[at:end])) + `</mark>` + esc(Visible(b[end:])))
}

// markLine marks the row of a hexadecimal view that holds a byte.
func markLine(hex string, at int) template.HTML {
	if at < 0 {
		return template.HTML(esc(hex))
	}
	lines := strings.SplitAfter(hex, "\n")
	if n := at / 16; n < len(lines) {
		before, after := strings.Join(lines[:n], ""), strings.Join(lines[n+1:], "")
		return template.HTML(esc(before) + `<mark>` + esc(lines[n]) + `</mark>` + esc(after))
	}
	return template.HTML(esc(hex))
}

// Visible shows bytes of a connection as text: what is not UTF-8 or not printable is escaped, line ends are kept.
func Visible(b []byte) string {
	var s strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&s, `\x%02x`, b[0])
		case r == '\r':
		case r == '\n' || r == '\t':
			s.WriteRune(r)
		case r < ' ' || r == 0x7f || r == 0xfeff || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			fmt.Fprintf(&s, `\u%04x`, r)
		default:
			s.WriteRune(r)
		}
		b = b[n:]
	}
	return s.String()
}

// Hex shows bytes as offset, hexadecimal and text.
func Hex(b []byte) string {
	var s strings.Builder
	for at := 0; at < len(b); at += 16 {
		row := b[at:min(at+16, len(b))]
		fmt.Fprintf(&s, "%06x  %-47s  ", at, fmt.Sprintf("% x", row))
		for _, c := range row {
			if c < ' ' || c > '~' {
				c = '.'
			}
			s.WriteByte(c)
		}
		s.WriteByte('\n')
	}
	return s.String()
}

// Pretty indents a JSON body; false when it is none. Numbers and the order of members stay as they came.
func Pretty(body []byte) ([]byte, bool) {
	var out bytes.Buffer
	if json.Indent(&out, bytes.TrimSpace(body), "", "  ") != nil {
		return nil, false
	}
	return out.Bytes(), true
}

// Parameters are the parameters of a request's line, one a line and decoded; "" when it has none.
func Parameters(head []byte) string {
	line, _, _ := bytes.Cut(head, []byte("\r\n"))
	_, query, ok := strings.Cut(string(line), "?")
	if !ok || bytes.HasPrefix(line, []byte("HTTP/")) {
		return ""
	}
	query, _, _ = strings.Cut(query, " ")
	var out strings.Builder
	for _, one := range strings.Split(query, "&") {
		name, value, _ := strings.Cut(one, "=")
		if plain, err := url.QueryUnescape(value); err == nil {
			value = plain
		}
		out.WriteString(name + " = " + value + "\n")
	}
	return out.String()
}

// Curl is a request as a command for a shell; "" for bytes that are none. Secrets were masked before they were kept,
// so the command is a start for debugging and not a working call.
func Curl(request []byte) string {
	head, body, _ := bytes.Cut(request, []byte("\r\n\r\n"))
	lines := strings.Split(string(head), "\r\n")
	first := strings.Split(lines[0], " ")
	if len(first) != 3 || !strings.HasPrefix(first[2], "HTTP/") {
		return ""
	}
	host := ""
	var headers []string
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ":")
		switch strings.ToLower(name) {
		case "host":
			host = strings.TrimSpace(value)
		case "content-length":
		default:
			headers = append(headers, strings.TrimSpace(name)+": "+strings.TrimSpace(value))
		}
	}
	scheme := "https"
	if h, _, _ := strings.Cut(host, ":"); h == "127.0.0.1" || h == "localhost" {
		scheme = "http"
	}
	target := first[1]
	if !strings.HasPrefix(target, "http") {
		target = scheme + "://" + host + target
	}
	s := "curl -i -X " + first[0] + " " + quote(target)
	for _, h := range headers {
		s += " \\\n  -H " + quote(h)
	}
	if len(body) > 0 {
		s += " \\\n  --data-binary " + quote(Visible(body))
	}
	return s
}

// quote makes one word of a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
