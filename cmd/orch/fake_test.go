package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"orch/orchestrator"
	"orch/states"
	"orch/states/hclfile"
)

// fake is one cluster in memory, with agents that do at once what they may. It is for tests of the
// verbs: whether stores behave is tested elsewhere.
type fake struct {
	mu       sync.Mutex
	snapshot states.Snapshot
	journal  []states.Entry
	filed    []states.Request
	lease    *states.Lease
	bad      map[string]bool // nodes whose runs fail
	once     bool            // of those, each fails once
	slow     bool            // agents do nothing
	writes   int
	weighed  int // how often somebody looked whether the journal is too long
	id       string
	listen   []chan<- struct{}
	says     error // what Consul answers, instead of a snapshot
	far      elsewhere
	wrote    func(n int) // after each request that is filed (0) and each commit (1 and so on)
}

// elsewhere is what comes from other places of Consul than its keys.
type elsewhere struct {
	Place   place
	Session states.Session // of whoever leads
}

func (f *fake) Snapshot(_ context.Context, cluster string) (states.Snapshot, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.says != nil {
		return states.Snapshot{}, f.says
	}
	s := f.snapshot
	if cluster != s.Cluster {
		return states.Snapshot{Cluster: cluster}, nil
	}
	s.Nodes, s.Requests = slices.Clone(s.Nodes), slices.Clone(s.Requests)
	return s, nil
}

func (f *fake) Withdraw(_ context.Context, _, id string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := len(f.snapshot.Requests)
	f.snapshot.Requests = slices.DeleteFunc(f.snapshot.Requests, func(r states.Doc[states.Request]) bool { return r.Value.ID == id })
	return len(f.snapshot.Requests) < before, nil
}

func (f *fake) Commit(_ context.Context, _ *states.Lease, _ states.Snapshot, change states.Change) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.snapshot = orchestrator.After(f.snapshot, change)
	if change.Definition != nil {
		definition, err := hclfile.Parse(*change.Definition)
		if err != nil {
			return err
		}
		f.snapshot.Definition, f.snapshot.Source = doc(definition), *change.Definition
	}
	f.journal = append(f.journal, change.Entry)
	f.writes++
	if !f.slow {
		f.converge()
	}
	f.tell()
	if f.wrote != nil {
		f.wrote(f.writes)
	}
	return nil
}

// converge lets every agent do what it may.
func (f *fake) converge() {
	for i, n := range f.snapshot.Nodes {
		status := n.Status.Value
		view := states.View{Desired: f.snapshot.Desired.Value, Now: at("03:00:00")}
		if n.Order.OK() {
			view.Order = &n.Order.Value
		}
		self := states.Self{Drift: status.Drift, Instance: status.Instance, State: status.State, Attempting: status.Attempting, AgainDone: status.AgainDone, Last: status.Run}
		if status.Refused = status.Trust.Refuses(view.Desired, f.snapshot.Cluster, f.id, states.WarrantMark{}); status.Refused != "" {
			f.snapshot.Nodes[i].Status = doc(status)
			continue
		}
		verdict := states.Decide(self, view)
		if status.Refused = status.Trust.Forbids(view.Desired, verdict.Target, status.State, view.Now); status.Refused != "" {
			verdict.Go = false
		}
		status.Mark, status.Phase, status.Reason = view.Desired.Mark, verdict.Phase, verdict.Reason
		if verdict.Go && n.Alive {
			status.Run = states.Run{ID: first(verdict.Run, "r-own"), State: verdict.Target.Short(), Transition: view.Desired.Transition,
				Generation: view.Desired.Generation, Under: verdict.Under, Attempt: 1, Tries: 1, Outcome: states.Succeeded, Terminal: true}
			status.State, status.Attempting, status.Phase, status.Reason = verdict.Target.Short(), states.State{}, states.Settled, "there"
			status.AgainDone, status.Drift = first(verdict.Again, status.AgainDone), nil
			if f.bad[n.Name] {
				status.State, status.Attempting, status.Phase, status.Reason = n.Status.Value.State, verdict.Target.Short(), states.Failed, "it failed"
				status.Run.Outcome, status.Run.Exit = states.ExitedBadly, 1
				status.Failed = status.Run
				f.bad[n.Name] = !f.once
			}
		}
		f.snapshot.Nodes[i].Status = doc(status)
	}
}

func (f *fake) tell() {
	for _, l := range f.listen {
		select {
		case l <- struct{}{}:
		default:
		}
	}
}

func (f *fake) Follow(ctx context.Context, _ string, news chan<- struct{}) error {
	f.mu.Lock()
	f.listen = append(f.listen, news)
	f.mu.Unlock()
	<-ctx.Done()
	return ctx.Err()
}

func (f *fake) File(_ context.Context, _ string, r states.Request) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := r.Validate(); err != nil {
		return err
	}
	f.filed = append(f.filed, r)
	f.snapshot.Requests = append(f.snapshot.Requests, doc(r))
	f.tell()
	if f.wrote != nil {
		f.wrote(0)
	}
	return nil
}

func (f *fake) Queue(ctx context.Context, cluster string, r states.Request) (*states.Turn, error) {
	r.Held = true
	turn, cancel := context.WithCancel(context.Background())
	return &states.Turn{Context: turn, Leave: func(context.Context) error { cancel(); return nil }}, f.File(ctx, cluster, r)
}

func (f *fake) Campaign(ctx context.Context, cluster, who, _ string) (*states.Lease, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if f.snapshot.Led {
		return nil, &states.HeldError{Cluster: cluster, Leader: f.snapshot.Leader.Value, Session: f.snapshot.Session}
	}
	ctx, cancel := context.WithCancel(context.Background())
	f.snapshot.Led, f.snapshot.Session = true, "s-1"
	f.snapshot.Leader = doc(states.Leader{Who: who, Since: at("03:00:00"), Epoch: 2})
	return &states.Lease{Cluster: cluster, Who: who, Session: "s-1", Epoch: 2, Context: ctx, Release: func(context.Context) error {
		cancel()
		f.mu.Lock()
		defer f.mu.Unlock()
		f.snapshot.Led, f.snapshot.Session = false, ""
		return nil
	}}, nil
}

func (f *fake) Clusters(context.Context) ([]string, error) {
	return []string{f.snapshot.Cluster}, nil
}

func (f *fake) Journal(_ context.Context, _ string, after uint64) ([]states.Doc[states.Entry], error) {
	return f.Entries(context.Background(), "", after+1, 1<<20)
}

func (f *fake) Entries(_ context.Context, _ string, first, last uint64) ([]states.Doc[states.Entry], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []states.Doc[states.Entry]
	for _, e := range f.journal {
		if first <= e.Seq && e.Seq <= last {
			found = append(found, doc(e))
		}
	}
	return found, nil
}

func (f *fake) Oldest(context.Context, string) (int, states.Doc[states.Entry], error) {
	f.weighed++
	return 0, states.Doc[states.Entry]{}, nil
}

// Ledger is one without digests, as if an older version had written it.
func (f *fake) Ledger(ctx context.Context, cluster string) (states.Ledger, error) {
	snapshot, err := f.Snapshot(ctx, cluster)
	ledger := states.Ledger{Snapshot: snapshot, Digests: map[string]string{"desired": "", "transition": "", "definition": ""}}
	for _, n := range snapshot.Nodes {
		if n.Order.There() {
			ledger.Digests["orders/"+n.Name] = ""
		}
	}
	for _, e := range f.journal {
		ledger.Pages = append(ledger.Pages, states.Page{Doc: doc(e), Seq: e.Seq, Key: fmt.Sprintf("journal/%012d", e.Seq)})
	}
	return ledger, err
}

func (f *fake) Prune(context.Context, *states.Lease, []states.Page) error { return nil }

func (f *fake) MakeID(_ context.Context, fresh string) (string, error) {
	f.id = first(f.id, fresh)
	return f.id, nil
}

func (f *fake) Session(_ context.Context, id string) (states.Session, error) {
	session := f.far.Session
	session.ID, session.Lives = id, f.snapshot.Led
	return session, nil
}

func (f *fake) Unlock(_ context.Context, _, session string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.snapshot.Session == session {
		f.snapshot.Led, f.snapshot.Session = false, ""
	}
	return nil
}

// world is a fake with the streams of a command around it.
type world struct {
	*fake
	t        *testing.T
	out, err bytes.Buffer
	typed    string // on a terminal, if not empty
	env      map[string]string
	seconds  int
	senses   orchestrator.Senses

	width, height int // of its terminal; 0: none
}

// newWorld has three nodes and a definition, applied.
func newWorld(t *testing.T) *world {
	w := &world{t: t, env: map[string]string{"ORCH_OPERATOR": "ada@bastion"}, fake: &fake{bad: map[string]bool{}, far: elsewhere{place{"dc1", "127.0.0.1:8500"},
		states.Session{TTL: states.Duration(30 * time.Second), Node: "bastion", Health: "passing"}}}}
	w.snapshot.Cluster = "web"
	for i := range 3 {
		status := states.Status{Instance: fmt.Sprintf("i-%d", i+1), Schema: 1, Phase: states.Waiting}
		w.snapshot.Nodes = append(w.snapshot.Nodes, states.Node{Name: fmt.Sprintf("web-%d", i+1), Alive: true, Status: doc(status)})
	}
	return w
}

// run types a command, and gives its exit code.
func (w *world) run(line ...string) int {
	w.t.Helper()
	w.out.Reset()
	w.err.Reset()
	a := &app{in: strings.NewReader(w.typed), out: &w.out, err: &w.err, env: func(name string) string { return w.env[name] }, now: w.now, patience: 100 * time.Millisecond,
		screen: screen{in: w.typed != "", out: w.width > 0, size: func() (int, int) { return w.width, w.height }, hurry: &hurry{}},
		dial: func(context.Context, connection) (*consul, error) {
			return &consul{Store: w, Leaser: w, library: w, Senses: w.senses, place: w.far.Place, accessor: "acc-1"}, nil
		}}
	return run(a, line)
}

// now is a clock that stands still for a while, so that screens are the same each time.
func (w *world) now() time.Time { return at("03:00:00").Add(time.Duration(w.seconds) * time.Second) }

// must types a command that has to end with a code.
func (w *world) must(code int, line ...string) string {
	w.t.Helper()
	if got := w.run(line...); got != code {
		w.t.Fatalf("orch %s ended with %d, not %d\n%s%s", strings.Join(line, " "), got, code, &w.out, &w.err)
	}
	return w.out.String() + w.err.String()
}

// says checks that a text has all parts.
func says(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in:\n%s", part, text)
		}
	}
}

func (w *world) at() map[string]string {
	at := map[string]string{}
	for _, n := range w.snapshot.Nodes {
		at[n.Name] = n.Status.Value.State.String()
	}
	return at
}

func everywhere(at map[string]string, state string) bool {
	return !slices.ContainsFunc(slices.Collect(maps.Values(at)), func(s string) bool { return s != state })
}
