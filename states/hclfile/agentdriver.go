package hclfile

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Converge is what converges a node: one of the four.
type Converge struct {
	Exec    *Exec
	Puppet  *Puppet
	Chef    *Chef
	Ansible *Ansible
}

// Puppet converges with puppet apply, or puppet agent. Empty fields are left to puppet.
type Puppet struct {
	Binary      string
	Manifest    string // for puppet apply
	Agent       bool
	Environment string
	ModulePath  []string
	VarDir      string
	Args        []string
}

// Chef converges with chef-client, or what takes its options. Empty fields are left to chef.
type Chef struct {
	Binary   string
	Config   string
	RunList  []string
	Override []string
	Args     []string
}

// Ansible converges with ansible-playbook. Empty fields are left to ansible.
type Ansible struct {
	Binary    string
	Playbook  string
	Inventory string
	Tags      []string
	Args      []string
}

var (
	puppetGrammar  = grammar(words("binary", "manifest", "agent", "environment", "modulepath", "vardir", "args"))
	chefGrammar    = grammar(words("binary", "config", "runlist", "override_runlist", "args"))
	ansibleGrammar = grammar(words("binary", "playbook", "inventory", "tags", "args"))
)

// converge reads what to run.
func (a *agentReader) converge(b body) *Converge {
	block := a.one(b, "converge")
	if block == nil {
		return nil
	}
	switch block.Labels[0] {
	case "exec":
		if exec := a.exec(block); exec != nil {
			return &Converge{Exec: exec}
		}
		return nil
	case "puppet":
		return &Converge{Puppet: a.puppet(block)}
	case "chef":
		return &Converge{Chef: a.chef(block)}
	case "ansible":
		return &Converge{Ansible: a.ansible(block)}
	}
	a.add(block.LabelRanges[0], "Unknown converge", "A converge is exec, puppet, chef or ansible.")
	return nil
}

func (a *agentReader) puppet(block *hcl.Block) *Puppet {
	b, p := a.open(block, puppetGrammar), &Puppet{}
	set(a.reader, b, "binary", &p.Binary, a.absolute)
	set(a.reader, b, "manifest", &p.Manifest, a.absolute)
	set(a.reader, b, "agent", &p.Agent, a.flag)
	set(a.reader, b, "environment", &p.Environment, a.optionValue)
	set(a.reader, b, "modulepath", &p.ModulePath, a.folders)
	set(a.reader, b, "vardir", &p.VarDir, a.absolute)
	set(a.reader, b, "args", &p.Args, a.toolArgs("puppet"))
	if written := b.attrs["manifest"] != nil; written == p.Agent {
		a.add(b.head, "Manifest or agent", "Write either manifest = \"/etc/puppet/site.pp\", for puppet apply, or agent = true: then the server has it.")
	}
	return p
}

func (a *agentReader) chef(block *hcl.Block) *Chef {
	b, c := a.open(block, chefGrammar), &Chef{}
	set(a.reader, b, "binary", &c.Binary, a.absolute)
	set(a.reader, b, "config", &c.Config, a.absolute)
	set(a.reader, b, "runlist", &c.RunList, a.names)
	set(a.reader, b, "override_runlist", &c.Override, a.names)
	set(a.reader, b, "args", &c.Args, a.toolArgs("chef"))
	return c
}

func (a *agentReader) ansible(block *hcl.Block) *Ansible {
	b, s := a.open(block, ansibleGrammar), &Ansible{}
	a.need(b, "playbook")
	set(a.reader, b, "binary", &s.Binary, a.absolute)
	set(a.reader, b, "playbook", &s.Playbook, a.absolute)
	set(a.reader, b, "inventory", &s.Inventory, a.inventory)
	set(a.reader, b, "tags", &s.Tags, a.names)
	set(a.reader, b, "args", &s.Args, a.toolArgs("ansible"))
	return s
}

// optionValue reads a text that stands as the value of an option.
func (a *agentReader) optionValue(name string, e hcl.Expression) (string, bool) {
	text, ok := a.filledText(name, e)
	return text, ok && a.noOption(name, text, e.Range())
}

// noOption refuses what a tool would take for an option of its own, or for two values.
func (a *agentReader) noOption(name, text string, at hcl.Range) bool {
	if text != "" && !strings.HasPrefix(text, "-") && !strings.ContainsAny(text, ", \t\n") {
		return true
	}
	a.add(at, "Not a name", "%s takes names, without a comma, a space or a dash at their beginning; not %q.", name, text)
	return false
}

// names reads a list of names that the tool is given as one option.
func (a *agentReader) names(name string, e hcl.Expression) ([]string, bool) {
	texts, places := a.texts(name, e)
	for i, text := range texts {
		if !a.noOption(name, text, places[i]) {
			return nil, false
		}
	}
	return texts, true
}

// folders reads a list of absolute paths that the tool is given with colons between them.
func (a *agentReader) folders(name string, e hcl.Expression) ([]string, bool) {
	texts, places := a.texts(name, e)
	for i, text := range texts {
		if !filepath.IsAbs(text) || strings.Contains(text, ":") {
			a.add(places[i], "Not an absolute path", "%s takes paths that start with a slash and have no colon; not %q.", name, text)
			return nil, false
		}
	}
	return texts, true
}

// inventory reads a path, or a host with the comma that tells ansible that it is no file.
func (a *agentReader) inventory(name string, e hcl.Expression) (string, bool) {
	text, ok := a.filledText(name, e)
	if host, isHost := strings.CutSuffix(text, ","); ok && isHost && !strings.ContainsAny(host, "/, ") && host != "" && host[0] != '-' {
		return text, true
	}
	if ok && !filepath.IsAbs(text) {
		a.add(e.Range(), "Not an absolute path", "%s is a path that starts with a slash, or one host and a comma, as in \"localhost,\"; not %q.", name, text)
		return "", false
	}
	return text, ok
}

// rehearsals are the options with which a tool does nothing, or goes on behind our back, and ends as
// if it had converged the node.
var rehearsals = map[string][]string{
	"puppet":  {"--", "--noop", "--help", "-h", "--version", "-V", "--configprint", "--genconfig", "--genmanifest", "--fingerprint", "--enable", "--disable"},
	"chef":    {"--", "--why-run", "-W", "--help", "-h", "--version", "-v", "--daemonize", "-d"},
	"ansible": {"--", "--check", "-C", "--syntax-check", "--list-hosts", "--list-tasks", "--list-tags", "--help", "-h", "--version"},
}

// toolArgs reads more options for a tool. Nothing is put in their place: what lies in Consul reaches
// a recipe as values, never as an option.
func (a *agentReader) toolArgs(tool string) func(string, hcl.Expression) ([]string, bool) {
	return func(name string, e hcl.Expression) ([]string, bool) {
		texts, places := a.texts(name, e)
		for i, text := range texts {
			if option, _, _ := strings.Cut(text, "="); slices.Contains(rehearsals[tool], option) {
				a.add(places[i], "Not a converge", "With %s %s converges nothing, or cannot be awaited, and the node would count as converged: leave it out. To only look, write observe = true.", option, tool)
				return nil, false
			}
		}
		return texts, true
	}
}
