package main

import (
	"slices"
	"time"

	"orch/orchestrator"
	"orch/states"
)

// outlook is how a move is expected to go on, as it was seen at one version of its record.
type outlook struct {
	version uint64
	batches []states.Batch // of the hop in progress, that begin from here on
	rough   bool           // there are more of them
	ends    time.Time      // zero: nobody can say
}

// lookAhead simulates how the move goes on: as it is, or resumed. That may take a second in a large
// cluster.
func (v *view) lookAhead() outlook {
	o := outlook{version: v.Record.Index}
	if !v.usable() || v.record.Status != states.Running && v.record.Status != states.Paused {
		return o
	}
	var request states.Request
	if v.record.Status == states.Paused {
		request = states.Request{Schema: states.Schema, ID: "q-preview", Kind: states.AskResume, By: "preview",
			Transition: v.record.ID, Generation: v.desire.Generation, At: v.now, Expires: v.now.Add(time.Hour),
			AcceptFailures: true, Overrides: []string{orchestrator.OverrideMembers}}
	}
	snapshot := v.Snapshot // whoever looks ahead has not looked at other clusters
	snapshot.Record.Value.Overrides = append(slices.Clone(v.record.Overrides), ruleRequires.kind)
	snapshot.Frozen, snapshot.Freeze = states.Doc[states.Freeze]{}, states.Doc[states.Freeze]{} // what follows a thaw
	if !states.Windows(v.record.Windows).At(v.now).Open {
		snapshot.Record.Value.Windows = nil
	}
	f := orchestrator.Foretell(snapshot, request, orchestrator.Leading{Who: "preview", Epoch: v.desire.Epoch}, v.now)
	o.batches, o.rough = f.Batches, f.Rough
	if f.Left > 0 && f.Known && f.Stands == "" && v.record.Status == states.Running {
		o.ends = v.now.Add(f.Left)
	}
	return o
}

// outlook looks ahead, unless somebody did already.
func (v *view) outlook() outlook {
	if v.ahead == nil {
		ahead := v.lookAhead()
		v.ahead = &ahead
	}
	return *v.ahead
}

// later gives the batches of this hop that begin after those which the record knows of.
func (v *view) later() (batches []states.Batch, more bool) {
	known := v.record.Over()
	if b := v.record.Batch; b.Number != 0 && b.Hop == v.record.Hop {
		known = max(known, b.Number)
	}
	o := v.outlook()
	batches = slices.DeleteFunc(slices.Clone(o.batches), func(b states.Batch) bool { return b.Hop != v.record.Hop || b.Number <= known })
	return batches, o.rough && len(batches) > 0
}

// left is how long the move takes still, by how long runs took last; 0: nobody can say.
func (v *view) left() time.Duration {
	if v.barred("freeze") != "" || v.barred(states.AwaitWindow) != "" {
		return 0
	}
	if o := v.outlook(); !o.ends.IsZero() && v.record.Status == states.Running {
		return max(o.ends.Sub(v.now), 0)
	}
	return 0
}
