package sim

import (
	"slices"

	"orch/convergeagent"
	"orch/orchestrator"
	"orch/states/store"
)

// Safeguard is something that keeps a promise, with what shows that it does: the promise that is broken
// once it is taken out.
type Safeguard struct {
	Alteration        // that takes it out
	Rule       string // its name in the table of rules of the protocol's model, where it has one there
	Check      string // the check that notices
	Story      Story  // made by hand, in which it is needed

	Covered *Alteration // another safeguard is enough to keep the promise; only where this one is out as well its loss shows
}

// Safeguards are what keeps the promises.
func Safeguards() []Safeguard {
	return slices.Concat(ofWrites(), ofLeases(), ofClaims(), ofMarks(), ofAgents(), ofBatches(), ofWaits(), ofCounts(), ofMoves(), ofStops())
}

// lost is everything that is taken out to see the loss of a safeguard.
func (s Safeguard) lost() Alteration {
	if s.Covered == nil {
		return s.Alteration
	}
	return together(*s.Covered, s.Alteration)
}

// together takes two safeguards out.
func together(a, b Alteration) Alteration {
	return Alteration{Name: b.Name, Loses: b.Loses,
		KV: func(w *world, node string, kv store.KV) store.KV {
			for _, one := range []Alteration{a, b} {
				if one.KV != nil {
					kv = one.KV(w, node, kv)
				}
			}
			return kv
		},
		Agent: func(m *machine, c *convergeagent.Config) {
			for _, one := range []Alteration{a, b} {
				if one.Agent != nil {
					one.Agent(m, c)
				}
			}
		},
		Engine: func(w *world, e *orchestrator.Engine) {
			for _, one := range []Alteration{a, b} {
				if one.Engine != nil {
					one.Engine(w, e)
				}
			}
		},
		Disk: func(text []byte) []byte {
			for _, one := range []Alteration{a, b} {
				if one.Disk != nil {
					text = one.Disk(text)
				}
			}
			return text
		},
		Lands: func(op store.Op, lies uint64) (store.Op, bool) {
			for _, one := range []Alteration{a, b} {
				if there := true; one.Lands != nil {
					if op, there = one.Lands(op, lies); !there {
						return op, false
					}
				}
			}
			return op, true
		}}
}
