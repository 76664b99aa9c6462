package consulkv_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orch/states"
	"orch/states/consulkv"
	"orch/states/storetest/consultest"
)

// fleet puts two nodes with a service into the catalog, and one without.
func fleet(t *testing.T, server *consultest.Server) {
	t.Helper()
	type m = map[string]any
	check := func(id, service, status, output string) m {
		return m{"CheckID": id, "Name": id, "ServiceID": service, "Status": status, "Output": output}
	}
	for _, node := range []m{
		{"Node": "web-01", "Service": m{"ID": "web-1", "Service": "web", "Tags": []string{"primary", "v41"}}, "Checks": []m{
			check("disk", "", "passing", "42% used"), check("web-http", "web-1", "warning", "slow\nvery slow"),
		}},
		{"Node": "web-02", "Service": m{"ID": "web-2", "Service": "web", "Tags": []string{"replica"}}, "Checks": []m{
			check("disk", "", "critical", "full"), check("web-http", "web-2", "warning", "slow"),
		}},
		{"Node": "web-03", "Service": m{"ID": "web-3", "Service": "web"}},
		{"Node": "db-01", "Service": m{"ID": "db", "Service": "db"}, "Checks": []m{check(`odd "one" `+"`\\", "db", "passing", "")}},
	} {
		node["Address"] = "127.0.0.1"
		text, err := json.Marshal(node)
		must(t, err)
		server.Must(t, "PUT", "/v1/catalog/register", string(text))
	}
}

func same(t *testing.T, want, got any, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestChecks(t *testing.T) {
	server := consultest.Start(t)
	fleet(t, server)
	client := dial(t, server, "")

	got, err := client.ServiceChecks(t.Context(), "web")
	same(t, []states.Check{
		{Node: "web-01", ID: "web-1", Status: "warning", Output: "slow"},
		{Node: "web-02", ID: "web-2", Status: "critical", Output: "full"},
		{Node: "web-03", ID: "web-3", Status: "passing"},
	}, sorted(got), err)
	got, err = client.ServiceChecks(t.Context(), "mail")
	same(t, 0, len(got), err)

	got, err = client.ChecksByID(t.Context(), []string{"disk", `odd "one" ` + "`\\"})
	same(t, []states.Check{
		{Node: "db-01", ID: `odd "one" ` + "`\\", Status: "passing"},
		{Node: "web-01", ID: "disk", Status: "passing", Output: "42% used"},
		{Node: "web-02", ID: "disk", Status: "critical", Output: "full"},
	}, sorted(got), err)
	got, err = client.ChecksByID(t.Context(), []string{`x" or Status != "`})
	same(t, 0, len(got), err)
}

func sorted(checks []states.Check) []states.Check {
	slices.SortFunc(checks, func(a, b states.Check) int { return strings.Compare(a.Node+a.ID, b.Node+b.ID) })
	return checks
}

// Maintenance is worse than critical, on the service as on the node.
func TestMaintenance(t *testing.T) {
	server := consultest.Start(t)
	client := dial(t, server, "")
	server.Must(t, "PUT", "/v1/agent/service/register", `{"ID":"web-1","Name":"web","Check":{"TTL":"1m","Status":"critical"}}`)
	is := func(status, output string) {
		t.Helper()
		catalogShows(t, client, "web", states.Check{Node: "here", ID: "web-1", Status: status, Output: output})
	}
	is("critical", "")
	server.Must(t, "PUT", "/v1/agent/service/maintenance/web-1?enable=true&reason=drained", "")
	is("maintenance", "drained")
	server.Must(t, "PUT", "/v1/agent/service/maintenance/web-1?enable=false", "")
	is("critical", "")
	server.Must(t, "PUT", "/v1/agent/maintenance?enable=true&reason=new+disk", "")
	is("maintenance", "new disk")
}

// catalogShows waits until the servers know what was told to the Consul agent.
func catalogShows(t *testing.T, client *consulkv.Client, service string, want states.Check) {
	t.Helper()
	var checks []states.Check
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var err error
		checks, err = client.ServiceChecks(t.Context(), service)
		must(t, err)
		if len(checks) == 1 && checks[0] == want {
			return
		}
	}
	t.Fatalf("the catalog shows %+v, not %+v", checks, want)
}

func TestTagged(t *testing.T) {
	server := consultest.Start(t)
	fleet(t, server)
	client := dial(t, server, "")
	got, err := client.Tagged(t.Context(), "web", "primary")
	same(t, []string{"web-01"}, got, err)
	got, err = client.Tagged(t.Context(), "web", "leader")
	same(t, 0, len(got), err)
}

func TestHolder(t *testing.T) {
	server := consultest.Start(t)
	client := dial(t, server, "")
	holder := func(want string) {
		t.Helper()
		got, err := client.Holder(t.Context(), "service/db/leader")
		same(t, want, got, err)
	}
	holder("") // no such key
	server.Must(t, "PUT", "/v1/kv/service/db/leader", "nobody yet")
	holder("")
	var session struct{ ID string }
	must(t, json.Unmarshal(server.Must(t, "PUT", "/v1/session/create", `{"Name":"db","NodeChecks":[]}`), &session))
	server.Must(t, "PUT", "/v1/kv/service/db/leader?acquire="+session.ID, "me")
	holder("here")

	stranger := dial(t, server, `key_prefix "service/" { policy = "read" }`)
	_, err := stranger.Holder(t.Context(), "service/db/leader")
	denied(t, "reading a session that is hidden", err)
	_, err = stranger.Holder(t.Context(), "other/leader")
	denied(t, "reading a lock that may not be read", err)

	server.Must(t, "PUT", "/v1/session/destroy/"+session.ID, "")
	holder("")
}

// What Consul hides is a denial, and never an instance that is not there.
func TestHiddenChecks(t *testing.T) {
	server := consultest.Start(t)
	fleet(t, server)
	for name, rules := range map[string]string{
		"nothing":      `key_prefix "orch/" { policy = "read" }`,
		"no service":   `node_prefix "" { policy = "read" }`,
		"no node":      `service_prefix "" { policy = "read" }`,
		"half of them": `service_prefix "" { policy = "read" } node "web-01" { policy = "read" }`,
	} {
		client := dial(t, server, rules)
		_, err := client.ServiceChecks(t.Context(), "web")
		denied(t, name+": the checks of a service", err)
		_, err = client.ChecksByID(t.Context(), []string{"disk"})
		denied(t, name+": checks by their ids", err)
		_, err = client.Tagged(t.Context(), "web", "replica")
		denied(t, name+": who carries a tag", err)
	}
	enough := dial(t, server, `service "web" { policy = "read" } node_prefix "" { policy = "read" }`)
	got, err := enough.ServiceChecks(t.Context(), "web")
	same(t, 3, len(got), err)

	t.Setenv("CONSUL_HTTP_TOKEN", "")
	nobody, err := consulkv.Open(consulkv.Config{Address: server.Address})
	must(t, err)
	_, err = nobody.ServiceChecks(t.Context(), "web") // Consul does not say to strangers that it hides something
	denied(t, "without a token", err)
	_, err = nobody.ChecksByID(t.Context(), []string{"disk"})
	denied(t, "without a token", err)
}

// Where Consul asks nobody for a token, nothing is simply nothing; and every read is consistent.
func TestChecksOfAnOpenConsul(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, consistent := q.URL.Query()["consistent"]
		switch {
		case strings.HasPrefix(q.URL.Path, "/v1/acl/"):
			http.Error(w, "ACL support disabled", http.StatusUnauthorized)
		case consistent:
			_, _ = w.Write([]byte("[]"))
		default:
			http.Error(w, "that could be stale", http.StatusBadRequest)
		}
	}))
	defer server.Close()
	t.Setenv("CONSUL_HTTP_TOKEN", "")
	client, err := consulkv.Open(consulkv.Config{Address: server.URL})
	must(t, err)
	checks, err := client.ServiceChecks(t.Context(), "web")
	same(t, 0, len(checks), err)
	checks, err = client.ChecksByID(t.Context(), []string{"disk"})
	same(t, 0, len(checks), err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = client.Tagged(ctx, "web", "primary"); !errors.Is(err, states.ErrUnavailable) {
		t.Errorf("a call that was given up: %v", err)
	}
}
