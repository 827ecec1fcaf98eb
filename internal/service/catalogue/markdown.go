package catalogue

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// FilePrefix is the address of an uploaded file; pictures in a description name it.
const FilePrefix = "/files/"

// Sellers write Markdown with tables and strike-through. HTML in it is dropped, and
// what is left is cleaned once more: nothing a seller writes may run.
var (
	markdown = goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough))
	clean    = safe()
)

func safe() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "del", "code", "pre", "blockquote", "br", "hr", "table", "thead", "tbody", "tr", "th", "td")
	// Pictures are our own files; links stay on this site.
	p.AllowRelativeURLs(true)
	p.AllowAttrs("src").Matching(regexp.MustCompile(`^/files/[0-9A-Za-z-]+$`)).OnElements("img")
	p.AllowAttrs("alt").OnElements("img")
	p.AllowAttrs("href").Matching(regexp.MustCompile(`^(/[^/\\]|#)`)).OnElements("a")
	p.RequireNoFollowOnLinks(true)
	return p
}

// RenderMarkdown makes safe HTML of what a seller wrote. A first-level heading
// becomes a second-level one: the page has its own title.
func RenderMarkdown(source string) string {
	var b bytes.Buffer
	if err := markdown.Convert([]byte(source), &b); err != nil {
		return ""
	}
	html := strings.NewReplacer("<h1>", "<h2>", "</h1>", "</h2>").Replace(b.String())
	return clean.Sanitize(html)
}

// written is what a text holds.
type written struct {
	words  string
	images []string // ids of uploaded files
	links  []string // to elsewhere
}

func readMarkdown(source string) (w written) {
	src := []byte(source)
	var words strings.Builder
	_ = ast.Walk(markdown.Parser().Parse(text.NewReader(src)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			words.Write(n.Segment.Value(src))
			words.WriteByte(' ')
		case *ast.Image:
			if id, ok := strings.CutPrefix(string(n.Destination), FilePrefix); ok {
				w.images = append(w.images, id)
			} else {
				w.links = append(w.links, string(n.Destination))
			}
		case *ast.Link:
			if d := string(n.Destination); !strings.HasPrefix(d, "/") && !strings.HasPrefix(d, "#") {
				w.links = append(w.links, d)
			}
		case *ast.AutoLink:
			w.links = append(w.links, string(n.URL(src)))
		}
		return ast.WalkContinue, nil
	})
	w.words = words.String()
	return w
}
