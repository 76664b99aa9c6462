package store

import (
	"strings"
	"testing"

	"orch/states"
)

var hostileNames = []string{
	"", ".", "..", "/", "a/b", "../leader", "web1/../web2", "web1/", "/web1", " web1", "web1 ", "web 1", "web\x001", "web\n1",
	"wéb", "%2e%2e", "web?raw", "web#1", "web*", "-web", "web-", "_web", ".web", "web.", strings.Repeat("x", 129), "leader\u202e", "\\",
}

// spell makes every key that has names in it.
func spell(k Keys, cluster, node string) map[string]string {
	return map[string]string{
		"cluster":    k.Cluster(cluster),
		"definition": k.Definition(cluster),
		"leader":     k.Leader(cluster),
		"desired":    k.Desired(cluster),
		"record":     k.Record(cluster),
		"freeze":     k.ClusterFreeze(cluster),
		"gate":       k.Gate(node),
		"orders":     k.Orders(cluster),
		"statuses":   k.Statuses(cluster),
		"requests":   k.Requests(cluster),
		"journal":    k.Journal(cluster),
		"entry":      k.Entry(cluster, 7),
		"order":      k.Order(cluster, node),
		"status":     k.Status(cluster, node),
		"request":    k.Request(cluster, node),
	}
}

func TestHostileNamesSpellNoOtherKey(t *testing.T) {
	k, err := NewKeys("orch")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range hostileNames {
		if states.ValidNode(name) {
			t.Errorf("%q is a valid name", name)
		}
		for what, key := range spell(k, name, name) {
			good := spell(k, "web", "web1")[what]
			if strings.Count(key, "/") != strings.Count(good, "/") || !strings.HasPrefix(key, good[:strings.LastIndex(good, "/")]) && !strings.HasPrefix(key, "orch/clusters/") {
				t.Errorf("%s of %q is %q", what, name, key)
			}
			for segment := range strings.SplitSeq(strings.TrimSuffix(key, "/"), "/") {
				if segment == "" || segment == "." || segment == ".." || strings.ContainsAny(segment, " %?#*\\\x00\n") {
					t.Errorf("%s of %q is %q", what, name, key)
				}
			}
		}
	}
}

// A name that is refused must not share its key with one that is not.
func TestNobodyCanBeCalledInvalid(t *testing.T) {
	k, _ := NewKeys("orch")
	if name := last(k.Order("web", "..")); states.ValidNode(name) || states.ValidCluster(name) || states.ValidID(name) {
		t.Errorf("hostile names share the key of a node that may be called %q", name)
	}
}

func TestKeysAreDifferent(t *testing.T) {
	k, _ := NewKeys("/team/orch/")
	seen := map[string]string{}
	keys := spell(k, "web", "web1")
	keys["id"], keys["everybody's freeze"], keys["clusters"] = k.ID(), k.Freeze(), k.Clusters()
	keys["another node's status"], keys["another cluster's"] = k.Status("web", "web10"), k.Leader("web1")
	for what, key := range keys {
		if seen[key] != "" {
			t.Errorf("%s and %s are both %q", what, seen[key], key)
		}
		seen[key] = what
		if !strings.HasPrefix(key, "team/orch/") {
			t.Errorf("%s is %q", what, key)
		}
	}
	if a, b := k.Entry("web", 9), k.Entry("web", 10); a >= b {
		t.Errorf("entry %q does not sort before %q", a, b)
	}
}

func TestPrefix(t *testing.T) {
	for _, prefix := range []string{"", "/", "a//b", "a/../b", ".", "a b", "a%2fb"} {
		if k, err := NewKeys(prefix); err == nil {
			t.Errorf("prefix %q is taken: %q", prefix, k.ID())
		}
	}
}
