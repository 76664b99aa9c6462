package convergeagent

import (
	"math/rand/v2"
	"time"

	"orch/states"
)

// Period is how often a node that is where it should be converges once more without being told, as
// the daemon of a tool of configuration management does. The zero one: never.
type Period struct {
	Every time.Duration // after the end of its last run
	Splay time.Duration // at most so much later, by chance, so that nodes do not run together
}

// pace is where the agent is in its period, by a clock that nobody sets.
type pace struct {
	began time.Time // this process of the agent
	share float64   // of the splay, drawn anew for each period
}

// rest draws how late the end of the next period is.
func (p *pace) rest() { p.share = rand.Float64() }

// overdue tells whether the period is over. Whatever came while the agent was not there is spread
// from its start on: many agents may have been restarted together.
func (a *Agent) overdue() bool {
	if a.Period.Every <= 0 {
		return false
	}
	end := a.lastEnd.Add(a.Period.Every)
	if end.Before(a.pace.began) {
		end = a.pace.began
	}
	wait := end.Add(time.Duration(a.pace.share * float64(a.Period.Splay))).Sub(a.delays.now)
	if wait > 0 {
		a.delays.wait("period", wait)
	}
	return wait <= 0
}

// drains are the services that a run takes out of the traffic. One that is the node's own idea takes
// out none: nobody else looks how many do so at once.
func (a *Agent) drains(under string) []states.Drain {
	if (states.Run{Under: under}).Own() {
		return nil
	}
	return a.accepted.Drains
}
