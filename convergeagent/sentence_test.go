package convergeagent

import (
	"testing"

	"orch/states"
)

// What is said of a node in Consul is a sentence that says nothing twice.
func TestTheSentenceOfANode(t *testing.T) {
	at := states.State{Name: "version", Argument: "41"}
	for _, c := range []struct {
		phase        states.Phase
		reason, want string
	}{
		{states.Settled, "at version 41, as it should be", "web-01 is settled at version 41, as it should be"},
		{states.Held, "held by ada since 12:00:00Z: disk swap", "web-01 is held at version 41 by ada since 12:00:00Z: disk swap"},
		{states.Held, "disabled on this node by ada", "web-01 is held at version 41: disabled on this node by ada"},
		{states.Drifted, "its check says exit 3", "web-01 is drifted at version 41: its check says exit 3"},
	} {
		if got := sentence("web-01", c.phase, at, c.reason); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
