package sim

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"orch/convergeagent"
	"orch/states"
	"orch/states/store"
)

// machine is one host with an agent that somebody restarts, a disk, and the processes of converges.
type machine struct {
	w    *world
	name string // of the machine; a twin goes by another machine's node name
	node string
	disk *disk
	bad  atomic.Bool // nothing converges on it

	mu    sync.Mutex
	life  *life // of the agent now
	lives int
	runs  uint64
	boot  int
	procs map[int]*process
	kept  map[string]*process // by what keyOf says
	real  states.State        // where the last process left it; none while one runs, or after one that failed
	knows Saved
	down  bool
	turn  chan struct{} // power is on, or off, again

	out     string        // why its service is in maintenance; empty: it has traffic
	since   time.Duration // when it was put there
	clock   time.Duration // what the host's showed too much then
	meddled bool          // a person has taken it out

	gaveUp  bool // its last run failed for good; only an alteration asks
	broken  bool // what its last converge made
	looks   uint64
	looking *life // the process whose check goes on; nil: none does
}

// process is a converge with its runner. It does not end with the agent that began it, and how it ended is
// kept until an agent has written that down.
type process struct {
	pid     int
	run     states.Run
	done    chan struct{}
	outcome states.Outcome
	lost    bool // with the power of its machine
}

// keyOf names one try of a run.
func keyOf(run states.Run) string { return fmt.Sprintf("%s/%d", run.ID, run.Attempt) }

func (w *world) machine(name, node string) *machine {
	return &machine{w: w, name: name, node: node, disk: &disk{}, procs: map[int]*process{}, kept: map[string]*process{}, boot: 1, turn: make(chan struct{}, 1)}
}

// supervise keeps an agent alive until the world ends, as systemd does: one that ends by itself each time
// is started less and less often.
func (m *machine) supervise() {
	tired := time.Duration(1)
	for m.w.ctx.Err() == nil {
		if m.powered() && m.serve() {
			tired = min(2*tired, 64)
		} else {
			tired = 1
		}
		r := m.w.dice.throw("restart "+m.name, uint64(m.lives))
		pause := time.NewTimer(tired * between(r, 50*time.Millisecond, 5*time.Second))
		if !m.powered() {
			pause.Reset(time.Hour)
		}
		select {
		case <-m.w.ctx.Done():
		case <-m.turn:
		case <-pause.C:
		}
		pause.Stop()
	}
}

func (m *machine) powered() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.down
}

// serve is one process of the agent, from its start to its end. It tells whether that ended because
// another has its name.
func (m *machine) serve() bool {
	m.mu.Lock()
	m.lives++
	l := newLife(fmt.Sprintf("%s#%d", m.name, m.lives))
	m.life = l
	m.mu.Unlock()
	defer l.kill()
	m.w.note(Note{Who: l.name, Text: "agent starts"})
	inbox := store.NewAgent(m.w.altered(m.w.port(m.name, l), m.node), keys, cluster, m.node)
	inbox.TTL, inbox.Memo = m.w.story.TTL, m.w.memo
	config := convergeagent.Config{Cluster: cluster, Node: m.node, StateDir: m.name, TTL: m.w.story.TTL,
		Inbox: inbox, Presence: inbox, Action: &action{m, l}, Drainer: &drainer{machine: m, life: l}, Storage: m.open(l), Clock: m.w.show(m.name), Log: hclog.NewNullLogger()}
	m.cares(&config, l)
	if m.w.alter.Agent != nil {
		m.w.alter.Agent(m, &config)
	}
	err := convergeagent.New(config).Run(l.ctx)
	if l.isDead() {
		return false
	}
	m.w.note(Note{Who: l.name, Text: fmt.Sprintf("agent ends: %v", err)})
	var taken *states.TakenError
	if errors.As(err, &taken) {
		m.w.count("name taken")
	}
	return taken != nil
}

// action is what an agent's process can do to its machine. It implements convergeagent.Action.
type action struct {
	*machine
	life *life
}

// Converge implements convergeagent.Action.
func (a *action) Converge(ctx context.Context, task convergeagent.Task) convergeagent.Result {
	if a.life.pass() != nil {
		return convergeagent.Result{}
	}
	p := a.begin(a.life, task.Run)
	a.w.moment("run", a.life.name)
	return a.await(ctx, p)
}

// Adopt implements convergeagent.Action.
func (a *action) Adopt(ctx context.Context, task convergeagent.Task) convergeagent.Result {
	if a.life.pass() != nil {
		return convergeagent.Result{}
	}
	a.mu.Lock()
	p := a.kept[keyOf(task.Run)]
	a.mu.Unlock()
	if p == nil {
		return convergeagent.Result{Outcome: states.Interrupted, Exit: -1, Error: "interrupted: its agent ended before anything ran", Free: true}
	}
	a.w.count("run adopted")
	return a.await(ctx, p)
}

// Forget implements convergeagent.Action.
func (a *action) Forget(run states.Run) {
	if a.life.pass() == nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.kept, keyOf(run))
	}
}

// await stays with a run until it or the agent ends.
func (a *action) await(ctx context.Context, p *process) convergeagent.Result {
	select {
	case <-p.done:
	case <-ctx.Done():
		return convergeagent.Result{}
	}
	if p.lost {
		return convergeagent.Result{Outcome: states.Interrupted, Exit: -1, Error: "interrupted by a reboot of the node", Free: true}
	}
	return resultOf(p.outcome)
}

func resultOf(outcome states.Outcome) convergeagent.Result {
	result := convergeagent.Result{Outcome: outcome, Exit: -1}
	switch outcome {
	case states.Succeeded:
		result.Exit = 0
	case states.ExitedBadly:
		result.Exit = 1
	case states.Killed:
		result.Signal = "SIGKILL"
	}
	return result
}

// begin starts a process. How it will end is thrown for now.
func (m *machine) begin(l *life, run states.Run) *process {
	m.mu.Lock()
	m.runs++
	m.beside(l)
	r := m.w.dice.throw("run "+m.name, m.runs)
	began := time.Since(m.w.began)
	p := &process{pid: m.w.pid(), run: run, done: make(chan struct{})}
	m.procs[p.pid], m.kept[keyOf(run)] = p, p
	m.real = states.State{}
	note := &Exec{Traffic: m.traffic(run), PID: p.pid, At: began, Machine: m.name, Node: m.node, Run: run, Boot: m.boot}
	m.mu.Unlock()
	m.w.note(Note{Who: l.name, Start: note})
	fate := m.w.fate(r, m, run)
	if fate.hangs {
		m.w.count("run hangs")
	}
	if timeout := run.Timeout.D(); fate.hangs || fate.takes > timeout { // its runner ends it
		fate.takes = timeout + between(m.w.dice.throw("grace "+m.name, uint64(p.pid)), 0, states.KillGrace(run.Timeout).D())
		fate.outcome = states.TimedOut
	}
	time.AfterFunc(fate.takes, func() { m.end(p, fate.outcome) })
	return p
}

// fate is how a run goes if nobody ends it.
type fate struct {
	takes   time.Duration
	outcome states.Outcome
	hangs   bool
}

// end ends a process, once.
func (m *machine) end(p *process, outcome states.Outcome) {
	m.mu.Lock()
	if _, alive := m.procs[p.pid]; !alive {
		m.mu.Unlock()
		return
	}
	delete(m.procs, p.pid)
	p.outcome = outcome
	p.lost = m.down
	if outcome == states.Succeeded && len(m.procs) == 0 {
		m.real, m.broken = p.run.State.Short(), false
	}
	note := &Exec{PID: p.pid, Machine: m.name, Node: m.node, Run: p.run, Boot: m.boot, Outcome: outcome, Real: m.real}
	close(p.done)
	m.mu.Unlock()
	m.w.note(Note{Who: m.name, End: note})
}

// crash kills the agent; its runs go on.
func (m *machine) crash() {
	m.mu.Lock()
	l := m.life
	m.mu.Unlock()
	if l != nil {
		l.kill()
	}
}

// power switches the machine off, with all that runs on it, or on.
func (m *machine) power(on bool) {
	m.mu.Lock()
	m.down = !on
	boot := m.boot
	var procs []*process
	if !on {
		m.boot++
		for _, p := range m.procs {
			procs = append(procs, p)
		}
	}
	m.mu.Unlock()
	if !on {
		m.crash()
		m.disk.lose(m.w.dice.throw("power "+m.name, uint64(boot)))
		for _, p := range procs {
			m.end(p, states.Killed)
		}
	}
	select {
	case m.turn <- struct{}{}:
	default:
	}
}

// reinstall makes a machine that knows nothing: another instance under the same name.
func (m *machine) reinstall() {
	m.power(false)
	m.disk.erase()
	m.mu.Lock()
	m.real, m.knows, m.kept, m.out = states.State{}, Saved{}, map[string]*process{}, ""
	m.mu.Unlock()
	m.w.note(Note{Who: m.name, Text: "is installed anew"})
	m.power(true)
}
