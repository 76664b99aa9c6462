package sense_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"orch/orchestrator"
	"orch/orchestrator/sense"
	"orch/states"
	"orch/states/consulkv"
	"orch/states/store"
	"orch/states/storetest/consultest"
)

const (
	dbDesired = `{"schema":1,"epoch":1,"generation":2,"transition":"t-7","state":{"name":"version","argument":"18","serving":true},
		"stable":{"name":"version","argument":"17","serving":true},"joiners":"stable","timeout":"1m"}`
	dbRecord = `{"schema":1,"id":"t-7","status":"done","target":{"name":"version","argument":"18","serving":true},
		"hops":[{"state":{"name":"version","argument":"18","serving":true},"policy":{"batches":[1],"converge_timeout":"30m0s","max_failures":0,"min_healthy":0,
		"node_order":"name","approve":"never","on_failure":"pause","on_lost":"fail","joiners":""}}]}`
)

// everything is a question of each kind.
func everything(url string) orchestrator.Ask {
	return orchestrator.Ask{
		Cluster: "web", Transition: "t-1", Batch: 1,
		Checks: []states.Gate{{Kind: states.GateConsulCheck, Name: "passing", Service: "web"}, {Kind: states.GateConsulCheck, Name: "alive", Checks: []string{"web-ttl"}}},
		Gates: []states.Gate{
			{Kind: states.GateHTTP, Name: "errors", URL: states.Template{url}, Timeout: states.Duration(time.Minute)},
			{Kind: states.GateCommand, Name: "lag", Timeout: states.Duration(time.Minute)},
			{Kind: states.GateCommand, Name: "qa", Timeout: states.Duration(time.Minute)},
		},
		Primary:   &states.Primary{Service: "web", Tag: "primary"},
		Elsewhere: []string{"db", "cache"},
	}
}

// A leader's senses on a real Consul, all of them at once.
func TestSensesOnConsul(t *testing.T) {
	server := consultest.Start(t)
	server.Must(t, "PUT", "/v1/catalog/register", `{"Node":"web-01","Address":"127.0.0.1","Service":{"ID":"web","Service":"web","Tags":["primary"]},
		"Check":{"CheckID":"web-ttl","Name":"ttl","ServiceID":"web","Status":"warning","Output":"slow"}}`)
	server.Must(t, "PUT", "/v1/kv/orch/clusters/db/desired", dbDesired)
	server.Must(t, "PUT", "/v1/kv/orch/clusters/db/transition", dbRecord)
	server.Must(t, "PUT", "/v1/kv/orch/gates/qa", `{"schema":1,"outcome":"pass","by":"carol"}`)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("0.2%")) }))
	defer endpoint.Close()
	w := open(t, server, "")
	w.Programs = func() (map[string][]string, error) {
		return map[string][]string{"lag": {"/bin/sh", "-c", "echo 7 s behind; exit 1"}}, nil
	}

	news, got := make(chan struct{}, 1), states.Evidence{}
	for got = w.Sense(t.Context(), everything(endpoint.URL), news); len(got.Gates) < 3; got = w.Sense(t.Context(), everything(endpoint.URL), news) {
		select {
		case <-news:
		case <-time.After(20 * time.Second):
			t.Fatalf("gates did not answer: %+v", got.Gates)
		}
	}
	check := func(id string) states.Checks {
		return states.Checks{Checks: []states.Check{{Node: "web-01", ID: id, Status: "warning", Output: "slow"}}}
	}
	want := states.Evidence{
		Gates: map[string]states.Reading{
			"errors": {Outcome: states.GatePass, Text: "200 OK: 0.2%"},
			"lag":    {Outcome: states.GateFail, Text: "7 s behind"},
			"qa":     {Outcome: states.GatePass, Text: "pass by carol"},
		},
		Checks:    map[string]states.Checks{"passing": check("web"), "alive": check("web-ttl")},
		Primary:   states.Primaries{Nodes: []string{"web-01"}},
		Elsewhere: map[string]states.Elsewhere{"db": {There: true, Settled: true, State: states.State{Name: "version", Argument: "18", Serving: true}}, "cache": {}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(time.Time{}), cmpopts.IgnoreFields(states.Elsewhere{}, "Index")); diff != "" {
		t.Error(diff)
	}
	if got.Elsewhere["db"].Index == 0 {
		t.Error("nothing could be let go only while db stays where it is")
	}
}

// Without rights nothing passes and nothing is missing: nobody can tell.
func TestSensesWithoutRights(t *testing.T) {
	server := consultest.Start(t)
	server.Must(t, "PUT", "/v1/catalog/register", `{"Node":"web-01","Address":"127.0.0.1","Service":{"ID":"web","Service":"web","Tags":["primary"]}}`)
	w := open(t, server, `key_prefix "orch/clusters/web/" { policy = "write" }`)
	ask := everything("")
	ask.Gates = ask.Gates[2:]
	got := w.Sense(t.Context(), ask, nil)
	for name, checks := range got.Checks {
		if checks.Problem == "" || checks.Checks != nil {
			t.Errorf("checks of %s: %+v", name, checks)
		}
	}
	for name, there := range got.Elsewhere {
		if there.Problem == "" {
			t.Errorf("cluster %s: %+v", name, there)
		}
	}
	if got.Primary.Problem == "" || got.Gates["qa"].Outcome != states.GateUnknown || len(got.Checks) != 2 || len(got.Elsewhere) != 2 {
		t.Errorf("%+v", got)
	}
}

// open makes senses with a token of those rights.
func open(t *testing.T, server *consultest.Server, rules string) *sense.World {
	t.Helper()
	client, err := consulkv.Open(consulkv.Config{Address: server.Address, TokenFile: server.TokenFile(t, rules)})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.NewKeys("orch")
	if err != nil {
		t.Fatal(err)
	}
	w := sense.New(client, store.New(client, keys, nil), func() (map[string][]string, error) { return nil, nil })
	t.Cleanup(w.Close)
	return w
}
