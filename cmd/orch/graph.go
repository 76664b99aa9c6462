package main

import (
	"io"
	"slices"

	"github.com/spf13/cobra"

	"orch/states"
)

// graphJSON is `orch graph`: the definition as a picture, and where the cluster is in it. Every form
// of it is drawn from this.
type graphJSON struct {
	Schema  int          `json:"schema"`
	Cluster string       `json:"cluster"`
	State   string       `json:"state"`  // where it is: that its path reached last
	Target  string       `json:"target"` // where it is to be; the same, where nothing moves
	Status  string       `json:"status"`
	States  []graphState `json:"states"`
	Moves   []graphMove  `json:"moves"`
	Path    []graphHop   `json:"path"` // of the move in progress
}

// graphState is a state of the definition.
type graphState struct {
	Name     string         `json:"name"`
	Serves   bool           `json:"serves"`
	Argument bool           `json:"argument"` // it takes one
	Initial  bool           `json:"initial"`
	Here     bool           `json:"here"`
	Target   bool           `json:"target"`
	Nodes    map[string]int `json:"nodes"` // how many are there, by the state with its argument
}

// graphMove is a legal move. One from "*" is spelled out: it is a move from each other state.
type graphMove struct {
	From string `json:"from"`
	To   string `json:"to"`
	Any  bool   `json:"any,omitempty"`  // allowed by from = ["*"]: only ever the last hop of a path
	Back bool   `json:"back,omitempty"` // not in the definition, and taken all the same: a way back
	Hop  string `json:"hop,omitempty"`  // done, under way or ahead: it is on the path in progress
}

// graphHop is a hop of the path in progress.
type graphHop struct {
	From string `json:"from"`
	To   string `json:"to"`
	Hop  string `json:"hop"` // done, under way or ahead
}

const (
	hopDone     = "done"
	hopUnderWay = "under way"
	hopAhead    = "ahead"
)

func newGraph(a *app) *cobra.Command {
	format := "text"
	cmd := &cobra.Command{
		Use:   "graph CLUSTER",
		Short: "show the states, the legal moves, and where the cluster is",
		Long: `Graph shows the states of a cluster, which moves are legal, where it is, and the
path that is in progress: what is done of it, under way, and ahead. With
--format dot or mermaid it is text for Graphviz or Mermaid to draw.`,
		Example:           "  orch graph web\n  orch graph web --format dot | dot -Tsvg > web.svg",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			draw, known := graphForms[format]
			switch {
			case !known:
				return usagef("read --format %q: it is text, dot or mermaid", format)
			case a.json() && cmd.Flags().Changed("format"):
				return usagef("draw with --format %s and -o json: they exclude each other", format)
			}
			c, err := a.connect(cmd)
			if err != nil {
				return err
			}
			v, err := a.existing(cmd.Context(), c, args[0])
			switch {
			case err != nil:
				return err
			case !v.Definition.OK():
				return endingf(exitError, "draw %q: its definition cannot be read: %s; apply it again", v.Cluster, first(v.Definition.Problem, "there is none"))
			case draw == nil:
				return a.print(newGraphJSON(v), v.graphScreen)
			}
			_, err = io.WriteString(a.out, draw(newGraphJSON(v)))
			return err
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "text, dot or mermaid")
	return cmd
}

// graphForms are the ways to draw it; text goes on a page.
var graphForms = map[string]func(graphJSON) string{"text": nil, "dot": dotOf, "mermaid": mermaidOf}

func newGraphJSON(v *view) graphJSON {
	g := graphJSON{Schema: states.Schema, Cluster: v.Cluster, Status: v.status(), States: []graphState{}, Path: v.graphPath()}
	here, target := v.graphEnds()
	g.State, g.Target = spelled(here), spelled(target)
	for _, def := range v.Definition.Value.States {
		g.States = append(g.States, graphState{Name: def.Name, Serves: def.Serving, Argument: def.Argument != nil,
			Initial: def.Name == v.Definition.Value.Initial, Here: def.Name == here.Name, Target: def.Name == target.Name, Nodes: v.nodesAt(def.Name)})
	}
	g.Moves = v.graphMoves()
	return g
}

// graphEnds gives where the cluster is by its path, and where that leads.
func (v *view) graphEnds() (here, target states.State) {
	switch {
	case !v.usable():
		return here, target
	case !v.moving():
		return v.desire.State, v.desire.State
	case v.record.Hop > 0 && v.record.Hop <= len(v.record.Hops):
		return v.record.Hops[v.record.Hop-1].State, v.record.Target
	}
	return v.origin(), v.record.Target
}

// graphPath gives the hops of the move in progress; none, where nothing moves.
func (v *view) graphPath() []graphHop {
	path := []graphHop{}
	if !v.moving() || v.record.Start.None() {
		return path
	}
	from := v.record.Start
	for i, hop := range v.record.Hops {
		how := hopAhead
		switch {
		case i < v.record.Hop:
			how = hopDone
		case i == v.record.Hop:
			how = hopUnderWay
		}
		path = append(path, graphHop{from.String(), hop.State.String(), how})
		from = hop.State
	}
	return path
}

// graphMoves lists the legal moves in the order of the file, and what else the path in progress takes.
func (v *view) graphMoves() []graphMove {
	definition := v.Definition.Value
	moves := []graphMove{}
	for _, to := range definition.States {
		for _, from := range definition.States {
			if t, legal := definition.Into(from.Name, to.Name); legal {
				moves = append(moves, graphMove{From: from.Name, To: to.Name, Any: !slices.Contains(t.From, from.Name)})
			}
		}
	}
	for _, hop := range v.graphPath() {
		from, _ := states.ParseRef(hop.From)
		to, _ := states.ParseRef(hop.To)
		_, starts := definition.State(from.Name)
		if _, ends := definition.State(to.Name); !starts || !ends { // the definition was replaced meanwhile
			continue
		}
		i := slices.IndexFunc(moves, func(m graphMove) bool { return m.From == from.Name && m.To == to.Name })
		if i < 0 {
			i = len(moves)
			moves = append(moves, graphMove{From: from.Name, To: to.Name, Back: true})
		}
		if moves[i].Hop != hopUnderWay { // a path may pass a move twice: 1 -> 2 -> 3 are all "version"
			moves[i].Hop = hop.Hop
		}
	}
	return moves
}

// nodesAt counts the known nodes at a state, by the state with its argument.
func (v *view) nodesAt(name string) map[string]int {
	at := map[string]int{}
	for _, n := range v.nodes {
		node, _ := v.Node(n.Name)
		if state := node.Status.Value.State; known(n) && node.Status.OK() && state.Name == name {
			at[state.String()]++
		}
	}
	return at
}
