package ui

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
)

// Chart is bars over days, stacked, drawn by the server; its table stands behind it.
type Chart struct {
	SVG    template.HTML
	Legend []Series
	Table  *Table
	Total  string
	Empty  string // said when every value is zero
	// Top is what the highest bar stands for; From and To are the labels of the first and the last one.
	Top, From, To string
}

// Series is one colour of a chart: its name and a tone.
type Series struct {
	Name string
	Tone Tone
}

// Bar is one day (or other step): its label and a value per series, never negative; Shown is how the values are
// written in the table.
type Bar struct {
	Label  string
	Values []int64
	Shown  []string
}

// shown is how a value is written.
func (b Bar) shown(i int) string {
	if i < len(b.Shown) {
		return b.Shown[i]
	}
	return strconv.FormatInt(b.Values[i], 10)
}

const (
	chartWidth  = 640
	chartHeight = 150
	chartFoot   = 18
)

// NewChart draws bars. head is the id of the first column of the table behind it.
func (f *Frame) NewChart(head string, series []Series, bars []Bar) *Chart {
	c := &Chart{Legend: series}
	var top int64
	for _, b := range bars {
		var sum int64
		var shown []string
		for i, v := range b.Values {
			sum += v
			if v > 0 {
				shown = append(shown, b.shown(i))
			}
		}
		if sum > top {
			top, c.Top = sum, strings.Join(shown, " + ")
		}
	}
	if len(bars) > 0 {
		c.From, c.To = bars[0].Label, bars[len(bars)-1].Label
	}
	t := &Table{Heads: []Head{{Text: f.T(head)}}}
	for _, s := range series {
		t.Heads = append(t.Heads, Head{Text: s.Name, Num: true})
	}
	for _, b := range bars {
		row := Row{Cells: []RowCell{{Label: t.Heads[0].Text, HTML: Own(b.Label).HTML, text: b.Label}}}
		for i := range b.Values {
			shown := b.shown(i)
			row.Cells = append(row.Cells, RowCell{Label: series[i].Name, Num: true, HTML: Own(shown).HTML, text: shown})
		}
		t.Rows = append(t.Rows, row)
	}
	c.Table = t
	if top == 0 {
		c.Empty = f.T("chart.empty")
	}
	var s strings.Builder
	fmt.Fprintf(&s, `<svg class="bars" viewBox="0 0 %d %d" preserveAspectRatio="none" aria-hidden="true">`, chartWidth, chartHeight)
	high := float64(chartHeight - chartFoot)
	for _, part := range []float64{0, 0.5, 1} {
		y := 2 + (high-2)*(1-part)
		fmt.Fprintf(&s, `<line class="grid" x1="0" x2="%d" y1="%.1f" y2="%.1f"/>`, chartWidth, y, y)
	}
	step := float64(chartWidth) / float64(max(1, len(bars)))
	for i, b := range bars {
		y := high
		for n, v := range b.Values {
			if v <= 0 || top == 0 {
				continue
			}
			h := max(1.5, (high-4)*float64(v)/float64(top))
			y -= h
			fmt.Fprintf(&s, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="1.5"><title>%s %s %s</title></rect>`,
				series[n].Tone, float64(i)*step+step*0.15, y, step*0.7, h, esc(b.Label), esc(series[n].Name), esc(b.shown(n)))
		}
	}
	s.WriteString(`</svg>`)
	c.SVG = template.HTML(s.String())
	return c
}

// Spark is a small line without axes, for a figure.
func Spark(values []int64) template.HTML {
	if len(values) < 2 {
		return ""
	}
	var top int64 = 1
	for _, v := range values {
		top = max(top, v)
	}
	var points []string
	for i, v := range values {
		points = append(points, fmt.Sprintf("%.1f,%.1f", 2+116*float64(i)/float64(len(values)-1), 26-24*float64(v)/float64(top)))
	}
	return template.HTML(`<svg class="spark" viewBox="0 0 120 28" preserveAspectRatio="none" aria-hidden="true"><polyline points="` + strings.Join(points, " ") + `"/></svg>`)
}
