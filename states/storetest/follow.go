package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"orch/states"
	"orch/states/store"
)

var followTests = []test{
	{"following: from nothing to an order", followBirth},
	{"following: garbage comes with its problem, and is mended", followGarbage},
	{"following: an equal value is no news", followEqual},
	{"following: freezes are looked at from time to time", followFreeze},
	{"following: what is denied is trouble, never absence", followDenied},
	{"following: another datacenter is trouble", followForeign},
	{"following a cluster", followCluster},
	{"following: a restore is news", followRestore},
	{"the id is made once", makeID},
	{"clusters are listed", listClusters},
}

// following is an agent's follower and what it delivered.
type following struct {
	*testing.T
	sights chan states.Sight
}

func follow(t *testing.T, a *store.Agent) following {
	ctx, cancel := context.WithCancel(t.Context())
	f := following{t, make(chan states.Sight)}
	ended := make(chan error, 1)
	go func() { ended <- a.Follow(ctx, f.sights) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("following ended with %v", err)
		}
	})
	return f
}

// until takes sights until one looks as wanted.
func (f following) until(what string, ok func(states.Sight) bool) states.Sight {
	f.Helper()
	var last states.Sight
	for deadline := time.After(patient); ; {
		select {
		case last = <-f.sights:
			if ok(last) {
				return last
			}
		case <-deadline:
			f.Fatalf("waited %s for: %s; last seen: %+v", patient, what, last)
		}
	}
}

// put writes a document, as a leader would.
func put(t *testing.T, h Harness, key string, document any) {
	t.Helper()
	text, err := json.Marshal(document)
	must(t, err)
	h.Put(key, string(text))
}

func followBirth(t *testing.T, h Harness) {
	a := agentOn(t, h, h.KV, "web1")
	f := follow(t, a)
	first := f.until("the first sight", func(states.Sight) bool { return true })
	if first.Desired.There() || first.Order.There() || first.Trouble != "" {
		t.Errorf("where nothing lies it sees %+v", first)
	}
	put(t, h, a.Keys.Desired(cluster), desired(1))
	f.until("the desired state", func(s states.Sight) bool { return s.Desired.OK() && s.Desired.Value.State.Same(v42) })
	put(t, h, a.Keys.Order(cluster, "web2"), order("run-2")) // not ours
	put(t, h, a.Keys.Order(cluster, "web1"), order("run-1"))
	last := f.until("the order", func(s states.Sight) bool { return s.Order.OK() })
	if last.Order.Value.Run != "run-1" || !last.Desired.OK() {
		t.Errorf("it sees %+v", last)
	}
	h.Delete(a.Keys.Order(cluster, "web1"))
	f.until("no order", func(s states.Sight) bool { return !s.Order.There() })
}

func followGarbage(t *testing.T, h Harness) {
	a := agentOn(t, h, h.KV, "web1")
	key := a.Keys.Desired(cluster)
	put(t, h, key, desired(1))
	f := follow(t, a)
	f.until("the desired state", func(s states.Sight) bool { return s.Desired.OK() })
	for _, garbage := range []string{"", "{", "[]", `{"schema":99}`} {
		h.Put(key, garbage)
		bad := f.until("garbage", func(s states.Sight) bool {
			return s.Desired.There() && s.Desired.Problem != "" && s.Desired.Index == read(t, h.KV, key).Index
		})
		if bad.Trouble != "" || bad.Desired.Value.Generation != 0 {
			t.Errorf("%q looks like %+v", garbage, bad)
		}
	}
	put(t, h, key, desired(2))
	f.until("it mended", func(s states.Sight) bool { return s.Desired.OK() && s.Desired.Value.Generation == 2 })
}

// A sight may come twice, as any sight may; what must not come is a document that looks newer.
func followEqual(t *testing.T, h Harness) {
	a := agentOn(t, h, h.KV, "web1")
	a.Again = time.Hour
	key := a.Keys.Desired(cluster)
	put(t, h, key, desired(1))
	index := read(t, h.KV, key).Index
	f := follow(t, a)
	f.until("the desired state", func(s states.Sight) bool { return s.Desired.OK() })
	put(t, h, key, desired(1))
	put(t, h, key, desired(2))
	f.until("the change", func(s states.Sight) bool {
		if s.Desired.Value.Generation == 1 && s.Desired.Index != index {
			t.Errorf("an equal write moved the desired state from %d to %d", index, s.Desired.Index)
		}
		return s.Desired.Value.Generation == 2
	})
}

func followFreeze(t *testing.T, h Harness) {
	a := agentOn(t, h, h.KV, "web1")
	f := follow(t, a)
	word := states.Freeze{Summary: "frozen", Schema: states.Schema, Word: states.Word{By: "ada", At: instant}}
	put(t, h, a.Keys.Freeze(), word)
	f.until("everybody's freeze", func(s states.Sight) bool { return s.Frozen.OK() && s.Frozen.Value.By == "ada" })
	put(t, h, a.Keys.ClusterFreeze(cluster), word)
	f.until("the cluster's freeze", func(s states.Sight) bool { return s.Freeze.OK() && s.Frozen.OK() })
	h.Delete(a.Keys.Freeze())
	f.until("the end of the first", func(s states.Sight) bool { return s.Freeze.OK() && !s.Frozen.There() })
}

func followDenied(t *testing.T, h Harness) {
	keys := keysOf(t, h)
	put(t, h, keys.Desired(cluster), desired(1))
	for _, denied := range []string{keys.Desired(cluster), keys.Order(cluster, "web1"), keys.Freeze()} {
		f := follow(t, agentOn(t, h, h.Client(denied), "web1"))
		got := f.until("trouble", func(s states.Sight) bool { return strings.Contains(s.Trouble, "denied") })
		if got.Desired.There() || got.Order.There() {
			t.Errorf("with %s denied it sees %+v", denied, got)
		}
	}
}

func followForeign(t *testing.T, h Harness) {
	a := agentOn(t, h, h.KV, "web1")
	h.Put(a.Keys.ID(), "this one")
	put(t, h, a.Keys.Desired(cluster), desired(1))
	f := follow(t, a)
	f.until("the desired state", func(s states.Sight) bool { return s.Desired.OK() })
	h.Put(a.Keys.ID(), "another one")
	f.until("trouble, and nothing else", func(s states.Sight) bool {
		return strings.Contains(s.Trouble, "another datacenter") && !s.Desired.There()
	})
	h.Put(a.Keys.ID(), "this one")
	f.until("the end of it", func(s states.Sight) bool { return s.Trouble == "" && s.Desired.OK() })
}

func followCluster(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	ctx, cancel := context.WithCancel(t.Context())
	news, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() { ended <- s.Follow(ctx, cluster, news) }()
	<-news // as it is
	enlist(t, agentOn(t, h, h.KV, "web1"))
	<-news
	must(t, s.File(t.Context(), cluster, request("r1")))
	<-news
	cancel()
	wantErr(t, "following", <-ended, context.Canceled)
}

func followRestore(t *testing.T, h Harness) {
	h = h.Alone(t)
	a := agentOn(t, h, h.KV, "web1")
	a.Wait = h.TTL / 4 // until then a restore may go unnoticed
	key := a.Keys.Desired(cluster)
	put(t, h, key, desired(1))
	restore := h.Save()
	put(t, h, key, desired(2))
	f := follow(t, a)
	f.until("the newest", func(s states.Sight) bool { return s.Desired.Value.Generation == 2 })
	restore()
	f.until("what was restored", func(s states.Sight) bool { return s.Desired.Value.Generation == 1 })
	put(t, h, key, desired(3))
	f.until("what comes after", func(s states.Sight) bool { return s.Desired.Value.Generation == 3 })
}

func makeID(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	for _, fresh := range []string{"first", "second"} {
		if id, err := s.MakeID(t.Context(), fresh); err != nil || id != "first" {
			t.Errorf("making id %q gives %q, %v", fresh, id, err)
		}
	}
}

func listClusters(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	if names, err := s.Clusters(t.Context()); err != nil || len(names) != 0 {
		t.Errorf("where nothing lies: %q, %v", names, err)
	}
	for _, name := range []string{"web", "db"} {
		h.Put(s.Keys.Definition(name), name)
	}
	h.Put(s.Keys.Clusters()+"stray", "no cluster")
	h.Put(s.Keys.Clusters()+"No_Name/definition", "no cluster")
	if names, err := s.Clusters(t.Context()); err != nil || join(names) != "db web" {
		t.Errorf("the clusters are %q, %v", names, err)
	}
	h.Put(s.Keys.Definition("web"), "garbage")
	if now := snapshot(t, s); now.Definition.Problem == "" || now.Source != "garbage" {
		t.Errorf("a definition that cannot be read looks like %+v", now.Definition)
	}
}
