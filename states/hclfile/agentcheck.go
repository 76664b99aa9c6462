package hclfile

import (
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"orch/states"
)

// Check says how a node that reached a state is looked at: whether it still is as it should be.
type Check struct {
	Exec
	Every   states.Duration
	Timeout states.Duration
	Splay   states.Duration // the first one is somewhere within that
	Repair  bool            // what it finds is to be repaired, not only reported
}

// Action is what a runbook's step may name: the command is said here, and nobody can send one. No
// runbook runs so far, so nothing names one; it is read and kept, because it binds nothing.
type Action struct {
	Exec
	Timeout states.Duration
}

// The words of on_drift.
const (
	reportDrift = "report"
	repairDrift = "repair"
)

// What nobody can mean who writes less: a check may be as often as a health check is, a whole
// converge not.
const (
	leastCheck  = time.Second
	leastPeriod = 10 * time.Second
)

// The built-in times.
const (
	checkEvery    = states.Duration(5 * time.Minute)
	checkTimeout  = states.Duration(30 * time.Second)
	actionTimeout = states.Duration(30 * time.Minute)
)

var (
	checkGrammar  = grammar(words("command", "every", "timeout", "splay", "on_drift"))
	actionGrammar = grammar(words("command", "timeout"))
)

// check reads how a state is looked at.
func (a *agentReader) check(state string, block *hcl.Block) {
	b := a.open(block, checkGrammar)
	check, onDrift := Check{Every: checkEvery}, reportDrift
	set(a.reader, b, "every", &check.Every, a.atLeast(leastCheck))
	check.Timeout, check.Splay = min(checkTimeout, check.Every), check.Every
	set(a.reader, b, "timeout", &check.Timeout, a.atLeast(leastCheck))
	set(a.reader, b, "splay", &check.Splay, a.duration)
	set(a.reader, b, "on_drift", &onDrift, a.word(reportDrift, repairDrift))
	a.within(b, "timeout", check.Timeout, check.Every)
	a.within(b, "splay", check.Splay, check.Every)
	check.Exec, check.Repair = a.commandOf(b), onDrift == repairDrift
	if a.config.Checks == nil {
		a.config.Checks = map[string]Check{}
	}
	a.config.Checks[state] = check
}

// period reads how often a node converges again although nobody told it to.
func (a *agentReader) period(b body) {
	c := &a.config
	set(a.reader, b, "every", &c.Every, a.atLeast(leastPeriod))
	c.Splay = c.Every / 6
	set(a.reader, b, "splay", &c.Splay, a.duration)
	if splay := b.attrs["splay"]; splay != nil && b.attrs["every"] == nil {
		a.add(splay.Range, "Nothing to spread", "splay spreads the runs that every asks for, and there is no every: write every = \"30m\", or leave splay out.")
		return
	}
	a.within(b, "splay", c.Splay, c.Every)
}

// action reads a command that has a name.
func (a *agentReader) action(block *hcl.Block) {
	b, name := a.open(block, actionGrammar), block.Labels[0]
	if !states.ValidID(name) {
		a.add(block.DefRange, "Bad name", "An action's name is small letters, digits and hyphens, 64 at most.")
	}
	if _, twice := a.config.Actions[name]; twice {
		a.add(block.DefRange, "Duplicate action", "%q is there already.", name)
	}
	action := Action{Timeout: actionTimeout}
	set(a.reader, b, "timeout", &action.Timeout, a.atLeast(time.Second))
	action.Exec = a.commandOf(b, ArgumentHole)
	if a.config.Actions == nil {
		a.config.Actions = map[string]Action{}
	}
	a.config.Actions[name] = action
}

// commandOf reads the command that a block must have, with the holes that mean something there.
func (a *agentReader) commandOf(b body, holes ...Hole) Exec {
	if !a.need(b, "command") {
		return Exec{}
	}
	attr := b.attrs["command"]
	command := Exec{Command: a.command(attr)}
	if foreign := slices.IndexFunc(command.Command, func(arg Arg) bool {
		return len(holes) > 0 && arg.Hole != NoHole && !slices.Contains(holes, arg.Hole)
	}); foreign >= 0 {
		a.add(attr.Range, "Not a whole argument", "An action is of no state: only \"${argument}\" is known here.")
	}
	return command
}

// atLeast reads a duration that is not below what makes sense.
func (a *agentReader) atLeast(least time.Duration) func(string, hcl.Expression) (states.Duration, bool) {
	return func(name string, e hcl.Expression) (states.Duration, bool) {
		d, ok := a.duration(name, e)
		if ok && d.D() < least {
			a.add(e.Range(), "Out of range", "%s takes %s or more; not %s.", name, states.Duration(least), d)
			return 0, false
		}
		return d, ok
	}
}

// within reports a time that is longer than the one in which it has to pass.
func (a *agentReader) within(b body, name string, d, every states.Duration) {
	if attr := b.attrs[name]; attr != nil && d > every && every > 0 {
		a.add(attr.Range, "Out of range", "%s is not longer than every, which is %s.", name, every)
	}
}
