package states

import "time"

// Schema is the number in every document. A reader that meets another one keeps what it has.
const Schema = 1

// Limits of Consul, with room to spare: a transaction takes 128 operations and 512 KiB in base64,
// which is 380 KiB of values.
const (
	MaxNodesPerTransaction = 60         // orders in one transaction; voiding takes two operations each
	MaxRecordBytes         = 312 * 1024 // a larger transition is refused before it starts: beside 60 orders, and what the journal notes of them, some 330 fit, and it grows
	MaxStatusBytes         = 8 * 1024   // the tail of a run's output is cut to fit
)

// MaxBackoff is the longest pause between two tries of an agent that may try for ever.
const MaxBackoff = 5 * time.Minute

// KillGrace is how long a run that was told to end at its timeout may take before it is killed.
func KillGrace(timeout Duration) Duration {
	return Duration(min(max(timeout.D()/10, time.Second), 10*time.Second))
}

// Grace is what a leader waits beyond an agent's own limits before it calls a run lost. It must
// exceed KillGrace plus the time of a report, or the bound on a batch is only on paper.
func Grace(timeout Duration) Duration {
	return KillGrace(timeout) + Duration(5*time.Second)
}

// Allowance is how long an order or an opened batch may take: every try with its delay and what an
// agent needs to end it, drains, and the grace. A leader that takes over counts it from the times in
// the record.
func (p Policy) Allowance(drain Duration) time.Duration {
	const grown = 40 // after so many doublings no delay grows any more
	try, tries := p.ConvergeTimeout.D()+KillGrace(p.ConvergeTimeout).D(), p.Retries+1
	total := drain.D() + Grace(p.ConvergeTimeout).D()
	for attempt := range min(tries, grown) {
		total = min(total+try+Backoff(p.RetryDelay, attempt+1), MaxDuration.D())
	}
	if last := try + Backoff(p.RetryDelay, grown); tries > grown && (MaxDuration.D()-total)/last < time.Duration(tries-grown) {
		return MaxDuration.D()
	} else if tries > grown {
		total += time.Duration(tries-grown) * last
	}
	return total
}

// Backoff is the pause before a node tries again, after so many failures in a row: the delay,
// doubled each time, at most MaxBackoff or the delay itself.
func Backoff(delay Duration, failures int) time.Duration {
	wait := delay.D()
	for range failures - 1 {
		if wait == 0 || wait >= MaxBackoff {
			break
		}
		wait *= 2
	}
	return max(delay.D(), min(wait, MaxBackoff))
}

// DefaultJoiners is what a late node does where the policy says nothing: a state that serves
// nobody must be reached at once, so that the node does not start; any other state is unproven
// until everybody reached it.
func DefaultJoiners(policy string, state State) string {
	switch {
	case policy != JoinersDefault:
		return policy
	case state.Serving:
		return JoinersStable
	}
	return JoinersTarget
}
