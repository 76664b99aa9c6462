package store

import (
	"bytes"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"orch/states"
)

// samples are documents of each kind with every field filled in, so that a fuzzer knows their names.
func samples() []any {
	var desired states.Desired
	var order states.Order
	var status states.Status
	var request states.Request
	var record states.Record
	var entry states.Entry
	var leader states.Leader
	var freeze states.Freeze
	var vote states.Vote
	var out []any
	for _, document := range []any{&desired, &order, &status, &request, &record, &entry, &leader, &freeze, &vote} {
		fill(reflect.ValueOf(document).Elem(), 0)
		out = append(out, document)
	}
	policy := states.BuiltIn()
	record.Status, record.Hop, record.Counted[0].Kind = states.Running, 0, states.CountFailed
	record.Hops[0].Policy, record.Hops[0].Rollback = policy, &policy
	attributes := sampleDesired().State
	desired.State, desired.Stable, desired.Previous, desired.From = attributes, attributes, attributes, []states.State{attributes}
	record.Start, record.Target, record.Hops[0].State, record.Hops[0].From = attributes, attributes, attributes, []states.State{attributes}
	order.State, status.State, status.Attempting = attributes, attributes, attributes
	desired.Joiners, desired.Known, request.Kind, vote.Outcome = states.JoinersWait, nil, states.AskTransition, states.GatePass
	return out
}

// fill puts something into every field.
func fill(v reflect.Value, depth int) {
	switch at := v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 3, 1, 2, 15, 0, 500, time.UTC)))
		return
	case states.Size:
		v.Set(reflect.ValueOf(states.Percent(25)))
		return
	case states.Duration:
		v.Set(reflect.ValueOf(states.Duration(90 * time.Second)))
		return
	case states.State:
		if depth > 4 || at.Digest != "" {
			return
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), depth+1)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), depth+1)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value, depth+1)
		v.SetMapIndex(reflect.ValueOf("web-01"), value)
	case reflect.String:
		v.SetString("x1")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint64:
		v.SetUint(1)
	}
}

// FuzzParse: whatever lies in the store, reading it ends, what was read is written and read again as
// the same, and what was refused is told in few words that can be shown.
func FuzzParse(f *testing.F) {
	for _, document := range append(samples(), sampleDesired(), sampleOrder(), sampleStatus(), sampleRequest()) {
		f.Add(encode(document))
	}
	for _, text := range []string{"", "{", "[]", `{"schema":1}`, `{"schema":99}`, `{"schema":1,"schema":1}`, `{"schema":1}{}`,
		`{"schema":1,"held":{"by":"ada","at":"2026-03-01T02:15:00+23:59"}}`, `{"schema":1,"at":"0000-01-01T00:00:00-23:59"}`,
		`{"schema":1,"void":"\ud800\u0000","seconds":1e308}`, "\ufeff{}", "{\"schema\":1,\"a\":\"\xff\"}", `{"Schema":1}`, "{\"\u017fchema\":1}",
		`{"schema":1,"outcome":"pass","by":"` + strings.Repeat("\u202e", 500) + `"}`, `{"schema":1,"instance":"` + strings.Repeat("x", 5000) + `"}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		again[states.Desired](t, text)
		again[states.Order](t, text)
		again[states.Status](t, text)
		again[states.Request](t, text)
		again[states.Record](t, text)
		again[states.Entry](t, text)
		again[states.Leader](t, text)
		again[states.Freeze](t, text)
		again[states.Vote](t, text)
	})
}

func again[T any](t *testing.T, text []byte) {
	before := bytes.Clone(text)
	doc := decode[T](nil, Pair{Key: "k", Value: text, Index: 7})
	if !bytes.Equal(before, text) {
		t.Fatalf("reading %q has changed it to %q", before, text)
	}
	if !doc.OK() {
		refused(t, doc.Problem, doc.Value)
		return
	}
	once := encode(doc.Value)
	if len(once) > maxDocument {
		return
	}
	second, err := parse[T](once)
	if err != nil {
		t.Fatalf("%T was read from %q, written as %q, and cannot be read again: %v", doc.Value, text, once, err)
	}
	if twice := encode(second); !bytes.Equal(once, twice) {
		t.Fatalf("%T was written as %q, and then as %q", doc.Value, once, twice)
	}
}

// refused asks that nothing of a refused document is there to be used, and that it is told.
func refused[T any](t *testing.T, problem string, value T) {
	if !reflect.ValueOf(value).IsZero() {
		t.Fatalf("part of a refused document is there to be used: %+v", value)
	}
	if problem == "" || len(problem) > 2000 || strings.ContainsFunc(problem, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Fatalf("the problem is told in %d bytes: %q", len(problem), problem)
	}
}

func TestSamplesCanBeRead(t *testing.T) {
	for _, document := range samples() {
		text := encode(document)
		var problem string
		switch document.(type) {
		case *states.Desired:
			problem = parses[states.Desired](string(text))
		case *states.Order:
			problem = parses[states.Order](string(text))
		case *states.Status:
			problem = parses[states.Status](string(text))
		case *states.Request:
			problem = parses[states.Request](string(text))
		case *states.Record:
			problem = parses[states.Record](string(text))
		case *states.Entry:
			problem = parses[states.Entry](string(text))
		case *states.Vote:
			problem = parses[states.Vote](string(text))
		}
		if problem != "" {
			t.Errorf("%T: %s\n%s", document, problem, text)
		}
	}
}

// FuzzKeys: whatever is used as a name, its key lies where keys of its kind lie, has no part that
// somebody could read otherwise, and two names that are allowed never share one.
func FuzzKeys(f *testing.F) {
	for _, name := range hostileNames {
		f.Add("orch", name, "web1", "web", name)
		f.Add(name, "web", name, name, "web1")
	}
	f.Add("team/orch", "web", "web1", "web", "web10")
	f.Fuzz(func(t *testing.T, prefix, cluster, node, otherCluster, otherNode string) {
		k, err := NewKeys(prefix)
		if err != nil {
			return
		}
		keys, model := spell(k, cluster, node), spell(k, "web", "web1")
		for what, key := range keys {
			if strings.Count(key, "/") != strings.Count(model[what], "/") || !strings.HasPrefix(key, strings.Trim(prefix, "/")+"/") {
				t.Fatalf("%s of %q and %q below %q is %q", what, cluster, node, prefix, key)
			}
			for segment := range strings.SplitSeq(strings.TrimSuffix(key, "/"), "/") {
				if segment != "_invalid_" && !states.ValidNode(segment) {
					t.Fatalf("%s of %q and %q has the part %q", what, cluster, node, segment)
				}
			}
		}
		if !states.ValidCluster(cluster) || !states.ValidCluster(otherCluster) || !states.ValidNode(node) || !states.ValidNode(otherNode) {
			return
		}
		if same := k.Status(cluster, node) == k.Status(otherCluster, otherNode); same != (cluster == otherCluster && node == otherNode) {
			t.Fatalf("%q of %q and %q of %q have the keys %q", node, cluster, otherNode, otherCluster, k.Status(cluster, node))
		}
	})
}

// FuzzSnapshot: whatever lies below a cluster, also at keys that nobody of orch writes, reading it
// gives each key once or not at all, and nodes in order.
func FuzzSnapshot(f *testing.F) {
	for _, document := range samples() {
		for _, key := range []string{"desired", "transition", "orders/web1", "status/web1", "requests/x1", "leader", "freeze", "definition", "journal/000000000001"} {
			f.Add(key, encode(document))
		}
	}
	for _, key := range []string{"", "orders/", "orders//x", "orders/../desired", "status/a/b", "journal/1", "journal/x", "journal/000000000000", "requests/..", "DESIRED"} {
		f.Add(key, []byte(`{"schema":1}`))
	}
	f.Fuzz(func(t *testing.T, key string, text []byte) {
		k, _ := NewKeys("orch")
		s := New(nil, k, func(string) (states.Cluster, error) { return states.Cluster{}, nil })
		pair := Pair{Key: k.Cluster("web") + key, Value: text, Index: 7, Created: 7}
		pairs := []Pair{pair, {Key: k.Status("web", "web1"), Value: encode(sampleStatus()), Index: 8}}
		if pair.Key == pairs[1].Key {
			pairs = pairs[:1]
		}
		snapshot := s.assemble("web", pairs)
		names := []string{}
		for _, node := range snapshot.Nodes {
			names = append(names, node.Name)
			if !states.ValidNode(node.Name) {
				t.Fatalf("%q is taken for a node called %q", key, node.Name)
			}
		}
		if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Fatalf("nodes %q", names)
		}
		ledger := states.Ledger{Snapshot: snapshot, Digests: map[string]string{}}
		s.enter(&ledger, key, pair)
		places := len(ledger.Pages) + len(ledger.Strays) + len(slices.Collect(maps.Keys(ledger.Digests)))
		if places > 1 {
			t.Fatalf("%q has %d places in the ledger: %+v", key, places, ledger)
		}
	})
}
