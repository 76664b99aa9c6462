package hclfile

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"orch/states"
)

// Options is what files are read with.
type Options struct {
	Vars     map[string]string // from --var: names to values; wins over the rest
	VarFiles []string          // from --var-file; a later one wins
	Env      map[string]string // from ORCH_VAR_NAME, by NAME; names that no file declares are fine

	// Known finds clusters that are applied already, for what requires them. May be nil.
	Known func(cluster string) (states.Cluster, bool)
	// AllowNotYet lets settings pass that nothing acts on. For tests of the whole language.
	AllowNotYet bool
}

// File is what the paths of one call hold together, in the order in which it is written.
type File struct {
	Clusters []states.Cluster
	Runbooks []states.Runbook
}

// Load reads files, and folders of *.hcl, as one set. Use what it returns only where there are no
// diagnostics.
func Load(paths []string, o Options) (*File, Diagnostics) {
	r := newReport()
	return r.load(r.read(paths), o)
}

// LoadSources reads texts that do not come from files, as one set.
func LoadSources(sources []Source, o Options) (*File, Diagnostics) {
	return newReport().load(sources, o)
}

func (r *report) load(sources []Source, o Options) (*File, Diagnostics) {
	f := r.collect(sources, fileGrammar)
	f.variables(o)
	var clusters []*built
	for _, block := range f.clusters {
		clusters = append(clusters, f.cluster(block))
	}
	for _, block := range f.templates {
		if !f.used[block.Labels[0]] {
			f.unusedTemplate(block)
		}
	}
	f.unusedWords(len(clusters))
	var runbooks []*builtRunbook
	for _, block := range f.runbooks {
		runbooks = append(runbooks, f.runbook(block))
	}
	f.check(clusters, runbooks, o)
	return result(clusters, runbooks), r.done()
}

func result(clusters []*built, runbooks []*builtRunbook) *File {
	file := &File{}
	for _, c := range clusters {
		file.Clusters = append(file.Clusters, c.cluster)
	}
	for _, b := range runbooks {
		file.Runbooks = append(file.Runbooks, b.runbook)
	}
	return file
}

// fileSet is what was written, by kind.
type fileSet struct {
	*report
	content                                                  hcl.Blocks
	vars, templates, clusters, windows, runbooks, brokenOnes []*hcl.Block
	values                                                   cty.Value // of the variables
	used                                                     map[string]bool
}

// collect sorts the blocks of all sources by kind, and finds those that are there twice.
func (r *report) collect(sources []Source, schema *hcl.BodySchema) *fileSet {
	f := &fileSet{report: r, values: cty.EmptyObjectVal, used: map[string]bool{}}
	for _, text := range sources {
		s := r.parse(text)
		for _, b := range s.bodies {
			content, diags := b.Content(schema)
			r.addHCL(diags)
			f.content = append(f.content, content.Blocks...)
		}
		f.brokenOnes = append(f.brokenOnes, s.broken...)
	}
	f.vars, f.templates, f.windows = f.distinct("variable"), f.distinct("template"), f.distinct("window")
	names := f.distinct("cluster", "runbook") // they share one namespace
	f.clusters = body{blocks: names}.all("cluster")
	f.runbooks = body{blocks: names}.all("runbook")
	return f
}

// body is the file's own level.
func (f *fileSet) body() body { return body{blocks: f.content} }

// distinct gives the blocks of some kinds that go by one set of names.
func (f *fileSet) distinct(kinds ...string) []*hcl.Block {
	var blocks []*hcl.Block
	for _, block := range f.content {
		if !slices.Contains(kinds, block.Type) {
			continue
		}
		if other := named(blocks, block.Labels[0]); other != nil {
			f.add(block.DefRange, "Duplicate "+block.Type, "There is a %s %q already, at %s.", other.Type, block.Labels[0], other.DefRange)
			continue
		}
		blocks = append(blocks, block)
	}
	return blocks
}

// broken tells whether a block is there and could not be read.
func (f *fileSet) broken(kind, name string) bool {
	return slices.ContainsFunc(f.brokenOnes, func(b *hcl.Block) bool {
		return b.Type == kind && b.Labels[0] == name
	})
}

// scope is what an expression can speak of.
func (f *fileSet) scope(cluster cty.Value) map[string]cty.Value {
	return map[string]cty.Value{
		"var":     f.values,
		"cluster": cty.ObjectVal(map[string]cty.Value{"name": cluster}),
	}
}

// unusedWords looks at the policy and the windows where no cluster was there to read them for.
func (f *fileSet) unusedWords(clusters int) {
	if clusters > 0 {
		return
	}
	r := newReader(f.report, f.scope(cty.UnknownVal(cty.String)))
	policy := states.BuiltIn()
	r.policy(&policy, f.policyOf(f.body()), "policy")
	for i, w := range f.windows {
		r.window(w, states.Place("window").Sub(i))
	}
}
