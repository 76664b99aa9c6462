package sim

import (
	"orch/convergeagent"
	"orch/orchestrator"
	"orch/states/store"
)

// Alteration takes one safeguard out, by wrapping what the code is handed. The zero one changes nothing.
type Alteration struct {
	Name   string
	Loses  string // what is not safe any more without it, in words
	Ops    func(ops []store.Op) []store.Op
	Agent  func(*convergeagent.Config)
	Engine func(*orchestrator.Engine)
}

// altered is a port without a safeguard.
func (w *world) altered(p *port) *port {
	p.alter = w.alter.Ops
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ports[p.host] = append(w.ports[p.host], p)
	return p
}
