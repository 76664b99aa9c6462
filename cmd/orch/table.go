package main

import "strings"

// column of a table. The last one takes what room is left.
type column struct {
	title string
	right bool // numbers
	most  int  // its width at most; 0: as wide as what stands in it
}

// cell is what stands in a column.
type cell = span

// table puts rows under titles, each column as wide as it has to be.
func (p *page) table(columns []column, rows [][]cell) {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = cells(c.title)
		for _, row := range rows {
			widths[i] = max(widths[i], cells(visible(row[i].text)))
		}
		if c.most > 0 {
			widths[i] = min(widths[i], max(c.most, cells(c.title)))
		}
	}
	titles, titled := make([]cell, len(columns)), ""
	for i, c := range columns {
		titles[i] = cell{c.title, dim}
		titled += c.title
	}
	if titled != "" {
		rows = append([][]cell{titles}, rows...)
	}
	for _, row := range rows {
		p.add(laid(columns, widths, row)...)
	}
}

func laid(columns []column, widths []int, row []cell) []span {
	var spans []span
	for i, c := range row {
		shown := visible(c.text)
		if i < len(row)-1 {
			shown = clip(shown, widths[i])
		}
		gap := text(strings.Repeat(" ", max(0, widths[i]-cells(shown))))
		piece := span{shown, c.style}
		switch {
		case columns[i].right:
			spans = append(spans, gap, piece)
		case i < len(row)-1:
			spans = append(spans, piece, gap)
		default:
			spans = append(spans, piece)
		}
		if i < len(row)-1 {
			spans = append(spans, text("  "))
		}
	}
	return spans
}

func row(texts ...string) []cell {
	cells := make([]cell, len(texts))
	for i, t := range texts {
		cells[i] = text(t)
	}
	return cells
}
