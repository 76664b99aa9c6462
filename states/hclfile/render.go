package hclfile

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"orch/states"
)

// Render writes the definition of a cluster as it lies in Consul: nothing is left to resolve but
// ${argument}, and what the file left to the built-in values is spelled out, so that a later
// version with other ones changes nothing. The header says where it came from; it becomes a
// comment. Parse reads it back.
func Render(c states.Cluster, header string) string {
	p := &printer{}
	p.comment(header)
	p.block("cluster", []string{c.Name}, func() {
		p.text("description", c.Description)
		p.text("initial", c.Initial)
		for _, s := range c.States {
			p.state(s)
		}
		for _, t := range c.Transitions {
			p.transition(t)
		}
	})
	for _, w := range c.Windows {
		p.window(w)
	}
	return p.done()
}

// printer writes blocks and attributes; the layout is left to the formatter.
type printer struct {
	strings.Builder
	filled bool // something stands in the block before this
}

func (p *printer) done() string { return string(hclwrite.Format([]byte(p.String()))) }

func (p *printer) comment(text string) {
	if text == "" {
		return
	}
	for line := range strings.Lines(text) {
		p.WriteString(strings.TrimRight("# "+visible(line), " \r\n") + "\n")
	}
	p.WriteString("\n")
}

func (p *printer) block(kind string, labels []string, inside func()) {
	if p.filled {
		p.WriteString("\n")
	}
	p.WriteString(kind)
	for _, label := range labels {
		p.WriteString(" " + quote(label))
	}
	p.WriteString(" {\n")
	p.filled = false
	inside()
	p.WriteString("}\n")
	p.filled = true
}

func (p *printer) attr(name, value string) {
	p.WriteString(name + " = " + value + "\n")
	p.filled = true
}

// text writes a text unless it is empty.
func (p *printer) text(name, text string) {
	if text != "" {
		p.attr(name, quote(text))
	}
}

func (p *printer) texts(name string, texts []string) {
	if len(texts) == 0 {
		return
	}
	var quoted []string
	for _, text := range texts {
		quoted = append(quoted, quote(text))
	}
	p.attr(name, "["+strings.Join(quoted, ", ")+"]")
}

func (p *printer) flag(name string, value bool) { p.attr(name, strconv.FormatBool(value)) }

func (p *printer) duration(name string, d states.Duration) { p.attr(name, quote(d.String())) }

func (p *printer) state(s states.StateDef) {
	p.block("state", []string{s.Name}, func() {
		p.text("description", s.Description)
		p.flag("serving", s.Serving)
		p.attributes(s.Attributes)
		if s.Argument != nil {
			p.block("argument", nil, func() {
				p.text("description", s.Argument.Description)
				p.text("pattern", s.Argument.Pattern)
			})
		}
	})
}

func (p *printer) attributes(attributes map[string]states.Template) {
	if len(attributes) == 0 {
		return
	}
	p.WriteString("attributes = {\n")
	for _, key := range slices.Sorted(maps.Keys(attributes)) {
		name := key
		if !hclsyntax.ValidIdentifier(key) || slices.Contains([]string{"for", "true", "false", "null"}, key) {
			name = quote(key)
		}
		p.WriteString(name + " = " + quoteTemplate(attributes[key]) + "\n")
	}
	p.WriteString("}\n")
	p.filled = true
}

func (p *printer) window(w states.Window) {
	p.block("window", []string{w.Name}, func() {
		p.flag("deny", w.Deny)
		p.text("schedule", w.Schedule)
		p.duration("duration", w.Duration)
		p.text("time_zone", w.TimeZone)
		p.text("on_close", w.OnClose)
	})
}

func (p *printer) transition(t states.Transition) {
	p.block("transition", []string{t.To}, func() {
		p.texts("from", t.From)
		p.policy(t.Policy, states.Policy{})
		for _, r := range t.Requires {
			p.requirement(r)
		}
		for _, g := range t.Gates {
			p.gate(g)
		}
		for _, d := range t.Drains {
			p.block("drain", []string{d.Service}, func() { p.duration("wait", d.Wait) })
		}
		if t.Primary != nil {
			p.primary(*t.Primary)
		}
		if t.Rollback != nil {
			p.block("rollback", nil, func() { p.policy(*t.Rollback, t.Policy) })
		}
	})
}

// policy spells every setting but those that say nothing, neither here nor in what is inherited.
func (p *printer) policy(policy, inherited states.Policy) {
	for _, s := range settings {
		text := s.text(policy)
		if text == s.text(states.Policy{}) && text == s.text(inherited) && silent[s.name] {
			continue
		}
		if text != "" {
			p.attr(s.name, text)
		}
	}
}

// silent are the settings that are off unless a file says something.
var silent = map[string]bool{"batch_failures": true, "progress_deadline": true, "seed": true, "group_by": true, "joiners": true}

func (p *printer) requirement(r states.Requirement) {
	p.block("requires", []string{r.Cluster}, func() {
		var refs []string
		for _, ref := range r.States {
			refs = append(refs, ref.String())
		}
		p.texts("states", refs)
		p.duration("wait", r.Wait)
	})
}

func (p *printer) gate(g states.Gate) {
	p.block("gate", []string{g.Kind, g.Name}, func() {
		switch g.Kind {
		case "consul_check":
			p.text("service", g.Service)
			p.texts("checks", g.Checks)
			p.text("scope", g.Scope)
			p.text("at", g.At)
			p.duration("passing_for", g.PassingFor)
		case "http":
			p.attr("url", quoteTemplate(g.URL))
		}
		p.duration("timeout", g.Timeout)
		p.flag("dry_run", g.DryRun)
	})
}

func (p *printer) primary(primary states.Primary) {
	p.block("primary", nil, func() {
		p.text("lock", primary.Lock)
		p.text("service", primary.Service)
		p.text("tag", primary.Tag)
	})
}
