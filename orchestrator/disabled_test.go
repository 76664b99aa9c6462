package orchestrator

import (
	"strings"
	"testing"

	"orch/states"
)

// A node that was disabled after it was ordered gives its place to another: it is not counted, its
// order is void, so that it does not go whenever it is enabled, and the move ends without it.
func TestDisabledNodeIsLeftOut(t *testing.T) {
	w := born(t, tier(), 4)
	w.move("waiting", "")
	w.plan()
	w.plan()
	if !w.node("n00").Order.OK() || w.node("n00").Order.Value.Run == "" {
		w.fail("n00 has no order: %+v", w.node("n00").Order)
	}
	w.agents["n00"].up = false
	w.node("n00").Status.Value.Disabled = &states.Word{By: "eve@n00", Why: "disk swap", At: w.now}
	w.settle()
	record, order := w.snapshot.Record.Value, w.node("n00").Order.Value
	if record.Status != states.Done || w.at("waiting") != 3 || len(record.Counted) != 0 {
		w.fail("%s, %d at waiting, counted %+v", record.Status, w.at("waiting"), record.Counted)
	}
	if !strings.HasPrefix(order.Void, "disabled on its node by eve@n00") {
		w.fail("its order stands: %+v", order)
	}
}

// A node whose agent can start nothing is left out in the same way, and its void order says why.
func TestUnableNodeIsLeftOut(t *testing.T) {
	w := born(t, tier(), 4)
	w.move("waiting", "")
	w.plan()
	w.plan()
	w.agents["n00"].up = false
	w.node("n00").Status.Value.Unable = "the disk is full; make room"
	w.settle()
	record, order := w.snapshot.Record.Value, w.node("n00").Order.Value
	if record.Status != states.Done || w.at("waiting") != 3 || len(record.Counted) != 0 {
		w.fail("%s, %d at waiting, counted %+v", record.Status, w.at("waiting"), record.Counted)
	}
	if order.Void != "unable: the disk is full; make room" {
		w.fail("its order stands: %+v", order)
	}
}

// A node that can write nothing down while its run goes on, and is mended: its order has the time that it had,
// and the run counts as what it is.
func TestUnableInMidRun(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) { t.Policy.Batches = []states.Size{states.Nodes(1)} }), 3)
	w.move("version", "2")
	w.until("n00 runs", func() bool { return w.agents["n00"].self.Last.Going() })
	idle := func() {
		for stepped := true; stepped; {
			_, stepped = w.plan()
		}
	}
	for _, unable := range []string{"the disk is full; make room", ""} {
		status := &w.node("n00").Status
		status.Value.Unable = unable
		status.Index++
		idle()
		if record := w.record(); record.Status != states.Running || len(record.Counted) != 0 {
			w.fail("it is %s, and charged is %+v", record.Status, record.Counted)
		}
		if went := w.went("version 2"); len(went) != 1 {
			w.fail("%v ran", went)
		}
	}
	w.run()
	if w.at("version 2") != 3 || len(w.record().Counted) != 0 {
		w.fail("%d are there, charged is %+v", w.at("version 2"), w.record().Counted)
	}
}
