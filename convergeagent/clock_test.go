package convergeagent

import (
	"sync/atomic"
	"testing"
	"time"

	"orch/states"
)

// What lasts for a while does not care what somebody sets the clock to; what ends at a time of day does.
func TestAClockThatJumps(t *testing.T) {
	t.Parallel()
	const years = 87600 * time.Hour
	dir := t.TempDir()
	r := rigIn(t, dir, "f='"+dir+"/tried'; [ -e $f ] || { touch $f; exit 1; }")
	var off atomic.Int64
	r.config.Clock = func() time.Time { return time.Now().Add(time.Duration(off.Load())) }
	word := states.Word{By: "ada", Why: "disk swap", At: time.Now(), Until: time.Now().Add(time.Hour)}
	r.kv.Put(keys.Order("web", "web-01"), text(states.Order{Schema: states.Schema, Held: &word}))
	d := desired(1, "converged")
	d.Retries, d.RetryDelay = 1, states.Duration(700*time.Millisecond)
	r.want(d)
	r.start()
	r.until("held", func(s states.Status) bool { return s.Phase == states.Held })
	off.Store(int64(years)) // the hold is over by this clock
	r.until("retrying", func(s states.Status) bool { return s.Phase == states.Retrying })
	r.kv.Delete(keys.Order("web", "web-01"))
	off.Store(-int64(years)) // and the pause is not ten years longer, nor over
	s := r.settled("converged")
	if since := time.Since(s.Since); since < years-time.Hour {
		t.Errorf("it is settled since %s, by a clock that is ten years slow", s.Since)
	}
}
