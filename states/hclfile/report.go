package hclfile

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
)

// report collects the mistakes of one call. A template is read once per cluster, so the same
// mistake may come many times: it is kept once, as it came first.
type report struct {
	sources map[string]*source
	found   Diagnostics
	seen    map[string]bool
	excused []hcl.Range
	more    int // mistakes beyond the first many
}

func newReport() *report {
	return &report{sources: map[string]*source{}, seen: map[string]bool{}}
}

// add reports a mistake in what stands there, and excuses what follows from it.
func (r *report) add(at hcl.Range, summary, detail string, args ...any) {
	r.excuse(at)
	r.put(at, summary, detail, args...)
}

// manyMistakes is more than anybody reads; what has more is no file that somebody wrote.
const manyMistakes = 1000

// put reports a mistake that spoils nothing else.
func (r *report) put(at hcl.Range, summary, detail string, args ...any) {
	if len(r.found) >= manyMistakes {
		r.more++
		return
	}
	key := fmt.Sprintf("%s:%d-%d %s", at.Filename, at.Start.Byte, at.End.Byte, summary)
	if r.seen[key] {
		return
	}
	r.seen[key] = true
	if len(args) > 0 {
		detail = fmt.Sprintf(detail, args...)
	}
	d := Diagnostic{
		File: at.Filename, Line: at.Start.Line, Column: at.Start.Column,
		Summary: summary, Detail: detail, start: at.Start.Byte, end: at.End.Byte,
	}
	if s := r.sources[at.Filename]; s != nil {
		d.In, d.Source = s.around(d.start), s.line(d.Line)
	}
	r.found = append(r.found, d)
}

// addAnywhere reports a mistake that is in no file.
func (r *report) addAnywhere(summary, detail string, args ...any) {
	r.found = append(r.found, Diagnostic{Summary: summary, Detail: fmt.Sprintf(detail, args...)})
}

// addHCL takes over what the parser or an expression complains about.
func (r *report) addHCL(diags hcl.Diagnostics) {
	for _, d := range diags {
		if d.Subject == nil {
			r.addAnywhere(d.Summary, "%s", d.Detail)
			continue
		}
		r.add(*d.Subject, d.Summary, "%s", d.Detail)
	}
}

// excuse says that what stands there could not be read, for a reason that is reported elsewhere.
func (r *report) excuse(at hcl.Range) { r.excused = append(r.excused, at) }

// spoiled tells whether something within the range was reported or excused: what follows from a
// mistake is no mistake of its own.
func (r *report) spoiled(at hcl.Range) bool {
	for _, other := range r.excused {
		if other.Filename == at.Filename && at.Start.Byte <= other.Start.Byte && other.End.Byte <= at.End.Byte {
			return true
		}
	}
	return false
}

// done hands the mistakes over.
func (r *report) done() Diagnostics {
	r.found.sort()
	if r.more > 0 {
		r.addAnywhere("Many mistakes", "There are %d more: mend these first.", r.more)
		r.more = 0
	}
	return r.found
}
