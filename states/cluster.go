package states

import (
	"fmt"
	"regexp"
	"strings"
)

// Any in a transition's From stands for every other state.
const Any = "*"

// Cluster is the definition of one cluster as it is applied: variables resolved, templates and
// policies folded in, defaults spelled out.
type Cluster struct {
	Name        string
	Description string
	Initial     string // the state it is born in
	States      []StateDef
	Transitions []Transition
	Windows     []Window
}

// StateDef declares a state of a cluster.
type StateDef struct {
	Name        string
	Description string
	Serving     bool
	Argument    *Argument           // nil: the state takes none
	Attributes  map[string]Template // handed to the converge
}

// Argument says what may stand behind a state's name.
type Argument struct {
	Description string
	Pattern     string // a regular expression for the whole argument; empty: anything valid
}

// Template is a text with holes for a state's argument, cut at the holes: one piece means no hole.
type Template []string

// Fill puts the argument into the holes.
func (t Template) Fill(argument string) string { return strings.Join(t, argument) }

// Transition is a legal move into one state, and how it is made.
type Transition struct {
	To       string
	From     []string // names of states, or Any
	Policy   Policy
	Requires []Requirement
	Gates    []Gate
	Drains   []Drain
	Primary  *Primary
	Rollback *Policy // nil: as forward
}

// Requirement holds a move until another cluster is settled in one of the states.
type Requirement struct {
	Cluster string   `json:"cluster"`
	States  []Ref    `json:"states"` // without an argument: any argument
	Wait    Duration `json:"wait,omitempty"`
}

// Gate is asked before a move goes on. Kind is consul_check, http or command.
type Gate struct {
	Kind       string   `json:"kind"`
	Name       string   `json:"name"`
	Service    string   `json:"service,omitempty"`     // consul_check
	Checks     []string `json:"checks,omitempty"`      // consul_check: check ids, instead of a service
	Scope      string   `json:"scope,omitempty"`       // consul_check: batch or service
	At         string   `json:"at,omitempty"`          // consul_check: start or batch
	PassingFor Duration `json:"passing_for,omitempty"` // consul_check
	URL        Template `json:"url,omitempty"`         // http; in a record, one piece
	Timeout    Duration `json:"timeout"`               // how long it may take to hold
	DryRun     bool     `json:"dry_run,omitempty"`     // measured, and never in the way
}

// The kinds of gates, the scopes of those that look at Consul's checks, and when those are asked.
const (
	GateConsulCheck = "consul_check"
	GateHTTP        = "http"
	GateCommand     = "command"

	ScopeBatch   = "batch"   // the nodes of the batch that is over
	ScopeService = "service" // every instance there is
	AtStart      = "start"   // before the first batch
	AtBatch      = "batch"   // after every batch, the last one too
)

// Drain names a Consul service that the agent puts into maintenance before a run.
type Drain struct {
	Service string   `json:"service"`
	Wait    Duration `json:"wait"`
}

// Primary says which node goes last: the holder of a Consul lock, or of a service tag.
type Primary struct {
	Lock    string `json:"lock,omitempty"` // a key in Consul's KV, held by a session of the primary's node
	Service string `json:"service,omitempty"`
	Tag     string `json:"tag,omitempty"`
}

// Window says when moves may, or may not, be made.
type Window struct {
	Name     string   `json:"name"`
	Deny     bool     `json:"deny,omitempty"`
	Schedule string   `json:"schedule"` // cron, five fields
	Duration Duration `json:"duration"`
	TimeZone string   `json:"time_zone"`
	OnClose  string   `json:"on_close"` // FinishBatch, FinishMove or PauseOnClose
}

// State finds a declared state by name.
func (c Cluster) State(name string) (StateDef, bool) {
	for _, s := range c.States {
		if s.Name == name {
			return s, true
		}
	}
	return StateDef{}, false
}

// StateNames lists the declared states in the order of the file.
func (c Cluster) StateNames() []string {
	names := make([]string, 0, len(c.States))
	for _, s := range c.States {
		names = append(names, s.Name)
	}
	return names
}

// Resolve turns a reference into a state of this cluster, its attributes filled in. It is the one
// door through which an argument that somebody typed becomes part of a desired state.
func (c Cluster) Resolve(ref Ref) (State, error) {
	def, ok := c.State(ref.Name)
	if !ok {
		return State{}, fmt.Errorf("find state %q: cluster %q has %s", ref.Name, c.Name, strings.Join(c.StateNames(), ", "))
	}
	if err := def.accepts(ref.Argument); err != nil {
		return State{}, err
	}
	state := State{Name: def.Name, Argument: ref.Argument, Serving: def.Serving}
	for key, template := range def.Attributes {
		if state.Attributes == nil {
			state.Attributes = make(map[string]string, len(def.Attributes))
		}
		state.Attributes[key] = template.Fill(ref.Argument)
	}
	state.Digest = Digest(state.Attributes)
	return state, nil
}

func (d StateDef) accepts(value string) error {
	switch {
	case d.Argument == nil && value != "":
		return fmt.Errorf("use state %q: it takes no argument, and %q was given", d.Name, value)
	case d.Argument == nil:
		return nil
	case value == "":
		return fmt.Errorf("use state %q: it takes an argument%s, as in %q", d.Name, d.Argument.hint(), d.Name+" 42")
	case !ValidArgument(value):
		return fmt.Errorf("use state %q: argument %q must be letters, digits and . _ + -, starting with a letter or digit, 128 at most", d.Name, value)
	case d.Argument.Pattern == "":
		return nil
	}
	pattern, err := regexp.Compile(`^(?:` + d.Argument.Pattern + `)$`)
	if err != nil {
		return fmt.Errorf("use state %q: its pattern %q cannot be read: %w", d.Name, d.Argument.Pattern, err)
	}
	if !pattern.MatchString(value) {
		return fmt.Errorf("use state %q: argument %q does not match its pattern %q%s", d.Name, value, d.Argument.Pattern, d.Argument.hint())
	}
	return nil
}

func (a Argument) hint() string {
	if a.Description == "" {
		return ""
	}
	return " (" + a.Description + ")"
}

// Into finds the transition that moves a cluster from one state to another, by names. A named
// From beats Any; staying in the same state is a move only where From names it.
func (c Cluster) Into(from, to string) (Transition, bool) {
	var wild *Transition
	for i, t := range c.Transitions {
		if t.To != to {
			continue
		}
		for _, name := range t.From {
			if name == from {
				return t, true
			}
			if name == Any && from != to {
				wild = &c.Transitions[i]
			}
		}
	}
	if wild != nil {
		return *wild, true
	}
	return Transition{}, false
}
