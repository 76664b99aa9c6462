package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"orch/orchestrator"
	"orch/states"
	"orch/states/consulkv"
	"orch/states/hclfile"
	"orch/states/store"
)

// clean asks fsck, which must find nothing.
func (f *field) clean() {
	f.t.Helper()
	if text := f.ok("fsck", "web"); !strings.Contains(text, "web: clean") || strings.Contains(text, "unchecked") {
		f.t.Errorf("fsck says:\n%s", text)
	}
}

// spoil changes a key as somebody does in the Consul UI.
func (f *field) spoil(key, old, changed string) {
	f.t.Helper()
	text := f.consul.get(key)
	if !strings.Contains(text, old) {
		f.t.Fatalf("%s has no %q:\n%s", key, old, text)
	}
	f.consul.put(key, strings.Replace(text, old, changed, 1))
}

// A rollout leaves a journal that replays. Then every key is edited with the HTTP API, and entries
// are edited, deleted, swapped: fsck names each.
func TestFsckNamesWhatWasEdited(t *testing.T) {
	const dir = "clusters/web/"
	entry := func(n int) string { return fmt.Sprintf("%sjournal/%012d", dir, n) }
	f := newField(t)
	f.web(`batches = [1]`)
	f.clean()
	f.nodes(3)
	f.ok("transition", "web", "converged", "--reason", "CHG-1")
	f.ok("hold", "web", "web-02", "--reason", "disk swap")
	f.web(`batches = [2]`)
	f.clean()
	newest := f.entries()
	cases := map[string]struct {
		plant func()
		says  []string
	}{
		"desired":       {func() { f.spoil(dir+"desired", `"retries"`, `"retries" `) }, []string{"edited desired"}},
		"its open":      {func() { f.spoil(dir+"desired", `"joiners": "`, `"again": "x", "joiners": "`) }, []string{"edited desired"}},
		"no desired":    {func() { f.consul.delete(dir + "desired") }, []string{"deleted desired"}},
		"transition":    {func() { f.spoil(dir+"transition", `"status": "done"`, `"status": "aborted"`) }, []string{"edited transition"}},
		"no transition": {func() { f.consul.delete(dir + "transition") }, []string{"deleted transition"}},
		"definition":    {func() { f.spoil(dir+"definition", "batches", " batches") }, []string{"edited definition"}},
		"an order":      {func() { f.spoil(dir+"orders/web-02", "disk swap", "disk swop") }, []string{"edited orders/web-02"}},
		"no order":      {func() { f.consul.delete(dir + "orders/web-01") }, []string{"deleted orders/web-01"}},
		"one planted":   {func() { f.consul.put(dir+"orders/web-99", f.consul.get(dir+"orders/web-01")) }, []string{"planted orders/web-99"}},
		"an entry":      {func() { f.spoil(entry(3), "ada", "eve") }, []string{"edited journal/000000000003"}},
		"no entry":      {func() { f.consul.delete(entry(4)) }, []string{"deleted journal/000000000004"}},
		"the newest":    {func() { f.spoil(entry(newest), "ada", "eve") }, []string{"edited journal/" + fmt.Sprintf("%012d", newest)}},
		"one more": {func() { f.consul.put(entry(newest+1), f.consul.get(entry(newest))) },
			[]string{"planted journal/" + fmt.Sprintf("%012d", newest+1)}},
		"two swapped": {func() {
			two, five := f.consul.get(entry(2)), f.consul.get(entry(5))
			f.consul.put(entry(2), five)
			f.consul.put(entry(5), two)
		}, []string{"moved journal/000000000002", "moved journal/000000000005"}},
		"no leader": {func() { f.consul.delete(dir + "leader") }, []string{"deleted leader"}},
		"all at once": {func() {
			f.spoil(dir+"desired", `"retries"`, `"retries" `)
			f.spoil(dir+"transition", `"status": "done"`, `"status": "aborted"`)
			f.spoil(dir+"definition", "batches", " batches")
			f.spoil(dir+"orders/web-02", "disk swap", "disk swop")
			f.consul.put(dir+"orders/web-99", "x")
			f.spoil(entry(3), "ada", "eve")
		}, []string{"web: 6 faults", "desired", "transition", "definition", "orders/web-02", "orders/web-99", "journal/000000000003"}},
	}
	for name, c := range cases {
		good := f.leaders()
		c.plant()
		f.says(f.exits(1, "fsck", "web"), c.says...)
		text := f.exits(1, "fsck", "-o", "json")
		var document struct {
			Clean    bool
			Clusters []struct{ Faults []orchestrator.Finding }
		}
		if err := json.Unmarshal([]byte(text), &document); err != nil || document.Clean || len(document.Clusters) != 1 ||
			len(document.Clusters[0].Faults) != len(c.says) && name != "all at once" {
			t.Errorf("%s: %v, %+v", name, err, document)
		}
		f.mend(good)
		f.clean()
	}
	f.says(f.ok("history", "web", fmt.Sprint(newest)), "asked by: ada@bastion", "apply", "- batches", "+ batches", "= [2]")
	f.says(f.ok("history", "web"), "desired: gen ")
}

// leaders reads what leaders write.
func (f *field) leaders() map[string]string {
	f.t.Helper()
	_, text := f.consul.http("GET", "/v1/kv/orch/clusters/web/?recurse", "")
	var pairs []struct {
		Key   string
		Value []byte
	}
	must(f.t, json.Unmarshal([]byte(text), &pairs))
	good := map[string]string{}
	for _, pair := range pairs {
		if key := strings.TrimPrefix(pair.Key, "orch/"); !strings.Contains(key, "/status/") {
			good[key] = string(pair.Value)
		}
	}
	return good
}

// mend puts back what lay there.
func (f *field) mend(good map[string]string) {
	f.t.Helper()
	for key, now := range f.leaders() {
		if was, there := good[key]; !there {
			f.consul.delete(key)
		} else if was != now {
			f.consul.put(key, was)
		}
	}
	for key, was := range good {
		if f.consul.get(key) != was {
			f.consul.put(key, was)
		}
	}
}

// What was edited and then replaced by a leader is still named.
func TestFsckRemembersWhatWasReplaced(t *testing.T) {
	f := newField(t)
	f.web(`batches = [1]`)
	f.nodes(2)
	f.ok("transition", "web", "waiting")
	f.edits("desired is, and replaced")
	f.spoil("clusters/web/desired", `"retries"`, `"retries" `)
	f.ok("transition", "web", "converged", "--yes")
	f.says(f.exits(1, "fsck", "web"), "web: 1 fault", "desired", "it was edited, before entry")
}

// A leader that dies in mid-move leaves a journal that the next one continues; while they lead, and
// while one takes over, fsck never cries wolf.
func TestFsckWhileLeadersDie(t *testing.T) {
	f := newField(t)
	f.web(`batches = [1]`)
	f.nodes(3)
	f.ctl("all", "pause=0.1")
	stop, asked := make(chan struct{}), 0
	var asking sync.WaitGroup
	asking.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond): // others need the processor too
			}
			cmd := exec.Command(orchBin, "fsck", "web", "--http-addr", f.consul.addr)
			if text, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(text), "unchecked") {
				t.Errorf("fsck: %v:\n%s", err, text)
			}
			asked++
		}
	})
	for _, entries := range []int{2, 5} {
		before := f.entries()
		move := f.orchStart("transition", "web", map[int]string{2: "waiting", 5: "converged"}[entries], "--yes")
		eventually(t, "some entries", patience, func() bool { return f.entries() >= before+entries })
		move.kill()
		f.ok("resume", "web")
	}
	f.ok("transition", "web", "version", "1")
	close(stop)
	asking.Wait()
	if asked < 10 {
		t.Errorf("fsck was asked %d times only", asked)
	}
	f.clean()
}

// A journal that grew is made shorter when a leader lets go, and what is left replays. Nothing of the
// last move goes, and what only old entries told of is still checked.
func TestJournalIsCompacted(t *testing.T) {
	f := newField(t)
	f.web(`batches = [1]`)
	f.nodes(3)
	f.ok("hold", "web", "web-03", "--reason", "disk swap") // its order is not written again
	f.ok("transition", "web", "waiting")
	f.ok("transition", "web", "converged", "--yes")
	client, err := consulkv.Open(consulkv.Config{Address: f.consul.addr})
	must(t, err)
	keys, err := store.NewKeys("orch")
	must(t, err)
	s := store.New(client, keys, hclfile.Parse)
	engine := orchestrator.Engine{Store: s, Leaser: s, Archive: s, Log: hclog.NewNullLogger(), Clock: time.Now, Who: "ada@bastion",
		Keep: orchestrator.Keep{Least: 4, Age: time.Millisecond, Most: 1000, Slack: 2}}
	for n := range 3 {
		before := f.entries()
		snapshot, err := s.Snapshot(t.Context(), "web")
		must(t, err)
		now := time.Now().UTC()
		request := states.Request{Schema: states.Schema, ID: fmt.Sprint("q-again-", n), Kind: states.AskReconverge, By: "ada@bastion",
			Transition: snapshot.Record.Value.ID, Generation: snapshot.Desired.Value.Generation, At: now, Expires: now.Add(time.Hour)}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, err = engine.Drive(ctx, "web", request)
		cancel()
		must(t, err)
		_, oldest, err := s.Oldest(t.Context(), "web")
		must(t, err)
		if oldest.Value.Seq == 1 || f.entries() >= before+4 {
			t.Errorf("it begins with %d, and has %d entries; before that %d", oldest.Value.Seq, f.entries(), before)
		}
		f.says(f.ok("history", "web"), "the journal begins with entry "+fmt.Sprint(oldest.Value.Seq))
		f.clean()
	}
	f.ok("transition", "web", "version", "1")
	f.clean()
	f.edits("an order is, in the end")
	f.spoil("clusters/web/orders/web-03", "disk swap", "disk swop")
	f.says(f.exits(1, "fsck", "web"), "edited orders/web-03: it is not as entry", "restates it")
}

// Whoever may only look can check a journal too, and it tells whose token asked.
func TestJournalByRights(t *testing.T) {
	c := newCast(t)
	c.born(`batches = [1]`)
	c.says(c.as("viewer", 0, "fsck"), "web: clean")
	c.says(c.as("viewer", 0, "history", "web", "1"), "accessor: "+c.accessor("founder"))
	c.as("operator", 0, "transition", "web", "version", "1", "--reason", "CHG-1")
	c.says(c.as("viewer", 0, "fsck", "web"), "web: clean")
	text := c.as("viewer", 0, "history", "web", "-o", "json")
	c.says(text, `"accessor": "`+c.accessor("operator")+`"`, `"kind": "transition"`, `"why": "CHG-1"`)
	c.edits("an order is, in the end")
	c.spoil("clusters/web/orders/web-01", "version", "virsion")
	c.says(c.as("viewer", 1, "fsck", "web"), "edited orders/web-01")
	if text := c.as("web-01", 1, "fsck", "web"); !strings.Contains(text, "lacks key:read") {
		t.Errorf("an agent's token may not read all, and fsck says:\n%s", text)
	}
}
