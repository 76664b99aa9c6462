package states

import "time"

// Until is the latest time at which a run may still go on although nobody hears of it: its wait for
// traffic to end, its own time, and what ending it takes. A slot is not free before that.
func (r Run) Until() time.Time {
	return r.Started.Add(r.Drain.D() + r.Timeout.D() + Grace(r.Timeout).D())
}
