package states

import "time"

// Batch is the nodes let go together. An opened batch has no list of orders, but the nodes that
// were not there yet.
type Batch struct {
	Number  int       `json:"number"` // from 1, within the hop
	Hop     int       `json:"hop"`
	Size    int       `json:"size"` // fixed when the batch begins
	Note    string    `json:"note,omitempty"`
	Group   string    `json:"group,omitempty"` // that its nodes are of, with group_by
	Seq     uint64    `json:"seq"`             // journal entry that began it; run ids are derived from it
	Opened  bool      `json:"opened,omitempty"`
	Cut     bool      `json:"cut,omitempty"` // ended by a stop; it is begun again, at the same size
	Nodes   []string  `json:"nodes,omitempty"`
	Count   int       `json:"count"` // of nodes
	Failed  int       `json:"failed,omitempty"`
	Before  int       `json:"before,omitempty"`  // healthy nodes when it began
	Healthy int       `json:"healthy,omitempty"` // that are expected once it is over: fewer after the soak stop the move
	Ordered time.Time `json:"ordered_at"`
	Ended   time.Time `json:"ended_at,omitzero"`
}

// MaxBatches is how many ended batches a record keeps: a move of one node at a time through thousands
// must not outgrow a transaction. The journal has all of them.
const MaxBatches = 250

// Over counts the batches of the hop in progress that ended. One that a stop cut short is begun again
// under its number, and does not count.
func (r *Record) Over() int {
	n := r.Past
	for _, b := range r.Batches {
		if b.Hop == r.Hop && !b.Cut {
			n++
		}
	}
	return n
}

// Trim drops the oldest ended batches where there are too many.
func (r *Record) Trim() {
	for len(r.Batches) > MaxBatches {
		if oldest := r.Batches[0]; oldest.Hop == r.Hop && !oldest.Cut {
			r.Past++
		}
		r.Batches = r.Batches[1:]
	}
}
