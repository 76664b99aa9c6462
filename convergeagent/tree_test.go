package convergeagent

import (
	"strings"
	"testing"

	"orch/states"
	"orch/states/memkv"
	"orch/states/store"
)

// elsewhere has a rig's agent talk to another Consul, as after a change of its address.
func (r *rig) elsewhere(id string) {
	r.kv = memkv.New(nil)
	r.client = r.kv.Client()
	r.inbox = store.NewAgent(r.client, keys, "web", "web-01")
	r.inbox.TTL = r.config.TTL
	r.config.Inbox, r.config.Presence = r.inbox, r.inbox
	if id != "" {
		r.kv.Put(keys.ID(), id)
	}
}

// knowsThisOne is an agent that followed the Consul "this-one", and was stopped.
func knowsThisOne(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, "exit 0")
	r.kv.Put(keys.ID(), "this-one")
	r.want(desired(1, "converged"))
	r.start()
	r.settled("converged")
	if err := r.leave(); err != nil {
		t.Fatal(err)
	}
	return r
}

// Where Consul is, an agent is told when it starts: that is when it may be told the wrong one. What another
// datacenter's cluster of the same name is to be is nothing to this node, however far that counts.
func TestAnotherConsulAfterARestart(t *testing.T) {
	t.Parallel()
	r := knowsThisOne(t)
	r.elsewhere("another-one")
	r.want(desired(7, "off"))
	r.start()
	s := r.until("refusing", func(s states.Status) bool { return s.Phase == states.Refusing })
	for _, want := range []string{`"another-one"`, `"this-one"`, "another datacenter", `consul { id = "another-one" }`} {
		if !strings.Contains(s.Reason, want) {
			t.Errorf("it says nothing of %s: %s", want, s.Reason)
		}
	}
	if s.State.Name != "converged" || s.Generation != 1 || s.Tree != "this-one" {
		t.Errorf("it reports %s", text(s))
	}
	if err := r.leave(); err != nil {
		t.Fatal(err)
	}
	r.config.Tree = "another-one" // somebody means it
	r.start()
	if s := r.settled("off"); s.Tree != "another-one" {
		t.Errorf("it reports %s", text(s))
	}
	if err := r.leave(); err != nil {
		t.Fatal(err)
	}
	r.config.Tree = "" // once is enough
	r.want(desired(8, "converged"))
	r.start()
	r.settled("converged")
}

// A Consul that lost everything has no id either: that is no other one, and what agents knew it by is told.
func TestAConsulWithoutAnID(t *testing.T) {
	t.Parallel()
	r := knowsThisOne(t)
	r.elsewhere("")
	r.start()
	r.until("its id", func(s states.Status) bool { return s.Tree == "this-one" })
	r.want(desired(2, "off"))
	r.settled("off")
}
