package hclfile

import (
	"path/filepath"

	"github.com/hashicorp/hcl/v2"

	"orch/states"
)

// LeaderConfig is the file of a machine from which clusters are led. Which program answers a gate is
// said there and nowhere else: nothing that lies in Consul can name a command.
type LeaderConfig struct {
	Gates map[string][]string // commands by the name of the gate; the first word is an absolute path
}

var (
	leaderGrammar     = grammar(nil, header("gate", "name"))
	leaderGateGrammar = grammar(words("command"))
)

// LoadLeader reads a leader's configuration file. It takes none that somebody else than root or this
// user could have written.
func LoadLeader(path string) (LeaderConfig, Diagnostics) {
	text, err := readTrusted(path)
	if err != nil {
		r := newReport()
		r.addAnywhere("Not to be trusted", "%v.", err)
		return LeaderConfig{}, r.done()
	}
	return ParseLeader(Source{path, text})
}

// ParseLeader reads a leader's configuration that is no file of its own, as tests have it. There are
// no variables in it, and nothing is put into a command.
func ParseLeader(text Source) (LeaderConfig, Diagnostics) {
	r := newReport()
	l := &leaderReader{reader: newReader(r, nil), gates: map[string]*hcl.Block{}}
	source := r.parse(text)
	top := hcl.Range{Filename: text.Name, Start: hcl.InitialPos, End: hcl.InitialPos}
	for _, part := range source.bodies { // a syntax error stops only the block around it
		for _, block := range l.open(&hcl.Block{Body: part, DefRange: top}, leaderGrammar).all("gate") {
			l.gate(block)
		}
	}
	if len(r.found) > 0 {
		return LeaderConfig{}, r.done()
	}
	return l.config, nil
}

type leaderReader struct {
	*reader
	config LeaderConfig
	gates  map[string]*hcl.Block
}

func (l *leaderReader) gate(block *hcl.Block) {
	b, name := l.open(block, leaderGateGrammar), block.Labels[0]
	if !states.ValidID(name) {
		l.add(block.DefRange, "Bad name", "A gate's name is small letters, digits and hyphens, 64 at most.")
	}
	if other := l.gates[name]; other != nil {
		l.add(block.DefRange, "Duplicate gate", "There is a gate %q already, at %s.", name, other.DefRange)
	}
	l.gates[name] = block
	if !l.need(b, "command") {
		return
	}
	if l.config.Gates == nil {
		l.config.Gates = map[string][]string{}
	}
	l.config.Gates[name] = l.command(b.attrs["command"])
}

// command reads the words of a command, whole ones: there is no shell that would cut them up.
func (l *leaderReader) command(attr *hcl.Attribute) []string {
	elements, isList, ok := l.list(attr.Expr)
	if ok && (!isList || len(elements) == 0) {
		l.add(attr.Range, "Not a command", "command takes a list, one text for each argument, as in [\"/usr/local/sbin/lag\", \"--max\", \"5\"].")
	}
	var command []string
	for i, element := range elements {
		word, ok := l.word(element)
		if ok && i == 0 && !filepath.IsAbs(word) {
			l.add(element.Range(), "Not an absolute path", "The first argument is the program, and starts with a slash, whatever folder orch is started in; not %q.", word)
		}
		command = append(command, word)
	}
	return command
}

// word reads one argument as it stands there.
func (l *leaderReader) word(e hcl.Expression) (string, bool) {
	if variables := e.Variables(); len(variables) > 0 {
		l.add(variables[0].SourceRange(), "Not a plain text",
			"Nothing is put into the command of a gate; its environment has ORCH_STATE, ORCH_ARGUMENT and more.")
		return "", false
	}
	return l.text("command", e)
}
