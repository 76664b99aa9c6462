package convergeagent

import (
	"fmt"
	"regexp"
	"strings"

	"orch/convergeagent/runner"
	"orch/states"
)

// Ansible converges this node with ansible-playbook, without a connection to anywhere.
type Ansible struct {
	Binary    string   // default: where its packages put ansible-playbook
	Playbook  string   // path
	Inventory string   // default: localhost,
	Tags      []string // default: all
	Args      []string // more options, before ours: where both say something, ours counts
}

// ansibleCodes are the exit codes of ansible-playbook.
var ansibleCodes = map[int]meaning{
	0:   {ok: true},
	1:   {says: "ansible failed; its output says why"},
	2:   {says: "tasks failed"},
	3:   {says: "hosts could not be reached, and tasks failed"},
	4:   {says: "the playbook could not be read, or hosts could not be reached"},
	5:   {says: "ansible does not take these options"},
	8:   {says: "the play was broken off"},
	99:  {says: "ansible was interrupted"},
	250: {says: "ansible broke; its output says how"},
	255: {says: "ansible failed in an unknown way"},
}

func (a Ansible) plan(task Task, dir string) (plan, error) {
	orch, err := unsafe(factsOf(task))
	if err != nil {
		return plan{}, err
	}
	path, err := writeFacts(dir, "vars.json", orch)
	if err != nil {
		return plan{}, err
	}
	return plan{
		tool: ansibleTool,
		argv: a.argv(path),
		// What tells success from nothing done is in the output: it is to look as ansible brings it.
		env: []string{"ANSIBLE_STDOUT_CALLBACK=default", "ANSIBLE_NOCOLOR=1", "ANSIBLE_FORCE_COLOR=0"},
	}, nil
}

const ansibleTool = "ansible"

func ansibleReading() runner.Reading {
	var seen recap
	return runner.Reading{Heard: seen.heard, Judge: func(result Result) Result { return seen.judge(read(ansibleCodes, result)) }}
}

func (a Ansible) argv(vars string) []string {
	argv := append([]string{program(a.Binary, "/usr/local/bin/ansible-playbook", "/usr/bin/ansible-playbook")}, a.Args...)
	inventory := a.Inventory
	if inventory == "" {
		inventory = "localhost,"
	}
	argv = append(argv, "--connection", "local", "--inventory", inventory)
	if len(a.Tags) > 0 {
		argv = append(argv, "--tags", strings.Join(a.Tags, ","))
	}
	return append(argv, "--extra-vars", "@"+vars, a.Playbook)
}

// unsafe marks every text: ansible fills in {{ }} in what it is given as variables, programs of
// this node included, and leaves alone only what is marked.
func unsafe(f facts) (map[string]any, error) {
	mark := func(text string) any { return map[string]string{"__ansible_unsafe": text} }
	attributes := map[string]any{}
	for name, value := range f.Attributes {
		if strings.HasPrefix(name, "__ansible") || strings.ContainsAny(name, "{}") {
			return nil, fmt.Errorf("hand attribute %q to ansible: a name cannot be marked, and ansible gives this one a meaning; rename it in the cluster's file", name)
		}
		attributes[name] = mark(value)
	}
	return map[string]any{
		"cluster": mark(f.Cluster), "node": mark(f.Node), "state": mark(f.State), "argument": mark(f.Argument), "from": mark(f.From),
		"generation": f.Generation, "run": mark(f.Run), "attributes": attributes,
	}, nil
}

// recap is what ansible says at its end, for each host that it did something on.
type recap struct {
	begun, changed bool
	hosts          int
}

var recapLine = regexp.MustCompile(`^\S+ +: ok=\d+ +changed=(\d+) `)

func (r *recap) heard(line string) {
	if strings.HasPrefix(line, "PLAY RECAP *") {
		*r = recap{begun: true}
	}
	if found := recapLine.FindStringSubmatch(line); r.begun && found != nil {
		r.hosts++
		r.changed = r.changed || found[1] != "0"
	}
}

// judge finds the success that is none: where no host or no tag matches, ansible does nothing and
// ends with 0.
func (r *recap) judge(result Result) Result {
	switch {
	case !result.OK() || !r.begun:
	case r.hosts == 0:
		result.Outcome = states.ExitedBadly
		result.Error = "ansible did nothing: no host or no task of the playbook matched; write hosts: all, and look at the tags"
	case r.changed:
		result.Change = Changed
	default:
		result.Change = Unchanged
	}
	return result
}
