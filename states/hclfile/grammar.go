package hclfile

import "github.com/hashicorp/hcl/v2"

// The grammar: what may stand where. Labels are named as messages name them.
var (
	fileGrammar = grammar(nil,
		header("variable", "name"), header("policy"), header("template", "name"), header("cluster", "name"),
		header("window", "name"), header("runbook", "name"))
	// renderedGrammar is what Render writes: nothing is left to resolve.
	renderedClusterGrammar = grammar(nil, header("cluster", "name"), header("window", "name"))
	renderedRunbookGrammar = grammar(nil, header("runbook", "name"))

	variableGrammar = grammar(words("description", "default", "one_of"))
	policyGrammar   = grammar(settingNames())
	templateGrammar = grammar(words("description", "initial"),
		header("policy"), header("state", "name"), header("transition", "state"))
	clusterGrammar = grammar(words("template", "description", "initial"),
		header("policy"), header("state", "name"), header("transition", "state"))
	stateGrammar      = grammar(words("description", "serving", "attributes"), header("argument"))
	argumentGrammar   = grammar(words("description", "pattern"))
	transitionGrammar = grammar(append(words("from"), settingNames()...),
		header("requires", "cluster"), header("gate", "kind", "name"), header("drain", "service"),
		header("primary"), header("rollback"))

	requiresGrammar = grammar(words("states", "wait"))
	gateGrammars    = map[string]*hcl.BodySchema{
		"consul_check": grammar(words("service", "checks", "scope", "at", "passing_for", "timeout", "dry_run")),
		"http":         grammar(words("url", "timeout", "dry_run")),
		"command":      grammar(words("timeout", "dry_run")),
	}
	drainGrammar   = grammar(words("wait"))
	primaryGrammar = grammar(words("lock", "service", "tag"))
	windowGrammar  = grammar(words("deny", "schedule", "duration", "time_zone", "on_close"))

	runbookGrammar = grammar(words("description"), header("input", "name"), header("step", "name"))
	inputGrammar   = grammar(words("description", "pattern"))
	stepGrammar    = grammar(words("after", "clusters", "state", "argument", "lockstep", "approve", "undo"), header("once"))
	onceGrammar    = grammar(words("cluster", "action", "argument"))
)

func words(names ...string) []string { return names }

func header(kind string, labels ...string) hcl.BlockHeaderSchema {
	return hcl.BlockHeaderSchema{Type: kind, LabelNames: labels}
}

func grammar(attributes []string, blocks ...hcl.BlockHeaderSchema) *hcl.BodySchema {
	schema := &hcl.BodySchema{Blocks: blocks}
	for _, name := range attributes {
		schema.Attributes = append(schema.Attributes, hcl.AttributeSchema{Name: name})
	}
	return schema
}
