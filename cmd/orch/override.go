package main

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// rule is something that an operator can say does not bind a move. The planner asks for it by its
// kind and, where it has one, its name: "gate=web-passing".
type rule struct {
	kind  string
	bare  bool // the kind alone means something
	named bool // a name may stand behind it
	name  string
}

// The rules, all of them. What a verb can override is a choice from here.
var (
	ruleMembers  = rule{kind: "members", bare: true}     // half of the known nodes have to be alive
	ruleHealthy  = rule{kind: "min_healthy", bare: true} // the floor
	ruleSoak     = rule{kind: "soak", bare: true}
	ruleGate     = rule{kind: "gate", bare: true, named: true, name: "NAME"}
	ruleRequires = rule{kind: "requires", named: true, name: "CLUSTER"}

	ruleWindow = rule{kind: "window", bare: true, named: true, name: "NAME"}

	everyRule = []rule{ruleMembers, ruleHealthy, ruleSoak, ruleGate, ruleRequires, ruleWindow}
	wayBack   = []rule{ruleHealthy, ruleSoak, ruleGate} // a rollback requires nothing, is bound by no window, and is never refused for dead nodes
)

// String spells the rule as it is typed behind --override.
func (r rule) String() string {
	switch {
	case !r.named:
		return r.kind
	case r.bare:
		return r.kind + "[=" + r.name + "]"
	}
	return r.kind + "=" + r.name
}

func (r rule) fits(said string) bool {
	kind, name, named := strings.Cut(said, "=")
	return kind == r.kind && (!named && r.bare || named && r.named && name != "")
}

func overrideFlag(flags *pflag.FlagSet, into *[]string, rules []rule) {
	flags.StringArrayVar(into, "override", nil, "override a `rule`, which is recorded: "+spelledRules(rules))
}

func checkOverrides(said []string, rules []rule) error {
	for _, s := range said {
		switch fits := func(r rule) bool { return r.fits(s) }; {
		case slices.ContainsFunc(rules, fits):
		case ruleFreeze.fits(s):
			return usagef("read --override %q: no move can override a freeze, because agents obey it too; orch thaw ends it", s)
		default:
			return usagef("read --override %q: what can be overridden here is %s", s, spelledRules(rules))
		}
	}
	return nil
}

func spelledRules(rules []rule) string {
	words := make([]string, 0, len(rules))
	for _, r := range rules {
		words = append(words, r.String())
	}
	return strings.Join(words, ", ")
}
