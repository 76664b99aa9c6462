package consulkv_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"orch/states"
	"orch/states/consulkv"
	"orch/states/store"
	"orch/states/storetest/consultest"
)

// agentRules are all the rights that the agent of web-01 needs, and no more.
const agentRules = `
key "orch/id"                          { policy = "read" }
key "orch/freeze"                      { policy = "read" }
key "orch/clusters/web/freeze"         { policy = "read" }
key "orch/clusters/web/desired"        { policy = "read" }
key "orch/clusters/web/orders/web-01"  { policy = "read" }
key "orch/clusters/web/status/web-01"  { policy = "write" }
session "here"                         { policy = "write" }
service "orch-web"                     { policy = "write" }
agent "here"                           { policy = "read" }
`

func denied(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, states.ErrDenied) {
		t.Errorf("%s: %v; want it denied", what, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestRightsOfAnAgent(t *testing.T) {
	server := consultest.Start(t)
	client := dial(t, server, agentRules)
	keys, _ := store.NewKeys("orch")
	agent := store.NewAgent(client, keys, "web", "web-01")
	if name, err := client.NodeName(t.Context()); name != "here" || err != nil {
		t.Errorf("the node calls itself %q, %v", name, err)
	}
	status := states.Status{Summary: "settled", Schema: states.Schema, Instance: "1nstance", Phase: states.Settled}
	_, err := agent.Enlist(t.Context(), "", status)
	must(t, err)

	leader := storeOn(t, dial(t, server, `key_prefix "orch/" { policy = "write" } session_prefix "" { policy = "write" }`))
	lease, err := leader.Campaign(t.Context(), "web", "ada@bastion", "")
	must(t, err)
	now, err := leader.Snapshot(t.Context(), "web")
	must(t, err)
	v := states.State{Name: "version", Argument: "42"}
	must(t, leader.Commit(t.Context(), lease, now, states.Change{
		Record: record(""), Entry: states.Entry{Schema: states.Schema, Seq: 1, Event: states.EventOrders},
		Desired: &states.Desired{Schema: states.Schema, Mark: states.Mark{Epoch: 1, Generation: 1, Transition: "t-1"}, State: v, Stable: v,
			Joiners: states.JoinersStable, Timeout: states.Duration(time.Minute)},
		Orders: map[string]states.Order{"web-01": {Schema: states.Schema, Transition: "t-1", Generation: 1, Instance: "1nstance", Run: "run-1",
			State: v, Timeout: states.Duration(time.Minute)}},
	}))

	ctx, cancel := context.WithCancel(t.Context())
	sights, ended := make(chan states.Sight), make(chan error, 1)
	go func() { ended <- agent.Follow(ctx, sights) }()
	sight := <-sights
	for !sight.Order.OK() || !sight.Desired.OK() {
		if sight.Trouble != "" {
			t.Fatalf("it sees %+v", sight)
		}
		sight = <-sights
	}
	running := status
	running.Phase, running.Run = states.Converging, states.Run{ID: "run-1"}
	must(t, agent.Claim(t.Context(), sight, status, running))
	must(t, agent.Report(t.Context(), status))
	must(t, agent.Renew(t.Context(), status))
	must(t, agent.Leave(t.Context()))
	cancel()
	<-ended
	must(t, lease.Release(context.Background()))

	_, err = client.Txn(t.Context(), []store.Op{{Verb: store.CAS, Key: keys.Desired("web"), Index: sight.Desired.Index}})
	denied(t, "an agent that writes the desired state", err)
	_, err = client.Txn(t.Context(), []store.Op{{Verb: store.CAS, Key: keys.Status("web", "web-011")}})
	denied(t, "an agent that writes another's status", err)
	_, err = storeOn(t, client).Campaign(t.Context(), "web", "an agent", "")
	denied(t, "an agent that takes the lease", err)
}

// A token that is replaced in its file is used at once, and one that is deleted is denied.
func TestTokenFileIsReadAgain(t *testing.T) {
	server := consultest.Start(t)
	good, bad := server.TokenFile(t, ""), server.TokenFile(t, `key_prefix "other/" { policy = "read" }`)
	client, err := consulkv.Open(consulkv.Config{Address: server.Address, TokenFile: bad})
	must(t, err)
	read := []store.Op{{Verb: store.GetOrEmpty, Key: "orch/id"}}
	_, err = client.Txn(t.Context(), read)
	denied(t, "reading with a token for something else", err)

	fresh, err := os.ReadFile(good)
	must(t, err)
	info, err := os.Stat(bad)
	must(t, err)
	must(t, os.WriteFile(bad+".new", fresh, 0o600))
	must(t, os.Rename(bad+".new", bad))
	must(t, os.Chtimes(bad, time.Time{}, info.ModTime())) // replaced within the resolution of its time
	_, err = client.Txn(t.Context(), read)
	must(t, err)

	must(t, os.WriteFile(bad, []byte("6f1b5e9a-dead-4000-8000-000000000000\n"), 0o600))
	_, err = client.Txn(t.Context(), read)
	denied(t, "reading with a token that Consul does not know", err)
	must(t, os.WriteFile(bad, fresh, 0o600))
	must(t, os.Chtimes(bad, time.Time{}, info.ModTime().Add(time.Second)))
	_, err = client.Txn(t.Context(), read)
	must(t, err)

	poor, err := os.ReadFile(server.TokenFile(t, `key_prefix "other/" { policy = "read" }`))
	must(t, err)
	must(t, os.WriteFile(bad, poor, 0o600))
	_, err = client.Txn(t.Context(), read)
	denied(t, "reading with the poor one again", err)
	info, err = os.Stat(bad)
	must(t, err)
	must(t, os.WriteFile(bad, fresh, 0o600)) // the same file, written over at the same time: nothing shows it
	must(t, os.Chtimes(bad, time.Time{}, info.ModTime()))
	_, err = client.Txn(t.Context(), read)
	denied(t, "reading with a token that looks as before", err)
	_, err = client.Txn(t.Context(), read)
	must(t, err)
	must(t, os.Chmod(bad, 0o644))
	if _, err := consulkv.Open(consulkv.Config{Address: server.Address, TokenFile: bad}); err == nil {
		t.Error("a token that everybody can read was taken")
	}
}

func TestFactsOfTheConsulAgent(t *testing.T) {
	server := consultest.Start(t)
	client := dial(t, server, "")
	if dc, err := client.WhereAmI(t.Context()); dc != "dc1" || err != nil {
		t.Errorf("the datacenter is %q, %v", dc, err)
	}
	if id := client.Accessor(t.Context()); len(id) != 36 {
		t.Errorf("the token's accessor id is %q", id)
	}
	if is, err := client.AmongServers(t.Context()); is || err != nil {
		t.Errorf("it is a server, and the only one: %v, %v", is, err)
	}
	if client.Address() != server.Address {
		t.Errorf("the address is %q", client.Address())
	}
	stranger := dial(t, server, `key_prefix "orch/" { policy = "read" }`)
	_, err := stranger.NodeName(t.Context())
	denied(t, "asking the Consul agent about itself", err)
}
