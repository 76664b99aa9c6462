package states

import (
	"fmt"
	"time"
)

// Mark is how far somebody has seen: epochs count the leaders of a cluster, generations every
// change of the desired state that agents must obey. Neither ever falls.
type Mark struct {
	Epoch      uint64 `json:"epoch"`
	Generation uint64 `json:"generation"`
	Transition string `json:"transition,omitempty"` // which transition that generation belongs to
}

// Zero tells whether nothing was ever accepted.
func (m Mark) Zero() bool { return m.Epoch == 0 && m.Generation == 0 }

// Refuses says why an agent with this mark must not follow next, or "". The comparison goes
// component by component: after a snapshot restore, a leader of a higher epoch may well count
// generations from a lower number again, and an order of pairs would let that through.
func (m Mark) Refuses(next Mark) string {
	switch {
	case next.Epoch < m.Epoch:
		return fmt.Sprintf("epoch %d is below %d, which this node accepted", next.Epoch, m.Epoch)
	case next.Generation < m.Generation:
		return fmt.Sprintf("generation %d is below %d, which this node accepted", next.Generation, m.Generation)
	case next.Generation == m.Generation && !m.Zero() && next.Transition != m.Transition:
		return fmt.Sprintf("generation %d belongs to transition %q, and this node accepted it for %q", next.Generation, next.Transition, m.Transition)
	}
	return ""
}

// MostCounted is as far as anybody can have counted epochs or generations until now: once in a
// microsecond, since 1970. No cluster comes near it. It keeps whoever may write into Consul from using
// up the counters: what is beyond it nobody follows, and whoever plants that very number is behind the
// next moment, in which a leader counts on. A clock that is years slow changes nothing.
func MostCounted(now time.Time) uint64 {
	return uint64(max(now.UnixMicro(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()))
}

// MostEntries is the same for the entries of a journal, whose numbers have twelve digits.
func MostEntries(now time.Time) uint64 { return MostCounted(now) / 10_000 }

// Believed gives a counter as it was read, or 0 where nobody can have counted so far.
func Believed(counter uint64, now time.Time) uint64 {
	if counter > MostCounted(now) {
		return 0
	}
	return counter
}

// Planted says why this mark cannot come of counting, or "". Nobody follows it, and nobody counts on
// from there.
func (m Mark) Planted(now time.Time) string {
	const why = "%s %d was never reached by counting; somebody planted it, unless this machine's clock is years slow"
	switch most := MostCounted(now); {
	case m.Epoch > most:
		return fmt.Sprintf(why, "epoch", m.Epoch)
	case m.Generation > most:
		return fmt.Sprintf(why, "generation", m.Generation)
	}
	return ""
}

// NextEpoch gives the epoch a new leader takes: above everything that was ever seen, wherever.
func NextEpoch(seen ...uint64) uint64 {
	var highest uint64
	for _, epoch := range seen {
		highest = max(highest, epoch)
	}
	return highest + 1
}
