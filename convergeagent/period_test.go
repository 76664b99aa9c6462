package convergeagent

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"orch/states"
)

// A node at rest converges again by itself, for as long as nothing keeps it from that.
func TestPeriod(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, "echo run >> "+dir+"/trace")
	r.config.Period = Period{Every: 200 * time.Millisecond, Splay: 100 * time.Millisecond}
	r.catalog.services["web"] = []string{"a"}
	d := resting(desired(1, "on"))
	d.Drains = []states.Drain{{Service: "web"}}
	ran := func() int { return len(lines(dir + "/trace")) }
	r.want(d)
	r.start()
	eventually(t, "three runs", func() bool { return ran() >= 3 }, func() string { return text(r.status()) })
	s := r.until("between two", func(s states.Status) bool { return s.Phase == states.Settled && s.Run.OK() })
	if s.Run.Under != states.UnderPeriod || !strings.HasPrefix(s.Run.ID, "r-") {
		t.Errorf("it reports %s", text(s))
	}
	if n := r.drainer.called("drain"); n != 1 {
		t.Errorf("nobody looks how many are out of the traffic at once, and %d were", n)
	}
	r.kv.Put(keys.Freeze(), text(states.Freeze{Schema: states.Schema, Word: states.Word{By: "ada", At: time.Now()}}))
	s = r.until("frozen", func(s states.Status) bool { return strings.Contains(s.Reason, "frozen by ada") })
	if s.Phase != states.Settled {
		t.Errorf("its phase is %s", s.Phase)
	}
	before := ran()
	quiet(t, "nothing runs while it is frozen", func() bool { return ran() == before })
	r.kv.Delete(keys.Freeze())
	eventually(t, "it goes on", func() bool { return ran() > before }, func() string { return text(r.status()) })
	d.Generation, d.Reached = 2, 1
	r.want(d)
	r.until("a move is under way", func(s states.Status) bool { return s.Generation == 2 && s.Phase == states.Settled })
	before = ran()
	quiet(t, "nothing runs in a move", func() bool { return ran() == before })
}

// A run of its period that fails leaves the node at no state; it tries again by itself, and is then
// where it was.
func TestAPeriodThatFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, "echo run >> "+dir+"/trace; ! test -e "+dir+"/broken")
	r.config.Period = Period{Every: 200 * time.Millisecond}
	r.want(resting(desired(1, "on")))
	r.start()
	r.settled("on")
	touch(t, dir+"/broken")
	s := r.until("failed", func(s states.Status) bool { return s.Failed.ID != "" })
	if s.Failed.Under != states.UnderPeriod || s.At(states.State{Name: "on"}) || s.Attempting.Name != "on" {
		t.Errorf("it reports %s", text(s))
	}
	s = r.until("it tries again", func(s states.Status) bool { return s.Phase == states.Retrying })
	if s.Run.Under != states.UnderPeriod {
		t.Errorf("it reports %s", text(s))
	}
	drop(t, dir+"/broken")
	if s = r.settled("on"); s.Failed.ID != "" {
		t.Errorf("it reports %s", text(s))
	}
}

// Agents that were restarted together do not run together.
func TestWhatIsOverdueIsSpread(t *testing.T) {
	now := time.Now()
	soon := 0
	for range 400 {
		a := New(Config{Log: nil, Period: Period{Every: time.Minute, Splay: time.Minute}})
		a.lastEnd, a.delays.now = now.Add(-time.Hour), now.Add(30*time.Second)
		a.pace = pace{began: now}
		if a.pace.rest(); a.overdue() {
			soon++
		}
	}
	if soon < 100 || soon > 300 {
		t.Errorf("half of the splay is over, and %d of 400 may go", soon)
	}
	a := New(Config{Period: Period{Every: time.Minute}})
	a.lastEnd, a.delays.now = now, now.Add(59*time.Second)
	if a.overdue() {
		t.Error("it goes before its time")
	}
	if a.delays.now = now.Add(time.Minute); !a.overdue() {
		t.Error("it does not go in time")
	}
	a.Period = Period{}
	if a.overdue() {
		t.Error(fmt.Sprint("it has no period: ", a.Period))
	}
}
