package e2e

import (
	"testing"
	"time"
)

// Whatever stands between Consul and everybody else loses, cuts, stalls, delays or makes up answers in
// the middle of a rollout. Nobody runs on what is not there, and once it is over the rollout goes on.
func TestFaultsOnTheWire(t *testing.T) {
	f := newField(t)
	w := newWire(t, f.consul.addr)
	f.env = []string{"CONSUL_HTTP_ADDR=" + w.addr}
	t.Cleanup(func() { f.env = nil }) // who looks afterwards looks directly
	f.serving(3, "batches = [1]\nconverge_timeout = \"60s\"")
	f.ctl("all", "pause=0.4")
	version := 1
	for _, row := range []struct {
		name   string
		fault  fault
		silent bool // nothing can go on meanwhile
		quick  bool // also in the shorter half
	}{
		{"nothing answers", hangs, true, true},
		{"bodies stop in the middle", stalls, true, false},
		{"bodies are cut off", cuts, true, false},
		{"connections are reset", resets, true, false},
		{"a login page answers", pages, true, true},
		{"too many requests", limits, true, false},
		{"reads are empty", empties, false, false},
		{"Consul's headers are stripped", strips, false, false},
		{"every third write loses its answer", w.swallows, false, true},
		{"everything is late", delays(700 * time.Millisecond), false, false},
	} {
		version++
		to := itoa(version)
		t.Run(row.name, func(t *testing.T) {
			if !row.quick {
				everything(t)
			}
			move := f.orchStart("transition", "web", "version", to)
			eventually(t, "the first run", patience, func() bool { return len(f.to("version "+to)) > 0 || !move.running() })
			w.does(row.fault)
			if row.silent {
				time.Sleep(1500 * time.Millisecond) // what was claimed begins
				before := len(f.runs())
				time.Sleep(2 * time.Second)
				if now := len(f.runs()); now != before {
					t.Errorf("%d runs began on nothing", now-before)
				}
			} else {
				time.Sleep(3 * time.Second)
			}
			struck := w.struck.Load()
			w.does(nil)
			if code := f.wait(move, 120*time.Second); code != 0 {
				t.Fatalf("exit code %d:\n%s", code, move.text())
			}
			if struck == 0 {
				t.Error("the fault struck nobody")
			}
			eventually(t, "everybody to be there", patience, func() bool { return len(f.phase("settled")) == 3 })
			f.settledAt("version "+to, 3)
			f.atMost(1, f.to("version "+to))
			f.once(f.runs())
			f.clean()
		})
	}
	f.neverBackwards()
}
