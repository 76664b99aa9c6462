package sim

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
	bad  bool // nothing converges on it

	mu    sync.Mutex
	life  *life // of the agent now
	lives int
	runs  uint64
	boot  int
	procs map[int]*process
	real  states.State // where the last process left it; none while one runs, or after one that failed
	knows Saved
	down  bool
	turn  chan struct{} // power is on, or off, again
}

// process is a converge as the kernel knows it. It does not end with the agent that began it.
type process struct {
	pid     int
	run     states.Run
	done    chan struct{}
	outcome states.Outcome
}

func (w *world) machine(name, node string) *machine {
	return &machine{w: w, name: name, node: node, disk: &disk{}, procs: map[int]*process{}, boot: 1, turn: make(chan struct{}, 1)}
}

// supervise keeps an agent alive until the world ends, as systemd does.
func (m *machine) supervise() {
	for m.w.ctx.Err() == nil {
		if m.powered() {
			m.serve()
		}
		r := m.w.dice.throw("restart "+m.name, uint64(m.lives))
		pause := time.NewTimer(between(r, 50*time.Millisecond, 5*time.Second))
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

// serve is one process of the agent, from its start to its end.
func (m *machine) serve() {
	m.mu.Lock()
	m.lives++
	l := newLife(fmt.Sprintf("%s#%d", m.name, m.lives))
	m.life = l
	m.mu.Unlock()
	defer l.kill()
	m.w.note(Note{Who: l.name, Text: "agent starts"})
	inbox := store.NewAgent(m.w.altered(m.w.port(m.name, l)), keys, cluster, m.node)
	inbox.TTL = m.w.story.TTL
	config := convergeagent.Config{Cluster: cluster, Node: m.node, StateDir: m.name, TTL: m.w.story.TTL,
		Inbox: inbox, Presence: inbox, Action: &action{m, l}, Storage: m.open(l), Log: hclog.NewNullLogger()}
	if m.w.alter.Agent != nil {
		m.w.alter.Agent(&config)
	}
	err := convergeagent.New(config).Run(l.ctx)
	if !l.isDead() {
		m.w.note(Note{Who: l.name, Text: fmt.Sprintf("agent ends: %v", err)})
		var taken *states.TakenError
		if errors.As(err, &taken) {
			m.w.count("name taken")
		}
	}
}

// action is what an agent's process can do to its machine. It implements convergeagent.Action.
type action struct {
	*machine
	life *life
}

// Converge implements convergeagent.Action.
func (a *action) Converge(ctx context.Context, task convergeagent.Task) convergeagent.Result {
	interrupted := convergeagent.Result{Outcome: states.Interrupted, Exit: -1}
	if a.life.pass() != nil {
		return interrupted
	}
	p := a.begin(a.life, task.Run)
	a.w.moment("run", a.life.name)
	if err := task.Started(convergeagent.Process{PID: p.pid, Start: 1, Boot: fmt.Sprint(a.boot)}); err != nil {
		if !a.life.isDead() {
			a.end(p, states.Killed)
		}
		return convergeagent.Result{Outcome: states.ExitedBadly, Exit: -1, Error: "it could not be written down, and was ended"}
	}
	timeout := time.NewTimer(task.Run.Timeout.D())
	defer timeout.Stop()
	end := states.Outcome("")
	select {
	case <-p.done:
	case <-timeout.C:
		end = states.TimedOut
	case <-ctx.Done():
		end = states.Interrupted
	}
	if a.life.pass() != nil {
		return interrupted
	}
	if end != "" {
		grace := between(a.w.dice.throw("grace "+a.name, uint64(p.pid)), 0, states.KillGrace(task.Run.Timeout).D())
		if a.life.sleep(context.Background(), grace) != nil {
			return interrupted
		}
		a.end(p, end)
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

// Bury implements convergeagent.Action.
func (a *action) Bury(ctx context.Context, _ convergeagent.Process, run states.Run) error {
	a.mu.Lock()
	var left []*process
	for _, p := range a.procs {
		if p.run.ID == run.ID {
			left = append(left, p)
		}
	}
	a.mu.Unlock()
	for _, p := range left {
		if err := a.life.sleep(ctx, between(a.w.dice.throw("bury "+a.name, uint64(p.pid)), 0, 1500*time.Millisecond)); err != nil {
			return err
		}
		a.w.count("orphan buried")
		a.end(p, states.Killed)
	}
	return nil
}

// begin starts a process. How it will end is thrown for now.
func (m *machine) begin(l *life, run states.Run) *process {
	m.mu.Lock()
	m.runs++
	r := m.w.dice.throw("run "+m.name, m.runs)
	p := &process{pid: m.w.pid(), run: run, done: make(chan struct{})}
	m.procs[p.pid] = p
	m.real = states.State{}
	note := &Exec{PID: p.pid, Machine: m.name, Node: m.node, Run: run, Boot: m.boot}
	m.mu.Unlock()
	m.w.note(Note{Who: l.name, Start: note})
	fate := m.w.fate(r, m, run)
	if fate.hangs {
		m.w.count("run hangs")
		fate.takes = run.Timeout.D() + states.KillGrace(run.Timeout).D() // what nobody ends gives up then
		fate.outcome = states.Killed
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
	if outcome == states.Succeeded && len(m.procs) == 0 {
		m.real = p.run.State.Short()
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
	m.disk.mu.Lock()
	m.disk.text, m.disk.there = nil, false
	m.disk.mu.Unlock()
	m.mu.Lock()
	m.real, m.knows = states.State{}, Saved{}
	m.mu.Unlock()
	m.w.note(Note{Who: m.name, Text: "is installed anew"})
	m.power(true)
}
