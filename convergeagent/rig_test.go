package convergeagent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"orch/states"
	"orch/states/memkv"
	"orch/states/store"
)

// rig is a store in memory, and one node's agent that works with it.
type rig struct {
	t       *testing.T
	kv      *memkv.KV
	client  *memkv.Caller // the agent's
	inbox   *store.Agent
	config  Config
	log     *strings.Builder
	catalog *catalog // of the services on its node
	drainer *drainer
	stop    func() error // ends the agent and its run, and gives what Run returned
	leave   func() error // ends the agent alone
}

var keys = func() store.Keys {
	k, err := store.NewKeys("orch")
	if err != nil {
		panic(err)
	}
	return k
}()

// newRig makes a node whose runs are a shell script.
func newRig(t *testing.T, script string) *rig {
	t.Helper()
	return rigIn(t, t.TempDir(), script)
}

func rigIn(t *testing.T, dir, script string) *rig {
	t.Helper()
	kv := memkv.New(nil)
	r := &rig{t: t, kv: kv, client: kv.Client(), catalog: newCatalog()}
	r.drainer = &drainer{catalog: r.catalog}
	r.inbox = store.NewAgent(r.client, keys, "web", "web-01")
	r.inbox.Again = 50 * time.Millisecond
	r.config = Config{Cluster: "web", Node: "web-01", StateDir: dir, TTL: 3 * time.Second,
		Inbox: r.inbox, Presence: r.inbox, Drainer: r.drainer, Action: shell(dir, script), Log: hclog.NewNullLogger()}
	if os.Getenv("AGENT_LOG") != "" {
		r.config.Log = hclog.New(&hclog.LoggerOptions{Level: hclog.Debug})
	}
	r.inbox.TTL = r.config.TTL
	return r
}

// turn is the condition of a loop in a script that goes on until it is ended, longer than any test waits, and
// not for ever: what is left of a run whose runner was killed nobody ends once the test was killed too.
const turn = `[ $((turn += 1)) -lt 3000 ]`

func shell(dir, script string) *Exec {
	return &Exec{Dir: filepath.Join(dir, "runs"), Command: func(state states.State) ([]string, error) {
		return Fill([]string{"/bin/sh", "-c", script, "converge", "${state}", "${argument}"}, state), nil
	}}
}

// start runs the agent until the test or r.stop ends it.
func (r *rig) start() {
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error, 1)
	go func() {
		err := New(r.config).Run(ctx)
		if err != nil {
			r.t.Errorf("the agent ended: %v", err)
		}
		done <- err
	}()
	ended := false
	end := func(cause error) error {
		if ended {
			return nil
		}
		ended = true
		cancel(cause)
		select {
		case err := <-done:
			return err
		case <-time.After(15 * time.Second):
			r.t.Fatal("the agent did not stop")
			return nil
		}
	}
	r.stop, r.leave = func() error { return end(ErrEndRun) }, func() error { return end(nil) }
	r.t.Cleanup(func() { _ = r.stop() })
}

// desired is a document that lets everybody go.
func desired(generation uint64, state string) states.Desired {
	name, argument, _ := strings.Cut(state, " ")
	return states.Desired{Schema: states.Schema, Mark: states.Mark{Epoch: 1, Generation: generation, Transition: fmt.Sprintf("t-%d", generation)},
		State: states.State{Name: name, Argument: argument, Serving: true}, Stable: states.State{Name: "off"},
		Open: true, Joiners: states.JoinersTarget, Timeout: states.Duration(time.Minute), RetryDelay: states.Duration(50 * time.Millisecond)}
}

// closed makes it one where nodes wait for orders.
func closed(d states.Desired) states.Desired {
	d.Open, d.Joiners = false, states.JoinersWait
	return d
}

func (r *rig) want(d states.Desired) { r.kv.Put(keys.Desired("web"), text(d)) }

// order lets the node go, whatever instance it is.
func (r *rig) order(d states.Desired, run string) {
	r.kv.Put(keys.Order("web", "web-01"), text(states.Order{Schema: states.Schema, Transition: d.Transition, Generation: d.Generation,
		State: d.State, Instance: r.status().Instance, Run: run, Timeout: d.Timeout}))
}

func text(document any) string {
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		panic(err)
	}
	return string(text)
}

// pair reads what lies at the node's status key.
func (r *rig) pair() store.Pair {
	for _, pair := range r.kv.All() {
		if pair.Key == keys.Status("web", "web-01") {
			return pair
		}
	}
	return store.Pair{}
}

func (r *rig) status() (s states.Status) {
	if pair := r.pair(); pair.Index != 0 {
		if err := json.Unmarshal(pair.Value, &s); err != nil {
			r.t.Fatal(err)
		}
	}
	return s
}

// until waits for a status.
func (r *rig) until(what string, good func(states.Status) bool) states.Status {
	r.t.Helper()
	var s states.Status
	eventually(r.t, what, func() bool { s = r.status(); return good(s) }, func() string { return text(s) })
	return s
}

func (r *rig) settled(state string) states.Status {
	r.t.Helper()
	return r.until("settled at "+state, func(s states.Status) bool { return s.Phase == states.Settled && s.State.String() == state })
}

func eventually(t *testing.T, what string, good func() bool, last func() string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) { // a machine may have other work
		if good() {
			return
		}
	}
	t.Fatalf("never: %s; at last: %s", what, last())
}

// save puts a memory where an agent will find it.
func save(t *testing.T, dir string, m memory) {
	t.Helper()
	f, err := openFolder(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := (&diary{storage: f}).save(m); err != nil {
		t.Fatal(err)
	}
}

// lines reads a file that runs write to.
func lines(path string) []string {
	text, _ := os.ReadFile(path)
	return strings.Fields(string(text))
}

// quiet checks that something stays as it is for a while.
func quiet(t *testing.T, what string, good func() bool) {
	t.Helper()
	for deadline := time.Now().Add(300 * time.Millisecond); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if !good() {
			t.Fatalf("not so any more: %s", what)
		}
	}
}

// gone checks that a process whose number is in a file can do nothing any more.
func gone(t *testing.T, path string) {
	t.Helper()
	numbers := lines(path)
	if len(numbers) == 0 {
		t.Fatalf("%s has no number", path)
	}
	for _, number := range numbers {
		pid, err := strconv.Atoi(number)
		if err != nil {
			t.Fatal(err)
		}
		if alive(pid) {
			t.Errorf("process %d is alive", pid)
		}
	}
}

// alive tells whether a process can still do something.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(text[bytes.LastIndexByte(text, ')'):]), " ")
	return state[0] != 'Z' && state[0] != 'X'
}
