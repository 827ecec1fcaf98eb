package ui

import (
	"encoding/csv"
	"html/template"
	"slices"
	"strings"
)

// Column is one column of a table of T. Head is an id of the catalogue. A column with a Sort name can be sorted by: by
// the service for the one name it knows, and here, by Less, where the whole list is on one page.
type Column[T any] struct {
	Head string
	Num  bool
	Sort string
	Less func(a, b T) int
	Cell func(T) Cell
}

// Table is a drawn table.
type Table struct {
	Heads  []Head
	Rows   []Row
	Next   string // address of the next page, "" at the end
	Export string // address of the export, "" for none
	Pick   *Pick  // rows can be ticked for an action
	Empty  *Empty
}

// Head is the head of a column.
type Head struct {
	Text    string
	Num     bool
	Href    string // sorts by it
	Sorting string // ascending or descending, "" when not sorted by it
}

// Row is one row; ID is what ticking it sends.
type Row struct {
	Cells []RowCell
	ID    string
}

// RowCell is a cell with the head that a phone shows beside it.
type RowCell struct {
	Label string
	Num   bool
	HTML  template.HTML
	text  string
}

// Pick is what is done with the ticked rows.
type Pick struct {
	Action, Submit, Help string
	OtherAction, Other   string // a second button, to another address
}

// Empty is what stands where nothing is: why, and the first step.
type Empty struct {
	Text, Help string
	Actions    []Link
}

// Sorted reads ?sort=: the name and whether it is descending.
func (f *Frame) Sorted() (name string, desc bool) {
	s := f.query.Get("sort")
	if n, ok := strings.CutPrefix(s, "-"); ok {
		return n, true
	}
	return s, false
}

// NewTable draws rows. nextMark begins the next page, "" at the end.
func NewTable[T any](f *Frame, rows []T, columns []Column[T], nextMark string) *Table {
	t := &Table{}
	by, desc := f.Sorted()
	for _, c := range columns {
		h := Head{Text: f.T(c.Head), Num: c.Num}
		if c.Sort != "" && (c.Less == nil || nextMark == "") {
			h.Href = f.With("sort", c.Sort)
			if by == c.Sort {
				h.Sorting = "ascending"
				h.Href = f.With("sort", "-"+c.Sort)
				if desc {
					h.Sorting = "descending"
					h.Href = f.With("sort", "")
				}
			}
			if c.Less != nil && by == c.Sort {
				rows = slices.Clone(rows)
				slices.SortStableFunc(rows, func(a, b T) int {
					if desc {
						a, b = b, a
					}
					return c.Less(a, b)
				})
			}
		}
		t.Heads = append(t.Heads, h)
	}
	for _, r := range rows {
		var row Row
		for i, c := range columns {
			cell := c.Cell(r)
			row.Cells = append(row.Cells, RowCell{Label: t.Heads[i].Text, Num: c.Num, HTML: cell.HTML, text: cell.Text})
		}
		t.Rows = append(t.Rows, row)
	}
	if nextMark != "" {
		t.Next = f.With("page", nextMark)
	}
	return t
}

// Picking lets rows be ticked; id is what a row sends, "" for one that cannot be ticked.
func (t *Table) Picking(p Pick, id func(i int) string) *Table {
	any := false
	for i := range t.Rows {
		t.Rows[i].ID = id(i)
		any = any || t.Rows[i].ID != ""
	}
	if any {
		t.Pick = &p
	}
	return t
}

// Exported offers the list as a file, with the filter that is on.
func (t *Table) Exported(f *Frame) *Table {
	t.Export = f.With("format", "csv")
	return t
}

// Or says what stands there when the table is empty.
func (t *Table) Or(e Empty) *Table {
	t.Empty = &e
	return t
}

// Exporting tells that the export is asked for, not the page.
func (c *Call) Exporting() bool { return c.Query("format") == "csv" }

// CSV sends a table as a file that spreadsheets open: UTF-8 with a mark at the start. A value that a spreadsheet would
// take for a formula is written with an apostrophe before it.
func (c *Call) CSV(name string, t *Table) error {
	h := c.W.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
	h.Set("Cache-Control", "no-store")
	_, _ = c.W.Write([]byte("\ufeff"))
	w := csv.NewWriter(c.W)
	var line []string
	for _, head := range t.Heads {
		line = append(line, head.Text)
	}
	_ = w.Write(line)
	for _, r := range t.Rows {
		line = line[:0]
		for _, cell := range r.Cells {
			line = append(line, harmless(strings.TrimSpace(cell.text)))
		}
		_ = w.Write(line)
	}
	w.Flush()
	return w.Error()
}

func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+@\t\r", rune(s[0])) || len(s) > 1 && s[0] == '-' && (s[1] < '0' || s[1] > '9') {
		return "'" + s
	}
	return s
}

// NoMatch is what stands where a filter leaves nothing.
func (f *Frame) NoMatch(clear string) Empty {
	return Empty{Text: f.T("empty.nomatch"), Actions: []Link{{Text: f.T("filter.clear"), Href: clear}}}
}
