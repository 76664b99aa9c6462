package convergeagent

import "time"

// Pauses between tries of what does not work: they grow, and stay short enough that an agent is not
// deaf for minutes after Consul is back.
const (
	firstPause = 250 * time.Millisecond
	lastPause  = 10 * time.Second
)

// delays are the things that were put off, by name. All questions of one turn of the loop are asked
// at the same instant, so that nothing falls between two of them.
type delays struct {
	now time.Time // by a clock that nobody sets
	day time.Time // by the host's, which somebody may
	of  map[string]delay
}

type delay struct {
	next  time.Time
	pause time.Duration
}

// ready tells whether something may be tried now.
func (d *delays) ready(what string) bool { return !d.now.Before(d.of[what].next) }

// later puts off what did not work, longer each time.
func (d *delays) later(what string) {
	pause := min(max(2*d.of[what].pause, firstPause), lastPause)
	d.of[what] = delay{next: time.Now().Add(pause), pause: pause}
}

// wait puts something off for a known time.
func (d *delays) wait(what string, pause time.Duration) {
	d.of[what] = delay{next: d.now.Add(pause)}
}

// until puts something off to a time of day; the zero time: nothing is.
func (d *delays) until(what string, at time.Time) {
	if at.IsZero() {
		d.worked(what)
		return
	}
	d.wait(what, at.Sub(d.day))
}

// worked forgets that something was put off.
func (d *delays) worked(what string) { delete(d.of, what) }

// set makes a timer ring when the first of the things put off is due. What was due in this turn
// already and was not tried is not wanted now.
func (d *delays) set(timer *time.Timer) {
	var first time.Time
	for _, delay := range d.of {
		if delay.next.After(d.now) && (first.IsZero() || delay.next.Before(first)) {
			first = delay.next
		}
	}
	timer.Stop()
	if !first.IsZero() {
		timer.Reset(time.Until(first))
	}
}
