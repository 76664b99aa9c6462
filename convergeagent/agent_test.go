package convergeagent

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"orch/states"
)

func TestConvergesAlone(t *testing.T) {
	t.Parallel()
	trace := filepath.Join(t.TempDir(), "trace")
	r := newRig(t, `echo "$1-$2" >> `+trace+`; echo "$ORCH_CLUSTER $ORCH_NODE from=$ORCH_FROM"`)
	r.start()
	r.until("nothing is wanted yet", func(s states.Status) bool { return s.Phase == states.Waiting && s.Instance != "" })
	r.want(desired(1, "off"))
	r.settled("off")
	r.want(desired(2, "version 42"))
	s := r.settled("version 42")
	if got := lines(trace); strings.Join(got, " ") != "off- version-42" {
		t.Errorf("it ran %q", got)
	}
	if s.Generation != 2 || !s.Run.OK() || !s.Run.Terminal || s.Run.Attempt != 1 || s.Run.Tries != 1 || s.Run.Under != states.UnderOpen {
		t.Errorf("it reports %s", text(s))
	}
	if len(s.Run.Tail) != 1 || s.Run.Tail[0] != "web web-01 from=off" {
		t.Errorf("it says %q", s.Run.Tail)
	}
	if log, err := os.ReadFile(s.Run.Log); err != nil || !strings.Contains(string(log), "from=off") {
		t.Errorf("its log is %q, %v", log, err)
	}
}

func TestLateStartGoesStraightToWhereTheClusterIs(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	r.want(desired(7, "version 9"))
	r.start()
	if s := r.settled("version 9"); s.Generation != 7 {
		t.Errorf("its mark is %v", s.Mark)
	}
}

func TestRefusesWhatIsLower(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	r.want(desired(5, "converged"))
	r.start()
	r.settled("converged")
	r.want(desired(4, "off"))
	s := r.until("refusing", func(s states.Status) bool { return s.Phase == states.Refusing })
	if !strings.Contains(s.Refused, "generation 4 is below 5") || s.State.Name != "converged" || s.Generation != 5 {
		t.Errorf("it reports %s", text(s))
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	r.start() // a new process knows as much
	r.until("refusing again", func(s states.Status) bool { return s.Phase == states.Refusing })
	other := desired(5, "off")
	other.Transition = "t-other"
	r.want(other)
	r.until("refusing the twin", func(s states.Status) bool { return strings.Contains(s.Refused, `transition "t-other"`) })
	r.want(desired(6, "off"))
	if s := r.settled("off"); s.Refused != "" {
		t.Errorf("it still refuses: %s", s.Refused)
	}
}

func TestKeepsWhatItIs(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(r *rig){
		"garbage": func(r *rig) { r.kv.Put(keys.Desired("web"), "{") },
		"empty":   func(r *rig) { r.kv.Put(keys.Desired("web"), "") },
		"schema":  func(r *rig) { r.kv.Put(keys.Desired("web"), `{"schema": 99}`) },
		"absent":  func(r *rig) { r.kv.Delete(keys.Desired("web")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "exit 0")
			r.want(desired(1, "converged"))
			r.start()
			r.settled("converged")
			spoil(r)
			s := r.until("refusing", func(s states.Status) bool { return s.Phase == states.Refusing && s.Refused != "" })
			if s.State.Name != "converged" || !strings.Contains(s.Refused, "clusters/web/desired") {
				t.Errorf("it reports %s", text(s))
			}
			r.want(desired(2, "off"))
			if s := r.settled("off"); s.Refused != "" {
				t.Errorf("it still refuses: %s", s.Refused)
			}
		})
	}
}

func TestDeniedKeepsWhatItIs(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	r.want(desired(1, "converged"))
	r.client.Deny(keys.Desired("web"))
	r.start()
	r.until("refusing", func(s states.Status) bool { return s.Phase == states.Refusing && strings.Contains(s.Refused, "denied") })
	r.client.Deny()
	r.settled("converged")
}

func TestOrders(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	first := desired(1, "converged")
	r.want(first)
	r.start()
	r.settled("converged")
	second := closed(desired(2, "version 2"))
	second.From = []states.State{first.State}
	r.want(second)
	r.until("waiting for its turn", func(s states.Status) bool { return s.Phase == states.Waiting && s.Generation == 2 })
	r.kv.Put(keys.Order("web", "web-01"), "garbage")
	s := r.until("its order is garbage", func(s states.Status) bool { return strings.Contains(s.Refused, "orders/web-01") })
	if s.Phase != states.Waiting {
		t.Errorf("its phase is %s", s.Phase)
	}
	r.order(second, "run-1")
	s = r.settled("version 2")
	if s.Run.ID != "run-1" || s.Run.Under != states.UnderOrder || s.Refused != "" {
		t.Errorf("it reports %s", text(s))
	}
	r.order(second, "run-2") // it is there already
	s = r.until("success without a run", func(s states.Status) bool { return s.Run.ID == "run-2" })
	if !s.Run.OK() || !s.Run.Terminal || s.Phase != states.Settled {
		t.Errorf("it reports %s", text(s))
	}
}

func TestAgainIsDoneOnce(t *testing.T) {
	t.Parallel()
	trace := filepath.Join(t.TempDir(), "trace")
	r := newRig(t, "echo run >> "+trace)
	d := desired(1, "converged")
	r.want(d)
	r.start()
	r.settled("converged")
	d.Generation, d.Again = 2, "again-1"
	r.want(d)
	r.until("done again", func(s states.Status) bool { return s.AgainDone == "again-1" && s.Phase == states.Settled })
	d.Generation = 3
	r.want(d)
	r.until("settled", func(s states.Status) bool { return s.Generation == 3 && s.Phase == states.Settled })
	if got := len(lines(trace)); got != 2 {
		t.Errorf("it ran %d times", got)
	}
}

func TestTriesAndRetries(t *testing.T) {
	t.Parallel()
	trace := filepath.Join(t.TempDir(), "trace")
	r := newRig(t, "echo $ORCH_RUN >> "+trace+"; echo sorry; exit 3")
	first := closed(desired(1, "converged"))
	first.Retries = 2
	r.want(first)
	r.start()
	r.until("late", func(s states.Status) bool { return s.Generation == 1 })
	r.order(first, "run-1")
	s := r.until("failed", func(s states.Status) bool { return s.Phase == states.Failed })
	if ran := strings.Join(lines(trace), " "); ran != "run-1 run-1 run-1" {
		t.Errorf("it ran %q", ran)
	}
	if s.Run.Attempt != 3 || s.Run.Tries != 3 || !s.Run.Terminal || s.Run.Exit != 3 || s.Run.Tail[0] != "sorry" ||
		s.Failed.ID != "run-1" || s.Attempting.Name != "converged" || !s.State.None() {
		t.Errorf("it reports %s", text(s))
	}
	quiet(t, "it waits to be ordered again", func() bool { return r.status().Phase == states.Failed })
	r.order(first, "run-2") // a new order is a new chance
	s = r.until("failed again", func(s states.Status) bool { return s.Failed.ID == "run-2" })
	if s.Run.Attempt != 3 {
		t.Errorf("it reports %s", text(s))
	}
}

func TestFailsForEverUnderNewIDs(t *testing.T) {
	t.Parallel()
	mended := filepath.Join(t.TempDir(), "mended")
	trace := filepath.Join(t.TempDir(), "trace")
	r := newRig(t, "echo $ORCH_RUN >> "+trace+"; test -e "+mended)
	r.want(desired(1, "converged"))
	r.start()
	eventually(t, "two runs", func() bool { return len(lines(trace)) >= 2 }, func() string { return text(r.status()) })
	ran := lines(trace)
	if ran[0] == ran[1] || !strings.HasPrefix(ran[0], "r-") {
		t.Errorf("it ran %q", ran)
	}
	r.until("retrying", func(s states.Status) bool { return s.Phase == states.Retrying && s.Failed.ID != "" })
	if err := os.WriteFile(mended, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if s := r.settled("converged"); s.Failed.ID != "" {
		t.Errorf("it still reports the failure: %s", text(s.Failed))
	}
}

func TestATargetThatChangesWaitsForTheRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, `echo +$1 >> `+dir+`/trace; while test $1 = slow && ! test -e `+dir+`/go; do sleep 0.02; done; echo -$1 >> `+dir+`/trace`)
	r.want(desired(1, "slow"))
	r.start()
	r.until("converging", func(s states.Status) bool { return s.Phase == states.Converging })
	r.want(desired(2, "quick"))
	r.until("the mark moved", func(s states.Status) bool { return s.Generation == 2 && s.Phase == states.Converging })
	r.kv.Put(keys.Desired("web"), "garbage")
	r.until("it says so while it runs", func(s states.Status) bool { return s.Refused != "" && s.Phase == states.Converging })
	r.want(desired(3, "quick"))
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.settled("quick")
	if got := strings.Join(lines(dir+"/trace"), " "); got != "+slow -slow +quick -quick" {
		t.Errorf("it ran %s", got)
	}
}

func TestHeldAndFrozen(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	word := states.Word{By: "ada", Why: "disk swap", At: time.Now()}
	r.kv.Put(keys.Order("web", "web-01"), text(states.Order{Schema: states.Schema, Held: &word}))
	r.want(desired(1, "converged"))
	r.start()
	s := r.until("held", func(s states.Status) bool { return s.Phase == states.Held })
	if !strings.Contains(s.Reason, "by ada") || s.Run.ID != "" {
		t.Errorf("it reports %s", text(s))
	}
	r.kv.Put(keys.Freeze(), text(states.Freeze{Schema: states.Schema, Word: word}))
	r.kv.Delete(keys.Order("web", "web-01"))
	r.until("frozen", func(s states.Status) bool { return s.Phase == states.Frozen })
	r.kv.Put(keys.Freeze(), "garbage")
	r.until("frozen by garbage", func(s states.Status) bool {
		return s.Phase == states.Frozen && strings.Contains(s.Reason, "cannot be read")
	})
	r.kv.Delete(keys.Freeze())
	r.settled("converged")
}

func TestObserveRunsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	r.config.Observe = true
	r.want(desired(1, "converged"))
	r.start()
	s := r.until("observing", func(s states.Status) bool { return s.Phase == states.Observing })
	quiet(t, "it only watches", func() bool { return r.status().Run.ID == "" })
	if !strings.Contains(s.Reason, "it would converge") || !s.State.None() {
		t.Errorf("it reports %s", text(s))
	}
}

// Whoever watches a rollout sees what a converge says while it says it, at the pace of renewals.
func TestTheLastLineIsToldWhileItRuns(t *testing.T) {
	t.Parallel()
	gate := filepath.Join(t.TempDir(), "go")
	r := newRig(t, "echo first; echo applying 7 of 9; while [ ! -e "+gate+" ]; do sleep 0.05; done")
	r.start()
	r.want(desired(1, "on"))
	r.until("its last line", func(s states.Status) bool {
		return s.Run.Going() && slices.Equal(s.Run.Tail, []string{"applying 7 of 9"})
	})
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if s := r.settled("on"); !slices.Equal(s.Run.Tail, []string{"first", "applying 7 of 9"}) {
		t.Errorf("all of it once it has ended: %q", s.Run.Tail)
	}
}
