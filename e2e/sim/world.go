package sim

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"orch/states"
	"orch/states/hclfile"
	"orch/states/memkv"
	"orch/states/store"
)

var keys = func() store.Keys {
	k, err := store.NewKeys("orch")
	if err != nil {
		panic(err)
	}
	return k
}()

// world is a story on its way: a store, machines, whoever types, and everything that was seen of them.
// It lives in a synctest bubble: time passes when nobody has anything to do.
type world struct {
	story  Story
	alter  Alteration
	dice   dice
	began  time.Time
	ctx    context.Context // until the story ends
	end    context.CancelFunc
	actors sync.WaitGroup
	kv     *memkv.KV
	memo   *store.Memo // of all processes: what a text says does not depend on who reads it

	mu       sync.Mutex
	history  History
	counts   map[string]int
	machines map[string]*machine
	clients  map[string]*memkv.Caller
	ports    map[string][]*port
	wires    map[string]wire
	lives    map[string]*life  // by name, of commands
	owners   map[string]string // of sessions: names of processes
	lease    string            // session that holds it
	armed    []Event
	clocks   map[string]clock // by host
	saves    []save
	pids     int
	typed    int
	calm     bool
	silent   bool // what changes now is told otherwise
	overrun  bool // it would not end, and was cut short
}

type save struct {
	at       time.Duration
	snapshot memkv.Snapshot
}

// Result is what came of a story.
type Result struct {
	History    History
	Counts     map[string]int
	Lasted     time.Duration
	Violations []Violation
	Spoiled    []string // documents that somebody changed who had only read them
}

// play lets a story happen. It runs inside of a bubble.
func play(s Story, alter Alteration) Result {
	w := &world{story: s, alter: alter, dice: dice{s.Seed}, began: time.Now(), kv: memkv.New(nil), memo: store.NewMemo(1 << 20), counts: map[string]int{},
		machines: map[string]*machine{}, clients: map[string]*memkv.Caller{}, ports: map[string][]*port{}, wires: map[string]wire{},
		lives: map[string]*life{}, owners: map[string]string{}, clocks: map[string]clock{}}
	w.ctx, w.end = context.WithCancel(context.Background())
	w.kv.Observe(w.saw)
	w.spans()
	w.birth()
	for i := range s.Nodes {
		name := fmt.Sprintf("n%d", 1+i)
		w.start(name, name, between(w.dice.throw("start "+name, 0), 0, 20*time.Second))
	}
	w.actors.Go(w.snapshots)
	w.tell()
	if w.ctx.Err() == nil {
		w.mend()
	}
	w.audit()
	w.undrained()
	w.end()
	w.stop()
	w.actors.Wait()
	w.kv.Observe(nil)
	result := Result{History: w.history, Counts: w.counts, Lasted: time.Since(w.began)}
	if s.Seed%10 == 1 { // it takes as long as reading them all once more
		result.Spoiled = w.memo.Spoiled()
	}
	return result
}

// tell lets the events happen, each at its time or in its moment.
func (w *world) tell() {
	for _, e := range w.story.Events {
		if w.sleepUntil(e.At); w.ctx.Err() != nil {
			return
		}
		if e.On != "" {
			w.mu.Lock()
			w.armed = append(w.armed, e)
			w.mu.Unlock()
			continue
		}
		w.happen(e, "")
	}
	w.sleepUntil(w.story.Length)
}

func (w *world) sleepUntil(at time.Duration) { time.Sleep(at - time.Since(w.began)) }

// start adds a machine after a while.
func (w *world) start(name, node string, wait time.Duration) *machine {
	m := w.machine(name, node)
	w.mu.Lock()
	w.machines[name] = m
	w.wrong(name)
	w.mu.Unlock()
	w.actors.Go(func() {
		time.Sleep(wait)
		m.supervise()
	})
	return m
}

// stop kills whoever lives.
func (w *world) stop() {
	w.mu.Lock()
	var lives []*life
	for _, l := range w.lives {
		lives = append(lives, l)
	}
	w.mu.Unlock()
	for _, l := range lives {
		l.kill()
	}
	for _, m := range w.all() {
		m.crash()
	}
}

// all gives the machines, by name.
func (w *world) all() []*machine {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]*machine, 0, len(w.machines))
	for _, m := range w.machines {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b *machine) int { return cmp.Compare(a.name, b.name) })
	return list
}

// snapshots are taken from time to time, for somebody to restore one.
func (w *world) snapshots() {
	r := w.dice.throw("snapshots", 0)
	for w.story.Rough && w.ctx.Err() == nil {
		taken := save{time.Since(w.began), w.kv.Save()} // sessions may end in it, which is seen, behind the lock
		w.mu.Lock()
		w.saves = append(w.saves, taken)
		w.mu.Unlock()
		timer := time.NewTimer(between(r, 5*time.Second, 20*time.Second))
		select {
		case <-timer.C:
		case <-w.ctx.Done():
		}
		timer.Stop()
	}
}

// note writes down what happened.
func (w *world) note(n Note) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n.At = time.Since(w.began)
	n.Shown, n.Set = w.shown(n.Who, n.At)
	w.history.Notes = append(w.history.Notes, n)
}

// count counts that something happened, so that nobody believes in a fault that never took place.
func (w *world) count(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[what]++
}

// saw takes a change of the store.
func (w *world) saw(c memkv.Commit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, pair := range c.Pairs {
		if pair.Key == keys.Leader(cluster) {
			w.lease = pair.Session
		}
	}
	if len(w.history.Notes) > w.story.most() && !w.overrun {
		w.overrun = true
		w.history.Notes = append(w.history.Notes, Note{At: time.Since(w.began), Text: "it is cut short: it does not come to an end", Calm: "cut short"})
		go func() { w.end(); w.stop() }()
	}
	if !w.silent && !w.overrun {
		at := time.Since(w.began)
		most, set := w.shown(c.By, at)
		w.history.Notes = append(w.history.Notes, Note{At: at, Shown: most, Set: set, Who: c.By, Write: readWrite(w.memo, c.Index, c.Pairs)})
	}
}

// most notes are more than a story has that comes to an end.
func (s Story) most() int {
	if s.Told != "" {
		return 400
	}
	return 12_000
}

// reset notes that the store holds something else now, by no client's doing.
func (w *world) reset(text string) {
	n := Note{Who: "", Text: text, Reset: true, Write: readWrite(w.memo, 0, w.kv.All())}
	w.mu.Lock()
	w.lease = ""
	for _, doc := range n.Write.Docs {
		if doc.Room == "leader" {
			w.lease = doc.Session
		}
	}
	w.mu.Unlock()
	w.note(n)
}

func (w *world) owns(session, life string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.owners[session] = life
}

func (w *world) pid() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pids++
	return w.pids
}

func (w *world) client(host string) *memkv.Caller {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.clients[host] == nil {
		w.clients[host] = w.kv.Client()
	}
	return w.clients[host]
}

func (w *world) wire(host string) wire {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wires[host]
}

// rewire changes what is wrong with a host's way to the store.
func (w *world) rewire(host string, change func(*wire)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.wires[host]
	change(&one)
	w.wires[host] = one
}

// fate throws how a run goes.
func (w *world) fate(r *rand.Rand, m *machine, run states.Run) fate {
	w.mu.Lock()
	calm := w.calm
	w.mu.Unlock()
	f := fate{takes: between(r, 500*time.Millisecond, 15*time.Second), outcome: states.Succeeded}
	luck := r.Float64()
	s := w.story
	if s.Takes > 0 {
		f.takes = s.Takes + between(r, 0, 100*time.Millisecond)
	}
	switch {
	case calm:
	case m.bad.Load(), badVersion(run.State) && luck < 0.8:
		f.outcome = states.ExitedBadly
	case luck < s.FailRate:
		f.outcome = states.ExitedBadly
	case luck < s.FailRate+s.SlowRate:
		f.takes = between(r, 15*time.Second, 3*time.Minute)
	case luck < s.FailRate+s.SlowRate+s.HangRate:
		f.hangs = true
	}
	return f
}

// badVersion: some releases cannot be converged to.
func badVersion(state states.State) bool { return strings.HasSuffix(state.Argument, "3") }

// parse reads definitions, each text once.
var parsed sync.Map

func parse(text string) (states.Cluster, error) {
	type outcome struct {
		cluster states.Cluster
		err     error
	}
	if known, ok := parsed.Load(text); ok {
		return known.(outcome).cluster, known.(outcome).err
	}
	definition, err := hclfile.Parse(text)
	parsed.Store(text, outcome{definition, err})
	return definition, err
}
