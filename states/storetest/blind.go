package storetest

import (
	"testing"

	"orch/states"
)

var blindTests = []test{
	{"a token that may list no cluster is told so", clustersDenied},
}

func clustersDenied(t *testing.T, h Harness) {
	keys := keysOf(t, h)
	blind := storeOn(t, h, h.Client(keys.Clusters()))
	if names, err := blind.Clusters(t.Context()); err != nil || len(names) != 0 {
		t.Errorf("where nothing lies: %q, %v", names, err) // Consul does not tell
	}
	for _, name := range []string{"db", "web"} {
		h.Put(keys.Definition(name), name)
	}
	_, err := blind.Clusters(t.Context())
	wantErr(t, "listing clusters", err, states.ErrDenied)
	nobody := storeOn(t, h, h.Client(keys.ID(), keys.Clusters()))
	_, err = nobody.Clusters(t.Context())
	wantErr(t, "listing clusters without any right", err, states.ErrDenied)
	some := storeOn(t, h, h.Client(keys.Cluster("db")))
	if names, err := some.Clusters(t.Context()); err != nil || join(names) != "web" {
		t.Errorf("with a right to one of two: %q, %v", names, err)
	}
}
