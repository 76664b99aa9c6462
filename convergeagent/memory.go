package convergeagent

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"

	"orch/states"
)

// memory is what the agent knows across restarts of itself and of its node.
type memory struct {
	Schema     int          `json:"schema"`
	Cluster    string       `json:"cluster"`
	Node       string       `json:"node"`
	Instance   string       `json:"instance"`
	Mark       states.Mark  `json:"mark"`
	State      states.State `json:"state,omitzero"`
	Attempting states.State `json:"attempting,omitzero"`
	AgainDone  string       `json:"again_done,omitempty"`
	Last       states.Run   `json:"last,omitzero"`
	Failed     states.Run   `json:"failed,omitzero"`
	Failures   int          `json:"failures"`
	Session    string       `json:"session,omitempty"`
	Again      string       `json:"again,omitempty"` // done with the success of the run going on
	Drained    []drained    `json:"drained,omitempty"`

	Drift   *states.Drift `json:"drift,omitempty"`   // that the node's check found; nil: none
	Repairs int           `json:"repairs,omitempty"` // of its own, since a check last found nothing

	Warrant states.WarrantMark `json:"warrant,omitzero"` // the newest that was followed
	Tree    string             `json:"id,omitempty"`     // of the tree of keys that was followed
}

// self is the memory as the rule sees it.
func (m memory) self(observe bool) states.Self {
	return states.Self{Instance: m.Instance, State: m.State, Attempting: m.Attempting, AgainDone: m.AgainDone,
		Last: m.Last, Failures: m.Failures, Observe: observe}
}

// begin notes a try before it is claimed: from now on the node is at no state. Again is what is done
// with its success.
func (m memory) begin(run states.Run, again string) memory {
	run.State = run.State.Short()
	m.Attempting, m.Last, m.Again = run.State, run, again
	return m
}

// end notes how the last try ended.
func (m memory) end(run states.Run) memory {
	again := m.Again
	m.Last, m.Again = run, ""
	switch {
	case run.OK():
		if m.Drift = nil; run.Under == states.UnderRepair {
			m.Repairs++
		} else if !m.State.Same(run.State) {
			m.Repairs = 0
		}
		m.State, m.Attempting, m.Failed, m.Failures = run.State.Short(), states.State{}, states.Run{}, 0
		if again != "" {
			m.AgainDone = again
		}
	case run.Terminal:
		if !m.Failed.State.Same(run.State) {
			m.Failures = 0
		}
		m.Failures++
		m.Failed = run
	}
	return m
}

func (m memory) validate(cluster, node string) error {
	switch {
	case m.Schema != states.Schema:
		return fmt.Errorf("its schema is %d, and this version understands %d", m.Schema, states.Schema)
	case m.Cluster != cluster || m.Node != node:
		return fmt.Errorf("it belongs to node %q of cluster %q, and this is node %q of cluster %q; give each its own directory",
			m.Node, m.Cluster, node, cluster)
	case m.Session != "" && !sessionID.MatchString(m.Session):
		return fmt.Errorf("its session %q is malformed", m.Session)
	case m.Failures < 0 || m.Repairs < 0:
		return errors.New("a number in it is below 0")
	case len(m.AgainDone) > maxWord || len(m.Again) > maxWord:
		return errors.New("a word in it is too long")
	case m.Tree != "" && !states.ValidID(m.Tree):
		return fmt.Errorf("the id %q of its Consul is malformed", states.Clip(m.Tree, 100))
	}
	for _, run := range []states.Run{m.Last, m.Failed} { // as for what lies in Consul, for all that is reported
		status := states.Status{Instance: m.Instance, Mark: m.Mark, State: m.State, Attempting: m.Attempting, Run: run}
		if err := errors.Join(status.Validate(), validRun(run)); err != nil {
			return err
		}
	}
	return nil
}

// Limits of what an agent notes; what Consul hands out as a session's id stays in a path of its API.
const maxWord = 256

var sessionID = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

func validRun(run states.Run) error {
	switch {
	case run.ID == "" && run.Terminal:
		return errors.New("a run in it has no id")
	case run.Attempt < 0 || run.Tries < 0 || run.Timeout < 0 || run.Drain < 0 || run.Seconds < 0:
		return fmt.Errorf("a number of run %q is below 0", run.ID)
	}
	return states.Status{Instance: "i", State: run.State}.Validate()
}

func randomID(prefix string, bytes int) string {
	raw := make([]byte, bytes)
	rand.Read(raw) // never fails
	return prefix + hex.EncodeToString(raw)
}
