package states

import "fmt"

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

// NextEpoch gives the epoch a new leader takes: above everything that was ever seen, wherever.
func NextEpoch(seen ...uint64) uint64 {
	var highest uint64
	for _, epoch := range seen {
		highest = max(highest, epoch)
	}
	return highest + 1
}
