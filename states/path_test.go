package states_test

import (
	"errors"
	"strings"
	"testing"

	"orch/states"
)

// tier is the shape of the shop: off -> waiting -> converged <-> version, and off from anywhere.
func tier() states.Cluster {
	return states.Cluster{
		Name:    "web",
		Initial: "off",
		States: []states.StateDef{
			{Name: "off"}, {Name: "waiting"}, {Name: "converged", Serving: true},
			{Name: "version", Serving: true, Argument: &states.Argument{Pattern: "[0-9]+"}},
		},
		Transitions: []states.Transition{
			into("off", states.Any), into("waiting", "off"),
			into("converged", "waiting", "version"), into("version", "converged", "version"),
		},
	}
}

func into(to string, from ...string) states.Transition {
	return states.Transition{To: to, From: from, Policy: states.BuiltIn()}
}

// graph makes a cluster out of moves like "a>b c>d"; states in capitals do not serve, those with
// a question mark take an argument. Names are lower case all the same.
func graph(declared string, moves string) states.Cluster {
	c := states.Cluster{Name: "g"}
	for word := range strings.FieldsSeq(declared) {
		name, wants := strings.CutSuffix(word, "?")
		def := states.StateDef{Name: strings.ToLower(name), Serving: name == strings.ToLower(name)}
		if wants {
			def.Argument = &states.Argument{}
		}
		c.States = append(c.States, def)
	}
	for move := range strings.FieldsSeq(moves) {
		from, to, _ := strings.Cut(move, ">")
		c.Transitions = append(c.Transitions, into(to, from))
	}
	return c
}

func resolve(t *testing.T, c states.Cluster, text string) states.State {
	t.Helper()
	ref, err := states.ParseRef(text)
	if err != nil {
		t.Fatal(err)
	}
	state, err := c.Resolve(ref)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func TestPath(t *testing.T) {
	withoutReturn := tier()
	withoutReturn.Transitions[2].From = []string{"waiting"}
	diamond := graph("a b c d", "a>b a>c b>d c>d")
	through := graph("a B c x", "a>b b>c")
	lateStop := graph("A b C d", "a>b b>c c>d")

	for _, test := range []struct {
		name     string
		cluster  states.Cluster
		from, to string
		via      []string
		want     string // the states entered, or part of the error
		kind     states.PathKind
	}{
		{"one hop", tier(), "off", "waiting", nil, "waiting", ""},
		{"up from nothing", tier(), "off", "converged", nil, "waiting, converged", ""},
		{"all the way up", tier(), "off", "version 43", nil, "waiting, converged, version 43", ""},
		{"anything to off", tier(), "version 42", "off", nil, "off", ""},
		{"down beside a stop", tier(), "version 42", "converged", nil, "converged", ""},
		{"the same state, another argument", tier(), "version 41", "version 42", nil, "version 42", ""},
		{"between what does not serve", tier(), "waiting", "off", nil, "off", ""},
		{"wild only as the last hop", tier(), "waiting", "version 1", nil, "converged, version 1", ""},

		{"a stop in between is refused", tier(), "version 42", "waiting", nil,
			`the only path is version 42 -> off -> waiting, and it is not safe: "version" serves and "off" does not`, states.UnsafePath},
		{"even towards what does not serve", through, "a", "c", nil, `"a" serves and "b" does not`, states.UnsafePath},
		{"it says how to declare it", withoutReturn, "version 42", "converged", nil,
			`declare transition "converged" { from = ["version"] }, or take this path all the same with --via off`, states.UnsafePath},
		{"a stop late on the path", lateStop, "a", "d", nil, `"b" serves and "c" does not`, states.UnsafePath},
		{"and it can be named", lateStop, "a", "d", []string{"c"}, "b, c, d", ""},

		{"via takes it all the same", withoutReturn, "version 42", "converged", []string{"off"}, "off, waiting, converged", ""},
		{"via where a shorter path exists", tier(), "version 42", "converged", []string{"off"}, "off, waiting, converged", ""},
		{"via a state with an argument", tier(), "converged", "off", []string{"version 7"}, "version 7, off", ""},
		{"via two stops", tier(), "version 42", "version 43", []string{"off", "waiting"}, "off, waiting, converged, version 43", ""},
		{"via what cannot be reached", through, "a", "c", []string{"x"}, "no path leads there", states.NoPath},

		{"two of a length", diamond, "a", "d", nil, "a -> b -> d, and a -> c -> d; choose with --via", states.AmbiguousPath},
		{"via chooses", diamond, "a", "d", []string{"c"}, "c, d", ""},
		{"a shorter one decides", graph("a b c d", "a>b a>c b>d c>d a>d"), "a", "d", nil, "d", ""},
		{"two to the same last state", graph("a b c d e", "a>b a>c b>d c>d d>e"), "a", "e", nil, "two paths", states.AmbiguousPath},
		{"the unsafe twin does not count", graph("a b C d", "a>b a>c b>d c>d"), "a", "d", nil, "b, d", ""},
		{"safe beats shorter", graph("a B c d e", "a>b b>e a>c c>d d>e"), "a", "e", nil, "c, d, e", ""},

		{"nothing in between takes an argument", graph("a v? b", "a>v v>b"), "a", "b", nil, `"v" takes an argument`, states.UnsafePath},
		{"wild is no way through", graph("A B C", "*>b b>c"), "a", "c", nil, `"b" is entered by "*"`, states.UnsafePath},
		{"a named move beats wild", graph("A B C", "*>b a>b b>c"), "a", "c", nil, "b, c", ""},
		{"round trip to the same name", graph("a? b", "a>b b>a"), "a 1", "a 2", nil, "b, a 2", ""},
		{"no path lists what is legal", graph("a b c", "a>b"), "a", "c", nil, "from a it can go to b;", states.NoPath},
		{"an island", graph("a b", ""), "a", "b", nil, "it can go to no state;", states.NoPath},
	} {
		t.Run(test.name, func(t *testing.T) {
			var via []states.State
			for _, text := range test.via {
				via = append(via, resolve(t, test.cluster, text))
			}
			moves, err := test.cluster.Path(resolve(t, test.cluster, test.from), resolve(t, test.cluster, test.to), via...)
			checkPath(t, moves, err, test.want, test.kind)
		})
	}
}

func checkPath(t *testing.T, moves []states.Move, err error, want string, kind states.PathKind) {
	t.Helper()
	if kind != "" {
		refusal, ok := errors.AsType[*states.PathError](err)
		if !ok || refusal.Kind != kind || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v\nwant %s with %q", err, kind, want)
		}
		return
	}
	var entered []string
	for _, m := range moves {
		entered = append(entered, m.State.String())
		if m.Transition.To != m.State.Name {
			t.Errorf("the transition to %q enters %q", m.Transition.To, m.State)
		}
	}
	if got := strings.Join(entered, ", "); err != nil || got != want {
		t.Errorf("got %q, error %v; want %q", got, err, want)
	}
}

func TestPathFromAStateThatIsDeclaredNoMore(t *testing.T) {
	moves, err := tier().Path(states.State{Name: "gone", Serving: true}, resolve(t, tier(), "off"))
	checkPath(t, moves, err, "off", "")
}

func TestPathFillsWhatItPasses(t *testing.T) {
	c := tier()
	c.States[1].Attributes = map[string]states.Template{"mode": {"idle"}}
	moves, err := c.Path(resolve(t, c, "off"), resolve(t, c, "converged"))
	if err != nil || moves[0].State.Attributes["mode"] != "idle" || moves[0].State.Digest == "" {
		t.Errorf("got %+v, %v", moves, err)
	}
}
