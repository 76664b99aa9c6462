package states

import (
	"fmt"
	"regexp"
	"strings"
)

// Place says where in a definition something stands, as a dotted path with indexes counted from
// 0: "initial", "state.1.argument.pattern", "transition.2.requires.0.states.1". Whoever read the
// definition from a file knows the line that belongs to it.
type Place string

// Sub gives a place inside this one.
func (p Place) Sub(parts ...any) Place {
	for _, part := range parts {
		if p != "" {
			p += "."
		}
		p += Place(fmt.Sprint(part))
	}
	return p
}

// Problem is one mistake in a definition. Where Detail speaks of the other party, it spells Other,
// so that a reader who knows lines can put the line there.
type Problem struct {
	At      Place
	Summary string // a noun phrase, the same for every case of the rule
	Detail  string // whole sentences: what is wrong, and what to do
	Other   Place  // the other party, where there is one
}

// Check finds every mistake that the language's grammar lets through. The same rules serve a file
// and a definition read back from Consul. known finds other clusters, for requirements; where it
// is nil, those are not looked at.
func (c Cluster) Check(known func(cluster string) (Cluster, bool)) []Problem {
	k := &checker{cluster: c, known: known}
	k.birth()
	for i, s := range c.States {
		k.state(Place("state").Sub(i), i, s)
	}
	moves := map[string]Place{}
	for i, t := range c.Transitions {
		at := Place("transition").Sub(i)
		k.moves(at, t, moves)
		k.requirements(at, t)
		k.gates(at, t)
		k.drains(at, t)
	}
	k.circles()
	k.windows()
	return k.problems
}

// checker collects what Check finds.
type checker struct {
	cluster  Cluster
	known    func(string) (Cluster, bool)
	problems []Problem
}

func (k *checker) add(at Place, summary, detail string, args ...any) {
	k.problems = append(k.problems, Problem{At: at, Summary: summary, Detail: fmt.Sprintf(detail, args...)})
}

const clusterNames = "A cluster's name is a key and a DNS label: small letters, digits and hyphens, 63 at most."

func (k *checker) birth() {
	c := k.cluster
	if !ValidCluster(c.Name) {
		k.add("name", "Bad name", clusterNames)
	}
	initial, ok := c.State(c.Initial)
	switch {
	case len(c.States) == 0:
		k.add("name", "No states", "Cluster %q declares no state: write at least one, as in state \"converged\" {}.", c.Name)
	case c.Initial == "":
		k.add("initial", "No initial state", "Say where cluster %q is born, as in initial = %q.", c.Name, c.States[0].Name)
	case !ok:
		k.unknownState("initial", c)
	case initial.Argument != nil:
		k.add("initial", "Initial state with an argument", "A cluster is born where nobody types one: name a state without an argument. "+
			"For a cluster that already runs there is apply --initial \"%s 42\".", c.Initial)
	}
}

func (k *checker) unknownState(at Place, c Cluster) {
	k.add(at, "Unknown state", "Cluster %q has %s.", c.Name, strings.Join(c.StateNames(), ", "))
}

func (k *checker) state(at Place, index int, s StateDef) {
	if !ValidState(s.Name) {
		k.add(at, "Bad name", "A state's name is small letters, digits, hyphens and underscores, starting with a letter, 63 at most.")
	}
	for i, other := range k.cluster.States[:index] {
		if other.Name == s.Name {
			k.add(at, "Duplicate state", "%q is there already.", s.Name)
			k.problems[len(k.problems)-1].Other = Place("state").Sub(i)
			break
		}
	}
	k.problems = append(k.problems, s.check(at)...)
}

// Check finds the mistakes that a state has by itself, whatever cluster it is part of.
func (d StateDef) Check() []Problem { return d.check("") }

func (d StateDef) check(at Place) []Problem {
	k := &checker{}
	if d.Argument != nil {
		k.pattern(at.Sub("argument", "pattern"), d.Argument.Pattern)
	}
	for _, key := range sortedKeys(d.Attributes) {
		if d.Argument == nil && d.Attributes[key].Holes() {
			k.add(at.Sub("attribute", key), "No argument here", `Only a state with an "argument" block has one.`)
		}
	}
	return k.problems
}

// pattern compiles the bare pattern first: anchored, the message would quote what nobody wrote.
func (k *checker) pattern(at Place, pattern string) {
	_, err := regexp.Compile(pattern)
	if err == nil {
		_, err = regexp.Compile(`^(?:` + pattern + `)$`)
	}
	if err != nil {
		k.add(at, "Bad pattern", "%v", err)
	}
}

// Holes tells whether the template wants an argument.
func (t Template) Holes() bool { return len(t) > 1 }

func (k *checker) moves(at Place, t Transition, seen map[string]Place) {
	if _, ok := k.cluster.State(t.To); !ok {
		k.unknownState(at, k.cluster)
	}
	if len(t.From) == 0 {
		k.add(at.Sub("from"), "Transition from nowhere", "Name the states it starts from, as in from = [\"off\"], or [\"*\"] for any other.")
	}
	for i, from := range t.From {
		if _, ok := k.cluster.State(from); !ok && from != Any {
			k.unknownState(at.Sub("from", i), k.cluster)
		}
		move := from + " -> " + t.To
		other, twice := seen[move]
		switch {
		case !twice:
			seen[move] = at
		case other == at:
			k.add(at.Sub("from", i), "State named twice", "%q is there already.", from)
		default:
			k.add(at.Sub("from", i), "Two transitions for one move", "%s is also at %s.", move, other)
			k.problems[len(k.problems)-1].Other = other
		}
	}
}

func (k *checker) requirements(at Place, t Transition) {
	seen := map[string]bool{}
	for i, r := range t.Requires {
		here := at.Sub("requires", i)
		if seen[r.Cluster] {
			k.add(here, "Duplicate requirement", "%q is required already: name all its states in one block.", r.Cluster)
		}
		seen[r.Cluster] = true
		if len(r.States) == 0 {
			k.add(here.Sub("states"), "Requirement without states", "Name the states that cluster %q may be settled in.", r.Cluster)
		}
		k.required(here, r)
	}
}

func (k *checker) required(at Place, r Requirement) {
	if r.Cluster == k.cluster.Name {
		k.add(at, "Cluster needs itself", "Cluster %q is never settled while it moves: require another one.", r.Cluster)
		return
	}
	if k.known == nil {
		return
	}
	other, ok := k.known(r.Cluster)
	if !ok {
		k.add(at, "Unknown cluster", "No cluster %q in these files.", r.Cluster)
	}
	for i, ref := range r.States {
		if len(other.States) > 0 {
			k.requiredState(at.Sub("states", i), other, ref)
		}
	}
}

func (k *checker) requiredState(at Place, other Cluster, ref Ref) {
	state, ok := other.State(ref.Name)
	if !ok {
		k.unknownState(at, other)
		return
	}
	if ref.Argument == "" {
		return
	}
	if err := state.accepts(ref.Argument); err != nil {
		k.add(at, "Argument that cannot be", "%s.", upper(err.Error()))
	}
}

func (k *checker) gates(at Place, t Transition) {
	seen := map[string]bool{}
	for i, g := range t.Gates {
		here := at.Sub("gate", i)
		if seen[g.Name] {
			k.add(here, "Duplicate gate", "Gate %q is there already; overrides and the journal go by this name.", g.Name)
		}
		seen[g.Name] = true
		if !ValidID(g.Name) {
			k.add(here, "Bad name", "A gate's name is small letters, digits and hyphens, 64 at most.")
		}
		k.gate(here, t, g)
	}
}

func (k *checker) gate(at Place, t Transition, g Gate) {
	state, known := k.cluster.State(t.To)
	switch g.Kind {
	case "command":
	case "consul_check":
		if (g.Service == "") == (len(g.Checks) == 0) {
			k.add(at, "Gate that asks nothing", "Name a service, or a list of checks by their ids; one of the two.")
		}
		if g.PassingFor > 0 && g.PassingFor >= g.Timeout {
			k.add(at, "Gate that never holds", "It has to pass for %s and may take %s: make timeout longer than passing_for.", g.PassingFor, g.Timeout)
		}
	case "http":
		if known && state.Argument == nil && g.URL.Holes() {
			k.add(at.Sub("url"), "No argument here", `Only a state with an "argument" block has one.`)
		}
		if url := g.URL.Fill("x"); !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
			k.add(at.Sub("url"), "Not an address", "url starts with http:// or https://; not %q.", url)
		}
	default:
		k.add(at.Sub("kind"), "Unknown gate", "A gate is consul_check, http or command.")
	}
}

func (k *checker) drains(at Place, t Transition) {
	seen := map[string]bool{}
	for i, d := range t.Drains {
		if !ValidService(d.Service) {
			k.add(at.Sub("drain", i), "Bad name", "A drained service's name is letters, digits and . _ -, 128 at most; not %q.", Clip(d.Service, 150))
		}
		if seen[d.Service] {
			k.add(at.Sub("drain", i), "Duplicate drain", "Service %q is drained already.", d.Service)
		}
		seen[d.Service] = true
	}
	p := t.Primary
	if p != nil && ((p.Lock == "") == (p.Service == "") || (p.Service == "") != (p.Tag == "")) {
		k.add(at.Sub("primary"), "Unclear primary", "Name the lock that the primary holds, or a service and the tag it carries.")
	}
}

func (k *checker) windows() {
	seen := map[string]bool{}
	for i, w := range k.cluster.Windows {
		at := Place("window").Sub(i)
		if !ValidID(w.Name) {
			k.add(at, "Bad name", "A window's name is small letters, digits and hyphens, 64 at most.")
		}
		if seen[w.Name] {
			k.add(at, "Duplicate window", "Window %q is there already.", w.Name)
		}
		seen[w.Name] = true
	}
}

// upper makes an error's text the beginning of a sentence.
func upper(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
