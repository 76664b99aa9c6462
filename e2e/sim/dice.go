package sim

import (
	"math/rand/v2"
	"time"
)

// dice are all chances of a story. Each throw is a function of the seed, of what it is for, and of how
// many such throws there were: nothing that another goroutine does first can change it.
type dice struct{ seed uint64 }

// throw gives the n-th chances of a lane.
func (d dice) throw(lane string, n uint64) *rand.Rand {
	h := uint64(14695981039346656037)
	for i := range len(lane) {
		h = (h ^ uint64(lane[i])) * 1099511628211
	}
	return rand.New(rand.NewPCG(d.seed^h, n*0x9E3779B97F4A7C15+h))
}

// between gives a duration, to the nanosecond: two things that are thrown for never happen at the same
// instant, which is what makes their order the seed's and not the scheduler's.
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(r.Int64N(int64(high-low)))
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }
