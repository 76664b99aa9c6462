package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// ran fails where somebody ran something that nobody asked for.
func (f *field) ran(before int) {
	f.t.Helper()
	if now := len(f.runs()); now != before {
		f.t.Errorf("%d runs began", now-before)
	}
}

// onward recovers a cluster of two, and moves it on: nothing runs before the resume, and nobody
// refuses what is written then.
func (f *field) onward(version string, before int, flags ...string) {
	f.t.Helper()
	f.ok(append([]string{"recover", "web", "version", version, "--yes"}, flags...)...)
	f.ran(before)
	f.ok("resume", "web")
	f.settledAt("version "+version, 2)
	f.says(f.ok("why", "web"), "version "+version)
}

// Somebody who may write a leader's keys plants numbers, to use up the counters. Far ones nobody
// follows; the highest that agents do follow is behind the next moment. Whichever: what is wrong is
// named, and a recovery leads on, also for a node that comes later.
func TestPlantedNumbers(t *testing.T) {
	const desired, record = "clusters/web/desired", "clusters/web/transition"
	f := newField(t)
	f.edits("counters are planted")
	f.serving(2, `batches = [1]`)
	before := len(f.runs())
	far := "9007199254740992"
	refused := func() {
		t.Helper()
		eventually(t, "both agents to refuse it", patience, func() bool {
			return strings.Contains(f.node("web-01").Refused, "was never reached by counting") && strings.Contains(f.node("web-02").Refused, "was never reached by counting")
		})
	}
	for i, field := range []string{"epoch", "generation"} {
		f.consul.put(desired, set(field, far)(f.consul.get(desired)))
		refused()
		f.whyUntil("is followed by nobody", field+" "+far, "orch recover web")
		f.says(f.exits(6, "transition", "web", "version", "9"), "orch recover web")
		f.says(f.ok("status", "web"), "planted: ")
		f.says(f.exits(1, "fsck", "web"), far)
		f.ran(before)
		f.onward(fmt.Sprint(2+i), before)
		before = len(f.runs())
	}
	t.Run("as far as agents follow", func(t *testing.T) {
		now := fmt.Sprint(time.Now().UnixMicro())
		f.consul.put(desired, set("generation", now)(set("epoch", now)(f.consul.get(desired))))
		eventually(t, "both agents to follow it", patience, func() bool {
			return fmt.Sprint(f.remembered("web-01"), f.remembered("web-02")) == now+" "+now
		})
		f.whyUntil("were not written together", "orch recover web")
		f.onward("4", before)
		f.ok("transition", "web", "version", "5")
		f.neverBackwards()
	})
	t.Run("the record", func(t *testing.T) {
		before := len(f.runs())
		f.consul.put(record, set("journal", far)(f.consul.get(record)))
		f.whyUntil("nobody can have written so many", "orch recover web")
		f.onward("6", before)
	})
	t.Run("the lease", func(t *testing.T) {
		f.consul.put("clusters/web/leader", set("epoch", far)(f.consul.get("clusters/web/leader")))
		f.says(f.exits(1, "fsck", "web"), "leader", far)
		f.ok("transition", "web", "version", "7")
	})
	t.Run("a node that is new", func(t *testing.T) {
		f.consul.put(desired, set("generation", far)(f.consul.get(desired)))
		f.agent("web-03")
		eventually(t, "it to refuse that too", patience, func() bool { return strings.Contains(f.node("web-03").Refused, "was never reached by counting") })
		f.ok("recover", "web", "version", "8", "--yes")
		f.ok("resume", "web")
		f.settledAt("version 8", 3)
	})
}

// The number of the next entry of the journal is taken by something else. A leader says so at once,
// and does not try for ever; a recovery counts on behind it.
func TestPlantedEntry(t *testing.T) {
	f := newField(t)
	f.edits("an entry is planted")
	f.serving(2, `batches = [1]`)
	var next string
	for n := 1; ; n++ {
		next = fmt.Sprintf("clusters/web/journal/%012d", n)
		if code, _ := f.consul.http("GET", "/v1/kv/orch/"+next, ""); code == 404 {
			break
		}
	}
	f.consul.put(next, `{"schema": 1}`)
	before := len(f.runs())
	f.says(f.exits(1, "transition", "web", "version", "2"), "has the number of the next entry", "orch fsck web", "orch recover web STATE --override healthy")
	f.says(f.exits(1, "fsck", "web"), "planted")
	f.onward("3", before, "--override", "healthy")
}

// One of the two documents that a leader writes together is edited, or comes from an older snapshot:
// nobody leads on from there, each way of looking says so, and a recovery leads on.
func TestTornPair(t *testing.T) {
	const desired, record = "clusters/web/desired", "clusters/web/transition"
	f := newField(t)
	f.edits("the two are torn apart")
	f.serving(2, `batches = [1]`)
	older := map[string]string{desired: f.consul.get(desired), record: f.consul.get(record)}
	f.ok("transition", "web", "version", "2")
	for i, row := range []struct {
		name, key string
		spoil     func(good string) string
	}{
		{"an older record", record, func(string) string { return older[record] }},
		{"an older desired state", desired, func(string) string { return older[desired] }},
		{"another transition", desired, set("transition", `"t-other"`)},
		{"another state", desired, set("name", `"converged"`)},
		{"another generation", record, set("generation", "7")},
	} {
		before := len(f.runs())
		f.consul.put(row.key, row.spoil(f.consul.get(row.key)))
		f.whyUntil("were not written together", "orch recover web")
		f.says(f.exits(6, "transition", "web", "version", "9", "--supersede"), "orch recover web")
		f.says(f.ok("status", "web"), "torn: ")
		f.says(f.exits(1, "fsck", "web"), "were not written together")
		t.Log(row.name)
		if row.name == "another state" { // whoever may write it may move nodes that are open; that is not undone here
			before += 2
			eventually(t, "both nodes to follow it", patience, func() bool { return len(f.runs()) >= before })
		}
		f.onward(fmt.Sprint(3+i), before)
	}
}
