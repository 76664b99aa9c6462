package orchestrator_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"orch/orchestrator"
	"orch/states"
	"orch/states/memkv"
	"orch/states/store"
)

// hostileValues are what somebody may put where a document has something else.
var hostileValues = []string{`null`, `""`, `0`, `-1`, `1`, `2`, `9007199254740992`, `9223372036854775807`, `18446744073709551615`, `1e300`, `true`, `false`,
	`[]`, `{}`, `[null]`, `"x"`, `"web-1"`, `"web-9"`, `"../web"`, `"1970-01-01T00:00:00Z"`, `"2999-01-01T00:00:00Z"`, `"2026-03-01T02:30:00Z"`,
	`"0001-01-01T00:00:00Z"`, `"9999-12-31T23:59:59Z"`, `"0s"`, `"-1h"`, `"1ns"`, `"87600h"`, `"2562047h"`, `"100%"`, `"0%"`, `"-5%"`, `1000000`,
	`"running"`, `"paused"`, `"done"`, `"aborted"`, `"failed"`, `"ok"`, `"open"`, `"order"`, `"rollback"`, `"continue"`, `"skip"`, `"resume"`, `"retry"`,
	`{"name":"off"}`, `{"name":"on","serving":true}`, `{"name":"gone"}`, `["web-1","web-2","web-3"]`, `[{"node":"web-1"},{"node":"web-1"}]`}

// stage is a cluster in mid-move, with everything that a leader reads, as it lies in a store.
var stage = map[string]string{
	"definition": "web",
	"desired": `{"schema":1,"epoch":3,"generation":4,"transition":"t-1","state":{"name":"on","serving":true},"stable":{"name":"off"},"previous":{"name":"off"},
		"from":[{"name":"off"},{}],"open":false,"joiners":"stable","again":"","reached":3,"known":["off","on"],"timeout":"1m","retries":1,"retry_delay":"1s","drain":[{"service":"web","wait":"5s"}]}`,
	"transition": `{"schema":1,"id":"t-1","request":"q-1","status":"running","cause":"","reason":"batch 1","by":"ada","start":{"name":"off"},"target":{"name":"on","serving":true},
		"hops":[{"state":{"name":"on","serving":true},"from":[{"name":"off"},{}],"policy":{"batches":[1,"50%"],"converge_timeout":"1m","retries":1,"retry_delay":"1s","max_failures":1,
		"batch_failures":1,"min_healthy":"10%","progress_deadline":"1h","soak":"0s","node_order":"unhealthy_first","seed":1,"group_by":"","approve":"never","on_failure":"pause","on_lost":"fail","joiners":"stable"},
		"drain":[{"service":"web","wait":"5s"}],"requires":[],"gate":[]}],"hop":0,"windows":[{"name":"w","schedule":"* * * * *","duration":"1h","time_zone":"UTC","on_close":"finish_batch"}],
		"overrides":[],"members":[{"node":"web-1"},{"node":"web-2"},{"node":"web-3","missing_since":"2026-03-01T02:01:00Z"}],
		"batch":{"number":1,"hop":0,"size":1,"seq":7,"nodes":["web-1"],"count":1,"ordered_at":"2026-03-01T02:00:10Z"},"past":0,
		"batches":[{"number":1,"hop":0,"size":1,"seq":5,"cut":true,"count":1,"ordered_at":"2026-03-01T02:00:00Z","ended":"2026-03-01T02:00:05Z"}],
		"approvals":[{"hop":0,"batch":0,"by":"ada","at":"2026-03-01T02:00:00Z"}],"counted":[{"node":"web-3","run":"r-9","kind":"lost","hop":0,"reason":"silent","at":"2026-03-01T02:01:00Z","batch":7}],
		"accepted":0,"started_at":"2026-03-01T02:00:00Z","hop_at":"2026-03-01T02:00:00Z","progress_at":"2026-03-01T02:00:10Z","journal":7,"answers":[]}`,
	"orders/web-1": `{"schema":1,"transition":"t-1","generation":4,"state":{"name":"on","serving":true},"instance":"i-1","run":"r-1","timeout":"1m","again":"","batch":7}`,
	"orders/web-2": `{"schema":1,"held":{"by":"ada","why":"disk","at":"2026-03-01T02:00:00Z","until":"2026-03-01T02:10:00Z"}}`,
	"status/web-1": `{"schema":1,"instance":"i-1","epoch":3,"generation":4,"transition":"t-1","state":{"name":"off"},"attempting":{"name":"on","serving":true},"phase":"converging","reason":"",
		"run":{"id":"r-1","state":{"name":"on","serving":true},"transition":"t-1","generation":4,"under":"order","attempt":1,"tries":2,"timeout":"1m","drain":"5s","started":"2026-03-01T02:00:12Z","terminal":false,"exit":0,"seconds":0},
		"failed":{"id":"r-0","state":{"name":"on"},"transition":"t-1","generation":3,"under":"order","attempt":1,"tries":1,"timeout":"1m","started":"2026-03-01T01:00:00Z","ended":"2026-03-01T01:00:02Z","outcome":"failed","terminal":true,"exit":1,"seconds":2},
		"again_done":"","since":"2026-03-01T02:00:12Z","meta":{"rack":"r1"}}`,
	"status/web-2": `{"schema":1,"instance":"i-2","epoch":3,"generation":4,"transition":"t-1","state":{"name":"off"},"phase":"held","reason":"","drift":{"reason":"changed","since":"2026-03-01T02:00:12Z"},"since":"2026-03-01T02:00:12Z"}`,
	"status/web-3": `{"schema":1,"instance":"i-3","epoch":3,"generation":4,"transition":"t-1","state":{"name":"off"},"phase":"waiting","reason":"","since":"2026-03-01T02:00:12Z"}`,
	"requests/q-2": `{"schema":1,"id":"q-2","kind":"transition","target":{"name":"off"},"via":[],"node":"web-1","nodes":["web-1"],"to":"","hop":0,"batch":0,"transition":"t-1","generation":4,
		"by":"ada","at":"2026-03-01T02:00:20Z","expires":"2026-03-01T03:00:20Z","supersede":true,"overrides":["members"]}`,
	"freeze": `{"schema":1,"by":"ada","at":"2026-03-01T01:00:00Z","until":"2026-03-01T01:30:00Z"}`,
	"leader": `{"schema":1,"who":"ada","since":"2026-03-01T01:00:00Z","epoch":3,"ttl":"30s"}`,
}

// stageDefinition is what Parse makes of the definition.
func stageDefinition(string) (states.Cluster, error) {
	policy := states.BuiltIn()
	return states.Cluster{Name: "web", Initial: "off", States: []states.StateDef{{Name: "off"}, {Name: "on", Serving: true}},
		Transitions: []states.Transition{{To: "off", From: []string{states.Any}, Policy: policy}, {To: "on", From: []string{"off", "on"}, Policy: policy}}}, nil
}

// edit replaces the value at a place of a document, counted through all of it, by another one.
func edit(text string, place int, value string) string {
	var document any
	if json.Unmarshal([]byte(text), &document) != nil {
		return value
	}
	var with any = json.RawMessage(value)
	seen := 0
	var walk func(at any) any
	walk = func(at any) any {
		if seen++; seen-1 == place && seen > 1 {
			return with
		}
		switch at := at.(type) {
		case map[string]any:
			for _, name := range sortedNames(at) {
				at[name] = walk(at[name])
			}
		case []any:
			for i := range at {
				at[i] = walk(at[i])
			}
		}
		return at
	}
	out, err := json.Marshal(walk(document))
	if err != nil { // the value is no JSON
		return text + value
	}
	return string(out)
}

func sortedNames(of map[string]any) []string {
	names := make([]string, 0, len(of))
	for name := range of {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// mostEdits of one input are looked at: a fuzzer makes them longer and longer, and hits less with each.
const mostEdits = 4

// FuzzPlan: whatever lies in the store, a leader that reads it does not fall over, decides in time, lets
// nobody go whom it should not, writes nothing that the next leader could not read, and does nothing
// without a reason. An edit is three bytes: which document, where in it, and what lies there instead.
func FuzzPlan(f *testing.F) {
	documents := make(map[string]any, len(stage))
	for key := range stage {
		documents[key] = nil
	}
	keys := sortedNames(documents)
	f.Add([]byte{}, "", uint16(0))
	for document := range keys {
		for place := range 40 {
			f.Add([]byte{byte(document), byte(place), byte(3 + 7*place)}, `"x"`, uint16(place))
		}
		f.Add([]byte{byte(document), 0, 0}, "{", uint16(1))
	}
	f.Fuzz(func(t *testing.T, edits []byte, own string, minutes uint16) {
		own = own[:min(len(own), 300)]
		texts := map[string]string{}
		for key, text := range stage {
			texts[key] = text
		}
		for edits = edits[:min(len(edits), 3*mostEdits)]; len(edits) >= 3; edits = edits[3:] {
			key, value := keys[int(edits[0])%len(keys)], own
			if n := int(edits[2]); n > 0 {
				value = hostileValues[n%len(hostileValues)]
			}
			if key != "definition" {
				texts[key] = edit(texts[key], int(edits[1]), value)
			}
		}
		leads(t, texts, start.Add(time.Duration(minutes)*time.Minute/10), minutes%8 == 0)
	})
}

// What the fuzzer begins with is a move that goes on: a batch that waits for web-1.
func TestStage(t *testing.T) {
	kv := memkv.New(time.Now)
	k, _ := store.NewKeys("orch")
	for key, text := range stage {
		kv.Put(k.Cluster("web")+key, text)
	}
	snapshot, err := store.New(kv.Client(), k, stageDefinition).Snapshot(t.Context(), "web")
	if err != nil || !snapshot.Record.OK() || !snapshot.Desired.OK() || !snapshot.Freeze.OK() || len(snapshot.Requests) != 1 || snapshot.Requests[0].Problem != "" {
		t.Fatalf("%v: %+v", err, snapshot)
	}
	for _, node := range snapshot.Nodes {
		if !node.Status.OK() || node.Order.Problem != "" {
			t.Errorf("%+v", node)
		}
	}
}

// paper is a store on which documents only lie: reading them takes a fraction of what a store takes that
// could also be written.
type paper struct {
	store.KV
	pairs []store.Pair
}

func (p paper) Txn(context.Context, []store.Op) ([]store.Pair, error) { return p.pairs, nil }

// laid is a store in which documents lie as they are, web-1, web-2 and the leader alive.
func laid(k store.Keys, texts map[string]string) *store.Store {
	var pairs []store.Pair
	for key, text := range texts {
		pair := store.Pair{Key: k.Cluster("web") + key, Value: []byte(text), Index: 7}
		if key == "leader" || key == "status/web-1" || key == "status/web-2" {
			pair.Session = "s-1"
		}
		pairs = append(pairs, pair)
	}
	return store.New(paper{pairs: pairs}, k, stageDefinition)
}

// written is the same in a store that a leader can write to, and its lease.
func written(t *testing.T, k store.Keys, texts map[string]string) (*store.Store, *states.Lease) {
	kv := memkv.New(time.Now)
	for key, text := range texts {
		kv.Put(k.Cluster("web")+key, text)
	}
	alive(t, kv, k)
	s := store.New(kv.Client(), k, stageDefinition)
	session, err := s.KV.NewSession(t.Context(), store.SessionSpec{TTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.KV.Txn(t.Context(), []store.Op{{Verb: store.Lock, Key: k.Leader("web"), Value: []byte(texts["leader"]), Session: session}}); err != nil {
		t.Fatal(err)
	}
	return s, &states.Lease{Cluster: "web", Session: session, Epoch: 4}
}

// leads lets a leader loose on documents, for as long as it finds steps to take, up to a few. Where it
// writes, the first of them goes through a store and is read again: that takes most of the time.
func leads(t *testing.T, texts map[string]string, now time.Time, writes bool) {
	k, err := store.NewKeys("orch")
	if err != nil {
		t.Fatal(err)
	}
	s, lease := laid(k, texts), (*states.Lease)(nil)
	if writes {
		s, lease = written(t, k, texts)
	}
	s.Memo = stageMemo
	snapshot, err := s.Snapshot(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	_ = orchestrator.AskFor(snapshot)
	leadsOut(t, snapshot, now)
	for step := range 8 {
		begun := time.Now()
		decision := orchestrator.Plan(snapshot, orchestrator.Leading{Who: "ada", Epoch: 4}, now)
		if took := time.Since(begun); took > 5*time.Second {
			t.Fatalf("it takes %s to decide", took)
		}
		if reasoned(t, snapshot, decision); decision.Change == nil {
			return
		}
		lets(t, snapshot, *decision.Change)
		if !writes || step > 0 {
			valid(t, *decision.Change)
			snapshot = orchestrator.After(snapshot, *decision.Change)
			continue
		}
		if err := s.Commit(t.Context(), lease, snapshot, *decision.Change); err != nil {
			if !errors.Is(err, states.ErrTooLarge) && !errors.Is(err, states.ErrConflict) {
				t.Fatalf("%s: %v\n%+v", decision.Reason, err, decision.Change)
			}
			return
		}
		if snapshot, err = s.Snapshot(t.Context(), "web"); err != nil {
			t.Fatal(err)
		}
	}
}

// leadsOut asks that there is a way out, wherever it lies: a recovery that can be read, that no agent
// refuses, and from which a leader goes on.
func leadsOut(t *testing.T, snapshot states.Snapshot, now time.Time) {
	t.Helper()
	broken := orchestrator.Broken(snapshot, now)
	if len(broken) > 0 && broken[0].Kind == "unborn" {
		return
	}
	change, err := orchestrator.Recover(snapshot, orchestrator.Recovery{Target: states.Ref{Name: "on"}, ID: "q-9", By: "ada", Healthy: true},
		orchestrator.Leading{Who: "ada", Epoch: 4}, now)
	if err != nil {
		t.Fatalf("nothing leads out of %+v: %v", broken, err)
	}
	valid(t, change)
	after := orchestrator.After(snapshot, change)
	if left := orchestrator.Broken(after, now.Add(time.Second)); left != nil {
		t.Fatalf("a recovery from %+v leaves %+v", broken, left)
	}
	for _, node := range snapshot.Nodes {
		mark := node.Status.Value.Mark
		if why := mark.Refuses(change.Desired.Mark); why != "" && mark.Planted(now) == "" {
			t.Fatalf("%s refuses a recovery: %s", node.Name, why)
		}
	}
}

// stageMemo has what nobody edited.
var stageMemo = store.NewMemo(4 << 20)

// valid asks that the next leader could read what is written.
func valid(t *testing.T, change states.Change) {
	t.Helper()
	if err := errors.Join(change.Record.Validate(), change.Entry.Validate()); err != nil {
		t.Fatalf("%s: %v", change.Entry.Reason, err)
	}
	if change.Desired != nil {
		if err := change.Desired.Validate(); err != nil {
			t.Fatalf("%s: %v", change.Entry.Reason, err)
		}
	}
	for name, order := range change.Orders {
		if err := order.Validate(); err != nil {
			t.Fatalf("%s: order of %s: %v", change.Entry.Reason, name, err)
		}
	}
}

// alive gives web-1 and web-2 sessions that hold what their agents say.
func alive(t *testing.T, kv *memkv.KV, k store.Keys) {
	for _, pair := range kv.All() {
		if name, found := strings.CutPrefix(pair.Key, k.Statuses("web")); found && name != "web-3" {
			caller := kv.Client()
			session, err := caller.NewSession(t.Context(), store.SessionSpec{TTL: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := caller.Txn(t.Context(), []store.Op{{Verb: store.Lock, Key: pair.Key, Value: pair.Value, Session: session}}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// reasoned asks that nothing is written where it cannot be known what stands there, and that whoever
// waits says why.
func reasoned(t *testing.T, snapshot states.Snapshot, d orchestrator.Decision) {
	t.Helper()
	broken := !snapshot.Record.OK() || !snapshot.Desired.OK()
	if broken && (d.Change != nil || len(d.Waits) == 0) {
		t.Fatalf("record %q, desired %q, and it decides %+v", snapshot.Record.Problem, snapshot.Desired.Problem, d)
	}
	if d.Change != nil && (d.Reason == "" || d.Change.Entry.Event == "") {
		t.Fatalf("a step without a reason: %+v", d.Change)
	}
	for _, wait := range d.Waits {
		if wait.Kind == "" || wait.Reason == "" && wait.Kind != "paused" && wait.Kind != "aborted" && wait.Kind != "open" {
			t.Fatalf("it waits without a reason: %+v", d.Waits)
		}
	}
}

// lets asks that orders are for live nodes of the batch that is written beside them, no more than its
// size.
func lets(t *testing.T, snapshot states.Snapshot, change states.Change) {
	t.Helper()
	batch := change.Record.Batch
	if !batch.Opened && len(batch.Nodes) > batch.Size {
		t.Fatalf("%d nodes in a batch of %d: %s", len(batch.Nodes), batch.Size, change.Entry.Reason)
	}
	for name, order := range change.Orders {
		node, _ := snapshot.Node(name)
		if order.Run == "" || order.Void != "" || order.Run == node.Order.Value.Run {
			continue
		}
		if !node.Alive || !node.Status.OK() || !slices.Contains(batch.Nodes, name) || node.Order.Value.Held != nil && node.Order.Value.HeldAt(change.Entry.At) != nil {
			t.Fatalf("%s is let go: %s", name, change.Entry.Reason)
		}
	}
}
