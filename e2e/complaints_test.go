package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// What users of other tools complain about, one test for each complaint, by its number in the list
// that this project keeps of them.

// 1: it says success, or nothing, when nodes did not answer.
func TestComplaint1WhoDoesNotAnswerIsNamed(t *testing.T) {
	f := newField(t)
	f.serving(3, `
    batches          = ["100%"]
    converge_timeout = "3s"`)
	f.ctl("web-03", "pause=60")
	move := f.orchStart("transition", "web", "version", "2")
	eventually(t, "web-03 to run", patience, func() bool { return slices.Contains(f.order("version 2"), "web-03") })
	f.agents["web-03"].kill()
	if code := f.wait(move, patience); code != 4 {
		t.Fatalf("a node never answered: want exit code 4, got %d:\n%s", code, move.text())
	}
	f.says(move.text(), "web-03 lost", "silent")
	f.says(f.ok("why", "web"), "web-03", "silent")
	f.ctl("web-03", "")
	f.ok("resume", "web", "--accept-failures") // who is absent from the start is shown, and not counted
	f.says(f.ok("transition", "web", "version", "3"), "web-03")
	f.says(f.ok("status", "web"), "web-03", "absent")
}

// 2: stop-on-error does not stop: the broken state is applied to the whole fleet.
func TestComplaint2StopOnErrorStops(t *testing.T) {
	f := newField(t)
	f.serving(6, `batches = [2]`)
	f.ctl("all", `[ "$ORCH_ARGUMENT" = 2 ] && exit 1`)
	f.exits(4, "transition", "web", "version", "2")
	f.agent("web-07") // a node that comes, and one that restarts, do not start a second thread
	f.agents["web-06"].kill()
	f.agent("web-06")
	eventually(t, "both to have looked", patience, func() bool {
		phases := map[string]string{}
		for _, n := range f.status().Nodes {
			phases[n.Node] = n.Phase
		}
		return phases["web-06"] == "waiting" && phases["web-07"] == "waiting"
	})
	if got := f.order("version 2"); len(got) != 2 {
		t.Errorf("want the first batch and nobody else, got %v", got)
	}
}

// 3: one bad host stops a fleet, and there is no budget for the whole rollout.
func TestComplaint3OneBadHostDoesNotStopAFleet(t *testing.T) {
	f := newField(t)
	f.serving(5, `
    batches      = [1]
    max_failures = "20%"`)
	f.ctl("web-02", "exit 1")
	f.ok("transition", "web", "version", "2")
	if got := f.order("version 2"); len(got) != 5 {
		t.Fatalf("%v", got)
	}
	f.says(f.ok("status", "web"), "web-02", "FAILED") // and it stays visible
	f.ctl("web-04", "exit 1")                         // one more, in another batch, is one too many
	f.says(f.exits(4, "transition", "web", "version", "3"), "2 nodes failed, 1 allowed (max_failures = 20%)", "web-02", "web-04")
}

// 4: it cannot go on where it stopped: it begins again from the start, or skips who never went.
func TestComplaint4ItGoesOnWhereItStopped(t *testing.T) {
	f := newField(t)
	f.serving(4, `batches = [1]`)
	f.ctl("all", "pause=0.5")
	move := f.orchStart("transition", "web", "version", "2")
	eventually(t, "the second to run", patience, func() bool { return len(f.to("version 2")) == 2 })
	move.kill()
	f.ok("resume", "web")
	if got := f.order("version 2"); !slices.Equal(got, []string{"web-01", "web-02", "web-03", "web-04"}) {
		t.Errorf("each node once: %v", got)
	}
}

// 5: a dead node holds the lock, and so does a dead orchestrator.
func TestComplaint5TheDeadHoldNoLock(t *testing.T) {
	f := newField(t)
	f.serving(4, `
    batches          = [1]
    max_failures     = 1
    converge_timeout = "3s"`)
	f.ctl("web-01", "pause=60")
	move := f.orchStart("transition", "web", "version", "2")
	eventually(t, "web-01 to run", patience, func() bool { return len(f.to("version 2")) == 1 })
	f.agents["web-01"].kill() // with its slot in its hand
	move.kill()               // and the lease
	f.ok("resume", "web")
	if got := f.order("version 2"); len(got) != 4 {
		t.Errorf("%v", got)
	}
}

// 6: losing Consul, or its leader, kills the rollout, or lets two go at once.
func TestComplaint6ConsulMayGoAndComeBack(t *testing.T) {
	f := newField(t)
	f.serving(4, `batches = [1]`)
	f.ctl("all", "pause=1")
	move := f.orchStart("transition", "web", "version", "2")
	eventually(t, "the second to run", patience, func() bool { return len(f.to("version 2")) == 2 })
	f.consul.kill()
	f.consul.start()
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	runs := f.to("version 2")
	f.atMost(1, runs)
	f.once(runs)
}

// 7: a change of the configuration restarts every instance at once.
func TestComplaint7ApplyingAChangeMovesNobody(t *testing.T) {
	f := newField(t)
	f.serving(3, `batches = [1]`)
	before := len(f.runs())
	changed := strings.Replace(versionHCL(`batches = ["100%"]`), `argument { pattern = "[0-9]+" }`, `argument { pattern = "[0-9]+" }
    attributes = { artifact = "new-${argument}" }`, 1)
	f.ok("apply", "--yes", f.file("web.hcl", changed))
	f.agents["web-01"].kill()
	f.agent("web-01")
	eventually(t, "web-01 to be settled", patience, func() bool { return len(f.phase("settled")) == 3 })
	if after := len(f.runs()); after != before {
		t.Errorf("%d runs because somebody typed apply", after-before)
	}
}

// 8: a watch fires without a change, or twice for one.
func TestComplaint8NothingRunsWithoutAChange(t *testing.T) {
	f := newField(t)
	f.serving(2, `batches = [1]`)
	before := len(f.runs())
	for range 3 {
		f.consul.put("clusters/web/desired", f.consul.get("clusters/web/desired"))
	}
	f.edits("an order of nothing is planted")
	f.consul.put("clusters/web/orders/web-01", f.consul.get("clusters/web/orders/web-01"))
	f.consul.kill() // every index and every watch begins anew
	f.consul.start()
	f.agents["web-02"].kill()
	f.agent("web-02")
	f.alive(2)
	f.ok("transition", "web", "version", "2") // a word that both have heard
	if got := len(f.runs()) - before; got != 2 {
		t.Errorf("want one run each, for the one change: %+v", f.runs()[before:])
	}
}

// 10: no rollback by itself, or one that something undoes again.
func TestComplaint10NothingUndoesARollback(t *testing.T) {
	f := newField(t)
	f.serving(3, `
    batches    = [1]
    on_failure = "rollback"`)
	f.ctl("web-02", `[ "$ORCH_ARGUMENT" = 2 ] && exit 1`)
	f.exits(5, "transition", "web", "version", "2")
	bad := len(f.to("version 2"))
	for i := range 3 {
		f.agents[web(i+1)].kill()
		f.agent(web(i + 1))
	}
	f.agent("web-04")
	f.ok("apply", "--yes", f.file("web.hcl", versionHCL(`batches = [2]`)))
	eventually(t, "everybody to be settled", patience, func() bool { return len(f.phase("settled")) == 4 })
	f.exits(6, "resume", "web", "--reason", "too eager")
	f.ok("reconverge", "web")
	if got := len(f.to("version 2")); got != bad {
		t.Errorf("%d runs to the version that was taken back", got-bad)
	}
	t.Run("nor an abort", func(t *testing.T) {
		f := newField(t)
		f.serving(3, `batches = [1]`)
		goOn := f.stays("all", "")
		move := f.orchStart("transition", "web", "version", "2")
		eventually(t, "the first to run", patience, func() bool { return len(f.to("version 2")) == 1 })
		f.ok("abort", "web")
		goOn()
		f.wait(move, patience)
		f.agent("web-04")
		f.agents["web-03"].kill()
		f.agent("web-03")
		eventually(t, "both to wait", patience, func() bool {
			return slices.Contains(f.phase("waiting"), "web-04") && f.node("web-03").Phase == "waiting"
		})
		f.exits(6, "resume", "web")
		f.exits(6, "retry", "web")
		if got := f.order("version 2"); len(got) != 1 {
			t.Errorf("an aborted target came back: %v", got)
		}
	})
}

// 11: "rolling" without looking at the health between two nodes.
func TestComplaint11TheNextNodeWaitsForHealth(t *testing.T) {
	f := newField(t)
	f.serving(2, `
    batches = [1]
    gate "consul_check" "up" {
      checks  = ["web-up"]
      timeout = "20s"
    }`)
	f.check("passing", web(1), web(2))
	goOn := f.stays("web-01", "")
	move := f.orchStart("transition", "web", "version", "2")
	eventually(t, "the first to run", patience, func() bool { return len(f.to("version 2")) == 1 })
	f.check("warning", "web-01")
	goOn()
	eventually(t, "the gate to say no", patience, func() bool { return strings.Contains(move.text(), "gate up: says no") })
	passing := time.Now().UnixNano()
	f.check("passing", "web-01")
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	if runs := f.to("version 2"); len(runs) != 2 || runs[1].start < passing {
		t.Errorf("the second did not wait: %+v", runs)
	}
}

// 13: no windows, no freeze, nobody can stop the line, no step by hand.
func TestComplaint13TheLineCanBeStopped(t *testing.T) {
	f := newField(t)
	f.serving(3, `batches = [1]`)
	goOn := f.stays("all", "")
	move := f.orchStart("transition", "web", "version", "2")
	eventually(t, "the first to run", patience, func() bool { return len(f.to("version 2")) == 1 })
	f.ok("freeze", "--reason", "incident 4711")
	goOn()
	if code := f.wait(move, patience); code != 3 {
		t.Fatalf("frozen in mid-move: want exit code 3, got %d:\n%s", code, move.text())
	}
	f.agent("web-04") // nor does anybody go who comes late
	f.alive(4)
	f.says(f.ok("why", "web"), "incident 4711")
	f.says(f.exits(6, "transition", "web", "version", "3", "--supersede"), "incident 4711")
	if got := f.order("version 2"); len(got) != 1 {
		t.Fatalf("somebody went in spite of the freeze: %v", got)
	}
	f.ok("thaw")
	f.ok("resume", "web")
	if got := f.order("version 2"); len(got) != 4 {
		t.Errorf("%v", got)
	}
}

// 15: two people at once.
func TestComplaint15TwoPeopleAtOnce(t *testing.T) {
	f := newField(t)
	f.serving(2, `batches = [1]`)
	goOn := f.stays("all", "")
	first := f.orchStart("transition", "web", "version", "2", "--reason", "CHG-1")
	eventually(t, "the first to run", patience, func() bool { return len(f.to("version 2")) == 1 })
	f.says(f.exits(6, "transition", "web", "version", "3"), "ada@bastion", "since", "CHG-1", "--supersede")
	waiting := f.orchStart("transition", "web", "version", "3", "--queue")
	eventually(t, "the second to wait", patience, func() bool { return strings.Contains(waiting.text(), "version 2") })
	goOn()
	for _, p := range []*process{first, waiting} {
		if code := f.wait(p, patience); code != 0 {
			t.Fatalf("exit code %d:\n%s", code, p.text())
		}
	}
	if got := len(f.to("version 3")); got != 2 {
		t.Errorf("%d runs", got)
	}
	f.atMost(1, append(f.to("version 2"), f.to("version 3")...))
}

// 16: counts only, no percentages.
func TestComplaint16Percentages(t *testing.T) {
	f := newField(t)
	f.serving(5, `
    batches      = ["40%"]
    max_failures = "39%"
    min_healthy  = "60%"`)
	f.ctl("web-03", "exit 1")
	f.ctl("all", "pause=0.4")
	f.ok("transition", "web", "version", "2")
	f.atMost(2, f.to("version 2"))
	if got := f.order("version 2"); len(got) != 5 {
		t.Errorf("%v", got)
	}
}

// 17: a node that waited for its slot converges to what was wanted when it began to wait.
func TestComplaint17WhoWaitedGetsTheLatestTarget(t *testing.T) {
	f := newField(t)
	f.serving(3, `batches = [1]`)
	goOn := f.stays("all", "")
	f.orchStart("transition", "web", "version", "2")
	eventually(t, "the first to run", patience, func() bool { return len(f.to("version 2")) == 1 })
	latest := f.orchStart("transition", "web", "version", "3", "--supersede")
	f.moving(`"argument": "3"`)
	goOn()
	if code := f.wait(latest, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, latest.text())
	}
	if got := f.order("version 2"); len(got) != 1 {
		t.Errorf("a stale target: %v", got)
	}
	if got := f.order("version 3"); len(got) != 3 {
		t.Errorf("%v", got)
	}
}

// 18: nodes that come back stay on the old version.
func TestComplaint18WhoComesBackCatchesUp(t *testing.T) {
	f := newField(t)
	f.serving(3, `
    batches          = [1]
    on_lost          = "skip"
    converge_timeout = "3s"`)
	f.ctl("web-03", "pause=30")
	move := f.orchStart("transition", "web", "version", "2")
	eventually(t, "web-03 to run", patience, func() bool { return len(f.to("version 2")) == 3 })
	f.agents["web-03"].kill() // lost in the middle of its run
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	f.ctl("web-03", "")
	f.agent("web-03")
	eventually(t, "web-03 to be at version 2", patience, func() bool {
		runs := f.to("version 2")
		return f.node("web-03").Phase == "settled" && len(runs) == 4 && runs[3].node == "web-03"
	})
}
