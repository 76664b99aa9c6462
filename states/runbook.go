package states

import (
	"fmt"
	"slices"
)

// Runbook is a journey of several clusters, step by step, as it is applied.
type Runbook struct {
	Name        string
	Description string
	Inputs      []Input
	Steps       []Step
}

// Input is asked for when the runbook is run.
type Input struct {
	Name        string
	Description string
	Pattern     string // a regular expression for the whole value; empty: any argument
}

// Step is one thing a runbook does, after other steps are done. It moves clusters to a state, or
// does something once, or asks somebody; one of the three.
type Step struct {
	Name     string
	After    []string // names of steps
	Clusters []string
	State    string
	Argument Value
	Lockstep bool // the clusters go batch by batch together, not each at its own pace
	Once     *Once
	Approve  string // the question that is asked
	Undo     string // UndoNever, or empty
}

// UndoNever marks a step that nothing takes back: a runbook that failed after it goes no further back.
const UndoNever = "never"

// Once is an action that one node of a cluster runs, one time in the life of the run.
type Once struct {
	Cluster  string
	Action   string // a name in the agents' own configuration
	Argument Value
}

// Value is a text, or the name of an input whose value is put there when the runbook is run.
type Value struct {
	Text  string
	Input string
}

// None tells whether nothing was said.
func (v Value) None() bool { return v == Value{} }

// Step finds a step by name.
func (r Runbook) Step(name string) (Step, bool) {
	i := slices.IndexFunc(r.Steps, func(s Step) bool { return s.Name == name })
	if i < 0 {
		return Step{}, false
	}
	return r.Steps[i], true
}

// Check finds every mistake that the language's grammar lets through, as Cluster.Check does.
func (r Runbook) Check(known func(cluster string) (Cluster, bool)) []Problem {
	k := &runbookChecker{checker: checker{known: known}, runbook: r}
	if !ValidCluster(r.Name) {
		k.add("name", "Bad name", "A runbook's name is a key, as a cluster's: small letters, digits and hyphens, 63 at most.")
	}
	if len(r.Steps) == 0 {
		k.add("name", "No steps", "Runbook %q does nothing: write at least one step.", r.Name)
	}
	k.inputs()
	for i, s := range r.Steps {
		k.step(Place("step").Sub(i), i, s)
	}
	return k.problems
}

type runbookChecker struct {
	checker
	runbook Runbook
}

func (k *runbookChecker) inputs() {
	for i, in := range k.runbook.Inputs {
		at := Place("input").Sub(i)
		if !ValidState(in.Name) {
			k.add(at, "Bad name", "An input's name is small letters, digits, hyphens and underscores, starting with a letter, 63 at most.")
		}
		if slices.ContainsFunc(k.runbook.Inputs[:i], func(other Input) bool { return other.Name == in.Name }) {
			k.add(at, "Duplicate input", "%q is there already.", in.Name)
		}
		k.pattern(at.Sub("pattern"), in.Pattern)
	}
}

func (k *runbookChecker) step(at Place, index int, s Step) {
	if !ValidID(s.Name) {
		k.add(at, "Bad name", "A step's name is small letters, digits and hyphens, 64 at most.")
	}
	if slices.ContainsFunc(k.runbook.Steps[:index], func(other Step) bool { return other.Name == s.Name }) {
		k.add(at, "Duplicate step", "%q is there already.", s.Name)
	}
	for i, name := range s.After {
		k.after(at.Sub("after", i), s, name)
	}
	k.does(at, s)
	k.value(at.Sub("argument"), s.Argument)
	if s.Once != nil {
		k.value(at.Sub("once", "argument"), s.Once.Argument)
		k.cluster(at.Sub("once", "cluster"), s.Once.Cluster)
	}
	for i, name := range s.Clusters {
		if cluster, ok := k.cluster(at.Sub("clusters", i), name); ok {
			k.target(at, cluster, s)
		}
	}
}

func (k *runbookChecker) after(at Place, s Step, name string) {
	if _, ok := k.runbook.Step(name); !ok {
		k.add(at, "Unknown step", "Runbook %q has no step %q.", k.runbook.Name, name)
		return
	}
	if k.reaches(name, s.Name, map[string]bool{}) {
		k.add(at, "Steps that wait for each other", "Step %q comes after %q, and %q after %q: neither can ever begin.", s.Name, name, name, s.Name)
	}
}

// reaches tells whether a step comes after another, by however many steps.
func (k *runbookChecker) reaches(from, to string, seen map[string]bool) bool {
	if from == to {
		return true
	}
	seen[from] = true
	step, _ := k.runbook.Step(from)
	return slices.ContainsFunc(step.After, func(next string) bool {
		return !seen[next] && k.reaches(next, to, seen)
	})
}

func (k *runbookChecker) does(at Place, s Step) {
	things := 0
	for _, does := range []bool{s.State != "", s.Once != nil, s.Approve != ""} {
		if does {
			things++
		}
	}
	switch {
	case things != 1:
		k.add(at, "Unclear step", "A step moves clusters to a state, or does something once, or asks with approve: one of the three.")
	case s.State != "" && len(s.Clusters) == 0:
		k.add(at, "Step without clusters", "Name the clusters that go to %q.", s.State)
	case s.State == "" && (len(s.Clusters) > 0 || !s.Argument.None() || s.Lockstep):
		k.add(at, "Step without a state", "clusters, argument and lockstep belong to a step with a state.")
	case s.Lockstep && len(s.Clusters) < 2:
		k.add(at.Sub("lockstep"), "Lockstep of one", "lockstep is for two clusters or more.")
	}
}

func (k *runbookChecker) value(at Place, v Value) {
	declared := slices.ContainsFunc(k.runbook.Inputs, func(in Input) bool { return in.Name == v.Input })
	if v.Input != "" && !declared {
		k.add(at, "Unknown input", "Runbook %q has no input %q.", k.runbook.Name, v.Input)
	}
}

func (k *runbookChecker) cluster(at Place, name string) (Cluster, bool) {
	if k.known == nil {
		return Cluster{}, false
	}
	cluster, ok := k.known(name)
	if !ok {
		k.add(at, "Unknown cluster", "No cluster %q in these files.", name)
	}
	return cluster, ok && len(cluster.States) > 0
}

func (k *runbookChecker) target(at Place, cluster Cluster, s Step) {
	state, ok := cluster.State(s.State)
	switch {
	case s.State == "":
	case !ok:
		k.unknownState(at.Sub("state"), cluster)
	case s.Argument.Input != "" && state.Argument == nil:
		k.add(at.Sub("state"), "Argument that cannot be", "State %q of cluster %q takes no argument.", s.State, cluster.Name)
	case s.Argument.Input == "": // an input's value is known when the runbook is run
		if err := state.accepts(s.Argument.Text); err != nil {
			k.add(at.Sub("state"), "Argument that cannot be", "%s.", upper(err.Error()))
		}
	}
}

// String spells the value as the file does.
func (v Value) String() string {
	if v.Input != "" {
		return "input." + v.Input
	}
	return fmt.Sprintf("%q", v.Text)
}
