package consulkv_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"orch/states"
	"orch/states/consulkv"
	"orch/states/storetest/consultest"
)

func register(t *testing.T, server *consultest.Server, id, rest string) {
	t.Helper()
	server.Must(t, "PUT", "/v1/agent/service/register", `{"ID": "`+id+`", "Name": "web"`+rest+`}`)
}

func instances(t *testing.T, m *consulkv.Maintenance, want ...states.ServiceInstance) {
	t.Helper()
	got, err := m.Instances(t.Context(), "web")
	byID := map[string]states.ServiceInstance{}
	for _, each := range got {
		byID[each.ID] = each
	}
	wanted := map[string]states.ServiceInstance{}
	for _, each := range want {
		wanted[each.ID] = each
	}
	same(t, wanted, byID, err)
}

func TestMaintenanceOfInstances(t *testing.T) {
	server := consultest.Start(t)
	m := &consulkv.Maintenance{Client: dial(t, server, `service "web" { policy = "write" }`)}
	instances(t, m)

	register(t, server, "a", "")
	register(t, server, "b", `, "Check": {"TTL": "1h", "Status": "critical"}`)
	register(t, server, "c/d e", `, "Check": {"TTL": "1h", "Status": "warning"}`)
	server.Must(t, "PUT", "/v1/agent/service/register", `{"ID": "db", "Name": "db"}`)
	a, b, c := states.ServiceInstance{ID: "a"}, states.ServiceInstance{ID: "b"}, states.ServiceInstance{ID: "c/d e"}
	instances(t, m, a, b, c)

	must(t, m.Drain(t.Context(), "a", "orch run r-1 to version 42"))
	must(t, m.Drain(t.Context(), "c/d e", "orch run r-1 to version 42"))
	a.Maintenance, a.Reason = true, "orch run r-1 to version 42"
	c.Maintenance, c.Reason = true, a.Reason
	instances(t, m, a, b, c)
	must(t, m.Drain(t.Context(), "a", "another reason")) // the first one stays
	instances(t, m, a, b, c)

	register(t, server, "a", `, "Tags": ["again"]`) // as a converge may do: it stays drained
	instances(t, m, a, b, c)

	must(t, m.Restore(t.Context(), "a"))
	must(t, m.Restore(t.Context(), "a")) // nothing is left to do
	a.Maintenance, a.Reason = false, ""
	instances(t, m, a, b, c)

	for name, err := range map[string]error{
		"drain":   m.Drain(t.Context(), "gone", "x"),
		"restore": m.Restore(t.Context(), "gone"),
	} {
		if err == nil || errors.Is(err, states.ErrUnknownOutcome) || errors.Is(err, states.ErrDenied) {
			t.Errorf("%s what is not there: %v", name, err)
		}
	}
}

// What a token may not see must not look like what is not there.
func TestMaintenanceWithoutRights(t *testing.T) {
	server := consultest.Start(t)
	register(t, server, "a", "")
	blind := &consulkv.Maintenance{Client: dial(t, server, `service "orch-web" { policy = "write" }`)}
	_, err := blind.Instances(t.Context(), "web")
	denied(t, "looking", err)
	reader := &consulkv.Maintenance{Client: dial(t, server, `service "web" { policy = "read" }`)}
	instances(t, reader, states.ServiceInstance{ID: "a"})
	denied(t, "draining", reader.Drain(t.Context(), "a", "x"))
	denied(t, "restoring", reader.Restore(t.Context(), "a"))
}

func TestMaintenanceWithoutConsul(t *testing.T) {
	client, err := consulkv.Open(consulkv.Config{Address: "127.0.0.1:1"})
	must(t, err)
	m := &consulkv.Maintenance{Client: client}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := m.Instances(ctx, "web"); !errors.Is(err, states.ErrUnavailable) {
		t.Errorf("looking: %v", err)
	}
	if err := m.Drain(ctx, "a", "x"); !errors.Is(err, states.ErrUnavailable) {
		t.Errorf("draining: %v", err)
	}
	if err := m.Restore(ctx, "a"); !errors.Is(err, states.ErrUnavailable) {
		t.Errorf("restoring: %v", err)
	}
}
