package sim

import (
	"strings"

	"orch/states"
)

// Frame is what lies in the store, and what goes on at the machines, at one moment of a history.
type Frame struct {
	Desired  *states.Desired
	Record   *states.Record
	Leader   *states.Leader
	Lease    string // session that holds it
	Orders   map[string]*states.Order
	Statuses map[string]Doc
	Freeze   Doc                        // the cluster's
	Requests map[string]*states.Request // not taken yet
	Owner    map[string]string          // of a node's status: the machine whose agent wrote it last
	Running  map[int]*Exec
	Real     map[string]states.State // by machine
	Knows    map[string]states.Mark  // by instance: what its agent durably knows
}

func newFrame() *Frame {
	return &Frame{Orders: map[string]*states.Order{}, Statuses: map[string]Doc{}, Running: map[int]*Exec{}, Real: map[string]states.State{},
		Requests: map[string]*states.Request{}, Owner: map[string]string{}, Knows: map[string]states.Mark{}}
}

// replay goes through a history; see gets each note with what lay there before it and after it. The
// frames are the same two all the time: what is to be kept has to be copied.
func (h *History) replay(see func(i int, n *Note, before, after *Frame)) {
	before, after := newFrame(), newFrame()
	for i := range h.Notes {
		n := &h.Notes[i]
		after.take(n)
		see(i, n, before, after)
		before.take(n)
	}
}

func (f *Frame) take(n *Note) {
	if n.Reset {
		running, real, owner, knows := f.Running, f.Real, f.Owner, f.Knows
		*f = *newFrame()
		f.Running, f.Real, f.Owner, f.Knows = running, real, owner, knows
	}
	switch {
	case n.Write != nil:
		for _, doc := range n.Write.Docs {
			f.put(doc)
			if machine, _, agent := strings.Cut(n.Who, "#"); agent && doc.Room == "status" {
				f.Owner[doc.Name] = machine
			}
		}
	case n.Start != nil:
		f.Running[n.Start.PID] = n.Start
		f.Real[n.Start.Machine] = states.State{}
	case n.Saved != nil:
		f.Knows[n.Saved.Instance] = n.Saved.Mark
	case n.End != nil:
		delete(f.Running, n.End.PID)
		f.Real[n.End.Machine] = n.End.Real
	}
}

func (f *Frame) put(doc Doc) {
	switch doc.Room {
	case "desired":
		f.Desired = doc.Desired
	case "transition":
		f.Record = doc.Record
	case "leader":
		f.Leader, f.Lease = doc.Leader, doc.Session
	case "freeze":
		f.Freeze = doc
	case "requests":
		f.Requests[doc.Name] = doc.Request
		if doc.Gone {
			delete(f.Requests, doc.Name)
		}
	case "orders":
		f.Orders[doc.Name] = doc.Order
		if doc.Gone {
			delete(f.Orders, doc.Name)
		}
	case "status":
		f.Statuses[doc.Name] = doc
		if doc.Gone {
			delete(f.Statuses, doc.Name)
		}
	}
}

// at is the state in which the machine is that goes by a node's name.
func (f *Frame) at(node string) states.State {
	if machine, known := f.Owner[node]; known {
		return f.Real[machine]
	}
	return f.Real[node]
}

// refuses tells whether an agent has seen more than the desired state that lies there: it goes by nothing of it.
func (f *Frame) refuses(instance string) bool { return f.Knows[instance].Refuses(f.Desired.Mark) != "" }
