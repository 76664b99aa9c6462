package convergeagent

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"orch/states"
	"orch/states/hostiletest"
)

// nasty are values that somebody could write into Consul to be taken for a command, an option, a path
// or something that a program chokes on.
var nasty = []string{
	"$(touch owned)", "`touch owned`", "; touch owned #", "x && touch owned", "| touch owned", "--help", "-x", "@/etc/passwd",
	"../../etc/passwd", "/etc/passwd", "..", ".", "%2e%2e%2f", "a/b", "nul\x00byte", "line\nPATH=/tmp", "\x1b[2J\x1b]0;x\a",
	"{{ lookup('pipe', 'touch owned') }}", "%{facts.os}", "${argument}", "ｖ１", "a\u202eb", "\ufeffx", "caf\u0065\u0301", strings.Repeat("A", 10_000),
}

// put sets a string of a document, and makes the rest fit: attributes have a digest.
func put[T any](document *T, p hostiletest.Place, value string) {
	p.Set(reflect.ValueOf(document).Elem(), value)
	if strings.Contains(p.Name, "Attributes") {
		redigest(reflect.ValueOf(document).Elem())
	}
}

func redigest(v reflect.Value) {
	if v.Type() == reflect.TypeFor[states.State]() {
		s := v.Addr().Interface().(*states.State)
		s.Digest = states.Digest(s.Attributes)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				redigest(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			redigest(v.Index(i))
		}
	}
}

// fed is an Inbox through which a test knows that the agent has acted on what it saw.
type fed struct {
	Inbox
	mu   sync.Mutex
	seen map[uint64]bool // indexes of desired and order that were looked at, and the turn ended
}

// Follow hands each sight over twice: when the second is taken, the first was acted upon.
func (f *fed) Follow(ctx context.Context, sights chan<- states.Sight) error {
	inner := make(chan states.Sight)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- f.Inbox.Follow(ctx, inner) }()
	for {
		select {
		case err := <-done:
			return err
		case sight := <-inner:
			for range 2 {
				select {
				case sights <- sight:
				case <-ctx.Done():
					return <-done
				}
			}
			f.mu.Lock()
			f.seen[sight.Desired.Index], f.seen[sight.Order.Index] = true, true
			f.mu.Unlock()
		}
	}
}

// acted waits until the agent has acted on what lies at a key, and nothing runs because of it.
func (r *rig) acted(f *fed, key string) states.Status {
	r.t.Helper()
	var index uint64
	for _, pair := range r.kv.All() {
		if pair.Key == key {
			index = pair.Index
		}
	}
	eventually(r.t, "it acts on "+key, func() bool { f.mu.Lock(); defer f.mu.Unlock(); return f.seen[index] }, func() string { return text(r.status()) })
	return r.until("at rest", func(s states.Status) bool { return s.Phase != states.Converging && s.Phase != states.Draining })
}

// tools are the ways in which a node converges, each with a stand-in for its program.
func tools(program string) map[string]func(*Exec) {
	driven := func(d Driver) func(*Exec) { return func(e *Exec) { e.Driver = func(states.State) Driver { return d } } }
	return map[string]func(*Exec){
		"exec": func(e *Exec) {
			e.Command = func(s states.State) ([]string, error) {
				return Fill([]string{program, "--to", "${state}", "${argument}"}, s), nil
			}
		},
		"puppet":  driven(Puppet{Binary: program, Manifest: "/etc/site.pp"}),
		"chef":    driven(Chef{Binary: program}),
		"ansible": driven(Ansible{Binary: program, Playbook: "/etc/site.yml"}),
	}
}

// recorder is a program that writes down byte by byte how it was executed.
func recorder(t *testing.T, dir string) (program, calls string) {
	t.Helper()
	program, calls = filepath.Join(dir, "tool"), filepath.Join(dir, "calls")
	do(t, os.MkdirAll(calls, 0o700), os.WriteFile(program, []byte(`#!/bin/sh
n=`+calls+`/$ORCH_RUN.$$
cat /proc/$$/cmdline > $n.argv
cat /proc/$$/environ > $n.env
`), 0o700))
	return program, calls
}

// What lies in Consul never becomes a command, an option or a path, whatever it is and wherever in a
// document it stands: of each run argv is the configured one, with a name and an argument that are valid and whole;
// the environment has the names that it should; and nothing is made beside the state directory.
func TestHostileValues(t *testing.T) {
	t.Parallel()
	for tool := range tools("") {
		values, each := slices.Collect(slices.Chunk(nasty, len(nasty))), tool == "exec"
		if each { // which the agent mostly waits for: a few agents have them faster
			values = slices.Collect(slices.Chunk(nasty, 4))
		}
		for i, some := range values {
			t.Run(fmt.Sprint(tool, " ", i+1), func(t *testing.T) {
				t.Parallel()
				attacked(t, tool, some, each)
			})
		}
	}
}

// attacked is a node that converges by a tool, under attack by some values.
func attacked(t *testing.T, tool string, values []string, each bool) {
	outer := t.TempDir()
	program, calls := recorder(t, filepath.Join(outer, "bin"))
	dir := filepath.Join(outer, "state")
	r := rigIn(t, dir, "")
	tools(program)[tool](r.config.Action.(*Exec))
	f := &fed{Inbox: r.inbox, seen: map[uint64]bool{}}
	r.config.Inbox = f
	r.want(desired(1, "version 1"))
	r.start()
	r.settled("version 1")
	around := beside(t, outer)
	for _, value := range values {
		if r.attack(f, value, each) == 0 {
			t.Errorf("%.80q was never let in, wherever it stood: the test shows nothing", value)
		}
	}
	if now := beside(t, outer); !slices.Equal(around, now) {
		t.Errorf("beside the state directory were %q, and are %q", around, now)
	}
	if ran := judge(t, tool, program, dir, calls); ran < len(values) {
		t.Errorf("it ran %d times only", ran)
	}
}

// attack puts a value into each string of desired that is closed to it (each: one after the other, before
// the agent); then into all that are open to it at once, so that a run sees them; then into each of the order.
func (r *rig) attack(f *fed, value string, each bool) (accepted int) {
	generation := r.status().Generation + 1
	next := func() states.Desired {
		d := desired(generation, fmt.Sprintf("version %d", generation))
		d.Stable = d.State
		return d
	}
	let := next()
	for _, p := range hostiletest.Places[states.Desired]() {
		d := next()
		put(&d, p, value)
		if d.Validate() == nil && d.Cluster == "" { // whose it is, is compared with the key
			put(&let, p, value)
			accepted++
			continue
		}
		if !each {
			continue
		}
		r.want(d)
		if s := r.acted(f, keys.Desired("web")); s.Generation == generation || s.Refused == "" {
			r.t.Errorf("%s = %.80q: it reports %s", p.Name, value, text(s))
		}
	}
	r.want(let)
	if s := r.acted(f, keys.Desired("web")); s.Generation != generation || !s.Run.OK() {
		r.t.Errorf("with %.80q wherever it is let in: it reports %s", value, text(s))
	}
	if !each {
		return accepted
	}
	return accepted + r.attackByOrder(f, generation+1, value)
}

func (r *rig) attackByOrder(f *fed, generation uint64, value string) (accepted int) {
	d := closed(desired(generation, fmt.Sprintf("version %d", generation)))
	d.From = []states.State{r.status().State}
	r.want(d)
	r.acted(f, keys.Desired("web"))
	for i, p := range hostiletest.Places[states.Order]() {
		order := states.Order{Schema: states.Schema, Transition: d.Transition, Generation: generation, State: d.State,
			Instance: r.status().Instance, Run: fmt.Sprintf("o-%d-%d", generation, i), Timeout: d.Timeout}
		put(&order, p, value)
		r.kv.Put(keys.Order("web", "web-01"), text(order))
		r.acted(f, keys.Order("web", "web-01"))
		if order.Validate() == nil {
			accepted++
		}
	}
	for _, p := range hostiletest.Places[states.Freeze]() {
		freeze := states.Freeze{Schema: states.Schema}
		put(&freeze, p, value)
		r.kv.Put(keys.Freeze(), text(freeze))
	}
	r.kv.Delete(keys.Freeze())
	r.kv.Delete(keys.Order("web", "web-01"))
	return accepted
}

// beside lists everything but what is in the state directory and in the record of what was executed.
func beside(t *testing.T, outer string) (names []string) {
	t.Helper()
	for _, path := range listing(t, outer) {
		name := strings.TrimPrefix(path, outer)
		if !strings.HasPrefix(name, "/state/") && !strings.HasPrefix(name, "/bin/calls/") {
			names = append(names, name)
		}
	}
	return names
}
