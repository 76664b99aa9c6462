package convergeagent

import (
	"testing"
	"time"

	"orch/states"
)

// What an operator said until some time is over then, without news; what somebody else said is not.
func TestWordsThatEndByThemselves(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	r.config.TTL, r.inbox.Again = time.Hour, time.Hour // neither a renewal nor another look wakes it
	word := states.Word{By: "ada", At: time.Now()}
	short := func() states.Word { w := word; w.Until = time.Now().Add(700 * time.Millisecond); return w }
	held := short()
	r.kv.Put(keys.Order("web", "web-01"), text(states.Order{Schema: states.Schema, Held: &held}))
	r.want(desired(1, "converged"))
	r.start()
	r.until("held", func(s states.Status) bool { return s.Phase == states.Held })
	if s := r.settled("converged"); s.Run.Started.Before(held.Until) {
		t.Errorf("it went before %s: %s", held.Until, text(s))
	}

	restart := func() {
		t.Helper()
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		r.start() // its first sight has everything
	}
	frozen := short()
	r.kv.Put(keys.Freeze(), text(states.Freeze{Schema: states.Schema, Word: frozen}))
	r.want(desired(2, "version 2"))
	restart()
	r.until("frozen", func(s states.Status) bool { return s.Phase == states.Frozen })
	if s := r.settled("version 2"); s.Run.Started.Before(frozen.Until) {
		t.Errorf("it went before %s: %s", frozen.Until, text(s))
	}

	r.kv.Put(keys.ClusterFreeze("web"), text(states.Freeze{Schema: states.Schema, Word: word})) // beside the one that is over
	r.want(desired(3, "version 3"))
	restart()
	s := r.until("frozen", func(s states.Status) bool { return s.Phase == states.Frozen || s.State.Argument == "3" })
	if s.Phase != states.Frozen {
		t.Errorf("a freeze that is over hides the other: %s", text(s))
	}
	r.kv.Delete(keys.ClusterFreeze("web"))
	restart()
	r.settled("version 3")
}
