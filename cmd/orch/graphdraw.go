package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// graphScreen puts the graph on a page: a row for each state, then the path in progress.
func (v *view) graphScreen(p *page) {
	g := newGraphJSON(v)
	p.sides([]span{{v.Cluster, bold}, text("  " + v.heading())}, v.place.Datacenter+"  "+v.place.Address)
	p.blank()
	rows := make([][]cell, 0, len(g.States))
	for _, s := range g.States {
		mark, style := " ", plain
		switch {
		case s.Here && s.Target && g.State != g.Target:
			mark, style = "*>", green
		case s.Here:
			mark, style = "*", green
		case s.Target:
			mark, style = ">", yellow
		}
		serves := "yes"
		if !s.Serves {
			serves = "no"
		}
		rows = append(rows, []cell{{mark, style}, {s.spelled(), style}, text(serves), text(first(s.census(", "), "-")), text(g.next(s.Name))})
	}
	p.table([]column{{}, {title: "STATE"}, {title: "SERVES"}, {title: "NODES", most: 36}, {title: "NEXT"}}, rows)
	p.blank()
	for i, hop := range g.Path {
		p.wrap(text(fmt.Sprintf("hop %d of %d, %-9s  ", i+1, len(g.Path), hop.Hop)), hop.From+" -> "+hop.To)
	}
	g.legend(p)
	if !v.usable() {
		p.wrap(span{"where it is, nobody can tell: ", red}, v.reason())
	}
}

// legend says what the marks mean that are on the page.
func (g graphJSON) legend(p *page) {
	if g.State != "" {
		p.add(span{"*  it is here: " + g.State, dim})
	}
	if g.State != g.Target {
		p.add(span{">  it is to be there: " + g.Target, dim})
	}
	if slices.ContainsFunc(g.Moves, func(m graphMove) bool { return m.Any }) {
		p.add(span{`(state)  allowed by from = ["*"]: only ever the last hop of a path`, dim})
	}
}

// next lists where a state's moves lead.
func (g graphJSON) next(from string) string {
	var names []string
	for _, m := range g.Moves {
		switch {
		case m.From != from:
		case m.Any:
			names = append(names, "("+m.To+")")
		default:
			names = append(names, m.To)
		}
	}
	return first(strings.Join(names, " "), "-")
}

func (s graphState) spelled() string {
	if s.Argument {
		return s.Name + " ARG"
	}
	return s.Name
}

// census says how many nodes are at a state, by its argument.
func (s graphState) census(between string) string {
	var texts []string
	for _, state := range slices.SortedFunc(maps.Keys(s.Nodes), compareNames) {
		if state == s.Name {
			texts = append(texts, strconv.Itoa(s.Nodes[state]))
		} else {
			texts = append(texts, fmt.Sprintf("%d at %s", s.Nodes[state], strings.TrimPrefix(state, s.Name+" ")))
		}
	}
	return strings.Join(texts, between)
}

// lines is what stands in the box of a state.
func (s graphState) lines() []string {
	lines := []string{s.spelled()}
	if !s.Serves {
		lines = append(lines, "serves nobody")
	}
	switch {
	case s.Here:
		lines = append(lines, "the cluster is here")
	case s.Target:
		lines = append(lines, "it is to be here")
	}
	for _, state := range slices.SortedFunc(maps.Keys(s.Nodes), compareNames) {
		lines = append(lines, fmt.Sprintf("%s: %d", state, s.Nodes[state]))
	}
	return lines
}

// label is what stands beside a move.
func (m graphMove) label() string {
	var texts []string
	if m.Any {
		texts = append(texts, "any")
	}
	if m.Back {
		texts = append(texts, "way back")
	}
	if m.Hop != "" {
		texts = append(texts, m.Hop)
	}
	return strings.Join(texts, ", ")
}

// dotOf draws it for Graphviz.
func dotOf(g graphJSON) string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %s {\n  rankdir=LR\n  node [shape=box, style=rounded]\n", quoted(g.Cluster))
	for _, s := range g.States {
		looks := []string{"label=" + quoted(s.lines()...)}
		switch {
		case s.Here:
			looks = append(looks, `style="rounded,filled"`, `fillcolor="palegreen"`)
		case s.Target:
			looks = append(looks, `style="rounded,filled"`, `fillcolor="khaki"`)
		case !s.Serves:
			looks = append(looks, `style="rounded,filled"`, `fillcolor="gray90"`)
		}
		if s.Initial {
			looks = append(looks, "peripheries=2")
		}
		fmt.Fprintf(&b, "  %s [%s]\n", quoted(s.Name), strings.Join(looks, ", "))
	}
	for _, m := range g.Moves {
		var looks []string
		if label := m.label(); label != "" {
			looks = append(looks, "label="+quoted(label))
		}
		if m.Any {
			looks = append(looks, "style=dashed", "constraint=false")
		}
		if colour := map[string]string{hopDone: "forestgreen", hopUnderWay: "darkorange", hopAhead: "steelblue"}[m.Hop]; colour != "" {
			looks = append(looks, "color="+colour, "penwidth=2")
		}
		fmt.Fprintf(&b, "  %s -> %s [%s]\n", quoted(m.From), quoted(m.To), strings.Join(looks, ", "))
	}
	return b.String() + "}\n"
}

// quoted spells lines as one string of the DOT language.
func quoted(lines ...string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	for i, line := range lines {
		lines[i] = escape.Replace(visible(line))
	}
	return `"` + strings.Join(lines, `\n`) + `"`
}

// mermaidOf draws it for Mermaid. A state's id is its number: its name may be one of Mermaid's words.
func mermaidOf(g graphJSON) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%%%% %s\nflowchart LR\n", g.Cluster)
	ids, classes := map[string]string{}, map[string][]string{}
	for i, s := range g.States {
		id := "s" + strconv.Itoa(i)
		ids[s.Name] = id
		fmt.Fprintf(&b, "  %s[\"%s\"]\n", id, strings.ReplaceAll(visible(strings.Join(s.lines(), "<br/>")), `"`, "#quot;"))
		switch {
		case s.Here:
			classes["here"] = append(classes["here"], id)
		case s.Target:
			classes["target"] = append(classes["target"], id)
		case !s.Serves:
			classes["idle"] = append(classes["idle"], id)
		}
	}
	for _, m := range g.Moves {
		arrow := "-->"
		switch {
		case m.Hop != "":
			arrow = "==>"
		case m.Any:
			arrow = "-.->"
		}
		if label := m.label(); label != "" {
			arrow += "|" + label + "|"
		}
		fmt.Fprintf(&b, "  %s %s %s\n", ids[m.From], arrow, ids[m.To])
	}
	b.WriteString("  classDef here fill:#b5e7b5\n  classDef target fill:#f5e6a3\n  classDef idle fill:#e8e8e8\n")
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		fmt.Fprintf(&b, "  class %s %s\n", strings.Join(classes[class], ","), class)
	}
	return b.String()
}
