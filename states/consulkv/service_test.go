package consulkv_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"orch/states/consulkv"
	"orch/states/storetest/consultest"
)

// shown is one node as Consul's catalog tells of it.
type shown struct {
	Service struct {
		ID   string
		Tags []string
	}
	Checks []struct{ CheckID, Name, Status, Output, ServiceID string }
}

// catalog waits until the catalog has caught up with the Consul agent, and shows what the UI shows.
func catalog(t *testing.T, server *consultest.Server, ok func([]shown) bool) {
	t.Helper()
	var nodes []shown
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		nodes = nil
		if err := json.Unmarshal(server.Must(t, "GET", "/v1/health/service/orch-web", ""), &nodes); err != nil {
			t.Fatal(err)
		}
		if ok(nodes) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the catalog shows %+v", nodes)
}

// is tells whether the only node there looks so, with one check of the service and none of ours on the node.
func is(tag, status, output string) func([]shown) bool {
	return func(nodes []shown) bool {
		if len(nodes) != 1 || nodes[0].Service.ID != "orch-web-web-01" || len(nodes[0].Service.Tags) != 1 || nodes[0].Service.Tags[0] != tag {
			return false
		}
		ours := 0
		for _, check := range nodes[0].Checks {
			if check.Name != "orch state" {
				continue
			}
			ours++
			if check.ServiceID != "orch-web-web-01" || check.CheckID != "orch-web-web-01-state" || check.Status != status || check.Output != output {
				return false
			}
		}
		return ours == 1
	}
}

func TestServiceIsShown(t *testing.T) {
	server := consultest.Start(t)
	service := &consulkv.Service{Client: dial(t, server, `service "orch-web" { policy = "write" }`), Cluster: "web", Node: "web-01", TTL: time.Minute}
	show := func(tag, status, output string) {
		t.Helper()
		if err := service.Show(t.Context(), tag, status, output); err != nil {
			t.Fatal(err)
		}
		catalog(t, server, is(tag, status, output))
	}
	show("no-state", "warning", "converging to version 41")
	show("version-41", "passing", "at version 41")
	show("version-41", "critical", "run failed: exit 1")
	show("version-42", "warning", "retrying")

	server.Must(t, "PUT", "/v1/agent/service/deregister/orch-web-web-01", "") // a Consul agent that forgot us
	if err := service.Show(t.Context(), "version-42", "passing", "at version 42"); err == nil {
		t.Error("showing what is not registered any more went well")
	}
	show("version-42", "passing", "at version 42")

	if err := service.Remove(t.Context()); err != nil {
		t.Error(err)
	}
	catalog(t, server, func(nodes []shown) bool { return len(nodes) == 0 })
}

// What a node says first is there at once, whatever status it has.
func TestTheFirstWordsOfANodeAreShown(t *testing.T) {
	server := consultest.Start(t)
	for _, status := range []string{"critical", "warning", "passing"} {
		service := &consulkv.Service{Client: dial(t, server, ""), Cluster: "web", Node: "web-01", TTL: time.Minute}
		if err := service.Show(t.Context(), "off", status, "in safe mode"); err != nil {
			t.Fatal(err)
		}
		catalog(t, server, is("off", status, "in safe mode"))
		if err := service.Remove(t.Context()); err != nil {
			t.Fatal(err)
		}
		catalog(t, server, func(nodes []shown) bool { return len(nodes) == 0 })
	}
}

// Where the agent says nothing any more, people must see it.
func TestSilenceIsCritical(t *testing.T) {
	server := consultest.Start(t)
	service := &consulkv.Service{Client: dial(t, server, ""), Cluster: "web", Node: "web-01", TTL: time.Second}
	if err := service.Show(t.Context(), "off", "passing", "at off"); err != nil {
		t.Fatal(err)
	}
	catalog(t, server, func(nodes []shown) bool {
		return len(nodes) == 1 && len(nodes[0].Checks) == 2 && nodes[0].Checks[0].Status+nodes[0].Checks[1].Status != "passingpassing"
	})
}

func TestServiceWithoutRights(t *testing.T) {
	server := consultest.Start(t)
	service := &consulkv.Service{Client: dial(t, server, `key_prefix "orch/" { policy = "read" }`), Cluster: "web", Node: "web-01", TTL: time.Minute}
	denied(t, "showing a node", service.Show(t.Context(), "off", "passing", "at off"))
	other := &consulkv.Service{Client: dial(t, server, ""), Cluster: "web", Node: "web-01", TTL: time.Minute}
	if err := other.Show(context.Background(), "off", "passing", "at off"); err != nil {
		t.Fatal(err)
	}
	denied(t, "removing another's", service.Remove(t.Context()))
}
