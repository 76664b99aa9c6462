package states

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Size is a number of nodes, or a percentage of some nodes. The zero Size is 0 nodes.
type Size struct {
	Count   int
	Percent bool // Count is a percentage
}

// Nodes and Percent are the two ways to write a Size.
func Nodes(n int) Size   { return Size{Count: n} }
func Percent(n int) Size { return Size{Count: n, Percent: true} }

// Of gives the size of a batch out of n nodes: percentages round down, and never to 0.
func (s Size) Of(n int) int { return max(1, s.Floor(n)) }

// Floor gives the size of a budget out of n nodes: percentages round down, also to 0.
func (s Size) Floor(n int) int {
	if s.Percent {
		return n * s.Count / 100
	}
	return s.Count
}

// Ceil gives a floor out of n nodes: percentages round up.
func (s Size) Ceil(n int) int {
	if s.Percent {
		return (n*s.Count + 99) / 100
	}
	return s.Count
}

// String spells the size as in a file, without quotes: 3, or 25%.
func (s Size) String() string {
	if s.Percent {
		return strconv.Itoa(s.Count) + "%"
	}
	return strconv.Itoa(s.Count)
}

// MarshalJSON writes a number, or a string with a percentage.
func (s Size) MarshalJSON() ([]byte, error) {
	if s.Percent {
		return json.Marshal(s.String())
	}
	return json.Marshal(s.Count)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Size) UnmarshalJSON(text []byte) error {
	*s = Size{}
	if json.Unmarshal(text, &s.Count) == nil {
		return nil
	}
	var quoted string
	if err := json.Unmarshal(text, &quoted); err != nil {
		return fmt.Errorf("read size %s: write a number of nodes, or a percentage in quotes", text)
	}
	number, found := strings.CutSuffix(quoted, "%")
	n, err := strconv.Atoi(number)
	if !found || err != nil {
		return fmt.Errorf("read size %q: write a number of nodes, or a percentage in quotes", quoted)
	}
	*s = Percent(n)
	return nil
}

// The words that policies choose from. The first of each group is built in.
const (
	PauseOnFailure    = "pause"
	ContinueOnFailure = "continue"
	RollbackOnFailure = "rollback"

	FailLost = "fail"
	SkipLost = "skip"

	JoinersDefault = "" // decided by the state: see DefaultJoiners
	JoinersStable  = "stable"
	JoinersTarget  = "target"
	JoinersWait    = "wait"

	ApproveNever           = "never"
	ApproveBeforeStart     = "before_start"
	ApproveAfterFirstBatch = "after_first_batch"
	ApproveAfterEachBatch  = "after_each_batch"

	OrderUnhealthyFirst = "unhealthy_first"
	OrderName           = "name"
	OrderRandom         = "random"
)

// Policy says how a cluster may be moved. Every field has a value: inheritance is done by whoever
// reads the file, and a transition's policy is copied into its record when it starts, so that
// editing a file never changes a running move.
type Policy struct {
	Batches          []Size   `json:"batches"`
	ConvergeTimeout  Duration `json:"converge_timeout"`
	Retries          int      `json:"retries"`
	RetryDelay       Duration `json:"retry_delay"`
	MaxFailures      Size     `json:"max_failures"`
	BatchFailures    *Size    `json:"batch_failures,omitempty"` // nil: no limit of its own
	MinHealthy       Size     `json:"min_healthy"`
	ProgressDeadline Duration `json:"progress_deadline,omitempty"` // 0: none
	Soak             Duration `json:"soak"`
	NodeOrder        string   `json:"node_order"`
	Seed             int      `json:"seed,omitempty"` // of node_order = "random"
	GroupBy          string   `json:"group_by,omitempty"`
	FirstGroupSoak   Duration `json:"first_group_soak,omitempty"` // after the first group, where that is longer than the soak
	Approve          string   `json:"approve"`
	OnFailure        string   `json:"on_failure"`
	OnLost           string   `json:"on_lost"`
	Joiners          string   `json:"joiners,omitempty"` // JoinersDefault where the file says nothing
}

// BuiltIn is the policy where no file says anything.
func BuiltIn() Policy {
	return Policy{
		Batches:         []Size{Nodes(1)},
		ConvergeTimeout: Duration(30 * time.Minute),
		RetryDelay:      Duration(15 * time.Second),
		NodeOrder:       OrderUnhealthyFirst,
		Approve:         ApproveNever,
		OnFailure:       PauseOnFailure,
		OnLost:          FailLost,
	}
}

// Batch gives the size of the n-th batch, counted from 0: the last size of the list repeats.
func (p Policy) Batch(n int) Size {
	if len(p.Batches) == 0 {
		return Nodes(1)
	}
	return p.Batches[min(n, len(p.Batches)-1)]
}
