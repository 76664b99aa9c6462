package hclfile

import "orch/states"

// RenderRunbook writes a runbook as it lies in Consul, like Render. Its inputs stay open.
func RenderRunbook(r states.Runbook, header string) string {
	p := &printer{}
	p.comment(header)
	p.block("runbook", []string{r.Name}, func() {
		p.text("description", r.Description)
		for _, input := range r.Inputs {
			p.block("input", []string{input.Name}, func() {
				p.text("description", input.Description)
				p.text("pattern", input.Pattern)
			})
		}
		for _, step := range r.Steps {
			p.step(step)
		}
	})
	return p.done()
}

func (p *printer) step(s states.Step) {
	p.block("step", []string{s.Name}, func() {
		p.texts("after", s.After)
		p.texts("clusters", s.Clusters)
		p.text("state", s.State)
		p.value("argument", s.Argument)
		if s.State != "" {
			p.flag("lockstep", s.Lockstep)
		}
		p.text("approve", s.Approve)
		p.text("undo", s.Undo)
		if s.Once != nil {
			p.block("once", nil, func() {
				p.text("cluster", s.Once.Cluster)
				p.text("action", s.Once.Action)
				p.value("argument", s.Once.Argument)
			})
		}
	})
}

func (p *printer) value(name string, v states.Value) {
	if v.Input != "" {
		p.attr(name, "input."+v.Input)
		return
	}
	p.text(name, v.Text)
}
