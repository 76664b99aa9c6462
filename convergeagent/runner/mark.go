package runner

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// mark says whose a run is and how to find what is left of it. It lies in the run's folder, and in the
// lock of the host while the run goes on.
type mark struct {
	Schema  int       `json:"schema"`
	Cluster string    `json:"cluster"`
	Node    string    `json:"node"`
	Run     string    `json:"run"`
	PID     int       `json:"pid"`   // the runner's
	Start   uint64    `json:"start"` // of that process, in ticks since the boot: a number is used again
	Boot    string    `json:"boot"`
	Cgroup  string    `json:"cgroup,omitempty"` // of the run, where it has one
	Since   time.Time `json:"since"`
}

// markOf is the mark of this process as the runner of a task.
func markOf(task Task, cgroup string) (mark, error) {
	start, err := startOf(os.Getpid())
	return mark{Schema: Schema, Cluster: task.Cluster, Node: task.Node, Run: task.Run, PID: os.Getpid(), Start: start,
		Boot: BootID(), Cgroup: cgroup, Since: time.Now().UTC().Truncate(time.Second)}, err
}

func (m mark) String() string {
	return fmt.Sprintf("run %s of node %s of cluster %s, process %d, since %s", m.Run, m.Node, m.Cluster, m.PID, m.Since.Format("15:04:05 MST"))
}

// rebooted tells whether the machine was started anew since a boot. Where that cannot be told, it was not: what
// is looked for and is not there costs nothing.
func rebooted(since string) bool {
	now := BootID()
	return since != "" && now != "" && since != now
}

// there tells whether this very runner can still do something.
func (m mark) there() bool {
	start, err := startOf(m.PID)
	return err == nil && start == m.Start && m.Boot == BootID()
}

// signal reaches this very runner, or nobody.
func (m mark) signal(signal syscall.Signal) error {
	return process{pid: m.PID, start: m.Start}.signal(signal)
}
