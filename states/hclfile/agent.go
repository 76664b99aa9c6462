package hclfile

import (
	"path/filepath"
	"regexp"

	"github.com/hashicorp/hcl/v2"

	"orch/states"
)

// AgentConfig is an agent's own file. What to run is said there and nowhere else: nothing that
// lies in Consul can name a command.
type AgentConfig struct {
	Cluster  string
	StateDir string
	Node     string // empty: the name of the local Consul agent
	Meta     map[string]string
	Observe  bool             // report what would run, and run nothing
	LogLevel string           // empty: the built-in one
	LockDir  string           // where all agents of the host meet; empty: the built-in one
	Redact   []*regexp.Regexp // what of a run's output stays on this node
	Consul   AgentConsul
	Services map[string]string   // the id of this node's instance, by service; every one of that name where none is named
	Converge *Converge           // for every state without its own; nil: there is none
	States   map[string]Converge // by the name of the state
	Checks   map[string]Check    // likewise
	Every    states.Duration     // a node at rest converges again so long after its last run; 0: it does not
	Splay    states.Duration     // at most so much later, so that nodes do not run together
	Actions  map[string]Action   // that runbooks may name
	Trust    states.Trust        // the keys that sign what it may do; none: it obeys whoever may write into Consul
}

// AgentConsul says how to reach Consul. Empty fields are left to Consul's environment variables.
type AgentConsul struct {
	Address    string
	TokenFile  string
	Datacenter string
	CAFile     string
	CAPath     string
	ClientCert string
	ClientKey  string
	ServerName string
	Prefix     string // of every key
	ID         string // of the Consul that is meant, as orch apply made it; empty: the one that was followed first
}

// ConvergeFor gives what to run for a state, and tells whether there is anything.
func (a AgentConfig) ConvergeFor(state string) (Converge, bool) {
	if own, ok := a.States[state]; ok {
		return own, true
	}
	if a.Converge == nil {
		return Converge{}, false
	}
	return *a.Converge, true
}

var (
	agentGrammar = grammar(words("cluster", "state_dir", "node", "meta", "observe", "log_level", "lock_dir", "redact", "every", "splay"),
		header("consul"), header("service", "name"), header("converge", "kind"), header("state", "name"), header("action", "name"), header("trust"))
	consulGrammar = grammar(words("address", "token_file", "datacenter", "ca_file", "ca_path",
		"client_cert", "client_key", "tls_server_name", "prefix", "id"))
	serviceGrammar    = grammar(words("id"))
	agentStateGrammar = grammar(nil, header("converge", "kind"), header("check"))
	execGrammar       = grammar(words("command", "timeout", "env"))
)

// LoadAgent reads an agent's configuration file, which is a plain one. There are no variables in it.
func LoadAgent(path string) (AgentConfig, Diagnostics) {
	r := newReport()
	if r.special(path) { // an agent that waits for the other end of a pipe is no agent
		return AgentConfig{}, r.done()
	}
	sources := r.readOne(path)
	if len(sources) == 0 {
		return AgentConfig{}, r.done()
	}
	return ParseAgent(sources[0])
}

// ParseAgent reads an agent's configuration that is no file of its own, as tests have it.
func ParseAgent(text Source) (AgentConfig, Diagnostics) {
	r := newReport()
	a := &agentReader{reader: newReader(r, nil)}
	source := r.parse(text)
	if len(r.found) == 0 { // half a configuration says nothing about the other half
		top := hcl.Range{Filename: text.Name, Start: hcl.InitialPos, End: hcl.InitialPos}
		a.file(&hcl.Block{Body: source.bodies[0], DefRange: top})
	}
	return a.config, r.done()
}

type agentReader struct {
	*reader
	config AgentConfig
}

func (a *agentReader) file(block *hcl.Block) {
	c := &a.config
	b := a.open(block, agentGrammar)
	a.need(b, "cluster", "state_dir")
	set(a.reader, b, "cluster", &c.Cluster, a.name(states.ValidCluster, "A cluster's name is small letters, digits and hyphens, 63 at most."))
	set(a.reader, b, "node", &c.Node, a.name(states.ValidNode, "A node's name is letters, digits and . _ -, 128 at most."))
	set(a.reader, b, "state_dir", &c.StateDir, a.absolute)
	set(a.reader, b, "observe", &c.Observe, a.flag)
	set(a.reader, b, "log_level", &c.LogLevel, a.word("trace", "debug", "info", "warn", "error"))
	set(a.reader, b, "lock_dir", &c.LockDir, a.absolute)
	set(a.reader, b, "redact", &c.Redact, a.patterns)
	set(a.reader, b, "meta", &c.Meta, a.textMap)
	a.consul(b)
	for _, service := range b.all("service") {
		a.service(service)
	}
	c.Converge = a.converge(b)
	for _, state := range b.all("state") {
		a.state(state)
	}
	a.period(b)
	for _, action := range b.all("action") {
		a.action(action)
	}
	c.Trust = a.trust(b)
	if c.Converge == nil && len(c.States) == 0 && len(a.found) == 0 {
		a.add(b.head, "Nothing to run", "Write converge \"exec\" { command = [\"/path/to/converge\", \"${state}\", \"${argument}\"] }.")
	}
}

// refuse reports what can be written and nothing acts on, as states.NotYet does for clusters. A
// change that makes one work takes its name out of the call.
func (a *agentReader) refuse(b body, names ...string) {
	for _, name := range names {
		if attr := b.attrs[name]; attr != nil {
			a.notYet(attr.Range, name)
		}
		for _, block := range b.all(name) {
			a.notYet(block.DefRange, name)
		}
	}
}

func (a *agentReader) notYet(at hcl.Range, what string) {
	a.add(at, "Not acted on yet", "Nothing in this version acts on %s, and no setting is ever ignored: leave it out.", what)
}

func (a *agentReader) consul(b body) {
	block := a.one(b, "consul")
	if block == nil {
		return
	}
	inner, c := a.open(block, consulGrammar), &a.config.Consul
	set(a.reader, inner, "address", &c.Address, a.filledText)
	set(a.reader, inner, "token_file", &c.TokenFile, a.absolute)
	set(a.reader, inner, "datacenter", &c.Datacenter, a.filledText)
	set(a.reader, inner, "ca_file", &c.CAFile, a.absolute)
	set(a.reader, inner, "ca_path", &c.CAPath, a.absolute)
	set(a.reader, inner, "client_cert", &c.ClientCert, a.absolute)
	set(a.reader, inner, "client_key", &c.ClientKey, a.absolute)
	set(a.reader, inner, "tls_server_name", &c.ServerName, a.filledText)
	set(a.reader, inner, "prefix", &c.Prefix, a.filledText)
	set(a.reader, inner, "id", &c.ID, a.name(states.ValidID, "It is what orch apply made: small letters, digits and hyphens. An agent that refuses shows it."))
	if (inner.attrs["client_cert"] == nil) != (inner.attrs["client_key"] == nil) {
		a.add(inner.head, "Certificate without its key", "client_cert and client_key go together: Consul is shown one, and the other proves it.")
	}
}

// service reads which instance of a service on the local Consul agent is this node's.
func (a *agentReader) service(block *hcl.Block) {
	b, name, id := a.open(block, serviceGrammar), block.Labels[0], ""
	a.need(b, "id")
	set(a.reader, b, "id", &id, a.filledText)
	if name == "" {
		a.add(block.LabelRanges[0], "Empty text", "A service has a name: Consul knows none without.")
	}
	if _, twice := a.config.Services[name]; twice {
		a.add(block.DefRange, "Duplicate service", "%q is there already: a node has one instance of it, or names none and has every one.", name)
	}
	if a.config.Services == nil {
		a.config.Services = map[string]string{}
	}
	a.config.Services[name] = id
}

func (a *agentReader) state(block *hcl.Block) {
	b := a.open(block, agentStateGrammar)
	name := block.Labels[0]
	if !states.ValidState(name) {
		a.add(block.DefRange, "Bad name", "A state's name is small letters, digits, hyphens and underscores, starting with a letter, 63 at most.")
	}
	if _, twice := a.config.States[name]; twice {
		a.add(block.DefRange, "Duplicate state", "%q is there already.", name)
	}
	if check := a.one(b, "check"); check != nil {
		a.check(name, check)
	}
	converge := a.converge(b)
	if converge == nil {
		return
	}
	if a.config.States == nil {
		a.config.States = map[string]Converge{}
	}
	a.config.States[name] = *converge
}

func (a *agentReader) absolute(name string, e hcl.Expression) (string, bool) {
	path, ok := a.filledText(name, e)
	if ok && !filepath.IsAbs(path) {
		a.add(e.Range(), "Not an absolute path", "%s starts with a slash, whatever folder the agent is started in; not %q.", name, path)
		return "", false
	}
	return path, ok
}

// patterns reads a list of regular expressions. One that matches nothing at all would hide everything.
func (a *agentReader) patterns(name string, e hcl.Expression) ([]*regexp.Regexp, bool) {
	texts, places := a.texts(name, e)
	var patterns []*regexp.Regexp
	for i, text := range texts {
		pattern, err := regexp.Compile(text)
		switch {
		case err != nil:
			a.add(places[i], "Not a pattern", "%s takes regular expressions as Go has them; this one: %v.", name, err)
		case pattern.MatchString(""):
			a.add(places[i], "Too wide a pattern", "It matches the empty text, and so every place of every line: say what a secret looks like.")
		default:
			patterns = append(patterns, pattern)
		}
	}
	return patterns, len(patterns) == len(texts)
}

// name reads a name that a rule allows.
func (a *agentReader) name(valid func(string) bool, rule string) func(string, hcl.Expression) (string, bool) {
	return func(name string, e hcl.Expression) (string, bool) {
		text, ok := a.text(name, e)
		if ok && !valid(text) {
			a.add(e.Range(), "Bad name", "%s", rule)
			return "", false
		}
		return text, ok
	}
}

// textMap reads a map of texts, for the agent's meta.
func (a *agentReader) textMap(name string, e hcl.Expression) (map[string]string, bool) {
	texts := map[string]string{}
	for _, item := range a.items(name, e) {
		key, keyOK := a.filledText("a key of "+name, item.KeyExpr)
		text, ok := a.text(key, item.ValueExpr)
		if keyOK && ok {
			texts[key] = text
		}
	}
	return texts, true
}
