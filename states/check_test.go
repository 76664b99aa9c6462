package states_test

import (
	"fmt"
	"slices"
	"testing"

	"orch/states"
)

// sound is a cluster with one of everything, and nothing wrong.
func sound() states.Cluster {
	c := tier()
	c.Transitions[3].Requires = []states.Requirement{{Cluster: "db", States: []states.Ref{{Name: "version", Argument: "7"}}}}
	c.Transitions[3].Gates = []states.Gate{
		{Kind: "consul_check", Name: "passing", Service: "web"},
		{Kind: "http", Name: "load", URL: states.Template{"https://lb.example/", ""}},
		{Kind: "command", Name: "lag"},
	}
	c.Transitions[3].Drains = []states.Drain{{Service: "web"}}
	c.Transitions[3].Primary = &states.Primary{Lock: "service/web/leader"}
	c.Windows = []states.Window{{Name: "nights"}}
	return c
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		want  string // place: summary; nothing where there is no problem
		wrong func(c *states.Cluster)
	}{
		{"", func(c *states.Cluster) {}},
		{"name: Bad name", func(c *states.Cluster) { c.Name = "Web" }},
		{"name: No states", func(c *states.Cluster) { *c = states.Cluster{Name: "web"} }},
		{"initial: No initial state", func(c *states.Cluster) { c.Initial = "" }},
		{"initial: Unknown state", func(c *states.Cluster) { c.Initial = "of" }},
		{"initial: Initial state with an argument", func(c *states.Cluster) { c.Initial = "version" }},
		{"state.4: Bad name", func(c *states.Cluster) { c.States = append(c.States, states.StateDef{Name: "No Go"}) }},
		{"state.4: Duplicate state", func(c *states.Cluster) { c.States = append(c.States, states.StateDef{Name: "off"}) }},
		{"state.3.argument.pattern: Bad pattern", func(c *states.Cluster) { c.States[3].Argument.Pattern = "[0-9" }},
		{"state.1.attribute.a: No argument here", func(c *states.Cluster) {
			c.States[1].Attributes = map[string]states.Template{"a": {"x", "y"}, "b": {"z"}}
		}},
		{"transition.0: Unknown state", func(c *states.Cluster) { c.Transitions[0].To = "of" }},
		{"transition.0.from: Transition from nowhere", func(c *states.Cluster) { c.Transitions[0].From = nil }},
		{"transition.2.from.1: Unknown state", func(c *states.Cluster) { c.Transitions[2].From[1] = "onn" }},
		{"transition.2.from.2: State named twice", func(c *states.Cluster) { c.Transitions[2].From = []string{"waiting", "version", "waiting"} }},
		{"transition.4.from.0: Two transitions for one move", func(c *states.Cluster) { c.Transitions = append(c.Transitions, into("waiting", "off")) }},
		{"transition.4.from.0: Two transitions for one move", func(c *states.Cluster) { c.Transitions = append(c.Transitions, into("off", states.Any)) }},
		{"", func(c *states.Cluster) { c.Transitions = append(c.Transitions, into("off", "waiting")) }}, // named beats Any
		{"transition.3.requires.0: Unknown cluster", func(c *states.Cluster) { c.Transitions[3].Requires[0].Cluster = "dbb" }},
		{"transition.3.requires.0: Cluster needs itself", func(c *states.Cluster) { c.Transitions[3].Requires[0].Cluster = "web" }},
		{"transition.3.requires.0.states: Requirement without states", func(c *states.Cluster) { c.Transitions[3].Requires[0].States = nil }},
		{"transition.3.requires.0.states.0: Unknown state", func(c *states.Cluster) { c.Transitions[3].Requires[0].States[0].Name = "on" }},
		{"transition.3.requires.0.states.0: Argument that cannot be", func(c *states.Cluster) { c.Transitions[3].Requires[0].States[0].Argument = "x" }},
		{"transition.3.requires.1: Duplicate requirement", func(c *states.Cluster) {
			c.Transitions[3].Requires = append(c.Transitions[3].Requires, c.Transitions[3].Requires[0])
		}},
		{"transition.3.gate.1: Duplicate gate", func(c *states.Cluster) { c.Transitions[3].Gates[1].Name = "passing" }},
		{"transition.3.gate.0: Bad name", func(c *states.Cluster) { c.Transitions[3].Gates[0].Name = "a/b" }},
		{"transition.3.gate.0: Gate that asks nothing", func(c *states.Cluster) { c.Transitions[3].Gates[0].Service = "" }},
		{"transition.3.gate.2.kind: Unknown gate", func(c *states.Cluster) { c.Transitions[3].Gates[2].Kind = "prometheus" }},
		{"transition.3.gate.1.url: Not an address", func(c *states.Cluster) { c.Transitions[3].Gates[1].URL = states.Template{"ftp://x"} }},
		{"transition.1.gate.0.url: No argument here", func(c *states.Cluster) { c.Transitions[1].Gates = c.Transitions[3].Gates[1:2] }},
		{"transition.3.drain.1: Duplicate drain", func(c *states.Cluster) {
			c.Transitions[3].Drains = append(c.Transitions[3].Drains, c.Transitions[3].Drains[0])
		}},
		{"transition.3.primary: Unclear primary", func(c *states.Cluster) { c.Transitions[3].Primary.Service = "web" }},
		{"window.0: Bad name", func(c *states.Cluster) { c.Windows[0].Name = "" }},
		{"window.1: Duplicate window", func(c *states.Cluster) { c.Windows = append(c.Windows, c.Windows[0]) }},
	} {
		t.Run(test.want, func(t *testing.T) {
			c := sound()
			test.wrong(&c)
			expect(t, c.Check(others), test.want)
		})
	}
}

func others(name string) (states.Cluster, bool) {
	db := tier()
	db.Name = "db"
	return db, name == "db"
}

func expect(t *testing.T, problems []states.Problem, want ...string) {
	t.Helper()
	var got []string
	for _, p := range problems {
		got = append(got, fmt.Sprintf("%s: %s", p.At, p.Summary))
		if p.Detail == "" {
			t.Errorf("%s at %s says nothing more", p.Summary, p.At)
		}
	}
	want = slices.DeleteFunc(want, func(s string) bool { return s == "" })
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestCheckFindsEverything(t *testing.T) {
	c := sound()
	c.Name, c.Initial, c.States[3].Argument.Pattern = "Web", "of", "("
	expect(t, c.Check(nil), "name: Bad name", "initial: Unknown state", "state.3.argument.pattern: Bad pattern")
}

func TestTheOtherPartyIsSpelledInTheDetail(t *testing.T) {
	c := tier()
	c.Transitions = append(c.Transitions, into("waiting", "off"))
	got := c.Check(nil)
	want := states.Problem{
		At: "transition.4.from.0", Summary: "Two transitions for one move",
		Detail: "off -> waiting is also at transition.1.", Other: "transition.1",
	}
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestNotYet(t *testing.T) {
	expect(t, states.NotYet(tier()), "")
	expect(t, states.Runbook{}.NotYet(), "name: Not acted on yet")
}

func TestRunbookCheck(t *testing.T) {
	for _, test := range []struct {
		want  string
		wrong func(r *states.Runbook)
	}{
		{"", func(r *states.Runbook) {}},
		{"name: Bad name", func(r *states.Runbook) { r.Name = "A b" }},
		{"name: No steps", func(r *states.Runbook) { r.Steps = nil }},
		{"input.0: Bad name", func(r *states.Runbook) { r.Inputs = append([]states.Input{{Name: "X"}}, r.Inputs...) }},
		{"input.1: Duplicate input", func(r *states.Runbook) { r.Inputs = append(r.Inputs, r.Inputs[0]) }},
		{"input.0.pattern: Bad pattern", func(r *states.Runbook) { r.Inputs[0].Pattern = "(" }},
		{"step.0: Bad name", func(r *states.Runbook) { r.Steps[0].Name, r.Steps[1].After = "A", nil }},
		{"step.3: Duplicate step", func(r *states.Runbook) { r.Steps = append(r.Steps, r.Steps[2]) }},
		{"step.1.after.0: Unknown step", func(r *states.Runbook) { r.Steps[1].After[0] = "x" }},
		{"step.0.after.0: Steps that wait for each other", func(r *states.Runbook) { r.Steps[0].After = []string{"down"} }},
		{"step.0: Unclear step", func(r *states.Runbook) { r.Steps[0].Approve = "sure?" }},
		{"step.0: Step without clusters", func(r *states.Runbook) { r.Steps[0].Clusters, r.Steps[0].Lockstep = nil, false }},
		{"step.2: Step without a state", func(r *states.Runbook) { r.Steps[2].Lockstep = true }},
		{"step.0.lockstep: Lockstep of one", func(r *states.Runbook) { r.Steps[0].Lockstep = true }},
		{"step.0.argument: Unknown input", func(r *states.Runbook) { r.Steps[0].Argument.Input = "x" }},
		{"step.1.once.argument: Unknown input", func(r *states.Runbook) { r.Steps[1].Once.Argument.Input = "x" }},
		{"step.1.once.cluster: Unknown cluster", func(r *states.Runbook) { r.Steps[1].Once.Cluster = "x" }},
		{"step.0.clusters.0: Unknown cluster", func(r *states.Runbook) { r.Steps[0].Clusters[0] = "x" }},
		{"step.0.state: Unknown state", func(r *states.Runbook) { r.Steps[0].State = "x" }},
		{"step.0.state: Argument that cannot be", func(r *states.Runbook) { r.Steps[0].State = "off" }},
		{"step.0.state: Argument that cannot be", func(r *states.Runbook) { r.Steps[0].Argument = states.Value{Text: "x"} }},
		{"", func(r *states.Runbook) { r.Steps[0].Argument = states.Value{Text: "7"} }},
	} {
		t.Run(test.want, func(t *testing.T) {
			r := states.Runbook{
				Name:   "release",
				Inputs: []states.Input{{Name: "release", Pattern: "[0-9]+"}},
				Steps: []states.Step{
					{Name: "down", Clusters: []string{"db"}, State: "version", Argument: states.Value{Input: "release"}},
					{Name: "once", After: []string{"down"}, Once: &states.Once{Cluster: "db", Action: "migrate"}},
					{Name: "ask", Approve: "healthy?"},
				},
			}
			test.wrong(&r)
			expect(t, r.Check(others), test.want)
		})
	}
}
